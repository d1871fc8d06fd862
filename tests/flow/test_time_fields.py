"""Every place that takes a time: what is none is our error with field and what is allowed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from flow_house import EAST, House, feeder, house

from directory import Role
from directory.roster import Duty, shift_on
from integrations.files import COLUMNS, Form, Kind

#: None of these is a time that can be meant.
NONSENSE = (
    "gestern",
    "2024-02-30T10:00:00Z",
    "2024-05-14T25:00:00Z",
    "2024-05-14T10:00:00+99:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "99999-01-01T00:00:00Z",
    "1715680000",
    "２０２４-０５-１４T１０:００:００Z",
)
#: At the ends of the calendar: refused, or an answer; never a fault of ours.
ENDS = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01", "9999-12-31")
NO_ZONE = "2024-05-14T10:00:00"


@pytest.fixture(name="hall", scope="module")
def _hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("times")) as made:
        made.breach(EAST)
        yield made


def parameters(hall: House) -> list[tuple[str, str, str]]:
    """Path, parameter, format of every time that a query takes."""
    document = hall.client().get("/api/v1/openapi.json").json()
    return [
        (path, one["name"], one["schema"]["format"])
        for path, methods in document["paths"].items()
        for one in methods.get("get", {}).get("parameters", ())
        if one["in"] == "query" and one["schema"].get("format") in {"date-time", "date"}
    ]


def fault(answer: Any, field: str) -> dict[str, Any]:
    assert answer.status_code == 422, (field, answer.status_code, answer.text[:300])
    (problem,) = [one for one in answer.json()["problems"] if one["field"] == field]
    assert problem["allowed"], problem
    assert problem["titles"]["zh"], problem
    return dict(problem)


def test_the_walk_sees_the_times_of_the_queries(hall: House) -> None:
    assert len(parameters(hall)) >= 6


@pytest.mark.parametrize("text", [*NONSENSE, NO_ZONE])
def test_no_query_takes_what_is_no_time(hall: House, text: str) -> None:
    client = hall.client("boss")
    for path, name, form in parameters(hall):
        answer = client.get(f"/api/v1{_filled(path)}", params={name: text})
        if answer.status_code == 404 or (form == "date" and text == NO_ZONE):
            continue
        fault(answer, name)


@pytest.mark.parametrize("text", ENDS)
def test_a_query_at_the_ends_of_the_calendar_is_answered(hall: House, text: str) -> None:
    client = hall.client("boss")
    for path, name, _ in parameters(hall):
        answer = client.get(f"/api/v1{_filled(path)}", params={name: text})
        assert answer.status_code in {200, 404, 422}, (path, name, answer.text[:300])
        if answer.status_code == 422:
            fault(answer, name)


def _filled(path: str) -> str:
    return "/".join("1" if part.startswith("{") else part for part in path.split("/"))


@pytest.mark.parametrize("text", [*NONSENSE, NO_ZONE, *ENDS])
@pytest.mark.parametrize("field", ["event_time", "arrival_time"])
def test_no_event_takes_what_is_no_time(hall: House, field: str, text: str) -> None:
    row = {
        "source": "erp", "event_id": f"{field}-{text}", "kind": "system", "type": "login",
        "org": EAST, "event_time": "2024-05-13T10:00:00Z", field: text,
    }  # fmt: skip
    told = hall.client("chen").post("/api/v1/events", json=[row]).json()
    assert told["accepted"] == 0, told
    (problem,) = told["rejects"][0]["problems"]
    assert problem["field"] == field
    assert problem["allowed"]


ROWS: dict[Kind, dict[str, str]] = {
    Kind.CONTRACTS: {"contract_id": "P", "product": "cu", "side": "buy", "quantity": "1"},
    Kind.INVENTORY: {"lot_id": "L", "product": "cu", "quantity": "1"},
    Kind.RECEIPTS: {"receipt_id": "R", "product": "cu", "quantity": "1", "status": "posted"},
    Kind.POSITIONS: {"account": "8", "contract": "cu2406", "lots": "1"},
    Kind.PRICES: {"product": "cu", "kind": "spot", "price": "7", "at": "2024-05-14"},
    Kind.LIMITS: {"product": "cu", "amount": "5000"},
}


@pytest.mark.parametrize("kind", list(Kind))
def test_no_row_of_the_book_takes_what_is_no_time(hall: House, kind: Kind) -> None:
    fields = [one.name for one in COLUMNS[kind] if one.form in {Form.TIME, Form.DAYS}]
    assert fields
    # full-width digits are read there, as they are in amounts
    wrong = [one for one in (*NONSENSE, *ENDS) if one.isascii()]
    cases = [(field, text) for field in fields for text in wrong]
    rows = [{**ROWS[kind], "org": EAST, field: text} for field, text in cases]
    answer = hall.client(feeder(EAST)).post(f"/api/v1/book/{kind.value}", json={"rows": rows})
    assert answer.status_code == 200, answer.text[:300]
    told = answer.json()
    assert (told["rows"], told["accepted"]) == (len(rows), 0), told
    named = {(one["line"], one["field"]) for one in told["problems"] if one["allowed"]}
    assert {(number, field) for number, (field, _) in enumerate(cases, 1)} <= named


@pytest.mark.parametrize("day", [date.min, date.max])
@pytest.mark.parametrize("hours", [-14, 14])
def test_a_shift_at_the_ends_of_the_calendar_has_its_hours(day: date, hours: int) -> None:
    duty = Duty(EAST, Role.RISK_OFFICER, ("chen",), shift="21:00-05:00")
    start, end = shift_on(duty, day, timezone(timedelta(hours=hours)))
    assert datetime.min.replace(tzinfo=UTC) <= start <= end <= datetime.max.replace(tzinfo=UTC)
