import json
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_origin
from zlib import crc32

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aad.codec import decode, encode, format_time, make_event, read_time, read_version, unseal
from aad.events import (
    TYPES,
    Event,
    Failure,
    Integrated,
    LeftOut,
    PlanEntry,
    PlanMade,
    Reason,
    RolledBack,
    RunFinished,
    RunStarted,
    SessionCompleted,
    SessionEvent,
    SessionFailed,
    SessionOutput,
    SessionProgress,
    Usage,
)

RUN = "20261122-213612-7f3a"
AT = 1795383372.25

# Numbers that milliseconds hold, from 1970 on.
TIMES = st.integers(0, 4_000_000_000_000).map(lambda number: number / 1000)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def values_of(kind: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - any annotation
    """Return a strategy of a type, without the numbers that JSON lacks."""
    parts = get_args(kind)
    if kind is float:
        return FLOATS
    if attrs.has(kind):
        return st.builds(kind, **{field.name: values_of(field.type) for field in attrs.fields(kind)})
    if get_origin(kind) is tuple:
        return st.lists(values_of(parts[0]), max_size=3).map(tuple)
    if get_origin(kind) is UnionType:
        return st.one_of([values_of(part) for part in parts])
    found: st.SearchStrategy[Any] = st.from_type(kind)
    return found


def events_of(kind: type[Event]) -> st.SearchStrategy[Event]:
    fields = [field for field in attrs.fields(kind) if field.name != "ts"]
    return st.builds(kind, ts=TIMES, **{field.name: values_of(field.type) for field in fields})


EVENTS = st.one_of([events_of(kind) for kind in TYPES.values()])


def seal(body: str) -> bytes:
    data = body.encode()
    return data + b',"crc":"%08x"}\n' % crc32(data)


# --- what a line looks like ---


def test_a_session_event_is_one_line_with_its_members_in_order() -> None:
    failure = Failure(reason=Reason.EXIT_CODE, exit_code=1, log_tail=("a", 'say "b"'))
    event = SessionFailed(
        seq=7, ts=AT, run=RUN, spec="SPEC-003", attempt=2, duration_s=1.5, log="x/output.log", failure=failure
    )

    line = encode(event)

    assert line == (
        b'{"v":1,"seq":7,"ts":"2026-11-22T21:36:12.250Z","run":"20261122-213612-7f3a","type":"session_failed",'
        b'"spec":"SPEC-003","attempt":2,"status":"failed","duration_s":1.5,"log":"x/output.log",'
        b'"failure":{"reason":"exit_code","exit_code":1,"log_tail":["a","say \\"b\\""]},"crc":"c5934221"}\n'
    )


def test_a_run_event_has_neither_spec_nor_attempt() -> None:
    event = RunStarted(seq=1, ts=AT, run=RUN, pid=4711, version="0.1.0", jobs=2, schedule="eager")

    members = list(json.loads(encode(event)))

    assert members == [
        "v",
        "seq",
        "ts",
        "run",
        "type",
        "pid",
        "version",
        "jobs",
        "schedule",
        "resumed",
        "crc",
    ]


def test_a_plan_holds_its_specs_as_objects() -> None:
    entries = (
        PlanEntry(id="A", title="First"),
        PlanEntry(id="B", depends_on=("A",), wave=1, estimate_s=60.0),
    )

    members = json.loads(encode(PlanMade(specs=entries, waves=(("A",), ("B",)))))

    assert members["specs"] == [
        {"id": "A", "title": "First", "status": "ready", "wave": 0, "added": False},
        {"id": "B", "status": "ready", "depends_on": ["A"], "wave": 1, "estimate_s": 60.0, "added": False},
    ]


def test_what_is_left_out_stands_as_objects_and_only_where_something_is() -> None:
    left = (LeftOut(path=".env", why="secret"),)
    kept = RolledBack(spec="A", attempt=1, ref="refs/aad/r/A/1", commit="c0", base="ba5e", left_out=left)
    integrated = Integrated(spec="A", attempt=1, branch="aad/A", commit="c0", target="aad/run/r", result="fa")

    told = [json.loads(encode(event)) for event in (kept, integrated)]

    assert [{key: each[key] for key in list(each)[5:-1]} for each in told] == [
        {
            "spec": "A", "attempt": 1, "ref": "refs/aad/r/A/1", "commit": "c0", "base": "ba5e",
            "left_out": [{"path": ".env", "why": "secret"}],
        },
        {
            "spec": "A", "attempt": 1, "branch": "aad/A", "commit": "c0", "target": "aad/run/r",
            "result": "fa",
        },
    ]  # fmt: skip


def test_numbers_and_booleans_stand_where_emptiness_is_left_out() -> None:
    event = SessionCompleted(spec="A", usage=Usage(cached=3))

    members = json.loads(encode(event))

    assert members["attempt"] == 0
    assert members["duration_s"] == 0.0
    assert members["usage"] == {"input": 0, "cached": 3, "output": 0, "turns": 0}
    assert {"log", "failure", "escalation"}.isdisjoint(members)


def test_a_value_without_a_default_always_stands() -> None:
    assert json.loads(encode(SessionOutput(spec="A", message="")))["message"] == ""


def test_text_stands_as_it_is_and_not_as_escapes() -> None:
    line = encode(SessionOutput(spec="A", message="完了 🎉"))

    assert '"message":"完了 🎉"'.encode() in line


def test_whatever_the_text_a_line_is_valid_utf_8_without_a_newline_inside() -> None:
    line = encode(SessionOutput(spec="A", message="\udcff\n\ud800 \x00\u2028"))

    assert line.decode().count("\n") == 1
    assert decode(line) == SessionOutput(spec="A", message="\udcff\n\ud800 \x00\u2028")


def test_a_number_that_json_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode(SessionProgress(spec="A", progress=float("nan")))


def test_the_status_is_what_the_event_leads_to() -> None:
    assert json.loads(encode(SessionCompleted(spec="A")))["status"] == "completed"
    assert "status" not in json.loads(encode(SessionProgress(spec="A")))
    assert (
        json.loads(encode(RunFinished(status="waiting", exit_code=4, duration_s=1.0)))["status"] == "waiting"
    )


@pytest.mark.parametrize("kind", TYPES.values(), ids=lambda kind: str(kind.type))
def test_no_field_of_an_event_has_the_name_of_another_member(kind: type[Event]) -> None:
    own = {field.name for field in attrs.fields(kind)}
    placed = {"v", "type", "crc"} | ({"status"} if issubclass(kind, SessionEvent) else set())

    assert own & placed == set()


# --- there and back ---


@given(EVENTS)
def test_every_event_comes_back_as_it_was(event: Event) -> None:
    assert decode(encode(event)) == event


def test_enums_come_back_as_enums() -> None:
    event = decode(encode(SessionFailed(spec="A", failure=Failure(reason=Reason.STALLED))))

    assert isinstance(event, SessionFailed)
    assert event.failure is not None
    assert isinstance(event.failure.reason, Enum)


@given(EVENTS, st.data())
def test_a_changed_byte_is_noticed(event: Event, data: st.DataObject) -> None:
    line = bytearray(encode(event))
    line[data.draw(st.integers(0, len(line) - 1))] ^= data.draw(st.integers(1, 255))

    with pytest.raises(ValueError, match="checksum"):
        decode(bytes(line))


@given(EVENTS, st.data())
def test_a_line_cut_short_is_noticed(event: Event, data: st.DataObject) -> None:
    line = encode(event)

    with pytest.raises(ValueError, match="checksum"):
        decode(line[: data.draw(st.integers(0, len(line) - 1))])


def test_the_checksum_has_one_spelling() -> None:
    line = encode(SessionFailed(seq=7, ts=AT, run=RUN, spec="SPEC-003"))
    body, _, crc = line.rpartition(b'"crc":"')

    with pytest.raises(ValueError, match="checksum"):
        decode(body + b'"crc":"' + crc.upper())


def test_members_that_are_not_known_are_passed_over() -> None:
    line = seal(
        '{"v":1,"seq":1,"ts":"2026-11-22T21:36:12.250Z","run":"r","type":"session_failed","spec":"A","mood":"sad",'
        '"failure":{"reason":"killed","signal":9,"weather":"rain"}'
    )

    event = decode(line)

    failure = Failure(reason=Reason.KILLED, signal=9)
    assert event == SessionFailed(seq=1, ts=AT, run="r", spec="A", failure=failure)


def test_a_type_that_is_not_known_is_no_event_and_no_damage() -> None:
    line = seal('{"v":1,"seq":1,"ts":"2026-11-22T21:36:12.250Z","run":"r","type":"moon_rose"')

    assert make_event(unseal(line)) is None
    with pytest.raises(ValueError, match="a type of event that is not known"):
        decode(line)


@pytest.mark.parametrize(
    "rest",
    [
        '"type":"leaked","spec":"A"',
        '"type":"leaked","message":"x"',
        '"type":"session_failed","spec":"A","failure":{"reason":"moonshine"}',
        '"type":"session_failed","spec":"A","failure":"x"',
        '"type":"plan","specs":3,"waves":[]',
    ],
)
def test_an_event_that_lacks_what_it_needs_is_refused(rest: str) -> None:
    members = unseal(seal('{"v":1,"seq":1,"ts":"2026-11-22T21:36:12.250Z","run":"r",' + rest))

    with pytest.raises(ValueError, match=r"an event that cannot be read|is not a valid Reason"):
        make_event(members)


def test_a_time_that_is_none_is_refused() -> None:
    for time in ('"yesterday"', "12", "null"):
        members = unseal(
            seal('{"v":1,"seq":1,"ts":' + time + ',"run":"r","type":"leaked","spec":"A","message":""')
        )

        with pytest.raises(ValueError):  # noqa: PT011 - datetime's own words for the first, ours for the others
            make_event(members)


@pytest.mark.parametrize("body", ['{"v":2,"seq":1', "[1", '{"seq":1'])
def test_a_line_of_another_version_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match=r"not a line of this version|delimiter"):
        unseal(seal(body))


def test_the_version_is_read_even_where_nothing_else_can_be() -> None:
    assert read_version(b'{"v":12,"layout":') == 12
    assert read_version(b'{"v":1,"seq":1}\n') == 1
    assert read_version(b"\0\0\0") is None


# --- time ---


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (AT, "2026-11-22T21:36:12.250Z"),
        (0.9996, "1970-01-01T00:00:01.000Z"),
        (-0.5, "1969-12-31T23:59:59.500Z"),
    ],
)
def test_time_is_written_in_utc_with_milliseconds(seconds: float, text: str) -> None:
    assert format_time(seconds) == text


@given(TIMES)
def test_time_comes_back_to_the_millisecond(seconds: float) -> None:
    assert read_time(format_time(seconds)) == seconds


def test_time_of_another_zone_is_the_same_moment() -> None:
    assert read_time("2026-11-23T06:36:12.250+09:00") == AT
