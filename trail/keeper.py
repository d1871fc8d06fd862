"""The hook that numbers, hashes and inserts a commit's records, last in its transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

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

    def seal(self, uow: UnitOfWork) -> None:
        """Have this commit write a checkpoint, whatever the interval, if anything is unsealed."""
        uow.buffers[_SEAL] = True

    def __call__(self, uow: UnitOfWork, /) -> int:
        """Insert the records that `uow` has left; returns how many they are."""
        waiting, seal = drafts(uow), uow.buffers.get(_SEAL, False)
        if not waiting and not seal:
            return 0
        connection = uow.connection
        size, peaks, sealed_size, sealed_at = _head(connection, uow.now)
        frontier = Frontier.from_bytes(size, bytes(peaks))
        if waiting:
            rows = [_row(draft, frontier) for draft in waiting]
            _run(connection, _INSERT, rows if len(rows) > 1 else rows[0])
        unsealed = frontier.size - sealed_size
        old = uow.now - from_microseconds(sealed_at) >= self._age
        if unsealed and (seal or old or unsealed >= self._every):
            checkpoint = Checkpoint(self._origin, frontier.size, frontier.root())
            note = sign(checkpoint.text(), self._signers)
            _run(connection, _CHECKPOINT, (checkpoint.size, checkpoint.root, note))
            sealed_size, sealed_at = frontier.size, to_microseconds(uow.now)
        _run(connection, _WRITE_HEAD, (frontier.size, frontier.to_bytes(), sealed_size, sealed_at))
        if waiting:
            uow.after_commit(lambda: _number(waiting, size))
        return len(waiting)


def _head(connection: Connection, now: datetime) -> tuple[int, bytes, int, int]:
    read = _READ_HEAD if is_sqlite(connection) else f"{_READ_HEAD} FOR UPDATE"
    row = connection.exec_driver_sql(read).one_or_none()
    if row is None:
        _run(connection, _FIRST_HEAD, (b"", to_microseconds(now)))
        row = connection.exec_driver_sql(read).one()
    size, peaks, sealed_size, sealed_at = row
    return size, peaks, sealed_size, sealed_at


def _row(draft: Draft, frontier: Frontier) -> tuple[Any, ...]:
    seq = frontier.size + 1
    body = b"%b%d%b" % (draft.before, seq, draft.after)
    leaf = leaf_hash(body)
    return (seq, *draft.columns, leaf, frontier.append(leaf), body)


def _run(connection: Connection, statement: str, values: Any) -> None:
    # Straight to the driver: this is the hottest path of the product, and a Core statement costs
    # more than all the hashing.
    if not is_sqlite(connection):
        statement = statement.replace("?", "%s")
    connection.exec_driver_sql(statement, values)


def _number(waiting: list[Draft], size: int) -> None:
    for seq, draft in enumerate(waiting, start=size + 1):
        draft.ref.seq = seq
