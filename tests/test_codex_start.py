"""What stands in the way of Codex before it has begun."""

import pytest
from recordings import JOB, read_lines

from aad.agents.base import Exit
from aad.agents.codex import CodexAgent
from aad.agents.codex_live import LiveCodexAgent
from aad.agents.codex_stream import CodexReader
from aad.config import AgentOptions
from aad.events import Reason

IN_USE = "Error: failed to initialize sqlite state runtime under /home/codex\n"


@pytest.mark.parametrize("live", [False, True])
def test_who_found_the_database_in_use_at_its_start_may_try_again(*, live: bool) -> None:
    options = AgentOptions()
    reader = LiveCodexAgent(options=options).speak(JOB) if live else CodexAgent(options=options).read()

    verdict = reader.close(Exit(1), IN_USE)

    assert verdict.failure is not None
    assert (verdict.failure.reason, verdict.transient) == (Reason.EXIT_CODE, True)


def test_who_has_begun_speaks_of_another_database() -> None:
    reader = CodexReader()
    for line in read_lines("codex/success")[:2]:
        list(reader.feed(line))

    assert not reader.close(Exit(1), IN_USE).transient
