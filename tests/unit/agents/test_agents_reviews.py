"""Reviews that an outside system reports: a named person's commands, or a refusal on record."""

from typing import Any

import pytest

from tests.unit.agents.agents_house import House, alert, event, review, timeout


def state_of(house: House, number: str) -> tuple[str, str]:
    (found,) = [one for one in house.alerts() if one.cause.endswith(number)]
    return found.state.value, found.decided_by


def test_a_person_confirms_and_the_order_is_theirs_to_answer(house: House):
    house.arrive(alert("A1", "orange", 0), review("chen", 60, alert="A1"))
    assert state_of(house, "A1") == ("confirmed", "chen")
    (opened,) = house.orders()
    assert opened.level == "orange"
    (found,) = house.records(action="alert.review")
    assert (found.actor, found.outcome, found.reason) == ("chen", "confirmed", "")


def test_a_person_dismisses_many_at_once(house: House):
    house.arrive(
        alert("A1", "blue", 0),
        alert("A2", "yellow", 1),
        event(
            "alert.bulk_review",
            60,
            kind="risk",
            actor="chen",
            alerts=["A1", "A2", "A9"],
            verdict="dismissed",
            reason="within basis band",
        ),
    )
    assert {state_of(house, one) for one in ("A1", "A2")} == {("dismissed", "chen")}
    (found,) = house.records(action="alert.review")
    assert found.body["codes"] == {"DONE": 2}
    assert found.body["unknown"] == ["A9"]
    assert house.orders() == []


@pytest.mark.parametrize("who", ["ghost", "system:watcher", "system:escalator", "cli:root", "wms"])
def test_nobody_whom_the_directory_knows_is_refused_on_record(house: House, who: str):
    house.arrive(alert("A1", "orange", 0), review(who, 60, alert="A1"))
    assert state_of(house, "A1") == ("new", "")
    (found,) = house.records(action="alert.review")
    assert (found.actor, found.outcome, found.reason) == (
        "system:watcher",
        "refused",
        "UNKNOWN_PERSON",
    )
    assert found.body["person"] == who


def test_without_a_name_it_is_refused_too(house: House):
    house.arrive(alert("A1", "orange", 0), review("", 60, alert="A1", source="robot"))
    assert state_of(house, "A1") == ("new", "")
    (found,) = house.records(action="alert.review")
    assert found.reason == "UNKNOWN_PERSON"


@pytest.mark.parametrize("who", ["lin", "tmp", "zhao"])
def test_who_may_not_triage_there_is_refused_and_named(house: House, who: str):
    """A trader, a temporary account, the risk officer of another unit."""
    house.arrive(alert("A1", "orange", 0), review(who, 60, alert="A1"))
    assert state_of(house, "A1") == ("new", "")
    (found,) = house.records(action="alert.review")
    assert (found.actor, found.outcome, found.reason) == (who, "refused", "FORBIDDEN")


@pytest.mark.parametrize(
    "fields",
    [
        {"verdict": "perhaps"},
        {"verdict": "x" * 5000},
        {"verdict": 7},
        {"verdict": ["confirmed"]},
        {"verdict": ""},
    ],
)
def test_a_verdict_that_is_none_changes_nothing_and_is_on_record(
    house: House, fields: dict[str, Any]
):
    house.arrive(alert("A1", "orange", 0), review("chen", 60, alert="A1", **fields))
    assert state_of(house, "A1") == ("new", "")
    (found,) = house.records(action="alert.review")
    assert (found.outcome, found.reason) == ("refused", "UNKNOWN_VERDICT")


def test_a_list_of_a_hundred_thousand_alerts_does_not_stop_the_watcher(house: House):
    numbers = [f"N{number}" for number in range(12_000)]
    house.arrive(
        event(
            "alert.bulk_review", 0, kind="risk", actor="chen", alerts=numbers, verdict="confirmed"
        ),
        timeout("RK1", 10),
    )
    (found,) = house.records(action="alert.review")
    assert found.body["count"] == {"alerts": 0, "unknown": 12_000}
    assert len(found.body["unknown"]) == 100
    assert "EXPOSURE_CRITICAL" in house.codes()


def test_a_review_and_the_events_around_it_are_each_their_own_transaction(house: House):
    house.append(
        alert("A1", "orange", 0),
        review("chen", 60, alert="A1"),
        alert("A2", "orange", 70),
    )
    house.look()
    actors = {one.body["evidence"].get("alert"): one.actor for one in house.records(kind="match")}
    assert actors == {"A1": "system:watcher", "A2": "system:watcher"}
    assert state_of(house, "A1") == ("confirmed", "chen")


def test_a_number_that_two_units_use_means_the_alert_of_the_own_unit(house: House):
    house.arrive(
        alert("A1", "orange", 0),
        alert("A1", "orange", 1, org="Group/West"),
        review("chen", 60, alert="A1"),
    )
    decided = {one.org: one.state.value for one in house.alerts()}
    assert decided == {"Group/East": "confirmed", "Group/West": "new"}
