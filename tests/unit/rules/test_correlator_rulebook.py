"""The shipped correlations over the incidents' stories, through the correlator and its child."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rules import Rulebook, load_rulebook, read_rule, run_tests
from rules.binding import bind, bind_all, run_correlation_test
from rules.correlator import Correlator
from rules.model import CorrelationRule, Decision, Mode
from rules.patterns import Correlation, Fact, Lateness, Status
from rules.stateful import Reference, run_batch
from store.clock import parse_rfc3339

FOLDER = Path(__file__).parents[3] / "rulebook"
ORG = "化工集团/子公司B"
REPLICA = timedelta(minutes=15)
LATENESS = Lateness(by_source={"replica": REPLICA}, by_org={ORG: {"erp": timedelta(0)}})


@pytest.fixture(scope="module")
def book() -> Rulebook:
    book, problems = load_rulebook(FOLDER)
    assert problems == []
    return book


@pytest.fixture
def correlator(book: Rulebook) -> Correlator:
    return Correlator(bind_all(book, Mode.LIVE), LATENESS, use_child=False)


class Story:
    """Events in the user's words, as canonical facts."""

    def __init__(self, book: Rulebook, org: str = ORG) -> None:
        self.book = book
        self.org = org
        self.facts: list[Fact] = []

    def tell(self, at: str, type_: str, source: str = "app", **fields: Any) -> Fact:
        when = parse_rfc3339(f"2024-08-21T{at}+08:00")
        event_id = f"E-{len(self.facts) + 1}"
        arrival = fields.pop("arrival", None)
        given = {
            "org": self.org,
            "event_id": event_id,
            "type": type_,
            "event_time": when,
            **fields,
        }
        canonical, problems = self.book.schema.encode("event", given)
        assert problems == []
        arrived = parse_rfc3339(f"2024-08-21T{arrival}+08:00") if arrival else when
        fact = Fact(event_id, "event", source, when, canonical, arrived)
        self.facts.append(fact)
        return fact


def play(correlator: Correlator, facts: list[Fact], until: str) -> list[Correlation]:
    told: list[Correlation] = []
    for fact in sorted(facts, key=lambda one: one.arrival_time or one.event_time):
        told += correlator.advance(fact.arrival_time or fact.event_time)
        told += correlator.feed([fact])
    told += correlator.advance(parse_rfc3339(f"2024-08-21T{until}+08:00"))
    assert correlator.faults() == []
    return told


def stands(told: list[Correlation]) -> dict[str, list[Correlation]]:
    replaced = {uid for one in told for uid in one.supersedes}
    found: dict[str, list[Correlation]] = {}
    for one in told:
        if one.uid not in replaced and one.status is Status.CONFIRMED:
            found.setdefault(one.rule, []).append(one)
    return found


def events(correlation: Correlation) -> list[str]:
    return [str(fact.fields["event_id"]) for fact in correlation.facts]


def test_every_test_beside_a_correlation_passes(book: Rulebook) -> None:
    report = run_tests(book, run_correlation_test)
    assert report.failures == ()
    assert report.skipped == 0


def test_every_shipped_correlation_binds_and_is_live_or_batch(book: Rulebook) -> None:
    live = {pattern.rule for pattern in bind_all(book, Mode.LIVE)}
    batch = {pattern.rule for pattern in bind_all(book, Mode.BATCH)}
    assert {
        "INBOUND_TIMEOUT_CLUSTER",
        "FUND_TRANSFER_FAILED",
        "EXPOSURE_SPIKE",
        "ERP_UNSYNCED",
        "REPLICA_LAG",
        "STALE_READ_DECISION",
        "VERSION_CONFLICT",
    } <= live
    assert "DUP_VOUCHER" in batch
    assert live.isdisjoint(batch)


