"""The hook that numbers, hashes and inserts a commit's records, last in its transaction."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from store import UnitOfWork, is_sqlite
from store.types import from_microseconds, to_microseconds
from trail.merkle import Frontier, leaf_hash
from trail.notes import Checkpoint, Signer, sign
from trail.records import Draft, drafts

_SEAL = "trail.seal"
_READ_HEAD = "SELECT size, frontier, checkpoint_size, checkpoint_at FROM trail_head WHERE id = 1"
_FIRST_HEAD = (
    "INSERT INTO trail_head (id, size, frontier, checkpoint_size, checkpoint_at)"
    " VALUES (1, 0, ?, 0, ?) ON CONFLICT DO NOTHING"
)
_WRITE_HEAD = (
    "UPDATE trail_head SET size = ?, frontier = ?, checkpoint_size = ?, checkpoint_at = ?"
    " WHERE id = 1"
)
_INSERT = (
    "INSERT INTO trail_record (seq, at, actor, kind, action, object_type, object_id, org, outcome,"
    " reason, uid, leaf_hash, nodes, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_CHECKPOINT = "INSERT INTO trail_checkpoint (size, root, note) VALUES (?, ?, ?)"


class TrailKeeper:
    """The store's before-commit hook: turns the drafts of a unit of work into records.

    The head row is read (and on PostgreSQL locked) only here, at the very end, so that units of
    work wait for each other no longer than their last statements take.

    Args:
        signer: signs the checkpoints; its name is the log's origin.
        cosigners: further keys that sign beside it while a key is being replaced.
        checkpoint_every: records after which a commit also writes a checkpoint.
        checkpoint_s: seconds after which it does so anyway.
    """

    def __init__(
        self,
        signer: Signer,
        *,
        cosigners: Sequence[Signer] = (),
        checkpoint_every: int = 100,
        checkpoint_s: float = 60.0,
    ) -> None:
        self.verifiers = tuple(one.verifier for one in (signer, *cosigners))
        self._origin = signer.name
        self._signers = (signer, *cosigners)
        self._every = checkpoint_every
        self._age = timedelta(seconds=checkpoint_s)
        #: Whether records of this process stand after the last checkpoint.
        self.unsealed = False

    def seal(self, uow: UnitOfWork) -> None:
        """Have this commit write a checkpoint, whatever the interval, if anything is unsealed."""
        uow.buffers[_SEAL] = True

    def __call__(self, uow: UnitOfWork, /) -> int:
        """Insert the records that `uow` has left; returns how many they are."""
        waiting, seal = drafts(uow), uow.buffers.get(_SEAL, False)
        if not waiting and not seal:
            return 0
        tables = _Tables(uow)
        size, peaks, sealed_size, sealed_at = tables.head()
        frontier = Frontier.from_bytes(size, bytes(peaks))
        if waiting:
            rows = [_row(draft, frontier) for draft in waiting]
            tables.run_many(_INSERT, rows)
        unsealed = frontier.size - sealed_size
        old = uow.now - from_microseconds(sealed_at) >= self._age
        if unsealed and (seal or old or unsealed >= self._every):
            checkpoint = Checkpoint(self._origin, frontier.size, frontier.root(), sealed_size)
            note = sign(checkpoint.text(), self._signers)
            tables.run(_CHECKPOINT, (checkpoint.size, checkpoint.root, note))
            sealed_size = frontier.size
            sealed_at = to_microseconds(uow.now) if waiting else tables.time_of(sealed_size)
        elif not size:
            sealed_at = to_microseconds(uow.now)
        tables.run(_WRITE_HEAD, (frontier.size, frontier.to_bytes(), sealed_size, sealed_at))
        tables.close()
        open_end = frontier.size > sealed_size
        uow.after_commit(lambda: self._committed(waiting, size, open_end=open_end))
        return len(waiting)

    def _committed(self, waiting: list[Draft], size: int, *, open_end: bool) -> None:
        self.unsealed = open_end
        _number(waiting, size)


class _Tables:
    """The trail's statements, straight through the driver.

    This is the hottest path of the product; through SQLAlchemy the four statements of a commit
    cost more than all the hashing.
    """

    __slots__ = ("_cursor", "_sqlite", "_uow")

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._sqlite = is_sqlite(uow.connection)
        self._cursor: Any = uow.connection.connection.cursor()

    def head(self) -> tuple[int, bytes, int, int]:
        """Size, right edge, and size and time of the last checkpoint; made at the first commit."""
        read = _READ_HEAD if self._sqlite else f"{_READ_HEAD} FOR UPDATE"
        self.run(read)
        row = self._cursor.fetchone()
        if row is None:
            self.run(_FIRST_HEAD, (b"", to_microseconds(self._uow.now)))
            self.run(read)
            row = self._cursor.fetchone()
        size, peaks, sealed_size, sealed_at = row
        return size, peaks, sealed_size, sealed_at

    def time_of(self, seq: int) -> int:
        """The time of a record: the head keeps that of the last one under a checkpoint."""
        self.run("SELECT at FROM trail_record WHERE seq = ?", (seq,))
        (at,) = self._cursor.fetchone()
        return int(at)

    def run(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        self._uow.reach(statement)
        self._cursor.execute(statement if self._sqlite else statement.replace("?", "%s"), values)

    def run_many(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        self._uow.reach(statement)
        self._cursor.executemany(statement if self._sqlite else statement.replace("?", "%s"), rows)

    def close(self) -> None:
        self._cursor.close()


def _row(draft: Draft, frontier: Frontier) -> tuple[Any, ...]:
    seq = frontier.size + 1
    body = b"%b%d%b" % (draft.before, seq, draft.after)
    leaf = leaf_hash(body)
    return (seq, *draft.columns, leaf, frontier.append(leaf), body)


def _number(waiting: list[Draft], size: int) -> None:
    for seq, draft in enumerate(waiting, start=size + 1):
        draft.ref.seq = seq
