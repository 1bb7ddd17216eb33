"""Ids of specs as people name them, in lists, ranges and prose. Knows neither files nor what exists.

In prose a word may look like an id and be none (`UTF-8`, `REQ-1`). A reference is `sure` where it must
mean a spec, and is at fault if there is none; any other counts only if such a spec exists.
"""

import re
import unicodedata
from collections.abc import Iterator

from attrs import evolve, frozen

from aad.errors import InputError, Problem
from aad.formats.faults import find_id_problem, show
from aad.spec import MAX_ID_BYTES, clean_id, find_id_fault

LONGEST_RANGE = 1000
LONGEST_MENTION = 3 * MAX_ID_BYTES


@frozen
class Reference:
    """A spec named in a file. `names` are the ids that it may mean, the likeliest first.

    `complete`: marked as done where it is named.
    """

    names: tuple[str, ...]
    line: int
    complete: bool = False
    sure: bool = True


# Stands where a bracket said that the id before it is complete; no id holds this character.
_DONE = "\ufffc"
_DONE_WORDS = frozenset({"完了済み", "完了済", "完了", "done", "completed", "complete"})

# All of these are read after NFKC: brackets, colons and one of the two wide tildes are narrow by then.
_WORD = r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*"
_RANGE_MARK = r"\s*(?:[〜~]|\.{2,3})\s*|[\u2013\u2014]"  # dashes of print join ids only without blanks
_MENTION = re.compile(
    rf"(?P<left>{_WORD})(?:(?P<mark>{_RANGE_MARK})(?P<right>{_WORD}))?\s*(?P<done>{_DONE}?)", re.ASCII
)
_NUMBERED = re.compile(r"(?P<stem>(?:.*[^0-9])?)(?P<number>[0-9]{1,9})")
_SHORT = re.compile(r"(?P<letters>[A-Za-z]+)\d+", re.ASCII)
_FAMILY = re.compile(r"(?P<head>.*[._-])(?P<letters>[A-Za-z]+)\d+", re.ASCII)
_IDLIKE = re.compile(r"[A-Za-z]+(?:-[A-Za-z0-9]+)*-[A-Za-z]*\d+", re.ASCII)
_NUMBERED_SLUG = re.compile(r"\d{3,}-[A-Za-z]", re.ASCII)
# Names of standards have the shape of ids.
_STANDARDS = frozenset({"aes", "ecma", "ieee", "iso", "jis", "pep", "rfc", "rsa", "sha", "utf"})

