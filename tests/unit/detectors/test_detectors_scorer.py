"""From events to anomalies: few on ordinary days, the right ones on others."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from detectors_house import LOOKUPS, MONDAY, ROLES, event, ordinary_days
from hypothesis import given, settings
from hypothesis import strategies as st

from auditlog.events import Event, EventKind
from detectors import AlertBudget, Anomaly, Lookups, NotEnough, Policy, Scorer, train
from detectors.scorer import combine, reported

PAST = ordinary_days(15)
MODELS = train(PAST, seed=1, lookups=LOOKUPS).models
LATER = MONDAY + timedelta(days=28)


def scorer(lookups: Lookups = LOOKUPS, past: list[Event] = PAST, **kwargs: timedelta) -> Scorer:
    out = Scorer(MODELS, lookups=lookups, **kwargs)
    out.replay(past)
    return out


def night_orders(start: datetime = LATER + timedelta(hours=15)) -> list[Event]:
    """A temporary account places large orders around eleven at night."""
    return [
        event(
            f"n{at}",
            start + timedelta(minutes=3 * at),
            "order.create",
            "tmp_night",
            order=f"N{at}",
            amount=Decimal(900_000),
        )
        for at in range(5)
    ]


def stand(found: list[Anomaly]) -> list[tuple]:
    return [(one.event_uid, one.family, one.cause, one.surprise) for one in found]


def test_ordinary_days_stay_within_the_budget():
    days = Counter(
        one.event.day
        for one in scorer().observe(ordinary_days(10, seed=2, start=LATER))
        if not one.hard
    )
    assert sum(days.values()) <= 2


def test_a_temporary_account_at_night_is_told_once_with_its_reason():
    found = scorer().observe(night_orders())
    assert len(found) == 1
    anomaly = found[0]
    assert anomaly.actor == "tmp_night"
    assert anomaly.surprise >= 4
    assert anomaly.surprise.as_tuple().exponent == -4
    assert anomaly.explanation.params["seen"] == "temporary"
    assert anomaly.explanation.params["instead"] == "trader"
    assert anomaly.explanation.params["actor"] == "tmp_night"
    assert int(anomaly.explanation.params["support"]) > 100
    assert anomaly.model == MODELS.id
    assert anomaly.fact() == {
        "org": anomaly.org,
        "product": "cu",
        "actor": "tmp_night",
        "family": "excess",
        "detector": "excess_surprise",
        "cause": "role",
        "surprise": anomaly.surprise,
    }


def test_a_rule_is_told_with_the_cap_and_once_a_document():
    events = [
        event("s1", LATER, "order.create", "u_trader0", order="X1"),
        event("s2", LATER + timedelta(minutes=1), "order.submit", "u_trader0", order="X1"),
        event("s3", LATER + timedelta(minutes=2), "order.submit", "u_trader0", order="X1"),
        event("s4", LATER + timedelta(minutes=3), "order.create", "u_trader0", order="X2"),
        event("s5", LATER + timedelta(minutes=4), "order.submit", "u_trader0", order="X2"),
    ]
    found = [one for one in scorer().observe(events) if one.hard]
    assert [(one.event.event_id, one.cause) for one in found] == [
        ("es2", "CHAIN_SKIPPED"),
        ("es5", "CHAIN_SKIPPED"),
    ]
    assert {one.surprise for one in found} == {Decimal("99.0000")}


def test_a_flood_by_one_account_is_told():
    start = LATER + timedelta(hours=3)
    flood = [
        event(f"f{at}", start + timedelta(seconds=at), "login", "u_trader1") for at in range(400)
    ]
    found = scorer().observe(flood)
    assert 1 <= len(found) <= 2
    assert all(one.actor == "u_trader1" for one in found)


def test_a_slow_way_is_told():
    morning = LATER + timedelta(hours=1)
    slow = event("l1", morning, "login", "u_trader1", latency_ms=400)
    usual = replace(slow, event_id="l0", latency_ms=55)
    assert scorer().observe([usual]) == []
    assert [(one.family, one.cause) for one in scorer().observe([slow])] == [
        ("series", "latency_ms")
    ]


@given(st.lists(st.integers(0, 60), max_size=5))
@settings(deadline=None, max_examples=10)
def test_the_batches_make_no_difference(cuts: list[int]):
    events = sorted(
        [*ordinary_days(1, seed=4, start=LATER), *night_orders()],
        key=lambda one: one.event_time,
    )
    whole = stand(scorer().observe(events))
    pieces, in_pieces = [0, *sorted(cuts), len(events)], scorer()
    parts = [in_pieces.observe(events[start:end]) for start, end in pairwise(pieces)]
    assert stand([one for part in parts for one in part]) == whole
    assert whole


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=10)
def test_arrival_within_the_lateness_makes_no_difference(seed: int):
    events = [*ordinary_days(1, seed=4, start=LATER), *night_orders()]
    random = Random(seed)
    arrived = sorted(
        events, key=lambda one: one.event_time + timedelta(seconds=random.uniform(0, 299))
    )
    end = LATER + timedelta(days=2)

    def told(given_events: list[Event]) -> list[tuple]:
        waiting = scorer(lateness=timedelta(seconds=300))
        waiting.observe([], now=LATER - timedelta(days=1))
        out = [one for event_ in given_events for one in waiting.observe([event_])]
        return stand(out + waiting.observe([], now=end))

    ordered = sorted(events, key=lambda one: one.event_time)
    assert told(arrived) == told(ordered) != []


def test_a_memory_is_rebuilt_by_replaying():
    first, later = ordinary_days(1, seed=4, start=LATER), night_orders()
    going = scorer()
    going.observe(first)
    rebuilt = scorer(past=[*PAST, *first])
    assert rebuilt.budget.as_dict() == going.budget.as_dict()
    assert stand(rebuilt.observe(later)) == stand(going.observe(later))


def test_events_delivered_again_bring_the_same_and_change_nothing():
    once, twice = scorer(), scorer()
    events = [*ordinary_days(1, seed=4, start=LATER), *night_orders()]
    first = once.observe(events)
    assert twice.observe(events) == first != []
    assert twice.observe(events) == first
    assert twice.observe(events[-3:]) == []
    assert twice.budget.as_dict() == once.budget.as_dict()


def test_names_make_no_difference():
    names = {actor: f"p{at}" for at, actor in enumerate(ROLES)}
    roles = {names[actor]: role for actor, role in ROLES.items()}

    def renamed(events: list[Event]) -> list[Event]:
        return [
            replace(
                one, actor=names[one.actor], order=f"Z{one.order}" if one.order else "", org="别家"
            )
            for one in events
        ]

    lookups = replace(LOOKUPS, role_of=lambda actor: roles.get(actor, ""))
    models = train(renamed(PAST), seed=1, lookups=lookups).models
    other = Scorer(models, lookups=lookups)
    other.replay(renamed(PAST))
    first, second = scorer().observe(night_orders()), other.observe(renamed(night_orders()))
    assert [(one.cause, one.surprise) for one in first] == [
        (one.cause, one.surprise) for one in second
    ]


def test_weeks_make_no_difference():
    weeks = timedelta(weeks=9)

    def shifted(events: list[Event]) -> list[Event]:
        return [replace(one, event_time=one.event_time + weeks) for one in events]

    models = train(shifted(PAST), seed=1, lookups=LOOKUPS).models
    other = Scorer(models, lookups=LOOKUPS)
    other.replay(shifted(PAST))
    first, second = scorer().observe(night_orders()), other.observe(shifted(night_orders()))
    assert [one.surprise for one in first] == [one.surprise for one in second]


def test_cleared_events_are_no_longer_told():
    views = scorer()._history.views(night_orders())
    cleared = Scorer(MODELS.cleared(views * 30), lookups=LOOKUPS)
    cleared.replay(PAST)
    assert cleared.observe(night_orders()) == []


def test_market_events_are_passed_over_and_nothing_gives_nothing():
    one = scorer()
    before = one.budget.tally.tested
    quote = event("q", LATER, "spot.quote", "feed:x", kind=EventKind.MARKET)
    assert one.observe([quote]) == []
    assert one.observe([]) == []
    assert Scorer(MODELS).observe([]) == []
    assert one.budget.tally.tested == before


def test_an_event_with_nothing_in_it_is_scored():
    bare = Event("s", "e", LATER, LATER, EventKind.SYSTEM, "x")
    assert isinstance(scorer().observe([bare]), list)


def test_too_little_to_learn_from_is_said():
    assert train(PAST[:499], seed=1) == NotEnough("TOO_FEW_EVENTS", 499, 500)
    brief = [replace(one, event_time=LATER) for one in PAST]
    assert train(brief, seed=1) == NotEnough("TOO_SHORT", 0, 24)


def test_the_report_says_what_was_learned_and_who_looked():
    bad = {PAST[10].uid, PAST[-10].uid}
    trained = train(PAST, seed=1, lookups=LOOKUPS, bad=bad)
    assert trained.report.reviewed
    assert trained.report.left_out == 2
    assert trained.report.taught + trained.report.calibrated + 2 == len(PAST)
    assert trained.report.roles == 3
    assert not train(PAST, seed=1).report.reviewed


def test_the_strongest_evidence_stands_corrected_for_the_families():
    combined = combine(np.array([[0.5, 1e-9, 0.0], [0.9, 0.2, 1.0]]))
    assert combined.tolist() == pytest.approx([0.75, 2e-9, 0.0])


@pytest.mark.parametrize(
    ("p_value", "surprise"),
    [(0.0, "99.0000"), (1.0, "0.0000"), (1e-4, "4.0000"), (1e-120, "99.0000"), (0.05, "1.3010")],
)
def test_surprise_as_rules_read_it(p_value: float, surprise: str):
    assert str(reported(p_value)) == surprise


def test_a_small_budget_tells_the_strongest():
    tight = Scorer(MODELS, AlertBudget(Policy(per_day=1)), lookups=LOOKUPS)
    tight.replay(PAST)
    assert len([one for one in tight.observe(night_orders()) if not one.hard]) <= 1
