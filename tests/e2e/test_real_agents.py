"""The real command with real agents: they work, fail, ask and are killed; only their model is scripted."""

import re
import signal
from pathlib import Path
from typing import Any

import pytest
from agentproject import AgentProject, each_agent, finish, reply, run, staged, wait_for_count, write
from gitproject import ALL, RESUME, attempts, failure
from harness import Token, read_words, until
from modelapis import CACHED, READ, WRITTEN, Json

EVERY = each_agent("codex", "claude", "gemini", "opencode", "qwen", "pi")
# A tool that works for long, and that no agent takes for a nap; so long it is without a word.
LONG = "timeout {} tail -f /dev/null; true"
SOON = "retries = {delay = '50ms'}"


def tokens(project: AgentProject) -> tuple[int, int, int]:
    """Return what the model has counted of all that it has answered of the work."""
    count = sum(each["scenario"] is not None for each in project.server.requests)
    return READ * count, CACHED * count, WRITTEN * count


def escalated(project: AgentProject) -> list[tuple[str, str]]:
    """Return the kinds of what was escalated, and how badly it stood."""
    return [(line["kind"], line["level"]) for line in project.journal("escalation_raised")]


def agents(project: AgentProject) -> list[str]:
    """Return who made the attempts."""
    return [line["agent"] for line in project.journal("session_started")]


def usage_of(line: Any) -> tuple[int, int, int]:  # noqa: ANN401 - a line of a journal
    usage = line["usage"]
    return usage["input"], usage["cached"], usage["output"]


# It works.


@EVERY
def test_what_an_agent_made_is_committed_and_what_it_used_is_told(tmp_path: Path, agent: str) -> None:
    with staged(tmp_path, agent, {"A": [write("made.txt"), finish(agent, "It is made.")]}) as project:
        project.task("A", verify="grep -q made made.txt")

        result = project.aad(*ALL).exits(0)

        final = project.final("A")
        assert (final["type"], final["message"]) == ("session_completed", "It is made.")
        assert usage_of(final) == tokens(project)
        told = f"Tokens: {tokens(project)[0]:,} in, {tokens(project)[2]:,} out"
        assert told in result.normal(result.err)
        assert f"\n      {agent}  {told}" in project.aad("status").exits(0).out.decode()
        assert len(project.agent_sessions()) == 1
        assert project.changes() == ["A made.txt"]
        assert project.show("made.txt") == "made"
        assert project.is_sound()
        assert all(each["dummy_key"] for each in project.server.requests)


