"""Whatever breaks between two statements of a changing request: all of it, or nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from flow_house import House, house, plain_assets, slack_user
from structlog.testing import capture_logs

from service.application import Application
from service.assembly import make_app, make_pages
from store import Store
from tests.breaking import Breaking
from trail import TrailKeeper


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


@pytest.fixture(name="breaking")
def _breaking() -> Breaking:
    return Breaking()


@pytest.fixture(name="fragile")
def _fragile(town: House, breaking: Breaking) -> Application:
    store = Store(
        town.app.store.engine,
        clock=town.clock,
        before_commit=[TrailKeeper(town.app.keys.trail)],
        failpoint=breaking,
    )
    return replace(town.app, store=store)


def contents(town: House) -> dict[str, Any]:
    """Every row of every table that a request may touch."""
    from sqlalchemy import select

    from store.schema import metadata

    with town.app.store.reader() as connection:
        return {
            name: [tuple(map(str, row)) for row in connection.execute(select(table))]
            for name, table in metadata.tables.items()
            if name.split("_")[0] in {"workorders", "approvals", "trail", "store", "directory"}
        }


def through_all_failures(town: House, breaking: Breaking, act: Any, fault: int) -> int:
    """Let `act` fail at every statement; after each nothing may have changed."""
    for at in range(1, 400):
        before = contents(town)
        breaking.at, breaking.count = at, 0
        status = act()
        if breaking.count < at:
            assert status == 200
            return at - 1
        assert status == fault, f"statement {at}"
        after = contents(town)
        changed = [name for name in before if before[name] != after[name]]
        assert changed == [], f"statement {at}"
    raise AssertionError("it never ends")


def test_an_acknowledgement(town: House, fragile: Application, breaking: Breaking):
    order = town.breach()
    headers = {"Authorization": f"Bearer {town.token('chen')}", "Idempotency-Key": "k"}
    web = make_app(fragile, pages=make_pages(fragile, plain_assets()), routers=())
    client = TestClient(web, raise_server_exceptions=False)

    def act() -> int:
        path = f"/api/v1/orders/{order.id}/acknowledge"
        answer = client.post(path, json={}, headers=headers)
        if answer.status_code == 500:
            assert answer.json()["code"] == "FAULT"
            assert "Broken" not in answer.text
            assert "Traceback" not in answer.text
        return answer.status_code

    assert through_all_failures(town, breaking, act, 500) > 10
    assert town.order(order.id).acknowledged_by == "chen"
    assert town.actions().count("order.acknowledge") == 1


def test_an_approval(town: House, fragile: Application, breaking: Breaking):
    order = town.breach()
    asked = town.client("chen").post(
        f"/api/v1/orders/{order.id}/request-approval", json={"kind": "override"}
    )
    number = asked.json()["approval"]
    town.run_agents()
    headers = {"Authorization": f"Bearer {town.token('wang')}"}
    web = make_app(fragile, pages=make_pages(fragile, plain_assets()), routers=())
    client = TestClient(web, raise_server_exceptions=False)
    version = client.get(f"/api/v1/approvals/{number}", headers=headers).json()["version"]

    def act() -> int:
        path = f"/api/v1/approvals/{number}/acts"
        body = {"verb": "approve", "version": version}
        return client.post(path, json=body, headers=headers).status_code

    assert through_all_failures(town, breaking, act, 500) > 10
    assert town.actions().count("approval.approve") == 1


def test_a_click_is_accepted_or_refused_whole(
    town: House, fragile: Application, breaking: Breaking
):
    order = town.breach()
    web = make_app(fragile, pages=make_pages(fragile, plain_assets()), routers=())
    client = TestClient(web, raise_server_exceptions=False)
    asked = town.slack.press(town.card("chen", "acknowledge"), "acknowledge", slack_user("chen"))
    breaking.at = 1
    first = client.post(
        "/integrations/slack/interactivity", content=asked.body, headers=asked.headers
    )
    assert first.status_code == 500
    breaking.at = 0
    again = client.post(
        "/integrations/slack/interactivity", content=asked.body, headers=asked.headers
    )
    assert again.status_code == 200
    assert town.order(order.id).acknowledged_by == "chen"
