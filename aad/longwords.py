"""The long words of a text. Nearly every secret has one, and most other text has few.

So of a flood only these are searched for the many forms a secret may have.
"""

import re
import string

LONG = 16
# All letters look alike in an outline, and so does all that stands between words.
LETTERS = frozenset((string.ascii_letters + string.digits + "_-").encode())
OUTLINE = bytes(ord("x" if byte in LETTERS else " ") for byte in range(256))
LONG_OUTLINE = b"x" * LONG
LONG_WORD = re.compile(rb"[A-Za-z0-9_-]{%d,}" % LONG)
# With more than one long word in so many bytes, picking them out costs more than it saves.
SPARSE = 128


def find_long_words(data: bytes) -> bytes:
    """Return the words of LONG letters or more, a gap between each and the next; or all, if they are many."""
    outline = data.translate(OUTLINE)
    words: list[bytes] = []
    most = len(data) // SPARSE + 1
    start = outline.find(LONG_OUTLINE)
    while start >= 0:
        if len(words) > most:
            return data
        end = outline.find(b" ", start + LONG)
        end = len(data) if end < 0 else end
        words.append(data[start:end])
        start = outline.find(LONG_OUTLINE, end)
    return b" ".join(words)


def find_longest_word(data: bytes) -> bytes:
    """Return the longest of the long words, or nothing if there is none."""
    return max(LONG_WORD.findall(data), key=len, default=b"")
