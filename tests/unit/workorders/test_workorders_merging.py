"""合并与标签: one order ends in another with all that it has; who may, and why not."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from workorders_house import (
    ORG,
    House,
    answers,
    cleared,
    exposure,
    happened,
)

from directory.scopes import Scopes
from store import timers
from workorders import (
    Level,
    ManualOrder,
    OrderKind,
    State,
    acknowledge,
    close,
    merge,
    note,
    open_by_hand,
    reads,
    resolve,
    snooze,
    stale_cards,
    tag,
    take_over,
)
from workorders.drills import DrillWish, start_drill
from workorders.tags import COUNT, LENGTH, tags_in_use

WEST = "Group/West"


def by_hand(house: House, text: str, level: Level = Level.ORANGE, person: str = "chen") -> str:
    wanted = ManualOrder("AUDIT_FINDING", level, ORG, kind=OrderKind.AUDIT, text=text)
    return house.do(person, open_by_hand, wanted).order.id


def two_orders(house: House) -> tuple[str, str]:
    return house.ingest(exposure()).order_id, house.ingest(exposure(product="al")).order_id


# --- why not --------------------------------------------------------------------------------------


def closed(house: House, order_id: str) -> None:
    house.do("chen", resolve, order_id)
    assert house.do("wang", close, order_id, answers(), conditions=cleared()).ok


def resting(house: House, order_id: str) -> None:
    until = house.now[0] + timedelta(minutes=30)
    assert house.do("chen", snooze, order_id, until=until, reason="later").ok


def done(house: House, order_id: str) -> None:
    assert house.do("chen", resolve, order_id).ok


def gone(house: House, order_id: str) -> None:
    third = house.ingest(exposure(product="zn")).order_id
    assert house.do("chen", merge, order_id, into=third).ok


@pytest.mark.parametrize(
    ("into", "code"),
    [
        (closed, "MERGE_TARGET_CLOSED"),
        (done, "MERGE_TARGET_RESOLVED"),
        (resting, "MERGE_TARGET_SNOOZED"),
        (gone, "MERGE_TARGET_MERGED"),
    ],
)
def test_nothing_is_merged_into_an_order_that_is_over_or_rests(
    house: House, into: Callable[[House, str], None], code: str
):
    one, two = two_orders(house)
    into(house, two)
    before = house.order(one)
    refused = house.do("chen", merge, one, into=two)
    assert (refused.ok, refused.code, refused.params["other"]) == (False, code, two)
    assert house.order(one) == before
    (record,) = house.trail(action="order.merge", object_id=one)
    assert (record.outcome, record.reason) == ("refused", code)


def test_an_order_that_is_over_is_merged_no_more(house: House):
    one, two = two_orders(house)
    closed(house, one)
    assert house.do("chen", merge, one, into=two).code == "ORDER_CLOSED"


def test_a_second_click_finds_it_done_but_another_target_is_refused(house: House):
    one, two = two_orders(house)
    third = house.ingest(exposure(product="zn")).order_id
    assert house.do("chen", merge, one, into=two).changed
    again = house.do("chen", merge, one, into=two)
    assert (again.ok, again.code, again.changed) == (True, "ALREADY_DONE", False)
    other = house.do("chen", merge, one, into=third)
    assert (other.ok, other.code, other.params["merged_into"]) == (False, "ORDER_MERGED", two)
    assert house.order(third).count == 1


def test_a_drill_and_a_real_order_stay_apart(house: House):
    real = house.ingest(exposure()).order_id
    with house.as_person("boss") as uow:
        wish = DrillWish(ORG, Level.ORANGE, timedelta(minutes=30), text="a try")
        drill = start_drill(uow, house.ctx, wish).order
    assert house.do("chen", merge, drill.id, into=real).code == "MERGE_DRILL"
    assert house.do("chen", merge, real, into=drill.id).code == "MERGE_DRILL"


def test_the_right_is_asked_for_both_orders(house: House):
    east = house.ingest(exposure()).order_id
    west = house.ingest(exposure(org=WEST)).order_id
    for person, order, into in (("chen", east, west), ("chen", west, east), ("zhao", east, west)):
        refused = house.do(person, merge, order, into=into)
        assert (refused.code, refused.params["permission"]) == ("FORBIDDEN", "alert.triage")
    # Who may on both is told the true reason.
    assert house.do("boss", merge, east, into=west).code == "MERGE_OTHER_UNIT"


@pytest.mark.parametrize("about_source", [True, False])
def test_whom_either_order_is_about_merges_neither(house: House, about_source: bool):
    about = house.ingest(happened("DUP", Level.ORANGE, product="zn", actor="chen")).order_id
    other = house.ingest(exposure()).order_id
    order, into = (about, other) if about_source else (other, about)
    refused = house.do("chen", merge, order, into=into)
    assert (refused.code, refused.params["person"]) == ("OWN_MATTER", "chen")
    assert house.do("lin", merge, order, into=into).ok


def test_an_order_that_the_reader_does_not_see_is_as_good_as_none(house: House):
    one, two = two_orders(house)
    unseen = house.do("chen", merge, one, into=two, scopes=[WEST])
    missing = house.do("chen", merge, one, into="WO-20991231-001", scopes=[ORG])
    assert (unseen.code, missing.code) == ("MERGE_TARGET_UNKNOWN", "MERGE_TARGET_UNKNOWN")
    assert house.do("chen", merge, one, into=two, scopes=[ORG]).ok


def test_what_was_seen_has_to_stand_still(house: House):
    one, two = two_orders(house)
    seen = (house.order(one).version, house.order(two).version)
    house.do("lin", take_over, two)
    stale = house.do("chen", merge, one, into=two, expected_version=seen[0], into_version=seen[1])
    assert (stale.code, stale.params["order"]) == ("STALE_VERSION", two)
    versions = {"expected_version": seen[0], "into_version": house.order(two).version}
    assert house.do("chen", merge, one, into=two, **versions).ok


# --- what becomes of both -------------------------------------------------------------------------


def test_the_clocks_of_the_merged_order_stop_and_the_other_carries_everything(house: House):
    one, two = two_orders(house)
    house.do("chen", tag, one, add=["night"])
    house.do("chen", tag, two, add=["margin"])
    merged = house.do("chen", merge, one, into=two, text="the same late receipts")
    assert (merged.code, merged.order.state, merged.params["other"]) == ("DONE", State.MERGED, two)
    assert house.read(timers.find, f"{one}/") == []
    assert house.messages(one) == []
    after = house.order(two)
    assert (after.tags, after.count) == (("margin", "night"), 2)
    assert house.read(reads.merged_in, two) == (one,)
    (said,) = [one for one in house.read(reads.stream, one) if one.code == "order.merge"]
    assert (said.text, said.params["other"]) == ("the same late receipts", two)


def test_delivered_cards_of_the_merged_order_say_where_it_went(house: House):
    one = house.ingest(exposure(Level.RED)).order_id
    two = house.ingest(exposure(Level.RED, product="al")).order_id
    house.deliver()
    house.do("chen", merge, one, into=two)
    cards = [stale.card for stale in house.read(stale_cards) if stale.card.object_id == one]
    assert len(cards) == 4  # two people on two channels
    assert all(two in str(card.as_json()) for card in cards)


def test_notes_of_an_order_without_a_case_are_read_in_the_one_that_goes_on(house: House):
    one, two = by_hand(house, "a voucher is missing"), by_hand(house, "the second report")
    house.do("chen", note, one, "the clerk was asked")
    house.do("chen", merge, one, into=two)
    lines = house.read(reads.stream, two)
    assert "the clerk was asked" in [line.text for line in lines]
    # That it was merged is said once, by the order that goes on.
    assert [line.code for line in lines if line.code.startswith("order.merge")] == [
        "order.merged_in"
    ]


def test_a_chain_ends_in_the_last_with_all_its_evidence(house: House):
    one, two = two_orders(house)
    third = house.ingest(exposure(product="zn")).order_id
    house.do("chen", note, one, "the first note")
    house.do("chen", merge, one, into=two)
    house.do("chen", merge, two, into=third)
    assert [house.order(one).merged_into, house.order(two).merged_into] == [third, third]
    assert house.read(reads.merged_in, third) == (two, one)
    products = {body["product"] for body in house.read(reads.matches_of, order_id=third)}
    assert products == {"cu", "al", "zn"}
    assert "the first note" in [line.text for line in house.read(reads.stream, third)]
    # What comes to the first one's case finds the order that is worked, and its close ends it.
    assert house.ingest(exposure(after=60)).order_id == third
    house.do("chen", resolve, third)
    assert house.do("wang", close, third, answers(), conditions=cleared()).ok
    assert house.ingest(exposure(after=90)).cooling


def test_whom_the_first_of_a_chain_is_about_sees_none_of_it(house: House):
    about = house.ingest(happened("DUP", Level.ORANGE, product="zn", actor="lin")).order_id
    one, two = two_orders(house)
    house.do("chen", merge, about, into=one)
    house.do("chen", merge, one, into=two)
    reader = Scopes([ORG], subjects=("lin",), matters=True)
    assert [house.read(reads.get_order, number, reader) for number in (about, one, two)] == [
        None,
        None,
        None,
    ]


def test_two_merges_across_each_other_leave_one_order(house: House):
    one, two = two_orders(house)
    assert house.do("chen", merge, one, into=two).ok
    assert house.do("lin", merge, two, into=one).code == "MERGE_TARGET_MERGED"
    assert house.order(two).state is State.OPEN


# --- tags -----------------------------------------------------------------------------------------


def test_tags_are_added_and_removed_and_told(house: House):
    order = house.ingest(exposure()).order_id
    assert house.do("chen", tag, order, add=["  night   shift ", "ＬＭＥ", ""]).changed
    assert house.order(order).tags == ("night shift", "LME")
    assert house.do("chen", tag, order, add=["仓库"], remove=["night shift"]).ok
    assert house.order(order).tags == ("LME", "仓库")
    line = [one for one in house.read(reads.stream, order) if one.code == "order.tag"][-1]
    assert line.params["change"] == ["+仓库", "−night shift"]
    version = house.order(order).version
    assert version == 1  # a tag makes no card stale


def test_what_changes_no_tag_is_not_recorded(house: House):
    order = house.ingest(exposure()).order_id
    house.do("chen", tag, order, add=["LME"])
    again = house.do("chen", tag, order, add=["LME"], remove=["never there"])
    assert (again.ok, again.code, again.changed) == (True, "ALREADY_DONE", False)
    assert len(house.trail(action="order.tag")) == 1


@pytest.mark.parametrize(
    ("add", "code"),
    [
        ([" "], "NEEDS_TAG"),
        (["x" * (LENGTH + 1)], "TAG_TOO_LONG"),
        (["one, two"], "TAG_SIGN"),
        (["一，二"], "TAG_SIGN"),
        (['a "word'], "TAG_SIGN"),
        (["back\\slash"], "TAG_SIGN"),
        (["zero\u200bwidth"], "TAG_SIGN"),
        ([f"t{number}" for number in range(COUNT + 1)], "TAG_TOO_MANY"),
    ],
)
def test_tags_that_cannot_be_kept_are_refused(house: House, add: list[str], code: str):
    order = house.ingest(exposure()).order_id
    assert house.do("chen", tag, order, add=add).code == code
    assert house.order(order).tags == ()


def test_a_tag_of_the_longest_length_and_the_last_of_many_are_kept(house: House):
    order = house.ingest(exposure()).order_id
    many = ["x" * LENGTH, *(f"t{number}" for number in range(COUNT - 1))]
    assert house.do("chen", tag, order, add=many).ok
    assert len(house.order(order).tags) == COUNT


def test_a_closed_order_keeps_its_tags_as_they_are(house: House):
    order = house.ingest(exposure()).order_id
    house.do("chen", acknowledge, order)
    closed(house, order)
    assert house.do("chen", tag, order, add=["late"]).code == "ORDER_CLOSED"


def test_who_may_leave_no_note_tags_nothing(house: House):
    order = house.ingest(exposure()).order_id
    assert house.do("zhao", tag, order, add=["mine"]).code == "FORBIDDEN"


def test_orders_are_found_by_a_whole_tag(house: House):
    one, two = two_orders(house)
    house.do("chen", tag, one, add=["仓库", "LME"])
    house.do("chen", tag, two, add=["LME copper"])

    def found(word: str) -> list[str]:
        page = house.read(reads.list_orders, ["Group"], reads.Filter(tag=word))
        return [order.id for order in page.items]

    assert (found("LME"), found("仓库"), found("LM")) == ([one], [one], [])
    assert house.read(tags_in_use, ["Group"], reads.Filter(), 2) == ("LME", "LME copper")
    assert house.read(tags_in_use, [WEST], reads.Filter(), 9) == ()
