"""The time axis of the log's chart: round times, days by their date."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditlog.port import Bucket
from service.web.rooms.log_axis import marks

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
BARS = 48


def bars(start: datetime, span: timedelta, count: int = BARS) -> list[Bucket]:
    return [
        Bucket(start + span * place / count, start + span * (place + 1) / count, 1, {})
        for place in range(count)
    ]


def test_an_hour_has_minutes_and_says_its_day_once() -> None:
    start = datetime(2024, 5, 14, 1, 3, tzinfo=UTC)  # 09:03 in Shanghai
    words = list(marks(bars(start, timedelta(hours=1)), SHANGHAI).values())
    assert words == ["05-14 09:03", "09:20", "09:30", "09:40", "09:50", "10:00"]


def test_a_day_has_hours_and_its_midnight_is_a_date() -> None:
    start = datetime(2024, 5, 14, 1, 3, tzinfo=UTC)
    words = list(marks(bars(start, timedelta(days=1)), SHANGHAI).values())
    assert words == ["05-14 09:03", "18:00", "05-15", "06:00"]


def test_a_month_has_dates_alone() -> None:
    start = datetime(2024, 5, 1, 3, tzinfo=UTC)
    words = list(marks(bars(start, timedelta(days=30)), SHANGHAI).values())
    assert words == ["05-01", "05-06", "05-13", "05-20", "05-27"]  # from the first to each Monday


def test_a_year_has_firsts_of_months_and_its_own_first_day() -> None:
    start = datetime(2024, 3, 18, 8, tzinfo=UTC)
    words = list(marks(bars(start, timedelta(days=287)), SHANGHAI).values())
    assert words == ["2024-03-18", "2024-05-01", "2024-07-01", "2024-09-01", "2024-11-01"]


def test_a_day_whose_midnight_stands_too_near_to_the_first_bar_is_named_at_its_next_mark() -> None:
    start = datetime(2024, 5, 13, 15, tzinfo=UTC)  # 23:00 in Shanghai
    words = list(marks(bars(start, timedelta(days=2)), SHANGHAI).values())
    assert words == ["05-13 23:00", "05-14 12:00", "05-15", "12:00"]


def test_a_mark_stands_at_the_bar_that_holds_its_time() -> None:
    start = datetime(2024, 5, 13, 15, tzinfo=UTC)  # 23:00 in Shanghai
    found = marks(bars(start, timedelta(days=2)), SHANGHAI)
    assert found[0] == "05-13 23:00"
    assert found[13] == "05-14 12:00"
    assert found[25] == "05-15"


def test_midnight_is_midnight_where_clocks_change() -> None:
    start = datetime(2024, 3, 9, 12, tzinfo=UTC)
    found = marks(bars(start, timedelta(days=3)), NEW_YORK)
    dates = [words for words in found.values() if len(words) == len("03-10") and "-" in words]
    assert dates == ["03-10", "03-11", "03-12"]


@settings(deadline=None, max_examples=200)
@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001 - given its zone below
    st.integers(2, 4 * 365 * 86_400),
    st.sampled_from([SHANGHAI, NEW_YORK, ZoneInfo("Asia/Kathmandu")]),
)
def test_no_two_marks_of_a_day_read_the_same_and_few_enough_fit(
    start: datetime, seconds: int, zone: ZoneInfo
) -> None:
    found = marks(bars(start.replace(tzinfo=UTC), timedelta(seconds=seconds)), zone)
    words = list(found.values())
    assert len(words) <= 9
    dates = [one for one in words if "-" in one]
    assert len(set(dates)) == len(dates)
    day: set[str] = set()
    for one in words:
        day = set() if "-" in one else day
        assert one not in day  # the same time again stands behind another date
        day.add(one)
    assert sorted(found) == list(found)
    assert all(0 <= place < BARS for place in found)
    assert 0 in found  # the chart says from when on
    assert "-" in found[0]


@pytest.mark.parametrize("span", [timedelta(hours=1), timedelta(days=1), timedelta(days=30)])
def test_every_usual_span_has_marks(span: timedelta) -> None:
    assert len(marks(bars(datetime(2024, 5, 14, tzinfo=UTC), span), SHANGHAI)) >= 3
