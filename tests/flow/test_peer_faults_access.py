"""Faults of peers in what people may do: viewers who can write, locks that only the page knows.

Every route that changes something, as found in the application itself, with the request that an
officer's hands would send; the same request in the name of somebody who only looks.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fault_guards import fails_with
from flow_house import House, house, slack_user
from sqlmodel import SQLModel
from structlog.testing import capture_logs
from test_failpoints_routes import ACTS, CHANNELS, READING, World, routes
from test_mail_flow import opened as opened_page
from test_mail_flow import written_to

import workorders.guard
import workorders.states
from directory.directory import Directory, GrantVerdict
from directory.people import GrantReason
from tests.breaking import Breaking
from workorders import State

#: The auditor of East; a person with no role but the temporary one; an officer of the sibling.
VIEWERS = ("shen", "tmp", "zhao")
#: Tables of what was tried and of who signed in.
RECORDS = ("trail_", "service_")
#: What everybody may say of themselves, whatever their role: that they are away.
OWN = {"/api/v1/roster/absences"}


class Watched(World):
    """Remembers the client that a request is going to be sent with."""

    last: TestClient

    def api(self, person: str) -> TestClient:
        self.last = super().api(person)
        return self.last

    def page(self, person: str) -> TestClient:
        self.last = super().page(person)
        return self.last


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with capture_logs(), house(tmp_path_factory.mktemp("viewers")) as town:
        yield Watched(town, Breaking(), town.web, itertools.count(1))


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with capture_logs(), house(tmp_path) as made:
        yield made


@pytest.fixture(name="permissive")
def _permissive(monkeypatch: pytest.MonkeyPatch) -> None:
    """A house in which whoever is known may do everything."""
    allowed = GrantVerdict(allowed=True, reason=GrantReason.ROLE_PERMITS)
    monkeypatch.setattr(Directory, "grant_verdict", lambda *_: allowed)


def viewer_who_can_write(world: Watched, path: str, viewers: tuple[str, ...] = VIEWERS) -> None:
    ask = ACTS[path](world)
    client = world.last
    for viewer in viewers:
        if "Authorization" in client.headers:
            client.headers["Authorization"] = world.api(viewer).headers["Authorization"]
        else:
            client.cookies = world.page(viewer).cookies
        before = business(world)
        answer = ask()
        assert answer.status_code < 500, answer.text
        changed = [name for name, rows in business(world).items() if rows != before[name]]
        assert changed == [], f"a viewer wrote: {viewer} {changed}"
        refused = answer.status_code in {303, 401, 403, 404, 409, 422}
        # Of many at once each is answered by itself.
        assert refused or '"ok":true' not in answer.text, answer.text


def business(world: World) -> dict[str, list[Any]]:
    """All tables but the records of what was tried, and of who signed in."""
    contents = world.contents()
    events = SQLModel.metadata.tables["approvals_event"]
    accepted = [column.name for column in events.columns].index("accepted")
    contents["approvals_event"] = [row for row in contents["approvals_event"] if row[accepted]]
    return {name: rows for name, rows in contents.items() if not name.startswith(RECORDS)}


def test_every_mutating_route_is_among_those_that_a_viewer_tries(world: Watched) -> None:
    assert set(routes(world.web.routes)) - READING - CHANNELS == set(ACTS)


@pytest.mark.parametrize("path", [one for one in ACTS if one not in OWN])
def test_fault_viewer_who_can_write(world: Watched, path: str) -> None:
    viewer_who_can_write(world, path)


@pytest.mark.usefixtures("permissive")
@pytest.mark.parametrize(
    "path", ["/api/v1/orders/{order_id}/acknowledge", "/orders/{number}/take_over"]
)
def test_the_guard_against_viewer_who_can_write_is_what_holds(world: Watched, path: str) -> None:
    fails_with("a viewer wrote", viewer_who_can_write, world, path, ("shen",))


# --- the other ways in --------------------------------------------------------------------------


def viewer_in_the_chat(town: House) -> None:
    """A button that was handed on, the slash command, a mail that was handed on."""
    order = town.breach()
    message = town.card("chen", "acknowledge")
    value = next(b["value"] for b in message.buttons if b["action_id"] == "acknowledge")
    for viewer in VIEWERS:
        click = town.slack.press_value(message, "acknowledge", slack_user(viewer), value)
        assert town.send(click).status_code == 200
        typed = town.slack.command(slack_user(viewer), f"ack {order.id}")
        assert town.send(typed, "commands").status_code == 200
        path, _ = written_to(town, "chen")
        browser, nonce = opened_page(town, path, town.signed_in(viewer))
        browser.post(path, data={"nonce": nonce, "verb": "acknowledge"})
        town.pass_time(seconds=1)
    assert town.order(order.id).state is State.OPEN, "a viewer wrote"


def test_fault_viewer_who_can_write_from_the_chat(town: House) -> None:
    viewer_in_the_chat(town)


@pytest.mark.usefixtures("permissive")
def test_the_guard_against_viewer_who_can_write_from_the_chat_is_what_holds(town: House) -> None:
    fails_with("a viewer wrote", viewer_in_the_chat, town)


# --- locks that only the page knows -------------------------------------------------------------


def lock_of_the_page_alone(town: House) -> None:
    """Jube: what the page does not offer can still be asked for by hand. Here it is refused.

    The page of a red order offers no closing to who resolved it; the API says so as well, and so
    does the page's own address when the form is sent without the page.
    """
    order = town.breach()
    api = f"/api/v1/orders/{order.id}"
    assert town.client("chen").post(f"{api}/resolve", json={}).status_code == 200
    town.pass_time(minutes=5)
    assert town.buy(500).status_code == 200
    form = {"disposition": "fixed", "root_cause": "LATE_HEDGE", "corrective": "x", "owner": "lin"}
    town.signed_in("chen").post(f"/orders/{order.id}/close", data=form)
    due = "2024-06-01T00:00:00Z"
    body = {**form, "corrective": {"text": "x", "owner": "lin", "due": due}}
    body.pop("owner")
    answer = town.client("chen").post(f"{api}/close", json=body)
    assert town.order(order.id).state is State.RESOLVED, "the lock was the page's alone"
    assert (answer.status_code, answer.json()["code"]) == (409, "NEEDS_SECOND_PERSON")


def test_fault_lock_of_the_page_alone(town: House) -> None:
    lock_of_the_page_alone(town)


def test_the_guard_against_lock_of_the_page_alone_is_what_holds(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the rule of the second person where orders are closed, whatever the page shows."""
    real = workorders.guard.decide_close

    def alone(*given: Any, **named: Any) -> Any:
        return real(*given, **{**named, "closer": "somebody else"})

    monkeypatch.setattr(workorders.ending, "decide_close", alone)
    fails_with("the lock was the page's alone", lock_of_the_page_alone, town)
