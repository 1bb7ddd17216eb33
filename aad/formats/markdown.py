"""Reads a spec file of our own format: the bytes of one file become a `Spec`. Knows no other files."""

import re
from collections.abc import Iterable
from hashlib import sha256

from attrs import evolve, frozen

from aad.errors import InputError, Problem
from aad.formats.body import Body, Heading, read_body
from aad.formats.faults import find_id_problem, show
from aad.formats.frontmatter import Text, parse_head, split_head
from aad.formats.references import Reference, Speaker, looks_like_id, read_listed
from aad.formats.settings import Settings, read_settings
from aad.formats.statuswords import StatusWords
from aad.spec import Spec, SpecStatus, clean_id

_HEADING = re.compile(r"(?P<word>[\w.-]*\w)(?:\s*:|\s+[-\u2013\u2014]\s|\s|\Z)\s*(?P<title>.*)")
_CHECKBOX = re.compile(
    r"^[ \t]*(?:(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)"
    r"|(?:[-*+]|\d{1,9}[.)])[ \t]+\[(?P<box>[ xX])\][ \t])",
    re.MULTILINE,
)
_HEAD_ID = re.compile(rb"(?:\xef\xbb\xbf)?\s*---[ \t]*\r?\n(?:(?!---)[^\n]*\n)*?id:[ \t]*([^\s#]+)")


@frozen(kw_only=True)
class Reading:
    """What one file holds.

    `spec` is None where the file is no spec (`is_spec` false) or has no usable id; in other files with
    faults it has at least the id that others may refer to. Its `depends_on` and `conflicts_with` are left
    to whoever knows the other files: `references` and `conflicts` say what is named.
    """

    spec: Spec | None
    references: tuple[Reference, ...] = ()
    conflicts: tuple[Reference, ...] = ()
    problems: tuple[Problem, ...] = ()
    agent_line: int | None = None
    is_spec: bool = True


def read_markdown(data: bytes, *, stem: str, path: str, words: StatusWords) -> Reading:
    """Read one file: `stem` is its name less `.md`, `path` how people know it. Faults come as problems."""
    file = _File(stem=clean_id(stem), path=path, digest=sha256(data).hexdigest()[:16])
    try:
        parts = split_head(_decode(data))
        settings = read_settings(() if parts.head is None else parse_head(parts.head, parts.head_line))
        own = _choose_id(settings, file.stem)
    except InputError as error:
        return make_faulty(error.problems, stem=stem, path=path)
    body = read_body(parts.body, parts.body_line, own=own, topics=_find_open_topics(settings), words=words)
    if parts.head is None and _is_other_text(file.stem, body):
        return Reading(spec=None, is_spec=False)
    return _combine(file, settings, body, own=own, words=words)


def check_id(spec_id: str) -> tuple[Problem, ...]:
    """Return what keeps an id from being a safe file and branch name, if anything does."""
    problem = find_id_problem(spec_id)
    return () if problem is None else (problem,)


def make_faulty(problems: Iterable[Problem], *, stem: str, path: str) -> Reading:
    """Return the reading of a file of which nothing is known but its name and its faults."""
    spec_id = clean_id(stem)
    spec = None if check_id(spec_id) else Spec(id=spec_id, path=path)
    return Reading(spec=spec, problems=tuple(evolve(problem, path=path) for problem in problems))


def count_checklist(text: str) -> tuple[int, int]:
    """Count the ticked boxes and all boxes of a text; those in code fences are examples."""
    done = total = 0
    fence = ""
    for match in _CHECKBOX.finditer(text):
        if (mark := match["fence"]) is None:
            if not fence:
                total += 1
                done += match["box"] != " "
        elif not fence:
            # A line such as ```code``` opens no fence: the mark may not stand in what follows it.
            fence = "" if mark[0] == "`" in match["info"] else mark
        elif mark.startswith(fence) and not match["info"].strip():
            fence = ""
    return done, total


def peek_id(data: bytes) -> str | None:
    """Return the id that the head of a file seems to give, if any, without reading the rest."""
    match = _HEAD_ID.match(data)
    return None if match is None else clean_id(match[1].decode(errors="replace").strip("'\""))


