"""Dates as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.files.conventions.dates import DateConvention, read_time


def column(*cells: str) -> DateConvention:
    convention = DateConvention()
    for cell in cells:
        convention.see(cell)
    return convention


@pytest.mark.parametrize(
    "cell", ["2026-11-20T10:00:00Z", "2026-11-20 10:00", 1795168800, "1795168800000", 1795168800.0, "20.11.2026 10:00"]
)
def test_times_are_utc_unless_they_say_otherwise(cell: object) -> None:
    assert read_time(cell) == datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "cell",
    [
        "18.03.2026",
        "3/18/2026",
        "18/3/2026",
        "18-03-2026",
        "2026/3/18",
        "20260318",
        "Mar 18, 2026",
        "18 March 2026",
        "18. März 2026",
        "18 mars 2026",
        "18 de marzo de 2026",
        "18-Mar-2026",
        "18 марта 2026 г.",
        "2026年3月18日",
        "3/18/26",
    ],
)
def test_a_day_is_read_as_it_is_written(cell: str) -> None:
    assert read_time(cell, column(cell)) == datetime(2026, 3, 18, tzinfo=UTC)


def test_times_of_day_and_zones_follow_the_day() -> None:
    assert read_time("March 18th, 2026 3:05 PM") == datetime(2026, 3, 18, 15, 5, tzinfo=UTC)
    assert read_time("Wed, 18 Mar 2026 10:00:00 +0100") == datetime(2026, 3, 18, 9, tzinfo=UTC)


def test_the_column_says_whether_day_or_month_comes_first() -> None:
    assert read_time("3/4/2026", column("3/4/2026", "3/18/2026")).month == 3
    assert read_time("3/4/2026", column("18/3/2026", "3/4/2026")).month == 4
    assert read_time("03.04.2026", column("3/18/2026")).month == 4


def test_a_date_that_can_be_read_two_ways_is_refused_by_both() -> None:
    with pytest.raises(ValueError, match=r"2026-03-04 or 2026-04-03; .* --dates"):
        read_time("3/4/2026", column("5/6/2026"))
    assert read_time("5/5/2026", column("3/4/2026")) == datetime(2026, 5, 5, tzinfo=UTC)
    assert read_time("3/4/2026", DateConvention("dmy")).month == 4


@pytest.mark.parametrize("cell", ["yesterday", "13.13.2026", "2026", "1/2/3", "", True, None, "18 Foo 2026", "9" * 500])
def test_what_is_no_time_is_refused(cell: object) -> None:
    with pytest.raises(ValueError, match="no time"):
        read_time(cell)


@given(
    st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)), min_size=1),
    st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]),
)
def test_no_column_of_one_order_is_read_wrong(times: list[datetime], form: str) -> None:
    cells = [time.strftime(form) for time in times]
    for time, cell in zip(times, cells, strict=True):
        try:
            read = read_time(cell, column(*cells))
        except ValueError:
            assert all(other.day <= 12 for other in times)
        else:
            assert read.date() == time.date()


@given(st.text(max_size=40) | st.floats() | st.integers())
def test_anything_is_a_time_or_refused(cell: object) -> None:
    try:
        read_time(cell)
    except (ValueError, OverflowError):
        return


def test_years_of_two_digits_are_those_of_posix() -> None:
    years = {"1/31/69": 1969, "1/31/99, 12:00 AM": 1999, "1/31/00": 2000, "1/31/68": 2068}
    assert {cell: read_time(cell).year for cell in years} == years
