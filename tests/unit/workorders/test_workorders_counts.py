"""触发次数: an order has fired as often as the alerts that stand on its page."""

from workorders_house import House, exposure, happened

from workorders import Level


def fired(house: House, order_id: str) -> tuple[int, int]:
    alerts = [one for one in house.alerts() if one.order_id == order_id]
    return house.order(order_id).count, sum(one.count for one in alerts)


def test_what_waited_in_triage_before_the_order_opened_counts(house: House):
    house.ingest(happened("ODD", Level.YELLOW, actor="liu"))
    house.ingest(happened("ODD", Level.YELLOW, actor="liu", after=10, evidence={"n": 2}))
    opened = house.ingest(happened("TWICE", Level.ORANGE, actor="liu", after=20))
    assert fired(house, opened.order_id) == (3, 3)
    house.ingest(happened("ODD", Level.YELLOW, actor="liu", after=30, evidence={"n": 3}))
    assert fired(house, opened.order_id) == (4, 4)


def test_what_a_late_match_brings_in_from_another_case_counts(house: House):
    opened = house.ingest(exposure(product="cu"))
    house.ingest(happened("ODD", Level.YELLOW, product="al", actor="liu", after=10))
    house.ingest(happened("ODD", Level.YELLOW, product="al", actor="liu", after=20))
    assert fired(house, opened.order_id) == (1, 1)
    house.ingest(happened("LINK", Level.YELLOW, product="cu", actor="liu", after=30))
    count, sum_of_alerts = fired(house, opened.order_id)
    assert count == sum_of_alerts > 2
