"""What people are told of, who tells them, and why one could not."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trio
from attrs import evolve

from aad.escalationlog import EscalationLog
from aad.events import EscalationLevel, Failure, Reason
from aad.notifiers.base import Notifier, NotifyError
from aad.notifiers.notifications import Notifications

FAILED = EscalationLog(
    id="A-error",
    run_id="run",
    session_id="run/A",
    spec_id="A",
    attempt=1,
    level=EscalationLevel.ERROR,
    reason="exit code 3",
    timestamp=datetime(2026, 11, 22, 21, 36, 12, tzinfo=UTC),
    failure=Failure(reason=Reason.EXIT_CODE, exit_code=3),
)
WARNED = evolve(FAILED, level=EscalationLevel.WARNING, failure=None)
LOST = evolve(FAILED, level=EscalationLevel.CRITICAL)
PATH = Path("A-error.json")
ENV = {"PATH": "/usr/bin:/bin"}


@asynccontextmanager
async def serving(*notifiers: Notifier, lang: str = "en") -> AsyncIterator[Notifications]:
    notifications = Notifications(notifiers, lang)
    async with trio.open_nursery() as nursery:
        await nursery.start(notifications.serve)
        yield notifications
        await notifications.finish()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    assert {(name, level) for name, level, _ in caplog.record_tuples} <= {("aad", logging.WARNING)}
    return caplog.messages


async def find_why(notifier: Notifier) -> str:
    with pytest.raises(NotifyError) as caught:
        await notifier.tell(FAILED, PATH)
    return str(caught.value)
