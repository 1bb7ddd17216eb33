"""A journal that was cut, damaged or killed: its sound prefix or a refusal, and never other events."""

import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from aad.codec import encode
from aad.errors import JournalError
from aad.events import Event, SessionCompleted, SessionFailed, SessionProgress, SessionStarted
from aad.journal import Journal, read_journal

RUN = "20261122-213612-7f3a"
NEXT = (SessionStarted(run=RUN, spec="B", attempt=2), SessionCompleted(run=RUN, spec="B", attempt=2))

# Appends to a journal for ever and says each record's number once it is written.
WRITER = """
import itertools, os, sys
from pathlib import Path
from aad.events import SessionProgress
from aad.journal import Journal

path = Path(sys.argv[1])
journal = Journal.resume(path)[0] if path.exists() else Journal.create(path)
for number in itertools.count(journal.seq + 1):
    record = journal.append(SessionProgress(spec="A", attempt=1, message=f"{number} " * (number % 500)))
    os.write(1, b"%d\\n" % record.seq)
"""

# How many examples a property is tried with: some each time, many where there is time.
FEW_OR_MANY = pytest.mark.parametrize("examples", [100, pytest.param(3_000, marks=pytest.mark.slow)])


@frozen
class Story:
    """The events of a journal, their lines, and the bytes of the whole."""

    events: tuple[Event, ...]

    @property
    def lines(self) -> list[bytes]:
        return [encode(event) for event in self.events]

    @property
    def data(self) -> bytes:
        return b"".join(self.lines)

    def count_whole(self, size: int) -> int:
        """Return how many records lie whole in so many first bytes."""
        return self.data[:size].count(b"\n")

    def start_of(self, record: int) -> int:
        """Return the byte at which a record begins, counted from 0."""
        return sum(map(len, self.lines[:record]))


def _make_story(events: Sequence[Event]) -> Story:
    return Story(tuple(evolve(event, run=RUN, seq=seq) for seq, event in enumerate(events, start=1)))


# What is said may look like a line of the journal, or like its end.
WORDS = st.one_of(
    st.text(max_size=20), st.sampled_from(['{"v":1,"seq":2}\n', ',"crc":"00000000"}\n', "半分", "\0"])
)
EVENTS = st.one_of(
    st.builds(SessionStarted, spec=st.just("A"), attempt=st.integers(1, 3)),
    st.builds(
        SessionProgress, spec=st.just("A"), attempt=st.just(1), progress=st.floats(0, 1), message=WORDS
    ),
    st.builds(SessionFailed, spec=st.just("A"), attempt=st.just(1)),
)
STORIES = st.lists(EVENTS, min_size=1, max_size=6).map(_make_story)
STORY = _make_story(
    [
        SessionStarted(spec="A", attempt=1, pid=4712, log="a.log"),
        SessionProgress(spec="A", attempt=1, progress=0.5, message="半分"),
        SessionCompleted(spec="A", attempt=1, duration_s=2.0),
        SessionStarted(spec="B", attempt=1, pid=4713),
    ]
)


def hold(examples: int, fact: Callable[..., None], **strategies: st.SearchStrategy[object]) -> None:
    """Try a fact with that many examples."""
    settings(max_examples=examples)(given(**strategies)(fact))()


def read(path: Path) -> tuple[list[Event], int | None]:
    """Return what a reader gets, and the byte named by the refusal it gets at last, if any."""
    seen = []
    try:
        for event in read_journal(path):
            seen.append(event)  # noqa: PERF402 - what came before a refusal counts
    except JournalError as error:
        return seen, int(str(error.problems[0].fields["byte"]))
    return seen, None


def check_goes_on(path: Path, data: bytes, prefix: Sequence[Event]) -> None:
    """Check that a journal has these events, for readers that mend nothing and for a run that goes on."""
    path.write_bytes(data)

    assert read(path) == ([*prefix], None)
    assert (path.read_bytes(), [*path.parent.iterdir()]) == (data, [path])
    journal, events = Journal.resume(path)
    added = [journal.append(event) for event in NEXT]
    journal.close()

    assert events == [*prefix]
    assert [evolve(event, seq=0) for event in added] == [*NEXT]
    assert read(path) == ([*prefix, *added], None)
    size = len(b"".join(map(encode, prefix)))
    aside = path.with_name(f"{path.name}.torn-{size}")
    assert (aside.read_bytes() if aside.exists() else b"") == data[size:]
    aside.unlink(missing_ok=True)


def check_refused(path: Path, data: bytes, prefix: Sequence[Event], byte: int) -> None:
    """Check that a journal is refused from a byte on, and that nothing of it is changed."""
    path.write_bytes(data)

    assert read(path) == ([*prefix], byte)
    with pytest.raises(JournalError, match=f"damaged at byte {byte},"):
        Journal.resume(path)

    assert (path.read_bytes(), [*path.parent.iterdir()]) == (data, [path])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


# --- cut ---


@FEW_OR_MANY
def test_a_journal_cut_at_any_byte_gives_what_was_whole_and_goes_on(path: Path, examples: int) -> None:
    def fact(story: Story, data: st.DataObject) -> None:
        cut = data.draw(st.integers(0, len(story.data)))
        tail = data.draw(st.sampled_from([b"", b"\0", b"\0" * 7, b"\0" * 4096]))

        check_goes_on(path, story.data[:cut] + tail, story.events[: story.count_whole(cut)])

    hold(examples, fact, story=STORIES, data=st.data())


