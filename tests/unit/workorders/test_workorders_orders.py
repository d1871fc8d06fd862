from collections import Counter
from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from workorders_house import ORG, START, House, answers, build, cleared, exposure, happened

import trail
from store import UnitOfWork, outbox, timers
from workorders import (
    CardKind,
    ConcurrentChange,
    Inbound,
    Level,
    ManualOrder,
    OrderKind,
    Policy,
    State,
    acknowledge,
    card_from_json,
    close,
    escalate,
    hold_instruction,
    ingest_match,
    merge,
    note,
    open_by_hand,
    perform,
    reads,
    reassign,
    record_delivery,
    record_refresh,
    request_approval,
    resolve,
    resume,
    snooze,
    stale_cards,
    take_over,
    wake,
)
from workorders.figures import Period, load, metrics_of
from workorders.rows import save_order


def test_the_ladder_climbs_until_somebody_answers(house: House):
    order_id = house.ingest(exposure(Level.RED)).order_id
    first = {(row.target, row.channel) for row in house.messages(order_id)}
    assert first == {(p, c) for p in ("chen", "wang") for c in ("chat", "mail")}
    house.deliver()
    house.pass_time(minutes=5)
    assert house.fire_due() == ["ESCALATED"]
    assert {row.target for row in house.messages(order_id)} == {"boss"}
    house.pass_time(minutes=1)
    house.do("boss", acknowledge, order_id)
    house.pass_time(minutes=20)
    assert house.fire_due() == []


def test_missed_rungs_fire_once_each_in_order_with_their_true_due_time(house: House):
    order_id = house.ingest(exposure(Level.RED)).order_id
    house.pass_time(hours=2)
    assert house.fire_due() == ["ESCALATED"] * 4
    assert house.fire_due() == []
    dues = [
        entry.params["due_at"]
        for entry in house.read(reads.stream, order_id)
        if entry.code == "order.escalate"
    ]
    assert dues == [
        (START + timedelta(minutes=5 * n)).isoformat().replace("+00:00", "Z") for n in range(1, 5)
    ]


def test_an_unanswered_order_is_never_silent(house: House):
    order_id = house.ingest(exposure(Level.RED)).order_id
    house.pass_time(minutes=21)
    house.fire_due()
    house.deliver()
    house.pass_time(hours=4)
    assert house.fire_due() == ["ESCALATED"]
    assert "boss" in {row.target for row in house.messages(order_id)}


def test_a_red_order_that_nobody_acts_on_for_months_is_told_daily_and_never_silent(house: House):
    """Bounded, on record as unanswered, and without an end."""
    order_id = house.ingest(exposure(Level.RED)).order_id
    days = 90
    for _ in range(days * 24):
        house.pass_time(hours=1)
        house.fire_due()
        house.deliver()
    reasons = [one.reason for one in house.trail(action="order.escalate")][::-1]
    told = reasons.index("UNANSWERED")
    assert set(reasons[:told]) == {"NOT_ACKNOWLEDGED"}
    assert set(reasons[told:]) == {"UNANSWERED"}
    assert days - 3 <= len(reasons[told:]) <= days
    cards = Counter(
        row.put_at.date()
        for row in house.messages(order_id, None)
        if (row.target, row.channel) == ("boss", "chat")
    )
    quiet = [START.date() + timedelta(days=day) for day in range(2, days)]
    assert {cards[day] for day in quiet} == {1}


def test_the_resolve_clock_escalates_too(house: House):
    order_id = house.ingest(exposure(Level.RED)).order_id
    house.do("chen", acknowledge, order_id)
    house.pass_time(minutes=31)
    assert house.fire_due() == ["RESOLVE_OVERDUE"]
    assert "boss" in {row.target for row in house.messages(order_id)}


