"""What is said of a chain that cannot be filled: which step lacks how many, who mends it."""

from datetime import datetime
from typing import Any

import pytest

from approvals import (
    Mode,
    OpenStep,
    Shortfall,
    State,
    Status,
    Subject,
    plan_from_mapping,
    shortfalls,
)
from approvals.seating import seat_plan
from directory import Directory, directory_from_mapping

AT = datetime.fromisoformat("2024-05-14T14:30:00+08:00")
EAST, WEST = "G/E", "G/W"


def house(*people: dict[str, Any]) -> Directory:
    found, _ = directory_from_mapping(
        {"organisations": [{"path": EAST}, {"path": WEST}], "people": list(people)}
    )
    return found


def one(name: str, role: str, unit: str = EAST) -> dict[str, Any]:
    return {"id": name, "role": role, "unit": unit}


def chain(**steps: Any) -> Any:
    bands = [{"steps": list(steps)}]
    document = {"plan": "P", "version": 1, "subject": "x", "bands": bands, "steps": steps}
    plan, problems = plan_from_mapping(document)
    assert problems == []
    return plan


RISK = {"who": {"role": "risk_officer"}}
TWO = {"who": {"role": "risk_officer"}, "mode": "n_of", "need": 2}
HEAD = {"who": {"role": "manager"}}
GRANTER = {"who": {"permission": "grant.approve"}}


def lacks(directory: Directory, steps: dict[str, Any], *causers: str) -> tuple[Shortfall, ...]:
    subject = Subject("x", "o", EAST, "asker", causers)
    seated = seat_plan(chain(**steps), subject, directory, AT)
    return shortfalls(State("AP-1", subject, "P", 1, seated), directory, AT)


def test_a_chain_that_can_be_filled_lacks_nobody():
    assert lacks(house(one("a", "risk_officer")), {"risk": RISK}) == ()


def test_who_asks_is_named_beside_the_role_that_nobody_else_holds():
    people = house(one("asker", "risk_officer"), one("root", "administrator", "G"))
    (found,) = lacks(people, {"risk": RISK})
    assert (found.step, found.role, found.org) == ("risk", "risk_officer", EAST)
    assert (found.lacks, found.there, found.barred) == (1, (), ("asker",))
    assert (found.granting, found.administrators) == ((), ("root",))


def test_of_two_who_must_sign_one_is_there_and_a_causer_is_not_counted():
    people = house(one("a", "risk_officer"), one("b", "risk_officer"))
    (found,) = lacks(people, {"risk": TWO}, "b")
    assert (found.lacks, found.there, found.barred) == (1, ("a",), ("b",))
    assert len(lacks(people, {"risk": TWO})) == 0


def test_one_person_in_both_steps_lacks_one_in_one_of_them():
    people = house({"id": "a", "roles": ["risk_officer", "manager"], "unit": EAST})
    (found,) = lacks(people, {"risk": RISK, "head": HEAD})
    assert (found.step, found.lacks, found.there) == ("head", 1, ("a",))


def test_a_role_elsewhere_is_nobody_here():
    people = house(one("w", "manager", WEST), one("asker", "trader"))
    (found,) = lacks(people, {"head": HEAD})
    assert (found.there, found.barred, found.administrators) == ((), (), ())


@pytest.mark.parametrize("granter", [True, False])
def test_a_permission_can_be_granted_by_who_may_and_is_not_concerned(*, granter: bool):
    more = [one("boss", "manager", "G")] if granter else []
    people = house(one("asker", "manager"), *more)
    found = lacks(people, {"approver": {**GRANTER, "mode": "n_of", "need": 2}})[0]
    assert found.permission == "grant.approve"
    assert found.lacks == (1 if granter else 2)
    assert found.granting == (("boss",) if granter else ())
    assert found.barred == ("asker",)


def test_the_step_remembers_how_its_signers_were_sought():
    people = house(one("a", "risk_officer"), one("b", "risk_officer"))
    subject = Subject("x", "o", EAST, "asker")
    (seat,) = seat_plan(chain(risk=TWO), subject, people, AT)
    assert seat == OpenStep("risk", 2, ("a", "b"), mode=Mode.N_OF, role="risk_officer", org=EAST)
    assert State("AP-1", subject, "P", 1, (seat,)).status is Status.DRAFT