_BRACKET = re.compile(r"\(([^()]*)\)")
_DEEPEST_BRACKETS = 8
_UNREAD = re.compile(
    r"<!--.*?(?:-->|\Z)"  # comments
    r"|(?<=\])\([^()]*\)"  # targets of links
    r"|https?://\S+"
    r"|^\s*\[[ xX]\]\s"  # boxes
    r"|(?<![\w./-])(?:[\w.-]+/)+(?=[\w.-]+\.md\b)"  # the folders of a path
    r"|[*`\[\]]",
    re.DOTALL,
)
_NONE = re.compile(
    r"\s*(?:(?:特に|依存(?:関係|タスク)?は?)?(?:なし|無し|ありません)"
    r"|(?:none|n/a|no dependenc\w+)(?![\w-])"
    r"|[-\u2013\u2014ー]?\s*$)",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"(?:並行|並列)[^、。]{0,6}?(?:(?<!不)可|でき(?!ない|ません))"
    r"|in\s+parallel\s+with|\bruns?\s+(?:in\s+parallel|alongside|beside)\b",
    re.IGNORECASE,
)
_AFTERWARDS = re.compile(r"後続|次のタスク|ブロック(?!され)|\bblocks\b|\bblocking\b", re.IGNORECASE)
_ITEM_LABEL = re.compile(r"[^:\d]{1,30}:")
_SEE_ALSO = re.compile(r"\bsee\s+also\b|(?:参考(?:資料|情報)?|参照)\s*:", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[。;]|\.\s|(?<=前提|必要|完了|の後|了後)[、,]")
_LONE_WORDS = re.compile(rf"\s*[\w.-]+{_DONE}?(?:\s*[,、]\s*[\w.-]+{_DONE}?)*\s*")
_LONE_WORD = re.compile(rf"([\w.-]+)({_DONE}?)")


@frozen
class Speaker:
    """Who names specs, and in which line: `own` is the id of the file's own spec."""

    own: str
    line: int

    def refer(self, word: str, *, complete: bool = False, sure: bool = True) -> Reference:
        return Reference(self._meanings(word), self.line, complete, sure)

    def _meanings(self, word: str) -> tuple[str, ...]:
        """Return what a word may mean: `T01` in `SPEC-004-T03` is first of all `SPEC-004-T01`."""
        word = re.sub(r"\.md\Z", "", word, flags=re.IGNORECASE)
        short, family = _SHORT.fullmatch(word), _FAMILY.fullmatch(self.own)
        if short and family and short["letters"].casefold() == family["letters"].casefold():
            return (family["head"] + word, word)
        return (word,)

    def trusts(self, word: str) -> bool:
        """Return whether a word has the shape of the speaker's own id, or of its family's short ids."""
        if _NUMBERED_SLUG.match(self.own):
            return _NUMBERED_SLUG.match(word) is not None
        if find_letters(word) == find_letters(self.own):
            return _IDLIKE.match(word) is not None or _SHORT.fullmatch(self.own) is not None
        return len(self._meanings(word)) > 1


def looks_like_id(word: str) -> bool:
    """Return whether a word by its shape alone must be an id: letters, a hyphen, a number at its end."""
    return _IDLIKE.fullmatch(word) is not None and find_letters(word) not in _STANDARDS


def find_letters(word: str) -> str:
    """Return the letters that a word begins with: what the ids of one kind share."""
    letters = re.match(r"[A-Za-z]*", word)
    return letters[0].casefold() if letters else ""


def says_none(text: str) -> bool:
    """Return whether a text says that there are no dependencies: `なし`, `-`, `None (the first task)`."""
    return _NONE.match(text) is not None


def leads_elsewhere(text: str) -> bool:
    """Return whether the words above a list, or a label, say that it names no dependencies."""
    words = unicodedata.normalize("NFKC", text).strip()
    if words.endswith(("。", ".")):
        # A sentence of its own introduces nothing.
        return False
    return any(pattern.search(words) for pattern in (_SEE_ALSO, _BESIDE, _AFTERWARDS))


def read_listed(text: str, speaker: Speaker) -> list[Reference]:
    """Return what one entry of a list in a head names: an id, several with commas, or a range.

    All of it is meant to be ids; raises InputError for what cannot be one.
    """
    text = clean_id(text)
    if says_none(text):
        return []
    parts = (part.strip() for part in re.split(r"[,、;]", _settle_brackets(text)))
    return [reference for part in parts if part for reference in _read_part(part, speaker)]


def read_prose(text: str, speaker: Speaker, *, listed: bool) -> list[Reference]:
    """Return what a list item (`listed`) or the cell of a table says must come first."""
    text = _UNREAD.sub("", unicodedata.normalize("NFKC", text)).strip()
    label = _ITEM_LABEL.match(text)
    if says_none(text) or (label is not None and leads_elsewhere(label[0])) or _SEE_ALSO.match(text):
        return []
    clauses = [_SEE_ALSO.split(clause)[0] for clause in _CLAUSE_END.split(_settle_brackets(text))]
    needed = "\n".join(clause for clause in clauses if not _BESIDE.search(clause))
    references = list(_find_mentions(needed, speaker))
    if listed:
        references = _trust_first(references)
    return references + list(_find_words(needed, speaker, listed=listed))


def _settle_brackets(text: str) -> str:
    """Replace brackets by what they say of ids: nothing, more ids, or that the one before is complete."""
    for _ in range(_DEEPEST_BRACKETS):
        settled = _BRACKET.sub(lambda bracket: _settle(bracket[1]), text)
        if settled == text:
            break
        text = settled
    return text


def _settle(inside: str) -> str:
    parts = re.split(r"[,、;]", inside)
    rest = [part for part in parts if part.strip(" ✅✓☑").casefold() not in _DONE_WORDS]
    done = _DONE if len(rest) < len(parts) else ""
    names_ids = any(_has_digit(word[1]) for word in _MENTION.finditer(inside))
    if _BESIDE.search(inside):
        # `(SPEC-002と並行実行可能)` speaks of SPEC-002, `(並行実行可能)` of what stands before the bracket.
        return "" if names_ids else inside
    return f" {','.join(rest)}{done} " if names_ids else done


def _read_part(part: str, speaker: Speaker) -> list[Reference]:
    bare, complete = part.rstrip(f"{_DONE} "), part.endswith(_DONE)
    if find_id_fault(bare) is None:
        # In a head an id is exact: `v1-v2` is no range there.
        return [speaker.refer(bare, complete=complete)]
    mention = _MENTION.fullmatch(part)
    words = (_expand_mention(mention, speaker.line) if mention else []) or bare.split()
    for word in words:
        if (problem := find_id_problem(word, speaker.line)) is not None:
            raise InputError(problem)
    return [speaker.refer(word, complete=complete) for word in words]


def _find_mentions(text: str, speaker: Speaker) -> Iterator[Reference]:
    for mention in _MENTION.finditer(text):
        complete = bool(mention["done"])
        if names := _expand_mention(mention, speaker.line):
            yield from (speaker.refer(name, complete=complete) for name in names)
            continue
        for word in filter(_is_candidate, mention.group("left", "right")):
            yield speaker.refer(word, complete=complete, sure=speaker.trusts(word))


def _find_words(text: str, speaker: Speaker, *, listed: bool) -> Iterator[Reference]:
    """Yield words without a number: alone in their item, or anywhere if the speaker's own id has none."""
    numberless = not _has_digit(speaker.own)
    alone = _LONE_WORDS.fullmatch(text) is not None
    if not alone and not numberless:
        return
    for word, done in _LONE_WORD.findall(text):
        if not _is_candidate(word) and find_id_fault(word) is None:
            sure = listed and numberless and alone
            yield speaker.refer(word, complete=bool(done), sure=sure)


def _trust_first(references: list[Reference]) -> list[Reference]:
    """Let the first of an item count as an id if it looks like one: `- SPCE-001` must not pass unseen."""
    if not references or not looks_like_id(references[0].names[0]):
        return references
    return [evolve(references[0], sure=True), *references[1:]]


def _expand_mention(mention: re.Match[str], line: int) -> list[str]:
    """Return the ids of `T01〜T08`, `SPEC-001..SPEC-007` or `T01-T08`; none for what is no range."""
    left, mark, right = mention.group("left", "mark", "right")
    if len(mention[0]) > LONGEST_MENTION:
        return []
    if right is not None:
        return _expand(left, mark.strip(), right, line)
    for hyphen in re.finditer("-", left):
        low, high = left[: hyphen.start()], left[hyphen.end() :]
        # `SPEC-001-002` is an id with hyphens; a range repeats at least a letter.
        if not high[:1].isdigit() and (names := _expand(low, "-", high, line)):
            return names
    return []


def _expand(left: str, mark: str, right: str, line: int) -> list[str]:
    first = _NUMBERED.fullmatch(left)
    last = None if first is None else re.fullmatch(r"[0-9]{1,9}", _drop_stem(right, first["stem"]))
    if first is None or last is None:
        return []
    low, high, width = int(first["number"]), int(last[0]), len(first["number"])
    if not 0 <= high - low < LONGEST_RANGE:
        fields = {"range": show(f"{left}{mark}{right}"), "limit": LONGEST_RANGE}
        raise InputError(Problem("spec_range", fields, line=line))
    return [f"{first['stem']}{number:0{width}d}" for number in range(low, high + 1)]


def _drop_stem(right: str, stem: str) -> str:
    """Return the number of a range's end, which may leave out what it shares with its beginning."""
    letters = re.search(r"[A-Za-z]*\Z", stem)
    for prefix in (stem, letters[0] if letters else ""):
        if prefix and right.casefold().startswith(prefix.casefold()):
            return right[len(prefix) :]
    return right


def _is_candidate(word: str | None) -> bool:
    return word is not None and _has_digit(word) and re.search("[A-Za-z]", word) is not None


def _has_digit(text: str) -> bool:
    return re.search(r"\d", text) is not None
