import pytest

from aad.errors import InputError, Problem
from aad.formats.frontmatter import Entry, Parts, Text, parse_head, split_head
from aad.formats.settings import Settings, read_settings


def read(head: str) -> Settings:
    return read_settings(parse_head(head, 2))


def faults(head: str) -> list[str]:
    return [Problem(p.key, p.fields, "x.md", p.line).render() for p in read(head).problems]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("---\na: 1\n---\nbody\n", Parts("a: 1\n", 2, "body\n", 4)),
        ("---\na: 1\n...\nbody", Parts("a: 1\n", 2, "body", 4)),
        ("---  \n---", Parts("", 2, "", 2)),
        ("\n\n---\na: 1\n---\n", Parts("a: 1\n", 4, "", 6)),
        ("# No head\n\n---\n\ntext\n", Parts(None, 1, "# No head\n\n---\n\ntext\n", 1)),
        ("----\na: 1\n---\n", Parts(None, 1, "----\na: 1\n---\n", 1)),
        ("---\na: |\n  ---\n---\nbody", Parts("a: |\n  ---\n", 2, "body", 5)),
    ],
    ids=["ordinary", "dots", "empty", "blank lines first", "rule", "four dashes", "indented dashes"],
)
def test_a_head_stands_between_two_lines_of_three_dashes(text: str, parts: Parts) -> None:
    assert split_head(text) == parts


@pytest.mark.parametrize("text", ["---\na: 1\n", "---", "---\n", "---\na: 1\n ---\n# x\n"])
def test_a_head_without_an_end_is_an_error(text: str) -> None:
    with pytest.raises(InputError) as caught:
        split_head(text)

    assert caught.value.problems == (Problem("spec_head_open", line=1),)


def test_every_value_is_text_with_its_line() -> None:
    head = "id: 010\nlist: [001, 1e3, no]\nblock:\n  - yes\n  - 'null'\nnone: ~\ndeep: {a: [1]}\nalias: *x\n"

    entries = parse_head(head.replace("*x", "'*x'"), 2)

    assert entries == (
        Entry("id", 2, Text("010", 2)),
        Entry("list", 3, (Text("001", 3), Text("1e3", 3), Text("no", 3))),
        Entry("block", 4, (Text("yes", 5), Text("null", 6))),
        Entry("none", 7, Text("~", 7, empty=True)),
        Entry("deep", 8, None),
        Entry("alias", 9, Text("*x", 9)),
    )


