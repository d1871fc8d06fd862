"""Every figure can be added up again from the rows that are handed out for it."""

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, event, insert
from workorders_house import ORG, START, House, answers, cleared, exposure, happened

import trail
from approvals.tables import EventRow, RequestRow
from store.schema import table
from workorders import (
    Level,
    acknowledge,
    close,
    dismiss_alert,
    merge,
    reopen,
    resolve,
    snooze,
)
from workorders.figures import Figure, FigureRow, Period, figure_page, load, metrics_of, trend_of
from workorders.manual import ManualOrder, open_by_hand
from workorders.rows import ALERTS, NOTICES, ORDERS

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
BORN = START - timedelta(hours=2)


def period(house: House, *scopes: str, since: datetime = BORN, days: float = 1) -> Period:
    until = since + timedelta(days=days)
    return Period(scopes or ("Group",), since, until, house.now[0])


def figures(house: House, asked: Period | None = None):
    asked = asked or period(house)
    return metrics_of(house.read(load, asked), asked, SHANGHAI)


def rows(house: House, figure: Figure, asked: Period | None = None, size: int = 3):
    """Every row, page by page."""
    asked = asked or period(house)
    found: list[FigureRow] = []
    cursor = ""
    while True:
        page = house.read(figure_page, figure, asked, cursor=cursor, limit=size)
        assert len(page.items) <= size
        found += page.items
        cursor = page.cursor
        if not cursor:
            return found


def verdicts(house: House, figure: Figure, asked: Period | None = None) -> dict[str, str]:
    return {row.id: row.verdict for row in rows(house, figure, asked)}


# --- what counts ------------------------------------------------------------------------------


def test_nothing_that_counts_is_none_and_never_nought(house: House):
    found = figures(house)
    assert (found.orders, found.alerts, found.breaches) == (0, 0, 0)
    for name in ("arrival_rate", "response_rate", "closed_loop_rate", "override_rate"):
        assert getattr(found, name) is None
    assert found.time_to_notify.p50_s is None
    assert found.confirmed_share is None
    assert found.alerts_per_day == 0  # two hours have passed, and none was raised


def test_an_answer_on_the_deadline_is_in_time_and_one_after_it_is_late(house: House):
    on_time = house.ingest(exposure(product="cu")).order_id
    late = house.ingest(exposure(product="al")).order_id
    nobody = house.ingest(exposure(product="zn")).order_id
    due = house.order(on_time).acknowledge_by
    assert due is not None
    house.now[0] = due
    assert set(verdicts(house, Figure.RESPONSE).values()) == {"WAITING"}
    assert house.do("chen", acknowledge, on_time).ok
    house.pass_time(seconds=0.001)
    assert house.do("chen", acknowledge, late).ok
    found = verdicts(house, Figure.RESPONSE)
    assert found == {on_time: "IN_TIME", late: "LATE", nobody: "MISSED"}
    assert figures(house).response_rate == Decimal("0.3333")


def test_a_level_that_rises_later_does_not_take_the_first_answer_away(house: House):
    order = house.ingest(exposure(Level.ORANGE)).order_id
    house.pass_time(minutes=2)
    assert house.do("chen", acknowledge, order).ok
    house.pass_time(hours=2)
    assert house.ingest(exposure(Level.RED, after=7200)).level_changed
    assert house.order(order).acknowledged_at is None
    assert verdicts(house, Figure.RESPONSE) == {order: "IN_TIME"}
    assert figures(house).time_to_acknowledge.p50_s == 120


def test_a_snooze_is_no_answer(house: House):
    order = house.ingest(exposure()).order_id
    until = house.now[0] + timedelta(hours=1)
    assert house.do("chen", snooze, order, until=until, reason="later").ok
    house.pass_time(minutes=59)
    assert verdicts(house, Figure.RESPONSE) == {order: "MISSED"}
    assert verdicts(house, Figure.CLOSED_LOOP) == {order: "OPEN"}


