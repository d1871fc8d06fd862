from decimal import Decimal, InvalidOperation

import pytest

from service.web.rooms.amounts import amount_of


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1500", "1500"),
        ("1,500", "1500"),
        ("1，234，567.50", "1234567.50"),
        (" -20.25 ", "-20.25"),
        ("1500.5", "1500.5"),
    ],
)
def test_an_amount_is_read_as_it_is_written(typed: str, meant: str) -> None:
    assert amount_of(typed) == Decimal(meant)


def test_nothing_is_no_amount() -> None:
    assert amount_of("  ") is None


@pytest.mark.parametrize(
    "typed", ["1,5", "1,2,3", "1e6", "12,34", "NaN", "inf", "1.500,00", "１５", "1 500", "five"]
)
def test_what_can_be_meant_in_two_ways_or_none_is_refused(typed: str) -> None:
    with pytest.raises(InvalidOperation):
        amount_of(typed)
