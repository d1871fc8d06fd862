"""Every route that changes something, with bodies that nobody can mean: told, never carried out.

The routes come from the OpenAPI document, so that a new one is walked by itself.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from flow_house import EAST, House, house

JSON = {"Content-Type": "application/json"}
MOST = 16 * 1024 * 1024
#: Rows judged one by one, and a form with a file: their bodies are tested with them.
OWN_READERS = {"/events", "/orders/{order_id}/files"}
#: What each body is, with its type, and the status and code that answer it.
WRONG: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "no JSON": (b"notjson", JSON, 422, "INPUT_JSON"),
    "truncated": (b'{"text": "a', JSON, 422, "INPUT_JSON"),
    "two documents": (b"{} {}", JSON, 422, "INPUT_JSON"),
    "no UTF-8": (b'{"text": "\xff"}', JSON, 422, "INPUT_JSON"),
    "a field twice": (b'{"text": "a", "text": "b"}', JSON, 422, "DUPLICATE_KEY"),
    "a field twice inside": (b'{"a": [{"b": 1, "b": 1}]}', JSON, 422, "DUPLICATE_KEY"),
    "not a number": (b'{"version": NaN}', JSON, 422, "INPUT_NOT_FINITE"),
    "infinite": (b'{"version": -Infinity}', JSON, 422, "INPUT_NOT_FINITE"),
    "deep": (b"[" * 100_000, JSON, 422, "INPUT_TOO_DEEP"),
    "deep objects": (b'{"a":' * 500 + b"1" + b"}" * 500, JSON, 422, "INPUT_TOO_DEEP"),
    "endless number": (b'{"version": ' + b"9" * 50_000 + b"}", JSON, 422, "INPUT_JSON"),
    "of another type": (b"{}", {"Content-Type": "text/plain"}, 415, "INPUT_MEDIA_TYPE"),
    "a form": (b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415,
               "INPUT_MEDIA_TYPE"),
    "of no type": (b"{}", {"Content-Type": ""}, 415, "INPUT_MEDIA_TYPE"),
    "a list": (b"[]", JSON, 422, "INPUT_OBJECT|INPUT_UNEXPECTED"),
    "a text": (b'"x"', JSON, 422, "INPUT_OBJECT|INPUT_UNEXPECTED"),
    "a number": (b"7", JSON, 422, "INPUT_OBJECT|INPUT_UNEXPECTED"),
    "nothing known": (b'{"nobody_knows_this": 1}', JSON, 422, "FIELD_UNKNOWN|INPUT_UNEXPECTED"),
}  # fmt: skip


@pytest.fixture(name="hall", scope="module")
def _hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("bodies")) as made:
        made.breach(EAST)
        yield made


def routes(hall: House) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, path with numbers filled in, and the operation, of all whose body is JSON."""
    document = hall.client().get("/api/v1/openapi.json").json()
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "get" and path not in OWN_READERS:
                filled = path.format(**dict.fromkeys(_names(path), "1")).replace(
                    "/book/1", "/book/contracts"
                )
                found.append((method, f"/api/v1{filled}", operation))
    return found


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def test_the_walk_sees_every_kind_of_route(hall: House) -> None:
    seen = routes(hall)
    assert len(seen) >= 25
    assert any("requestBody" in operation for *_, operation in seen)
    assert any("requestBody" not in operation for *_, operation in seen)


@pytest.mark.parametrize("name", WRONG)
def test_a_body_that_nobody_can_mean_is_told(hall: House, name: str) -> None:
    body, headers, status, codes = WRONG[name]
    client = hall.client("boss")
    for method, path, _ in routes(hall):
        answer = client.request(method, path, content=body, headers=headers)
        what = (method, path, answer.status_code, answer.text[:300])
        assert answer.status_code == status, what
        told = [one for one in answer.json()["problems"] if one["code"] in codes.split("|")]
        assert told, what
        problem = told[0]
        assert problem["field"], what
        assert problem["allowed"], what
        for language in ("en", "zh"):
            assert problem["titles"][language] not in {"", f"problem.{problem['code']}"}, what


def test_a_body_that_is_wanted_must_come(hall: House) -> None:
    client = hall.client("boss")
    for method, path, operation in routes(hall):
        if "requestBody" in operation:
            answer = client.request(method, path, headers=JSON)
            told = [(one["code"], one["field"]) for one in answer.json()["problems"]]
            assert (answer.status_code, told[-1]) == (422, ("FIELD_MISSING", "body")), path


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(hall: House) -> None:
    client = hall.client("boss")
    large = b'"' + b"x" * MOST + b'"'
    for method, path, _ in routes(hall):
        answer = client.request(method, path, content=large, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE"), path


def test_ten_megabytes_of_one_text_are_told_as_too_long(hall: House) -> None:
    order = hall.client("boss").get("/api/v1/orders").json()["items"][0]["id"]
    answer = hall.client("boss").post(
        f"/api/v1/orders/{order}/note", json={"text": "x" * (10 * 1024 * 1024)}
    )
    problem = answer.json()["problems"][0]
    assert (answer.status_code, problem["code"], problem["field"]) == (422, "INPUT_LENGTH", "text")
    assert len(answer.content) < 4_000


def test_an_empty_object_is_no_body_for_a_route_without_one(hall: House) -> None:
    client = hall.client("boss")
    for body in (b"", b"{}"):
        answer = client.post("/api/v1/rules/test", content=body, headers=JSON)
        assert answer.status_code == 200, answer.text


def test_brackets_in_a_text_are_no_nesting(hall: House) -> None:
    order = hall.client("boss").get("/api/v1/orders").json()["items"][0]["id"]
    text = "[{" * 200 + '\\"[' * 50
    answer = hall.client("boss").post(f"/api/v1/orders/{order}/note", json={"text": text})
    assert answer.status_code == 200, answer.text
