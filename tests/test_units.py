"""Facts about durations and sizes as people write them."""

import pytest

from aad.units import BIGGEST, LONGEST, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("30m", 1800.0),
        ("1h30m", 5400.0),
        ("2d", 172_800.0),
        ("1d 2h 3m 4s", 93_784.0),
        ("500ms", 0.5),
        ("1m500ms", 60.5),
        ("1.5h", 5400.0),
        (" 10 s ", 10.0),
        ("0", 0.0),
        (" 0 ", 0.0),
        ("0s", 0.0),
        ("3650d", LONGEST),
    ],
)
def test_a_duration_is_numbers_with_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "30", "1.0", "-5s", "5 minutes", "5M", "s", "1h-5m", ".5h", "1e3s", "inf", "٣s", "1h30"],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text or "^$"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["5m3m", "30m1h", "1ms1s"])
def test_a_unit_stands_once_and_the_greater_one_first(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_duration(text)


@pytest.mark.parametrize("text", ["3651d", "99999999h", "9" * 400 + "s"])
def test_more_than_ten_years_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("100B", 100),
        ("10kB", 10_000),
        ("10KB", 10_000),
        ("10MB", 10_000_000),
        ("1GB", 1_000_000_000),
        ("512KiB", 524_288),
        ("1MiB", 1_048_576),
        ("2GiB", 2_147_483_648),
        ("1.5MB", 1_500_000),
        (" 10 MB ", 10_000_000),
        ("0", 0),
        ("1000000GB", BIGGEST),
    ],
)
def test_a_size_is_a_number_with_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "10", "-1MB", "10mb", "10 megabytes", "MB", "1MB1kB", "1e3MB", "10M"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text or "^$"):
        parse_size(text)


@pytest.mark.parametrize("text", ["1000001GB", "9" * 400 + "B"])
def test_more_than_a_million_gigabytes_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_size(text)
