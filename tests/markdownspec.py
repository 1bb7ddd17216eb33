"""A spec file as a test writes it, and what the reader of Markdown makes of it."""

from textwrap import dedent

from aad.formats.markdown import Reading, read_markdown
from aad.formats.statuswords import make_status_words
from aad.spec import Spec

WORDS = make_status_words(("Approved", "In Progress"))


def read(text: str | bytes, stem: str = "SPEC-008") -> Reading:
    data = text if isinstance(text, bytes) else dedent(text).encode()
    return read_markdown(data, stem=stem, path=f"{stem}.md", words=WORDS)


def spec_of(text: str, stem: str = "SPEC-008") -> Spec:
    reading = read(text, stem)
    assert reading.spec is not None
    return reading.spec


def needs(text: str, stem: str = "SPEC-008") -> list[str]:
    reading = read(text, stem)
    assert reading.problems == ()
    return [reference.names[0] for reference in reading.references]


def faults(text: str | bytes, stem: str = "SPEC-008") -> list[str]:
    return [problem.render() for problem in read(text, stem).problems]
