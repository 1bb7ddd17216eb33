"""What a run masks: all that the settings and the environment tell of secrets."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from aad.config import OrchestratorConfig
from aad.redact import Redactor
from aad.secretvalues import secret_values
from aad.spec import Spec

if TYPE_CHECKING:
    from aad.events import PlanEntry

Titled = TypeVar("Titled", Spec, "PlanEntry")


def make_redactor(config: OrchestratorConfig, environ: Mapping[str, str]) -> Redactor:
    """Return what masks all that is known to be secret; raises InputError for a faulty pattern."""
    known = [environ, config.agent.env, *(options.env for options in config.agents.values())]
    # One after the other: a name may stand for another value in each.
    secrets = [value for each in known for value in secret_values(each, config.logs.redact_env)]
    # The addresses of messages hold what opens them.
    addresses = _read_addresses(config.escalation.apprise, environ)
    return Redactor((*secrets, *addresses), config.logs.redact_patterns)


def mask_titles(redactor: Redactor, specs: tuple[Titled, ...]) -> tuple[Titled, ...]:
    """Return specs, or what is planned of them, with the secrets in their titles masked."""
    # There may be thousands, and next to never is one masked.
    titles = "\n".join(spec.title for spec in specs)
    if redactor.redact(titles) == titles:
        return specs
    return tuple(evolve(spec, title=redactor.redact(spec.title)) for spec in specs)


def _read_addresses(entries: Iterable[str], environ: Mapping[str, str]) -> Iterable[str]:
    """Return the addresses themselves, none for a variable that is not set."""
    found = (environ.get(entry[1:], "") if entry.startswith("$") else entry for entry in entries)
    return filter(None, found)
