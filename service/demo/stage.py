"""The demo's stage: an empty folder, servers for mail and chat, directory and opening book."""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from pydantic import SecretStr
from sqlalchemy import Connection

import approvals
from auditlog.events import Event, parse_event
from auditlog.owner import own_log, serve_log
from book.basis import BasisStats
from book.limits import Limit
from book.positions import FuturesPosition, InventoryLot, PhysicalContract, PriceType, Side
from book.write import Dated, put_dated
from directory import Person, Role
from directory.writing import save_directory
from service.application import Application
from service.demo import folder, group
from service.demo.incidents import Incident, book_of, directory_of_all, reachable
from service.demo.mail_server import MailServer
from service.demo.simulation import SimulatedClock
from service.demo.slack_server import TEAM, SlackServer
from service.settings import Settings
from service.web.views.access import DemoPerson
from workorders import reads

ACTOR: Final = "system:demo"
#: The group is looked at this long before and after each incident.
AROUND: Final = timedelta(days=14)
#: The group's days before the first incident: what the detectors learn from.
WARM_UP: Final = timedelta(days=65)

#: The settings that a demo has of its own, and those that the environment may give.
_SAID: Final = (
    "data", "port", "public_url", "slack_url", "slack_token", "slack_signing_secrets",
    "smtp_host", "smtp_port", "rulebook", "language",
)  # fmt: skip

Compose = Callable[..., Application]


@dataclass(frozen=True)
class Stage:
    """Everything that runs in one demo."""

    app: Application
    clock: SimulatedClock
    slack: SlackServer
    mail: MailServer
    events: Sequence[Event]
    incidents: Sequence[Incident]

    @property
    def first_arrival(self) -> datetime:
        """When the first event of an incident arrives."""
        return min(event.arrival_time for one in self.incidents for event in one.events)

    @property
    def last_incident(self) -> Incident:
        """The incident whose events arrive last: it is left for the visitor."""
        return max(self.incidents, key=lambda one: one.last_arrival)

    def visitors(self) -> tuple[DemoPerson, ...]:
        """As whom a visitor may sign in: who has work waiting first, then the group's officer."""
        waiting = set(self.last_incident.setup.get("assign", ()))

        def turn(person: Person) -> tuple[bool, bool, bool]:
            officer = Role.RISK_OFFICER in person.roles
            return (person.id not in waiting, not officer, person.id != group.OFFICER)

        people = sorted(self.app.directory.people, key=turn)
        with self.app.store.reader() as connection:
            return tuple(
                DemoPerson(
                    one.id,
                    one.name,
                    tuple(role.value for role in one.roles),
                    one.unit,
                    self._waiting(connection, one.id),
                )
                for one in people
            )

    def _waiting(self, connection: Connection, person: str) -> int:
        """How much stands on the person's first page, so that a visitor knows whom to be."""
        now = self.app.clock()
        scopes = self.app.directory.visible_scopes(person, now)
        return len(reads.waiting_for(connection, person, scopes)) + len(
            approvals.waiting_for(connection, person, now)
        )


@contextmanager
def staged(
    compose: Compose,
    data: Path,
    incidents: Sequence[Incident],
    *,
    seed: int | None,
    port: int = 0,
    beside: Sequence[Event] = (),
    **wiring: Any,
) -> Iterator[Stage]:
    """Set the stage: servers up, application wired to them, directory and book filled.

    Args:
        compose: wires the application.
        data: the folder; held, emptied of what an earlier demo left, and marked as a demo's.
        incidents: what will happen.
        seed: of the group's ordinary days; None leaves the group out.
        port: where the console will listen; 0 takes a free one.
        beside: what happens besides, and belongs to none of them.
        wiring: further arguments of `compose`.

    Raises:
        WrongFolder: when the folder is not a demo's; nothing in it was touched.
        store.errors.FolderHeld: when another process uses it; nothing in it was touched.
    """
    port = port or free_port()
    events = [*all_events(incidents, seed), *beside]
    clock = SimulatedClock(min(one.arrival_time for one in events) - timedelta(hours=1))
    secret = token_hex(16)
    with SlackServer(secret, lambda: int(clock().timestamp())) as slack, MailServer() as mail:
        settings = Settings(
            **_defaults(),
            data=data,
            port=port,
            public_url=f"http://127.0.0.1:{port}",
            slack_url=slack.url,
            slack_token=SecretStr(f"demo-{token_hex(8)}"),
            slack_signing_secrets=[SecretStr(secret)],
            smtp_host="127.0.0.1",
            smtp_port=mail.port,
        )
        with ExitStack() as stack:
            stack.enter_context(folder.held(data))
            log = own_log(data, role="demo", clock=clock)
            stack.callback(log.close)
            # Commands reach the log by its socket while the demo runs.
            stack.callback(serve_log(data, log).stop)
            app = compose(settings, clock=clock, log=log, demo=True, role="demo", **wiring)
            stack.callback(app.close)
            furnish(app, incidents)
            yield Stage(app, clock, slack, mail, events, incidents)


