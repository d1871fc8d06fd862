"""The stateful operators over audit events, in event time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rules.patterns import (
    Absence,
    BadPattern,
    Collect,
    Correlation,
    Fact,
    Forbidden,
    Having,
    Lateness,
    Pattern,
    Status,
    Step,
)
from rules.stateful import Reference, run_batch

START = datetime(2024, 5, 14, 10, 56, tzinfo=UTC)


def event(uid: str, at_s: float, type_: str, source: str = "wms", **fields: Any) -> Fact:
    at = START + timedelta(seconds=at_s)
    given = {"org": "贸易/华东", "product": "cu", "type": type_, **fields}
    return Fact(uid, "event", source, at, given)


def of_type(type_: str):
    return lambda fact: fact.fields["type"] == type_


def step(alias: str, type_: str) -> Step:
    return Step(alias, "event", of_type(type_))


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def at(number: float) -> datetime:
    return START + timedelta(seconds=number)


def feed_all(reference: Reference, facts: list[Fact]) -> list[Correlation]:
    return [correlation for fact in facts for correlation in reference.feed(fact)]


TIMEOUTS = Pattern(
    rule="INBOUND_TIMEOUT_CLUSTER",
    version=1,
    steps=(step("timeout", "inbound.timeout"),),
    by=("org", "product"),
    within=seconds(60),
    count=5,
)
TRANSFER = Pattern(
    rule="FUND_TRANSFER_FAILED",
    version=1,
    steps=(step("request", "fund.transfer.request"), step("failed", "fund.transfer.failed")),
    by=("org", "order"),
    within=timedelta(minutes=30),
)
UNSYNCED = Pattern(
    rule="ORDER_WITHOUT_ERP",
    version=1,
    steps=(step("order", "order.create"),),
    by=("org", "order"),
    within=timedelta(0),
    absent=Absence(Forbidden("event", of_type("erp.sync"), source="erp"), seconds(60)),
)
ERP_UNSYNCED = Pattern(
    rule="ERP_UNSYNCED",
    version=1,
    steps=(Step("unsynced", "correlation", lambda fact: fact.source == "rule:ORDER_WITHOUT_ERP"),),
    by=("org", "actor"),
    within=timedelta(minutes=15),
    count=4,
)


def cumulated(members: Mapping[str, tuple[Fact, ...]]) -> list[int]:
    path, total = [], 0
    for fact in members["order"]:
        total += fact.fields["qty_signed"]
        path.append(total)
    return path


SPIKE = Pattern(
    rule="EXPOSURE_SPIKE",
    version=1,
    steps=(step("order", "order.create"),),
    by=("org", "actor", "product", "side"),
    within=timedelta(minutes=15),
    count=4,
    collect=(Collect("path_t", cumulated),),
)


def timeouts(*at_s: float) -> list[Fact]:
    return [event(f"T{n}", when, "inbound.timeout") for n, when in enumerate(at_s)]


def orders(*minutes: float) -> list[Fact]:
    return [
        event(
            f"O{n}",
            minute * 60,
            "order.create",
            source="tmp_07",
            actor="tmp_07",
            side="sell",
            order=f"SO-{n}",
            qty_signed=-2500,
        )
        for n, minute in enumerate(minutes)
    ]


def test_five_timeouts_within_sixty_seconds_are_a_cluster() -> None:
    found = feed_all(Reference([TIMEOUTS]), timeouts(0, 15, 30, 45, 60))
    assert [(c.rule, c.evidence["n"], c.evidence["window_s"]) for c in found] == [
        ("INBOUND_TIMEOUT_CLUSTER", 5, 60)
    ]
    assert [fact.uid for fact in found[0].facts] == ["T0", "T1", "T2", "T3", "T4"]
    assert dict(found[0].key) == {"org": "贸易/华东", "product": "cu"}
    assert found[0].event_time == at(60)


@pytest.mark.parametrize(
    "times", [(0, 15, 30, 45), (0, 15, 30, 45, 61), (0, 13, 26, 39, 60.000001)]
)
def test_four_timeouts_or_five_in_more_than_sixty_seconds_are_none(
    times: tuple[float, ...],
) -> None:
    assert feed_all(Reference([TIMEOUTS]), timeouts(*times)) == []


def test_the_last_to_arrive_completes_the_cluster_whatever_its_event_time() -> None:
    facts = timeouts(0, 10, 20, 30, 40)
    reference = Reference([TIMEOUTS])
    assert feed_all(reference, [facts[i] for i in (4, 0, 3, 1)]) == []
    assert len(reference.feed(facts[2])) == 1


def test_timeouts_of_another_product_do_not_count() -> None:
    facts = timeouts(0, 10, 20, 30)
    other = event("X", 40, "inbound.timeout", product="al")
    assert feed_all(Reference([TIMEOUTS]), [*facts, other]) == []


def test_a_fact_without_the_key_never_counts() -> None:
    facts = timeouts(0, 10, 20, 30)
    other = event("X", 40, "inbound.timeout", product=None)
    assert feed_all(Reference([TIMEOUTS]), [*facts, other]) == []


def test_a_second_delivery_changes_nothing() -> None:
    facts = timeouts(0, 10, 20, 30)
    reference = Reference([TIMEOUTS])
    assert feed_all(reference, facts + facts) == []


def test_a_growing_cluster_updates_the_same_instance() -> None:
    reference = Reference([TIMEOUTS])
    first, update = feed_all(reference, timeouts(0, 10, 20, 30, 40, 50))
    assert not first.update
    assert update.update
    assert update.supersedes == (first.uid,)
    assert update.instance == first.instance == first.uid
    assert update.evidence["n"] == 6
    assert [c.uid for c in reference.standing()] == [update.uid]


def test_two_clusters_that_a_late_event_joins_become_one() -> None:
    early = [event(f"A{n}", 10 * n, "inbound.timeout") for n in range(5)]
    later = [event(f"B{n}", 105 + 5 * n, "inbound.timeout") for n in range(5)]
    reference = Reference([TIMEOUTS])
    first, second = feed_all(reference, early + later)
    (merged,) = reference.feed(event("M", 60, "inbound.timeout"))
    assert merged.update
    assert merged.supersedes == (first.uid, second.uid)
    assert merged.instance == first.uid
    assert merged.evidence["total"] == 11
    assert merged.evidence["n"] == 6


def test_a_transfer_request_and_its_failure_are_joined_by_order() -> None:
    request = event("R", 65, "fund.transfer.request", order="19532")
    failed = event("F", 66, "fund.transfer.failed", order="19532")
    other = event("G", 66, "fund.transfer.failed", order="19533")
    reference = Reference([TRANSFER])
    (found,) = feed_all(reference, [failed, other, request])
    assert [(alias, fact.uid) for alias, fact in found.members] == [
        ("request", "R"),
        ("failed", "F"),
    ]
    assert found.evidence["elapsed_s"] == 1


def test_a_failure_before_the_request_is_no_sequence() -> None:
    request = event("R", 66, "fund.transfer.request", order="1")
    failed = event("F", 65, "fund.transfer.failed", order="1")
    assert feed_all(Reference([TRANSFER]), [request, failed]) == []


def test_request_and_failure_in_the_same_second_are_in_order() -> None:
    request = event("Z", 65, "fund.transfer.request", order="1")
    failed = event("A", 65, "fund.transfer.failed", order="1")
    assert len(feed_all(Reference([TRANSFER]), [failed, request])) == 1


def test_an_absence_is_decided_at_its_deadline_plus_the_awaited_source_lateness() -> None:
    reference = Reference([UNSYNCED], Lateness(by_source={"erp": seconds(120)}))
    (order,) = orders(0)
    assert reference.feed(order) == []
    assert reference.advance(at(179)) == []
    (found,) = reference.advance(at(180))
    assert found.rule == "ORDER_WITHOUT_ERP"
    assert found.event_time == at(60)
    assert reference.advance(at(200)) == []


def test_an_organisation_may_have_its_own_lateness() -> None:
    lateness = Lateness(by_org={"贸易/华东": {"erp": seconds(0)}})
    reference = Reference([UNSYNCED], lateness)
    reference.feed(orders(0)[0])
    assert len(reference.advance(at(60))) == 1


@pytest.mark.parametrize(("synced", "expected"), [(60, 0), (61, 1), (0, 0), (-1, 1)])
def test_only_a_sync_within_the_deadline_prevents_the_absence(synced: float, expected: int) -> None:
    reference = Reference([UNSYNCED])
    reference.feed(orders(0)[0])
    reference.feed(event("S", synced, "erp.sync", source="erp", order="SO-0"))
    assert len(reference.advance(at(1000))) == expected


def test_a_late_sync_withdraws_a_decided_absence_and_names_it() -> None:
    reference = Reference([UNSYNCED], Lateness(by_source={"erp": seconds(0)}))
    reference.feed(orders(0)[0])
    (told,) = reference.advance(at(60))
    (back,) = reference.feed(event("S", 30, "erp.sync", source="gateway", order="SO-0"))
    assert back.status is Status.WITHDRAWN
    assert back.supersedes == (told.uid,)
    assert back.instance == told.instance
    assert reference.standing() == []


def test_four_orders_without_erp_are_one_match_of_the_second_level() -> None:
    reference = Reference([UNSYNCED, ERP_UNSYNCED], Lateness(by_source={"erp": seconds(0)}))
    assert feed_all(reference, orders(0, 3, 7, 12)) == []
    found = reference.advance(at(13 * 60 - 1))
    assert [c.rule for c in found] == ["ORDER_WITHOUT_ERP"] * 3
    found = reference.advance(at(13 * 60))
    assert [c.rule for c in found] == ["ORDER_WITHOUT_ERP", "ERP_UNSYNCED"]
    assert found[1].evidence["n"] == 4
    assert [fact.uid for fact in found[1].facts] == ["O0", "O1", "O2", "O3"]


def test_the_second_level_falls_when_a_late_event_withdraws_one_of_its_members() -> None:
    reference = Reference([UNSYNCED, ERP_UNSYNCED], Lateness(by_source={"erp": seconds(0)}))
    feed_all(reference, orders(0, 3, 7, 12))
    told = reference.advance(at(13 * 60))
    back = reference.feed(event("S", 12 * 60, "erp.sync", source="gateway", order="SO-3"))
    assert [(c.rule, c.status) for c in back] == [
        ("ORDER_WITHOUT_ERP", "withdrawn"),
        ("ERP_UNSYNCED", "withdrawn"),
    ]
    assert back[1].supersedes == (told[-1].uid,)


def test_the_spike_carries_its_path_in_event_time() -> None:
    facts = orders(0, 3, 7, 12)
    (found,) = feed_all(Reference([SPIKE]), [facts[i] for i in (2, 0, 3, 1)])
    assert found.evidence["path_t"] == [-2500, -5000, -7500, -10000]
    assert found.evidence["n"] == 4


def site_differs(first: str, second: str) -> Having:
    aliases = frozenset({first, second})
    return Having(aliases, lambda b: b[first].fields["site"] != b[second].fields["site"])


REPLICA_LAG = Pattern(
    rule="REPLICA_LAG",
    version=1,
    steps=(step("write", "position.update"), step("apply", "replica.apply")),
    by=("org", "key", "version"),
    within=timedelta(hours=1),
    having=(
        site_differs("write", "apply"),
        Having(
            frozenset({"write", "apply"}),
            lambda b: (
                b["apply"].event_time - b["write"].event_time
                > seconds(b["write"].fields["max_lag_s"])
            ),
        ),
    ),
)
STALE_READ = Pattern(
    rule="STALE_READ_DECISION",
    version=1,
    steps=(step("write", "position.update"), step("read", "exposure.calc")),
    by=("org", "key"),
    within=timedelta(minutes=10),
    having=(
        Having(
            frozenset({"write", "read"}),
            lambda b: b["read"].fields["version_seen"] < b["write"].fields["version"],
        ),
    ),
    collect=(
        Collect("recomputed", lambda m: m["write"][0].fields["qty"]),
        Collect(
            "difference_lots", lambda m: m["read"][0].fields["qty"] - m["write"][0].fields["qty"]
        ),
    ),
)
VERSION_CONFLICT = Pattern(
    rule="VERSION_CONFLICT",
    version=1,
    steps=(step("first", "position.update"), step("second", "position.update")),
    by=("org", "key", "version"),
    within=timedelta(hours=1),
    having=(site_differs("first", "second"),),
)
UPDATE = event(
    "U", 0, "position.update", "svc-CN", site="CN", key="k", version=41, qty=120, max_lag_s=20
)
CALC = event("C", 5, "exposure.calc", "svc-DE", site="DE", key="k", version_seen=40, qty=200)
RIVAL = event(
    "V", 7, "position.update", "svc-DE", site="DE", key="k", version=41, qty=200, max_lag_s=20
)
APPLY = event("A", 180, "replica.apply", "svc-DE", site="DE", key="k", version=41)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (0, 1, 3, 2), (2, 3, 0, 1)])
def test_replicas_that_disagree_are_seen_in_any_order_of_arrival(order: tuple[int, ...]) -> None:
    facts = [UPDATE, CALC, RIVAL, APPLY]
    reference = Reference([REPLICA_LAG, STALE_READ, VERSION_CONFLICT])
    feed_all(reference, [facts[i] for i in order])
    standing = {c.rule: c for c in reference.standing()}
    assert {rule: [f.uid for f in c.facts] for rule, c in standing.items()} == {
        "REPLICA_LAG": ["U", "A"],
        "STALE_READ_DECISION": ["U", "C"],
        "VERSION_CONFLICT": ["U", "V"],
    }
    assert standing["REPLICA_LAG"].evidence["elapsed_s"] == 180
    assert standing["STALE_READ_DECISION"].evidence["recomputed"] == 120
    assert standing["STALE_READ_DECISION"].evidence["difference_lots"] == 80


def test_a_replica_is_late_only_at_another_site_and_after_its_limit() -> None:
    same_site = event("A", 180, "replica.apply", site="CN", key="k", version=41)
    in_time = event("B", 20, "replica.apply", site="DE", key="k", version=41)
    assert feed_all(Reference([REPLICA_LAG]), [UPDATE, same_site, in_time]) == []


def test_two_updates_in_the_same_instant_conflict_once() -> None:
    one = event("1", 0, "position.update", site="CN", key="k", version=41)
    two = event("2", 0, "position.update", site="DE", key="k", version=41)
    for facts in ([one, two], [two, one]):
        (found,) = feed_all(Reference([VERSION_CONFLICT]), facts)
        assert [fact.uid for _alias, fact in found.members] == ["1", "2"]


def test_a_stale_read_names_the_newest_write_it_missed_also_when_that_comes_late() -> None:
    newer = event("N", 3, "position.update", site="CN", key="k", version=42, qty=90)
    reference = Reference([STALE_READ])
    (first,) = feed_all(reference, [UPDATE, CALC])
    (second,) = reference.feed(newer)
    assert second.update
    assert second.supersedes == (first.uid,)
    assert second.evidence["difference_lots"] == 110


RAISED = Pattern(
    rule="LIMIT_RAISED_THEN_ORDER",
    version=1,
    steps=(step("raised", "limit.update"), step("order", "order.create")),
    by=("org", "actor"),
    within=timedelta(hours=2),
    none_between=Forbidden(
        "event",
        of_type("approval.granted"),
        lambda fact, bound: fact.fields["object"] == bound["raised"].fields["object"],
        source="oa",
    ),
)


def limit_raise(*approvals: tuple[float, str]) -> list[Fact]:
    return [
        event("L", 0, "limit.update", actor="u", object="cu"),
        event("O", 600, "order.create", actor="u"),
        *(
            event(f"P{n}", when, "approval.granted", actor="u", object=what, source="oa")
            for n, (when, what) in enumerate(approvals)
        ),
    ]


@pytest.mark.parametrize(
    ("approvals", "expected"),
    [((), 1), (((300, "cu"),), 0), (((300, "al"),), 1), (((601, "cu"),), 1), (((-1, "cu"),), 1)],
)
def test_what_must_not_happen_between_is_settled_after_lateness(
    approvals: tuple[tuple[float, str], ...], expected: int
) -> None:
    reference = Reference([RAISED])
    assert feed_all(reference, limit_raise(*approvals)) == []
    assert reference.advance(at(899)) == []
    assert len(reference.advance(at(900))) == expected


def test_an_approval_that_comes_late_from_a_slow_source_withdraws_the_match() -> None:
    reference = Reference([RAISED], Lateness(by_source={"slow": seconds(900)}))
    feed_all(reference, limit_raise())
    (told,) = reference.advance(at(900))
    slow = event("P", 300, "approval.granted", source="slow", actor="u", object="cu")
    (back,) = reference.feed(slow)
    assert back.status is Status.WITHDRAWN
    assert back.supersedes == (told.uid,)


def test_unordered_steps_join_in_either_order() -> None:
    pattern = Pattern(
        "PAIR", 1, (step("a", "x"), step("b", "y")), ("org",), seconds(10), ordered=False
    )
    for times in ((0, 5), (5, 0)):
        facts = [event("A", times[0], "x"), event("B", times[1], "y")]
        assert len(feed_all(Reference([pattern]), facts)) == 1


def test_three_steps_are_joined_through_their_conditions() -> None:
    pattern = Pattern(
        "RAISE_ORDER_LOWER",
        1,
        (step("up", "limit.up"), step("order", "order.create"), step("down", "limit.down")),
        ("org", "actor"),
        timedelta(hours=1),
        having=(
            Having(
                frozenset({"up", "down"}), lambda b: b["up"].fields["o"] == b["down"].fields["o"]
            ),
        ),
    )
    facts = [
        event("U1", 0, "limit.up", actor="u", o=1),
        event("U2", 10, "limit.up", actor="u", o=2),
        event("O", 20, "order.create", actor="u"),
        event("D", 30, "limit.down", actor="u", o=1),
    ]
    (found,) = feed_all(Reference([pattern]), facts)
    assert [fact.uid for fact in found.facts] == ["U1", "O", "D"]


def test_distinct_values_count_once_and_missing_values_not_at_all() -> None:
    pattern = Pattern(
        "MANY_ACTORS", 1, (step("e", "login"),), ("org",), seconds(60), distinct=("actor", 3)
    )
    actors = ["a", "a", "b", None, "c"]
    facts = [event(f"E{n}", n, "login", actor=actor) for n, actor in enumerate(actors)]
    reference = Reference([pattern])
    assert feed_all(reference, facts[:4]) == []
    (found,) = reference.feed(facts[4])
    assert found.evidence["n"] == 3
    assert found.evidence["total"] == 4


DUP_VOUCHER = Pattern(
    rule="DUP_VOUCHER",
    version=1,
    steps=(step("first", "voucher.post"), step("second", "voucher.post")),
    by=("org", "order", "amount", "debit", "credit"),
    within=timedelta(minutes=10),
    having=(
        Having(
            frozenset({"first", "second"}),
            lambda b: b["first"].fields["voucher"] != b["second"].fields["voucher"],
        ),
    ),
    batch=True,
)


def vouchers(*at_s: float, **fields: Any) -> list[Fact]:
    return [
        event(
            f"V{n}",
            when,
            "voucher.post",
            **{"order": "SO", "amount": "1.00", "debit": "1122", "credit": "6001"} | fields,
            voucher=f"PZ-{n}",
        )
        for n, when in enumerate(at_s)
    ]


def test_the_look_back_pairs_vouchers_posted_within_ten_minutes() -> None:
    (found,) = run_batch([DUP_VOUCHER], reversed(vouchers(0, 151, 5000)))
    assert [fact.fields["voucher"] for _alias, fact in found.members] == ["PZ-0", "PZ-1"]
    assert run_batch([DUP_VOUCHER], vouchers(0, 600)) != []
    assert run_batch([DUP_VOUCHER], vouchers(0, 601)) == []


def test_the_same_voucher_delivered_twice_is_no_duplicate() -> None:
    (voucher,) = vouchers(0)
    again = Fact("other-uid", voucher.kind, "s", voucher.event_time, voucher.fields)
    assert run_batch([DUP_VOUCHER], [voucher, voucher, again]) == []


def test_batch_rules_are_not_judged_live() -> None:
    assert feed_all(Reference([DUP_VOUCHER]), vouchers(0, 151)) == []


def test_the_look_back_finds_what_was_found_live() -> None:
    patterns = [UNSYNCED, ERP_UNSYNCED, SPIKE, TIMEOUTS]
    facts = [*orders(0, 3, 7, 12), *timeouts(0, 1, 2, 3, 4, 5)]
    live = Reference(patterns)
    told = feed_all(live, facts) + live.advance(at(2000))
    replaced = {uid for c in told for uid in c.supersedes}
    standing = [c for c in told if c.uid not in replaced and c.status is Status.CONFIRMED]
    assert {c.uid for c in run_batch(patterns, facts)} == {c.uid for c in standing}
    assert {c.rule for c in standing} == {pattern.rule for pattern in patterns}


def test_an_event_beyond_its_lateness_is_counted_and_not_judged() -> None:
    reference = Reference([TIMEOUTS])
    feed_all(reference, timeouts(0, 10, 20, 30))
    reference.advance(at(341))
    assert reference.feed(event("L", 40, "inbound.timeout")) == []
    assert reference.late == 1
    reference = Reference([TIMEOUTS])
    late = Fact("L", "event", "wms", at(0), {"type": "inbound.timeout"}, arrival_time=at(301))
    assert reference.feed(late) == []
    assert reference.late == 1


def test_facts_older_than_window_and_lateness_are_forgotten() -> None:
    reference = Reference([TIMEOUTS, TRANSFER, UNSYNCED])
    for n in range(50):
        reference.feed(event(f"T{n}", n * 100, "inbound.timeout"))
        reference.feed(event(f"R{n}", n * 100, "fund.transfer.request", order=str(n)))
        reference.advance(at(n * 100))
    assert reference.live() < 30
    reference.advance(at(100_000))
    assert reference.live() == 0


def test_a_cluster_that_goes_on_is_one_instance_and_forgotten_as_a_whole() -> None:
    reference = Reference([TIMEOUTS])
    told = []
    for n in range(100):
        told += reference.feed(event(f"T{n:03}", n * 10, "inbound.timeout"))
        reference.advance(at(n * 10))
    assert {c.instance for c in told} == {told[0].uid}
    assert {c.status for c in told} == {Status.CONFIRMED}
    assert told[-1].evidence["total"] == 100
    assert told[-1].evidence["n"] == 7
    reference.advance(at(2000))
    assert reference.live() == 0


def test_a_key_that_reaches_its_cap_is_a_data_issue_and_stays_bounded() -> None:
    pattern = Pattern(
        "CAPPED", 1, (step("timeout", "inbound.timeout"),), ("org",), seconds(60), count=3, cap=4
    )
    reference = Reference([pattern])
    told = feed_all(reference, timeouts(*range(20)))
    assert reference.live() == 4
    (issue,) = reference.issues()
    assert (issue.code, issue.field, issue.allowed) == ("CORRELATION_CAP", "CAPPED", "4")
    assert {c.status for c in told} == {Status.CONFIRMED}
    assert reference.issues() == []


def test_the_state_made_again_from_the_log_goes_on_without_telling_twice() -> None:
    patterns = [TIMEOUTS, UNSYNCED, ERP_UNSYNCED]
    lateness = Lateness(by_source={"erp": seconds(0)})
    first, second = [*timeouts(0, 10, 20, 30, 40), *orders(0, 3)], orders(0, 3, 7, 12)[2:]
    whole = Reference(patterns, lateness)
    feed_all(whole, first)
    whole.advance(at(300))
    again = Reference(patterns, lateness)
    again.rebuild(first, until=at(300))
    assert again.standing() == whole.standing()
    for reference in (whole, again):
        feed_all(reference, second)
    expected = whole.advance(at(900))
    assert [c.uid for c in again.advance(at(900))] == [c.uid for c in expected]
    assert [c.rule for c in expected] == ["ORDER_WITHOUT_ERP"] * 2 + ["ERP_UNSYNCED"]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"by": ()}, "key"),
        ({"within": timedelta(0)}, "window"),
        ({"steps": ()}, "steps"),
        ({"count": None}, "single step"),
        ({"distinct": ("actor", 0)}, "least"),
        ({"cap": 4}, "cap"),
        ({"count": 0}, "least"),
    ],
)
def test_a_pattern_that_cannot_be_judged_is_refused(broken: dict[str, Any], why: str) -> None:
    given: dict[str, Any] = {
        "rule": "R",
        "version": 1,
        "steps": TIMEOUTS.steps,
        "by": ("org",),
        "within": seconds(60),
        "count": 5,
    }
    with pytest.raises(BadPattern, match=why):
        Pattern(**given | broken)


def test_count_and_distinct_together_need_both_and_a_condition_on_the_whole() -> None:
    pattern = Pattern(
        "BOTH",
        1,
        (step("e", "login"),),
        ("org",),
        seconds(60),
        count=3,
        distinct=("actor", 2),
        whole=lambda members: sum(fact.fields["n"] for fact in members["e"]) >= 10,
    )
    facts = [event(f"E{n}", n, "login", actor=a, n=n) for n, a in enumerate("aaab")]
    reference = Reference([pattern])
    assert feed_all(reference, facts) == []
    (found,) = reference.feed(event("E4", 4, "login", actor="b", n=4))
    assert found.evidence["total"] == 5


def test_a_truth_is_no_number_in_a_key() -> None:
    pattern = Pattern("K", 1, (step("t", "x"),), ("flag",), seconds(60), count=2)
    facts = [
        event("A", 0, "x", flag=1),
        event("B", 1, "x", flag=True),
        event("C", 2, "x", flag="1"),
    ]
    assert feed_all(Reference([pattern]), facts) == []
