"""A company in one data folder, a chat and a mail server beside it, a clock that we move."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import update

import main
from directory.loading import directory_from_mapping
from directory.writing import save_directory
from service.application import Application
from service.assembly import make_app, make_pages
from service.demo.mail_server import MailServer
from service.demo.simulation import SimulatedClock
from service.demo.slack_server import TEAM, Message, SignedRequest, SlackServer
from service.security import passwords, set_password, tokens
from service.settings import Settings
from service.web import Assets
from store import open_engine
from store.migrate import upgrade
from workorders import WorkOrder, reads
from workorders.rows import ORDERS

# A sign-in costs 100 ms by design; these tests sign in a thousand times. The cost that ships has a
# test of its own beside the passwords.
passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)

START = datetime(2024, 5, 14, 2, 0, tzinfo=UTC)  # Tuesday 10:00 in Shanghai, the market is open
EAST = "Group/East"
WEST = "Group/West"
PATIENCE_S = 60.0  # with what a busy machine does in its own time
PASSWORD = "correct horse battery"
ROLES = {
    "trader": "liu",
    "risk_officer": "chen",
    "settlement": "zhou",
    "compliance_editor": "gui",
    "manager": "wang",
    "auditor": "shen",
    "operations": "ops",
    "administrator": "root",
    "temporary": "tmp",
}
PEOPLE: Mapping[str, Any] = {
    "organisations": [
        {"path": "Group", "routing": {"*": ["boss"]}},
        {"path": EAST, "routing": {"*": ["chen", "lin"]}, "settings": {"product": "cu"}},
        {"path": WEST, "routing": {"*": ["zhao"]}, "settings": {"product": "cu"}},
    ],
    "people": [
        {"id": "chen", "name": "Chen Fang", "roles": ["risk_officer"], "unit": EAST},
        {"id": "lin", "name": "Lin Hao", "roles": ["risk_officer"], "unit": EAST},
        {"id": "wang", "name": "Wang Qiang", "roles": ["manager"], "unit": EAST},
        {"id": "liu", "roles": ["trader"], "unit": EAST},
        {"id": "zhou", "roles": ["settlement"], "unit": EAST},
        {"id": "gui", "roles": ["compliance_editor"], "unit": EAST},
        {"id": "ops", "roles": ["operations"], "unit": EAST},
        {"id": "root", "roles": ["administrator"], "unit": EAST},
        {"id": "tmp", "roles": ["temporary"], "unit": EAST},
        {"id": "new", "name": "New Officer", "roles": ["risk_officer"], "unit": EAST},
        {
            "id": "shen",
            "roles": ["auditor"],
            "unit": EAST,
            "grants": [{"grant": "view", "scope": EAST}],
        },
        {"id": "boss", "name": "Boss", "roles": ["manager"], "unit": "Group"},
        {"id": "zhao", "name": "Zhao Min", "roles": ["risk_officer"], "unit": WEST},
    ],
}
UNLINKED = {"new"}


def people() -> dict[str, Any]:
    linked = []
    for number, person in enumerate(PEOPLE["people"], 1):
        reached = {**person, "email": f"{person['id']}@here.invalid", "language": "en"}
        if person["id"] not in UNLINKED:
            reached["slack"] = {"team": TEAM, "user": f"U{number:05d}"}
        linked.append(reached)
    return {**PEOPLE, "people": linked}


def slack_user(person: str) -> str:
    place = [one["id"] for one in PEOPLE["people"]].index(person) + 1
    return f"U{place:05d}"


@dataclass
class House:
    app: Application
    clock: SimulatedClock
    slack: SlackServer
    mail: MailServer
    web: Any = None
    tokens: dict[str, str] = field(default_factory=dict)
    numbers: int = 0

    # --- time and agents --------------------------------------------------------------------

    def pass_time(self, **duration: float) -> None:
        self.clock.set(self.clock() + timedelta(**duration))

    def run_agents(self) -> None:
        for _ in range(5):
            self.app.watcher.run_once(self.clock())
            self.app.escalator.run_once(self.clock())

    # --- programs and people ----------------------------------------------------------------

    def token(self, person: str, *scopes: str) -> str:
        with self.app.store.unit_of_work("cli:test") as uow:
            return tokens.issue(uow, person, name="test", scopes=scopes)

    def client(self, person: str = "") -> TestClient:
        client = TestClient(self.web, raise_server_exceptions=False, follow_redirects=False)
        if person:
            if person not in self.tokens:
                self.tokens[person] = self.token(person)
            client.headers["Authorization"] = f"Bearer {self.tokens[person]}"
        return client

    def signed_in(self, person: str) -> TestClient:
        with self.app.store.unit_of_work("cli:test") as uow:
            set_password(uow, person, PASSWORD)
        client = self.client()
        client.headers["Origin"] = "http://testserver"
        answer = client.post("/login", data={"login": person, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return client

    # --- the book -----------------------------------------------------------------------------

    def buy(self, quantity: int, org: str = EAST, contract: str = "P-1") -> httpx.Response:
        self.numbers += 1
        row = {
            "contract_id": contract,
            "org": org,
            "product": "cu",
            "side": "buy",
            "quantity": str(quantity),
            "month": "2406",
            "price": "71250",
        }
        client = self.client(feeder(org))
        return client.post("/api/v1/book/contracts", json={"rows": [row]})

    def limit(self, amount: int, org: str = EAST) -> httpx.Response:
        row = {"org": org, "product": "cu", "amount": str(amount), "limit_id": f"L-{org}"}
        return self.client(feeder(org)).post("/api/v1/book/limits", json={"rows": [row]})

    def breach(self, org: str = EAST, quantity: int = 1300) -> WorkOrder:
        """A red order: the exposure stands above 1.2 of its limit; its cards are delivered."""
        assert self.limit(1000, org).status_code == 200
        answer = self.buy(quantity, org)
        assert answer.status_code == 200, answer.text
        order = next(one for one in self.orders() if one.org == org)
        self.run_agents()
        return order

    def holds(self, order_id: str) -> None:
        """Past the product: the order gets a condition, so that its guard can be overridden."""
        clears = [["EXPOSURE_TIERS", f"{self.order(order_id).org}||cu||net"]]
        with self.app.store.engine.begin() as connection:
            connection.execute(update(ORDERS).where(ORDERS.c.id == order_id).values(clears=clears))

    def orders(self) -> tuple[WorkOrder, ...]:
        with self.app.store.reader() as connection:
            return reads.list_orders(connection, ["Group"], limit=100).items

    def order(self, order_id: str) -> WorkOrder:
        with self.app.store.reader() as connection:
            found = reads.get_order(connection, order_id)
        assert found is not None
        return found

    def actions(self) -> list[str]:
        from sqlalchemy import select

        from trail.tables import RECORD

        with self.app.store.reader() as connection:
            return list(connection.scalars(select(RECORD.c.action).order_by(RECORD.c.seq)))

    # --- the chat ---------------------------------------------------------------------------

    def card(self, person: str, verb: str = "", about: str = "") -> Message:
        """The newest card in a person's chat, with the button `verb` and about `about`."""
        channel = f"D{slack_user(person)}"
        for message in reversed(self.slack.messages):
            shown = {button["action_id"] for button in message.buttons}
            number = message.body["metadata"].get("event_payload", {}).get("object_id", "")
            fits = message.channel == channel and not message.ephemeral_for
            if fits and (not verb or verb in shown) and number.startswith(about):
                return message
        raise AssertionError(f"no card for {person} with {verb!r}")

    def whispers(self, user: str) -> list[str]:
        return [one.body["text"] for one in self.slack.messages if one.ephemeral_for == user]

    def send(
        self, asked: SignedRequest, path: str = "interactivity", **headers: str
    ) -> httpx.Response:
        return self.client().post(
            f"/integrations/slack/{path}", content=asked.body, headers={**asked.headers, **headers}
        )

    def press(
        self, person: str, verb: str, *, about: str = "", reason: str = "", user: str = ""
    ) -> httpx.Response:
        message = self.card(person, verb, about)
        pressed = self.slack.press(message, verb, user or slack_user(person), reason=reason)
        return self.send(pressed)


