"""Approvals pressed by anybody from everywhere, on both databases.

From the API, the console, the chat, by its slash command, by mail and on the command line.

People who may sign, who may not, who asked and who belong elsewhere press in any order; some lose
their account in between, some lend their seat. The first step needs one officer or both. Approved
is only what enough different people signed who may, each in a seat of their own or lent to them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient
from flow_house import EAST, House, house, slack_user
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from structlog.testing import capture_logs
from test_mail_flow import opened, written_to
from typer.testing import CliRunner

import approvals
from approvals import Mode, State, Status
from approvals.codec import to_json
from approvals.tables import RequestRow
from directory import set_active
from service.application import Application
from service.cli.root import make_app
from store.clock import rfc3339
from store.schema import table
from tests import postgres

REQUESTS = table(str(RequestRow.__tablename__))
#: Two officers and two managers may sign, each their step; chen asks; the others never may.
MAY = {"lin": 0, "new": 0, "wang": 1, "boss": 1}
#: To whom each of them lends the seat.
LENDS = {"lin": "boss", "new": "boss", "wang": "lin", "boss": "new"}
PEOPLE = ("chen", "lin", "new", "wang", "boss", "shen", "zhao", "tmp", "root")
PRESSED = st.lists(
    st.tuples(
        st.sampled_from((*PEOPLE, *MAY, *MAY)),
        st.sampled_from(
            ("api", "console", "chat", "slash", "mail", "cli", "leave", "return", "lend", "lend")
        ),
    ),
    min_size=3,
    max_size=10,
)


class Shared(Application):
    """The application of the house, which a command does not close."""

    def close(self) -> None:
        """It goes on."""


@dataclass
class Town:
    house: House
    order: str
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    pages: dict[str, TestClient] = field(default_factory=dict)

    def ask(self, need: int = 1) -> str:
        """A limit change whose first step needs one of its officers, or two."""
        body = {"kind": "limit_change", "object_id": f"L-{next(self.numbers)}"}
        client = self.house.client("chen")
        asked = client.post(f"/api/v1/orders/{self.order}/request-approval", json=body)
        assert asked.status_code == 200, asked.text
        number = str(asked.json()["approval"])
        if need > 1:
            state = self.state(number)
            first = replace(state.steps[0], need=need, mode=Mode.N_OF)
            seated = to_json(replace(state, steps=(first, *state.steps[1:])))
            with self.house.app.store.engine.begin() as connection:
                place = REQUESTS.c.id == number
                connection.execute(update(REQUESTS).where(place).values(state=seated))
        self.house.run_agents()
        return number

    def lend(self, person: str) -> str:
        """The person lends the seat and the other agrees; empty when either may not."""
        asked = {
            "delegate": LENDS[person], "scope": EAST, "reason": "away",
            "ends_at": rfc3339(self.house.clock() + timedelta(days=2)),
        }  # fmt: skip
        given = self.house.client(person).post("/api/v1/delegations", json=asked)
        assert given.status_code < 500, given.text
        if not given.is_success:
            return ""
        lent = str(given.json()["delegation"]["number"])
        path = f"/api/v1/delegations/{lent}/confirm"
        assert self.house.client(LENDS[person]).post(path).status_code < 500
        return lent

    def ended(self, lent: str, person: str) -> None:
        path = f"/api/v1/delegations/{lent}/end"
        assert self.house.client(person).post(path, json={}).status_code == 200

    def state(self, number: str) -> State:
        with self.house.app.store.reader() as connection:
            return approvals.read(connection, number)

    def page(self, person: str) -> TestClient:
        if person not in self.pages:
            self.pages[person] = self.house.signed_in(person)
        return self.pages[person]

    def press(self, person: str, surface: str, number: str) -> None:
        version = self.state(number).version
        match surface:
            case "api":
                body = {"verb": "approve", "version": version}
                path = f"/api/v1/approvals/{number}/acts"
                answer = self.house.client(person).post(path, json=body)
            case "console":
                path = f"/approvals/{number}/approve"
                answer = self.page(person).post(path, data={"version": str(version)})
            case "chat":
                self.house.pass_time(seconds=1)
                message = self.house.slack.messages[-1]
                value = f"{number}/{version}/approve"
                user = slack_user(person)
                click = self.house.slack.press_value(message, "approve", user, value)
                answer = self.house.send(click)
            case "slash":
                self.house.pass_time(seconds=1)
                typed = self.house.slack.command(slack_user(person), f"ack {number}")
                answer = self.house.send(typed, "commands")
            case "cli":
                self.by_command(person, number, version)
                return
            case _:
                answer = self.by_mail(person, number)
        assert answer is None or answer.status_code < 500, answer.text

    def by_command(self, person: str, number: str, version: int) -> None:
        """On the machine, with a token of one's own, over the application that is at work."""
        app = self.house.app
        ports = {one.name: getattr(app, one.name) for one in fields(Application)}
        command = make_app(lambda *_, **__: Shared(**ports), "en")
        words = ["approvals", "approve", number, "--seen", str(version), "--as", person, "--json"]
        env = {
            "HEDGEWARDEN_DATA": str(app.settings.data),
            "HEDGEWARDEN_DATABASE": app.settings.database,
            "HEDGEWARDEN_TOKEN": self.house.tokens[person],
        }
        kept = structlog.get_config()
        try:
            told = CliRunner().invoke(command, words, env=env)
        finally:  # the command would have the house log to a stream that is closed by now
            structlog.configure(**kept)
        assert told.exit_code in {0, 1, 2}, told.output
        assert "unexpected" not in told.output.lower(), told.output
        signed = [one.by for one in self.state(number).signatures]
        assert (told.exit_code == 0) <= (person in signed), told.output

    def by_mail(self, person: str, number: str) -> Any:
        """Whoever got no mail of their own uses the first signer's, signed in as themselves."""
        self.house.run_agents()  # a step that has come has its mail
        try:
            path, _ = written_to(self.house, person, number)
        except AssertionError:
            path, _ = written_to(self.house, "lin", number)
        browser = self.page(person)
        looked = browser.get(path)
        if 'name="nonce"' not in looked.text:  # nothing is asked any more
            return looked
        browser, nonce = opened(self.house, path, browser)
        return browser.post(path, data={"nonce": nonce, "verb": "approve"})

    def employ(self, person: str, *, active: bool) -> None:
        with self.house.app.store.unit_of_work("cli:test") as uow:
            set_active(uow, person, active=active)


