"""A house with agents in it: real database, real log, real rules, a clock that we move.

`Group/East` trades copper by the shipped specification (five tonnes a lot) under a net limit of
500 t. Events are told in seconds after `START`, a Tuesday at ten in Shanghai with the market open.
"""

import itertools
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import SQLModel

import trail
from agents.facts import Surroundings
from agents.watcher import Looked, Watcher
from auditlog.duckdb_log import DuckDbLog
from auditlog.events import Event, parse_event
from auditlog.owner import own_log
from book.basis import BasisStats
from book.limits import Limit
from book.positions import InventoryLot, PhysicalContract, Side
from book.prices import MarketPrice, PriceKind
from book.write import Dated, put_dated
from directory import Directory
from directory.loading import directory_from_mapping
from directory.writing import save_directory
from rules.loader import load_rulebook
from rules.rulebook import Rulebook
from scripts.make_migration import load_tables
from service.rules_in_force import shipped_rulebook
from store import Store, open_engine
from store.unit_of_work import Failpoint
from trail.notes import Signer
from workorders import Context, Policy, WorkOrder, reads

GROUP, EAST, WEST = "Group", "Group/East", "Group/West"
START = datetime(2024, 5, 14, 2, 0, tzinfo=UTC)
SIGNER = Signer("agents.example/trail", bytes(32))

PEOPLE: dict[str, Any] = {
    "organisations": [
        {"path": GROUP, "routing": ["boss"]},
        {
            "path": EAST,
            "routing": ["chen", "wang"],
            "settings": {
                "product": "cu",
                "month": "2406",
                "erp_sync_within_s": 60,
                "submit_limit": 1000,
                "max_lag_s": 20,
                "sites": ["CN", "DE"],
                "lateness_s": {"erp": 0, "replica": 900},
            },
        },
        {"path": WEST, "routing": ["zhao"], "settings": {"product": "al", "month": "2407"}},
    ],
    "people": [
        {"id": "chen", "role": "risk_officer", "unit": EAST, "grants": []},
        {"id": "wang", "role": "manager", "unit": EAST, "grants": []},
        {"id": "lin", "role": "trader", "unit": EAST, "grants": []},
        {"id": "boss", "role": "manager", "unit": GROUP, "grants": []},
        {"id": "zhao", "role": "risk_officer", "unit": WEST, "grants": []},
        {
            "id": "tmp",
            "role": "temporary",
            "unit": EAST,
            "grants": ["view", "draft"],
            "shift": "22:00-06:00",
        },
    ],
}

_numbers = itertools.count(1)


@cache
def rulebook() -> Rulebook:
    """The rules that ship."""
    found, problems = load_rulebook(shipped_rulebook())
    assert problems == []
    return found


def directory(mapping: Mapping[str, Any] = PEOPLE) -> Directory:
    found, problems = directory_from_mapping(mapping)
    assert problems == []
    return found


def surroundings(known: Directory | None = None) -> Surroundings:
    known = known or directory()
    return Surroundings(known, known.calendar, Policy())


def opening_book(
    org: str = EAST, limit: str | None = "500", net: str = "0", product: str = "cu"
) -> list[Dated]:
    """A limit and one sale or purchase, true since the day before."""
    since = START - timedelta(days=1)
    facts: list[Any] = []
    if limit is not None:
        facts.append(
            Limit(limit_id=f"{org}-net", org=org, product=product, amount=Decimal(limit), unit="t")
        )
    quantity = Decimal(net)
    if quantity:
        facts.append(
            PhysicalContract(
                org=org,
                product=product,
                month="2406",
                contract_id="C-OPEN",
                side=Side.BUY if quantity > 0 else Side.SELL,
                quantity=abs(quantity),
            )
        )
    return [Dated(fact, since) for fact in facts]


def in_transit(quantity: str, org: str = EAST) -> Dated:
    """Goods on their way: counted, and drawn from when a receipt times out."""
    lot = InventoryLot(
        org=org,
        product="cu",
        month="2406",
        lot_id="TRANSIT",
        quantity=Decimal(quantity),
        in_transit=True,
        pool=True,
    )
    return Dated(lot, START - timedelta(days=1))


