"""The alert budget: few, early, never taken back."""

import math
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.budget import DAY, AlertBudget, Offer, Policy

START = datetime(2024, 5, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


def offer(
    number: int, p_value: float, *, hours: float = 0.0, entity: str = "", cause: str = "type"
) -> Offer:
    at = START + timedelta(hours=hours)
    return Offer(f"e{number}", at, entity or f"u{number}", cause, p_value)


offers = st.lists(
    st.builds(
        offer,
        st.integers(0, 30),
        st.sampled_from([0.0, 1e-12, 1e-9, 1e-7, 1e-5, 1e-4, 1e-3, 0.02, 0.5, 1.0]),
        hours=st.floats(0, 72),
        cause=st.sampled_from(["type", "hour_band"]),
    ),
    max_size=80,
)


@given(offers, st.integers(1, 6))
@settings(deadline=None)
def test_never_more_than_n_in_any_24_hours_rules_left_out(given_offers: list[Offer], per_day: int):
    budget = AlertBudget(Policy(per_day=per_day))
    times: list[datetime] = []
    for one in sorted(given_offers, key=lambda one: one.at):
        times += [one.at for raised in budget.offer(one) if raised.p_value > 0]
    for at in times:
        assert sum(at - DAY < other <= at for other in times) <= per_day


@given(offers, st.integers(0, 80))
@settings(deadline=None)
def test_a_budget_taken_up_from_its_state_goes_on_the_same(given_offers: list[Offer], cut: int):
    whole, half = AlertBudget(), AlertBudget()
    first = [whole.offer(one) for one in given_offers]
    second = [half.offer(one) for one in given_offers[:cut]]
    taken_up = AlertBudget.from_dict(orjson.loads(orjson.dumps(half.as_dict())))
    second += [taken_up.offer(one) for one in given_offers[cut:]]
    assert first == second
    assert taken_up.as_dict() == whole.as_dict()


@given(offers)
@settings(deadline=None)
def test_an_event_is_raised_once_at_most(given_offers: list[Offer]):
    budget = AlertBudget()
    numbered = [one._replace(uid=f"{at}") for at, one in enumerate(given_offers)]
    raised = [got.uid for one in numbered for got in budget.offer(one)]
    assert len(raised) == len(set(raised))


def test_what_lies_below_the_line_is_raised_at_once_and_the_rest_is_not():
    budget = AlertBudget(Policy(q=0.1, least_tests=1000))
    assert budget.offer(offer(1, 1.1e-4)) == []
    assert budget.offer(offer(2, 0.9e-4)) == [offer(2, 0.9e-4)]


def test_a_weaker_finding_is_raised_when_others_stand_beside_it():
    budget = AlertBudget(Policy(q=0.1, per_day=50))
    weak = offer(1, 1.2e-4)
    assert budget.offer(weak) == []
    strong = [offer(2, 1e-9), offer(3, 1e-9)]
    assert budget.offer(strong[0])[0] == strong[0]
    later = [got for number in range(4, 9) for got in budget.offer(offer(number, 1e-9))]
    assert all(got.p_value == 1e-9 for got in later)


def test_each_alert_makes_the_next_dearer():
    budget = AlertBudget(Policy(per_day=50))
    lines = []
    for number in range(5):
        budget.offer(offer(number, 1e-12))
        lines.append(budget.line() / (number + 1))
    assert lines == sorted(lines, reverse=True)
    assert lines[-1] == pytest.approx(lines[0] / 2**4)


def test_the_last_slot_is_kept_for_the_strongest_case():
    budget = AlertBudget(Policy(per_day=3))
    assert budget.offer(offer(1, 1e-9))
    assert budget.offer(offer(2, 1e-10))
    assert budget.offer(offer(3, 1e-9)) == []
    assert budget.tally.withheld == 1
    assert budget.offer(offer(4, 1e-15)) == [offer(4, 1e-15)]
    assert budget.offer(offer(5, 1e-50)) == []


def test_one_entity_does_not_take_the_slots_of_the_others():
    budget = AlertBudget()
    flood = [offer(at, 10.0 ** -(10 * 1.4**at), entity="u_1", hours=at) for at in range(6)]
    assert [len(budget.offer(one)) for one in flood] == [1, 1, 0, 0, 0, 0]
    assert budget.offer(offer(9, 1e-9, entity="u_2", hours=7))


def test_rules_stand_outside_the_budget_and_are_counted():
    budget = AlertBudget(Policy(per_day=1))
    assert all(budget.offer(offer(number, 0.0)) for number in range(10))
    assert budget.tally.hard == 10
    assert budget.spent == 0
    assert budget.offer(offer(99, 1e-9)) == [offer(99, 1e-9)]


def test_one_alert_per_entity_and_cause_until_it_rises_by_30_per_cent_or_a_day_has_passed():
    budget = AlertBudget()
    first = offer(1, 1e-10, entity="u_1")
    assert budget.offer(first)
    assert budget.offer(offer(2, 1e-12, entity="u_1", hours=1)) == []
    assert budget.tally.suppressed == 1
    assert budget.offer(offer(3, 1e-13, entity="u_1", hours=2))
    assert budget.offer(offer(4, 1e-16, entity="u_1", hours=25)) == []
    assert budget.offer(offer(5, 1e-10, entity="u_1", hours=26.5))
    assert budget.offer(offer(6, 0.0, entity="x", hours=27))
    assert budget.offer(offer(7, 0.0, entity="x", hours=28)) == []
    assert budget.offer(offer(8, 0.0, entity="x", hours=51.5))


def test_event_time_never_goes_back():
    budget = AlertBudget()
    budget.offer(offer(1, 1e-9, hours=30))
    budget.offer(offer(2, 1e-9, hours=1))
    assert budget.clock == START + 30 * HOUR
    assert budget.spent == 2


def test_a_busy_day_is_dearer_than_a_quiet_one():
    quiet, busy = AlertBudget(), AlertBudget()
    for number in range(20_000):
        busy.passed(START + timedelta(seconds=number))
    one = offer(1, 5e-5, hours=6)
    assert quiet.offer(one) == [one]
    assert busy.offer(one) == []


def test_surprise_is_capped_and_finite():
    assert offer(1, 0.0).surprise == 99
    assert offer(1, 1e-120).surprise == 99
    assert offer(1, 1.0).surprise == 0
    assert math.isclose(offer(1, 1e-4).surprise, 4)