def test_receipts_that_time_out_and_a_transfer_that_fails(
    book: Rulebook, correlator: Correlator
) -> None:
    story = Story(book)
    for n, second in enumerate((3, 11, 19, 27, 38)):
        story.tell(f"18:56:{second:02}", "inbound.timeout", product="cu", receipt=f"RK{n}")
    story.tell("18:57:05", "fund.transfer.request", order="77", actor="u", amount=Decimal(5300000))
    story.tell("18:57:06", "fund.transfer.failed", order="77", actor="bank")
    found = stands(play(correlator, story.facts, "19:30:00"))
    (cluster,), (transfer,) = found["INBOUND_TIMEOUT_CLUSTER"], found["FUND_TRANSFER_FAILED"]
    assert (cluster.evidence["n"], cluster.evidence["window_s"]) == (5, 60)
    assert cluster.evidence["receipts"] == ["RK0", "RK1", "RK2", "RK3", "RK4"]
    assert events(transfer) == ["E-6", "E-7"]
    assert transfer.evidence["actor"] == "u"


def spike(book: Rulebook, synced: tuple[int, ...] = ()) -> Story:
    story = Story(book)
    for n, minute in enumerate((11, 14, 18, 23), start=1):
        story.tell(
            f"23:{minute}:00",
            "order.create",
            actor="tmp",
            product="MA",
            side="sell",
            order=f"SO-{n}",
            qty_signed=Decimal(-2500),
            erp_expected=True,
        )
        if n in synced:
            story.tell(f"23:{minute}:59", "erp.sync", source="erp", order=f"SO-{n}")
    return story


def test_a_spike_of_orders_that_never_reach_the_erp(book: Rulebook, correlator: Correlator) -> None:
    told = play(correlator, spike(book).facts, "23:24:00")
    found = stands(told)
    (orders,), (unsynced,) = found["EXPOSURE_SPIKE"], found["ERP_UNSYNCED"]
    assert (orders.evidence["n"], orders.evidence["window_min"]) == (4, 15)
    assert orders.evidence["path_t"] == ["-2500", "-5000", "-7500", "-10000"]
    assert unsynced.evidence["n"] == 4
    assert events(unsynced) == events(orders) == ["E-1", "E-2", "E-3", "E-4"]


def test_one_synchronised_order_leaves_the_spike_and_takes_the_erp_match(
    book: Rulebook, correlator: Correlator
) -> None:
    found = stands(play(correlator, spike(book, synced=(2,)).facts, "23:59:59"))
    assert "EXPOSURE_SPIKE" in found
    assert "ERP_UNSYNCED" not in found


@pytest.mark.parametrize("missing", range(4))
def test_without_one_of_the_orders_neither_is_found(
    book: Rulebook, correlator: Correlator, missing: int
) -> None:
    facts = spike(book).facts
    del facts[missing]
    found = stands(play(correlator, facts, "23:59:59"))
    assert not found.keys() & {"EXPOSURE_SPIKE", "ERP_UNSYNCED"}


def replicas(book: Rulebook) -> Story:
    story = Story(book, "新能源")
    shared = {"source": "replica", "key": "lc2411/1", "product": "lc", "max_lag_s": 20}
    story.tell("10:00:00", "position.update", **shared, site="CN", version=41, qty=Decimal(120))
    story.tell("10:00:05", "exposure.calc", **shared, site="DE", version_seen=40, qty=Decimal(200))
    story.tell("10:03:00", "replica.apply", **shared, site="DE", version=41)
    rival = {"site": "DE", "version": 41, "qty": Decimal(200), "arrival": "10:03:01"}
    story.tell("10:00:07", "position.update", **shared, **rival)
    return story


def test_two_sites_that_disagree(book: Rulebook, correlator: Correlator) -> None:
    found = stands(play(correlator, replicas(book).facts, "10:30:00"))
    (lag,), (stale,), (conflict,) = (
        found[rule] for rule in ("REPLICA_LAG", "STALE_READ_DECISION", "VERSION_CONFLICT")
    )
    assert events(lag) == ["E-1", "E-3"]
    assert (lag.evidence["lag_s"], lag.evidence["max_lag_s"]) == (180, 20)
    assert events(stale) == ["E-1", "E-2"]
    assert (stale.evidence["recomputed"], stale.evidence["difference_lots"]) == ("120", "80")
    assert stale.decision == Decision("E-2", "stale", "STALE_INPUT")
    assert events(conflict) == ["E-1", "E-4"]
    assert conflict.evidence["version"] == 41
    assert conflict.decision == Decision("E-4", "deny", "VERSION_CONFLICT")