@pytest.mark.parametrize("verb", [acknowledge, take_over])
def test_what_somebody_has_in_hand_waits_for_them_whoever_was_named(house: House, verb: Any):
    order_id = house.ingest(exposure(Level.RED)).order_id
    assert "boss" not in house.order(order_id).assignees
    assert house.read(reads.waiting_for, "boss") == []
    house.do("boss", verb, order_id)
    (line,) = house.read(reads.waiting_for, "boss")
    assert (line.why, line.due_at) == ("RESOLVE", house.order(order_id).resolve_due)
    assert line.due_at is not None


def test_who_holds_an_instruction_of_another_gets_no_order_of_theirs(house: House):
    order_id = house.ingest(exposure(Level.RED)).order_id
    house.do("chen", take_over, order_id)
    house.do("boss", hold_instruction, order_id, objects=["H1"], reason="wait for the bank")
    assert "boss" not in house.order(order_id).assignees


def test_a_red_order_waits_for_its_second_person_until_ten_the_next_trading_day(house: House):
    order_id = house.ingest(exposure(Level.RED)).order_id
    house.do("chen", resolve, order_id)
    assert [line.why for line in house.read(reads.waiting_for, "wang")] == ["REVIEW"]
    assert house.read(reads.waiting_for, "chen") == []
    house.now[0] = START + timedelta(hours=23, minutes=59)
    assert house.fire_due() == []
    house.now[0] = START + timedelta(days=1)  # 10:00 in Shanghai
    assert house.fire_due() == ["REVIEW_OVERDUE"]


def test_below_red_the_first_person_is_asked_to_close_and_nobody_to_review(house: House):
    order_id = house.ingest(exposure()).order_id
    house.do("chen", resolve, order_id)
    assert [line.why for line in house.read(reads.waiting_for, "chen")] == ["CLOSE"]


def test_a_snooze_ends_and_tells(house: House):
    order_id = house.ingest(exposure()).order_id
    until = START + timedelta(hours=1)
    assert house.do("chen", snooze, order_id, until=until, reason=" ").code == "NEEDS_REASON"
    far = START + timedelta(hours=5)
    assert house.do("chen", snooze, order_id, until=far, reason="x").code == "SNOOZE_TOO_LONG"
    assert house.do("chen", snooze, order_id, until=until, reason="bank opens at 11").ok
    assert house.messages(order_id) == []
    house.pass_time(hours=1)
    assert house.fire_due() == ["WOKEN"]
    order = house.order(order_id)
    assert (order.state, order.snoozed_until) == (State.OPEN, None)
    assert order.acknowledge_due is not None
    assert house.messages(order_id)


def test_red_is_not_snoozed_and_a_rise_to_red_ends_a_snooze(house: House):
    until = START + timedelta(hours=1)
    red = house.ingest(exposure(Level.RED, product="al")).order_id
    assert house.do("chen", snooze, red, until=until, reason="x").code == "RED_NOT_SNOOZED"
    order_id = house.ingest(exposure()).order_id
    house.do("chen", snooze, order_id, until=until, reason="later")
    assert house.ingest(exposure(Level.RED, after=60)).level_changed
    assert house.order(order_id).state is State.OPEN
    assert house.do("chen", wake, order_id).code == "MOVE_NOT_ALLOWED"


def test_a_resolved_order_that_gets_worse_is_open_again(house: House):
    order_id = house.ingest(exposure()).order_id
    house.do("chen", resolve, order_id)
    quiet = house.ingest(exposure(after=60))
    assert (quiet.order_id, house.order(order_id).state) == (order_id, State.RESOLVED)
    house.ingest(exposure(Level.RED, after=120))
    order = house.order(order_id)
    assert (order.state, order.level, order.resolved_by) == (State.OPEN, Level.RED, "")


