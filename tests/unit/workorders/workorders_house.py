"""A small house: a real store on SQLite with its trail, a real directory, a clock that we move."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import SQLModel

import trail
from directory.loading import directory_from_mapping
from store import Store, UnitOfWork, open_engine, outbox, timers
from workorders import (
    Clear,
    Closing,
    Condition,
    Context,
    Corrective,
    Holding,
    Level,
    Match,
    Policy,
    WorkOrder,
    fire_timer,
    ingest_match,
    reads,
)

ORG = "Group/East"
START = datetime(2024, 5, 14, 2, 0, tzinfo=UTC)  # Tuesday 10:00 in Shanghai, the market is open
CLEAR = Clear("EXPOSURE", "Group/East|cu|2406")

PEOPLE = {
    "organisations": [
        {"path": "Group", "routing": ["boss"]},
        {"path": ORG, "routing": ["chen", "wang"]},
        {"path": "Group/West", "routing": ["zhao"]},
    ],
    "people": [
        {"id": "chen", "role": "risk_officer", "unit": ORG, "grants": []},
        {"id": "lin", "role": "risk_officer", "unit": ORG, "grants": []},
        {"id": "wang", "role": "manager", "unit": ORG, "grants": []},
        {"id": "boss", "role": "manager", "unit": "Group", "grants": []},
        {"id": "zhao", "role": "risk_officer", "unit": "Group/West", "grants": []},
        {"id": "tmp", "role": "temporary", "unit": ORG, "grants": []},
    ],
}


@dataclass
class House:
    store: Store
    ctx: Context
    now: list[datetime] = field(default_factory=lambda: [START])

    def pass_time(self, **duration: float) -> None:
        self.now[0] += timedelta(**duration)

    @contextmanager
    def as_person(self, person: str) -> Iterator[UnitOfWork]:
        with self.store.unit_of_work(person) as uow:
            yield uow

    def do(self, person: str, command: Callable[..., Any], *args: Any, **named: Any) -> Any:
        with self.as_person(person) as uow:
            return command(uow, self.ctx, *args, **named)

    def ingest(self, match: Match):
        with self.as_person("system:assessor") as uow:
            return ingest_match(uow, match, self.ctx)

    def order(self, order_id: str) -> WorkOrder:
        with self.store.reader() as connection:
            found = reads.get_order(connection, order_id)
        assert found is not None
        return found

    def orders(self) -> list[WorkOrder]:
        return self.read(reads.list_orders, ["Group"]).items

    def alerts(self):
        return self.read(reads.list_alerts, ["Group"]).items

    def read(self, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        with self.store.reader() as connection:
            return function(connection, *args, **named)

    def messages(self, object_id: str, state: str | None = "pending"):
        rows = self.read(outbox.find, object_id)
        return [row for row in rows if state is None or row.state == state]

    def deliver(self) -> int:
        """What the escalator does with an undisturbed channel."""
        from workorders import record_delivery

        with self.as_person("system:escalator") as uow:
            claimed = outbox.claim(uow, limit=10_000, lease_s=60, holder="test")
            for row in claimed:
                outbox.delivered(uow, row.id)
                record_delivery(uow, self.ctx, row.key, outcome="sent")
        return len(claimed)

    def fire_due(self) -> list[str]:
        """Fire what is due, one timer a transaction, until nothing is."""
        fired = []
        while due := self.read(timers.due, self.now[0], 1):
            with self.as_person("system:escalator") as uow:
                fired.append(fire_timer(uow, due[0], self.ctx).code)
        return fired

    def trail(self, **wanted: Any) -> list[trail.Record]:
        return list(self.read(trail.find, **wanted))


def build(tmp_path: Path, signer: trail.Signer, policy: Policy) -> House:
    engine = open_engine(f"sqlite:///{tmp_path}/house.db")
    SQLModel.metadata.create_all(engine)
    return house_on(engine, signer, policy)


def house_on(engine: Engine, signer: trail.Signer, policy: Policy) -> House:
    directory, problems = directory_from_mapping(PEOPLE)
    assert not problems
    now = [START]
    store = Store(engine, clock=lambda: now[0], before_commit=[trail.TrailKeeper(signer)])
    ctx = Context(
        people=directory, calendar=directory.calendar, policy=policy, channels=("chat", "mail")
    )
    return House(store, ctx, now)


def exposure(level: Level = Level.ORANGE, *, after: float = 0, net: str = "-7500", **changed: Any):
    """An exposure breach `after` seconds after the start."""
    match = Match(
        rule="EXPOSURE",
        code={"red": "EXPOSURE_CRITICAL", "orange": "EXPOSURE_EXCESS"}.get(level, "EXPOSURE_BASE"),
        version="1",
        level=level,
        org=ORG,
        event_time=START + timedelta(seconds=after),
        product="cu",
        month="2406",
        measure="exposure.net",
        value=Decimal(net),
        limit=Decimal(500),
        use=abs(Decimal(net)) / 500,
        unit="t",
        facts_hash=f"{level}{after}{net}",
        clears=CLEAR,
        evidence={"recorded_net_t": Decimal(net)},
    )
    return replace(match, **changed)


def happened(code: str, level: Level, *, after: float = 0, **changed: Any):
    """Something that has happened, with no condition to clear."""
    named = {"product": "cu", **changed}
    return exposure(
        level,
        after=after,
        rule=code,
        code=code,
        measure="event",
        clears=None,
        value=None,
        limit=None,
        use=None,
        **named,
    )


def cleared(holding: Holding = Holding.CLEARED, value: str = "100") -> list[Condition]:
    return [Condition(CLEAR, holding, Decimal(value), Decimal(500), "t", START)]


def answers(**changed: Any) -> Closing:
    corrective = Corrective("close the gap", "chen", START + timedelta(days=7))
    return Closing(
        **{
            "disposition": "fixed",
            "root_cause": "ROLE_MISSING_PERMISSION",
            "corrective": corrective,
            **changed,
        }
    )
