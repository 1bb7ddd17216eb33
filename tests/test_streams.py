"""Every recorded stream of a real agent, judged by the adapter of its kind."""

from collections.abc import Collection, Iterator, Mapping

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import CONVERSATIONS, JOB, STREAMS, find_recording, find_theirs, hear, judge, read_index

from aad.agents.base import COMPLETED as DONE
from aad.agents.base import Agent, Exit, Outcome, Reading, Speaking, Verdict, begin_reading, failed
from aad.agents.roster import find_maker
from aad.agents.talk import Talk, Used
from aad.config import AgentOptions
from aad.events import Failure, Reason

COMPLETED = (Outcome.COMPLETED, None)
QUESTION = (Outcome.QUESTION, None)
EXPECTED: Mapping[str, tuple[Outcome, Reason | None]] = {
    "claude/success": COMPLETED,
    "claude/toolfail": COMPLETED,
    "claude/err401": (Outcome.FAILED, Reason.AUTH),
    "claude/err429": (Outcome.FAILED, Reason.RATE_LIMITED),
    "claude/err500": (Outcome.FAILED, Reason.SERVER),
    "claude/retry": COMPLETED,
    "claude/rate_limited": (Outcome.FAILED, Reason.RATE_LIMITED),
    "claude/question": QUESTION,
    "claude/refusal": (Outcome.FAILED, Reason.REFUSAL),
    "claude/max_turns": (Outcome.FAILED, Reason.MAX_TURNS),
    "claude/todo": COMPLETED,
    "claude/killed_9": (Outcome.FAILED, Reason.KILLED),
    "claude/resumed": COMPLETED,
    "claude/subagent": COMPLETED,
    "claude/denied": COMPLETED,
    "claude/cut_mid_line": (Outcome.FAILED, Reason.KILLED),
    "codex/success": COMPLETED,
    "codex/success_0163": COMPLETED,
    "codex/toolfail": COMPLETED,
    "codex/err401": (Outcome.FAILED, Reason.AUTH),
    "codex/err429": (Outcome.FAILED, Reason.RATE_LIMITED),
    "codex/err500": (Outcome.FAILED, Reason.SERVER),
    "codex/retry": COMPLETED,
    "codex/usage_limit": (Outcome.FAILED, Reason.RATE_LIMITED),
    "codex/question": QUESTION,
    "codex/refusal": (Outcome.FAILED, Reason.REFUSAL),
    "codex/todo": COMPLETED,
    "codex/open_tool": COMPLETED,
    "codex/killed_term": (Outcome.FAILED, Reason.KILLED),
    "codex/resumed": COMPLETED,
    "gemini/success": COMPLETED,
    "gemini/toolfail": COMPLETED,
    "gemini/err429": (Outcome.FAILED, Reason.RATE_LIMITED),
    "gemini/quota": (Outcome.FAILED, Reason.RATE_LIMITED),
    "gemini/refusal": (Outcome.FAILED, Reason.REFUSAL),
    "gemini/max_turns": (Outcome.FAILED, Reason.MAX_TURNS),
    "gemini/todo": COMPLETED,
    "gemini/killed_term": (Outcome.FAILED, Reason.NO_RESULT),
    "opencode/success": COMPLETED,
    "opencode/err429": (Outcome.FAILED, Reason.RATE_LIMITED),
    "opencode/refusal": (Outcome.FAILED, Reason.REFUSAL),
    "opencode/todo": COMPLETED,
    "opencode/denied": COMPLETED,
    "opencode/ask_rejected": (Outcome.FAILED, Reason.PERMISSION),
    "opencode/killed_term": (Outcome.FAILED, Reason.KILLED),
    "qwen/success": COMPLETED,
    "qwen/err500": (Outcome.FAILED, Reason.SERVER),
    "qwen/max_turns": (Outcome.FAILED, Reason.MAX_TURNS),
    "qwen/subagent": COMPLETED,
    "qwen/question": QUESTION,
    "pi/success": COMPLETED,
    "pi/err429": (Outcome.FAILED, Reason.RATE_LIMITED),
    "pi/toolfail": COMPLETED,
}
# The agents that write alone, and the talks that are one attempt each: those of ACP hold several.
KINDS = sorted({name.partition("/")[0] for name in EXPECTED})
TALKS = tuple(sorted(name for name in CONVERSATIONS if not name.startswith("acp/")))
NO_RESULT = failed(Failure(reason=Reason.NO_RESULT))
# After how many lines of a recording its end is known already; of the others only the last line tells.
KNOWN_BEFORE: Mapping[str, Collection[int]] = {
    "claude/subagent": {18},
    "codex/err401": {6},
    "codex/err429": {6},
    "codex/err500": {6},
    "codex/usage_limit": {4},
    "opencode/refusal": {2},
    "opencode/ask_rejected": {3},
    "pi/success": {24, 25},
    "pi/toolfail": {27, 28},
    "pi/err429": {7, 8, 9, 14, 15, 16, 21, 22, 23},
}
# The one recording that was cut by hand has one line that is no whole one.
BROKEN = {"claude/cut_mid_line": 1}
TRANSIENT = (Reason.RATE_LIMITED, Reason.SERVER, Reason.KILLED)

