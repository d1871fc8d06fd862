"""The rhythm of notices, and inhibition: what waits, what is quiet, and that nothing is lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workorders_house import ORG, START, House, exposure, happened

from workorders import (
    BadPolicy,
    Level,
    LevelPolicy,
    Policy,
    State,
    acknowledge,
    merge,
    policy_from_json,
    reads,
    resolve,
)
from workorders.grouping import repeat_tick, tick_after
from workorders.inhibition import inhibits
from workorders.model import OrderKind, WorkOrder
from workorders.rows import NOTICES

CALM = LevelPolicy(step_minutes=100_000, group_wait_s=30)
SCOPE = {"account": "*", "product": "cu", "measure": "exposure.net"}
moments = st.integers(-(10**6), 10**7).map(lambda s: START + timedelta(seconds=s))


def calm(house: House, **changed: Any) -> House:
    house.ctx = replace(house.ctx, policy=Policy(levels={Level.ORANGE: CALM, Level.RED: CALM}))
    house.ctx = replace(house.ctx, policy=replace(house.ctx.policy, **changed))
    return house


def cards(house: House, order_id: str) -> list[str]:
    """Chen's cards on one channel, each as its reason and when it was drawn, in seconds."""
    return [
        f"{row.payload['lines'][0]['code'].rpartition('.')[2]}@"
        f"{(row.put_at - START).total_seconds():.0f}"
        for row in house.messages(order_id, None)
        if (row.target, row.channel) == ("chen", "chat")
    ]


def notices(house: House, **wanted: Any):
    rows = house.read(lambda c: list(c.execute(NOTICES.select()).mappings()))
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


# --- group wait, group interval, repeat interval --------------------------------------------------


def test_what_comes_within_the_group_wait_stands_on_the_first_card(house: House):
    calm(house)
    order_id = house.ingest(exposure()).order_id
    house.pass_time(seconds=20)
    house.ingest(happened("LATE", Level.ORANGE, after=20))
    house.pass_time(seconds=10)
    house.fire_due()
    (card,) = [
        row.payload
        for row in house.messages(order_id)
        if (row.target, row.channel) == ("chen", "chat")
    ]
    assert {"code": "card.count", "params": {"count": 2}} in card["lines"]
    assert cards(house, order_id) == ["opened@0"]


def test_new_evidence_is_told_at_the_next_group_tick_and_once(house: House):
    calm(house)
    order_id = house.ingest(exposure()).order_id
    house.deliver()
    for second in (40, 100, 200):
        house.pass_time(seconds=second - (house.now[0] - START).total_seconds())
        house.ingest(happened(f"E{second}", Level.ORANGE, after=second))
    house.pass_time(seconds=129)  # 329 s: the tick is at 30 + 300
    house.fire_due()
    assert cards(house, order_id) == ["opened@0"]
    house.pass_time(seconds=1)
    assert house.fire_due() == ["GROUP_TOLD"]
    assert cards(house, order_id) == ["opened@0", "attached@330"]
    attached = house.trail(action="order.attach")
    assert {record.reason for record in attached} == {"GROUP_INTERVAL"}


def test_a_first_notice_that_left_early_loses_no_evidence(house: House):
    calm(house)
    order_id = house.ingest(exposure()).order_id
    house.pass_time(seconds=20)
    house.ingest(happened("LATE", Level.ORANGE, after=20))
    house.pass_time(seconds=11)
    house.deliver()  # before the timer that draws it anew
    house.fire_due()
    house.pass_time(seconds=300)
    house.fire_due()
    assert cards(house, order_id) == ["opened@0", "attached@331"]


def test_the_repeat_is_looked_at_in_ticks_only_and_rounded_up(house: House):
    calm(house, group_interval_s=300, repeat_interval_s=1_000)
    order_id = house.ingest(exposure()).order_id
    for second in range(10, 3_000, 10):
        house.pass_time(seconds=10)
        house.fire_due()
        house.ingest(exposure(after=second))
    # The first left at 30; ticks are at 30 + n * 300; 1,000 s later is 1,030, so 1,230.
    assert cards(house, order_id) == ["opened@0", "refire@1230", "refire@2430"]


def test_nobody_is_told_again_once_somebody_has_it_in_hand(house: House):
    calm(house, repeat_interval_s=600)
    order_id = house.ingest(exposure()).order_id
    house.deliver()
    house.pass_time(seconds=60)
    house.ingest(exposure(after=60))
    house.do("chen", acknowledge, order_id)
    house.pass_time(hours=1)
    assert "GROUP_TOLD" not in house.fire_due()
    assert cards(house, order_id) == ["opened@0"]


@given(moments, moments, st.integers(1, 10_000), st.integers(1, 100_000))
@settings(deadline=None)
def test_ticks_lie_on_the_grid_and_repeats_never_come_early(
    at: datetime, last: datetime, group_s: int, repeat_s: int
):
    policy = Policy(group_interval_s=group_s, repeat_interval_s=repeat_s)
    every, repeat = timedelta(seconds=group_s), timedelta(seconds=repeat_s)
    number, due = tick_after(START, at, policy)
    assert due == START + number * every > at
    assert number == 1 or due - every <= at
    number, due = repeat_tick(START, last, at, policy)
    assert due == START + number * every
    assert due >= last + repeat
    assert due > at
    # Not one tick later than it must be.
    assert number == 1 or due - every < last + repeat or due - every <= at