@pytest.mark.parametrize(
    ("missing", "gone"),
    [
        (0, {"REPLICA_LAG", "STALE_READ_DECISION", "VERSION_CONFLICT"}),
        (1, {"STALE_READ_DECISION"}),
        (2, {"REPLICA_LAG"}),
        (3, {"VERSION_CONFLICT"}),
    ],
)
def test_a_match_goes_with_the_events_it_needs(
    book: Rulebook, correlator: Correlator, missing: int, gone: set[str]
) -> None:
    all_rules = {"REPLICA_LAG", "STALE_READ_DECISION", "VERSION_CONFLICT"}
    facts = replicas(book).facts
    del facts[missing]
    assert all_rules - stands(play(correlator, facts, "10:30:00")).keys() == gone


@pytest.mark.parametrize("seed", range(4))
def test_arrival_shuffled_within_lateness_tells_the_same(book: Rulebook, seed: int) -> None:
    correlator = Correlator(bind_all(book, Mode.LIVE), LATENESS, use_child=seed == 0)
    dice = random.Random(seed)
    facts = []
    for fact in [*spike(book).facts, *replicas(book).facts]:
        late = timedelta(seconds=dice.randint(0, 300))
        fields = fact.fields
        uid = f"{fields['org']}/{fact.uid}"
        facts.append(
            Fact(uid, "event", fact.source, fact.event_time, fields, fact.event_time + late)
        )
    found = stands(play(correlator, facts, "23:59:59"))
    assert {rule: [events(one) for one in ones] for rule, ones in found.items()} == {
        "EXPOSURE_SPIKE": [["E-1", "E-2", "E-3", "E-4"]],
        "ERP_ORDER_UNSYNCED": [["E-1"], ["E-2"], ["E-3"], ["E-4"]],
        "ERP_UNSYNCED": [["E-1", "E-2", "E-3", "E-4"]],
        "REPLICA_LAG": [["E-1", "E-3"]],
        "STALE_READ_DECISION": [["E-1", "E-2"]],
        "VERSION_CONFLICT": [["E-1", "E-4"]],
    }
    assert correlator.missed == 0
    assert (correlator.figures.confirmed > 0) == (seed == 0)
    correlator.close()


def voucher(story: Story, at: str, number: str, **changes: Any) -> None:
    given = {"order": "SO", "amount": Decimal("1286400.00"), "debit": "1122", "credit": "6001"}
    story.tell(at, "voucher.post", voucher=number, **given | changes)


def test_a_look_back_finds_the_duplicate_voucher_only(book: Rulebook) -> None:
    story = Story(book)
    voucher(story, "16:10:00", "PZ-1")
    voucher(story, "16:12:31", "PZ-2")
    voucher(story, "16:13:00", "PZ-3", amount=Decimal("1286400.01"))
    voucher(story, "16:13:00", "PZ-4", credit="6002")
    voucher(story, "16:13:00", "PZ-5", order="SO-2")
    voucher(story, "16:30:00", "PZ-6")
    (found,) = run_batch(bind_all(book, Mode.BATCH), story.facts)
    assert found.rule == "DUP_VOUCHER"
    assert found.evidence["pair"] == ["PZ-1", "PZ-2"]
    assert found.evidence["difference"] == "1286400.00"


CORRELATION = """
correlation: {id}
version: 1
owner: risk
title: {{zh: 规则, en: Rule}}
policy: {{document: 制度, clause: 一}}
why: {{zh: 原因, en: Reason}}
on: event
{body}
by: [org]
within: 10m
level: yellow
outcome: inform
needs_disposition: true
explain: {{zh: 说明, en: Words}}
"""


def correlation(book: Rulebook, body: str) -> CorrelationRule:
    rule, problems = read_rule(CORRELATION.format(id="MADE", body=body), "made.yaml", book.schema)
    assert [one for one in problems if one.severity == "error"] == []
    assert isinstance(rule, CorrelationRule)
    return rule


