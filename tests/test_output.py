import os
import re
import shutil
import stat
import tempfile
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from fulldisk import disk_full_at
from hypothesis import given, settings
from hypothesis import strategies as st
from madeupsecrets import list_body, make_key

from aad.output import BEFORE, END, LONGEST_LINE, PIECE, OutputLog
from aad.redact import Redactor

TOKEN = b"tok-0123456789"
MASK = b"[redacted]"
UNLIMITED = 10**9
KEY = make_key(size=3200).encode()
BODY = [line.encode() for line in list_body(KEY.decode())]


def open_log(
    path: Path,
    *,
    limit: int = UNLIMITED,
    tail_lines: int = 3,
    secrets: Iterable[bytes] = (),
    on_line: Callable[[str], None] | None = None,
) -> OutputLog:
    return OutputLog.open(
        path, redactor=Redactor(secrets), limit=limit, tail_lines=tail_lines, on_line=on_line
    )


def write_all(log: OutputLog, *chunks: bytes) -> OutputLog:
    for chunk in chunks:
        log.write(chunk)
    log.close()
    return log


def cut_into(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def left_out(logged: bytes) -> int:
    """Return how many bytes are missing according to the log."""
    found = re.search(rb"\n\[aad: (\d+) bytes left out\]\n", logged)
    return 0 if found is None else int(found[1])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a log is to be, in folders that are not there yet."""
    return tmp_path / "A" / "1" / "output.log"


# --- the file ---


def test_the_file_is_readable_by_its_owner_alone_and_so_are_its_folders(path: Path) -> None:
    open_log(path).close()

    modes = [stat.S_IMODE(p.stat().st_mode) for p in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


def test_the_file_is_not_inherited_by_children(path: Path) -> None:
    log = open_log(path)

    assert not os.get_inheritable(log._descriptor)
    log.close()


@pytest.mark.parametrize("secrets", [(), (TOKEN,)])
def test_bytes_of_any_kind_are_kept_as_they_are(path: Path, secrets: tuple[bytes, ...]) -> None:
    data = b"\xff\0 half \xe5\x8d" + b"\x8a\rthen\r\n\x1b[31mred\n\n" + bytes(range(256))

    write_all(open_log(path, secrets=secrets), *cut_into(data, 3))

    assert path.read_bytes() == data


def test_output_is_in_the_file_before_the_log_is_closed(path: Path) -> None:
    log = open_log(path, secrets=[TOKEN])

    log.write(b"one\ntw")

    assert path.read_bytes() == b"one\n"
    log.close()
    assert path.read_bytes() == b"one\ntw"


def test_secrets_are_masked_in_whatever_pieces_they_come(path: Path) -> None:
    data = b"a " + TOKEN + b"\nb " + TOKEN

    write_all(open_log(path, secrets=[TOKEN]), *cut_into(data, 1))

    assert path.read_bytes() == b"a [redacted]\nb [redacted]"


def test_a_log_is_added_to_and_never_begun_anew(path: Path) -> None:
    write_all(open_log(path), b"one\n")

    write_all(open_log(path), b"two\n")

    assert path.read_bytes() == b"one\ntwo\n"


def test_closing_twice_is_harmless(path: Path) -> None:
    log = write_all(open_log(path, limit=3, secrets=[TOKEN]), b"one\ntwo\n")

    log.close()

    assert path.read_bytes() == b"one\ntwo\n"


# --- the limit ---


@pytest.mark.parametrize("limit", [0, 1, 100, 110, 10_000])
def test_output_that_is_over_the_limit_by_less_than_the_end_is_whole(path: Path, limit: int) -> None:
    data = b"".join(b"%09d\n" % number for number in range(1000))

    write_all(open_log(path, limit=limit), *cut_into(data, 333))

    assert path.read_bytes() == data


def test_a_long_output_keeps_its_beginning_and_whole_lines_of_its_end(path: Path) -> None:
    data = b"".join(b"%09d\n" % number for number in range(100_000))

    write_all(open_log(path, limit=105), *cut_into(data, 4096))

    # 6553 lines of ten bytes and a piece of one are the end; the piece is left out.
    missing = len(data) - 105 - 65_530
    end = b"".join(b"%09d\n" % number for number in range(100_000 - 6553, 100_000))
    assert path.read_bytes() == data[:105] + b"\n[aad: %d bytes left out]\n" % missing + end


def test_the_end_of_an_endless_line_is_kept_too(path: Path) -> None:
    write_all(open_log(path, limit=10), *[b"x" * PIECE] * 10, b"the end")

    logged = path.read_bytes()
    assert logged.startswith(b"x" * 10 + b"\n[aad: %d bytes left out]\nx" % (10 * PIECE + 7 - 10 - END))
    assert logged.endswith(b"xxxthe end")


@given(
    line=st.integers(0, 200_000),
    lines=st.integers(1, 40),
    size=st.sampled_from([999, 4096, 65_536, 10**7]),
    limit=st.sampled_from([0, 1, 5000, 65_536, 200_000]),
)
def test_what_is_kept_and_what_is_left_out_are_all_that_came(
    line: int, lines: int, size: int, limit: int
) -> None:
    data = ((b"%07d." % line) * (line // 8) + b"\n") * min(lines, 500_000 // (line + 1) + 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "output.log")

        write_all(open_log(path, limit=limit), *cut_into(data, size))

        logged = path.read_bytes()
    missing = left_out(logged)
    marker = b"\n[aad: %d bytes left out]\n" % missing if missing else b""
    head, _, end = logged.partition(marker) if marker else (logged, b"", b"")
    assert len(head) + missing + len(end) == len(data)
    assert data.startswith(head)
    assert data.endswith(end)
    assert not missing or (len(head) == limit and len(end) <= END)


@pytest.mark.parametrize("line_end", [b"\n", b" "], ids=["lines", "one line"])
@pytest.mark.parametrize("shift", range(0, 30, 7))
def test_no_part_of_a_secret_is_left_where_the_output_was_cut(
    path: Path, line_end: bytes, shift: int
) -> None:
    unit = TOKEN + line_end
    log = open_log(path, limit=1000 + shift, secrets=[TOKEN])

    write_all(log, b"." * shift, *cut_into(unit * 50_000, 1000), b"x" * shift)

    logged, masked = path.read_bytes(), MASK + line_end
    head, _, end = logged.partition(b"\n[aad: %d bytes left out]\n" % left_out(logged))
    assert left_out(logged) > 0
    assert (b"." * shift + masked * 200).startswith(head)
    assert (masked * 50_000 + b"x" * shift).endswith(end)
    assert len(end) > END // 2


def test_a_secret_on_the_limit_is_masked_before_it_is_cut(path: Path) -> None:
    data = b"x" * 995 + TOKEN + b"\n" + b"y" * 200_000

    write_all(open_log(path, limit=1000, secrets=[TOKEN]), data)

    assert path.read_bytes().startswith(b"x" * 995 + b"[reda\n[aad: ")


def test_what_the_redactor_held_back_at_the_limit_is_masked_in_the_end(path: Path) -> None:
    log = open_log(path, limit=5, secrets=[TOKEN])

    write_all(log, b"123456\n" + TOKEN[:5], TOKEN[5:] + b"\nlast ", TOKEN)

    assert path.read_bytes() == b"123456\n[redacted]\nlast [redacted]"


@pytest.mark.parametrize("size", [4999, 10**7])
@pytest.mark.parametrize("place", [0, 20, 32, 40, 500, 3000, len(KEY) - 10])
@pytest.mark.parametrize("limit", [0, 1000, 100_000])
def test_no_line_of_a_key_is_told_wherever_the_output_was_cut(
    path: Path, limit: int, place: int, size: int
) -> None:
    prose = b"a line of prose\n" * 12_000
    # One key lies on the limit, one where the end that is kept begins.
    head, end = prose[: max(limit - place, 0)] + b"\n", prose[: END - len(KEY) + place]
    log = open_log(path, limit=limit)

    write_all(log, *cut_into(head + KEY + prose + KEY + end, size))

    logged = path.read_bytes()
    assert left_out(logged) > 0
    assert [line for line in BODY if line in logged] == []
    assert logged.endswith(end[-END // 2 :])


@pytest.mark.parametrize("place", [40, 500, 3000])
def test_a_key_that_began_before_the_end_that_is_kept_is_known_still(path: Path, place: int) -> None:
    after = b"words\n" * ((END - len(KEY) + place) // 6)
    log = open_log(path, limit=0, tail_lines=100_000)

    # With the last line more is remembered than may be, and the beginning is forgotten.
    log.write(b"x" * (2 * END + BEFORE - len(KEY + after) - 1) + b"\n" + KEY + after)
    log.write(b"last\n")
    log.close()

    told = b"\n".join([path.read_bytes(), *log.tail()])
    assert [line for line in BODY if line in told] == []
    assert told.count(MASK) > 0


@pytest.mark.parametrize("limit", [0, 100, 5000, UNLIMITED])
@pytest.mark.parametrize("cut", [1500, len(KEY) - 40])
def test_of_a_key_that_is_cut_off_no_line_is_among_the_last(path: Path, limit: int, cut: int) -> None:
    log = open_log(path, limit=limit)
    for chunk in cut_into(b"x\n" * 100 + KEY[:cut], 100):
        log.write(chunk)
    before = log.tail()

    log.close()

    assert before == log.tail()
    assert before[0] == MASK
    assert [line for line in BODY if line[:16] in path.read_bytes()] == []


@settings(max_examples=40)
@given(
    lead=st.integers(0, 3 * END),
    after=st.integers(0, END + BEFORE),
    limit=st.sampled_from([0, 1000, 65_536]),
    size=st.sampled_from([777, PIECE, 10**7]),
)
def test_a_key_anywhere_is_masked_in_log_and_last_lines(lead: int, after: int, limit: int, size: int) -> None:
    line = b"words, but no key\n"
    data = line * (lead // len(line)) + KEY + line * (after // len(line))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "output.log")
        log = open_log(path, limit=limit, tail_lines=100_000)

        write_all(log, *cut_into(data, size))

        logged = path.read_bytes()
    told = b"\n".join([logged, *log.tail()])
    assert [line for line in BODY if line in told] == []


# --- the last lines ---


@pytest.mark.parametrize(
    ("data", "tail", "lines"),
    [
        (b"", (), 0),
        (b"\n", (b"",), 1),
        (b"one", (b"one",), 1),
        (b"one\ntwo\n", (b"one", b"two"), 2),
        (b"1\n2\n3\n4\n5", (b"3", b"4", b"5"), 5),
        (b"1\n2\n3\n\n", (b"2", b"3", b""), 4),
        (b"50%\r100%\n\xff\r\n", (b"50%\r100%", b"\xff\r"), 2),
    ],
)
@pytest.mark.parametrize("limit", [0, 3, UNLIMITED])
@pytest.mark.parametrize("secrets", [(), (TOKEN,)])
def test_the_last_lines_are_known_while_it_is_written_and_after(  # noqa: PLR0917 - all that may vary
    path: Path, data: bytes, tail: tuple[bytes, ...], lines: int, limit: int, secrets: tuple[bytes, ...]
) -> None:
    log = open_log(path, limit=limit, secrets=secrets)
    for chunk in cut_into(data, 1):
        log.write(chunk)
    before = log.tail(), log.lines

    log.close()

    assert before == (log.tail(), log.lines) == (tail, lines)


@pytest.mark.parametrize("limit", [0, 100, UNLIMITED])
def test_the_last_lines_are_masked(path: Path, limit: int) -> None:
    log = open_log(path, limit=limit, secrets=[TOKEN])

    log.write(b"key " + TOKEN + b"\n" + b"x" * 200 + b"\n" + TOKEN)

    assert log.tail() == (b"key [redacted]", b"x" * 200, MASK)
    log.close()


def test_of_a_flood_the_last_lines_are_whole(path: Path) -> None:
    log = open_log(path, limit=0, tail_lines=40)

    write_all(log, *cut_into(b"".join(b"line %d\n" % number for number in range(200_000)), PIECE))

    assert log.tail() == tuple(b"line %d" % number for number in range(199_960, 200_000))
    assert log.lines == 200_000


def test_a_log_of_no_last_lines_has_none(path: Path) -> None:
    assert write_all(open_log(path, tail_lines=0), b"one\n").tail() == ()


# --- trouble ---


def test_a_log_in_order_has_no_trouble(path: Path) -> None:
    assert write_all(open_log(path, limit=1), b"one\n" * 100_000).trouble is None


def test_a_full_disk_is_remembered_and_the_output_is_taken_all_the_same(path: Path) -> None:
    log = open_log(path)

    with disk_full_at(6):
        write_all(log, b"one\n", b"two\n", b"three\n")

    assert log.trouble == "File too large"
    assert path.read_bytes() == b"one\ntw"
    assert (log.tail(), log.lines) == ((b"one", b"two", b"three"), 3)


def test_a_folder_that_cannot_be_made_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "A").touch()

    log = write_all(open_log(tmp_path / "A" / "output.log"), b"one\n")

    assert log.trouble == "File exists"
    assert log.tail() == (b"one",)


@pytest.mark.parametrize("more", [b"two\n", b""])
def test_a_folder_that_is_deleted_meanwhile_is_noticed(path: Path, more: bytes) -> None:
    log = open_log(path)
    log.write(b"one\n")
    shutil.rmtree(path.parent)

    write_all(log, more)

    assert log.trouble == "No such file or directory"


# --- telling lines ---


def test_lines_are_told_whole_masked_and_readable(path: Path) -> None:
    told: list[str] = []
    data = b"one\n\n\xff " + TOKEN + b"\r\nlast"

    write_all(open_log(path, secrets=[TOKEN], on_line=told.append), *cut_into(data, 2))

    assert told == ["one", "", "\\xff [redacted]\r", "last"]


def test_lines_are_told_as_they_come(path: Path) -> None:
    told: list[str] = []
    log = open_log(path, on_line=told.append)

    log.write(b"one\ntw")

    assert told == ["one"]
    log.close()
    assert told == ["one", "tw"]


def test_lines_are_told_behind_the_limit_too(path: Path) -> None:
    told: list[str] = []

    write_all(open_log(path, limit=5, secrets=[TOKEN], on_line=told.append), *[TOKEN + b"\n"] * 20_000)

    assert told == ["[redacted]"] * 20_000
    assert left_out(path.read_bytes()) > 0


def test_a_line_that_is_too_long_is_told_cut(path: Path) -> None:
    told: list[str] = []

    write_all(open_log(path, on_line=told.append), b"x" * (2 * LONGEST_LINE), b"\nnext\n")

    assert told == ["x" * LONGEST_LINE, "next"]


# --- memory ---


@pytest.mark.parametrize("limit", [0, UNLIMITED])
@pytest.mark.parametrize("chunk", [b"x" * 10_000_000, b"x" * PIECE, (b"-" * 79 + b"\n") * 800], ids=len)
def test_memory_does_not_grow_with_the_output(path: Path, limit: int, chunk: bytes) -> None:
    log = open_log(path, limit=limit, secrets=[TOKEN], on_line=lambda _: None)
    tracemalloc.start()

    for _ in range(10_000_000 // len(chunk)):
        log.write(chunk)
    _, most = tracemalloc.get_traced_memory()

    tracemalloc.stop()
    log.close()
    assert most < 4_000_000


def test_memory_does_not_grow_with_the_number_of_pieces(path: Path) -> None:
    log = open_log(path, limit=1000, secrets=[TOKEN])
    tracemalloc.start()

    for _ in range(100_000):
        log.write(b"x")
    _, most = tracemalloc.get_traced_memory()

    tracemalloc.stop()
    log.close()
    assert most < 1_000_000