@contextmanager
def a_town(folder: Path, **options: Any) -> Iterator[Town]:
    with capture_logs(), house(folder, **options) as made:
        for person in PEOPLE:  # before anybody leaves
            made.tokens[person] = made.token(person)
        town = Town(made, made.breach().id)
        for person in PEOPLE:
            town.page(person)
        yield town


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("everywhere")
    if request.param == "sqlite":
        with a_town(folder) as found:
            yield found
        return
    if reason := postgres.missing():
        pytest.skip(reason)
    with postgres.cluster() as url, a_town(folder, database=url) as found:
        yield found


def lawful(state: State, active_when_signed: dict[str, bool], need: int = 1) -> None:
    for names in ([one.by for one in state.signatures], [one.seat for one in state.signatures]):
        assert len(names) == len(set(names)), "somebody counts twice"
    for one in state.signatures:
        assert MAY.get(one.seat) == one.step, f"signed in a seat that is none: {one.seat}"
        assert one.by in {one.seat, LENDS[one.seat]}, f"signed by somebody who may not: {one.by}"
        assert active_when_signed[one.by], "signed after leaving"
    of_step = [sum(one.step == step for one in state.signatures) for step in (0, 1)]
    if state.status is Status.APPROVED:
        assert of_step == [need, 1], "approved by too few"
    if of_step[0] < need:
        assert (of_step[1], state.status) == (0, Status.PENDING), "out of turn"


@settings(
    deadline=None,
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(pressed=PRESSED, need=st.sampled_from((1, 2)))
def test_no_interleaving_of_surfaces_approves_without_the_people_it_needs(
    town: Town, pressed: list[tuple[str, str]], need: int
) -> None:
    number = town.ask(need)
    gone: set[str] = set()
    lent: dict[str, str] = {}
    active: dict[str, bool] = {}
    try:
        for person, how in pressed:
            if how in {"leave", "return"}:
                town.employ(person, active=how == "return")
                (gone.add if how == "leave" else gone.discard)(person)
                town.pages.pop(person, None) if how == "leave" else None
                continue
            if how == "lend":
                if person in LENDS and (given_up := town.lend(person)):
                    lent[given_up] = person
                continue
            if person in gone and how in {"console", "mail"}:
                continue  # the session ended with the account
            town.press(person, how, number)
            for one in town.state(number).signatures:
                active.setdefault(one.by, not gone & {one.by, one.seat})
            lawful(town.state(number), active, need)
    finally:
        for person in gone:
            town.employ(person, active=True)
        for number_lent, person in lent.items():
            town.ended(number_lent, person)


def test_those_who_may_approve_it_from_two_surfaces(town: Town) -> None:
    """So that the property above is not held by nobody ever getting through."""
    number = town.ask()
    town.press("lin", "chat", number)
    town.press("lin", "api", number)
    town.press("lin", "cli", number)
    town.press("chen", "console", number)
    town.press("chen", "cli", number)
    assert town.state(number).status is Status.PENDING
    town.press("wang", "mail", number)
    state = town.state(number)
    assert (state.status, [one.by for one in state.signatures]) == (
        Status.APPROVED,
        ["lin", "wang"],
    )
    lawful(state, {"lin": True, "wang": True})


def test_two_of_two_and_a_lent_seat_get_through_together(town: Town) -> None:
    """Nor is it held by no seat ever being lent, or two never being needed."""
    number = town.ask(need=2)
    lent = town.lend("new")
    assert lent
    try:
        for surface in ("slash", "chat"):
            town.press("lin", surface, number)
        assert [one.by for one in town.state(number).signatures] == ["lin"]
        town.press("wang", "api", number)
        assert len(town.state(number).signatures) == 1, "the second step before its turn"
        town.press("boss", "console", number)
        state = town.state(number)
        seats = [(one.seat, one.by) for one in state.signatures]
        assert (seats, state.step) == ([("lin", "lin"), ("new", "boss")], 1)
        town.press("boss", "cli", number)
        assert town.state(number).status is Status.PENDING, "nobody signs two steps"
        town.press("wang", "chat", number)
        state = town.state(number)
        assert state.status is Status.APPROVED
        lawful(state, dict.fromkeys(MAY, True), need=2)
    finally:
        town.ended(lent, "new")


def test_the_command_line_signs_for_those_who_may_and_refuses_the_others_on_record(
    town: Town,
) -> None:
    number = town.ask()
    for person in ("chen", "shen", "zhao", "tmp", "root"):
        town.press(person, "cli", number)
        assert town.state(number).signatures == ()
    with town.house.app.store.reader() as connection:
        refused = {one.act.actor for one in approvals.history(connection, number)[1:]}
    assert "chen" in refused
    town.press("lin", "cli", number)
    town.press("wang", "cli", number)
    state = town.state(number)
    assert (state.status, [one.by for one in state.signatures]) == (
        Status.APPROVED,
        ["lin", "wang"],
    )