def test_the_same_again_while_resolved_counts_on_and_starts_no_clock_and_no_page(house: House):
    order_id = house.ingest(exposure(Level.RED)).order_id
    house.do("chen", note, order_id, "the bank is asked")
    house.do("chen", resolve, order_id)
    house.deliver()
    before, clocks = house.order(order_id), house.read(timers.find, f"{order_id}/")
    for time in range(1, 11):  # past every interval at which an open order is told of again
        house.pass_time(hours=1)
        again = house.ingest(exposure(Level.RED, after=3600 * time))
        assert (again.order_id, again.refire, again.level_changed) == (order_id, True, False)
        house.fire_due()
    after = house.order(order_id)
    assert after == replace(
        before,
        count=before.count + 10,
        last_seen=START + timedelta(hours=10),
    )
    assert {one.key for one in clocks} == {
        one.key for one in house.read(timers.find, f"{order_id}/") if "/review" in one.key
    }
    assert house.messages(order_id) == []
    assert house.trail(action="order.escalate") == []
    assert [one.reason for one in house.trail(action="order.refire")] == ["RESOLVED"] * 10


def test_findings_of_one_batch_run_are_one_order_though_months_apart(house: House):
    dup = happened("DUP", Level.ORANGE, product="", objects=("SO-1",), batch_run="run-1")
    mis = happened("MIS", Level.ORANGE, after=9e6, product="", objects=("H-1",), batch_run="run-1")
    first, second = house.ingest(dup), house.ingest(mis)
    assert first.order_id == second.order_id
    assert len(house.orders()) == 1


def test_two_orders_that_a_late_match_connects_become_one(house: House):
    one = house.ingest(happened("A", Level.ORANGE, product="cu"))
    two = house.ingest(happened("B", Level.RED, product="", actor="liu", after=60))
    assert one.order_id != two.order_id
    house.ingest(happened("C", Level.YELLOW, product="cu", actor="liu", after=30))
    left = [order for order in house.orders() if order.state is not State.MERGED]
    assert [(order.id, order.level) for order in left] == [(one.order_id, Level.RED)]
    gone = house.order(two.order_id)
    assert gone.merged_into == one.order_id
    assert house.do("chen", acknowledge, gone.id).code == "ORDER_MERGED"
    codes = {body["code"] for body in house.read(reads.matches_of, order_id=one.order_id)}
    assert codes == {"A", "B", "C"}


def test_orders_are_merged_by_hand_within_one_organisation(house: House):
    one = house.ingest(exposure()).order_id
    two = house.ingest(exposure(product="al")).order_id
    house.do("chen", acknowledge, one)
    assert house.do("chen", merge, two, into=two).code == "MERGE_ITSELF"
    assert house.do("chen", merge, two, into=one).ok
    assert house.order(two).merged_into == one
    assert house.ingest(exposure(product="al", after=60)).order_id == one
    house.do("chen", resolve, one)
    assert house.do("wang", close, one, answers(), conditions=cleared()).ok


def test_taking_over_stops_the_page_and_names_the_owner(house: House):
    order_id = house.ingest(exposure()).order_id
    assert house.do("lin", take_over, order_id, expected_version=1).ok
    order = house.order(order_id)
    assert (order.state, order.owner, order.acknowledged_by) == (State.IN_WORK, "lin", "lin")
    assert house.messages(order_id) == []
    late = house.do("chen", take_over, order_id, expected_version=1)
    assert (late.code, late.params["actor"]) == ("STALE_VERSION", "lin")
    assert house.read(reads.waiting_for, "chen") == []


def test_holding_an_instruction_is_a_decision_on_that_instruction(house: House):
    order_id = house.ingest(exposure()).order_id
    held = house.do("chen", hold_instruction, order_id, objects=["HO-7"], reason="data fault")
    assert held.order.state is State.IN_WORK
    (record,) = house.trail(object_id="HO-7")
    assert (record.outcome, record.reason) == ("hold", "HELD_BY_PERSON")


