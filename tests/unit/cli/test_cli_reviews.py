"""`review`: the review centre on the command line."""

from typing import Any

import pytest

CONTRACT = "contract_id,org,product,side,quantity,price\n{},华东钢铁/铜贸易部,cu,{},{},71250\n"


@pytest.fixture(name="order")
def _order(house: Any) -> str:
    """A red order, closed by wang, with an action of chen's."""
    assert (
        house(
            "import", "contracts", house.file("a.csv", CONTRACT.format("P-1", "buy", "1000"))
        ).code
        == 0
    )
    (found,) = house("orders", "list", "--json").json["rows"]
    number = str(found["id"])
    for verb in ("ack", "resolve"):
        assert house("orders", verb, number, "--as", "chen", token=house.token("chen")).code == 0
    assert (
        house(
            "import", "contracts", house.file("b.csv", CONTRACT.format("P-2", "sell", "900"))
        ).code
        == 0
    )
    close = (
        *("orders", "close", number, "--as", "wang", "--disposition", "fixed"),
        *("--root-cause", "PROCESS_GAP", "--corrective", "早做套保"),
        *("--owner", "chen", "--due", "2024-07-01"),
    )
    assert house(*close, token=house.token("wang")).code == 0
    return number


def test_what_ended_is_listed_with_its_action(house: Any, order: str) -> None:
    found = house("review", "list", "--json").json
    (one,) = found["rows"]
    assert (one["id"], one["root_cause"], one["corrective"]["owner"]) == (
        order,
        "PROCESS_GAP",
        "chen",
    )
    assert (found["total"], found["more"]) == (1, False)
    assert house("review", "list", "--cause", "DATA_FAULT", "--json").json["rows"] == []
    shown = house("review", "list").out
    assert order in shown
    assert "流程" in shown
    assert "进行中" in shown
    assert "没有了结的事项" in house("review", "list", "--what", "alert").out
    assert house("review", "list", "--what", "nothing").code == 2
    assert house("review", "list", "--from", "2024-06-04", "--to", "2024-06-03").code == 2


def test_an_action_is_given_more_time_and_ended(house: Any, order: str) -> None:
    (one,) = house("review", "open", "--json").json["rows"]
    assert (one["order_id"], one["state"], one["text"]) == (order, "open", "早做套保")
    more = ("review", "postpone", order, "--due", "2024-08-01", "--reason", "供应商延期", "--json")
    own = house(*more, "--as", "chen", token=house.token("chen"))
    assert (own.code, own.json["code"]) == (1, "CORRECTIVE_OWN")
    moved = house(*more, "--as", "wang", token=house.token("wang"))
    assert (moved.code, moved.json["corrective"]["moved"]) == (0, 1)
    done = house(
        "review", "finish", order, "--text", "已改", "--as", "chen", token=house.token("chen")
    )
    assert done.code == 0
    assert "已完成" in done.out
    assert house("review", "open", "--json").json["rows"] == []
    assert "没有未完成的整改" in house("review", "open").out


def test_an_unknown_order_or_one_out_of_sight_is_a_wrong_call(house: Any, order: str) -> None:
    token = house.token("chen")
    answer = house(
        "review", "finish", "WO-20240603-999", "--text", "x", "--as", "chen", token=token
    )
    assert answer.code == 2
    assert "没有整改措施" in answer.err
    assert house("review", "finish", order, "--text", "x", "--as", "chen").code == 2