@pytest.mark.slow
@pytest.mark.parametrize("zeros", [0, 1, 4096])
def test_every_single_cut_of_a_journal_gives_what_was_whole_and_goes_on(path: Path, zeros: int) -> None:
    for cut in range(len(STORY.data) + 1):
        check_goes_on(path, STORY.data[:cut] + b"\0" * zeros, STORY.events[: STORY.count_whole(cut)])


@FEW_OR_MANY
def test_a_tail_of_rubbish_is_set_aside(path: Path, examples: int) -> None:
    def fact(story: Story, rubbish: bytes) -> None:
        check_goes_on(path, story.data + rubbish, story.events)

    hold(examples, fact, story=STORIES, rubbish=st.binary(max_size=40))


# --- altered ---


def check_altered(path: Path, story: Story, at: int, value: int) -> None:
    """Check a journal with one byte altered: only where it lies in the last record is it a torn tail."""
    data = story.data[:at] + bytes([value]) + story.data[at + 1 :]
    record = story.count_whole(at)
    if record == len(story.events) - 1:
        check_goes_on(path, data, story.events[:-1])
    else:
        check_refused(path, data, story.events[:record], story.start_of(record))


@FEW_OR_MANY
def test_an_altered_byte_gives_the_sound_prefix_or_a_refusal_that_names_the_byte(
    path: Path, examples: int
) -> None:
    def fact(story: Story, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(story.data) - 1))
        value = data.draw(st.integers(0, 255).filter(lambda value: value != story.data[at]))

        check_altered(path, story, at, value)

    hold(examples, fact, story=STORIES, data=st.data())


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_no_byte_of_a_journal_can_be_altered_unnoticed(path: Path, rounds: int) -> None:
    draw = random.Random(rounds)  # noqa: S311 - the same bytes each time

    for at, byte in enumerate(STORY.data * rounds):
        place = at % len(STORY.data)
        check_altered(path, STORY, place, (byte + draw.randrange(1, 256)) % 256)


@pytest.mark.parametrize("version", [b"0", b"2", b"9"])
def test_a_version_that_was_altered_is_no_other_version(path: Path, version: bytes) -> None:
    for record in range(len(STORY.events)):
        check_altered(path, STORY, STORY.start_of(record) + len('{"v":'), version[0])


# --- records missing, doubled, moved ---


@FEW_OR_MANY
def test_records_that_are_dropped_are_missed(path: Path, examples: int) -> None:
    def fact(story: Story, data: st.DataObject) -> None:
        dropped = data.draw(st.sets(st.integers(0, len(story.events) - 1), min_size=1))
        left = [line for number, line in enumerate(story.lines) if number not in dropped]
        first = min(dropped)

        # Those at the end are missed by nobody: they might as well never have been written.
        if len(left) == first:
            check_goes_on(path, b"".join(left), story.events[:first])
        else:
            check_refused(path, b"".join(left), story.events[:first], story.start_of(first))

    hold(examples, fact, story=STORIES, data=st.data())


@FEW_OR_MANY
def test_a_record_that_stands_twice_is_refused(path: Path, examples: int) -> None:
    def fact(story: Story, data: st.DataObject) -> None:
        again = data.draw(st.integers(0, len(story.events) - 1))
        place = data.draw(st.integers(again + 1, len(story.events)))
        lines = [*story.lines[:place], story.lines[again], *story.lines[place:]]

        check_refused(path, b"".join(lines), story.events[:place], story.start_of(place))

    hold(examples, fact, story=STORIES, data=st.data())


# --- of another version ---


@FEW_OR_MANY
def test_a_journal_of_a_newer_version_is_refused_and_not_touched(path: Path, examples: int) -> None:
    def fact(story: Story, data: st.DataObject) -> None:
        newer = b'{"v":2,"what":"nobody knows yet"}\n'
        whole = data.draw(st.integers(0, len(story.events)))
        cut = data.draw(st.integers(len('{"v":2,'), len(newer)))
        content = story.data[: story.start_of(whole)] + newer[:cut]
        path.write_bytes(content)

        for call in (Journal.resume, lambda path: [*read_journal(path)]):
            with pytest.raises(JournalError, match="written in version 2 of the format"):
                call(path)

        assert (path.read_bytes(), [*path.parent.iterdir()]) == (content, [path])

    hold(examples, fact, story=STORIES, data=st.data())


# --- killed ---


def kill_a_writer(path: Path, after: int) -> int:
    """Let a process append until so many records are acknowledged, kill it, and return the last of all."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        heard = b"".join(writer.stdout.readline() for _ in range(after))
        writer.kill()
        heard += writer.stdout.read()
    # What stands behind the last newline was not said to its end.
    return int(heard.split(b"\n")[-2])


@pytest.mark.parametrize("kills", [15, pytest.param(250, marks=pytest.mark.slow)])
def test_what_was_acknowledged_before_a_kill_is_there_after_it(path: Path, kills: int) -> None:
    draw = random.Random(kills)  # noqa: S311 - the same moments each time

    for _ in range(kills):
        acknowledged = kill_a_writer(path, after=draw.randrange(1, 40))
        events = list(read_journal(path))

        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        # One record may have been written and not been told of.
        assert acknowledged <= len(events) <= acknowledged + 1
        assert all(e.message == f"{e.seq} " * (e.seq % 500) for e in events if isinstance(e, SessionProgress))
