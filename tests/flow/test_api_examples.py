"""The examples in the API's description: one for each body, read by its route; faults are real."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from flow_house import EAST, House, house
from pydantic import TypeAdapter
from starlette.routing import Mount

from service.api.examples import BODIES, FAULTS

ROWS = "POST /events"
#: What is no JSON, and so has no example in JSON.
FORMS = {"POST /orders/{order_id}/files": ["multipart/form-data"]}


@pytest.fixture(name="hall", scope="module")
def _hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("examples")) as made:
        made.breach(EAST)
        yield made


def described(hall: House) -> dict[str, dict[str, Any]]:
    paths = hall.client().get("/api/v1/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {path}": operation
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def models(hall: House) -> dict[str, Any]:
    """What each route reads its body with."""
    (mounted,) = (
        one.app
        for one in hall.web.routes
        if isinstance(one, Mount) and isinstance(one.app, FastAPI) and one.path == "/api/v1"
    )
    routers = [getattr(one, "original_router", None) for one in mounted.routes]
    return {
        f"{method} {route.path}": route.body_field.field_info.annotation
        for router in routers
        for route in getattr(router, "routes", ())
        if isinstance(route, APIRoute) and route.body_field is not None
        for method in route.methods or ()
    }


def test_every_body_has_an_example_and_no_example_is_without_a_route(hall: House) -> None:
    bodies = {
        name: operation["requestBody"]["content"]["application/json"]
        for name, operation in described(hall).items()
        if "requestBody" in operation and name not in FORMS
    }
    forms = {
        name: operation["requestBody"]
        for name, operation in described(hall).items()
        if name in FORMS
    }
    assert {name: list(one["content"]) for name, one in forms.items()} == FORMS
    assert {name for name, one in bodies.items() if "example" not in one} == set()
    assert {name: one["example"] for name, one in bodies.items()} == dict(BODIES)


@pytest.mark.parametrize("name", sorted(set(BODIES) - {ROWS}))
def test_the_route_reads_the_example(hall: House, name: str) -> None:
    TypeAdapter(models(hall)[name]).validate_python(BODIES[name])


def test_the_routes_take_the_examples_that_need_nothing_before(hall: House) -> None:
    client = hall.client("chen")

    def sent(name: str) -> int:
        text = json.dumps(BODIES[name], ensure_ascii=False)
        path = name.split()[1].replace("{kind}", "contracts")
        here = text.replace("示例集团/铜贸易部", EAST).encode()
        kind = {"Content-Type": "application/json"}
        answer = client.post(f"/api/v1{path}", content=here, headers=kind)
        assert answer.status_code < 300, (name, answer.text)
        return len(answer.json())

    for name in (ROWS, "POST /book/{kind}", "POST /precheck", "POST /silences/preview"):
        assert sent(name)


def test_the_faults_are_what_the_service_answers(hall: House) -> None:
    order = hall.orders()[0].id
    chen, shen = hall.client("chen"), hall.client("shen")
    note = f"/api/v1/orders/{order}/note"
    asked = {"delegate": "lin", "scope": EAST, "ends_at": "2024-06-14", "reason": 7}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answers = {
        "401": hall.client().get("/api/v1/orders"),
        "403": shen.post(f"/api/v1/orders/{order}/acknowledge", json={}),
        "404": chen.get("/api/v1/orders/WO-20240514-999"),
        "409": chen.post(f"/api/v1/orders/{order}/acknowledge", json={"version": 99}),
        "415": chen.post(note, content=b"text=x", headers=form),
        "422": chen.post("/api/v1/delegations", json=asked),
    }
    shown = described(hall)["POST /orders/{order_id}/acknowledge"]["responses"]
    examples = {
        status: content["example"]
        for status, response in shown.items()
        for content in response.get("content", {}).values()
        if "example" in content
    }
    assert set(examples) == set(answers) == {str(one.status) for one in FAULTS}
    real = {status: answer.json() for status, answer in answers.items()}
    real["409"]["params"]["version"] = examples["409"]["params"]["version"]
    assert real == examples
