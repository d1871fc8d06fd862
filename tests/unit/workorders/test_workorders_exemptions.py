"""An exemption lets a position stand above its limit, for a time and up to a cap."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workorders_house import CLEAR, ORG, START, House, answers, exposure

from directory import Scopes
from workorders import (
    AlertState,
    Closing,
    Condition,
    Holding,
    Level,
    Policy,
    Reason,
    SourceKind,
    dismiss_alert,
)
from workorders.about import about_reader
from workorders.dwelling import looked as dwell_looked
from workorders.exempting import (
    counts,
    keep_standing,
    looked,
    standing_beside,
    standing_matches,
    standing_now,
    waiting,
)
from workorders.exemption_ending import grant, refuse, revoke
from workorders.exemption_rows import (
    enter,
    find_exemption,
    list_exemptions,
    record,
    seen_exemption,
    subjects_of_exemption,
)
from workorders.exemptions import (
    Exemption,
    ExemptionState,
    Terms,
    covers,
    exemptable,
    judge,
    permits,
)
from workorders.flapping import Crossing, record_crossing
from workorders.guard import decide_close
from workorders.handover import Section, Thing
from workorders.handover_items import items_of
from workorders.matches import match_body
from workorders.model import ObjectDecision
from workorders.restoring import match_from

LEAF = {"field": "use", "op": ">=", "value": "1", "truth": True}
TERMS = Terms(
    org=ORG,
    product="cu",
    rule="EXPOSURE",
    cap=Decimal(8000),
    unit="t",
    starts_at=START,
    ends_at=START + timedelta(days=3),
)


def breach(level: Level = Level.ORANGE, *, after: float = 0, net: str = "-7500", **changed: Any):
    """A breach of the limit on current data, as the rule on the tiers finds it."""
    found = {"leaves": (LEAF,), "data_state": "current", **changed}
    return exposure(level, after=after, net=net, **found)


def asked(
    house: House, number: str = "EX-1", subjects: tuple[str, ...] = (), **changed: Any
) -> str:
    terms = replace(TERMS, **changed)
    with house.as_person("chen") as uow:
        enter(
            uow,
            Exemption(number, terms, "vessel late", "chapter 4", "chen", uow.now,
                      ExemptionState.ASKED, request_id="AP-1"),
            subjects=subjects,
        )  # fmt: skip
    return number


def given_one(house: House, number: str = "EX-1", **changed: Any) -> str:
    asked(house, number, **changed)
    with house.as_person("boss") as uow:
        grant(uow, number, approved_by="boss")
    return number


def found(house: House, number: str = "EX-1") -> Exemption:
    one = house.read(find_exemption, number)
    assert one is not None
    return one


def crosses(house: House, before: str, after: str) -> None:
    with house.as_person("system:assessor") as uow:
        record_crossing(uow, Crossing(CLEAR.fact_key, ORG, before, after, uow.now))


def test_what_is_covered_raises_nothing_and_is_on_record(house: House):
    given_one(house)
    for after, net in ((0, "-7500"), (60, "-7900")):
        result = house.ingest(breach(after=after, net=net))
        assert (result.exemption, result.alert_id, result.order_id) == ("EX-1", "", "")
    assert (house.orders(), house.alerts()) == ((), ())
    records = house.trail(action="match.exempt")
    assert [one.outcome for one in records] == ["exempted", "exempted"]
    assert records[0].body["terms"]["cap"] == "8000"
    assert records[0].body["approved_by"] == "boss"
    assert house.read(counts, ["EX-1", "EX-2"]) == {"EX-1": 2, "EX-2": 0}
    (standing,) = house.read(standing_now, [ORG], house.now[0])
    assert (standing.match.value, standing.count) == (Decimal(-7900), 2)
    assert house.read(standing_now, ["Group/West"], house.now[0]) == []


def test_the_same_match_twice_is_covered_once(house: House):
    given_one(house)
    house.ingest(breach())
    again = house.ingest(breach())
    assert (again.exemption, again.duplicate) == ("EX-1", True)
    assert house.read(counts, ["EX-1"]) == {"EX-1": 1}


def test_above_the_cap_it_is_told_as_ever_and_need_not_be_told_again(house: House):
    given_one(house)
    house.ingest(breach())
    above = house.ingest(breach(after=60, net="-8000.01"))
    assert above.opened
    assert house.read(waiting, "EX-1") == []
    beneath = house.ingest(breach(after=120, net="-8000"))
    assert (beneath.exemption, beneath.order_id) == ("EX-1", above.order_id)
    (order,) = house.orders()
    assert (order.count, order.value) == (1, Decimal("-8000.01"))
    assert [one.value for one in house.read(waiting, "EX-1")] == [Decimal(-8000)]


def test_at_the_end_what_stands_raises_its_alert_at_once(house: House):
    house.ctx = replace(house.ctx, policy=Policy(open_dwell_s=300))
    given_one(house)
    house.ingest(breach())
    house.pass_time(days=3)
    assert house.fire_due() == ["EXEMPTION_REMINDED", "EXEMPTION_ENDED"]
    (order,) = house.orders()  # no minimum dwell: it stood for days
    assert (order.level, order.value, order.clears) == (Level.ORANGE, Decimal(-7500), (CLEAR,))
    assert found(house).state is ExemptionState.ENDED
    (left,) = house.trail(action="exemption.end")
    assert left.body["raised"] == [house.alerts()[0].id]


def test_what_fell_before_the_end_raises_nothing(house: House):
    given_one(house)
    house.ingest(breach())
    with house.as_person("system:assessor") as uow:
        looked(uow, CLEAR.fact_key, ["OTHER"])
    (left,) = house.trail(action="exemption.fell")
    assert (left.object_id, left.body["rule"]) == ("EX-1", "EXPOSURE")
    house.pass_time(days=3)
    house.fire_due()
    assert house.alerts() == ()


def test_another_rule_that_stands_does_not_keep_it(house: House):
    given_one(house)
    house.ingest(breach())
    with house.as_person("system:assessor") as uow:
        looked(uow, CLEAR.fact_key, ["EXPOSURE"])
    assert len(house.read(waiting, "EX-1")) == 1


def test_an_end_that_another_exemption_carries_on_raises_nothing(house: House):
    given_one(house)
    given_one(house, "EX-2", starts_at=TERMS.ends_at, ends_at=TERMS.ends_at + timedelta(days=3))
    house.ingest(breach())
    house.pass_time(days=3)
    house.fire_due()
    assert house.alerts() == ()
    assert [one.exemption for one in house.read(standing_now, [ORG], house.now[0])] == ["EX-2"]
    house.pass_time(days=3)
    house.fire_due()
    assert len(house.orders()) == 1


def test_what_stood_before_is_told_again_at_the_end(house: House):
    opened = house.ingest(breach())
    crosses(house, "", "orange")
    given_one(house)
    assert house.read(counts, ["EX-1"]) == {"EX-1": 0}  # it had been told
    (before,) = house.orders()
    house.pass_time(days=3)
    house.fire_due()
    (order,) = house.orders()
    assert (order.id, order.count) == (opened.order_id, before.count + 1)


def test_what_was_dismissed_while_permitted_waits_for_triage_again(house: House):
    house.ingest(breach(Level.YELLOW, net="-450"))
    crosses(house, "", "yellow")
    given_one(house, ends_at=START + timedelta(minutes=10))
    (alert,) = house.alerts()
    assert house.do("chen", dismiss_alert, alert.id, reasons=[Reason.WITHIN_LIMITS]).ok
    house.ingest(breach(Level.YELLOW, after=60, net="-460"))
    assert house.alerts()[0].state is AlertState.DISMISSED
    house.pass_time(minutes=10)
    assert house.fire_due() == ["EXEMPTION_ENDED"]
    assert [(one.id, one.state) for one in house.alerts()] == [(alert.id, AlertState.NEW)]


def test_what_fell_before_it_was_given_is_not_told_at_the_end(house: House):
    house.ingest(breach(Level.YELLOW))
    crosses(house, "", "yellow")
    crosses(house, "yellow", "")
    given_one(house)
    assert house.read(waiting, "EX-1") == []


def test_one_that_begins_later_keeps_what_stands_then(house: House):
    given_one(house, starts_at=START + timedelta(hours=6))
    told = house.ingest(breach())
    assert told.opened
    crosses(house, "", "orange")
    assert house.read(waiting, "EX-1") == []
    house.pass_time(hours=6)
    assert "EXEMPTION_BEGUN" in house.fire_due()
    assert len(house.read(waiting, "EX-1")) == 1
    covered = house.ingest(breach(after=6 * 3600, net="-7600"))
    assert covered.exemption == "EX-1"


def test_an_alert_that_waits_for_its_dwell_opens_no_order_once_covered(house: House):
    house.ctx = replace(house.ctx, policy=Policy(open_dwell_s=300))
    house.ingest(breach())
    crosses(house, "", "orange")
    given_one(house)
    with house.as_person("system:assessor") as uow:
        dwell_looked(uow, CLEAR.fact_key, ["EXPOSURE"])
    house.pass_time(minutes=6)
    house.fire_due()
    assert house.orders() == ()
    assert len(house.trail(action="alert.dwell_exempt")) == 1


def test_a_dwell_that_began_above_the_cap_ends_when_it_is_covered(house: House):
    house.ctx = replace(house.ctx, policy=Policy(open_dwell_s=300))
    given_one(house)
    house.ingest(breach(net="-9000"))
    assert house.alerts()[0].dwell_until is not None
    house.ingest(breach(after=60))
    house.pass_time(minutes=6)
    house.fire_due()
    assert house.orders() == ()


def test_it_is_brought_to_mind_before_its_end_but_not_to_whom_it_is_about(house: House):
    given_one(house, subjects=("lin", "wang"))
    house.ingest(breach())
    house.pass_time(days=2)
    assert house.fire_due() == ["EXEMPTION_REMINDED"]
    told = {row.target for row in house.messages("EX-1")}
    assert told == {"chen"}
    assert house.messages("EX-1")[0].payload["lines"][1]["params"] == {"count": 1}


def test_a_signer_or_who_asked_revokes_and_nobody_else(house: House):
    given_one(house)
    house.ingest(breach())
    refused = house.do("zhao", revoke, "EX-1", reason="x")
    assert (refused.ok, refused.code) == (False, "FORBIDDEN")
    assert house.do("wang", revoke, "EX-1", reason=" ").code == "NEEDS_REASON"
    recorded = house.trail(action="exemption.revoke")
    assert {(one.outcome, one.reason) for one in recorded} == {
        ("refused", "FORBIDDEN"),
        ("refused", "NEEDS_REASON"),
    }
    done = house.do("wang", revoke, "EX-1", reason="the vessel is in")
    assert (done.code, done.raised) == ("DONE", (house.alerts()[0].id,))
    assert done.exemption.end_reason == "the vessel is in"
    assert house.do("wang", revoke, "EX-1", reason="x").code == "ALREADY_DONE"
    assert house.do("wang", revoke, "EX-9", reason="x").code == "UNKNOWN_EXEMPTION"
    house.pass_time(days=4)
    assert not {"EXEMPTION_REMINDED", "EXEMPTION_ENDED"} & {*house.fire_due()}
    assert house.ingest(breach(after=60)).exemption == ""


def test_who_asked_may_give_it_back(house: House):
    asked(house)
    with house.as_person("boss") as uow:
        grant(uow, "EX-1", approved_by="boss")
    assert house.do("chen", revoke, "EX-1", reason="not needed").ok


def test_what_is_not_given_covers_nothing(house: House):
    asked(house)
    assert house.do("wang", revoke, "EX-1", reason="x").code == "EXEMPTION_NOT_GIVEN"
    assert house.ingest(breach()).opened
    with house.as_person("wang") as uow:
        refuse(uow, "EX-1", decided_by="wang", why="LIMIT")
        grant(uow, "EX-1", approved_by="wang")  # what was refused stays so
    assert (found(house).state, found(house).end_reason) == (ExemptionState.REFUSED, "LIMIT")
    assert house.ingest(breach(after=60)).exemption == ""


def test_signed_after_its_window_it_never_counts(house: House):
    asked(house)
    house.pass_time(days=3)
    with house.as_person("boss") as uow:
        grant(uow, "EX-1", approved_by="boss")
    assert found(house).state is ExemptionState.ENDED
    assert house.fire_due() == []


OTHERS = {
    "another unit": {"org": "Group/East/Desk"},
    "the unit above": {"org": "Group"},
    "another product": {"product": "al"},
    "another rule": {"rule": "COVERAGE"},
    "another unit of measure": {"unit": "kg"},
    "late data": {"data_state": "late"},
    "data that says nothing of itself": {"data_state": ""},
    "a model": {"source_kind": SourceKind.MODEL},
    "a look back": {"batch_run": "2024-05"},
    "gross exposure": {"measure": "exposure.gross"},
    "a project": {"measure": "exposure.net:P1"},
    "no figure": {"value": None},
    "another field": {"leaves": (LEAF, {**LEAF, "field": "coverage"})},
    "a leaf that cannot be told": {"leaves": ({**LEAF, "truth": None},)},
    "no leaves": {"leaves": ()},
    "no condition": {"clears": None},
    "a refusal of an order": {"decide": ObjectDecision("hedge_order", "H-1", "deny", "LIMIT")},
    "before the window": {"event_time": START - timedelta(seconds=1)},
    "at its end": {"event_time": TERMS.ends_at},
    "the cap on the other side": {"value": Decimal("8000.01")},
}


@pytest.mark.parametrize("changed", OTHERS.values(), ids=OTHERS)
def test_what_it_does_not_cover(changed: dict[str, Any]):
    assert covers(TERMS, breach(), START)
    assert not covers(TERMS, replace(breach(), **changed), START)


def test_a_month_or_an_account_narrows_it():
    assert covers(replace(TERMS, month="2406"), breach(), START)
    assert not covers(replace(TERMS, month="2407"), breach(), START)
    assert not covers(replace(TERMS, account="A-1"), breach(), START)
    assert covers(replace(TERMS, account="A-1"), breach(account="A-1"), START)


def test_it_counts_from_the_decision_to_the_revocation():
    one = Exemption(
        "EX-1", TERMS, "r", "c", "chen", START, ExemptionState.GRANTED,
        decided_at=START + timedelta(hours=1),
    )  # fmt: skip
    assert not one.live(START)
    assert one.live(START + timedelta(hours=1))
    assert not one.live(TERMS.ends_at)
    revoked = replace(one, state=ExemptionState.REVOKED, ended_at=START + timedelta(hours=2))
    assert revoked.live_as_known(START + timedelta(hours=1), known_at=START + timedelta(hours=1))
    assert not revoked.live(START + timedelta(hours=2))
    assert not replace(one, decided_at=None).live(START + timedelta(hours=1))


WRONG = {
    "NEEDS_REASON": {"reason": " "},
    "NEEDS_CLAUSE": {"clause": ""},
    "RULE_NOT_EXEMPTABLE": {"exemptable_rules": ("OTHER",)},
    "EXEMPTION_ENDS_EARLY": {"now": TERMS.ends_at},
}


@pytest.mark.parametrize("code", WRONG)
def test_what_cannot_be_asked_for(code: str):
    right: dict[str, Any] = {
        "reason": "late", "clause": "4", "now": START, "exemptable_rules": ("EXPOSURE",),
    }  # fmt: skip
    assert judge(TERMS, **right).code == ""
    assert judge(TERMS, **{**right, **WRONG[code]}).code == code


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"cap": Decimal(0)}, "CAP_INVALID"),
        ({"cap": Decimal(-1)}, "CAP_INVALID"),
        ({"cap": Decimal("NaN")}, "CAP_INVALID"),
        ({"cap": Decimal("Infinity")}, "CAP_INVALID"),
        ({"ends_at": START}, "EXEMPTION_ENDS_EARLY"),
        ({"ends_at": START + timedelta(days=92)}, ""),
        ({"ends_at": START + timedelta(days=92, seconds=1)}, "EXEMPTION_TOO_LONG"),
        (
            {"starts_at": START + timedelta(days=9), "ends_at": START + timedelta(days=101)},
            "",
        ),
    ],
)
def test_a_cap_and_a_window_that_can_be_meant(changed: dict[str, Any], code: str):
    terms = replace(TERMS, **changed)
    judged = judge(terms, reason="r", clause="c", now=START, exemptable_rules=("EXPOSURE",))
    assert judged.code == code


@given(value=st.decimals(allow_nan=True, allow_infinity=True), cap=st.decimals(0, 10**12))
@settings(deadline=None)
def test_no_figure_above_the_cap_is_ever_permitted(value: Decimal, cap: Decimal):
    permitted = permits(replace(TERMS, cap=cap), breach(value=value))
    assert permitted == (value.is_finite() and abs(value) <= cap)


def test_a_matter_is_kept_from_its_subject_and_so_is_its_exemption(house: House):
    given_one(house, subjects=("liu",))
    given_one(house, "EX-2", month="2407")
    reader = Scopes((ORG,), ("liu",), matters=True)
    other = Scopes((ORG,), ("lin",), matters=True)
    assert [one.id for one in house.read(list_exemptions, reader, person="liu")] == ["EX-2"]
    assert {one.id for one in house.read(list_exemptions, other)} == {"EX-1", "EX-2"}
    assert house.read(seen_exemption, "EX-1", reader, "liu") is None
    assert house.read(seen_exemption, "EX-1", reader, "chen") is not None  # who asked
    assert house.read(seen_exemption, "EX-1", other, "lin") is not None
    assert "EX-1" in house.read(about_reader, reader)
    assert "EX-1" not in house.read(about_reader, other)
    blind = Scopes((ORG,), (), matters=False)
    assert house.read(list_exemptions, blind) == []
    assert house.read(seen_exemption, "EX-1", blind, "tmp") is None
    assert house.read(seen_exemption, "EX-1", ("Group/West",)) is None
    assert house.read(seen_exemption, "EX-9", other) is None


def test_whose_doing_it_becomes_is_kept_with_it(house: House):
    given_one(house)
    house.ingest(breach(actor="liu"))
    house.ingest(breach(after=1, net="-7501", actor="liu"))
    assert house.read(subjects_of_exemption, "EX-1") == ("liu",)


def test_an_order_may_be_closed_while_an_exemption_permits_what_holds(house: House):
    house.ingest(breach())
    (order,) = house.orders()
    closing = answers()
    assert isinstance(closing, Closing)
    for holding, code in ((Holding.HOLDS, "CONDITION_HOLDS"), (Holding.EXEMPT, "CLOSE_ALLOWED")):
        conditions = [Condition(CLEAR, holding, Decimal(-7500), Decimal(500))]
        verdict = decide_close(order, conditions, closing, closer="lin", may_override=False)
        assert verdict.code == code


def test_it_stands_on_the_hand_over_until_its_end(house: House):
    given_one(house)
    lines = house.read(items_of, house.ctx, ORG, house.now[0])
    (line,) = [one for one in lines if one.thing is Thing.EXEMPTION]
    assert (line.id, line.section, line.about) == ("EX-1", Section.SILENCED, "8,000 t")
    assert (line.owner, line.due) == ("chen", TERMS.ends_at)
    assert house.read(items_of, house.ctx, ORG, TERMS.ends_at) == ()


def test_what_it_keeps_twice_is_told_once(house: House):
    house.ingest(breach())
    crosses(house, "", "orange")
    given_one(house)
    with house.as_person("boss") as uow:
        keep_standing(uow, found(house))
        record(uow, "exemption.begin", found(house))
    assert len(house.read(waiting, "EX-1")) == 1


def test_only_a_measured_position_can_be_exempted():
    assert exemptable(breach())
    assert not exemptable(replace(breach(), level=None))


def test_a_match_comes_back_whole_from_its_stored_body():
    whole = breach(
        account="A-1",
        month="2406",
        actor="liu",
        objects=("I-1",),
        sources=("erp",),
        cause="C-1",
        rulebook="abc",
        clause="4",
        row=3,
        series=((START, Decimal("1.5")),),
        remedies=(("SELL", {"lots": "3"}),),
        event_ids=("e1", "e2"),
        evidence={"net": "5"},
    )
    assert match_from(match_body(whole), ORG) == whole
    bare = replace(whole, level=None, clears=None, value=None, limit=None, use=None)
    decided = replace(bare, decide=ObjectDecision("hedge_order", "H-1", "deny", "LIMIT"))
    for one in (bare, decided):
        assert match_from(match_body(one), ORG) == one


BESIDE = {
    "late data": ({"data_state": "late"}, {}, "data"),
    "no figure of its own": ({"leaves": ({**LEAF, "field": "coverage"},)}, {}, "kind"),
    "another month": ({}, {"month": "2407"}, "place"),
    "above the cap": ({"net": "-8001"}, {}, "above"),
}


@pytest.mark.parametrize(("changed", "terms", "why"), BESIDE.values(), ids=BESIDE)
def test_what_stands_there_and_would_not_be_covered_is_told_with_why(
    house: House, changed: dict[str, Any], terms: dict[str, Any], why: str
):
    house.ingest(breach(**changed))
    crosses(house, "", "orange")
    wanted = replace(TERMS, **terms)
    assert house.read(standing_matches, wanted) == []
    ((match, told),) = house.read(standing_beside, wanted)
    assert (match.value is not None, told) == (True, why)


def test_what_would_be_covered_stands_beside_nothing(house: House):
    house.ingest(breach())
    crosses(house, "", "orange")
    assert house.read(standing_beside, TERMS) == []
    assert [one.value for one in house.read(standing_matches, TERMS)] == [Decimal(-7500)]
