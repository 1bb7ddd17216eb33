"""The forms in which people write numbers. Prints nothing."""

# The greatest number that has all forms: Roman numerals end here.
GREATEST = 3_999


def check(number: int) -> None:
    """Raise ValueError for a number that not every form has."""
    if not 1 <= number <= GREATEST:
        raise ValueError(f"{number} is not between 1 and {GREATEST}")


def write_grouped(number: int) -> str:
    """Return 2026 as `2,026`."""
    check(number)
    return f"{number:,}"


def write_ordinal(number: int) -> str:
    """Return 2026 as `2026th`."""
    check(number)
    teens = number % 100 in (11, 12, 13)
    ending = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
