"""The sentences of both languages, held against each other and against the code that says them."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from string import Formatter

import pytest

from aad import messages

PACKAGE = Path(messages.__file__).parents[1]
JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff00-\uff9f]")
PLURAL = re.compile(r"\.(one|other)$")


def sources() -> Iterator[Path]:
    return (path for path in PACKAGE.rglob("*.py") if PACKAGE / "messages" not in path.parents)


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def keys_of(lang: str) -> list[str]:
    sections = (import_module(f"aad.messages.{lang}.{section}") for section in messages.SECTIONS)
    return [key for section in sections for key in section.TEXTS]


def keys_written_in(path: Path) -> list[str]:
    """Return the keys as they stand in a section's file, where a dict would forget the first of two."""
    tables = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Dict))
    return [str(key.value) for table in tables for key in table.keys if isinstance(key, ast.Constant)]


def pattern_of(node: ast.JoinedStr) -> str | None:
    """Return the keys that an f-string may name: of `f"reason.{name}"` all that begin like this."""
    texts = [str(part.value) for part in node.values if isinstance(part, ast.Constant)]
    if not re.fullmatch(r"[a-z_.-]{3,}", "".join(texts)):
        return None
    return "".join(
        re.escape(str(p.value)) if isinstance(p, ast.Constant) else "[a-z_-]+" for p in node.values
    )


def words_in_code() -> tuple[set[str], re.Pattern[str]]:
    """Return the strings that the code holds, and a pattern of the keys that it puts together."""
    nodes = [node for path in sources() for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    strings = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    patterns = filter(None, (pattern_of(node) for node in nodes if isinstance(node, ast.JoinedStr)))
    return strings, re.compile("|".join(patterns) or "(?!)")


def test_both_languages_have_the_same_keys_but_for_the_singular() -> None:
    english = {key for key in messages.load_catalogue("en") if not key.endswith(".one")}

    assert sorted(english) == sorted(messages.load_catalogue("ja"))


def test_the_same_key_has_the_same_fields_in_both_languages() -> None:
    english, japanese = messages.load_catalogue("en"), messages.load_catalogue("ja")

    differing = {key for key in japanese if fields(english.get(key, "")) != fields(japanese[key])}

    assert differing == set()


def test_every_singular_has_a_plural_with_the_same_fields() -> None:
    english = messages.load_catalogue("en")
    singulars = [key for key in english if key.endswith(".one")]

    plurals = [english.get(f"{key.removesuffix('.one')}.other", "") for key in singulars]

    assert [fields(english[key]) for key in singulars] == [fields(plural) for plural in plurals]


@pytest.mark.parametrize("lang", messages.LANGUAGES)
def test_no_key_stands_twice_in_a_language(lang: str) -> None:
    written = [key for path in (PACKAGE / "messages" / lang).glob("*.py") for key in keys_written_in(path)]

    assert [key for key in sorted(set(written)) if written.count(key) > 1] == []


@pytest.mark.parametrize("lang", messages.LANGUAGES)
def test_every_section_is_loaded(lang: str) -> None:
    files = {path.stem for path in (PACKAGE / "messages" / lang).glob("*.py")} - {"__init__"}

    assert files == set(messages.SECTIONS)
    assert sorted(keys_of(lang)) == sorted(messages.load_catalogue(lang))


def test_every_key_is_said_somewhere() -> None:
    strings, patterns = words_in_code()
    keys = {PLURAL.sub("", key) for key in messages.load_catalogue("en")}

    unsaid = {key for key in keys if key not in strings and not patterns.fullmatch(key)}

    assert unsaid == set()


def test_japanese_stands_in_its_sentences_and_in_the_reader_of_specs_alone() -> None:
    elsewhere = [
        f"{path.relative_to(PACKAGE)}:{number}"
        for path in PACKAGE.rglob("*.py")
        if not {PACKAGE / "messages" / "ja", PACKAGE / "formats"} & {*path.parents}
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if JAPANESE.search(line)
    ]

    assert elsewhere == []


def test_a_sentence_has_its_fields_filled_in() -> None:
    assert messages.text("en", "log.plan_after", {"spec": "A", "names": "B, C"}) == "A (after B, C)"


@pytest.mark.parametrize(
    ("lang", "count", "sentence"),
    [("en", 1, "1 spec"), ("en", 0, "0 specs"), ("en", 1284, "1,284 specs"), ("ja", 1, "Spec 1件")],
)
def test_a_count_has_the_form_of_its_number(lang: str, count: int, sentence: str) -> None:
    assert messages.counted(lang, "log.specs", count) == sentence
