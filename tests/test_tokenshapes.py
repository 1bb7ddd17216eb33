"""Tokens are known by their shapes, and next to nothing else is taken for one."""

import sysconfig
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from madeupsecrets import TOKENS, draw

from aad.longwords import find_long_words
from aad.sighting import REACH
from aad.tokenshapes import find_tokens

OPAQUE = draw("opaque", 32)


def find(text: str) -> list[str]:
    """Return what is secret in a text, in order."""
    data = text.encode()
    spans = sorted({found.secret for found in find_tokens(data, find_long_words(data))})
    return [data[start:end].decode() for start, end in spans]


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "key={} and more",
        '{{"key":"{}"}}',
        r"line\n{}\nline",
        r"{{\"key\":\"{}\"}}",
        "\x1b[31m{}\x1b[0m",
        "https://host/?key%3D{}&x=y",
        r"key\u003d{}\u0026",
        "'{}',",
        "({})",
        "鍵{}。",
    ],
)
def test_a_token_is_found_in_whatever_it_stands(token: str, text: str) -> None:
    assert find(text.format(token)) == [token]


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
def test_a_token_that_was_cut_short_by_far_is_none(token: str) -> None:
    assert find(f"see {token[:15]} for it") == []


@pytest.mark.parametrize(
    "text",
    [
        "task-0123456789abcdefABCDEF",
        "disk-image-0123456789abcdefABCDEF",
        "sk-learn-like-names-of-many-words-in-2026",
        "sk-" + "internationalization" * 2,
        "npm_config_registry_of_the_whole_organization_1",
        "ghs_is_the_name_of_a_variable_of_many_letters_1",
        "xoxb-is-what-such-a-token-begins-with",
        "AKIALOWERCASEisNone1",
        "ASIAPACIFICNORTHEAST1",
        "AIza" + "0" * 36,
        "hf_hub_download_of_a_model_that_is_very_large",
        "eyJ is how these begin, eyJhbGciOiJIUzI1NiJ9 is their head",
    ],
)
def test_what_only_begins_like_a_token_is_none(text: str) -> None:
    assert find(text) == []


# --- Bearer ---


@pytest.mark.parametrize(
    "text",
    ["Authorization: Bearer {}", "authorization: bearer {}", "BEARER  {}", '"Bearer {}"', "x=Bearer%20{}"],
)
@pytest.mark.parametrize("token", [OPAQUE, "abc.def~ghi+jkl/mno_pqr-0==", TOKENS["JSON Web Token"]])
def test_what_a_bearer_bears_is_secret(text: str, token: str) -> None:
    assert find(text.format(token)) == [token]


@pytest.mark.parametrize(
    "text", ["Bearer authentication.", "a bearer of-very-bad-news-indeed", "Bearer x1", f"a wearer {OPAQUE}"]
)
def test_what_no_token_is_borne_by_is_not(text: str) -> None:
    assert find(text) == []


# --- passwords in URLs ---


@pytest.mark.parametrize(
    "password", ["hunter2", "word", "p@ss:w0rd", "a%2Fb", "12345678", "x", "pa?ss#1", "it's", "$(pw)"]
)
@pytest.mark.parametrize(
    "text", ["postgres://me:{}@db.local:5432/x", 'see "https://:{}@host"', "URL=s3+v2://a.b:{}@h"]
)
def test_of_a_url_the_password_is_secret(text: str, password: str) -> None:
    assert find(text.format(password)) == [password]


@pytest.mark.parametrize(
    "text",
    [
        "https://host:8080/me@example.com",
        "https://me@host/",
        "git@github.com:us/it.git",
        "http://localhost:3000,me@example.com",
        "http://localhost:3000?to=me@example.com",
        '"http://a:1","me@example.com"',
        "http://[::1]:80/ me@example.com",
        "a://b: c@d",
    ],
)
def test_a_url_without_a_password_has_none(text: str) -> None:
    assert find(text) == []


# --- all together ---


def test_tokens_on_one_line_are_found_one_by_one() -> None:
    assert sorted(find(" ".join(TOKENS.values()))) == sorted(TOKENS.values())


@given(text=st.text(alphabet=st.sampled_from("eyJsk-_.Bar :/@xo1gh\n"), max_size=300))
def test_what_is_found_lies_in_one_line_and_in_what_shows_it(text: str) -> None:
    data = text.encode()

    for found in find_tokens(data, find_long_words(data)):
        assert found.whole[0] <= found.secret[0] < found.secret[1] <= found.whole[1]
        assert b"\n" not in data[slice(*found.whole)]


@pytest.mark.parametrize("head", ["Bearer ", "eyJ", "sk-", "pypi-Ag", "glpat-", "x://a:", "ghp_"])
def test_nothing_that_is_found_is_longer_than_the_longest(head: str) -> None:
    data = (head + "A1" * 20_000 + ".eyJ" + "b" * 20_000 + "." + "c" * 20_000 + "@").encode()

    found = [*find_tokens(data, find_long_words(data))]

    assert all(each.whole[1] - each.whole[0] <= REACH for each in found)


def read_library(size: int) -> Iterator[bytes]:
    """Yield the source files of Python's library, up to a size; its tests hold made-up secrets."""
    folder = Path(sysconfig.get_path("stdlib"))
    paths = [
        path
        for path in sorted(folder.rglob("*.py"))
        if not {"test", "tests", "idle_test", "site-packages"} & {*path.relative_to(folder).parts}
    ]
    sizes = accumulate(path.stat().st_size for path in paths)
    yield from (path.read_bytes() for path, so_far in zip(paths, sizes, strict=True) if so_far <= size)


def test_next_to_nothing_in_source_code_is_taken_for_a_token() -> None:
    files = list(read_library(8_000_000))

    found = [each for data in files for each in find_tokens(data, find_long_words(data))]

    assert sum(map(len, files)) > 5_000_000
    assert len(found) <= 2