def test_merging_late_orders_away_does_not_better_the_response(house: House):
    kept = house.ingest(exposure(product="cu")).order_id
    late = house.ingest(exposure(product="al")).order_id
    assert house.do("chen", acknowledge, kept).ok
    house.pass_time(hours=2)
    assert house.do("chen", merge, late, into=kept).ok
    assert verdicts(house, Figure.RESPONSE) == {kept: "IN_TIME", late: "LATE"}
    assert verdicts(house, Figure.CLOSED_LOOP) == {kept: "OPEN", late: "MERGED"}
    assert figures(house).merged == 1


def test_an_order_that_the_house_merged_before_anybody_answered_counts_nowhere(house: House):
    one = house.ingest(happened("A", Level.ORANGE, product="cu")).order_id
    two = house.ingest(happened("B", Level.RED, product="", actor="liu", after=60)).order_id
    house.ingest(happened("C", Level.YELLOW, product="cu", actor="liu", after=30))
    assert house.order(two).merged_into == one
    house.pass_time(hours=5)
    assert verdicts(house, Figure.RESPONSE)[two] == "MERGED"
    assert verdicts(house, Figure.RESOLVE)[two] == "MERGED"


def test_a_closing_counts_in_the_period_of_the_opening_and_is_listed_in_its_own(house: House):
    order = house.ingest(exposure()).order_id
    opened, closed = period(house, days=1), period(house, since=BORN + DAY)
    house.pass_time(days=1)
    opened = Period(opened.scopes, opened.since, opened.until, house.now[0])
    closed = Period(closed.scopes, closed.since, closed.until, house.now[0])
    assert figures(house, opened).closed_loop_rate == 0
    assert house.do("chen", resolve, order).ok
    assert house.do("wang", close, order, answers(), conditions=cleared()).ok
    assert figures(house, opened).closed_loop_rate == 1
    after = figures(house, closed)
    assert (after.orders, after.carried, after.closed_loop_rate) == (0, 1, None)
    assert verdicts(house, Figure.CARRIED, closed) == {order: "CLOSED"}
    assert rows(house, Figure.CARRIED, opened) == []


def test_what_is_opened_again_was_not_closed_for_good(house: House):
    order = house.ingest(exposure()).order_id
    assert house.do("chen", resolve, order).ok
    assert house.do("wang", close, order, answers(), conditions=cleared()).ok
    assert figures(house).closed_loop_rate == 1
    again = house.do("wang", reopen, order, reason="it is back")
    assert again.ok, again
    assert verdicts(house, Figure.CLOSED_LOOP)[order] == "REOPENED"
    assert figures(house).closed_loop_rate == 0


def test_closing_over_the_guard_is_an_override(house: House):
    plain, forced = (house.ingest(exposure(product=one)).order_id for one in ("cu", "al"))
    for order, closing in ((plain, answers()), (forced, answers(override="the feed is dead"))):
        assert house.do("chen", resolve, order).ok
        conditions = cleared() if order == plain else []
        assert house.do("wang", close, order, closing, conditions=conditions).ok
    assert verdicts(house, Figure.OVERRIDE) == {plain: "CLOSED", forced: "OVERRIDDEN"}
    assert figures(house).override_rate == Decimal("0.5")


def test_drills_count_nowhere(house: House):
    manual = ManualOrder(org=ORG, level=Level.RED, code="DRILL", drill=True)
    opened = house.do("boss", open_by_hand, manual)
    assert opened.ok, opened
    house.deliver()
    house.pass_time(days=1)
    found = figures(house)
    assert (found.orders, found.notices, found.alerts) == (0, 0, 0)
    for figure in Figure:
        assert rows(house, figure) == []


def test_notices_withdrawn_by_an_answer_were_not_due(house: House):
    order = house.ingest(exposure()).order_id
    assert house.do("chen", acknowledge, order).ok
    assert set(verdicts(house, Figure.ARRIVAL).values()) == {"CANCELLED"}
    assert figures(house).arrival_rate is None


