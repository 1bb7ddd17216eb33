"""A stream whose reader may go away."""

import errno
import io
import os
import pty
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from aad.display.stream import Stream


def open_text(descriptor: int, encoding: str = "utf-8") -> io.TextIOWrapper:
    return os.fdopen(descriptor, "w", encoding=encoding)


def fill(writer: int) -> None:
    """Write to a pipe, made non-blocking, until it is full."""
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b".")


def read_all(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def test_text_is_written_and_pushed_out_at_once() -> None:
    reader, writer = os.pipe()
    out = open_text(writer)

    Stream(out).write("✓ done\n")

    assert os.read(reader, 100) == "✓ done\n".encode()
    out.close()
    os.close(reader)


def test_what_the_encoding_lacks_is_written_as_an_escape() -> None:
    reader, writer = os.pipe()
    out = open_text(writer, "cp1252")

    Stream(out).write("é ✓ \udc80\n")
    out.close()

    assert read_all(reader) == b"\xe9 \\u2713 \\udc80\n"


def test_what_programs_read_is_utf_8_whatever_the_terminal_speaks() -> None:
    reader, writer = os.pipe()
    out = open_text(writer, "cp932")
    stream = Stream(out)

    stream.speak_utf8()
    stream.write("✓ \udc80\n")
    out.close()

    assert (stream.encoding, read_all(reader)) == ("utf-8", "✓ \\udc80\n".encode())


def test_a_closed_pipe_silences_the_stream_for_good_and_its_last_flush() -> None:
    reader, writer = os.pipe()
    out = open_text(writer)
    stream = Stream(out)
    os.close(reader)

    stream.write("one\n")
    stream.write("two\n")

    assert stream.silent
    out.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_silences_the_stream() -> None:
    out = open_text(os.open("/dev/full", os.O_WRONLY))
    stream = Stream(out)

    stream.write("one\n")

    assert stream.silent
    out.close()


def test_a_terminal_that_is_gone_silences_the_stream() -> None:
    leader, follower = pty.openpty()
    out = open_text(follower)
    stream = Stream(out)
    was_terminal = stream.isatty()
    os.close(leader)

    stream.write("one\n")

    assert (was_terminal, stream.silent, stream.isatty()) == (True, True, False)
    out.close()


def test_a_stream_that_somebody_closed_is_silent() -> None:
    out = io.StringIO()
    stream = Stream(out)
    out.close()

    stream.write("one\n")

    assert (stream.silent, stream.isatty(), stream.encoding) == (True, False, None)


def test_a_stream_that_the_process_was_started_without_is_silent() -> None:
    stream = Stream(None)

    stream.speak_utf8()
    stream.write("one\n")

    assert (stream.silent, stream.isatty(), stream.encoding) == (True, False, None)


def test_a_stream_without_descriptor_falls_silent_as_well() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE), text)

    stream = Stream(Gone())

    stream.write("one\n")

    assert stream.silent


def test_a_pipe_that_a_child_made_non_blocking_loses_nothing() -> None:
    reader, writer = os.pipe()
    fill(writer)
    received: list[bytes] = []
    reading = threading.Thread(target=lambda: received.append(read_all(reader)))

    class Shared(io.TextIOWrapper):
        def fileno(self) -> int:
            """Let the reader come only when the stream has found the pipe full."""
            reading.start()
            return super().fileno()

    with Shared(os.fdopen(writer, "wb"), encoding="utf-8") as out:
        Stream(out).write("last line\n")
    reading.join()

    assert received[0].lstrip(b".") == b"last line\n"


def test_a_process_whose_reader_left_ends_with_its_own_status_and_without_a_word() -> None:
    program = (
        "import sys; from aad.display.stream import Stream\n"
        "out = Stream(sys.stdout)\n"
        "for _ in range(20000): out.write('a line that nobody reads\\n')\n"
        "sys.exit(7)"
    )

    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    child.stdout = None
    _, complaints = child.communicate()

    assert (child.returncode, complaints) == (7, b"")


def test_a_full_device_is_told_once_and_a_reader_that_left_never() -> None:
    told: list[int | None] = []
    reader, writer = os.pipe()
    os.close(reader)

    with suppress(OSError), Path("/dev/full").open("w") as full, open_text(writer) as broken:
        for out in (full, broken):
            stream = Stream(out, lambda error: told.append(error.errno))
            stream.write("a\n")
            stream.write("b\n")

    assert told == [errno.ENOSPC]
