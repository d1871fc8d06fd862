"""A second process that checks the later half of a long trail while this one checks the first.

It begins from the hashes that are stored at its beginning. They are taken on trust only until this
process has arrived there: when its own differ, or anything in either half is off, the later half
is gone through again here. So what is accepted does not depend on the second process.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import make_url

from store import is_sqlite, open_engine
from trail.merkle import Frontier, peaks_of
from trail.proofs import stored_nodes
from trail.rawrows import record_batches
from trail.replica import Replica
from trail.sweep import Ranged, Sweep

#: From so many records on the second process saves more than it costs to start.
WORTH_IT: Final = 100_000


@dataclass(frozen=True, slots=True)
class LaterHalf:
    """The records behind `after`, being checked elsewhere."""

    after: int
    peaks: tuple[bytes, ...]
    found: "Future[Ranged | None]"

    def join(self, sweep: Sweep) -> bool:
        """Take over what was found, when it stands on the same tree and nothing is wrong."""
        if sweep.faults or sweep.tree.doubtful or sweep.tree.peaks() != self.peaks:
            return False
        try:
            found = self.found.result()
        except (BrokenProcessPool, OSError):
            return False
        if found is None:
            return False
        sweep.adopt(found)
        return True


@contextmanager
def later_half(
    connection: Connection, size: int, wanted: frozenset[int]
) -> Iterator[LaterHalf | None]:
    """Start checking the later half; None when the trail is short or nobody else can read it."""
    url = connection.engine.url
    in_memory = is_sqlite(connection) and url.database in {None, "", ":memory:"}
    after = size // 2
    peaks = () if size < WORTH_IT or in_memory else _peaks(connection, after)
    if not peaks:
        yield None
        return
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    try:
        text = url.render_as_string(hide_password=False)
        later = frozenset(one for one in wanted if one > after)
        yield LaterHalf(after, peaks, pool.submit(check_range, text, after, size, peaks, later))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def check_range(
    url: str, after: int, until: int, peaks: tuple[bytes, ...], wanted: frozenset[int]
) -> Ranged | None:
    """Check the records `after` < number ≤ `until`; None when anything is off."""
    sweep = Sweep(head_size=until, roots=dict.fromkeys(wanted, b""), expected=after + 1)
    sweep.tree = Replica(Frontier(after, peaks))
    engine = _read_only(url)
    try:
        with engine.connect() as connection:
            for rows in record_batches(connection, after, until):
                if not sweep.take_clean(rows):
                    return None
    finally:
        engine.dispose()
    return sweep.result() if sweep.expected == until + 1 else None


def _peaks(connection: Connection, size: int) -> tuple[bytes, ...]:
    """The stored hashes of the tree over the first records; empty when one is not there."""
    node_at = stored_nodes(connection)
    try:
        found = tuple(bytes(node_at(level, index)) for level, index in peaks_of(size))
    except Exception:  # noqa: BLE001 - whatever is wrong there is named by the usual way
        return ()
    return found


def _read_only(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return open_engine(url)
    path = Path(str(parsed.database)).resolve().as_uri()
    return create_engine(f"sqlite:///{path}?mode=ro&uri=true")
