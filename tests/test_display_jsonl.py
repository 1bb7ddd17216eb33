"""What programs read of a run."""

import io

from aad import events
from aad.codec import decode, encode
from aad.display.base import Display, NoDisplay
from aad.display.jsonl import JsonlDisplay
from aad.display.stream import Stream
from aad.events import Event


def some_events() -> list[Event]:
    return [
        events.SessionStarted(seq=1, ts=1000.0, run="R", spec="仕様-001", attempt=1, agent="command", pid=5),
        events.SessionOutput(seq=0, ts=1000.5, run="R", spec="仕様-001", attempt=1, message="出力 🚀 \udc80"),
        events.SessionCompleted(seq=2, ts=1001.0, run="R", spec="仕様-001", attempt=1, duration_s=1.0),
    ]


def test_the_lines_are_those_of_the_journal_in_the_same_order_whatever_the_terminal_speaks() -> None:
    raw = io.BytesIO()
    display = JsonlDisplay(Stream(io.TextIOWrapper(raw, encoding="ascii")))

    for event in some_events():
        display.show(event)
    display.flush()

    assert raw.getvalue() == b"".join(map(encode, some_events()))


def test_a_line_can_be_read_back() -> None:
    out = io.StringIO()
    display = JsonlDisplay(Stream(out))
    event = some_events()[0]

    display.show(event)
    display.flush()

    assert decode(out.getvalue().encode()) == event


def test_nothing_is_written_before_the_turn_ends_and_nothing_twice() -> None:
    out = io.StringIO()
    display = JsonlDisplay(Stream(out))

    display.show(some_events()[0])
    display.tick(99999.0)
    before = out.getvalue()
    display.flush()
    display.flush()
    display.close()

    assert (before, out.getvalue()) == ("", encode(some_events()[0]).decode())


def test_closing_writes_what_is_left() -> None:
    out = io.StringIO()
    display = JsonlDisplay(Stream(out))

    display.show(some_events()[0])
    display.close()

    assert out.getvalue() == encode(some_events()[0]).decode()


def test_no_display_is_a_display_too() -> None:
    display: Display = NoDisplay()

    display.show(some_events()[0])
    display.flush()
    display.tick(0.0)
    display.close()

    assert isinstance(display, NoDisplay)
