"""The console's own computations: last trading days, lines of the map, intervals, workbooks."""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book.exposure import compute
from book.limits import Limit, assess
from book.positions import FuturesPosition, PhysicalContract, Side, is_under
from book.state import BookState
from directory.calendar import TradingCalendar
from service.exposure_rows import exposure_table
from service.web.frame import SourceChip
from service.web.rooms.expiry import last_trading_day, without_night
from service.web.rooms.exposure_lines import ANY, columns_of, lines_of
from service.web.rooms.framing import complete_until, trading_time
from service.web.rooms.sheets import workbook
from service.web.rooms.today import interval

NOW = datetime(2024, 5, 14, 2, 0, tzinfo=UTC)
CALENDAR = TradingCalendar()
SHANGHAI = ZoneInfo("Asia/Shanghai")


# --- the calendar ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "month", "day"),
    [
        ("cu", "2405", date(2024, 5, 15)),
        ("cu", "2406", date(2024, 6, 17)),  # the 15th was a Saturday
        ("sc", "2406", date(2024, 5, 31)),  # the last trading day of the month before
        ("MA", "2405", date(2024, 5, 17)),  # the tenth trading day, after the holiday
        ("m", "2409", date(2024, 9, 13)),
        ("eg", "2405", date(2024, 5, 28)),  # the fourth last trading day
        ("CL", "2405", None),
        ("cu", "spot", None),
        ("cu", "9905", None),
        ("cu", "2413", None),
    ],
)
def test_the_last_trading_day_of_a_contract(product: str, month: str, day: date | None) -> None:
    assert last_trading_day(CALENDAR, product, month) == day


def test_the_eve_of_a_holiday_has_no_night_session() -> None:
    assert without_night(CALENDAR, "cu", date(2024, 4, 26), 6) == [date(2024, 4, 30)]
    assert without_night(CALENDAR, "cu", date(2024, 5, 13), 5) == []
    # a product that never trades at night has no eve
    assert without_night(CALENDAR, "ap", date(2024, 4, 26), 6) == []


@pytest.mark.parametrize(
    ("hour", "found"),
    [(10, (date(2024, 5, 14), "day")), (22, (date(2024, 5, 15), "night")),
     (17, (date(2024, 5, 14), "closed"))],
)  # fmt: skip
def test_the_trading_day_and_its_session(hour: int, found: tuple[date, str]) -> None:
    at = datetime(2024, 5, 14, hour, 30, tzinfo=SHANGHAI)
    assert trading_time(CALENDAR, "cu", "", at) == found


def test_a_year_that_the_calendar_does_not_know_shows_no_trading_day() -> None:
    assert trading_time(CALENDAR, "cu", "", datetime(2091, 1, 2, tzinfo=UTC)) == (None, "")


def test_a_dead_source_does_not_hold_back_the_time_of_the_data() -> None:
    def chip(state: str, hours: int) -> tuple[SourceChip, datetime]:
        return SourceChip(state, state), NOW - timedelta(hours=hours)

    assert complete_until([chip("dead", 9), chip("late", 2), chip("current", 0)]) == (
        NOW - timedelta(hours=2)
    )
    assert complete_until([chip("dead", 9), chip("dead", 3)]) == NOW - timedelta(hours=3)
    assert complete_until([]) is None


# --- the exposure map -----------------------------------------------------------------------------

