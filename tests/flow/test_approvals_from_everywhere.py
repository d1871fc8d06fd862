"""Approvals pressed by anybody from everywhere, on both databases.

From the API, the console, the chat, by mail and on the command line.

People who may sign, who may not, who asked and who belong elsewhere press in any order, and some
lose their account in between. Approved is only what enough different people signed who may.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient
from flow_house import House, house, slack_user
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from test_mail_flow import opened, written_to
from typer.testing import CliRunner

import approvals
from approvals import State, Status
from directory import set_active
from service.application import Application
from service.cli.root import make_app
from tests import postgres

#: Two officers and two managers may sign, each their step; chen asks; the others never may.
MAY = {"lin": 0, "new": 0, "wang": 1, "boss": 1}
PEOPLE = ("chen", "lin", "new", "wang", "boss", "shen", "zhao", "tmp", "root")
PRESSED = st.lists(
    st.tuples(
        st.sampled_from((*PEOPLE, *MAY, *MAY)),
        st.sampled_from(("api", "console", "chat", "mail", "cli", "leave", "return")),
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

    def ask(self) -> str:
        body = {"kind": "limit_change", "object_id": f"L-{next(self.numbers)}"}
        client = self.house.client("chen")
        asked = client.post(f"/api/v1/orders/{self.order}/request-approval", json=body)
        assert asked.status_code == 200, asked.text
        self.house.run_agents()
        return str(asked.json()["approval"])

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


def lawful(state: State, active_when_signed: dict[str, bool]) -> None:
    signers = [one.by for one in state.signatures]
    assert len(signers) == len(set(signers)), "somebody counts twice"
    for one in state.signatures:
        assert MAY.get(one.by) == one.step, f"signed by somebody who may not: {one.by}"
        assert active_when_signed[one.by], "signed after leaving"
    if state.status is Status.APPROVED:
        assert {one.step for one in state.signatures} == {0, 1}, "approved by too few"


@settings(
    deadline=None,
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(pressed=PRESSED)
def test_no_interleaving_of_surfaces_approves_without_the_people_it_needs(
    town: Town, pressed: list[tuple[str, str]]
) -> None:
    number = town.ask()
    gone: set[str] = set()
    active: dict[str, bool] = {}
    try:
        for person, how in pressed:
            if how in {"leave", "return"}:
                town.employ(person, active=how == "return")
                (gone.add if how == "leave" else gone.discard)(person)
                town.pages.pop(person, None) if how == "leave" else None
                continue
            if person in gone and how in {"console", "mail"}:
                continue  # the session ended with the account
            town.press(person, how, number)
            for one in town.state(number).signatures:
                active.setdefault(one.by, one.by not in gone)
            lawful(town.state(number), active)
    finally:
        for person in gone:
            town.employ(person, active=True)


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
