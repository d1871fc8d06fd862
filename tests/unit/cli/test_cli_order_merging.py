"""`orders tag`, `untag`, `merge`: what they do, what they say, and when they refuse."""

from typing import Any

import pytest

from service.settings import Settings
from workorders import Level, ManualOrder, OrderKind, open_by_hand

UNIT = "华东钢铁/铜贸易部"


def opened(house: Any, text: str, org: str = UNIT) -> str:
    """The number of an order that Chen opens by hand."""
    app = house.compose(Settings(data=house.data))
    try:
        with app.store.unit_of_work("chen") as uow:
            wanted = ManualOrder("BY_HAND", Level.ORANGE, org, kind=OrderKind.RISK, text=text)
            return str(open_by_hand(uow, app.context(), wanted).new_order)
    finally:
        app.close()


@pytest.fixture(name="acted")
def _acted(house: Any) -> Any:
    def act(*words: str, person: str = "chen", **how: Any) -> Any:
        return house("orders", *words, "--as", person, token=house.token(person), **how)

    return act


def test_tags_are_put_on_taken_off_and_listed(house: Any, acted: Any) -> None:
    one, two = opened(house, "first"), opened(house, "second")
    answer = acted("tag", one, "夜盘", "LME copper", "--json")
    assert (answer.code, answer.json["code"]) == (0, "DONE")
    assert answer.json["order"]["tags"] == ["夜盘", "LME copper"]
    assert acted("tag", one, "夜盘", "--json").json["code"] == "ALREADY_DONE"
    listed = house("orders", "list", "--tag", "夜盘", "--json").json["rows"]
    assert [row["id"] for row in listed] == [one]
    shown = house("orders", "show", one)
    assert "标签：夜盘, LME copper" in shown.out
    assert "标签：+夜盘, +LME copper" in shown.out
    assert acted("untag", one, "夜盘", "LME copper").code == 0
    assert house("orders", "list", "--tag", "夜盘").code == 2
    assert "标签：" not in house("orders", "show", two).out


def test_a_tag_that_cannot_be_kept_is_told_in_words(house: Any, acted: Any) -> None:
    one = opened(house, "first")
    answer = acted("tag", one, "a,b", lang="en_GB.UTF-8")
    assert (answer.code, "comma" in answer.err) == (1, True)
    long = acted("tag", one, "x" * 41)
    assert (long.code, "最长 40 个字" in long.err) == (1, True)


def test_an_order_is_merged_and_both_name_each_other(house: Any, acted: Any) -> None:
    one, two = opened(house, "first"), opened(house, "second")
    answer = acted("merge", one, "--into", two, "--text", "同一件事", "--json")
    assert (answer.code, answer.json["order"]["merged_into"]) == (0, two)
    assert house("orders", "show", two, "--json").json["merged_in"] == [one]
    assert f"已并入本单：{one}" in house("orders", "show", two).out
    gone = house("orders", "show", one).out
    assert f"并入：{two}" in gone
    assert "同一件事" in gone


@pytest.mark.parametrize(
    ("into", "words"),
    [
        ("itself", "不能并入自身"),
        ("elsewhere", "不属于同一单位"),
    ],
)
def test_a_refused_merge_says_why(house: Any, acted: Any, into: str, words: str) -> None:
    one = opened(house, "first")
    known = {"itself": lambda: one, "elsewhere": lambda: opened(house, "other", "华东钢铁")}
    answer = acted("merge", one, "--into", known.get(into, lambda: into)())
    assert (answer.code, words in answer.err) == (1, True), answer.err
    assert house("orders", "show", one, "--json").json["state"] == "open"


def test_an_order_or_a_tag_that_nobody_knows_is_a_wrong_call(house: Any, acted: Any) -> None:
    one, two = opened(house, "first"), opened(house, "second")
    assert acted("tag", two, "warehouse").code == 0
    answer = acted("merge", one, "--into", "WO-20991231-001")
    assert (answer.code, "没有工单 WO-20991231-001" in answer.err) == (2, True)
    missed = house("orders", "list", "--tag", "warehous")
    assert (missed.code, "没有工单带标签 warehous" in missed.err) == (2, True)
    assert "warehouse" in missed.err
    # A tag that exists, narrowed to nothing, is no slip.
    none = house("orders", "list", "--tag", "warehouse", "--state", "closed", "--json")
    assert (none.code, none.json["rows"]) == (0, [])


def test_who_may_not_merge_is_refused(house: Any, acted: Any) -> None:
    one, two = opened(house, "first"), opened(house, "second")
    answer = acted("merge", one, "--into", two, "--json", person="zhao")
    assert (answer.code, answer.json["code"]) == (1, "FORBIDDEN")
