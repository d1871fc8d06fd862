from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from workorders_house import ORG, START, exposure, happened

from workorders import Level, Match, SourceKind
from workorders.cases import assign, external_cause
from workorders.dedup import dedup_key, match_id
from workorders.model import Case


def grouped(matches: list[Match]) -> frozenset[frozenset[int]]:
    """Feed matches one by one; the groups, as sets of the matches' own numbers."""
    cases: dict[str, Case] = {}
    members: dict[str, set[int]] = {}
    for match in matches:
        found = assign(match, cases.values())
        case_id = found.case.id or f"CS-{match.evidence['n']}"
        members.setdefault(case_id, set()).add(match.evidence["n"])
        for other in found.absorbed:
            members[case_id] |= members.pop(other)
            del cases[other]
        cases[case_id] = replace(found.case, id=case_id)
    return frozenset(frozenset(group) for group in members.values())


small = st.sampled_from(["", "a", "b", "c"])
several = st.lists(
    st.builds(
        lambda minutes, product, actor, thing, run: (minutes, product, actor, thing, run),
        st.integers(0, 200),
        small,
        small,
        small,
        st.sampled_from(["", "", "", "run-1", "run-2"]),
    ),
    min_size=1,
    max_size=8,
)


def numbered(rows: list[Any]) -> list[Match]:
    return [
        happened(
            "X",
            Level.YELLOW,
            after=minutes * 60,
            product=product,
            actor=actor,
            objects=(thing,),
            batch_run=run,
            evidence={"n": n},
        )
        for n, (minutes, product, actor, thing, run) in enumerate(rows)
    ]


@given(several, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=200)
def test_the_order_of_arrival_does_not_change_the_groups(
    rows: list[tuple[Any, ...]], random: Random
):
    matches = numbered(rows)
    shuffled = list(matches)
    random.shuffle(shuffled)
    assert grouped(shuffled) == grouped(matches)


def test_a_late_match_between_two_cases_joins_them():
    early = happened("A", Level.YELLOW, after=0, evidence={"n": 0})
    late = happened("A", Level.YELLOW, after=50 * 60, evidence={"n": 1})
    between = happened("A", Level.YELLOW, after=25 * 60, evidence={"n": 2})
    assert len(grouped([early, late])) == 2
    assert grouped([early, late, between]) == {frozenset({0, 1, 2})}


def test_half_an_hour_is_in_and_a_second_more_is_out():
    case = replace(assign(exposure(), []).case, id="CS-1")
    assert assign(exposure(after=1_800), [case]).case.id == "CS-1"
    assert assign(exposure(after=1_801), [case]).case.id == ""


def test_a_sister_organisation_never_shares_a_case():
    case = replace(assign(exposure(), []).case, id="CS-1")
    assert assign(replace(exposure(), org="Group/West"), [case]).case.id == ""
    assert assign(replace(exposure(), org="Group"), [case]).case.id == ""


def test_findings_of_one_batch_run_are_one_case_however_far_apart():
    first = happened("DUP", Level.ORANGE, product="", objects=("SO-1",), batch_run="run-7")
    second = happened(
        "MIS", Level.ORANGE, after=100 * 86_400, product="", objects=("H-1",), batch_run="run-7"
    )
    case = replace(assign(first, []).case, id="CS-1")
    assert assign(second, [case]).case.id == "CS-1"
    assert assign(replace(second, batch_run="run-8"), [case]).case.id == ""


def test_two_alerts_from_outside_never_share_a_case():
    def outside(alert: str) -> Match:
        cause = external_cause("robot", alert)
        return happened(
            "ROBOT", Level.RED, source_kind=SourceKind.ROBOT, cause=cause, actor="robot"
        )

    case = replace(assign(outside("A11"), []).case, id="CS-1")
    assert assign(outside("A12"), [case]).case.id == ""
    assert assign(outside("A11"), [case]).case.id == "CS-1"
    assert assign(exposure(), [case]).case.id == ""


def test_the_system_itself_connects_nothing():
    first = happened("A", Level.YELLOW, product="", actor="system")
    case = replace(assign(first, []).case, id="CS-1")
    assert assign(happened("B", Level.YELLOW, product="", actor="system:x"), [case]).case.id == ""


def test_the_key_holds_no_tier_and_no_time():
    assert dedup_key(exposure(Level.RED)) == dedup_key(exposure(Level.BLUE, after=900, net="-400"))
    for part in ("org", "account", "product", "month", "measure", "rule", "cause"):
        assert dedup_key(replace(exposure(), **{part: "other"})) != dedup_key(exposure())
    # The parts cannot run into each other.
    one = replace(exposure(), account="a", product="bc")
    other = replace(exposure(), account="ab", product="c")
    assert dedup_key(one) != dedup_key(other)


def test_a_match_is_itself_only_with_the_same_facts_at_the_same_time():
    assert match_id(exposure()) == match_id(exposure())
    assert match_id(exposure(after=1)) != match_id(exposure())
    assert match_id(replace(exposure(), facts_hash="other")) != match_id(exposure())


def test_the_case_with_an_order_leads_when_cases_are_joined():
    one = replace(assign(happened("A", Level.YELLOW, product="a"), []).case, id="CS-1")
    other = replace(
        assign(happened("B", Level.RED, product="b", after=60), []).case,
        id="CS-2",
        order_id="WO-1",
    )
    bridge = happened("C", Level.YELLOW, product="a", actor="liu", after=90)
    linked = replace(other, keys=other.keys | {"actor:liu"})
    found = assign(bridge, [one, linked])
    assert (found.case.id, found.case.order_id, found.absorbed) == ("CS-2", "WO-1", ("CS-1",))
    assert found.case.first_event == START
    assert found.case.last_event == START + timedelta(seconds=90)
    assert found.case.org == ORG
