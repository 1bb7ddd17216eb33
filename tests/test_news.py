"""What a child says through AAD_EVENTS is read piece by piece, and rubbish harms nobody."""

from pathlib import Path

import pytest

from aad.events import EscalationLevel
from aad.news import LONGEST_LINE, MOST, Asked, News, NewsFile, Progress, Trouble, parse_news
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
        (b'{"question": "Which?", "options": ["a", 1, "b"]}', Asked(text="Which?", options=("a", "b"))),
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
    assert len(told) == MOST // len(lines[0])
    assert list(news.read()) == []


def test_secrets_are_masked_when_the_child_is_done(path: Path) -> None:
    news = NewsFile(path)
    path.write_bytes(b'{"message": "tok-123456789"}\n')

    news.mask(Redactor(["tok-123456789"]))

    assert path.read_bytes() == b'{"message": "[redacted]"}\n'