def _defaults() -> dict[str, Any]:
    """Every setting that `staged` does not say, at its default.

    Nothing of a live installation's environment reaches a demo but its rulebook and its language.
    """
    return {
        name: one.get_default(call_default_factory=True)
        for name, one in Settings.model_fields.items()
        if name not in _SAID
    }


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def furnish(app: Application, incidents: Sequence[Incident]) -> None:
    """Record the directory and the opening book, from the set-ups and the group alone."""
    known = directory_of_all(group.directory(), incidents)
    with app.store.unit_of_work(ACTOR) as uow:
        save_directory(uow, reachable(known, TEAM))
        opening = [fact for incident in incidents for fact in book_of(incident)]
        since = app.clock() - timedelta(days=1)
        put_dated(uow, [*opening, *group_book(since)], source="setup", action="book.setup")


def group_book(since: datetime) -> Iterator[Dated]:
    """The trading group's opening positions, limits and basis history."""
    for held in group.OPENING:
        place: dict[str, Any] = {
            "org": held.org,
            "product": held.product,
            "month": group.REFERENCE_MONTH,
        }
        facts = (
            PhysicalContract(**place, contract_id="OE-P1", side=Side.BUY, quantity=held.purchase),
            PhysicalContract(**place, contract_id="OE-S1", side=Side.SELL, quantity=held.sale),
            PhysicalContract(
                **place,
                contract_id="OE-U1",
                side=Side.BUY,
                quantity=held.unpriced,
                price_type=PriceType.UNPRICED,
            ),
            InventoryLot(**place, lot_id="OE-TANK-1", quantity=held.inventory),
            FuturesPosition(
                **place, key=f"{held.product}{group.REFERENCE_MONTH}/OE01", lots=held.lots
            ),
            Limit(
                limit_id=f"OE-{held.product}-net",
                org=held.org,
                product=held.product,
                amount=held.limit,
                unit="bbl",
            ),
            BasisStats(
                org=held.org,
                product=held.product,
                month=group.REFERENCE_MONTH,
                mean=group.BASIS_MEAN,
                sd=group.BASIS_SD,
                n=250,
            ),
        )
        for fact in facts:
            yield Dated(fact, since)


def all_events(incidents: Sequence[Incident], seed: int | None) -> list[Event]:
    """The events of the incidents and of the group's days around them."""
    found = [event for incident in incidents for event in incident.events]
    if seed is None:
        return found
    days = sorted({event.arrival_time.date() for event in found})
    spans = [(days[0] - WARM_UP, days[0]), *((day - AROUND, day + AROUND) for day in days)]
    ordinary = [_ordinary(one) for one in group.ordinary_days(seed, spans)]
    last = max(event.arrival_time for event in found)
    return found + [event for event in ordinary if event.arrival_time <= last]


def _ordinary(mapping: dict[str, Any]) -> Event:
    arrival = datetime.fromisoformat(mapping["arrival_ts"])
    parsed = parse_event(mapping, default_arrival=None, now=arrival)
    if isinstance(parsed, list):  # a mistake of ours: the group's events are made, not read
        raise ValueError(parsed)  # noqa: TRY004
    return parsed