def test_escalating_by_hand_climbs_the_next_rung_now(house: House):
    order_id = house.ingest(exposure()).order_id
    house.pass_time(seconds=10)
    house.deliver()
    assert house.do("chen", escalate, order_id, reason="NEEDS_AUTHORITY").params["people"] == [
        "boss"
    ]
    assert {row.target for row in house.messages(order_id)} == {"boss"}


def test_reassigning_tells_the_new_people_and_keeps_the_deadline(house: House):
    order_id = house.ingest(exposure()).order_id
    due = house.order(order_id).acknowledge_due
    assert house.do("wang", reassign, order_id, people=["lin"]).ok
    order = house.order(order_id)
    assert (order.assignees, order.acknowledge_due) == (("lin",), due)
    assert "lin" in {row.target for row in house.messages(order_id)}


def test_asking_for_approval_and_resuming_are_on_the_stream(house: House):
    order_id = house.ingest(exposure()).order_id
    house.do("chen", request_approval, order_id, subject="GRANT", approval_id="AP-1")
    house.do("chen", resolve, order_id)
    assert house.do("chen", resume, order_id, reason="the bank refused").ok
    assert house.order(order_id).state is State.IN_WORK
    codes = [entry.code for entry in house.read(reads.stream, order_id)]
    assert "order.request_approval" in codes
    assert codes[-1] == "order.resume"


def test_the_card_carries_version_and_an_opaque_id_and_survives_the_outbox(house: House):
    order_id = house.ingest(exposure(Level.RED)).order_id
    row = house.messages(order_id)[0]
    card = card_from_json(row.payload)
    assert card.as_json() == row.payload
    assert card.notice_id == row.key
    assert [button.verb for button in card.buttons] == ["acknowledge", "take_over", "escalate"]
    assert card.buttons[0].id == f"{order_id}/1/acknowledge"
    assert [button.confirm for button in card.buttons] == [False, True, True]
    assert card.deadline == START + timedelta(minutes=5)


def click(order_id: str, verb: str, version: int = 1, *, strong: bool = True) -> Inbound:
    return Inbound("chat", "T1/U1", order_id, verb, version, "event-1", strong=strong)


def test_a_click_is_carried_out_as_the_linked_person(house: House):
    order_id = house.ingest(exposure()).order_id
    done = house.do("chen", perform, click(order_id, "acknowledge"))
    assert (done.ok, done.code, done.version) == (True, "DONE", 2)
    assert house.do("chen", perform, click(order_id, "acknowledge")).code == "ALREADY_DONE"
    assert house.do("tmp", perform, click(order_id, "take_over", 2)).code == "FORBIDDEN"
    assert house.do("chen", perform, click("WO-1", "acknowledge")).code == "UNKNOWN_ORDER"
    assert house.do("chen", perform, click(order_id, "dance")).code == "UNKNOWN_VERB"


def test_a_mail_code_acknowledges_and_nothing_more(house: House):
    order_id = house.ingest(exposure()).order_id
    weak = click(order_id, "take_over", strong=False)
    assert house.do("chen", perform, weak).code == "NEEDS_SIGN_IN"
    assert house.do("chen", perform, click(order_id, "acknowledge", strong=False)).ok


def test_a_failed_channel_goes_to_the_next_at_once(tmp_path: Path, signer: trail.Signer):
    house = build(tmp_path, signer, Policy())
    house.ctx = type(house.ctx)(
        people=house.ctx.people,
        calendar=house.ctx.calendar,
        policy=Policy(),
        channels=("chat",),
        fallback=("mail", "sms"),
    )
    order_id = house.ingest(exposure(Level.RED)).order_id
    key = next(row.key for row in house.messages(order_id) if row.target == "chen")
    assert house.do("system:escalator", record_delivery, key, outcome="failed", error="X") == "mail"
    second = next(row.key for row in house.messages(order_id) if row.channel == "mail")
    assert house.do("system:escalator", record_delivery, second, outcome="failed") == "sms"
    third = next(row.key for row in house.messages(order_id) if row.channel == "sms")
    assert house.do("system:escalator", record_delivery, third, outcome="failed") == ""


