"""What a run masks comes from the environment and from all settings that hold secrets."""

import pytest

from aad.config import AgentOptions, AgentSettings, EscalationSettings, OrchestratorConfig
from aad.redaction import make_redactor

CONFIG = OrchestratorConfig(
    agent=AgentSettings(env={"COMMON_TOKEN": "common-secret-1"}),
    agents={
        "claude": AgentOptions(env={"VENDOR_API_KEY": "claude-secret-2", "MODE": "plain-words"}),
        "codex": AgentOptions(env={"VENDOR_API_KEY": "codex-secret-3"}),
    },
    escalation=EscalationSettings(apprise=("mailto://me:address-secret-4@example.org", "$HOOK")),
)
ENVIRON = {
    "MY_TOKEN": "environment-secret-5",
    "HOOK": "json://hook-secret-6",
    "VENDOR_API_KEY": "own-secret-7",
}


@pytest.mark.parametrize(
    "secret",
    [
        "common-secret-1", "claude-secret-2", "codex-secret-3", "mailto://me:address-secret-4@example.org",
        "environment-secret-5", "json://hook-secret-6", "own-secret-7",
    ],
)  # fmt: skip
def test_every_secret_that_is_known_is_masked(secret: str) -> None:
    redactor = make_redactor(CONFIG, ENVIRON)

    assert redactor.redact(f"<{secret}>") == "<[redacted]>"


def test_a_variable_whose_name_tells_of_no_secret_is_none() -> None:
    assert make_redactor(CONFIG, ENVIRON).redact("plain-words") == "plain-words"