@pytest.mark.parametrize("head", ["", "# a comment\n", "\n\n"])
def test_a_head_may_say_nothing(head: str) -> None:
    assert parse_head(head, 2) == ()


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        (
            "a: 1\nb: c: d\n",
            "x.md:3: the front matter is not valid YAML: mapping values are not allowed in this context",
        ),
        (
            "a: @me\n",
            "x.md:2: the front matter is not valid YAML: found character that cannot start any token",
        ),
        ("a: [\n", "x.md:3: the front matter is not valid YAML: did not find expected node content"),
        ("a: '\n", "x.md:3: the front matter is not valid YAML: found unexpected end of stream"),
        ("a: \x07\n", "x.md:2: the front matter is not valid YAML: control characters are not allowed"),
        (
            "a: " + "[" * 100_000,
            "x.md:2: the front matter nests too deeply (a value is a text, or a list of texts)",
        ),
        ("- a\n- b\n", "x.md:2: the front matter must be lines of `key: value`"),
        ("just words\n", "x.md:2: the front matter must be lines of `key: value`"),
        ("[a]: b\n", "x.md:2: the front matter must be lines of `key: value`"),
        ("a: 1\n--- \nb: 2\n", "x.md:3: the front matter must be lines of `key: value`"),
    ],
    ids=[
        "colon",
        "at",
        "bracket",
        "quote",
        "control",
        "deep",
        "list",
        "words",
        "list as key",
        "two documents",
    ],
)
def test_a_head_that_is_no_mapping_is_an_error_at_its_line(head: str, fault: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_head(head, 2)

    [problem] = caught.value.problems
    rendered = Problem(problem.key, problem.fields, "x.md", problem.line).render()
    assert rendered.removesuffix(" (put quotes around the value?)") == fault


def test_every_key_is_read() -> None:
    head = """\
id: SPEC-001
title:  Two   words
depends_on: [A, B]
conflicts_with: C
status: Draft
agent: claude
run: make all
verify: [make, test]
isolation: none
timeout: 1h30m
stall_timeout: "0"
retries: 3
estimate: 10m
priority: -5
paths:
  - src/a
  - src/b
x-owner: {anything: [goes]}
"""

    assert read(head) == Settings(
        id=Text("SPEC-001", 2),
        title="Two words",
        depends_on=(Text("A", 4), Text("B", 4)),
        conflicts_with=(Text("C", 5),),
        status=Text("Draft", 6),
        agent=(Text("claude", 7),),
        run="make all",
        verify=("make", "test"),
        isolation="none",
        timeout=5400.0,
        stall_timeout=0.0,
        retries=3,
        estimate=600.0,
        priority=-5,
        paths=("src/a", "src/b"),
    )


def test_a_key_without_a_value_leaves_things_open_but_for_dependencies() -> None:
    assert read("title:\nstatus: ~\nretries: null\ndepends_on:\n") == Settings(depends_on=())


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        (
            "dependson: A",
            "unknown key `dependson` (did you mean depends_on? keys of your own begin with `x-`)",
        ),
        (
            "dependencies: A",
            "unknown key `dependencies` (did you mean depends_on? keys of your own begin with `x-`)",
        ),
        ("Title: A", "unknown key `Title` (did you mean title? keys of your own begin with `x-`)"),
        (
            "stall-timeout: 1m",
            "unknown key `stall-timeout` (did you mean stall_timeout? keys of your own begin with `x-`)",
        ),
        ("colour: red", "unknown key `colour` (keys of your own begin with `x-`)"),
        ("<<: {a: b}", "unknown key `<<` (keys of your own begin with `x-`)"),
        ('"a\\e[2Jb": 1', "unknown key `a\\x1b[2Jb` (keys of your own begin with `x-`)"),
        ("title: [a, b]", "`title` must be one text (put quotes around it?)"),
        ("id: {a: b}", "`id` must be one text (put quotes around it?)"),
        ("depends_on: {a: b}", "`depends_on` must be a text or a list of texts"),
        ("depends_on: [[a]]", "`depends_on` must be a text or a list of texts"),
        ("paths: {a: b}", "`paths` must be a text or a list of texts"),
        ("run: []", "`run` must be a shell line, or a list with a program and its arguments"),
        ("run: '  '", "`run` must be a shell line, or a list with a program and its arguments"),
        ("verify: ['', a]", "`verify` must be a shell line, or a list with a program and its arguments"),
        ("isolation: auto", "`isolation` cannot be auto (known: worktree, directory, none)"),
        ("isolation: [none]", "`isolation` must be one text (put quotes around it?)"),
        ("timeout: 30", '`timeout` must be a duration such as "90s", "30m" or "1h30m", not 30'),
        ("timeout: -5m", '`timeout` must be a duration such as "90s", "30m" or "1h30m", not -5m'),
        ("estimate: 5-7h", '`estimate` must be a duration such as "90s", "30m" or "1h30m", not 5-7h'),
        ("retries: -1", "`retries` must be a whole number from 0 to 1000, not -1"),
        ("retries: 1001", "`retries` must be a whole number from 0 to 1000, not 1001"),
        ("retries: 1.5", "`retries` must be a whole number from 0 to 1000, not 1.5"),
        ("retries: ''", "`retries` must be a whole number from 0 to 1000, not "),
        ("priority: high", "`priority` must be a whole number from -1000000 to 1000000, not high"),
        (f"retries: {'9' * 9000}", f"`retries` must be a whole number from 0 to 1000, not {'9' * 60}..."),
    ],
)
def test_a_key_at_fault_says_what_it_may_be(head: str, fault: str) -> None:
    assert faults(head) == [f"x.md:2: {fault}"]


def test_a_key_that_stands_twice_is_an_error_and_hides_no_other() -> None:
    head = "title: a\nretries: x\ntitle: b\nx-a: 1\nx-a: 2\n"

    assert faults(head) == [
        "x.md:3: `retries` must be a whole number from 0 to 1000, not x",
        "x.md:4: `title` stands in line 2 already (keep one of them)",
        "x.md:6: `x-a` stands in line 5 already (keep one of them)",
    ]
    assert faults("{title: a, title: b}") == ["x.md:2: `title` stands in line 2 already (keep one of them)"]
