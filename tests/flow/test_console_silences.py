"""Silences on the console: a look, the making of one, the second person, the end; who may not."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, WEST, House, house

from workorders.silencing import list_silences


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("silences")) as made:
        yield made


def form(home: House, **changed: Any) -> dict[str, Any]:
    until = home.clock() + timedelta(hours=8 + 4)  # on Shanghai's clock
    return {
        "org": EAST, "product": "cu", "until": f"{until:%Y-%m-%dT%H:%M}", "reason": "known roll",
        **changed,
    }  # fmt: skip


def text_of(client: TestClient, path: str, **params: Any) -> str:
    answer = client.get(path, params=params or None)
    assert answer.status_code == 200, answer.text
    main = answer.text[answer.text.index("<main") : answer.text.index("</main")]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


def after(client: TestClient, path: str, data: dict[str, Any]) -> str:
    answer = client.post(path, data=data)
    assert answer.status_code == 303, (path, answer.status_code, answer.text[:300])
    return text_of(client, answer.headers["location"])


def standing(home: House) -> list[Any]:
    with home.app.store.reader() as connection:
        return list_silences(connection, ["Group"])


def test_a_look_tells_what_would_be_muted_and_changes_nothing(home: House) -> None:
    order = home.breach()
    chen = home.signed_in("chen")
    page = text_of(chen, "/silences", **form(home, level="red", look="1"))
    assert f"Quiet from now on: {order.id}" in page
    assert re.search(r"Cards of the last 7 days in that unit: (\d+); kept back: \1;", page)
    assert "it counts only after a second person agreed" in page
    assert "Chen Fang" in page
    assert standing(home) == []
    nothing = text_of(chen, "/silences", **form(home, look="1"))
    assert "Nothing that stands now would be kept quiet." in nothing  # red is not named
    assert "kept back: 0" in nothing


def test_red_waits_for_a_second_person_who_is_not_its_author(home: House) -> None:
    home.breach()
    chen, wang = home.signed_in("chen"), home.signed_in("wang")
    page = after(chen, "/silences", form(home, level=["red", "orange"]))
    (made,) = standing(home)
    assert f"{made.id}: now a second person has to agree." in page
    assert "Somebody other than its author has to agree." in page
    assert made.state.value == "waiting"
    refused = after(chen, f"/silences/{made.id}/confirm", {"version": made.version})
    assert "a second person" in refused
    assert standing(home)[0].state.value == "waiting"
    agreed = after(wang, f"/silences/{made.id}/confirm", {"version": made.version})
    assert f"{made.id} is agreed and in force." in agreed
    assert "agreed by Wang Qiang" in agreed
    assert standing(home)[0].confirmed_by == "wang"
    ended = after(chen, f"/silences/{made.id}/end", {"reason": "done"})
    assert f"{made.id} has ended." in ended
    assert "ended by Chen Fang" in ended
    assert "No silence is in force" in ended
    assert "silence.end" in home.actions()


def test_what_cannot_be_meant_is_refused_by_name_and_keeps_the_form(home: House) -> None:
    chen = home.signed_in("chen")
    for changed, why in (
        ({"until": "soon"}, "Give a time that can be meant."),
        ({"until": "2001-01-01T00:00"}, "The end must lie after"),
        ({"rule": "NO_SUCH"}, "There is no such rule."),
        ({"person": "zhao"}, "not in the directory"),
        ({"reason": " "}, "reason"),
    ):
        given = form(home, product="") | changed
        looked = text_of(chen, "/silences", **given, look="1")
        assert why in looked, (changed, looked[:800])
        answer = chen.post("/silences", data=given)
        assert answer.status_code == 303
        assert "org=" in answer.headers["location"]
    assert standing(home) == []


@pytest.mark.parametrize("level", [["purple"], ["orange", "purple"], ["红"]])
def test_a_colour_that_there_is_none_of_never_widens_a_silence(
    home: House, level: list[str]
) -> None:
    chen = home.signed_in("chen")
    answer = chen.post("/silences", data=form(home, level=level))
    assert answer.status_code == 422
    assert "Level" in answer.text
    assert chen.get("/silences", params=form(home, level=level, look="1")).status_code == 422
    assert standing(home) == []


def test_who_may_not_silence_sees_why_and_other_units_are_not_there(home: House) -> None:
    liu = home.signed_in("liu")
    page = text_of(liu, "/silences")
    assert "See what it would do" not in page
    after(liu, "/silences", form(home, product=""))
    assert standing(home) == []
    assert "silence.create" in home.actions()  # the refusal stands in the trail
    chen = home.signed_in("chen")
    assert chen.get("/silences", params={"org": WEST}).status_code == 404
    assert chen.post("/silences", data=form(home, org=WEST)).status_code == 404
    assert chen.post("/silences/SL-20240514-999/end").status_code == 404
    after(chen, "/silences", form(home, product=""))
    (made,) = standing(home)
    zhao = home.signed_in("zhao")
    assert zhao.post(f"/silences/{made.id}/end").status_code == 404
    assert made.id not in text_of(zhao, "/silences")


def test_an_alert_leads_to_the_form_that_fits_it(home: House) -> None:
    row = {
        "event_id": "E-1", "source": "robot", "actor": "robot", "kind": "risk", "org": EAST,
        "event_time": "2024-05-14T02:00:00Z", "type": "alert.raised", "alert": "A1",
        "level": "yellow",
    }  # fmt: skip
    assert home.client("chen").post("/api/v1/events", json=[row]).status_code == 200
    home.run_agents()
    chen = home.signed_in("chen")
    shown = chen.get("/alerts").text
    (url,) = {unescape(one) for one in re.findall(r'href="(/silences\?[^"]+)"', shown)}
    assert "level=yellow" in url
    looked = text_of(chen, f"{url}&until=2024-05-14T20:00&reason=known&look=1")
    assert "Quiet from now on: AL-" in looked
    assert "Silence this" not in text_of(home.signed_in("liu"), "/alerts")


def test_a_silence_that_is_too_long_names_the_latest_end(home: House) -> None:
    home.breach()
    chen = home.signed_in("chen")
    page = after(chen, "/silences", form(home, until="2024-06-14T12:00"))
    assert "A silence may last until 05-21 10:00 at the latest." in page
    assert standing(home) == []
