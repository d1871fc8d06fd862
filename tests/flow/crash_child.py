"""A process that is going to be killed: it works, and says over a pipe what is durable.

``append``: records, one to five a commit; the last number is said after each commit.
``decide``: a decision, a timer, a position and a message to send in one commit.
``send``: claims messages and "sends" them by saying so, then settles them.
"""

from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import trail
from store import Store, UnitOfWork, open_engine, outbox, positions, system_clock, timers
from trail.notes import Signer

Say = Callable[[tuple[str, object]], None]
SIGNER = Signer("crash.example/trail", bytes(32))


def open_store(folder: Path) -> Store:
    keeper = trail.TrailKeeper(SIGNER, checkpoint_every=7)
    engine = open_engine(f"sqlite:///{folder}/crash.db")
    return Store(engine, clock=system_clock, before_commit=[keeper])


def leave(uow: UnitOfWork, name: str) -> trail.RecordRef:
    body = {"note": "x" * 300}
    return trail.record(
        uow, kind="decision", action="crash.act", object_type="act", object_id=name, body=body
    )


def append(store: Store, random: Random, say: Say) -> None:
    while True:
        with store.unit_of_work("system:append") as uow:
            refs = [leave(uow, "a") for _ in range(random.randint(1, 5))]
        say(("appended", refs[-1].seq))


def decide(store: Store, _random: Random, say: Say) -> None:
    with store.reader() as connection:
        number = int(positions.read(connection, "decided") or 0)
    while True:
        number += 1
        name = f"d{number}"
        with store.unit_of_work("system:decide") as uow:
            leave(uow, name)
            timers.set_timer(uow, key=name, kind="k", due_at=uow.now)
            outbox.put(uow, channel="mail", target="t", payload={}, key=name, group=name)
            positions.write(uow, "decided", str(number))
        say(("decided", number))


def send(store: Store, random: Random, say: Say) -> None:
    number = 0
    while True:
        number += 1
        with store.unit_of_work("system:decide") as uow:
            outbox.put(uow, channel="mail", target="t", payload={}, key=random.randbytes(8).hex())
        with store.unit_of_work("system:send") as uow:
            rows = outbox.claim(uow, limit=3, lease_s=0.05, holder="h")
        for row in rows:
            say(("sent", row.key))
            with store.unit_of_work("system:send") as uow:
                outbox.delivered(uow, row.id, "handle")
            say(("settled", row.key))


ACTS = {"append": append, "decide": decide, "send": send}


def run(act: str, folder: Path, seed: int, pipe: Connection) -> None:
    """Work until killed."""
    store = open_store(folder)
    pipe.send(("ready", 0))
    ACTS[act](store, Random(seed), pipe.send)