def test_a_policy_survives_its_json_and_refuses_what_cannot_be_meant():
    policy = Policy(inhibit_equal=("org", "product"), silence_limit_s=60, flap_threshold=3)
    assert policy_from_json(policy.as_json()) == policy
    for wrong in ({"group_interval_s": 0}, {"inhibit_equal": []}, {"inhibit_equal": ["colour"]}):
        with pytest.raises(BadPolicy):
            policy_from_json(wrong)


# --- inhibition -----------------------------------------------------------------------------------


def two_orders(house: House, **changed: Any) -> tuple[str, str]:
    """A red order, and two hours later an orange one of another month: two cases."""
    red = house.ingest(exposure(Level.RED, **SCOPE)).order_id
    house.pass_time(hours=2)
    orange = house.ingest(exposure(after=7_200, **{**SCOPE, "month": "2407", **changed})).order_id
    assert red != orange
    return red, orange


def test_red_keeps_orange_about_the_same_quiet_and_what_was_muted_is_on_record(house: House):
    calm(house)
    red, orange = two_orders(house)
    assert house.messages(orange, None) == []
    held = notices(house, object_id=orange)
    assert {(row["state"], row["reason"], row["muted_by"]) for row in held} == {
        ("held", "INHIBITED", red)
    }
    (record,) = [r for r in house.trail(action="notice.queue") if r.object_id == orange]
    assert (record.outcome, record.body["muted_by"]) == ("held", {"chen": red, "wang": red})
    entry = next(e for e in house.read(reads.stream, orange) if e.code == "notice.queue")
    assert entry.params["held"] == {"INHIBITED": ["chen", "wang"]}


def test_nothing_is_lost_when_the_red_order_is_resolved(house: House):
    calm(house)
    red, orange = two_orders(house)
    house.do("chen", resolve, red)
    assert cards(house, orange) == ["inhibition_ended@7200"]
    house.do("wang", acknowledge, orange)


def test_nothing_is_lost_when_the_red_order_is_merged_away(house: House):
    calm(house)
    red, orange = two_orders(house)
    third = house.ingest(exposure(after=7_200, product="al", account="*", month="2407")).order_id
    house.do("chen", merge, red, into=third)
    assert "inhibition_ended@7200" in cards(house, orange)


def test_a_lighter_order_that_turns_red_is_told_at_once(house: House):
    calm(house)
    _, orange = two_orders(house)
    house.ingest(exposure(Level.RED, after=7_210, **{**SCOPE, "month": "2407"}))
    assert cards(house, orange) == ["level_raised@7200"]


@pytest.mark.parametrize("missing", ["account", "product", "measure"])
def test_a_missing_scope_is_an_error_and_not_a_match(house: House, missing: str):
    calm(house)
    red = house.ingest(exposure(Level.RED, **{**SCOPE, missing: ""})).order_id
    house.pass_time(hours=2)
    orange = house.ingest(exposure(after=7_200, **{**SCOPE, "month": "2407", missing: ""})).order_id
    assert red != orange
    assert cards(house, orange) == ["opened@7200"]
    (record,) = [r for r in house.trail(action="notice.queue") if r.object_id == orange]
    assert record.body["scope_missing"] == [missing]


@pytest.mark.parametrize("differing", ["account", "product", "measure"])
def test_another_thing_is_not_inhibited(house: House, differing: str):
    calm(house)
    _, orange = two_orders(house, **{differing: "other"})
    assert cards(house, orange) == ["opened@7200"]


def order(number: int, level: Level, state: State, scope: tuple[str, str, str, str]) -> WorkOrder:
    org, account, product, measure = scope
    return WorkOrder(
        id=f"WO-{number}",
        kind=OrderKind.RISK,
        org=org,
        level=level,
        state=state,
        version=1,
        case_id="",
        title="",
        title_params={},
        lead_key="",
        opened_at=datetime(2024, 1, 1, tzinfo=UTC),
        first_seen=datetime(2024, 1, 1, tzinfo=UTC),
        last_seen=datetime(2024, 1, 1, tzinfo=UTC),
        account=account,
        product=product,
        measure=measure,
    )


scopes = st.tuples(
    st.sampled_from([ORG, "Group/West"]), *(st.sampled_from(["", "a", "b"]) for _ in range(3))
)
orders = st.builds(order, st.integers(1, 3), st.sampled_from(Level), st.sampled_from(State), scopes)


@given(orders, orders)
@settings(deadline=None)
def test_nothing_inhibits_itself_or_its_like_and_only_whole_scopes_compare(
    source: WorkOrder, target: WorkOrder
):
    equal = Policy().inhibit_equal
    found = inhibits(source, target, equal)
    assert not inhibits(source, source, equal).by
    assert not (found.by and inhibits(target, source, equal).by)
    if found.by:
        assert source.level is Level.RED
        assert target.level is not Level.RED
        assert [getattr(source, name) for name in equal] == [getattr(target, n) for n in equal]
        assert all(getattr(source, name) for name in equal)
        assert source.state not in {State.RESOLVED, State.CLOSED, State.MERGED}
    assert not (found.by and found.missing)