def basis_history(mean: str = "110", sd: str = "60", settle: str = "70000") -> list[Dated]:
    since = START - timedelta(days=1)
    stats = BasisStats(
        org=EAST, product="cu", month="2406", mean=Decimal(mean), sd=Decimal(sd), n=250
    )
    price = MarketPrice(
        product="cu",
        kind=PriceKind.SETTLE,
        at=START - timedelta(hours=1),
        source="setup",
        price=Decimal(settle),
        month="2406",
        org=EAST,
    )
    return [Dated(stats, since), Dated(price, START - timedelta(hours=1))]


def event(what: str, after: float = 0, *, late: float = 0, **fields: Any) -> Event:
    """An event `after` seconds from the start that arrives `late` seconds after it happened."""
    at = START + timedelta(seconds=after)
    mapping = {
        "event_id": f"E-{next(_numbers):05d}",
        "org": EAST,
        "event_time": at.isoformat(),
        "arrival_time": (at + timedelta(seconds=late)).isoformat(),
        "kind": "business",
        "type": what,
        "actor": "svc",
        **fields,
    }
    found = parse_event(
        mapping, default_arrival=None, now=at + timedelta(seconds=max(late, 0), days=400)
    )
    assert isinstance(found, Event), found
    return found


def timeout(receipt: str, after: float = 0, *, qty: int = 1500, late: float = 0) -> Event:
    return event(
        "inbound.timeout", after, late=late, kind="exception", actor="wms", receipt=receipt, qty=qty
    )


def posted(receipt: str, after: float = 0, *, late: float = 0) -> Event:
    return event("inbound.post", after, late=late, actor="wms", receipt=receipt)


def quote(price: str, after: float = 0, *, late: float = 0) -> Event:
    return event("spot.quote", after, late=late, kind="market", actor="feed:smm", price=price)


def order(
    number: str,
    after: float = 0,
    *,
    side: str = "sell",
    qty: int = 100,
    actor: str = "lin",
    late: float = 0,
) -> Event:
    return event("order.create", after, late=late, actor=actor, order=number, side=side, qty=qty)


def queued(after: float = 0, *, late: float = 0, **fields: Any) -> Event:
    """A robot's hedge that waits for the market."""
    given = {"actor": "auto-hedger", "side": "buy", "lots": 10, "contract": "cu2406", **fields}
    return event("hedge.order.queued", after, late=late, **given)


def alert(number: str, level: str, after: float = 0, **fields: Any) -> Event:
    return event(
        "alert.raised", after, kind="risk", actor="robot", alert=number, level=level, **fields
    )


def review(actor: str, after: float, verdict: str = "confirmed", **fields: Any) -> Event:
    return event("alert.review", after, kind="risk", actor=actor, verdict=verdict, **fields)


@dataclass
class Failing:
    """A failpoint that can be set: fails before the statement of that number, or any call of it."""

    at: int | None = None
    count: int = 0
    before: str = ""

    def __call__(self, place: str) -> None:
        if place == "committed":
            return
        self.count += 1
        if self.at is not None and self.count == self.at:
            raise Crash(place)


class Crash(Exception):  # noqa: N818 - what happens, not an error of the product
    """The failpoint's own."""


