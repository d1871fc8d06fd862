"""演练 on the console and over the API: begin, what it showed, end; who may not."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, WEST, House, house

from workorders import acknowledge

API = "/api/v1/drills"


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("drills")) as made:
        yield made


def text_of(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    main = answer.text[answer.text.index("<main") : answer.text.index("</main")]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


def after(client: TestClient, path: str, data: dict[str, Any]) -> str:
    answer = client.post(path, data=data)
    assert answer.status_code == 303, (path, answer.status_code, answer.text[:300])
    return text_of(client, answer.headers["location"])


FORM = {"org": EAST, "level": "red", "minutes": "30", "text": "The warehouse is on fire"}


def test_a_drill_from_the_console_is_called_scored_and_ended(home: House) -> None:
    wang = home.signed_in("wang")
    assert "No drill yet" in text_of(wang, "/drills")
    begun = after(wang, "/drills", FORM)
    (order,) = home.orders()
    assert f"Drill {order.id} has begun" in begun
    home.run_agents()
    home.pass_time(minutes=1)
    card = home.card("chen", "acknowledge")
    assert "Drill" in str(card.body["text"])
    with home.app.store.unit_of_work("chen") as uow:
        assert acknowledge(uow, home.app.context(), order.id).ok
    page = text_of(wang, "/drills")
    assert "answered in time" in page
    assert "Chen Fang answered after" in page
    assert "still running" in after(wang, "/drills", FORM)
    shown = text_of(wang, f"/orders/{order.id}")
    assert "The warehouse is on fire" in shown
    assert "Hold instructions" not in shown
    assert f"Drill {order.id} has ended" in after(wang, f"/drills/{order.id}/end", {})
    assert wang.get("/drills.xlsx").status_code == 200
    assert {"drill.start", "order.end_drill"} <= set(home.actions())


def test_who_may_not_sees_why_and_other_units_are_not_there(home: House) -> None:
    chen, wang = home.signed_in("chen"), home.signed_in("wang")
    assert "You may not do this." in after(chen, "/drills", FORM)
    assert home.orders() == ()
    assert wang.post("/drills", data={**FORM, "org": WEST}).status_code == 404
    assert wang.post("/drills", data={**FORM, "level": "purple"}).status_code == 422
    assert wang.post("/drills/WO-20240514-999/end").status_code == 404
    real = home.breach()
    assert wang.post(f"/drills/{real.id}/end").status_code == 404
    assert home.client("wang").post(f"{API}/{real.id}/end").status_code == 404
    assert home.client("wang").get(f"{API}/{real.id}").status_code == 404


def test_the_same_over_the_api(home: House) -> None:
    wang, zhao = home.client("wang"), home.client("zhao")
    body = {"org": EAST, "level": "orange", "minutes": 30}
    assert wang.post(API, json={**body, "level": "yellow"}).json()["code"] == "DRILL_LEVEL"
    assert wang.post(API, json={**body, "minutes": 3}).json()["code"] == "DRILL_LENGTH"
    begun = wang.post(API, json=body)
    assert begun.status_code == 201, begun.text
    number = begun.json()["drill"]["id"]
    again = wang.post(API, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "DRILL_RUNNING")
    assert zhao.get(f"{API}/{number}").status_code == 404
    assert zhao.get(API).json() == {"items": []}
    home.run_agents()
    shown = wang.get(f"{API}/{number}").json()
    assert {one["person"] for one in shown["reached"]} >= {"chen"}
    assert shown["in_time"] is None
    ended = wang.post(f"{API}/{number}/end")
    assert (ended.status_code, ended.json()["drill"]["state"]) == (200, "closed")
    assert wang.get(API, params={"running": "true"}).json() == {"items": []}
    assert [one["id"] for one in wang.get(API).json()["items"]] == [number]
