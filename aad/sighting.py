"""A secret seen in a text, and what is put in its place."""

from attrs import frozen

MASK = b"[redacted]"
# More bytes than that no sighting has.
REACH = 16 * 1024

Span = tuple[int, int]


@frozen
class Sighting:
    """Where a secret stands in a text, and where it does together with all that shows it to be one."""

    secret: Span
    whole: Span

    def move(self, by: int) -> "Sighting":
        """Return where it stands when so many bytes come before."""
        secret, whole = ((start + by, end + by) for start, end in (self.secret, self.whole))
        return Sighting(secret, whole)