def test_a_person_is_not_flooded_but_red_gets_through(tmp_path: Path, signer: trail.Signer):
    house = build(tmp_path, signer, Policy(cards_per_hour=2))
    for product in ("cu", "al", "zn", "ni"):
        house.ingest(exposure(product=product))
    red = house.ingest(exposure(Level.RED, product="pb"))
    orders = {order.product: order.id for order in house.orders()}
    assert [bool(house.messages(orders[p])) for p in ("cu", "al", "zn", "ni")] == [
        True,
        True,
        False,
        False,
    ]
    assert house.messages(red.order_id)
    held = [e for e in house.read(reads.stream, orders["ni"]) if e.code == "notice.queue"]
    assert set(held[0].params["held"]["PERSON_HOUR_LIMIT"]) == {"chen", "wang"}


def test_an_order_opened_by_hand_is_routed_like_any_other(house: House):
    wanted = ManualOrder("AUDIT_FINDING", Level.YELLOW, ORG, OrderKind.AUDIT, text="see sample 4")
    assert house.do("zhao", open_by_hand, wanted).code == "FORBIDDEN"
    opened = house.do("chen", open_by_hand, wanted)
    order = house.order(opened.new_order)
    assert (order.kind, order.needs_disposition) == (OrderKind.AUDIT, True)
    assert "see sample 4" in [e.text for e in house.read(reads.stream, order.id)]


def test_a_sister_sees_no_row(house: House):
    opened = house.ingest(exposure())
    for scopes in (["Group/West"], ["Group/Eas"], [""], []):
        assert house.read(reads.list_orders, scopes).items == ()
        assert house.read(reads.list_alerts, scopes).items == ()
        assert house.read(reads.get_order, opened.order_id, scopes) is None
        assert house.read(reads.get_alert, opened.alert_id, scopes) is None
        assert all(n == 0 for c in house.read(reads.counts, scopes).values() for n in c.values())
    assert house.read(reads.get_order, opened.order_id, [ORG]) is not None
    assert house.read(reads.counts, ["Group"])["orange"] == {"orders": 1, "alerts": 1}


def test_pages_go_through_every_order_once(house: House):
    for product in ("cu", "al", "zn", "ni", "pb"):
        house.ingest(exposure(product=product))
    seen, cursor = [], ""
    while True:
        page = house.read(reads.list_orders, ["Group"], cursor=cursor, limit=2)
        seen += [order.id for order in page.items]
        cursor = page.cursor
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)
    assert len(house.read(reads.list_orders, ["Group"], cursor="nonsense").items) == 5


def test_waiting_is_sorted_by_deadline(house: House):
    house.ingest(exposure(Level.ORANGE, product="al"))
    house.ingest(exposure(Level.RED, product="cu"))
    lines = house.read(reads.waiting_for, "chen")
    assert [line.level for line in lines] == [Level.RED, Level.ORANGE]
    assert [line.why for line in lines] == ["ACKNOWLEDGE", "ACKNOWLEDGE"]


def test_an_order_explains_itself_in_three_lines(house: House):
    points = tuple((START + timedelta(minutes=n), -250 * n) for n in range(31))
    series = tuple((at, Decimal(value)) for at, value in points)
    remedies = (("POST_RECEIPTS", {"receipts": 5, "possible": True}),)
    order_id = house.ingest(exposure(Level.RED, series=series, remedies=remedies)).order_id
    said = house.read(reads.explanation, house.order(order_id))
    assert said.broke.code == "explain.over_limit"
    assert (said.broke.params["times"], said.broke.params["margin"]) == ("15.0", "7000")
    assert (said.since.code, said.since.params["change"]) == ("explain.since_moved", "-4750")
    assert len(said.series) == 20
    assert said.back[0].code == "remedy.POST_RECEIPTS"


