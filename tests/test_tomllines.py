"""Facts about the lines on which keys stand."""

from aad.tomllines import find_lines, nearest_line

TEXT = '''\
# a comment with a = 1
top = 1

[run] # [not.this]
plain = "a = 1"
"quoted key" = 2
dotted.inner.key = 3
table = { one = 1, two = { three = 3 } }
list = [
  "[run.fake]",
  { deep = 1 },
]
after = """
plain = 5
[other]
"""
last = \'\'\'x\'\'\'

[[item]]
name = 1
[item.sub]
x = 1
[[item]]
name = 2
[[item.part]]
y = 1
[profile.ci.run]
plain = 2
'''


def test_each_key_table_and_item_has_the_line_on_which_it_begins() -> None:
    assert find_lines(TEXT) == {
        ("top",): 2,
        ("run",): 4,
        ("run", "plain"): 5,
        ("run", "quoted key"): 6,
        ("run", "dotted"): 7,
        ("run", "dotted", "inner"): 7,
        ("run", "dotted", "inner", "key"): 7,
        ("run", "table"): 8,
        ("run", "table", "one"): 8,
        ("run", "table", "two"): 8,
        ("run", "table", "two", "three"): 8,
        ("run", "list"): 9,
        ("run", "list", 0): 9,
        ("run", "list", 1): 9,
        ("run", "list", 1, "deep"): 9,
        ("run", "after"): 13,
        ("run", "last"): 17,
        ("item",): 19,
        ("item", 0): 19,
        ("item", 0, "name"): 20,
        ("item", 0, "sub"): 21,
        ("item", 0, "sub", "x"): 22,
        ("item", 1): 23,
        ("item", 1, "name"): 24,
        ("item", 1, "part"): 25,
        ("item", 1, "part", 0): 25,
        ("item", 1, "part", 0, "y"): 26,
        ("profile",): 27,
        ("profile", "ci"): 27,
        ("profile", "ci", "run"): 27,
        ("profile", "ci", "run", "plain"): 28,
    }


def test_lines_that_end_as_on_windows_are_counted_alike() -> None:
    assert find_lines(TEXT.replace("\n", "\r\n")) == find_lines(TEXT)


def test_an_empty_text_has_no_lines() -> None:
    assert find_lines("") == {}


def test_a_value_without_a_line_has_that_of_the_nearest_table_around_it() -> None:
    lines = find_lines(TEXT)

    assert nearest_line(lines, ("item", 1, "missing")) == 23


def test_what_stands_nowhere_has_no_line() -> None:
    assert nearest_line(find_lines(TEXT), ("missing",)) is None
