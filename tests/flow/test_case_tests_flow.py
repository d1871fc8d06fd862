"""Make this case a rule test: the draft on page, API and download, and who does not get it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flow_house import House, house
from test_console_orders import text_of

from rules import read_rule, run_tests
from rules.model import Rule
from rules.rulebook import RuleFile, digest_of, make_rulebook
from service.case_tests import draft
from workorders import Level, ManualOrder, WorkOrder, open_by_hand


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("cases")) as made:
        yield made


@pytest.fixture(name="order", scope="module")
def _order(home: House) -> WorkOrder:
    return home.breach()


def test_the_case_passes_as_the_last_test_of_its_rule(home: House, order: WorkOrder) -> None:
    found = home.client("chen").get(f"/api/v1/orders/{order.id}/rule-test").json()
    assert (found["rule"], found["passes"], found["known"]) == ("EXPOSURE_TIERS", True, False)
    assert (found["expected"], found["found"]) == ("EXPOSURE_CRITICAL red",) * 2
    assert found["problems"] == []
    assert found["case_version"] == str(found["version"])
    rule, problems = read_rule(found["source"], found["file"], home.app.rulebook.schema)
    assert isinstance(rule, Rule)
    assert problems == []
    file = RuleFile(found["file"], digest_of(found["source"]), rule)
    assert run_tests(make_rulebook(home.app.rulebook.schema, [file])).ok
    last = rule.tests[-1]
    assert (last.name, last.expect.code) == (order.id, "EXPOSURE_CRITICAL")
    assert last.facts[0]["net"] == 1_300_000_000  # tonnes in millionths
    assert "Group/East" not in found["test"]


def test_the_page_shows_the_draft_and_hands_the_file_over(home: House, order: WorkOrder) -> None:
    chen = home.signed_in("chen")
    assert "Case as a rule test" in text_of(chen, f"/orders/{order.id}")
    page = text_of(chen, f"/orders/{order.id}/rule-test")
    assert "this test passes, and so do all others (exposure/exposure-tiers.yaml)" in page
    assert f'name: "{order.id}"' in page
    answer = chen.get(f"/orders/{order.id}/rule-test.yaml?rule=EXPOSURE_TIERS")
    assert answer.headers["content-disposition"].endswith("exposure-tiers.yaml")
    assert answer.headers["x-content-type-options"] == "nosniff"
    api = home.client("chen").get(f"/api/v1/orders/{order.id}/rule-test").json()
    assert answer.text == api["source"]


def test_the_rule_editor_takes_the_draft(home: House, order: WorkOrder) -> None:
    source = home.client("chen").get(f"/api/v1/orders/{order.id}/rule-test").json()["source"]
    chen = home.signed_in("chen")
    answer = chen.post("/rules/check?rule=EXPOSURE_TIERS", data={"source": source})
    assert answer.status_code == 200
    assert "No faults" in answer.text
    assert order.id in answer.text


def test_a_rule_that_did_not_match_or_a_case_without_one_is_refused_with_why(
    home: House, order: WorkOrder
) -> None:
    chen = home.client("chen")
    answer = chen.get(f"/api/v1/orders/{order.id}/rule-test?rule=FEED_LATE")
    assert (answer.status_code, answer.json()["code"]) == (409, "CASE_TEST_NO_RULE")
    assert "EXPOSURE_TIERS" in answer.text
    with home.app.store.unit_of_work("chen") as uow:
        wish = ManualOrder("AUDIT_FINDING", Level.YELLOW, order.org, text="seen")
        by_hand = open_by_hand(uow, home.app.context(), wish).order
    assert by_hand is not None
    page = text_of(home.signed_in("chen"), f"/orders/{by_hand.id}/rule-test")
    assert "No rule of that name found this case" in page
    assert "Case as a rule test" not in text_of(home.signed_in("chen"), f"/orders/{by_hand.id}")
    answer = home.signed_in("chen").get(f"/orders/{by_hand.id}/rule-test.yaml")
    assert answer.status_code == 404


@pytest.mark.parametrize(("person", "status"), [("zhao", 404), ("gui", 200), ("tmp", 403)])
def test_who_may_not_see_the_order_or_the_rules_gets_none(
    home: House, order: WorkOrder, person: str, status: int
) -> None:
    """A sibling's officer sees no such order; who may not read rules is refused."""
    for client, path in (
        (home.client(person), f"/api/v1/orders/{order.id}/rule-test"),
        (home.signed_in(person), f"/orders/{order.id}/rule-test"),
        (home.signed_in(person), f"/orders/{order.id}/rule-test.yaml"),
    ):
        assert client.get(path).status_code == status, path


def test_a_file_that_changed_on_disk_gives_no_draft(
    home: House, order: WorkOrder, tmp_path: Path
) -> None:
    """The rules in force are those that were read; a text that says something else is none."""
    file = tmp_path / "exposure" / "exposure-tiers.yaml"
    file.parent.mkdir()
    file.write_text("rule: OTHER\n", encoding="utf-8")
    app = replace(home.app, rulebook_folder=tmp_path)
    with app.store.reader() as connection:
        assert draft(app, connection, order).code == "CASE_TEST_FILE_CHANGED"
