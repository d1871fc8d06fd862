"""`orders case`: a case as a test of its rule, on the command line."""

from pathlib import Path
from typing import Any

import pytest

import rules


@pytest.fixture(name="order")
def _order(house: Any) -> str:
    text = "contract_id,org,product,side,quantity,price\nS-1,华东钢铁/铜贸易部,cu,buy,1000,71250\n"
    assert house("import", "contracts", house.file("c.csv", text)).code == 0
    (order,) = house("orders", "list", "--json").json["rows"]
    return str(order["id"])


def test_the_draft_is_printed_and_the_file_written(house: Any, order: str) -> None:
    out = house.folder / "with-case.yaml"
    answer = house("orders", "case", order, "--out", str(out))
    assert answer.code == 0, answer.err
    assert f'- {{name: "{order}", fact: {{' in answer.out
    assert "此测试与其余测试全部通过" in answer.out
    schema, _ = rules.load_schema(Path(rules.__file__).parents[1] / "rulebook" / "schema")
    rule, problems = rules.read_rule(out.read_text(encoding="utf-8"), "x.yaml", schema)
    assert rule is not None
    assert problems == []
    assert rule.tests[-1].name == order
    again = house("orders", "case", order, "--out", str(out))
    assert again.code == 2
    assert "已存在" in again.err


def test_the_document_says_what_was_expected_and_found(house: Any, order: str) -> None:
    found = house("orders", "case", order, "--json").json
    assert (found["passes"], found["code"], found["rule"]) == (True, "", "EXPOSURE_TIERS")
    assert found["expected"] == found["found"] == "EXPOSURE_CRITICAL red"


def test_a_rule_that_did_not_match_gives_none(house: Any, order: str) -> None:
    answer = house("orders", "case", order, "--rule", "FEED_LATE", "--out", "never.yaml")
    assert answer.code == 1
    assert "此案没有该规则的命中记录" in answer.err
    assert not Path("never.yaml").exists()
    told = house("orders", "case", order, "--rule", "FEED_LATE", "--json").json
    assert (told["code"], told["rules"]) == ("CASE_TEST_NO_RULE", ["EXPOSURE_TIERS"])


def test_an_unknown_order_is_a_wrong_call(house: Any) -> None:
    assert house("orders", "case", "WO-20240603-999").code == 2