def feeder(org: str) -> str:
    return "chen" if org == EAST else "zhao"


@cache
def _migrated() -> bytes:
    """A database at the newest revision, migrated once for all houses of this process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "migrated.db")
        engine = open_engine(f"sqlite:///{file}")
        upgrade(engine)
        engine.dispose()
        return file.read_bytes()


def _lay_database(settings: Settings) -> None:
    file = settings.data / "hedgewarden.db"
    if settings.database_url == f"sqlite:///{file}" and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_bytes(_migrated())
        file.chmod(0o600)


@contextmanager
def house(
    folder: Path, *, chat: Callable[..., SlackServer] = SlackServer, **options: Any
) -> Iterator[House]:
    """The company, furnished, with its web application."""
    clock = SimulatedClock(START)
    secret = "a secret of this test"
    with chat(secret, lambda: int(clock().timestamp())) as slack, MailServer() as mail:
        settings = Settings(
            data=folder,
            language="en",
            public_url="http://testserver",
            slack_url=slack.url,
            slack_token=SecretStr("token"),
            slack_signing_secrets=[SecretStr(secret), SecretStr("the one before")],
            smtp_host="127.0.0.1",
            smtp_port=mail.port,
            **options,
        )
        _lay_database(settings)
        app = main.compose(settings, clock=clock, role="test")
        try:
            known, problems = directory_from_mapping(people())
            assert problems == []
            with app.store.unit_of_work("system:test") as uow:
                save_directory(uow, known)
            made = House(app, clock, slack, mail)
            made.web = make_app(app, pages=make_pages(app, plain_assets()))
            yield made
        finally:
            app.close()


def plain_assets() -> Assets:
    """Names without a build, so that no test needs the front end."""
    return Assets(files={name: name for name in ("app.js", "app.css", "theme.js")})


@contextmanager
def over_http(web: Any) -> Iterator[str]:
    """The application behind a real server on this machine; gives its address."""
    config = uvicorn.Config(web, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
