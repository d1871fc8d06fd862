"""A silence from its preview to its end, over the API, as the people who may and may not."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flow_house import EAST, House, house

from store.clock import rfc3339
from workorders.rows import NOTICES

PATH = "/api/v1/silences"


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def body(town: House, **changed: Any) -> dict[str, Any]:
    matchers = {"org": EAST, "product": "cu", **changed.pop("matchers", {})}
    ends = town.app.clock() + timedelta(hours=4)
    return {"matchers": matchers, "ends_at": rfc3339(ends), "reason": "known roll", **changed}


def states(town: House, order_id: str) -> set[str]:
    with town.app.store.reader() as connection:
        found = connection.execute(NOTICES.select().where(NOTICES.c.object_id == order_id))
        return {row["state"] for row in found.mappings()}


def test_a_silence_from_its_preview_to_its_end(town: House):
    chen, wang = town.client("chen"), town.client("wang")
    red = {"levels": ["red", "orange"]}
    order = town.breach()
    seen = chen.post(f"{PATH}/preview", json={"matchers": {"org": EAST, **red}, "days": 7}).json()
    assert seen["orders_now"] == [order.id]
    assert seen["cards"] == seen["seen"] > 0
    assert chen.get(PATH).json()["items"] == []  # a look changes nothing

    made = chen.post(PATH, json=body(town, matchers=red))
    assert (made.status_code, made.json()["code"]) == (201, "SILENCE_NEEDS_SECOND")
    number = made.json()["silence"]["id"]
    own = chen.post(f"{PATH}/{number}/confirm", json={"version": 1})
    assert (own.status_code, own.json()["code"]) == (409, "SILENCE_NEEDS_SECOND")
    assert set(own.json()["titles"]) == {"en", "zh"}
    agreed = wang.post(f"{PATH}/{number}/confirm", json={"version": 1}).json()
    assert (agreed["code"], agreed["silence"]["state"]) == ("DONE", "active")

    late = chen.post(f"{PATH}/{number}/change", json=body(town, version=4))
    assert (late.status_code, late.json()["code"]) == (409, "SILENCE_CHANGED")
    ended = chen.post(f"{PATH}/{number}/end", json={"reason": "done"}).json()
    assert ended["silence"]["ended_by"] == "chen"
    assert chen.get(f"{PATH}?live=true").json()["items"] == []
    assert [one["id"] for one in chen.get(PATH).json()["items"]] == [number]


def test_what_cannot_be_asked_is_said_with_its_code(town: House):
    chen = town.client("chen")
    for changed, status, code in (
        ({"reason": " "}, 422, "NEEDS_REASON"),
        ({"ends_at": "soon"}, 422, "TIME_INVALID"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, 422, "SILENCE_ENDS_EARLY"),
        ({"ends_at": "2098-01-01T00:00:00Z"}, 422, "SILENCE_TOO_LONG"),
        ({"matchers": {"org": "nowhere"}}, 404, "NOT_FOUND"),
    ):
        answer = chen.post(PATH, json=body(town, **changed))
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert town.client("zhao").post(PATH, json=body(town)).status_code == 404
    assert chen.get(PATH).json()["items"] == []
    assert chen.post(f"{PATH}/SL-20240514-999/end", json={}).status_code == 404


def test_the_same_request_twice_makes_one_silence(town: House):
    chen, wanted = town.client("chen"), body(town)
    head = {"Idempotency-Key": "roll-1"}
    first = chen.post(PATH, json=wanted, headers=head)
    again = chen.post(PATH, json=wanted, headers=head)
    assert first.json() == again.json()
    assert len(chen.get(PATH).json()["items"]) == 1


def test_what_a_silence_keeps_back_is_delivered_at_its_end(town: House):
    chen = town.client("chen")
    both = {"levels": ["red", "orange"]}
    number = chen.post(PATH, json=body(town, matchers=both)).json()["silence"]["id"]
    assert town.client("wang").post(f"{PATH}/{number}/confirm", json={}).status_code == 200
    order = town.breach()
    assert states(town, order.id) == {"held"}
    told = chen.post(f"{PATH}/{number}/end", json={}).json()["told"]
    assert told == [order.id]
    assert "queued" in states(town, order.id)