@each_agent("codex", "claude", "gemini", "opencode")
def test_an_agents_plan_tells_how_far_it_is(tmp_path: Path, agent: str) -> None:
    def plan(done: int) -> Json:
        statuses = ["completed"] * done + ["in_progress"] + ["pending"] * 3
        steps = zip(("read", "write", "check"), statuses, strict=False)
        return {"tool": "plan", "args": {"items": [{"step": step, "status": s} for step, s in steps]}}

    # Each is waited for, or two may be told as one.
    waits = [run(wait_for_count(f'"progress":{share}', 1)) for share in ("0.0", "0.3", "0.6")]
    steps = [plan(0), waits[0], plan(1), waits[1], plan(2), waits[2], plan(3), finish(agent, "Done.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        project.task("A")

        project.aad(*ALL).exits(0)

        told = project.journal("session_progress")
        shares = dict.fromkeys(round(line["progress"], 2) for line in told if "progress" in line)
        assert list(shares) == [0, 0.33, 0.67, 1]


@EVERY
def test_four_at_once_come_together_and_are_told_to_who_needs_them(tmp_path: Path, agent: str) -> None:
    four = ("A", "B", "C", "D")
    wait = run(wait_for_count('"type":"session_started"', 4))
    scenarios = {spec: [wait, write(f"{spec}.txt"), finish(agent, f"{spec} is made.")] for spec in four}

    with staged(tmp_path, agent, {**scenarios, "E": [write("E.txt"), finish(agent, "All.")]}) as project:
        # opencode may find its database locked where several begin in a new home; that passes.
        project.settle(orchestrator=SOON)
        for spec in four:
            project.task(spec)
        project.task("E", depends_on=four, verify="cat A.txt B.txt C.txt D.txt E.txt")

        project.aad(*ALL, "--jobs", "4").exits(0)

        assert project.changes() == [f"A {spec}.txt" for spec in (*four, "E")]
        told = project.prompt("E", 0)
        assert [spec for spec in four if f"- {spec}\n  {spec} is made." in told] == list(four)
        assert project.is_sound()


# It fails.


@EVERY
def test_what_the_check_said_of_an_agents_work_is_told_to_the_next_attempt(
    tmp_path: Path, agent: str
) -> None:
    check = "test $AAD_ATTEMPT = 2 || { echo not good enough; exit 1; }"

    with staged(tmp_path, agent, {"A": [write("made.txt"), finish(agent, "It is made.")]}) as project:
        project.settle(orchestrator=SOON).task("A", verify=check, retries=1)

        project.aad(*ALL).exits(0)

        (retry,) = project.journal("retry_scheduled")
        assert retry["failure"]["reason"] == "verify_failed"
        assert "\n    not good enough" in project.prompt()
        assert len(set(project.agent_sessions())) == 2


@EVERY
def test_work_that_does_not_pass_its_check_has_failed_whatever_the_agent_says(
    tmp_path: Path, agent: str
) -> None:
    steps = [write("made.txt"), run("exit 3"), finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        project.task("A", verify="grep -q better made.txt")

        project.aad(*ALL).exits(1)

        assert failure(project, "A")["reason"] == "verify_failed"
        assert project.kept_refs() == ["A/1"]
        assert project.changes(f"refs/aad/{project.run.name}/A/1") == ["A made.txt"]


@EVERY
def test_a_model_that_refuses_is_a_failure(tmp_path: Path, agent: str) -> None:
    with staged(tmp_path, agent, {"A": [{"refuse": True}]}) as project:
        project.task("A")

        project.aad(*ALL).exits(1)

        assert failure(project, "A")["reason"] == "refusal"
        assert escalated(project) == [("failed", "error")]


@each_agent("codex", "claude", "qwen")
def test_what_an_agent_says_it_could_not_do_has_failed(tmp_path: Path, agent: str) -> None:
    with staged(tmp_path, agent, {"A": [reply("failed", "There is no such file.")]}) as project:
        project.task("A")

        project.aad(*ALL).exits(1)

        assert failure(project, "A")["message"] == "There is no such file."


@each_agent("codex", "claude", "gemini")
def test_a_server_that_fails_once_is_asked_again(tmp_path: Path, agent: str) -> None:
    steps = [write("made.txt"), {"status": 500, "times": 1}, finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        project.settle(orchestrator=SOON).task("A")

        project.aad(*ALL).exits(0)

        (retry,) = project.journal("retry_scheduled")
        assert retry["failure"]["reason"] == "server"
        assert attempts(project) == [("A", 1), ("A", 2)]
        assert project.show("made.txt") == "made"


# Nobody is signed in, or the account is used up.


@each_agent("codex", "claude", "gemini", "pi")
def test_a_run_waits_for_who_is_to_sign_in_and_goes_on_where_it_was(tmp_path: Path, agent: str) -> None:
    steps = [write("made.txt"), {"status": 401, "times": 1}, finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        project.settle(escalation="wait = '1s'").task("A")

        project.aad(*ALL).exits(4)
        waited = escalated(project)
        project.aad("escalations", "resolve", "A-error", "--retry").exits(0)
        project.aad(*RESUME).exits(0)

        assert waited == [("auth", "error")]
        assert attempts(project) == [("A", 1), ("A", 2)]
        assert len(set(project.agent_sessions())) == 1
        assert project.show("made.txt") == "made"


@each_agent("codex", "claude", "gemini")
def test_an_account_that_is_used_up_for_long_ends_the_run_for_now(tmp_path: Path, agent: str) -> None:
    limit = {"status": 429, "times": 1, "retry_after": 3600}
    steps = [write("made.txt"), limit, finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        project.settle(orchestrator="quota_wait = '1s'").task("A", retries=0)

        project.aad(*ALL).exits(4)
        status = project.aad("status").exits(0).out.decode()
        project.aad(*RESUME).exits(0)

        assert escalated(project) == [("rate_limited", "warning")]
        assert [line["type"] for line in project.journal("session_failed", "session_waiting")] == [
            "session_waiting"
        ]
        assert f"\n      {agent}" in status
        why = rf"\n  \? A: {agent} is used up until [\d: -]+: longer than \[orchestrator\] quota_wait\n"
        assert re.search(why, status)
        assert attempts(project) == [("A", 1), ("A", 2)]
        assert len(set(project.agent_sessions())) == 1
        assert project.show("made.txt") == "made"


@pytest.mark.slow
@each_agent("codex")
def test_a_run_pauses_until_an_account_may_be_used_again(tmp_path: Path, agent: str) -> None:
    steps = [write("made.txt"), {"status": 429, "times": 1}, finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        project.task("A", retries=0, timeout="30s")

        with project.start(*ALL) as running:
            running.popen.wait(90)
            running.end().exits(0)

        assert attempts(project) == [("A", 1), ("A", 2)]
        assert len(set(project.agent_sessions())) == 1


@pytest.mark.parametrize(("status", "kind"), [(401, "auth"), (429, "rate_limited")])
@each_agent("codex")
def test_another_agent_takes_over_at_once(tmp_path: Path, agent: str, status: int, kind: str) -> None:
    steps = [write("made.txt"), {"status": status, "times": 1}, finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        second = project.options.replace("[agents.codex]", "[agents.second]\nkind = 'codex'")
        project.settle(kind="codex,second", more=second).task("A")

        project.aad(*ALL).exits(0)

        assert agents(project) == ["codex", "second"]
        assert escalated(project) == [(kind, "warning")]
        assert len(set(project.agent_sessions())) == 2
        assert "This was begun already" in project.prompt()
        assert project.show("made.txt") == "made"


# It asks.


@each_agent("codex", "claude", "qwen")
def test_an_agents_question_is_answered_from_elsewhere_and_its_session_goes_on(
    tmp_path: Path, agent: str
) -> None:
    ask = reply("question", "I need to know.", "Which database?", ["postgres", "sqlite"])

    with staged(tmp_path, agent, {"A": [write("made.txt"), ask, finish(agent, "It is made.")]}) as project:
        project.task("A")

        with project.start(*ALL) as running:
            waits = running.until("session_waiting")
            project.aad("escalations", "answer", "A-error", "2").exits(0)
            running.end().exits(0)

        assert waits["message"] == "Which database?"
        assert "The answer to your question is:\n\nsqlite\n" in project.prompt()
        assert len(set(project.agent_sessions())) == 1
        assert project.show("made.txt") == "made"


@each_agent("gemini", "opencode", "pi")
def test_an_agent_without_a_form_for_it_asks_through_its_events(tmp_path: Path, agent: str) -> None:
    ask = run("""echo '{"question": "Which database?"}' >>"$AAD_EVENTS"; """ + LONG.format(60))

    with staged(tmp_path, agent, {"A": [write("made.txt"), ask, finish(agent, "It is made.")]}) as project:
        project.task("A")

        with project.start(*ALL) as running:
            running.until("session_waiting")
            project.aad("escalations", "answer", "A-error", "sqlite").exits(0)
            running.end().exits(0)

        assert "sqlite" in project.prompt()
        assert len(set(project.agent_sessions())) == 1


# It goes too far, or nowhere.


@each_agent("codex", "claude")
def test_who_says_nothing_is_ended_but_not_while_a_tool_works(tmp_path: Path, agent: str) -> None:
    scenarios: dict[str, list[Json]] = {
        "A": [write("made.txt"), {"stall": 60}, finish(agent, "It is made.")],
        "B": [run(LONG.format(8)), finish(agent, "It is done.")],
    }

    with staged(tmp_path, agent, scenarios) as project:
        project.settle(orchestrator="stall_timeout = '6s'").task("A").task("B")

        project.aad(*ALL, "--jobs", "2").exits(1)

        assert project.ends() == {"A": "timed_out", "B": "completed"}
        assert failure(project, "A")["reason"] == "stalled"


@each_agent("opencode", "pi")
def test_who_uses_more_tokens_than_it_may_is_ended_in_its_work(tmp_path: Path, agent: str) -> None:
    steps = [write("made.txt"), run(LONG.format(60)), finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        project.settle(agent="max_tokens = 1000").task("A")

        project.aad(*ALL).exits(1)

        assert failure(project, "A")["reason"] == "budget"
        assert escalated(project) == [("budget", "error")]


@EVERY
def test_who_has_no_tokens_left_is_not_tried_again(tmp_path: Path, agent: str) -> None:
    with staged(tmp_path, agent, {"A": [write("made.txt"), finish(agent, "It is made.")]}) as project:
        project.settle(agent="max_tokens = 1000", orchestrator=SOON).task("A", verify="false", retries=1)

        project.aad(*ALL).exits(1)

        # It may have told what it used when it had nothing more to do.
        assert attempts(project) == [("A", 1)]
        assert escalated(project) in (
            [("budget", "error")],
            [("budget", "warning"), ("verify_failed", "error")],
        )


@each_agent("codex", "claude", "gemini", "qwen", "pi")
def test_who_takes_more_turns_than_it_may_is_ended_in_its_work(tmp_path: Path, agent: str) -> None:
    steps = [write("made.txt"), run(LONG.format(60)), finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        project.settle(agent="max_turns = 1").task("A")

        project.aad(*ALL).exits(1)

        assert failure(project, "A")["reason"] == "max_turns"
        # That it came to its end was told before, unless both happened at once.
        assert escalated(project)[-1] == ("budget", "error")
        assert project.kept_refs() == ["A/1"]


@each_agent("codex")
def test_a_person_is_warned_of_a_budget_that_comes_to_its_end(tmp_path: Path, agent: str) -> None:
    with staged(tmp_path, agent, {"A": [write("made.txt"), finish(agent, "It is made.")]}) as project:
        project.settle(budget="max_tokens = 3500").task("A")

        project.aad(*ALL).exits(0)

        assert escalated(project) == [("budget", "warning")]


# It is ended from outside.


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@EVERY
def test_a_run_that_is_ended_leaves_nothing_behind_and_goes_on_with_its_agents_session(
    tmp_path: Path, agent: str, number: signal.Signals, token: Token
) -> None:
    # Who is killed may not remember that the tool was begun, and begin it again.
    tool = run(f"[ -e up ] || {{ : >up; {LONG.format(token)}; }}")
    steps = [write("made.txt"), tool, finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        project.task("A")

        with project.start(*ALL) as running:
            until(lambda: list(project.root.glob(".aad/worktrees/*/A/up")))
            pid = running.until("session_started")["pid"]
            running.send(number).end()
        until(lambda: not token.holders() and not read_words(pid))
        project.aad(*RESUME).exits(0)

        assert attempts(project) == [("A", 1), ("A", 2)]
        assert len(set(project.agent_sessions())) == 1
        assert "You were interrupted." in project.prompt()
        assert project.changes() == ["A made.txt", "A up"]


@pytest.mark.slow
@each_agent("codex")
def test_a_pause_is_no_time_of_the_runs(tmp_path: Path, agent: str) -> None:
    steps = [write("made.txt"), {"status": 429, "times": 1}, finish(agent, "It is made.")]

    with staged(tmp_path, agent, {"A": steps}) as project:
        project.settle(orchestrator="run_timeout = '20s'").task("A", retries=0)

        with project.start(*ALL) as running:
            running.popen.wait(90)
            running.end().exits(0)