def test_a_notice_that_no_channel_took_counts_against_the_arrival(house: House):
    house.ingest(exposure())
    house.pass_time(minutes=1)
    assert set(verdicts(house, Figure.ARRIVAL).values()) == {"PENDING"}
    assert figures(house).arrival_rate == 0
    house.deliver()
    assert figures(house).arrival_rate == 1
    assert figures(house).time_to_notify.p99_s == 60


def test_people_decide_what_was_confirmed(house: House):
    false = house.ingest(exposure(Level.YELLOW, product="cu", net="-420")).alert_id
    twin = house.ingest(exposure(Level.YELLOW, product="al", net="-420")).alert_id
    by_order = house.ingest(exposure(Level.ORANGE, product="zn"))
    assert house.do("chen", dismiss_alert, false, reasons=["false"]).ok
    assert house.do("chen", dismiss_alert, twin, reasons=["duplicate"]).ok
    found = verdicts(house, Figure.CONFIRMED)
    assert found == {false: "DISMISSED", twin: "DUPLICATE", by_order.alert_id: "UNDECIDED"}
    assert house.do("chen", resolve, by_order.order_id).ok
    assert house.do("wang", close, by_order.order_id, answers(), conditions=cleared()).ok
    assert verdicts(house, Figure.CONFIRMED)[by_order.alert_id] == "CONFIRMED"
    assert figures(house).confirmed_share == Decimal("0.5")


def test_breaches_are_alerts_on_limits_in_orange_and_red(house: House):
    house.ingest(exposure(Level.ORANGE, product="cu"))
    house.ingest(exposure(Level.RED, product="al", version="2"))
    house.ingest(exposure(Level.RED, product="al", version="2", after=60))  # fires again
    house.ingest(exposure(Level.BLUE, product="zn", net="-310"))
    house.ingest(happened("DUPLICATE_VOUCHER", Level.RED, product="pb"))
    found = figures(house)
    assert found.breaches == 2
    line = {"month": "2024-05", "org": ORG, "rule": "EXPOSURE", "breaches": 1}
    assert list(found.breaches_by) == [{**line, "version": "1"}, {**line, "version": "2"}]


def test_only_visible_organisations_are_counted(house: House):
    house.ingest(exposure(org="Group/West"))
    house.ingest(exposure(org="Group/Western"))
    assert figures(house, period(house, "Group/West")).orders == 1
    assert figures(house, period(house)).orders == 2
    assert figures(house, Period((), BORN, BORN + DAY, house.now[0])).orders == 0
    for figure in Figure:
        assert {one.org for one in rows(house, figure, period(house, "Group/West"))} <= {
            "Group/West"
        }


def test_the_period_holds_its_first_moment_and_not_its_last(house: House):
    order = house.ingest(exposure()).order_id
    opened = house.order(order).opened_at
    assert figures(house, Period(("Group",), opened, opened + DAY, opened)).orders == 1
    assert figures(house, Period(("Group",), opened - DAY, opened, opened)).orders == 0


# --- added up by somebody else ----------------------------------------------------------------


