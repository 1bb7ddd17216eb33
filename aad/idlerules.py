"""Finds the rules of `[[escalation.policy]]` that never decide anything. Knows no files.

Each rule is held against all that can be raised: it decides where it matches, where its action is possible,
and where no rule before it decides first. What `policy` makes of rules and this file agree: a test holds them
against each other.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, get_args
from unicodedata import normalize

from attrs import frozen

from aad.config import ActionWord, KindWord, LevelWord, PolicyRule, matches_glob

# What an escalation brings: nothing, a failure that ended the attempt, or a question.
Form = Literal["plain", "failure", "question"]
Levels = Mapping[Form, tuple[LevelWord, ...]]

LEVELS: tuple[LevelWord, ...] = get_args(LevelWord)
_PLAIN: Levels = {"plain": ("warning",)}
_FAILURE: Levels = {"failure": ("warning", "error")}
_QUESTION: Levels = {"question": ("error",)}
# What may be raised of each kind, and with which levels.
FORMS: Mapping[KindWord, Levels] = MappingProxyType(
    {
        # A child may say itself how bad it is.
        "failed": {"plain": LEVELS, **_FAILURE},
        "timed_out": {**_PLAIN, **_FAILURE},
        "stalled": {**_PLAIN, **_FAILURE},
        "question": {**_PLAIN, **_QUESTION},
        "permission": {**_PLAIN, **_FAILURE, **_QUESTION},
        "verify_failed": _FAILURE,
        "conflict": _FAILURE,
        # No attempt fails for it: another follows.
        "rate_limited": _PLAIN,
        "budget": {**_PLAIN, **_FAILURE},
        "auth": {**_PLAIN, **_FAILURE},
        "spawn_failed": {**_PLAIN, **_FAILURE},
        "leaked": _PLAIN,
    }
)
# What ends the matter, so that it never waits for people and rises.
_ENDING = frozenset(("skip", "continue", "abort"))
_GRANTED = frozenset(("retry", "answer"))


@frozen(kw_only=True)
class Situation:
    """Something that is decided about; `risen` where it had a lower level before, and nobody decided."""

    kind: KindWord
    form: Form
    level: LevelWord
    risen: bool = False


@frozen
class Idle:
    """That a rule never decides: the key of the sentence that says why, and its fields.

    `before` are the rules that decide all that it speaks of.
    """

    rule: int
    key: str
    fields: Mapping[str, object]
    before: tuple[int, ...] = ()


def find_idle(rules: Sequence[PolicyRule], ids: Collection[str] | None = None) -> Iterator[Idle]:
    """Yield which rules never decide anything, by their number from 0; `ids` are all specs, where known."""
    for number, rule in enumerate(rules):
        if ids is not None and _matches_none(rule, ids):
            yield Idle(number, "config_rule_specs", {"value": rule.specs})
            continue
        met = [situation for situation in _list_situations() if _decides(rule, situation)]
        if not met:
            yield Idle(number, *_explain(rule))
            continue
        before = [_find_before(rule, situation, rules[:number]) for situation in met]
        if all(before):
            yield Idle(number, "config_rule_late", {}, tuple(sorted(set[int]().union(*before))))


def _matches_none(rule: PolicyRule, ids: Collection[str]) -> bool:
    return rule.specs is not None and not any(matches_glob(spec_id, rule.specs) for spec_id in ids)


def _list_situations() -> Iterator[Situation]:
    for kind, forms in FORMS.items():
        for form, levels in forms.items():
            yield from (Situation(kind=kind, form=form, level=level) for level in levels)
            for level in LEVELS:
                if _list_lower(levels, level, form):
                    yield Situation(kind=kind, form=form, level=level, risen=True)


def _list_lower(levels: Collection[LevelWord], level: LevelWord, form: Form) -> list[LevelWord]:
    """Return the levels from which something may rise to another; a plain warning is only told."""
    lower = [each for each in levels if LEVELS.index(each) < LEVELS.index(level)]
    return [each for each in lower if form != "plain" or each != "warning"]


def _decides(rule: PolicyRule, situation: Situation) -> bool:
    """Tell whether a rule may decide where no other does; to `wait` keeps those behind it from deciding."""
    if rule.kind not in (None, situation.kind) or not _is_possible(rule.action, situation):
        return False
    # What has risen is left to people already: only a rule for just that level takes it from them.
    return rule.level == situation.level or (rule.level is None and not situation.risen)


def _is_possible(action: ActionWord, situation: Situation) -> bool:
    match action:
        case "answer":
            return situation.form == "question"
        case "retry":
            return situation.form == "failure"
        case "abort":
            return True
    return situation.form != "plain" or situation.level != "warning"


def _find_before(rule: PolicyRule, situation: Situation, earlier: Sequence[PolicyRule]) -> set[int]:
    """Return which earlier rules decide wherever a rule would; nothing where none does."""
    wider = {number: each for number, each in enumerate(earlier) if _speaks_of_all(each, rule)}
    for number, each in wider.items():
        if _decides(each, situation) and _lasts(each, rule):
            return {number}
    return _find_ending(situation, wider) if situation.risen else set()


def _find_ending(situation: Situation, rules: Mapping[int, PolicyRule]) -> set[int]:
    """Return which rules end a matter, whatever its level was, before it could rise."""
    found = set[int]()
    for level in _list_lower(FORMS[situation.kind][situation.form], situation.level, situation.form):
        below = Situation(kind=situation.kind, form=situation.form, level=level)
        ending = [n for n, each in rules.items() if each.action in _ENDING and _decides(each, below)]
        if not ending:
            return set()
        found.add(ending[0])
    return found


def _speaks_of_all(rule: PolicyRule, other: PolicyRule) -> bool:
    """Tell whether a rule speaks of all specs of which another one does."""
    if rule.specs in (None, "*", other.specs):
        return True
    if rule.specs is None or other.specs is None or any(sign in other.specs for sign in "*?["):
        return False
    return matches_glob(normalize("NFKC", other.specs), rule.specs)


def _lasts(rule: PolicyRule, other: PolicyRule) -> bool:
    """Tell whether a rule decides for as long as another one would."""
    return rule.action not in _GRANTED or (rule.action == other.action and rule.times >= other.times)


def _explain(rule: PolicyRule) -> tuple[str, Mapping[str, object]]:
    """Return why a rule decides nothing: its level is never met, or its action is not possible."""
    own = [each for each in _list_situations() if rule.kind in (None, each.kind)]
    possible = [each for each in own if _is_possible(rule.action, each)]
    if not possible:
        actions = [a for a in get_args(ActionWord) if any(_is_possible(a, each) for each in own)]
        fields = {"action": rule.action, "kind": rule.kind, "known": ", ".join(actions)}
        return "config_rule_action", fields
    kinds = ", ".join(dict.fromkeys(each.kind for each in possible))
    levels = ", ".join(level for level in LEVELS if any(each.level == level for each in possible))
    fields = {"action": rule.action, "kind": kinds, "value": rule.level, "known": levels}
    return "config_rule_level", fields
