"""What is decided about an escalation when nobody else says: the configured rules, else sensible defaults."""

from collections.abc import Iterator

from attrs import frozen

from aad.config import PolicyRule
from aad.escalationlog import Decision, EscalationLog
from aad.events import Action, EscalationKind, EscalationLevel


@frozen
class Policy:
    """The rules in their order: the first that matches and still applies decides."""

    rules: tuple[PolicyRule, ...] = ()

    def decide(self, log: EscalationLog, *, failures: int = 1, stuck: bool = False) -> Decision:
        """Return the decision about an escalation of a session that has failed so often in this run.

        One that is `stuck` ended as it did the time before: to try again would be in vain.
        """
        for rule in self._match(log):
            if _applies(rule, log, failures=failures, stuck=stuck):
                return _follow(rule)
        return _decide_by_default(log, stuck=stuck)

    def decide_risen(self, log: EscalationLog) -> Decision | None:
        """Return what a rule for just the level says to which an escalation has risen, if there is one."""
        for rule in self._match(log):
            if rule.level == log.level and _applies(rule, log, failures=log.failures, stuck=log.stuck):
                return _follow(rule)
        return None

    def _match(self, log: EscalationLog) -> Iterator[PolicyRule]:
        return (rule for rule in self.rules if rule.matches(log.spec_id, log.level, log.kind))


def _follow(rule: PolicyRule) -> Decision:
    return Decision(action=Action(rule.action), text=rule.text)


def _applies(rule: PolicyRule, log: EscalationLog, *, failures: int, stuck: bool) -> bool:
    match Action(rule.action):
        case Action.ANSWER:
            # The same answer again and again would be a loop that costs money and ends nowhere.
            return log.question is not None and log.answers < rule.times
        case Action.RETRY:
            # What is asked is not asked again without an answer.
            return log.failure is not None and failures <= rule.times and not stuck
        case Action.ABORT:
            return True
    # A plain warning leaves nothing to skip, and nobody waits for it.
    plain = log.failure is None and log.question is None
    return not (plain and log.level is EscalationLevel.WARNING)


def _decide_by_default(log: EscalationLog, *, stuck: bool) -> Decision:
    """Retry what may be retried, never guess; where nobody is signed in, a person helps, and nobody else."""
    if log.level is EscalationLevel.CRITICAL and not log.rises:
        return Decision(action=Action.ABORT)
    if log.question is not None or log.failure is None or log.kind is EscalationKind.AUTH:
        return Decision(action=Action.WAIT)
    return Decision(action=Action.RETRY if log.will_retry and not stuck else Action.SKIP)
