from datetime import timedelta

from workorders_house import ORG, House, answers, cleared, exposure, happened

from workorders import (
    Level,
    ObjectDecision,
    State,
    acknowledge,
    close,
    note,
    reads,
    resolve,
)


def test_one_incident_gives_one_order_of_its_heaviest_colour(house: House):
    house.ingest(happened("BASIS_JUMP", Level.YELLOW, after=0))
    house.ingest(happened("INBOUND_TIMEOUT_CLUSTER", Level.YELLOW, after=58, sources=("wms",)))
    assert not house.orders()
    first = house.ingest(exposure(Level.ORANGE, after=30, net="-550"))
    assert first.opened
    raised = house.ingest(exposure(Level.RED, after=60))
    assert (raised.level_changed, raised.opened) == (True, False)
    house.ingest(happened("FUND_TRANSFER_FAILED", Level.ORANGE, after=85, actor="liu"))
    held = ObjectDecision("hedge_order", "HO-1", "hold", "DATA_GATE")
    house.ingest(happened("DATA_GATE", None, after=120, decide=held))
    (order,) = house.orders()
    assert order.level is Level.RED
    assert set(order.assignees) == {"chen", "wang"}
    bodies = house.read(reads.matches_of, order_id=order.id)
    assert {body["code"] for body in bodies} >= {
        "BASIS_JUMP",
        "INBOUND_TIMEOUT_CLUSTER",
        "EXPOSURE_CRITICAL",
        "FUND_TRANSFER_FAILED",
        "DATA_GATE",
    }
    (record,) = house.trail(object_id="HO-1")
    assert (record.outcome, record.reason) == ("hold", "DATA_GATE")


def test_an_order_is_acknowledged_resolved_and_closed_by_a_second_person(house: House):
    opened = house.ingest(exposure(Level.RED))
    house.pass_time(minutes=2)
    seen = house.do("chen", acknowledge, opened.order_id)
    assert seen.order.state is State.ACKNOWLEDGED
    assert seen.order.resolve_due == house.now[0] + timedelta(minutes=30)
    house.do("chen", note, opened.order_id, "五笔入库已补录")
    house.pass_time(minutes=10)
    assert house.do("chen", resolve, opened.order_id).ok
    alone = house.do("chen", close, opened.order_id, answers(), conditions=cleared())
    assert alone.code == "NEEDS_SECOND_PERSON"
    closed = house.do("wang", close, opened.order_id, answers(), conditions=cleared())
    assert closed.order.state is State.CLOSED
    texts = [entry.text for entry in house.read(reads.stream, opened.order_id)]
    assert "五笔入库已补录" in texts
    assert house.order(opened.order_id).org == ORG
