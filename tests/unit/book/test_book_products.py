"""Products, contract codes, units: what ships and how a code is read on a trading day."""

from datetime import date
from decimal import Decimal

import pytest

from book.codes import Contract, parse_contract
from book.errors import UnknownConversionError, UnknownSpecError
from book.products import ContractSpec, load_specs, shipped_specs
from book.units import UnitConversion, load_conversions, shipped_units
from store.problems import Problem

D = Decimal
DAY = date(2024, 5, 14)


@pytest.mark.parametrize(
    ("product", "exchange", "lots", "quantity", "unit"),
    [
        ("cu", "", 1500, "7500", "t"),
        ("MA", "", -3, "-30", "t"),
        ("jd", "", 2, "10", "t"),
        ("lc", "", 120, "120", "t"),
        ("CL", "", 1, "1000", "bbl"),
        ("au", "", 1, "1000", "g"),
        ("SM", "CZCE", 4, "20", "t"),
        ("SM", "CBOT", 4, "400", "short_ton"),
    ],
)
def test_lots_become_base_units(product: str, exchange: str, lots: int, quantity: str, unit: str):
    spec = shipped_specs().spec(product, DAY, exchange)
    assert (spec.quantity(lots), spec.base_unit) == (D(quantity), unit)


@pytest.mark.parametrize(
    ("product", "before", "after"),
    [("TS", "0.005", "0.002"), ("l", "5", "1"), ("v", "5", "1"), ("bu", "2", "1")],
)
def test_a_tick_that_changed_is_dated(product: str, before: str, after: str):
    book = shipped_specs()
    assert book.spec(product, date(2020, 6, 1)).tick == D(before)
    assert book.spec(product, DAY).tick == D(after)


def test_every_shipped_row_is_read_and_101_products_are_known():
    book = shipped_specs()
    assert len({(spec.exchange, spec.product) for spec in book.specs}) == 101
    assert all(spec.source for spec in book.specs)


def test_a_code_on_two_exchanges_needs_the_exchange():
    with pytest.raises(UnknownSpecError):
        shipped_specs().spec("SM", DAY)


def test_the_companys_own_row_wins_from_its_first_day():
    own = ContractSpec(product="cu", multiplier=D(1), base_unit="lots", from_date=date(2024, 1, 1))
    book = shipped_specs().with_specs([own])
    assert book.spec("cu", DAY).base_unit == "lots"
    assert book.spec("cu", date(2023, 12, 31)).base_unit == "t"


def test_cents_and_half_tonnes_are_money_of_the_lot():
    corn = shipped_specs().spec("C", DAY)
    assert corn.money(D("450.25"), 1) == D("22512.5")


def test_faulty_rows_are_problems_and_good_rows_stay():
    header = "exchange,product,multiplier,tick,quote_unit,base_unit,unit_factor,price_scale,"
    header += "currency,tax_mode,close_today,from_date,source\n"
    text = (
        header
        + "X,a,5,1,t,t,1,1,CNY,gross,0,2020-01-01,s\nX,b,-5,1,t,t,1,1,CNY,gross,0,2020-01-01,s\n"
    )
    specs, problems = load_specs(text, "f.csv")
    assert [spec.product for spec in specs] == ["a"]
    assert [(p.code, p.line) for p in problems] == [("SPEC_ROW_INVALID", 3)]
    _, problems = load_conversions(
        "from_unit,to_unit,factor,product,from_date,source\nt,kg,0,,2000-01-01,x\n", "u.csv"
    )
    assert [p.code for p in problems] == ["UNIT_ROW_INVALID"]


@pytest.mark.parametrize(
    ("code", "day", "product", "month"),
    [
        ("cu2406", DAY, "cu", "2406"),
        ("CU2406", DAY, "cu", "2406"),
        ("SR401", date(2023, 9, 1), "SR", "2401"),
        ("SR401", date(2024, 2, 1), "SR", "2401"),
        ("SR401", date(2033, 9, 1), "SR", "3401"),
        ("SR009", date(2029, 11, 5), "SR", "3009"),
        ("CLM4", DAY, "CL", "2406"),
        ("CLZ24", DAY, "CL", "2412"),
        ("CLF2012", DAY, "CL", "1201"),
        ("lc2411", DAY, "lc", "2411"),
    ],
)
def test_codes_are_read_with_the_trading_day(code: str, day: date, product: str, month: str):
    contract = parse_contract(code, day, shipped_specs())
    assert isinstance(contract, Contract)
    assert (contract.product, contract.delivery_month) == (product, month)


def test_options_carry_right_and_strike():
    for code in ("m2405-C-3000", "SR405C3000", "cu2406C3000"):
        contract = parse_contract(code, DAY, shipped_specs())
        assert isinstance(contract, Contract)
        assert (contract.right, contract.strike) == ("C", D(3000))


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("cu2413", "CONTRACT_CODE_INVALID"),
        ("", "CONTRACT_CODE_INVALID"),
        ("铜2406", "CONTRACT_CODE_INVALID"),
        ("xq2406", "PRODUCT_UNKNOWN"),
    ],
)
def test_what_is_no_code_is_a_problem(code: str, fault: str):
    problem = parse_contract(code, DAY, shipped_specs())
    assert isinstance(problem, Problem)
    assert problem.code == fault


def test_conversions_are_dated_and_may_be_the_products_own():
    units = shipped_units()
    assert units.convert(D(1), "t", "lb", DAY) == D("2204.62262")
    assert units.convert(D(1000), "bu", "kg", DAY, "C") == D("25401.2")
    assert units.convert(D(1000), "bu", "kg", DAY, "S") == D("27215.5")
    assert units.convert(D(1000), "bu", "t", DAY, "C").quantize(D("1e-4")) == D("25.4012")
    assert units.convert(D(10), "oz_tr", "g", DAY) == D("311.034768")
    with pytest.raises(UnknownConversionError):
        units.convert(D(1), "bu", "kg", DAY)
    grade = UnitConversion("t", "bbl", D("7.45"), date(2024, 5, 1), "assay", "sc")
    own = units.with_conversions([grade])
    assert own.factor("t", "bbl", DAY, "sc") == D("7.45")
    assert own.factor("t", "bbl", date(2024, 4, 30), "sc") == D("7.33")
