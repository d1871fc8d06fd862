"""What is wrong with a request is told by field, with what is allowed, in the reader's language."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flow_house import EAST, House, house

_ENGLISH = re.compile(r"[A-Za-z]+(?: [A-Za-z]+){2,}")


@pytest.fixture(name="hall", scope="module")
def _hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("named")) as made:
        made.breach(EAST)
        yield made


def told(hall: House, act: str, body: Any) -> dict[str, dict[str, Any]]:
    client = hall.client("boss")
    order = client.get("/api/v1/orders").json()["items"][0]["id"]
    answer = client.post(f"/api/v1/orders/{order}/{act}", json=body)
    assert answer.status_code == 422, answer.text
    return {one["field"]: one for one in answer.json()["problems"]}


def test_a_field_too_many_is_named_with_the_allowed_ones(hall: House) -> None:
    found = told(hall, "close", {"foo": 1, "dispositoin": "fixed"})
    assert (found["foo"]["code"], found["foo"]["found"]) == ("FIELD_UNKNOWN", "foo")
    assert "disposition" in found["foo"]["allowed"].split(", ")
    assert found["dispositoin"]["hint"] == "disposition"
    assert "“foo”" in found["foo"]["titles"]["zh"]


def test_fields_inside_a_field_are_named(hall: House) -> None:
    body = {"disposition": "fixed", "root_cause": "X", "corrective": {"text": "x", "who": 1}}
    found = told(hall, "close", body)
    assert "owner" in found["corrective.who"]["allowed"].split(", ")
    assert found["corrective.owner"]["code"] == "FIELD_MISSING"


@pytest.mark.parametrize("body", [[], "x", None, 7])
def test_a_body_that_is_no_object_is_told(hall: House, body: Any) -> None:
    found = told(hall, "close", body)
    assert list(found) == ["body"]
    assert "disposition" in found["body"]["allowed"]
    assert not found["body"]["titles"]["zh"].startswith("：")


@pytest.mark.parametrize(
    ("act", "body", "field", "allowed"),
    [
        ("note", {"text": 5}, "text", '"…"'),
        ("note", {"text": "x" * 20_001}, "text", "≤ 20000"),
        ("note", {}, "text", '"…"'),
        ("resolve", {"version": "a"}, "version", "0, 1, 2 …"),
    ],
)
def test_each_kind_of_fault_says_what_is_allowed(
    hall: House, act: str, body: Any, field: str, allowed: str
) -> None:
    problem = told(hall, act, body)[field]
    assert problem["allowed"] == allowed
    assert not _ENGLISH.search(problem["titles"]["zh"]), problem["titles"]


def test_parameters_say_what_is_allowed(hall: House) -> None:
    client = hall.client("boss")
    for name, value, code, allowed in (
        ("limit", "0", "INPUT_RANGE", "≥ 1"),
        ("limit", "x", "INPUT_INTEGER", "0, 1, 2 …"),
        ("order", "newset", "INPUT_CHOICE", "newest, oldest"),
    ):
        answer = client.get("/api/v1/events", params={name: value})
        problem = answer.json()["problems"][0]
        got = (answer.status_code, problem["code"], problem["field"], problem["allowed"])
        assert got == (422, code, name, allowed)
        assert not _ENGLISH.search(problem["titles"]["zh"]), problem["titles"]


def test_a_body_that_is_no_json_is_told_in_words(hall: House) -> None:
    client = hall.client("boss")
    order = client.get("/api/v1/orders").json()["items"][0]["id"]
    answer = client.post(
        f"/api/v1/orders/{order}/note",
        content=b"{nojson",
        headers={"content-type": "application/json"},
    )
    problem = answer.json()["problems"][0]
    assert (answer.status_code, problem["code"], problem["field"]) == (422, "INPUT_JSON", "body")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/events", "q"),
        ("/events", "nosuch"),
        ("/trail/records", "cursor"),
        ("/approvals", "cursor"),
        ("/exposure", "cursor"),
        ("/orders", "sate"),
    ],
)
def test_a_parameter_that_nobody_takes_is_refused(hall: House, path: str, name: str) -> None:
    answer = hall.client("boss").get(f"/api/v1{path}", params={name: "zz"})
    problem = answer.json()["problems"][0]
    got = (answer.status_code, problem["code"], problem["field"])
    assert got == (422, "PARAMETER_UNKNOWN", name)
    assert problem["allowed"]
    assert problem["hint"] == ("state" if name == "sate" else problem["hint"])
    assert name in problem["titles"]["zh"]


def test_an_empty_unit_is_a_wrong_call(hall: House) -> None:
    client = hall.client("boss")
    answer = client.get("/api/v1/orders", params={"org": ""})
    problem = answer.json()["problems"][0]
    assert (answer.status_code, problem["code"], problem["field"]) == (
        422,
        "PARAMETER_EMPTY",
        "org",
    )
    assert client.get("/api/v1/orders", params={"org": EAST}).status_code == 200


def test_an_element_of_a_batch_is_told_by_its_number(hall: House) -> None:
    answer = hall.client("chen").post("/api/v1/events", json=[{}, None, 7])
    assert [one["line"] for one in answer.json()["rejects"]] == [1, 2, 3]
    assert answer.json()["rejects"][1]["problems"][0]["found"] == "null"
