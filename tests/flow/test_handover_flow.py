"""交接班 on the console and over the API: look, sign, what moved, sign again; who may not."""

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, START, WEST, House, house

from workorders import Level, Match, SourceKind, acknowledge, ingest_match, take_over
from workorders.handing_over import list_handovers
from workorders.handover import Handover, HandoverState
from workorders.silences import Matchers, Wish
from workorders.silencing import create_silence

API = "/api/v1/handovers"


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("handover")) as made:
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


def seen(client: TestClient, sheet: Handover) -> str:
    """What the page's form would send along."""
    found = re.search(r'name="seen" value="([0-9a-f]{64})"', client.get(_page(sheet)).text)
    assert found is not None
    return found.group(1)


def _page(sheet: Handover) -> str:
    return f"/handover/{sheet.id}"


def sheets(home: House) -> list[Handover]:
    with home.app.store.reader() as connection:
        return list_handovers(connection, ["Group"])


def act(home: House, person: str, command: Any, order: str) -> None:
    with home.app.store.unit_of_work(person) as uow:
        assert command(uow, home.app.context(), order).ok


def test_a_shift_goes_from_one_person_to_the_next(home: House) -> None:
    order = home.breach()
    act(home, "chen", take_over, order.id)
    chen, lin = home.signed_in("chen"), home.signed_in("lin")
    now = text_of(chen, "/handover")
    assert order.id in now
    assert "nothing is signed yet" in now
    page = after(chen, "/handover", {"org": EAST, "note": "40 lots left"})
    (sheet,) = sheets(home)
    assert f"{sheet.id} is signed and waits for the second person." in page
    assert "You handed over; somebody else takes over." in page
    assert "Chen Fang handed over" in text_of(lin, "/")
    assert "Chen Fang handed over" not in text_of(chen, "/")
    shown = text_of(lin, _page(sheet))
    assert "40 lots left" in shown
    assert "Nothing moved since it was signed" in shown
    assert sheet.digest in shown
    taken = after(
        lin, f"{_page(sheet)}/take", {"seen": seen(lin, sheet), "note": "seen", "own": "1"}
    )
    assert f"{sheet.id}: you have taken over." in taken
    assert "Orders that went over" in taken
    (done,) = sheets(home)
    assert (done.state, done.ended_by, done.orders) == (HandoverState.TAKEN, "lin", (order.id,))
    assert home.order(order.id).owner == "lin"
    assert "handed over" not in text_of(lin, "/")
    assert {"handover.give", "handover.take"} <= set(home.actions())


def test_what_moved_is_shown_and_nothing_is_signed_unseen(home: House) -> None:
    order = home.breach()
    chen, lin = home.signed_in("chen"), home.signed_in("lin")
    after(chen, "/handover", {"org": EAST})
    (sheet,) = sheets(home)
    shown = seen(lin, sheet)
    act(home, "wang", acknowledge, order.id)
    page = after(lin, f"{_page(sheet)}/take", {"seen": shown})
    assert "Something moved after the page was shown" in page
    assert "was: Open" in page
    assert sheets(home)[0].state is HandoverState.GIVEN
    assert "you have taken over" in after(lin, f"{_page(sheet)}/take", {"seen": seen(lin, sheet)})


def test_nobody_takes_over_from_oneself_and_one_sheet_waits_at_a_time(home: House) -> None:
    chen, lin = home.signed_in("chen"), home.signed_in("lin")
    after(chen, "/handover", {"org": EAST})
    (sheet,) = sheets(home)
    refused = after(chen, f"{_page(sheet)}/take", {"seen": seen(lin, sheet)})
    assert "Somebody else has to take over; Chen Fang handed over." in refused
    assert f"Sheet {sheet.id} of Chen Fang" in after(lin, "/handover", {"org": EAST})
    assert f"{sheet.id} of Chen Fang" in text_of(lin, "/handover")
    assert "Only Chen Fang" in after(lin, f"{_page(sheet)}/withdraw", {})
    assert "is taken back" in after(chen, f"{_page(sheet)}/withdraw", {"note": "too early"})
    assert "too early" in text_of(lin, _page(sheet))


def test_other_units_are_not_there(home: House) -> None:
    chen, zhao = home.signed_in("chen"), home.signed_in("zhao")
    after(chen, "/handover", {"org": EAST})
    (sheet,) = sheets(home)
    assert zhao.get(_page(sheet)).status_code == 404
    assert zhao.post(f"{_page(sheet)}/take", data={"seen": "x"}).status_code == 404
    assert sheet.id not in text_of(zhao, "/handover")
    assert chen.get("/handover", params={"org": WEST}).status_code == 404
    assert chen.post("/handover", data={"org": WEST}).status_code == 404
    assert home.client("zhao").get(f"{API}/{sheet.id}").status_code == 404
    assert home.client("zhao").get(API).json() == {"items": []}
    assert home.client("chen").post(API, json={"org": f"{EAST}/Nowhere"}).status_code == 404
    assert home.client("chen").get(f"{API}/now", params={"org": WEST}).status_code == 404


