"""Recomputing the whole trail, and naming every record that is not what it was."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from store.failures import failure_of
from trail.beside import (
    Head,
    check_blobs,
    check_head,
    check_personal,
    compare_roots,
    kept_outside,
    stored_checkpoints,
)
from trail.errors import VerificationFailed
from trail.findings import Fault, VerifyReport
from trail.halves import later_half
from trail.notes import Verifier
from trail.rawrows import record_batches
from trail.sweep import Sweep
from trail.witnesses import traces

__all__ = ["Fault", "VerifyReport", "verify"]

Progress = Callable[[int, int], None]
"""Told (records checked, records in all) now and then."""


def verify(
    connection: Connection,
    *,
    verifiers: Sequence[Verifier],
    anchors_dir: Path | str | None = None,
    processes: int = 1,
    progress: Progress | None = None,
) -> VerifyReport:
    """Recompute every record, node, checkpoint, blob and commitment, and compare.

    Args:
        connection: sees one moment (`Store.reader`).
        verifiers: the public keys that may have signed checkpoints, old ones too.
        anchors_dir: folder of checkpoints that were kept outside the operator's reach.
        processes: with 2, a second process checks the later half of a long trail.
        progress: told how far it is.

    Raises:
        VerificationFailed: when the database was in use, out of reach or had no room: what could
            not be read because of that is no finding.
    """
    sweep = Sweep()
    sealed: dict[int, bytes] = {}
    anchors: dict[int, bytes] = {}
    try:
        head = Head(connection)
        sealed = stored_checkpoints(connection, sweep, verifiers)
        anchors = kept_outside(anchors_dir, sweep, verifiers)
        sweep.head_size = head.size
        sweep.roots = dict.fromkeys((*sealed, *anchors), b"")
        _go_over_records(connection, sweep, processes, progress)
        compare_roots(sweep, "CHECKPOINT", sealed)
        compare_roots(sweep, "ANCHOR", anchors)
        check_head(connection, sweep, head, max(sealed, default=0))
        check_blobs(connection, sweep)
        check_personal(connection, sweep)
        for trace in traces(connection, sweep.tree.size, sweep.latest):
            sweep.fault(sweep.tree.size + 1, "LOST", trace)
    except (sqlite3.DatabaseError, DatabaseError) as fault:
        if code := failure_of(fault):
            _let_go(connection)
            raise VerificationFailed(code) from fault
        detail = f"the database cannot be read there: {str(fault).splitlines()[0]}"
        sweep.fault(sweep.expected, "UNREADABLE", detail)
        _let_go(connection)
    size = sweep.tree.size
    agreeing = [at for at in anchors if at <= size and sweep.roots.get(at) in {anchors[at], b""}]
    anchored = bool(agreeing) and not any(fault.code == "ANCHOR" for fault in sweep.faults)
    return VerifyReport(
        ok=not sweep.faults,
        size=size,
        root=sweep.tree.root().hex(),
        anchored=anchored,
        anchor_size=max(agreeing, default=0) if anchored else 0,
        checkpoints=len(sealed),
        faults=tuple(sweep.faults),
        unsealed=max(size - max((at for at in sealed if at <= size), default=0), 0),
    )


def _let_go(connection: Connection) -> None:
    """End the transaction: on a damaged file a commit, even of nothing, would fail."""
    transaction = connection.get_transaction()
    if transaction is not None:
        with suppress(sqlite3.DatabaseError, DatabaseError):
            transaction.rollback()


def _go_over_records(
    connection: Connection, sweep: Sweep, processes: int, progress: Progress | None
) -> None:
    total, wanted = sweep.head_size, frozenset(sweep.roots)
    size = total if processes > 1 else 0
    with later_half(connection, size, wanted) as later:
        if later is not None:
            for rows in record_batches(connection, until=later.after):
                sweep.take(rows)
                _tell(progress, 2 * sweep.tree.size, total)
            later.join(sweep)
    after = sweep.expected - 1 if later is not None else None
    for rows in record_batches(connection, after):
        sweep.take(rows)
        _tell(progress, sweep.tree.size, total)
    sweep.finish()
    _tell(progress, total, total)


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(min(done, total), total)
