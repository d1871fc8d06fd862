"""Parameters that nobody can mean are refused by name, with what is allowed."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from flow_house import EAST, House, house

TIMES = ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "10000-01-01T00:00:00Z",
         "2024-05-14", "garbage", "乱码", "1" * 40)  # fmt: skip
LOOKS_BACK = [("/exposure", "as_of"), ("/exposure", "known_at")]
ASKED = [*LOOKS_BACK, ("/events", "since"), ("/events", "until"),
         ("/trail/records", "since"), ("/trail/records", "until")]  # fmt: skip


@pytest.fixture(name="town", scope="module")
def _town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("parameters")) as made:
        made.breach(EAST)
        yield made


@pytest.mark.parametrize(("path", "name"), ASKED)
def test_a_time_is_refused_by_name(town: House, path: str, name: str) -> None:
    client = town.client("boss")
    for given in TIMES:
        answer = client.get(f"/api/v1{path}", params={name: given})
        assert answer.status_code == 422, (given, answer.text)
        problem = answer.json()["problems"][0]
        assert (problem["field"], bool(problem["allowed"])) == (name, True)
        assert {"en", "zh"} <= problem["titles"].keys()


@pytest.mark.parametrize("given", TIMES)
def test_a_time_of_the_roster_is_refused_by_name(town: House, given: str) -> None:
    client = town.client("boss")
    good = "2024-05-15T08:00:00+08:00"
    one = {"org": EAST, "person": "chen", "start": given, "end": good, "reason": "x"}
    swap = {"org": EAST, "first": {"person": "chen", "start": given, "end": good},
            "second": {"person": "lin", "start": good, "end": good}}  # fmt: skip
    asked = [("overrides", one), ("absences", {"start": given, "end": good}), ("swaps", swap)]
    answers = [client.post(f"/api/v1/roster/{path}", json=body) for path, body in asked]
    answers.append(client.get("/api/v1/on-call", params={"org": EAST, "at": given}))
    for answer in answers:
        assert answer.status_code == 422, (str(answer.url), answer.text)
        problem = answer.json()["problems"][0]
        assert problem["field"]
        assert problem["allowed"]


@pytest.mark.parametrize(("path", "name"), LOOKS_BACK)
def test_a_look_back_ends_before_now(town: House, path: str, name: str) -> None:
    client = town.client("boss")
    answer = client.get(f"/api/v1{path}", params={name: "2150-01-01T00:00:00Z"})
    assert (answer.status_code, answer.json()["code"]) == (422, "TIME_AHEAD")
    assert client.get("/api/v1/events", params={"until": "2150-01-01T00:00:00Z"}).status_code == 200


@pytest.mark.parametrize("path", ["/orders", "/alerts", "/events"])
@pytest.mark.parametrize("cursor", ["zzz", "2024|x", "2024-05-14T00:00:00Z"])
def test_a_cursor_of_nobody_is_refused(town: House, path: str, cursor: str) -> None:
    client = town.client("boss")
    sealed = base64.urlsafe_b64encode(cursor.encode()).rstrip(b"=").decode()
    for given in ("zzz", sealed):
        answer = client.get(f"/api/v1{path}", params={"cursor": given})
        assert answer.status_code == 422, answer.text


def test_a_day_to_mend_by_is_a_time(town: House, tmp_path: Path) -> None:
    del tmp_path
    client = town.client("boss")
    order = client.get("/api/v1/orders").json()["items"][0]["id"]
    for due in ("", "9999-12-31T23:59:59-12:00", "tomorrow"):
        action = {"text": "x", "owner": "boss", "due": due}
        body = {"disposition": "fixed", "root_cause": "X", "corrective": action}
        answer = client.post(f"/api/v1/orders/{order}/close", json=body)
        assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("path", ["/orders", "/alerts", "/events", "/exposure", "/trail/records"])
def test_a_nul_is_no_text(town: House, path: str) -> None:
    answer = town.client("boss").get(f"/api/v1{path}?org=a%00b")
    assert (answer.status_code, answer.json()["code"]) == (422, "CONTROL_CHARACTER")


def test_half_a_character_is_no_text(town: House) -> None:
    client = town.client("boss")
    order = client.get("/api/v1/orders").json()["items"][0]["id"]
    answer = client.post(
        f"/api/v1/orders/{order}/note",
        content=b'{"text": "a\\ud800b"}',
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 422, answer.text
