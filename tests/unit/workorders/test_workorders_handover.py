"""交接班: what the sheet holds, who signs it, what moved in between, whose orders go over."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workorders_house import ORG, House, exposure

from workorders import (
    Level,
    OrderKind,
    acknowledge,
    note,
    resolve,
    snooze,
    take_over,
)
from workorders.handing_over import (
    find_handover,
    give,
    in_hand,
    list_handovers,
    moved_since,
    take,
    withdraw,
)
from workorders.handover import (
    Handover,
    HandoverState,
    Item,
    MoveKind,
    Section,
    Thing,
    digest_of,
    digest_of_moves,
    item_from,
    move_from,
    moves,
)
from workorders.handover_items import Feed, items_of
from workorders.silences import Matchers, Wish
from workorders.silencing import create_silence


def sections(items: tuple[Item, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in items:
        found.setdefault(item.section.value, []).append(item.id)
    return found


def standing(house: House, org: str = ORG, *feeds: Feed) -> tuple[Item, ...]:
    return house.read(items_of, house.ctx, org, house.now[0], feeds)


def given_sheet(house: House, person: str = "chen", **wanted: object) -> Handover:
    outcome = house.do(person, give, ORG, **wanted)
    assert outcome.ok, outcome
    return outcome.sheet


def test_every_matter_of_the_unit_stands_in_its_section(house: House):
    red = house.ingest(exposure(Level.RED, product="cu")).order_id
    orange = house.ingest(exposure(product="al")).order_id
    house.do("chen", snooze, orange, until=house.now[0] + timedelta(hours=2), reason="auction")
    done = house.ingest(exposure(Level.RED, product="zn")).order_id
    house.do("chen", acknowledge, done)
    house.do("chen", resolve, done)
    fault = house.ingest(replace(exposure(product="ni"), kind=OrderKind.DATA)).order_id
    unread = house.ingest(exposure(Level.YELLOW, product="pb")).alert_id
    silence = house.do(
        "chen",
        create_silence,
        Wish(Matchers(ORG, "sn"), house.now[0], house.now[0] + timedelta(hours=1), "roll"),
    ).silence
    found = standing(house, ORG, Feed(ORG, "wms", "late"), Feed("Group/West", "erp", "dead"))
    assert sections(found) == {
        "open": [red],
        "snoozed": [orange],
        "silenced": [silence.id],
        "waiting": [done, unread],
        "faults": [fault, "wms"],
    }


def test_a_sheet_signed_before_silences_named_their_colours_is_read(house: House):
    house.ingest(exposure())
    (item,) = standing(house)
    stored = {
        name: value
        for name, value in item.as_json().items()
        if name not in {"cause", "about", "actor", "levels"}
    }
    assert item_from(stored).id == item.id


def test_a_red_order_that_waits_for_its_second_person_names_the_next_trading_day(house: House):
    done = house.ingest(exposure(Level.RED)).order_id
    house.do("chen", acknowledge, done)
    house.do("chen", resolve, done)
    (item,) = standing(house)
    assert item.due is not None
    assert item.due.astimezone(house.ctx.zone).isoformat() == "2024-05-15T10:00:00+08:00"


def test_another_units_matters_are_not_on_the_sheet_and_those_beneath_are(house: House):
    house.ingest(exposure(org="Group/West"))
    below = house.ingest(exposure(org=f"{ORG}/Desk")).order_id
    assert [item.id for item in standing(house)] == [below]
    assert len(standing(house, "Group")) == 2


def test_both_sign_and_both_signatures_are_on_record_with_what_was_signed(house: House):
    order = house.ingest(exposure()).order_id
    sheet = given_sheet(house, note="cu is being unwound, 40 lots left")
    house.pass_time(minutes=10)
    late = house.ingest(exposure(product="al", after=600)).order_id
    taken = house.do("lin", take, sheet.id, note="seen").sheet
    assert (taken.state, taken.ended_by, taken.taken_note) == (HandoverState.TAKEN, "lin", "seen")
    assert [item.id for item in taken.items] == [order]
    assert [(move.kind, move.item.id) for move in taken.moved] == [(MoveKind.NEW, late)]
    took, gave = house.trail(object_id=sheet.id)
    assert (gave.actor, gave.action, gave.outcome) == ("chen", "handover.give", "given")
    assert gave.body["digest"] == sheet.digest == digest_of(sheet.items)
    assert [line["id"] for line in gave.body["items"]] == [order]
    assert gave.body["note"] == "cu is being unwound, 40 lots left"
    assert (took.actor, took.action, took.outcome) == ("lin", "handover.take", "taken")
    assert [line["item"]["id"] for line in took.body["moved"]] == [late]


def test_nobody_signs_both_sides(house: House):
    sheet = given_sheet(house)
    outcome = house.do("chen", take, sheet.id)
    assert (outcome.ok, outcome.code) == (False, "HANDOVER_NEEDS_SECOND")
    assert house.read(find_handover, sheet.id).state is HandoverState.GIVEN
    (refused,) = house.trail(action="handover.take")
    assert (refused.outcome, refused.reason) == ("refused", "HANDOVER_NEEDS_SECOND")


@pytest.mark.parametrize("person", ["tmp", "zhao"])
def test_who_may_not_work_on_orders_there_signs_nothing(house: House, person: str):
    assert house.do(person, give, ORG).code == "FORBIDDEN"
    sheet = given_sheet(house)
    assert house.do(person, take, sheet.id).code == "FORBIDDEN"
    assert house.do(person, withdraw, sheet.id).code == "FORBIDDEN"
    assert house.read(find_handover, sheet.id).state is HandoverState.GIVEN


def test_one_sheet_of_a_unit_waits_at_a_time(house: House):
    sheet = given_sheet(house)
    again = house.do("lin", give, ORG)
    assert (again.code, again.params["handover"]) == ("HANDOVER_WAITING", sheet.id)
    house.do("lin", take, sheet.id)
    assert given_sheet(house).id != sheet.id


def test_what_is_over_is_signed_no_more(house: House):
    sheet = given_sheet(house)
    house.do("lin", take, sheet.id)
    late = house.do("wang", take, sheet.id)
    assert (late.code, late.params["by"]) == ("HANDOVER_OVER", "lin")
    assert house.do("chen", withdraw, sheet.id).code == "HANDOVER_OVER"
    assert house.do("lin", take, "HO-20240514-999").code == "UNKNOWN_HANDOVER"


def test_only_who_gave_it_takes_it_back(house: House):
    sheet = given_sheet(house)
    assert house.do("lin", withdraw, sheet.id).code == "HANDOVER_NOT_YOURS"
    assert house.do("chen", withdraw, sheet.id, note="too early").ok
    found = house.read(find_handover, sheet.id)
    assert (found.state, found.taken_note) == (HandoverState.WITHDRAWN, "too early")
    assert house.do("lin", take, sheet.id).code == "HANDOVER_OVER"


def test_what_moved_after_the_page_was_shown_is_not_signed_unseen(house: House):
    order = house.ingest(exposure()).order_id
    sheet = given_sheet(house)
    seen = digest_of_moves(house.read(moved_since, house.ctx, sheet, house.now[0]))
    house.do("wang", acknowledge, order)
    assert house.do("lin", take, sheet.id, seen=seen).code == "HANDOVER_MOVED"
    now = house.read(moved_since, house.ctx, sheet, house.now[0])
    assert [(move.kind, move.item.state) for move in now] == [(MoveKind.CHANGED, "acknowledged")]
    assert house.do("lin", take, sheet.id, seen=digest_of_moves(now)).ok


def test_what_was_signed_does_not_move_any_more(house: House):
    order = house.ingest(exposure()).order_id
    sheet = given_sheet(house)
    taken = house.do("lin", take, sheet.id).sheet
    house.do("wang", acknowledge, order)
    again = house.read(find_handover, sheet.id)
    assert again == taken
    assert house.read(moved_since, house.ctx, again, house.now[0]) == ()


def test_a_note_or_a_deadline_that_runs_on_is_no_move(house: House):
    order = house.ingest(exposure()).order_id
    sheet = given_sheet(house)
    house.do("chen", note, order, "still on it")
    house.pass_time(minutes=20)
    assert house.read(moved_since, house.ctx, sheet, house.now[0]) == ()


def test_orders_in_hand_go_over_when_both_want_it(house: House):
    mine = house.ingest(exposure()).order_id
    other = house.ingest(exposure(product="al")).order_id
    lost = house.ingest(exposure(product="zn")).order_id
    house.do("chen", take_over, mine)
    house.do("wang", take_over, other)
    house.do("chen", take_over, lost)
    sheet = given_sheet(house)
    assert {item.id for item in in_hand(sheet)} == {mine, lost}
    house.do("wang", take_over, lost)
    taken = house.do("lin", take, sheet.id, own=True).sheet
    assert taken.orders == (mine,)
    assert [house.order(one).owner for one in (mine, other, lost)] == ["lin", "wang", "wang"]
    acts = [record.actor for record in house.trail(object_id=mine, action="order.take_over")]
    assert acts == ["lin", "chen"]


def test_without_that_wish_no_order_changes_hands(house: House):
    mine = house.ingest(exposure()).order_id
    house.do("chen", take_over, mine)
    sheet = given_sheet(house)
    assert house.do("lin", take, sheet.id).sheet.orders == ()
    assert house.order(mine).owner == "chen"


def test_only_what_the_reader_may_see_is_listed(house: House):
    sheet = given_sheet(house)
    assert [one.id for one in house.read(list_handovers, ["Group"])] == [sheet.id]
    assert house.read(list_handovers, ["Group/West"]) == []
    assert house.read(list_handovers, []) == []
    assert house.read(find_handover, sheet.id, ["Group/West"]) is None
    assert house.read(list_handovers, ["Group"], state=HandoverState.TAKEN) == []


ITEMS = st.builds(
    Item,
    section=st.sampled_from(Section),
    thing=st.sampled_from(Thing),
    id=st.sampled_from(["A", "B", "C", "D"]),
    org=st.sampled_from([ORG, "Group"]),
    state=st.sampled_from(["open", "in_work"]),
    level=st.sampled_from(["", "red", "blue"]),
    owner=st.sampled_from(["", "chen"]),
)
SHEETS = st.lists(ITEMS, max_size=8, unique_by=lambda item: (item.thing, item.id, item.org))


@given(SHEETS, SHEETS)
def test_the_sheet_and_what_moved_make_up_what_stands_now(before: list[Item], now: list[Item]):
    found = moves(before, now)
    after = {(item.thing, item.id, item.org): item for item in before}
    for move in found:
        key = (move.item.thing, move.item.id, move.item.org)
        if move.kind is MoveKind.GONE:
            assert after.pop(key) == move.item
        else:
            assert after.get(key) == move.was
            after[key] = move.item
    stands = {(item.thing, item.id, item.org): item for item in now}
    assert after.keys() == stands.keys()
    for key, item in after.items():
        there = stands[key]
        assert (item.section, item.state, item.level, item.owner) == (
            there.section, there.state, there.level, there.owner,
        )  # fmt: skip
    assert moves(now, now) == ()
    assert tuple(move_from(move.as_json()) for move in found) == found
    assert [item_from(item.as_json()) for item in now] == now
