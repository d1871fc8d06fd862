"""Trading days, sessions and the session clock, with the cases a Chinese desk would check."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import exchange_calendars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from directory.calendar import TradingCalendar
from directory.errors import UnknownProduct, UnknownYear
from directory.schedule import parse_session, parse_sessions, shipped_holidays, shipped_schedules

CALENDAR = TradingCalendar()
SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")


def cn(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("product", "at", "day"),
    [
        ("cu", "2024-05-14T10:00", date(2024, 5, 14)),
        ("cu", "2024-05-14T18:56", date(2024, 5, 14)),  # after the close, before the night
        ("cu", "2024-05-14T21:00", date(2024, 5, 15)),  # the night belongs to the next day
        ("cu", "2024-05-15T00:30", date(2024, 5, 15)),
        ("cu", "2024-05-15T05:00", date(2024, 5, 15)),  # between night and day
        ("cu", "2024-05-17T21:30", date(2024, 5, 20)),  # Friday night is Monday's
        ("cu", "2024-05-18T00:30", date(2024, 5, 20)),
        ("lc", "2024-05-17T21:30", date(2024, 5, 17)),  # no night session: the day until midnight
        ("lc", "2024-05-18T09:30", date(2024, 5, 20)),
        ("cu", "2024-10-03T10:00", date(2024, 10, 8)),  # Golden Week
    ],
)
def test_every_instant_belongs_to_one_trading_day(product: str, at: str, day: date):
    assert CALENDAR.trading_day(product, cn(at)) == day


def test_copper_is_closed_at_1856_and_opens_at_2100():
    at = cn("2024-05-14T18:56")
    assert not CALENDAR.is_open("cu", at)
    assert CALENDAR.next_open("cu", at) == cn("2024-05-14T21:00")
    assert CALENDAR.previous_close("cu", at) == cn("2024-05-14T15:00")


def test_night_closes_differ_by_product():
    assert CALENDAR.is_open("cu", cn("2024-05-15T00:59:59"))
    assert not CALENDAR.is_open("cu", cn("2024-05-15T01:00"))
    assert CALENDAR.is_open("MA", cn("2024-05-14T22:59:59"))
    assert not CALENDAR.is_open("MA", cn("2024-05-14T23:00"))
    assert CALENDAR.is_open("au", cn("2024-05-15T02:29"))
    assert not CALENDAR.is_open("lc", cn("2024-05-14T21:30"))


def test_no_night_session_on_the_eve_of_a_public_holiday():
    assert not CALENDAR.is_open("cu", cn("2024-09-30T21:30"))  # Golden Week eve
    assert CALENDAR.next_open("cu", cn("2024-09-30T15:00")) == cn("2024-10-08T09:00")
    assert CALENDAR.is_open("cu", cn("2024-10-08T21:30"))
    assert not CALENDAR.is_open("cu", cn("2024-06-07T21:30"))  # Friday before a free Monday
    assert CALENDAR.is_open("cu", cn("2024-06-14T21:30"))  # an ordinary Friday


def test_make_up_working_weekends_are_not_trading_days():
    for day in (date(2025, 1, 26), date(2025, 2, 8), date(2025, 9, 28), date(2025, 10, 11)):
        assert not CALENDAR.is_trading_day("cu", day)


def test_trading_days_of_a_year_are_the_exchanges_count():
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(365)]
    assert sum(CALENDAR.is_trading_day("cu", day) for day in days) == 243


def test_an_unknown_year_is_refused_and_can_be_loaded():
    with pytest.raises(UnknownYear) as refused:
        CALENDAR.is_trading_day("cu", date(2027, 1, 4))
    assert refused.value.year == 2027
    assert refused.value.region == "CN"
    with pytest.raises(UnknownYear):
        CALENDAR.trading_day("cu", cn("2026-12-31T21:30"))
    loaded = CALENDAR.with_year("CN", 2027, [date(2027, 1, 1)])
    assert loaded.is_trading_day("cu", date(2027, 1, 4))
    assert loaded.next_open("cu", cn("2026-12-31T15:00")) == cn("2027-01-04T09:00")
    with pytest.raises(ValueError, match="outside 2027"):
        CALENDAR.with_year("CN", 2027, [date(2028, 1, 3)])


def test_the_last_known_day_still_answers_in_session():
    at = cn("2026-12-31T14:00")
    assert CALENDAR.is_open("cu", at)
    assert CALENDAR.end_of_session("cu", at) == cn("2026-12-31T15:00")
    assert CALENDAR.open_seconds("cu", cn("2026-12-31T13:30"), at) == 1800


def test_crude_on_globex_trades_from_sunday_evening():
    sunday = datetime(2024, 5, 19, 18, 30, tzinfo=NEW_YORK)
    assert CALENDAR.is_open("CL", sunday)
    assert CALENDAR.trading_day("CL", sunday) == date(2024, 5, 20)
    assert not CALENDAR.is_open("CL", datetime(2024, 5, 20, 17, 30, tzinfo=NEW_YORK))
    assert CALENDAR.is_open("BRN", datetime(2024, 5, 20, 12, tzinfo=UTC))
    # The zone's offset differs between winter and summer; the wall clock does not.
    assert CALENDAR.next_open("CL", datetime(2024, 1, 20, 12, tzinfo=UTC)) == datetime(
        2024, 1, 21, 23, tzinfo=UTC
    )


def test_one_code_at_two_exchanges_has_a_long_form():
    assert CALENDAR.schedule("SM").exchange == "CZCE"
    assert CALENDAR.schedule("CBOT.SM").exchange == "CBOT"
    assert CALENDAR.schedule("rb").exchange == "SHFE"
    assert CALENDAR.schedule("RB").exchange == "NYMEX"


def test_an_unknown_product_is_an_error_with_a_hint():
    with pytest.raises(UnknownProduct) as refused:
        CALENDAR.is_open("BRNN", cn("2024-05-14T10:00"))
    assert refused.value.hint == "BRN"


def test_yellow_raised_before_lunch_falls_due_after_lunch():
    at = cn("2024-05-14T11:29")
    assert CALENDAR.add_open_time("MA", at, timedelta(minutes=15)) == cn("2024-05-14T13:44")


def test_orange_also_counts_the_half_hour_before_the_next_open():
    at = cn("2024-05-14T18:00")
    assert CALENDAR.add_open_time("cu", at, timedelta(minutes=15), 30) == cn("2024-05-14T20:45")
    assert CALENDAR.add_open_time("cu", at, timedelta(minutes=15)) == cn("2024-05-14T21:15")
    # The morning pause is shorter than the lead: it counts once.
    start = cn("2024-05-14T10:10")
    assert CALENDAR.add_open_time("cu", start, timedelta(minutes=20), 30) == cn("2024-05-14T10:30")


def test_age_of_a_settlement_price_stands_still_while_the_exchange_is_closed():
    assert CALENDAR.open_seconds("cu", cn("2024-05-14T15:00"), cn("2024-05-14T21:00")) == 0
    assert CALENDAR.open_seconds("cu", cn("2024-05-14T15:00"), cn("2024-05-14T21:10")) == 600
    assert CALENDAR.open_seconds("cu", cn("2024-05-14T21:10"), cn("2024-05-14T15:00")) == 0


def test_the_end_of_the_session_skips_pauses_and_counts_blocks():
    at = cn("2024-05-14T10:20")
    assert CALENDAR.end_of_session("cu", at) == cn("2024-05-14T15:00")
    assert CALENDAR.end_of_session("cu", at, following=1) == cn("2024-05-15T01:00")
    assert CALENDAR.end_of_session("cu", at, following=2) == cn("2024-05-15T15:00")


def test_an_organisations_own_sessions_hold_beneath_it_only():
    own = CALENDAR.with_sessions("xx", ["09:00-10:15", "21:00-01:00"], org="甲/乙")
    at = cn("2024-05-14T00:30")
    assert own.is_open("xx", at, "甲/乙/丙")
    with pytest.raises(UnknownProduct):
        own.is_open("xx", at, "甲")
    everybody = CALENDAR.with_sessions("MA", ["09:00-10:00"])
    assert not everybody.is_open("MA", cn("2024-05-14T22:00"), "甲")
    assert CALENDAR.is_open("MA", cn("2024-05-14T22:00"))


def test_a_session_may_cross_midnight_from_the_afternoon():
    own = CALENDAR.with_sessions("xx", ["14:00-02:00"])
    assert own.is_open("xx", cn("2024-05-15T01:30"))
    assert own.trading_day("xx", cn("2024-05-15T01:30")) == date(2024, 5, 14)


@pytest.mark.parametrize("text", ["", "9-10", "09:00", "09:60-10:00", "24:00-25:00", "a:bb-c:dd"])
def test_a_malformed_session_is_refused(text: str):
    with pytest.raises(ValueError, match="no "):
        parse_session(text)


def test_overlapping_sessions_are_refused():
    with pytest.raises(ValueError, match="overlap"):
        parse_sessions(["09:00-10:15", "10:00-11:00"])
    with pytest.raises(ValueError, match="overlap"):
        parse_sessions(["21:00-09:30", "09:00-10:15"])


PRODUCTS = sorted(shipped_schedules())
INSTANTS = st.integers(
    min_value=int(datetime(2023, 8, 1, tzinfo=UTC).timestamp()),
    max_value=int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()),
).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
SPANS = st.integers(min_value=0, max_value=400_000).map(lambda s: timedelta(seconds=s))
TRADED = st.sampled_from(["cu", "MA", "lc", "sc", "IF", "CL", "BRN", "C", "CA", ""])


@settings(deadline=None, max_examples=150)
@given(product=TRADED, start=INSTANTS, duration=SPANS, lead=st.sampled_from([0, 30]))
def test_adding_and_measuring_open_time_are_inverse(
    product: str, start: datetime, duration: timedelta, lead: int
):
    end = CALENDAR.add_open_time(product, start, duration, lead)
    assert CALENDAR.open_time(product, start, end, lead_minutes=lead) == duration
    if duration:
        earlier = end - timedelta(seconds=1)
        assert CALENDAR.open_time(product, start, earlier, lead_minutes=lead) < duration


@settings(deadline=None, max_examples=100)
@given(product=TRADED, start=INSTANTS, short=SPANS, more=SPANS)
def test_a_longer_duration_never_ends_earlier(
    product: str, start: datetime, short: timedelta, more: timedelta
):
    first = CALENDAR.add_open_time(product, start, short)
    assert first <= CALENDAR.add_open_time(product, start, short + more)
    assert (
        CALENDAR.add_open_time(product, first, more)
        == CALENDAR.add_open_time(product, start, short + more)
        or not more
    )


@settings(deadline=None, max_examples=150)
@given(product=TRADED, at=INSTANTS, later=SPANS)
def test_trading_days_never_run_backwards(product: str, at: datetime, later: timedelta):
    day = CALENDAR.trading_day(product, at)
    assert CALENDAR.is_trading_day(product, day)
    assert day <= CALENDAR.trading_day(product, at + later)


@settings(deadline=None, max_examples=150)
@given(product=TRADED, at=INSTANTS)
def test_opens_and_closes_agree_with_the_sessions(product: str, at: datetime):
    running = CALENDAR.session_at(product, at)
    opens = CALENDAR.next_open(product, at)
    closed = CALENDAR.previous_close(product, at)
    assert closed <= at < opens
    assert CALENDAR.is_open(product, opens)
    assert not CALENDAR.is_open(product, opens - timedelta(seconds=1)) or running is not None
    assert CALENDAR.is_open(product, closed - timedelta(seconds=1))
    if running is None:
        assert CALENDAR.open_seconds(product, closed, opens) == 0
    else:
        assert running.start <= at < running.end
        assert CALENDAR.trading_day(product, at) == running.trading_day


@pytest.mark.shared_data
def test_every_product_of_the_contract_table_has_sessions(shared_data: Path):
    with (shared_data / "market" / "contract_specs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 90
    for row in rows:
        schedule = CALENDAR.schedule(f"{row['exchange']}.{row['product']}")
        assert schedule.exchange == row["exchange"]
        assert schedule.product == row["product"]


@pytest.mark.filterwarnings("ignore:Series.values")
@pytest.mark.parametrize(
    ("region", "name", "except_"),
    [
        ("CN", "XSHG", ()),
        ("US", "XNYS", (date(2025, 1, 9),)),
        ("ICE", "IEPA", (date(2025, 1, 9),)),
        ("GB", "XLON", ()),
    ],
)
def test_shipped_holidays_agree_with_the_calendar_they_came_from(
    region: str, name: str, except_: tuple[date, ...]
):
    source = exchange_calendars.get_calendar(name, start="2020-12-01", end="2026-12-31")
    trading = set(source.sessions.date)
    for year, closed in shipped_holidays()[region].items():
        days = (date(year, 1, 1) + timedelta(days=n) for n in range(365 + (year % 4 == 0)))
        weekdays = {day for day in days if day.weekday() < 5}
        assert closed == weekdays - trading - set(except_)
