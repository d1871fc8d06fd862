"""A process that is going to be killed: it works, and says over a pipe what is durable.

``append``: records, one to five a commit; the last number is said after each commit.
``decide``: a decision, a timer, a position and a message to send in one commit.
``send``: claims messages and "sends" them by saying so, then settles them.
``seal``: a record with a signed checkpoint in each commit, and its copy in a folder outside.
``migrate``: brings an empty database to the newest schema.
``start``: the first start of the product in an empty folder.
"""

import mmap
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import event

import main
import trail
from service.settings import Settings
from store import (
    Store,
    UnitOfWork,
    is_sqlite,
    migrate,
    open_engine,
    outbox,
    positions,
    system_clock,
    timers,
)
from trail.notes import Signer

Say = Callable[[tuple[str, object]], None]
SIGNER = Signer("crash.example/trail", bytes(32))
OUTSIDE = "outside"
"""The place of a process between two operations."""

_WIDTH = 80


class Place:
    """Where a process stands, kept where a kill does not reach it.

    Args:
        path: a file that both sides map; whoever kills reads it afterwards.
        aim: where the process kills itself: at a place of this name, or at the place of this
            number, counted over all operations; 0 nowhere.
    """

    def __init__(self, path: Path, aim: int | str = 0) -> None:
        with path.open("w+b") as file:
            file.truncate(_WIDTH)
            self._map = mmap.mmap(file.fileno(), _WIDTH)
        self._aim = aim
        self._count = 0
        self._write(OUTSIDE)

    def __call__(self, place: str) -> None:
        """A store's failpoint; also called where an act is between two units."""
        self._write(place)
        self._count += 1
        if self._aim in {place, self._count}:
            os.kill(os.getpid(), signal.SIGKILL)
        if place == "committed":
            self._write(OUTSIDE)

    def _write(self, place: str) -> None:
        self._map[:] = " ".join(place.split()).encode()[:_WIDTH].ljust(_WIDTH)


def read_place(path: Path) -> str:
    """Where the process stood when it was killed."""
    return path.read_text(encoding="utf-8", errors="replace").strip()


@dataclass(frozen=True, slots=True)
class Work:
    """What an act works with."""

    folder: Path
    url: str
    random: Random
    place: Place
    say: Say

    def store(self) -> Store:
        return open_store(self.folder, self.place)


def open_store(folder: Path, failpoint: Callable[[str], None] | None = None) -> Store:
    engine = open_engine(f"sqlite:///{folder}/crash.db")
    keeper = trail.TrailKeeper(SIGNER, checkpoint_every=7)
    return Store(engine, clock=system_clock, before_commit=[keeper], failpoint=failpoint)


def leave(uow: UnitOfWork, name: str) -> trail.RecordRef:
    body = {"note": "x" * 300}
    return trail.record(
        uow, kind="decision", action="crash.act", object_type="act", object_id=name, body=body
    )


def append(work: Work) -> None:
    store = work.store()
    while True:
        with store.unit_of_work("system:append") as uow:
            refs = [leave(uow, "a") for _ in range(work.random.randint(1, 5))]
        work.say(("appended", refs[-1].seq))


def decide(work: Work) -> None:
    store = work.store()
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
        work.say(("decided", number))


def send(work: Work) -> None:
    store = work.store()
    while True:
        with store.unit_of_work("system:decide") as uow:
            key = work.random.randbytes(8).hex()
            outbox.put(uow, channel="mail", target="t", payload={}, key=key)
        with store.unit_of_work("system:send") as uow:
            rows = outbox.claim(uow, limit=3, lease_s=0.05, holder="h")
        for row in rows:
            work.place("sending")
            work.say(("sent", row.key))
            with store.unit_of_work("system:send") as uow:
                outbox.delivered(uow, row.id, "handle")
            work.say(("settled", row.key))


def seal(work: Work) -> None:
    engine = open_engine(f"sqlite:///{work.folder}/crash.db")
    keeper = trail.TrailKeeper(SIGNER)
    store = Store(engine, clock=system_clock, before_commit=[keeper], failpoint=work.place)
    to_disk = os.fsync

    def fsync(file: int) -> None:
        work.place("anchoring: written, not durable")
        to_disk(file)

    os.fsync = fsync
    while True:
        with store.unit_of_work("system:append") as uow:
            keeper.seal(uow)
            ref = leave(uow, "a")
        work.say(("sealed", ref.seq))
        work.place("anchoring")
        with store.reader() as connection:
            anchored = trail.anchor(connection, work.folder / "anchors")
        assert anchored is not None
        work.place("anchored")
        work.say(("anchored", anchored.size))
        with store.unit_of_work("system:anchor") as uow:
            trail.record_anchor(uow, anchored)


def bring_up(work: Work) -> None:
    engine = open_engine(work.url)

    def reach(*arguments: Any) -> None:
        work.place(arguments[2])  # the statement

    event.listen(engine, "before_cursor_execute", reach)
    event.listen(engine, "commit", lambda _connection: work.place("commit"))
    migrate.upgrade(engine)
    work.place("committed")
    work.say(("migrated", is_sqlite(engine)))


def start(work: Work) -> None:
    work.place("starting")
    main.compose(Settings(data=work.folder / "data"), role="test").close()
    work.place("committed")
    work.say(("started", True))


ACTS = {
    "append": append,
    "decide": decide,
    "send": send,
    "seal": seal,
    "migrate": bring_up,
    "start": start,
}


def run(  # noqa: PLR0917 - a process takes plain arguments
    act: str, folder: Path, url: str, seed: int, aim: int | str, pipe: Connection
) -> None:
    """Work until killed, or until there is nothing left to do."""
    place = Place(folder / "place", aim)
    pipe.send(("ready", 0))
    ACTS[act](Work(folder, url, Random(seed), place, pipe.send))