# Never a JSON object, nor a line that says nothing at all.
GARBAGE = st.sampled_from([b"[]", b"null", b'"text"', b"{'a': 1}", b'{"type":"result",', b"\xff\xfe\0"]) | (
    st.binary(max_size=40).map(lambda noise: b"#" + noise.replace(b"\n", b" "))
)


def make_agent(kind: str, *, live: bool = False) -> Agent:
    options = AgentOptions(command=("program",), live=live)
    return find_maker(kind, options)(options=options)


def make_reading(name: str) -> Reading:
    """Return what reads a recording, or talks with its agent if it is of a conversation."""
    reading = begin_reading(make_agent(name.partition("/")[0], live=name in CONVERSATIONS), JOB)
    assert reading is not None
    if isinstance(reading, Speaking):
        reading.begin()
    return reading


def cut_everywhere(name: str) -> Iterator[tuple[int, Reading, list[Talk], bytes]]:
    """Yield what has read each beginning of a recording, what that told, and half of the next line."""
    lines = find_theirs(name)
    for count, line in enumerate(lines):
        reading = make_reading(name)
        yield count, reading, hear(reading, lines[:count]), line[: len(line) // 2]


def sum_up(verdict: Verdict) -> tuple[Outcome, Reason | None]:
    return verdict.outcome, None if verdict.failure is None else verdict.failure.reason


def leave_time_out(verdict: Verdict) -> Verdict:
    """Return a verdict that may be compared to one that was made at another time."""
    return evolve(verdict, reset_at=None)


def test_every_recording_is_judged_here_or_is_a_conversation() -> None:
    assert set(read_index()) == {*EXPECTED, *CONVERSATIONS}


def test_every_file_is_named_in_the_index_and_the_other_way_round() -> None:
    index = read_index().values()

    named = {file for entry in index for file in (entry["file"], entry.get("stderr")) if file is not None}

    assert {str(path.relative_to(STREAMS)) for path in STREAMS.glob("*/*")} == named


def test_the_readme_lists_every_recording_as_it_is_judged_here() -> None:
    rows = [line.split(" | ") for line in (STREAMS / "README.md").read_text(encoding="utf-8").splitlines()]
    listed = {row[0].strip("| `"): row[-1].strip("| ") for row in rows if row[0].startswith("| `")}

    told = {f"{name}.jsonl": describe(*ending) for name, ending in EXPECTED.items()}

    talks = {f"{name}.jsonl": "a conversation, replayed by its own tests" for name in CONVERSATIONS}
    assert listed == told | talks


def describe(outcome: Outcome, reason: Reason | None) -> str:
    return str(outcome) if reason is None else f"{outcome}: {reason}"


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recording_is_judged_as_it_went(name: str) -> None:
    reading = make_reading(name)

    verdict = judge(reading, find_recording(name))

    assert sum_up(verdict) == EXPECTED[name]
    assert verdict.transient == (EXPECTED[name][1] in TRANSIENT)
    assert reading.broken == BROKEN.get(name, 0)


@pytest.mark.parametrize("name", EXPECTED)
@settings(max_examples=8)
@given(noise=st.lists(st.tuples(st.integers(0, 1000), GARBAGE), min_size=1, max_size=6))
def test_garbage_between_the_lines_is_counted_and_changes_nothing(
    name: str, noise: list[tuple[int, bytes]]
) -> None:
    recording = find_recording(name)
    clean, noisy = make_reading(name), make_reading(name)
    lines = list(recording.lines)
    for place, garbage in noise:
        lines.insert(place % (len(lines) + 1), garbage)

    told = hear(noisy, lines)

    assert told == hear(clean, recording.lines)
    assert noisy.broken == clean.broken + len(noise)
    verdicts = [reading.close(recording.end, recording.errors) for reading in (clean, noisy)]
    assert leave_time_out(verdicts[0]) == leave_time_out(verdicts[1])
    assert (verdicts[0].reset_at is None) == (verdicts[1].reset_at is None)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recording_that_is_cut_has_no_result_unless_its_end_was_known(name: str) -> None:
    known = KNOWN_BEFORE.get(name, ())

    for count, reading, told, _ in cut_everywhere(name):
        verdict = reading.close(Exit(0), "")

        used = [None, *(talk.usage for talk in told if isinstance(talk, Used))][-1]
        assert (verdict.usage, reading.broken) == (used, 0)
        if count in known:
            assert sum_up(verdict) == EXPECTED[name]
        else:
            assert verdict == evolve(NO_RESULT, usage=used)


@pytest.mark.parametrize("name", [*EXPECTED, *TALKS])
def test_a_line_that_is_cut_is_counted_and_changes_nothing(name: str) -> None:
    for _, reading, _, half in cut_everywhere(name):
        whole = reading.close(Exit(0), "")

        assert list(reading.feed(half)) == []
        assert reading.close(Exit(0), "") == whole
        assert reading.broken == 1


@pytest.mark.parametrize("name", TALKS)
def test_a_talk_that_is_cut_is_neither_done_nor_a_success(name: str) -> None:
    for _, speaking, _, half in cut_everywhere(name):
        speaking.feed(half)

        assert isinstance(speaking, Speaking)
        assert (speaking.is_done, speaking.close(Exit(0), "").outcome) == (False, Outcome.FAILED)


@pytest.mark.parametrize("name", [*(f"{kind}/success" for kind in KINDS), *TALKS, "acp/gemini"])
@pytest.mark.parametrize(
    ("line", "broken"),
    [
        (b"", 0),
        (b"  \r", 0),
        (b"warning: x", 1),
        (b"[1, 2]", 1),
        (b'{"type":"item.st', 1),
        (b"\xff\xfe\x00", 1),
        (b"[" * 100_000, 1),
        (b"{}", 0),
        (b'{"type":7}', 0),
        (b'{"type":["error"]}', 0),
        (b'{"type":"of tomorrow"}', 0),
        (b'{"method":["error"]}', 0),
        (b'{"method":"of tomorrow"}', 0),
    ],
)
def test_a_line_that_is_no_object_is_counted_and_an_unknown_one_is_passed_over(
    name: str, line: bytes, broken: int
) -> None:
    reading = make_reading(name)

    told = list(reading.feed(line))

    said = reading.take_outgoing() if isinstance(reading, Speaking) else b""
    assert (told, said, reading.broken) == ([], b"", broken)


@pytest.mark.parametrize("kind", KINDS)
def test_each_attempt_has_a_reader_of_its_own(kind: str) -> None:
    agent = make_agent(kind)

    assert agent.read() is not agent.read()


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_reader_an_exit_is_judged_by_its_code(kind: str) -> None:
    agent = make_agent(kind)

    assert agent.judge(Exit(0)) == DONE
    assert agent.judge(Exit(2)) == failed(Failure(reason=Reason.EXIT_CODE, exit_code=2))
