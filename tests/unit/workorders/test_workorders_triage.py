from datetime import timedelta

import pytest
from workorders_house import START, House, answers, exposure, happened

from workorders import (
    AlertState,
    Level,
    Reason,
    SourceKind,
    State,
    close,
    confirm_alert,
    dismiss_alert,
    dismiss_alerts,
    map_reason,
    merge_alert,
    reads,
    resolve,
)
from workorders.cases import external_cause
from workorders.levels import parse_level


def robot(alert: str, level: Level, *, after: float = 0):
    return happened(
        "ROBOT_ALERT",
        level,
        after=after,
        product="",
        actor="robot",
        objects=(alert,),
        cause=external_cause("robot", alert),
        source_kind=SourceKind.ROBOT,
    )


def test_twelve_alerts_of_a_robot_open_two_orders(house: House):
    found = {}
    for number in range(1, 13):
        level = ("蓝", "黄", "橙", "红")[(number > 4) + (number > 8) + (number > 10)]
        house.pass_time(seconds=30)
        found[number] = house.ingest(
            robot(f"A{number:02}", parse_level(level), after=30.0 * number)
        )
    assert [number for number, result in found.items() if result.opened] == [11, 12]
    assert len({result.case_id for result in found.values()}) == 12
    for number in (11, 12):
        confirmed = house.do("chen", confirm_alert, found[number].alert_id)
        assert (confirmed.ok, confirmed.opened) == (True, False)
        assert house.order(confirmed.order_id).acknowledged_by == "chen"
    rest = [found[number].alert_id for number in range(1, 11)]
    outcomes = house.do("chen", dismiss_alerts, rest, reasons=["within basis band / duplicates"])
    assert all(outcome.ok for outcome in outcomes)
    assert {outcome.alert.reason for outcome in outcomes} == {"within_limits"}
    assert len(house.orders()) == 2
    records = house.trail(action="alert.dismiss")
    assert len(records) == 10


def test_a_robots_red_opens_at_once_and_its_orange_waits(house: House):
    assert house.ingest(robot("A1", Level.RED)).opened
    orange = house.ingest(robot("A2", Level.ORANGE))
    assert not orange.opened
    (alert,) = [a for a in house.alerts() if a.id == orange.alert_id]
    # Without a product there is no session; the orange ladder is 15 minutes.
    assert alert.due_at == START + timedelta(minutes=15)


def test_a_late_triage_is_escalated_and_never_opens_an_order(house: House):
    orange = house.ingest(robot("A2", Level.ORANGE))
    house.pass_time(hours=8)
    assert set(house.fire_due()) == {"TRIAGE_OVERDUE"}
    (alert,) = house.alerts()
    assert alert.escalations >= 2
    assert alert.state is AlertState.NEW
    assert house.orders() == ()
    told = {row.target for row in house.messages(orange.alert_id, None)}
    assert told >= {"chen", "wang", "boss"}
    house.do("chen", dismiss_alert, orange.alert_id, reasons=[Reason.FALSE])
    assert house.messages(orange.alert_id) == []
    house.pass_time(days=2)
    assert house.fire_due() == []


def test_yellow_and_blue_never_page(house: House):
    yellow = house.ingest(happened("BASIS_JUMP", Level.YELLOW))
    house.pass_time(days=3)
    assert house.fire_due() == []
    assert house.messages(yellow.alert_id, None) == []
    (line,) = house.read(reads.waiting_for, "chen")
    assert (line.why, line.alert.id) == ("TRIAGE", yellow.alert_id)


def test_confirming_opens_an_order_and_the_rest_of_the_case_comes_along(house: House):
    basis = house.ingest(happened("BASIS_JUMP", Level.YELLOW))
    house.ingest(happened("TIMEOUTS", Level.YELLOW, after=60))
    confirmed = house.do("chen", confirm_alert, basis.alert_id, text="real")
    assert confirmed.opened
    assert house.order(confirmed.order_id).level is Level.YELLOW
    assert {a.order_id for a in house.alerts()} == {confirmed.order_id}
    again = house.do("lin", confirm_alert, basis.alert_id)
    assert (again.code, again.params["actor"]) == ("ALREADY_DONE", "chen")


def test_an_alert_whose_order_is_worked_is_not_put_aside_in_the_inbox(house: House):
    opened = house.ingest(exposure())
    refused = house.do("chen", dismiss_alert, opened.alert_id, reasons=["false"])
    assert refused.code == "ORDER_ACTIVE"


def test_a_dismissal_survives_a_refire_but_not_a_heavier_colour(house: House):
    blue = house.ingest(exposure(Level.BLUE, net="-320"))
    house.do("chen", dismiss_alert, blue.alert_id, reasons=["known_benign"])
    again = house.ingest(exposure(Level.BLUE, after=60, net="-330"))
    assert again.alert_id == blue.alert_id
    assert house.alerts()[0].state is AlertState.DISMISSED
    house.ingest(exposure(Level.YELLOW, after=120, net="-420"))
    assert house.alerts()[0].state is AlertState.NEW
    assert house.ingest(exposure(Level.ORANGE, after=180, net="-520")).opened


def test_closing_tells_the_alerts_how_it_ended(house: House):
    opened = house.ingest(happened("DUP_VOUCHER", Level.ORANGE))
    house.do("chen", resolve, opened.order_id)
    house.do("wang", close, opened.order_id, answers(disposition="false_alarm"), conditions=[])
    (alert,) = house.alerts()
    assert (alert.state, alert.reason) == (AlertState.DISMISSED, "false")


def test_an_alert_is_merged_into_another_of_its_organisation(house: House):
    one = house.ingest(robot("A1", Level.YELLOW))
    other = house.ingest(robot("A2", Level.YELLOW))
    assert house.do("chen", merge_alert, one.alert_id, into=one.alert_id).code == "MERGE_ITSELF"
    merged = house.do("chen", merge_alert, one.alert_id, into=other.alert_id)
    assert merged.alert.state is AlertState.MERGED


def test_bulk_dismissal_judges_each_by_itself(house: House):
    yellow = house.ingest(happened("BASIS_JUMP", Level.YELLOW, product="al"))
    red = house.ingest(exposure(Level.RED))
    outcomes = house.do(
        "chen", dismiss_alerts, [yellow.alert_id, red.alert_id, "AL-1"], reasons=["duplicate"]
    )
    assert [o.code for o in outcomes] == ["DONE", "ORDER_ACTIVE", "UNKNOWN_ALERT"]
    assert house.order(red.order_id).state is State.OPEN


def test_dismissing_needs_a_reason_and_the_right(house: House):
    yellow = house.ingest(happened("BASIS_JUMP", Level.YELLOW))
    assert house.do("chen", dismiss_alert, yellow.alert_id, reasons=[]).code == "NEEDS_REASON"
    assert house.do("zhao", dismiss_alert, yellow.alert_id, reasons=["false"]).code == "FORBIDDEN"


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("within basis band / duplicates", (Reason.WITHIN_LIMITS, Reason.DUPLICATE)),
        ("WITHIN_LIMITS", (Reason.WITHIN_LIMITS,)),
        ("重复告警", (Reason.DUPLICATE,)),
        ("误报", (Reason.FALSE,)),
        ("stale feed", (Reason.DATA,)),
        ("who knows", (Reason.OTHER,)),
    ],
)
def test_a_free_text_is_mapped_to_codes(text: str, reasons: tuple[Reason, ...]):
    assert map_reason(text) == reasons
