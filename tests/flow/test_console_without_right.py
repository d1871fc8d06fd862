"""Every form of the console, sent by people who have not the right to it: nothing is done.

The request is one that is carried out for who has the right, which is shown each time. A new route
of the console that takes a POST must be named here with the right that it needs.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, PATIENCE_S, ROLES, WEST, house
from structlog.testing import capture_logs
from test_failpoints_routes import ACTS, CHANNELS, JSON, Request, World, routes

from directory.roles import Role, permissions_of
from service.web.reader import SAID_COOKIE, unpack_said
from tests.breaking import Breaking
from trail import find
from trail.tables import RECORD

#: What everybody may do for himself.
OWN = {"/login", "/logout", "/preferences"}
#: What a refusal may leave: that it was refused, in the trail and among the acts on a request.
REFUSALS = {"trail_record", "trail_head", "trail_checkpoint", "approvals_event"}
OFFICE = {person: Role(role) for role, person in ROLES.items()} | {"zhao": Role.RISK_OFFICER}
#: They see no row of East, whatever their role permits: a sibling's officer, an administrator.
BLIND = {"zhao", "root"}


@dataclass(frozen=True)
class Right:
    """Who may send a form.

    Attributes:
        permissions: one of these is enough, in the words of the directory.
        people: who else may, by what they have to do with it.
        rows: whether it is about rows of East, so that who does not see them may not.
        writes: whether something is on record when it was done.
        refused: whether the answer is a refusal; of several at once the page tells of each.
    """

    permissions: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    rows: bool = True
    writes: bool = True
    refused: bool = True

    def has(self, person: str) -> bool:
        if self.rows and person in BLIND:
            return False
        return person in self.people or bool(
            permissions_of([OFFICE[person]]) & set(self.permissions)
        )


ORDER, ROSTER = "/orders/{number}/", Right(("roster.write",))
RIGHTS = {
    f"{ORDER}acknowledge": Right(("order.acknowledge",)),
    f"{ORDER}take_over": Right(("order.acknowledge",)),
    f"{ORDER}escalate": Right(("order.acknowledge",)),
    f"{ORDER}files": Right(("order.note",)),
    f"{ORDER}note": Right(("order.note",)),
    f"{ORDER}tag": Right(("order.note",)),
    f"{ORDER}merge": Right(("alert.triage",)),
    f"{ORDER}hold": Right(("order.resolve",)),
    f"{ORDER}resolve": Right(("order.resolve",)),
    f"{ORDER}resume": Right(("order.resolve",)),
    f"{ORDER}snooze": Right(("order.snooze",)),
    f"{ORDER}wake": Right(("order.snooze",)),
    f"{ORDER}reassign": Right(("order.reassign",)),
    f"{ORDER}undo": Right(people=("wang",)),
    f"{ORDER}request_approval": Right(("approval.request",)),
    f"{ORDER}close": Right(("order.close",)),
    f"{ORDER}reopen": Right(("order.open",)),
    "/orders/new": Right(("order.open",)),
    "/reviews/{number}/finish": Right(("order.close",)),
    "/reviews/{number}/put-off": Right(("order.close",)),
    "/alerts/{number}/confirm": Right(("alert.triage",)),
    "/alerts/{number}/dismiss": Right(("alert.triage",)),
    "/alerts/{number}/merge": Right(("alert.triage",)),
    "/alerts/dismiss/all": Right(("alert.triage",), refused=False),
    "/alerts/dismiss": Right(("alert.triage",), writes=False, refused=False),
    "/silences": Right(("alert.silence",)),
    "/silences/{silence_id}/confirm": Right(("alert.silence",)),
    "/silences/{silence_id}/end": Right(("alert.silence",)),
    "/exemptions": Right(("approval.request",)),
    "/exemptions/{exemption_id}/revoke": Right(("approval.sign",)),
    "/drills": ROSTER,
    "/drills/{number}/end": ROSTER,
    "/roster/tests": Right(("roster.write", "system.operate"), people=("chen",)),
    "/roster/overrides": ROSTER,
    "/roster/absences": ROSTER,
    "/roster/swaps": Right(("roster.write",), people=("chen",)),
    "/roster/swaps/{change_id}/agree": Right(("roster.write",), people=("chen",)),
    "/roster/changes/{change_id}/withdraw": Right(("roster.write",), people=("chen",)),
    "/handover": Right(("order.resolve",)),
    "/handover/{handover_id}/take": Right(("order.resolve",)),
    "/handover/{handover_id}/withdraw": Right(people=("chen",)),
    "/approvals/{number}/{verb}": Right(("approval.sign",)),
    "/approvals/sign": Right(("approval.sign",), refused=False),
    "/delegations": Right(("approval.delegate",)),
    "/delegations/{number}/confirm": Right(people=("chen", "wang")),
    "/delegations/{number}/end": Right(),
    "/log/quarantine/{number}/replay": Right(("import.write",)),
    "/log/quarantine/{number}/dismiss": Right(("import.write",)),
    "/log/quarantine/book/{number}/replay": Right(("import.write",)),
    "/log/quarantine/book/{number}/dismiss": Right(("import.write",)),
    "/rules/check": Right(("rules.read",), rows=False, writes=False),
    "/trail/verify": Right(("trail.read",), rows=False),
    "/trail/anchor": Right(("trail.export",), rows=False),
    "/trail/checkpoint": Right(("trail.export",), rows=False),
    "/trail/export": Right(("trail.export",), rows=False),
    "/trail/records/{seq}/replay": Right(("trail.read",)),
    "/trail/records/{seq}/proof": Right(("trail.read",)),
}


class Borrowed:
    """A browser that hands each request to who sits before it."""

    def __init__(self, town: "Town") -> None:
        self.town = town

    def post(self, path: str, **sent: Any) -> Any:
        return self.town.browser(self.town.sender).post(path, **sent)


@dataclass
class Town(World):
    """A town in which the same request is sent by one person after another.

    Attributes:
        sender: who sends what is asked next.
        meant: whose request it is, who has the right.
    """

    sender: str = ""
    meant: str = ""
    browsers: dict[str, TestClient] = field(default_factory=dict)

    def page(self, person: str) -> Any:
        self.meant = person
        return Borrowed(self)

    def browser(self, person: str) -> TestClient:
        if person not in self.browsers:
            self.browsers[person] = super().page(person)
        return self.browsers[person]

    def held(self) -> dict[str, Any]:
        """What the database holds, what the log keeps back and what was laid outside."""
        outside = self.town.app.settings.anchors
        assert outside is not None
        rows: dict[str, Any] = dict(self.contents())
        rows["held back"] = [str(one) for one in self.town.app.log.quarantine()]
        rows["outside"] = sorted(str(one) for one in outside.rglob("*"))
        return rows


# --- requests of routes that stand in no other list ---------------------------------------------


def row_of_log(verb: str, form: dict[str, str]) -> Any:
    def make(town: Town) -> Request:
        number = f"Q-{next(town.numbers)}"
        row = {
            "event_id": number, "kind": "system", "type": "login", "org": EAST,
            "event_time": "2024-05-14 09:30", "actor": "robot",
        }  # fmt: skip
        town.town.client("chen").post(f"{JSON}/events", json=[row])
        found = max(one.number for one in town.town.app.log.quarantine())
        browser = town.page("chen")
        return lambda: browser.post(f"/log/quarantine/{found}/{verb}", data=form)

    return make


def of_trail(path: str) -> Any:
    def make(town: Town) -> Request:
        with town.town.app.store.reader() as connection:
            seq = min(one.seq for one in find(connection, org=EAST, limit=1000))
        browser = town.page("wang")
        return lambda: browser.post(path.replace("{seq}", str(seq)))

    return make


def picked(town: Town) -> Request:
    form, browser = {"alert": [town.raised("blue")]}, town.page("chen")
    return lambda: browser.post("/alerts/dismiss", data=form)


def checked(town: Town) -> Request:
    browser = town.page("chen")
    return lambda: browser.post("/rules/check", data={"source": "id: X"})


MORE = {
    "/log/quarantine/{number}/replay": row_of_log(
        "replay", {"field.event_time": "2024-05-14T09:30:00"}
    ),
    "/log/quarantine/{number}/dismiss": row_of_log("dismiss", {"reason": "a test system"}),
    "/alerts/dismiss": picked,
    "/rules/check": checked,
} | {path: of_trail(path) for path in RIGHTS if path.startswith("/trail/")}


@pytest.fixture(name="town", scope="module")
def _town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    outside = tmp_path_factory.mktemp("outside")
    with (
        capture_logs(),
        house(tmp_path_factory.mktemp("without_right"), anchors=outside) as made,
    ):
        assert made.limit(1000).status_code == 200
        made.breach()
        made.pass_time(minutes=2)  # the next record brings a checkpoint over all before it
        assert made.limit(1000, WEST).status_code == 200
        town = Town(made, Breaking(), made.web, itertools.count(1))
        for person in OFFICE:
            town.browser(person)
        yield town


def test_every_form_of_the_console_is_named_here(town: Town):
    pages = {path for path in routes(town.web.routes) if not path.startswith(JSON)}
    assert pages - CHANNELS == set(RIGHTS) | OWN
    assert set(RIGHTS) <= set(ACTS) | set(MORE)


def wait_until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def done(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The tables in which more stands than that something was refused."""
    changed = {name for name, rows in after.items() if before[name] != rows}
    new = [row for row in after["trail_record"] if row not in before["trail_record"]]
    outcome = list(RECORD.c.keys()).index("outcome")
    if all(row[outcome] == "refused" for row in new):
        changed -= REFUSALS
    return changed


def refusing(answer: Any) -> bool:
    """Whether a person is told that nothing was done: a page that says so, or where it leads."""
    if answer.status_code in {403, 404, 422}:
        return True
    said = unpack_said(answer.cookies.get(SAID_COOKIE, ""))
    return answer.status_code == 303 and said is not None and said.tone == "bad"


@pytest.mark.parametrize("path", list(RIGHTS))
def test_who_has_not_the_right_does_nothing(town: Town, path: str):
    right = RIGHTS[path]
    ask = (MORE.get(path) or ACTS[path])(town)
    without = [person for person in OFFICE if not right.has(person)]
    assert "tmp" in without
    wrong = []
    for person in without:
        town.sender = person
        before = town.held()
        answer = ask()
        changed = done(before, town.held())
        if changed or answer.status_code >= 500 or (right.refused and not refusing(answer)):
            wrong.append((person, answer.status_code, changed))
    assert wrong == []
    town.sender = town.meant
    before = town.held()
    answer = ask()
    assert answer.status_code in {200, 303}, answer.text
    assert not refusing(answer)
    wait_until(lambda: not town.web.state.verification.running)
    assert bool(done(before, town.held())) is right.writes