orgs = st.sampled_from(["G/A", "G/A/1", "G/B"])
months = st.sampled_from(["spot", "2406", "2409"])
contracts = st.builds(
    lambda number, org, month, side, quantity: PhysicalContract(
        org=org, product="cu", month=month, contract_id=f"C{number}", side=side,
        quantity=Decimal(quantity),
    ),
    st.integers(0, 10**6), orgs, months, st.sampled_from(Side), st.integers(1, 5000),
)  # fmt: skip
held = st.builds(
    lambda org, month, lots: FuturesPosition(
        org=org, product="cu", month=month, key=f"{org}{month}", lots=lots
    ),
    orgs, months, st.integers(-500, 500),
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(contracts, max_size=8), st.lists(held, max_size=4), orgs)
def test_a_line_is_the_limit_s_roll_up_and_its_months_add_up(
    physical: list[PhysicalContract], futures: list[FuturesPosition], node: str
) -> None:
    limit = Limit(limit_id="L", org=node, product="cu", amount=Decimal(1000))
    book = BookState(limits=(limit,)).put(*physical, *futures)
    lines = lines_of(exposure_table(book, NOW))
    bound = next(one for one in lines if one.total.limit is not None)
    (use,) = assess([limit], compute(book, NOW), NOW)
    assert bound.total.use == use.use
    assert bound.total.figures["net"] == (use.value or 0)
    for line in lines:
        for name in ("net", "gross", "theoretical"):
            months_sum = sum((one.figures[name] for one in line.months), Decimal(0))
            assert months_sum == line.total.figures[name]
        spread = sum((abs(one.figures["net"]) for one in line.months), Decimal(0))
        assert line.total.figures["spread"] == spread
    # no place is left out
    nodes = [line.org for line in lines]
    for bucket in compute(book, NOW):
        assert any(is_under(node, bucket.org) for node in nodes)
    assert columns_of(lines) == sorted(columns_of(lines), key=lambda m: (m != "spot", m))


def test_a_month_is_coloured_only_by_a_limit_of_its_own() -> None:
    def sale(number: str, month: str, side: Side) -> PhysicalContract:
        return PhysicalContract(
            org="G", product="cu", month=month, contract_id=number, side=side,
            quantity=Decimal(1500),
        )  # fmt: skip

    whole = Limit(limit_id="W", org="G", product="cu", amount=Decimal(1000))
    june = Limit(limit_id="J", org="G", product="cu", month="2406", amount=Decimal(2000))
    book = BookState(limits=(whole, june)).put(
        sale("C1", "2406", Side.BUY), sale("C2", "2409", Side.SELL)
    )
    (line,) = lines_of(exposure_table(book, NOW))
    by_month = {one.month: one for one in (*line.months, line.total)}
    assert (by_month["2406"].level, by_month["2406"].use) == ("blue", Decimal("0.7500"))
    assert (by_month["2409"].level, by_month["2409"].share) == ("", Decimal("1.5000"))
    assert (by_month[ANY].level, by_month[ANY].use) == ("", Decimal("0.0000"))


# --- figures --------------------------------------------------------------------------------------


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_the_rate_and_stays_between_nothing_and_all(
    found: tuple[int, int],
) -> None:
    hits, tries = found
    low, high = interval(hits, tries)
    assert 0 <= low <= round(hits / tries * 100) <= high <= 100


def test_the_interval_of_the_textbook() -> None:
    assert interval(7, 12) == (32, 81)
    assert interval(0, 10) == (0, 28)


VALUES = st.one_of(
    st.none(),
    st.text(max_size=20).filter(lambda text: text.isprintable()),
    st.decimals(-(10**9), 10**9, places=4),
    st.integers(-(10**12), 10**12),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(VALUES, min_size=2, max_size=2), max_size=5))
def test_a_workbook_gives_back_what_it_was_given(rows: list[list[Any]]) -> None:
    made = workbook("title", "note", ["a", "b"], rows, lambda at: at)
    sheet = openpyxl.load_workbook(io.BytesIO(made)).active
    assert sheet is not None
    for number, row in enumerate(rows, start=5):
        for column, value in enumerate(row, start=1):
            found = sheet.cell(number, column).value
            if isinstance(value, str):
                assert (found or "") == value
            elif value is None:
                assert found is None
            else:
                assert Decimal(str(found)) == value


def test_text_that_looks_like_a_formula_stays_text() -> None:
    evil = '=HYPERLINK("http://elsewhere.invalid","x")'
    made = workbook("=1+1", "note", ["a"], [[evil]], lambda at: at)
    sheet = openpyxl.load_workbook(io.BytesIO(made)).active
    assert sheet is not None
    assert (sheet["A5"].value, sheet["A5"].data_type) == (evil, "s")


def test_times_are_written_on_the_reader_s_clock() -> None:
    made = workbook("t", "n", ["a"], [[NOW]], lambda at: at.astimezone(SHANGHAI))
    sheet = openpyxl.load_workbook(io.BytesIO(made)).active
    assert sheet is not None
    assert sheet["A5"].value == datetime(2024, 5, 14, 10, 0)  # noqa: DTZ001 - as Excel has it