def fill(house: House, number: int, seed: int) -> None:
    """Orders, notices, alerts and approvals of every shape, straight into the tables."""
    chance = random.Random(seed)

    def later(at: datetime | None, share: float = 0.7) -> datetime | None:
        if at is None or chance.random() > share:
            return None
        return at + timedelta(milliseconds=chance.randrange(1, 90 * 60_000))

    template = house.ingest(exposure())
    with house.store.reader() as connection:
        first = connection.execute(ORDERS.select()).mappings().one()
        alert = connection.execute(ALERTS.select()).mappings().one()
    orders, notices, alerts, requests, acts = [], [], [], [], []
    for index in range(number):
        opened = BORN + timedelta(minutes=chance.randrange(60 * 24 * 20) // 30 * 30)
        answered = later(opened)
        resolved = later(answered)
        closed = later(resolved)
        merged = chance.random() < 0.1
        org = chance.choice(["Group", ORG, "Group/West"])
        state = "merged" if merged else "closed" if closed else "resolved" if resolved else "open"
        orders.append(
            {
                **first,
                "id": f"WO-20240514-{index + 500}",
                "org": org,
                "level": chance.choice([one.value for one in Level]),
                "state": state,
                "opened_at": opened,
                "acknowledge_by": opened + timedelta(minutes=15),
                "answered_at": answered,
                "resolved_at": resolved,
                "closed_at": None if merged else closed,
                "closing": {
                    "override": chance.choice(["", "", "a reason"]),
                    "disposition": chance.choice(["fixed", "false_alarm", "duplicate"]),
                }
                if closed
                else {},
                "drill": chance.random() < 0.1,
                "reopened_from": chance.choice(
                    [*(one["id"] for one in orders if one["opened_at"] < opened), ""]
                )
                if chance.random() < 0.2
                else "",
            }
        )
        notices += [
            {
                "key": f"WO-20240514-{index + 500}/{part}",
                "object_id": f"WO-20240514-{index + 500}",
                "person": "chen",
                "channel": "chat",
                "reason": "OPENED",
                "level": "red",
                "rung": 0,
                "queued_at": opened,
                "due_at": opened + timedelta(minutes=chance.choice([0, 0, 60 * 24 * 30])),
                "state": chance.choice(["queued", "sent", "stale", "failed", "cancelled", "held"]),
                "sent_at": None,
                "handle": {},
                "error": "",
            }
            for part in range(chance.randrange(4))
        ]
        for one in notices[-3:]:
            if one["state"] in {"sent", "stale"}:
                one["sent_at"] = one["queued_at"] + timedelta(milliseconds=chance.randrange(90_000))
        alerts.append(
            {
                **alert,
                "id": f"AL-20240514-{index + 500}",
                "org": org,
                "level": chance.choice([one.value for one in Level]),
                "version": chance.choice("12"),
                "state": chance.choice(["new", "new", "confirmed", "dismissed", "merged"]),
                "reason": chance.choice(["false", "duplicate"]),
                "limit": chance.choice([None, Decimal(500)]),
                "use": Decimal("1.1"),
                "raised_at": opened,
                "decided_at": later(opened),
                "order_id": chance.choice(["", orders[-1]["id"]]),
            }
        )
        requests.append(
            {
                "id": f"AP-{index}",
                "version": 1,
                "kind": "override",
                "object_id": "x",
                "org": org,
                "requester": chance.choice(["chen", "lin"]),
                "status": "approved",
                "due": None,
                "created_at": opened,
                "state": {},
            }
        )
        acts.append(
            {
                "request_id": f"AP-{index}",
                "at": opened + timedelta(minutes=5),
                "actor": chance.choice(["wang", "boss"]),
                "verb": chance.choice(["approve", "approve", "reject"]),
                "target": "",
                "expected_version": 1,
                "version": 1,
                "accepted": chance.random() < 0.8,
                "code": "",
                "body": {},
            }
        )
    with house.as_person("system:test") as uow:
        trail.record(
            uow, kind="change", action="test.fill", object_type="test", object_id=template.order_id
        )
        uow.execute(insert(ORDERS), orders)
        uow.execute(insert(NOTICES), notices)
        uow.execute(insert(ALERTS), alerts)
        uow.execute(insert(table(str(RequestRow.__tablename__))), requests)
        uow.execute(insert(table(str(EventRow.__tablename__))), acts)


def nearest_rank(values: list[Decimal], share: float) -> Decimal | None:
    ordered = sorted(values)
    if not ordered:
        return None
    return next(
        value
        for value in ordered
        if sum(other <= value for other in ordered) >= math.ceil(share * len(ordered))
    )


def share(part: int, whole: int) -> Decimal | None:
    return None if not whole else round(Decimal(part) / Decimal(whole), 4)


def took(found: list[FigureRow]) -> list[Decimal]:
    """Seconds from the times of the rows, and not from what a row says of itself."""
    durations = [one.ended_at - one.started_at for one in found if one.counts and one.ended_at]
    return [Decimal(int(Fraction(d / timedelta(microseconds=1)) // 1000)) / 1000 for d in durations]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_figure_is_what_its_rows_add_up_to(house: House, seed: int):
    fill(house, 120, seed)
    house.pass_time(days=25)
    for asked in (period(house, days=10), period(house, ORG, since=BORN + 3 * DAY, days=14)):
        found = figures(house, asked)
        all_rows = {figure: rows(house, figure, asked, size=7) for figure in Figure}
        for figure, listed in all_rows.items():
            assert len({one.id for one in listed}) == len(listed), figure
        in_time = late = 0
        for one in all_rows[Figure.RESPONSE]:
            if one.ended_at is not None:
                in_time += one.due_at is not None and one.ended_at <= one.due_at
                late += one.due_at is not None and one.ended_at > one.due_at
            elif one.verdict not in {"MERGED", "OVER"} and one.due_at is not None:
                late += one.due_at < house.now[0]
        assert found.response_rate == share(in_time, in_time + late)
        sent = [one.ended_at is not None for one in all_rows[Figure.ARRIVAL] if one.counts]
        assert found.arrival_rate == share(sum(sent), len(sent))
        for name, figure in (
            ("closed_loop_rate", Figure.CLOSED_LOOP),
            ("override_rate", Figure.OVERRIDE),
            ("confirmed_share", Figure.CONFIRMED),
        ):
            counted = [one for one in all_rows[figure] if one.counts]
            hits = sum(one.hit for one in counted)
            assert getattr(found, name) == share(hits, len(counted)), name
        for spread, figure in (
            (found.time_to_notify, Figure.NOTIFY),
            (found.time_to_acknowledge, Figure.ACKNOWLEDGE),
            (found.time_to_resolve, Figure.RESOLVE),
        ):
            times = took(all_rows[figure])
            assert spread.n == len(times) > 5
            assert spread.p50_s == nearest_rank(times, 0.5)
            assert spread.p99_s == nearest_rank(times, 0.99)
        for level, line in found.per_level.items():
            mine = [one for one in all_rows[Figure.ACKNOWLEDGE] if one.level == level]
            assert line["orders"] == len(mine)
            assert line["time_to_acknowledge"].p50_s == nearest_rank(took(mine), 0.5)
        assert found.orders == len(all_rows[Figure.CLOSED_LOOP])
        assert found.carried == len(all_rows[Figure.CARRIED])
        days = (asked.until - asked.since).days
        assert found.alerts_per_day == share(len(all_rows[Figure.ALERTS]), days)
        breaches = [one for one in all_rows[Figure.BREACHES] if one.counts]
        assert found.breaches == len(breaches) == sum(b["breaches"] for b in found.breaches_by)
        pairs = {(one["requester"], one["signer"]) for one in found.approvals_by_pair}
        assert {tuple(one.label.split(" → ")) for one in all_rows[Figure.PAIRS]} == pairs
        weeks = trend_of(house.read(load, asked), asked, SHANGHAI)
        assert sum(week.orders for week in weeks) == found.orders
        assert sum(week.alerts for week in weeks) == found.alerts
        assert all(week.start.weekday() == 0 for week in weeks)


# --- what a page costs ------------------------------------------------------------------------


@contextmanager
def statements(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    ran: list[tuple[str, Any]] = []

    def keep(_conn: Any, _cursor: Any, statement: str, given: Any, *_rest: Any) -> None:
        ran.append((statement, given))

    event.listen(engine, "before_cursor_execute", keep)
    yield ran
    event.remove(engine, "before_cursor_execute", keep)


@pytest.mark.parametrize("figure", list(Figure))
def test_a_page_of_rows_reads_a_range_of_an_index_and_no_whole_table(house: House, figure: Figure):
    asked = period(house)
    fill(house, 50, 4)
    with statements(house.store.engine) as ran:
        cursor = house.read(figure_page, figure, asked, limit=1).cursor
        house.read(figure_page, figure, asked, cursor=cursor, limit=1)
    with house.store.reader() as connection:
        for statement, given in ran:
            if not statement.startswith("SELECT"):
                continue
            lines = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
            plan = [line[3] for line in lines]
            assert not [one for one in plan if one.startswith("SCAN")], (statement, plan)