def told_of(rule: CorrelationRule, facts: list[Fact], until: str) -> list[Correlation]:
    reference = Reference([bind(rule)])
    told = [one for fact in facts for one in reference.feed(fact)]
    return told + reference.advance(parse_rfc3339(f"2024-08-21T{until}+08:00"))


def test_a_condition_on_all_facts_judges_the_cluster(book: Rulebook) -> None:
    rule = correlation(
        book,
        "steps: [{as: o, where: type == 'order.create'}]\ncount: 2\nhaving: sum(qty_signed) < 0",
    )
    story = Story(book)
    for second, qty in (("01", 100), ("02", -100), ("03", -100)):
        story.tell(f"10:00:{second}", "order.create", qty_signed=Decimal(qty))
    (found,) = told_of(rule, story.facts, "11:00:00")
    assert found.evidence["total"] == 3


def test_what_must_not_lie_between_may_speak_of_a_step(book: Rulebook) -> None:
    rule = correlation(
        book,
        "steps:\n"
        "  - {as: raised, where: type == 'limit.update'}\n"
        "  - {as: made, where: type == 'order.create' and actor == raised.actor}\n"
        "none_between: {where: type == 'approval.granted' and order == raised.order}",
    )
    for approved, expected in (("L1", 0), ("L2", 1)):
        story = Story(book)
        story.tell("10:00:00", "limit.update", actor="u", order="L1")
        story.tell("10:01:00", "approval.granted", actor="boss", order=approved)
        story.tell("10:02:00", "order.create", actor="other")
        story.tell("10:03:00", "order.create", actor="u")
        assert len(told_of(rule, story.facts, "11:00:00")) == expected


def test_a_missing_field_is_unknown_and_joins_nothing(book: Rulebook) -> None:
    rule = correlation(
        book,
        "steps:\n"
        "  - {as: one, where: type == 'x'}\n"
        "  - {as: two, where: type == 'y' and site != one.site}",
    )
    story = Story(book)
    story.tell("10:00:00", "x", site="CN")
    story.tell("10:00:01", "y")
    assert told_of(rule, story.facts, "11:00:00") == []
    story.tell("10:00:02", "y", site="DE")
    assert len(told_of(rule, story.facts, "11:00:00")) == 1


def test_steps_in_any_order_and_a_condition_on_both(book: Rulebook) -> None:
    rule = correlation(
        book,
        "steps:\n  - {as: a, where: type == 'x'}\n  - {as: b, where: type == 'y'}\n"
        "ordered: false\nhaving: a.version < b.version",
    )
    story = Story(book)
    story.tell("10:00:00", "y", version=2)
    story.tell("10:00:01", "x", version=1)
    story.tell("10:00:02", "x", version=2)
    (found,) = told_of(rule, story.facts, "11:00:00")
    assert events(found) == ["E-1", "E-2"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            "steps: [{as: a, where: has(order)}]\ncount: 2\nabsent: {as: b, where: has(key)}",
            "COUNT_CANNOT_WAIT",
        ),
        (
            "of: X\nsteps: [{as: a, where: has(order)}]\nabsent: {as: b, where: has(key)}",
            "SECOND_LEVEL_CANNOT_WAIT",
        ),
        ("steps: [{as: a, where: has(order)}]\ncount: 5\ncap: 4", "CAP_TOO_SMALL"),
    ],
)
def test_a_correlation_that_cannot_be_judged_does_not_load(
    book: Rulebook, body: str, code: str
) -> None:
    rule, problems = read_rule(CORRELATION.format(id="MADE", body=body), "made.yaml", book.schema)
    assert rule is None
    assert [one.code for one in problems if one.severity == "error"] == [code]


def test_a_derived_fact_stands_at_the_time_its_absence_became_true(book: Rulebook) -> None:
    (rule,) = (one for one in book.correlations if one.id == "ERP_ORDER_UNSYNCED")
    (found,) = told_of(rule, spike(book).facts[:1], "23:59:59")
    derived = found.derive()
    assert derived.event_time == datetime.fromisoformat("2024-08-21T23:12:00+08:00")
    canonical, _ = book.schema.encode("event", {"event_time": derived.event_time})
    assert derived.fields["event_time"] == canonical["event_time"]
