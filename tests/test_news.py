"""What a child says through AAD_EVENTS is read piece by piece, and rubbish harms nobody."""

from pathlib import Path

import pytest

from aad.events import EscalationLevel
from aad.news import LONGEST_BROKEN, LONGEST_LINE, MOST, Asked, News, NewsFile, Progress, Trouble, parse_news
from aad.redact import Redactor


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.mark.parametrize(
    ("line", "news"),
    [
        (b'{"progress": 0.4, "message": "half"}', Progress(progress=0.4, message="half")),
        (b'{"progress": 1}', Progress(progress=1.0)),
        (b'{"progress": 7}', Progress(progress=1.0)),
        (b'{"progress": -1}', Progress(progress=0.0)),
        (b'{"message": "only words"}', Progress(message="only words")),
        (b'{"question": "Which?", "options": ["a", 1, "b"]}', Asked(text="Which?", options=("a", "1", "b"))),
        (b'{"question": {"text": "Which?"}}', Asked(text='{"text": "Which?"}')),
        (
            b'{"permission": 5, "options": ["a\\u0000b"]}',
            Asked(text="5", options=("ab",), permission=True),
        ),
        (b'{"question": null, "message": "none"}', Progress(message="none")),
        (b'{"question": "Which?"}', Asked(text="Which?")),
        (b'{"warning": "hm"}', Trouble(message="hm", level=EscalationLevel.WARNING)),
        (b'{"error": "oh"}', Trouble(message="oh", level=EscalationLevel.ERROR)),
        (b'{"error": "oh", "level": "critical"}', Trouble(message="oh", level=EscalationLevel.CRITICAL)),
        (b'{"error": "oh", "level": "loud"}', Trouble(message="oh", level=EscalationLevel.ERROR)),
        (b'{"progress": NaN}', None),
        (b'{"progress": true}', None),
        (b'{"progress": "0.4"}', None),
        (b"{}", None),
        (b"[1]", None),
        (b"not json", None),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
    ],
)
def test_a_line_is_news_or_nothing(line: bytes, news: News | None) -> None:
    assert parse_news(line) == news


def test_a_missing_file_has_no_news(path: Path) -> None:
    assert list(NewsFile(path).read()) == []


def test_only_what_came_since_the_last_look_is_told(path: Path) -> None:
    news = NewsFile(path)
    path.write_bytes(b'{"progress": 0.1}\n')
    first = list(news.read())
    with path.open("ab") as file:
        file.write(b'{"progress": 0.2}\n')

    second = list(news.read())

    assert (first, second) == ([Progress(progress=0.1)], [Progress(progress=0.2)])


def test_news_that_come_byte_by_byte_are_told_once(path: Path) -> None:
    news, told = NewsFile(path), []
    for byte in b'{"progress": 0.5}\n':
        with path.open("ab") as file:
            file.write(bytes([byte]))
        told += list(news.read())

    assert told == [Progress(progress=0.5)]


def test_a_last_line_without_an_end_counts_at_the_end_only(path: Path) -> None:
    news = NewsFile(path)
    path.write_bytes(b'{"progress": 0.5}')

    assert (list(news.read()), list(news.read(last=True))) == ([], [Progress(progress=0.5)])


def test_broken_and_endless_lines_are_counted_and_passed_over(path: Path) -> None:
    news = NewsFile(path)
    path.write_bytes(b"rubbish\n" + b"x" * (LONGEST_LINE + 1) + b'\n{"progress": 0.5}\n\n')

    assert (list(news.read()), news.unread) == ([Progress(progress=0.5)], 2)


def test_a_folder_in_the_files_place_is_no_news(path: Path) -> None:
    path.mkdir()

    assert list(NewsFile(path).read(last=True)) == []


def test_of_a_flood_only_the_newest_is_heard(path: Path) -> None:
    news = NewsFile(path)
    lines = [b'{"progress": %.6f}\n' % (n / 100_000) for n in range(100_000)]
    path.write_bytes(b"".join(lines))

    told = list(news.read())

    assert told[-1] == Progress(progress=0.99999)
    assert len(told) == MOST // len(lines[0]) + 1
    assert list(news.read()) == []


def test_a_question_that_is_no_json_is_asked_as_it_stands(path: Path) -> None:
    news = NewsFile(path)
    path.write_bytes(b'{"question": "line 1\nline 2"}\n{"permission": sure}\n')

    told = list(news.read())

    assert told == [Asked(text='{"question": "line 1'), Asked(text='{"permission": sure}', permission=True)]
    assert (news.unread, news.strange) == (1, b'line 2"}')


@pytest.mark.parametrize("pieces", [1, 7])
def test_of_a_question_that_is_too_long_the_beginning_is_asked(path: Path, pieces: int) -> None:
    news, told = NewsFile(path), []
    line = b'{"question": "' + b"x" * 3 * LONGEST_LINE + b'"}\n{"progress": 1}\n'
    size = len(line) // pieces + 1
    for start in range(0, len(line), size):
        with path.open("ab") as file:
            file.write(line[start : start + size])
        told += list(news.read())

    assert told == [Asked(text=f"{line[:LONGEST_BROKEN].decode()}…"), Progress(progress=1.0)]


@pytest.mark.parametrize("before", [b"", b'{"progress": 0.5'])
def test_a_question_is_heard_in_a_flood(path: Path, before: bytes) -> None:
    news = NewsFile(path)
    path.write_bytes(before)
    _ = list(news.read())
    flood = b'{"progress": 0.25}\n' * 20_000
    with path.open("ab") as file:
        file.write(b"}\n" * bool(before) + flood + b'{"question": "Which?"}\n' + flood)

    told = list(news.read())

    assert [asked for asked in told if isinstance(asked, Asked)] == [Asked(text="Which?")]
    assert told[-1] == Progress(progress=0.25)


def test_secrets_are_masked_when_the_child_is_done(path: Path) -> None:
    news = NewsFile(path)
    path.write_bytes(b'{"message": "tok-123456789"}\n')

    news.mask(Redactor(["tok-123456789"]))

    assert path.read_bytes() == b'{"message": "[redacted]"}\n'