def test_the_sheet_goes_out_as_a_workbook(home: House) -> None:
    order = home.breach()
    chen = home.signed_in("chen")
    after(chen, "/handover", {"org": EAST})
    (sheet,) = sheets(home)
    for query in ({"org": EAST}, {"sheet": sheet.id}):
        answer = chen.get("/handover.xlsx", params=query)
        assert answer.status_code == 200
        rows = list(openpyxl.load_workbook(io.BytesIO(answer.content)).active.values)
        assert any(order.id in row for row in rows)
    assert chen.get("/handover.xlsx", params={"sheet": "HO-20240514-999"}).status_code == 404


@pytest.mark.parametrize(
    ("matchers", "said"),
    [
        (Matchers(EAST, levels=(Level.RED,)), "everything (Red)"),
        (Matchers(EAST), "everything (Orange, Yellow, Blue)"),
        (
            Matchers(EAST, "cu", "F-1", "net", levels=(Level.BLUE,), person="lin"),
            "net · F-1 · only what goes to Lin Hao (Blue)",
        ),
    ],
)
def test_a_silence_says_on_the_sheet_what_it_covers(
    home: House, matchers: Matchers, said: str
) -> None:
    """A sheet once signed a silence of red alone as one of all but red."""
    now = home.clock()
    with home.app.store.unit_of_work("chen") as uow:
        wish = Wish(matchers, now, now + timedelta(hours=1), "maintenance")
        made = create_silence(uow, home.app.context(), wish)
    assert made.silence is not None
    chen = home.signed_in("chen")
    assert said in text_of(chen, "/handover")
    assert said in after(chen, "/handover", {"org": EAST})
    (line,) = home.client("chen").get(f"{API}/now", params={"org": EAST}).json()["items"]
    assert line["levels"] == [one.value for one in matchers.covered]


def test_findings_are_told_apart_by_cause_and_person(home: House) -> None:
    found = {"code": "X", "params": {"at": "2024-05-14T01:30:00Z"}, "parts": []}
    for cause, actor in (("DUPLICATE", "fin-1"), ("AFTER_HOURS", "fin-2")):
        evidence = {"surprise": "9", "family": "excess", "cause": cause, "explanation": found}
        match = Match(
            "ANOMALY", "ANOMALY_STRONG", "1", Level.YELLOW, EAST, START, actor=actor,
            cause=f"{cause}|{actor}", measure="anomaly", source_kind=SourceKind.MODEL,
            value=Decimal(9), evidence=evidence,
        )  # fmt: skip
        with home.app.store.unit_of_work("system:watcher") as uow:
            ingest_match(uow, match, home.app.context())
    shown = text_of(home.signed_in("chen"), "/handover")
    assert "Booked twice · fin-1" in shown
    assert "Outside trading hours or shift · fin-2" in shown


def test_the_same_over_the_api(home: House) -> None:
    order = home.breach()
    chen, lin = home.client("chen"), home.client("lin")
    standing = chen.get(f"{API}/now", params={"org": EAST}).json()
    assert [one["id"] for one in standing["items"]] == [order.id]
    given = chen.post(API, json={"org": EAST, "note": "quiet"})
    assert given.status_code == 201, given.text
    number = given.json()["handover"]["id"]
    again = lin.post(API, json={"org": EAST})
    assert (again.status_code, again.json()["code"]) == (409, "HANDOVER_WAITING")
    own = chen.post(f"{API}/{number}/take", json={})
    assert (own.status_code, own.json()["code"]) == (409, "HANDOVER_NEEDS_SECOND")
    shown = lin.get(f"{API}/{number}").json()
    act(home, "wang", acknowledge, order.id)
    stale = lin.post(f"{API}/{number}/take", json={"seen": shown["seen"]})
    assert (stale.status_code, stale.json()["code"]) == (409, "HANDOVER_MOVED")
    (now,) = lin.get(API, params={"state": "given"}).json()["items"]
    assert [one["kind"] for one in now["moved"]] == ["changed"]
    taken = lin.post(f"{API}/{number}/take", json={"seen": now["seen"], "note": "ok"})
    assert taken.status_code == 200, taken.text
    found = taken.json()["handover"]
    assert (found["state"], found["ended_by"], found["taken_note"]) == ("taken", "lin", "ok")
    assert found["moved"] == now["moved"]
    assert lin.get(f"{API}/HO-20240514-999").status_code == 404


def test_who_only_reads_signs_nothing(home: House) -> None:
    liu = home.signed_in("liu")
    page = text_of(liu, "/handover")
    assert "Sign and hand over" in page
    assert "You may not do this." in after(liu, "/handover", {"org": EAST})
    assert sheets(home) == []
    assert "handover.give" in home.actions()  # the refusal stands in the trail
    narrow = home.client("chen")
    narrow.headers["Authorization"] = f"Bearer {home.token('chen', 'view')}"
    assert narrow.post(API, json={"org": EAST}).status_code == 403
