from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.i18n import choose_language
from service.i18n.choice import accepted
from service.i18n.formats import GAP, Format

NOW = datetime(2026, 11, 22, 6, 31, 5, tzinfo=UTC)
ZH = Format("zh", ZoneInfo("Asia/Shanghai"), NOW, "10k")
EN = Format("en", ZoneInfo("Asia/Shanghai"), NOW, "1")


def plain(text: str) -> str:
    return text.replace(GAP, " ")


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        ("-7500", "t", "−7,500 t"),
        ("7500.000", "t", "7,500 t"),
        ("0", "手", "0 手"),
        ("1234567.25", "", "1,234,567.25"),
        ("1E+3", "t", "1,000 t"),
    ],
)
def test_quantities(value: str, unit: str, shown: str) -> None:
    assert plain(ZH.quantity(Decimal(value), unit)) == shown


def test_an_absent_figure_is_a_dash() -> None:
    shown = {ZH.quantity(None), ZH.percent(None), ZH.use(None), ZH.money(None), ZH.minute(None)}
    assert shown | {ZH.duration(None), ZH.age(None), ZH.day(None), ZH.number(None)} == {"—"}


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert ZH.number(Decimal("-0.004"), 2) == "0.00"
    assert ZH.number(Decimal("-0.006"), 2) == "−0.01"
    assert ZH.quantity(Decimal("-0")) == "0"


def test_signs_are_shown_where_they_matter() -> None:
    assert plain(ZH.signed(Decimal(1240), "t")) == "+1,240 t"
    assert plain(ZH.signed(Decimal(-3), "t")) == "−3 t"
    assert plain(ZH.signed(Decimal(0), "t")) == "0 t"


@pytest.mark.parametrize(
    ("use", "shown"),
    [("0.96", "96 %"), ("1.03", "103 %"), ("1.999", "200 %"), ("2", "200 %"), ("15", "1,500 %")],
)
def test_the_use_of_a_limit(use: str, shown: str) -> None:
    assert plain(ZH.use(Decimal(use))) == shown


def test_money_in_both_languages_and_units() -> None:
    amount = Decimal(1286400)
    assert plain(ZH.money(amount)) == "128.64 万元"
    assert plain(Format("zh", ZH.zone, NOW, "1").money(amount)) == "1,286,400.00 元"
    assert plain(EN.money(amount)) == "CNY 1,286,400.00"
    assert plain(Format("en", ZH.zone, NOW, "10k").money(amount)) == "CNY 1.29 m"
    assert plain(ZH.money(amount, "USD")) == "USD 1,286,400.00"
    short = Format("en", ZH.zone, NOW, "10k")
    assert plain(short.money(Decimal(-38800))) == "CNY −38,800.00"
    assert plain(short.money(Decimal(1_000_000))) == "CNY 1.00 m"
    assert plain(ZH.money(Decimal("9999.99"))) == "9,999.99 元"
    assert plain(ZH.money(Decimal(-38800))) == "−3.88 万元"


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (12, "12 秒", "12 s"),
        (1080, "18 分钟", "18 min"),
        (3900, "1 小时 05 分", "1 h 05 min"),
        (7200, "2 小时", "2 h"),
        (90_000, "1 天 1 小时", "1 d 1 h"),
        (-90, "−1 分钟", "−1 min"),
    ],
)
def test_durations(seconds: int, chinese: str, english: str) -> None:
    assert plain(ZH.duration(seconds)) == chinese
    assert plain(EN.duration(timedelta(seconds=seconds))) == english


def test_times_are_the_organisations() -> None:
    assert ZH.time(NOW) == "14:31:05"
    assert ZH.minute(NOW) == "14:31"
    assert ZH.minute(NOW - timedelta(days=1)) == "11-21 14:31"
    assert ZH.moment(NOW) == "2026-11-22 14:31:05"
    assert ZH.day(date(2026, 11, 23)) == "2026-11-23"
    assert ZH.long_day(date(2026, 11, 23)) == "2026年11月23日"
    assert EN.long_day(date(2026, 11, 23)) == "23 November 2026"


def test_countdowns() -> None:
    def told(one: Format, **span: int) -> str:
        return one.countdown(NOW + timedelta(**span)).replace(GAP, " ")

    assert told(ZH, seconds=9) == "9 秒"
    assert told(ZH, minutes=4, seconds=12) == "4 分 12 秒"
    assert told(ZH, minutes=-3) == "3 分 00 秒"
    assert told(ZH, hours=6, minutes=52, seconds=59) == "6 小时 52 分"
    assert told(EN, hours=26, seconds=1) == "1 d 02 h"
    assert told(EN, minutes=12, seconds=29) == "12 min 29 s"
    assert ZH.units == "天 小时 分 秒"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**15))
def test_a_number_can_be_read_back(value: Decimal) -> None:
    shown = ZH.quantity(value)
    assert Decimal(shown.replace(",", "").replace("−", "-")) == value


@pytest.mark.parametrize(
    ("cookie", "person", "accept", "chosen"),
    [
        ("en", "zh", "zh-CN", "en"),
        ("", "zh", "en-GB", "zh"),
        ("", "", "fr, en-GB;q=0.8, zh;q=0.5", "en"),
        ("klingon", "", "", "zh"),
        ("", "", "zh_CN", "zh"),
        ("", "", ";;q=x,,", "zh"),
    ],
)
def test_the_language_is_chosen(cookie: str, person: str, accept: str, chosen: str) -> None:
    assert choose_language(cookie, person, accept) == chosen


def test_a_wish_of_weight_zero_is_no_wish() -> None:
    assert accepted("en;q=0, zh;q=0.3, fr;q=2") == ["zh"]