def test_a_move_of_seconds_is_told_without_a_count_of_minutes(house: House):
    series = ((START, Decimal(100)), (START + timedelta(seconds=59), Decimal(900)))
    order_id = house.ingest(exposure(Level.RED, series=series)).order_id
    since = house.read(reads.explanation, house.order(order_id)).since
    assert (since.code, since.params["change"]) == ("explain.since_moved_at_once", "800")
    assert "minutes" not in since.params


def test_figures_come_from_the_rows(house: House):
    order_id = house.ingest(exposure(Level.RED)).order_id
    house.pass_time(seconds=3)
    house.deliver()
    house.pass_time(seconds=57)
    house.do("chen", acknowledge, order_id)
    late = house.ingest(exposure(Level.RED, product="al")).order_id
    house.pass_time(minutes=30)
    period = Period(["Group"], START, START + timedelta(days=1), house.now[0])
    figures = metrics_of(house.read(load, period), period, UTC)
    assert (figures.orders, str(figures.response_rate)) == (2, "0.5000")
    assert str(figures.arrival_rate) == "0.5000"  # nobody delivered the second order's cards
    assert figures.time_to_notify.p50_s == 3
    assert figures.per_level["red"]["time_to_acknowledge"].p50_s == 60
    assert str(figures.closed_loop_rate) == "0.0000"
    assert house.order(late).state is State.OPEN


def test_a_move_on_an_old_version_is_not_written(house: House):
    order_id = house.ingest(exposure()).order_id
    before = house.order(order_id)
    house.do("chen", acknowledge, order_id)
    with pytest.raises(ConcurrentChange), house.as_person("wang") as uow:
        save_order(uow, before, was=before.version)
    assert house.order(order_id).acknowledged_by == "chen"


def test_a_failure_in_the_middle_leaves_nothing(house: House):
    def broken(uow: UnitOfWork) -> None:
        ingest_match(uow, exposure(Level.RED), house.ctx)
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError), house.as_person("system:assessor") as uow:
        broken(uow)
    assert house.orders() == ()
    assert house.alerts() == ()
    assert house.fire_due() == []
    assert house.ingest(exposure(Level.RED)).order_id.endswith("-001")


def test_after_a_decision_every_delivered_card_is_shown_anew(house: House):
    order_id = house.ingest(exposure(Level.RED)).order_id
    house.deliver()
    assert house.read(stale_cards) == []
    house.do("chen", acknowledge, order_id)
    stale = house.read(stale_cards)
    assert len(stale) == 4
    for one in stale:
        assert one.card.version == 2
        assert "acknowledge" not in [button.verb for button in one.card.buttons]
        assert one.card.lines[0].params["actor"] == "chen"
    house.do("chen", resolve, order_id)  # moved again before the first refresh came through
    with house.as_person("system:escalator") as uow:
        record_refresh(uow, stale[0], outcome="updated")
    now = house.read(stale_cards)
    assert len(now) == 4
    assert {one.card.kind for one in now} == {CardKind.RESULT}
    with house.as_person("system:escalator") as uow:
        for one in now:
            record_refresh(uow, one, outcome="superseded")
    assert house.read(stale_cards) == []


def test_a_card_that_arrives_after_the_decision_is_stale_at_once(house: House):
    order_id = house.ingest(exposure(Level.RED)).order_id
    with house.as_person("system:escalator") as uow:
        claimed = outbox.claim(uow, limit=1, lease_s=60, holder="test")
    house.pass_time(seconds=1)
    house.do("chen", acknowledge, order_id)
    with house.as_person("system:escalator") as uow:
        outbox.delivered(uow, claimed[0].id)
        record_delivery(uow, house.ctx, claimed[0].key, outcome="sent", handle={"ts": "1"})
    (late,) = house.read(stale_cards)
    assert late.handle.reference == {"ts": "1"}
