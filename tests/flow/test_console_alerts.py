"""Triage: alerts by incident, confirmed, dismissed, merged; and what is recorded of it."""

import io
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import openpyxl
import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, WEST, House, house

from workorders import Alert, reads


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("alerts")) as made:
        for number, level in enumerate(("orange", "yellow", "yellow", "blue"), 1):
            raise_alert(made, f"A{number}", level)
        raise_alert(made, "W1", "orange", WEST)
        made.run_agents()
        yield made


def raise_alert(home: House, number: str, level: str, org: str = EAST) -> None:
    row: dict[str, Any] = {
        "event_id": f"E-{number}", "source": "robot", "actor": "robot", "kind": "risk",
        "event_time": "2024-05-14T02:00:00Z", "type": "alert.raised", "org": org,
        "alert": number, "level": level, "loss_est": "12000.00",
    }  # fmt: skip
    answer = home.client("chen" if org == EAST else "zhao").post("/api/v1/events", json=[row])
    assert answer.status_code == 200, answer.text


def alerts(home: House) -> dict[str, Alert]:
    with home.app.store.reader() as connection:
        found = reads.list_alerts(connection, ["Group"], limit=50).items
    return {str(one.evidence["alert"]): one for one in found}


def text_of(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    main = answer.text[answer.text.index("<main") :]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


def after(client: TestClient, path: str, **form: Any) -> str:
    answer = client.post(path, data=form)
    assert answer.status_code == 303, (path, answer.status_code, answer.text[:300])
    return text_of(client, answer.headers["location"])


def test_what_waits_is_listed_with_its_sentence(home: House) -> None:
    page = text_of(home.signed_in("chen"), "/alerts")
    for number in ("A1", "A2", "A3", "A4"):
        assert f"Copper alert from a robot {number}" in page
    assert "W1" not in page
    assert "Waiting 4" in page
    assert re.search(r"robot alert A\d, estimated loss CNY 12,000\.00", page)


def test_today_counts_down_to_the_triage_that_is_due_next(home: House) -> None:
    page = text_of(home.signed_in("chen"), "/")
    for level in ("ORANGE", "YELLOW", "BLUE"):
        assert re.search(rf"{level} [^A-Z]* Triage by [\d-]* ?\d\d:\d\d \( [^)]+ left \)", page), (
            level
        )
    assert "no clock" not in page


def test_the_facets_narrow_the_list(home: House) -> None:
    chen = home.signed_in("chen")
    yellow = text_of(chen, "/alerts?level=yellow")
    assert "A2" in yellow
    assert "A1" not in yellow
    assert "No alert waits" in text_of(chen, "/alerts?source=model")


def test_a_confirmed_alert_opens_its_order(home: House) -> None:
    alert = alerts(home)["A1"]
    page = after(home.signed_in("chen"), f"/alerts/{alert.id}/confirm", next="/alerts")
    (order,) = home.orders()
    assert f"{alert.id} is confirmed; {order.id} answers for it." in page
    assert "Copper alert from a robot · East" in page
    assert home.actions().count("alert.confirm") == 1


def test_a_dismissed_alert_keeps_its_reason(home: House) -> None:
    alert, chen = alerts(home)["A2"], home.signed_in("chen")
    page = after(chen, f"/alerts/{alert.id}/dismiss", reason="known_benign", text="planned")
    assert f"{alert.id} is dismissed." in page
    gone = alerts(home)["A2"]
    assert (gone.state, gone.reason, gone.decided_by) == ("dismissed", "known_benign", "chen")
    # the second click finds it done
    again = after(chen, f"/alerts/{alert.id}/dismiss", reason="false")
    assert "Refused" in again
    assert alerts(home)["A2"].reason == "known_benign"


def test_many_are_dismissed_after_a_second_look(home: House) -> None:
    chen, known = home.signed_in("chen"), alerts(home)
    picked = [known["A3"].id, known["A4"].id, known["W1"].id]
    answer = chen.post("/alerts/dismiss", data={"alert": picked})
    assert '<option value="" selected>Choose' in answer.text  # no reason is chosen beforehand
    shown = unescape(re.sub(r"<[^>]+>", " ", answer.text))
    assert "A3" in shown
    assert "A4" in shown
    assert "W1" not in shown
    assert {one.state for one in alerts(home).values()} == {"new"}
    form = {"alert": picked, "reason": "duplicate"}
    missing = chen.post("/alerts/dismiss/all", data={**form, "reason": "", "text": "planned"})
    assert missing.status_code == 422
    assert "Give a reason" in missing.text
    assert "planned</textarea>" in missing.text
    assert {one.state for one in alerts(home).values()} == {"new"}
    page = after(chen, "/alerts/dismiss/all", **form)
    assert "2 alerts dismissed." in page
    assert alerts(home)["W1"].state == "new"


def test_an_alert_is_merged_only_within_its_unit(home: House) -> None:
    chen, known = home.signed_in("chen"), alerts(home)
    page = after(chen, f"/alerts/{known['A3'].id}/merge", into=known["A2"].id)
    assert f"{known['A3'].id} is merged." in page
    assert chen.post(
        f"/alerts/{known['A4'].id}/merge", data={"into": known["W1"].id}
    ).status_code == 404  # fmt: skip
    assert alerts(home)["A4"].state == "new"


def test_similar_alerts_show_how_they_ended(home: House) -> None:
    chen, known = home.signed_in("chen"), alerts(home)
    after(chen, f"/alerts/{known['A2'].id}/dismiss", reason="false")
    page = text_of(chen, f"/alerts?alert={known['A3'].id}")
    assert re.search(r"Copper alert from a robot A2 Dismissed · False alarm", page)


def test_who_may_not_triage_sees_why_and_changes_nothing(home: House) -> None:
    alert, liu = alerts(home)["A1"], home.signed_in("liu")
    page = text_of(liu, f"/alerts?alert={alert.id}")
    assert 'Needs the permission "Triage alerts".' in unescape(page)
    after(liu, f"/alerts/{alert.id}/confirm")
    assert alerts(home)["A1"].state == "new"
    assert home.orders() == ()


def test_the_workbook_holds_the_filtered_alerts(home: House) -> None:
    answer = home.signed_in("chen").get("/alerts.xlsx?level=yellow")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    known = alerts(home)
    numbers = {row[0].value for row in sheet.iter_rows(min_row=5)}
    assert numbers == {known["A2"].id, known["A3"].id}