@dataclass
class House:
    """The parts, and what a test asks of them."""

    folder: Path
    store: Store
    log: DuckDbLog
    watcher: Watcher
    clock: list[datetime]
    failing: Failing
    policy: Policy = field(default_factory=Policy)
    channels: tuple[str, ...] = ("chat", "mail")

    @property
    def now(self) -> datetime:
        return self.clock[0]

    def at(self, after: float) -> datetime:
        """Set the clock to so many seconds after the start."""
        self.clock[0] = START + timedelta(seconds=after)
        return self.now

    def put(self, facts: Iterable[Dated], *, actor: str = "cli:setup", source: str = "x") -> None:
        with self.store.unit_of_work(actor) as uow:
            put_dated(uow, list(facts), source=source)

    def append(self, *events: Event) -> None:
        """Have events in the log; the clock goes to the last arrival."""
        self.log.append(list(events))
        latest = max(one.arrival_time for one in events)
        self.clock[0] = max(self.clock[0], latest)

    def arrive(self, *events: Event) -> Looked:
        """Each event at its own arrival, and a round after each: as it is live."""
        seen = Looked()
        for one in sorted(events, key=lambda each: (each.arrival_time, each.seq)):
            self.append(one)
            seen = self.look()
        return seen

    def look(self) -> Looked:
        """Rounds until nothing is left to read."""
        found = self.watcher.run_once(self.now)
        total = found
        while found.events:
            found = self.watcher.run_once(self.now)
            total = Looked(
                total.events + found.events,
                total.matches + found.matches,
                total.results + found.results,
            )
        return total

    def wait_for_absences(self) -> None:
        """Let the clock run to everything that time alone decides."""
        while (due := self.watcher.next_due()) is not None:
            self.clock[0] = max(self.now, due)
            self.look()

    def restart(self) -> None:
        """A new process on the same database and log."""
        self.watcher.close()
        self.watcher = a_watcher(self.store, self.log, self.policy, self.channels)

    def beside(self) -> Watcher:
        """The watcher of a second process on the same database and log."""
        return a_watcher(self.store, self.log, self.policy, self.channels)

    # --- what came of it ------------------------------------------------------------------------

    def records(self, **wanted: Any) -> list[trail.Record]:
        with self.store.reader() as connection:
            found = list(trail.find(connection, limit=1000, **wanted))
        return sorted(found, key=lambda one: one.seq)

    def codes(self) -> list[str]:
        """The codes of all matches, in the order in which they were recorded."""
        return [str(one.body["code"]) for one in self.records(kind="match")]

    def decisions(self, action: str) -> list[tuple[str, str, str]]:
        """(object, outcome, reason) of the decisions of one action."""
        found = self.records(kind="decision", action=action)
        return [(one.object_id, one.outcome, one.reason) for one in found]

    def orders(self) -> list[WorkOrder]:
        with self.store.reader() as connection:
            return list(reads.list_orders(connection, [GROUP]).items)

    def alerts(self) -> list[Any]:
        with self.store.reader() as connection:
            return list(reads.list_alerts(connection, [GROUP]).items)

    def dump(self, *, plumbing: bool = False) -> dict[str, list[tuple[Any, ...]]]:
        return dump(self.store, plumbing=plumbing)


def dump(store: Store, *, plumbing: bool = False) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table; plumbing only when asked for."""
    found = {}
    with store.reader() as connection:
        for name, one in sorted(SQLModel.metadata.tables.items()):
            if one.info.get("plumbing") and not plumbing:
                continue
            rows = connection.execute(text(f'SELECT * FROM "{name}"')).all()
            found[name] = sorted((tuple(row) for row in rows), key=repr)
    return found


def context_of(
    around: Surroundings, policy: Policy, channels: tuple[str, ...] = ("chat", "mail")
) -> Context:
    return Context(
        people=around.directory,
        calendar=around.calendar,
        policy=policy,
        channels=channels,
        fallback=channels,
    )


def a_watcher(
    store: Store,
    log: DuckDbLog,
    policy: Policy,
    channels: tuple[str, ...] = ("chat", "mail"),
    **more: Any,
) -> Watcher:
    def context(around: Surroundings) -> Context:
        return context_of(around, policy, channels)

    given: dict[str, Any] = {"rulebook": rulebook, "use_child": False, **more}
    return Watcher(store, log, context=context, **given)


def template(folder: Path) -> Path:
    """A database with every table and the directory, to be copied."""
    load_tables()
    path = folder / "template.db"
    engine = open_engine(f"sqlite:///{path}")
    SQLModel.metadata.create_all(engine)
    keeper = trail.TrailKeeper(SIGNER)
    store = Store(engine, clock=lambda: START - timedelta(days=2), before_commit=[keeper])
    with store.unit_of_work("cli:setup") as uow:
        save_directory(uow, directory())
    with engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    engine.dispose()
    return path


@contextmanager
def a_house(
    made: Path,
    folder: Path,
    facts: Iterable[Dated] = (),
    *,
    policy: Policy | None = None,
    watch: Failpoint | None = None,
    channels: tuple[str, ...] = ("chat", "mail"),
) -> Iterator[House]:
    """A house on a copy of the template `made`."""
    folder.mkdir(parents=True, exist_ok=True)
    engine = open_engine(f"sqlite:///{shutil.copy(made, folder / 'house.db')}")
    clock = [START - timedelta(hours=1)]
    failing = Failing()
    store = Store(
        engine,
        clock=lambda: clock[0],
        before_commit=[trail.TrailKeeper(SIGNER)],
        failpoint=watch or failing,
    )
    log = own_log(folder, role="test", clock=lambda: clock[0])
    paging = policy or Policy()
    watcher = a_watcher(store, log, paging, channels)
    house = House(folder, store, log, watcher, clock, failing, paging, channels)
    try:
        given = list(facts)
        if given:
            house.put(given)
        yield house
    finally:
        house.watcher.close()
        log.close()
        engine.dispose()
