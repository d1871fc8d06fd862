from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from workorders_house import CLEAR, START, answers, cleared

from workorders import Clear, Closing, Corrective, Holding, Level, OrderKind, State, WorkOrder
from workorders.guard import Condition, GuardVerdict, decide_close, may_execute


def resolved(level: Level = Level.RED, **changed: Any) -> WorkOrder:
    order = WorkOrder(
        id="WO-20240514-001",
        kind=OrderKind.RISK,
        org="Group/East",
        level=level,
        state=State.RESOLVED,
        version=3,
        case_id="",
        title="order.title",
        title_params={},
        lead_key="",
        opened_at=START,
        first_seen=START,
        last_seen=START,
        acknowledged_by="chen",
        resolved_by="lin",
        clears=(CLEAR,),
    )
    return replace(order, **changed)


def verdict(
    order: WorkOrder | None = None,
    conditions: list[Condition] | None = None,
    closing: Closing | None = None,
    *,
    closer: str = "wang",
    may_override: bool = False,
) -> GuardVerdict:
    return decide_close(
        order or resolved(),
        cleared() if conditions is None else conditions,
        closing or answers(),
        closer=closer,
        may_override=may_override,
    )


def test_a_cleared_condition_lets_a_second_person_close():
    assert verdict().code == "CLOSE_ALLOWED"


@pytest.mark.parametrize("closer", ["chen", "lin"])
def test_red_is_not_closed_by_who_acknowledged_or_resolved_it(closer: str):
    assert verdict(closer=closer).code == "NEEDS_SECOND_PERSON"
    assert verdict(resolved(Level.ORANGE), closer=closer).allowed


def test_a_condition_that_holds_refuses_with_the_live_value():
    found = verdict(conditions=cleared(Holding.HOLDS, "-7500"))
    assert (found.allowed, found.code) == (False, "CONDITION_HOLDS")
    assert (found.params["value"], found.params["limit"]) == ("-7500", "500")


@pytest.mark.parametrize(
    ("holding", "code"),
    [(Holding.NOT_ASSESSABLE, "NOT_ASSESSABLE"), (Holding.STALE, "STALE_INPUTS")],
)
def test_inputs_that_are_missing_or_stale_refuse_too(holding: Holding, code: str):
    assert verdict(conditions=cleared(holding)).code == code


def test_a_condition_that_nobody_answered_is_not_assessable():
    order = resolved(clears=(CLEAR, Clear("BASIS", "cu")))
    assert verdict(order).code == "NOT_ASSESSABLE"
    assert verdict(order).params["rule"] == "BASIS"


def test_a_condition_that_holds_outweighs_one_that_cannot_be_assessed():
    order = resolved(clears=(Clear("BASIS", "cu"), CLEAR))
    assert verdict(order, cleared(Holding.HOLDS)).code == "CONDITION_HOLDS"


def test_an_override_needs_its_reason_and_the_next_level():
    holds = cleared(Holding.HOLDS)
    with_reason = answers(override="hedge is booked tomorrow, bank confirmed")
    assert verdict(conditions=holds, may_override=True).code == "CONDITION_HOLDS"
    assert verdict(conditions=holds, closing=with_reason).code == "OVERRIDE_NOT_ALLOWED"
    passed = verdict(conditions=holds, closing=with_reason, may_override=True)
    assert (passed.allowed, passed.code) == (True, "CLOSE_OVERRIDDEN")
    assert passed.params["refusal"] == "CONDITION_HOLDS"


def test_an_override_does_not_replace_the_second_person():
    with_reason = answers(override="because")
    holds = cleared(Holding.HOLDS)
    found = verdict(conditions=holds, closing=with_reason, closer="chen", may_override=True)
    assert found.code == "NEEDS_SECOND_PERSON"


def test_closing_asks_disposition_root_cause_and_corrective_action():
    assert verdict(closing=Closing()).code == "NEEDS_DISPOSITION"
    assert verdict(closing=answers(disposition="whatever")).code == "NEEDS_DISPOSITION"
    assert verdict(closing=answers(root_cause="")).code == "NEEDS_ROOT_CAUSE"
    assert verdict(closing=answers(corrective=None)).code == "NEEDS_CORRECTIVE"
    blank = Corrective(" ", "chen", START)
    assert verdict(closing=answers(corrective=blank)).code == "NEEDS_CORRECTIVE"
    yellow = resolved(Level.YELLOW)
    assert verdict(yellow, closing=answers(corrective=None)).allowed


def test_something_that_has_happened_needs_no_condition_but_a_disposition():
    order = resolved(Level.ORANGE, clears=(), needs_disposition=True)
    assert verdict(order, conditions=[]).allowed
    assert verdict(order, conditions=[], closing=Closing()).code == "NEEDS_DISPOSITION"


def test_nothing_is_executed_before_a_person_approved():
    assert not may_execute([], START)
    assert not may_execute([START + timedelta(seconds=1)], START)
    assert may_execute([START], START)