@frozen
class _File:
    """What is known of a file before it is read."""

    stem: str
    path: str
    digest: str

    @property
    def numbered(self) -> bool:
        return re.search(r"\d", self.stem) is not None

    def place(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        return tuple(evolve(problem, path=self.path) for problem in problems)


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(Problem("spec_encoding", line=line)) from None
    if "\0" in text:
        raise InputError(Problem("spec_nul", line=text.count("\n", 0, text.index("\0")) + 1))
    if not text.strip():
        raise InputError(Problem("spec_empty", line=1))
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _choose_id(settings: Settings, stem: str) -> str:
    """Return the id of a file; raises InputError, with all faults of the head, if it cannot be one."""
    own = stem if settings.id is None else clean_id(settings.id.value)
    problem = find_id_problem(own, 1 if settings.id is None else settings.id.line)
    if problem is not None:
        raise InputError((problem, *settings.problems))
    return own


def _find_open_topics(settings: Settings) -> list[str]:
    said = {
        "heading": settings.title,
        "status": settings.status,
        "dependencies": settings.depends_on,
        "weight": settings.estimate,
    }
    return [topic for topic, value in said.items() if value is None]


def _is_other_text(stem: str, body: Body) -> bool:
    """Return whether a file without a head lies among the specs and is none, as `tasks-summary.md` does."""
    if stem.casefold() == "readme":
        return True
    named, _ = _read_heading(body.heading, stem)
    return named is not None and re.search(r"\d", stem) is None


def _join_names(names: tuple[Text, ...] | None) -> str | None:
    """Return the agents that a head names, with commas between them."""
    if not names:
        return None
    return ",".join(" ".join(part.split()) for name in names for part in name.value.split(","))


def _combine(file: _File, settings: Settings, body: Body, *, own: str, words: StatusWords) -> Reading:
    references, faults = _read_references(settings.depends_on or (), own)
    conflicts, more_faults = _read_references(settings.conflicts_with, own)
    status, status_faults = _judge_status(settings.status or body.status, words)
    title, heading_faults = _read_title(file, own, settings, body)
    spec = Spec(
        id=own,
        title=title,
        status=status,
        agent=_join_names(settings.agent),
        run=settings.run,
        verify=settings.verify,
        isolation=settings.isolation,
        timeout=settings.timeout,
        stall_timeout=settings.stall_timeout,
        retries=settings.retries,
        estimate=settings.estimate,
        weight=body.weight,
        priority=settings.priority,
        paths=settings.paths,
        path=file.path,
        digest=file.digest,
    )
    problems = (*settings.problems, *body.problems, *faults, *more_faults, *status_faults, *heading_faults)
    return Reading(
        spec=spec,
        references=(*references, *body.references),
        conflicts=tuple(conflicts),
        problems=file.place(problems),
        agent_line=settings.agent[0].line if settings.agent else None,
    )


def _read_references(texts: Iterable[Text], own: str) -> tuple[list[Reference], list[Problem]]:
    references: list[Reference] = []
    problems: list[Problem] = []
    for text in texts:
        try:
            references += read_listed(text.value, Speaker(own, text.line))
        except InputError as error:
            problems += error.problems
    return references, problems


def _judge_status(said: Text | None, words: StatusWords) -> tuple[SpecStatus, tuple[Problem, ...]]:
    if said is None:
        return SpecStatus.READY, ()
    status = words.judge(said.value)
    if status is not None:
        return status, ()
    fields = {"status": show(said.value), "known": ", ".join(words.known)}
    return SpecStatus.DRAFT, (Problem("spec_status", fields, line=said.line),)


def _read_title(file: _File, own: str, settings: Settings, body: Body) -> tuple[str, tuple[Problem, ...]]:
    """Return the title. A numbered file without an `id` of its own may not have the heading of another."""
    if settings.title is not None:
        return settings.title, ()
    named, title = _read_heading(body.heading, own)
    if named is None or body.heading is None or settings.id is not None or not file.numbered:
        return title, ()
    fields = {"heading": show(named), "id": own}
    return title, (Problem("spec_id_heading", fields, line=body.heading.line),)


def _read_heading(heading: Heading | None, own: str) -> tuple[str | None, str]:
    """Return the id that a heading names where it is not the file's own, and the title behind it.

    Where it names none, it is a title if it is of the first level: `## Dependencies` heads a section.
    """
    if heading is None:
        return None, ""
    text = " ".join(clean_id(heading.value).replace("*", "").replace("`", "").split())
    match = _HEADING.fullmatch(text)
    title = text if heading.level == 1 else ""
    if match is None:
        return None, title
    names = Speaker(own, heading.line).refer(match["word"]).names
    if any(name.casefold() == own.casefold() for name in names):
        return None, match["title"]
    if looks_like_id(match["word"]):
        return match["word"], match["title"]
    return None, title
