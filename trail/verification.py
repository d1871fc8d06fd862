"""Recomputing the whole trail, and naming every record that is not what it was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, select

from store.clock import parse_rfc3339
from store.types import to_microseconds
from trail.anchors import read_anchors
from trail.merkle import leaf_hash
from trail.notes import Verifier, parse_checkpoint, read_note
from trail.personal import commitment
from trail.records import VERSION
from trail.replica import Mismatch, Replica
from trail.tables import BLOB, CHECKPOINT, HEAD, PERSONAL

_BATCH = 2_000
_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_COLUMNS = (
    "seq",
    "at",
    "actor",
    "kind",
    "action",
    "object_type",
    "object_id",
    "org",
    "outcome",
    "reason",
    "uid",
)
_SELECT = f"SELECT {', '.join(_COLUMNS)}, leaf_hash, nodes, body FROM trail_record"  # noqa: S608
_KEYS = {
    "v",
    "seq",
    "at",
    "actor",
    "kind",
    "action",
    "object",
    "org",
    "outcome",
    "reason",
    "uid",
    "body",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was written.

    Attributes:
        seq: the record concerned, or the first of a range; 0 when no record is concerned.
        code: ``MISSING`` ``UNEXPECTED`` ``BODY`` ``COLUMN`` ``FORM`` ``NODES`` ``HEAD``
            ``CHECKPOINT`` ``SIGNATURE`` ``TRUNCATED`` ``ANCHOR`` ``BLOB`` ``PERSONAL``.
        detail: what is wrong, for an expert.
        last: the last record of the range; `seq` when it is one record.
    """

    seq: int
    code: str
    detail: str
    last: int = 0


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What verification found.

    Attributes:
        ok: nothing contradicts anything; see `anchored` for what that is worth.
        size: records found.
        root: the recomputed root in hexadecimal; over what is left when records are missing.
        anchored: at least one copy of a checkpoint kept outside was checked and agrees. Without
            one, who owns database and key could have written everything anew.
        anchor_size: records covered by the newest such copy.
        checkpoints: how many stored checkpoints were checked.
        faults: in the order in which they were found.
    """

    ok: bool
    size: int
    root: str
    anchored: bool
    anchor_size: int
    checkpoints: int
    faults: tuple[Fault, ...]


@dataclass(slots=True)
class _Run:
    """What one verification gathers."""

    verifiers: Sequence[Verifier]
    faults: list[Fault] = field(default_factory=list)
    tree: Replica = field(default_factory=Replica)
    blobs: dict[str, int] = field(default_factory=dict)  # named hash: first record that names it

    def fault(self, seq: int, code: str, detail: str, last: int = 0) -> None:
        self.faults.append(Fault(seq, code, detail, last or seq))

    def mismatch(self, found: Mismatch) -> None:
        names = f"the stored hash over records {found.first} to {found.last}"
        self.fault(found.first, "NODES", f"{names} does not follow from them", found.last)


def verify(
    connection: Connection,
    *,
    verifiers: Sequence[Verifier],
    anchors_dir: Path | str | None = None,
) -> VerifyReport:
    """Recompute every record, node, checkpoint, blob and commitment, and compare.

    Args:
        connection: sees one moment (`Store.reader`).
        verifiers: the public keys that may have signed checkpoints, old ones too.
        anchors_dir: folder of checkpoints that were kept outside the operator's reach.
    """
    run = _Run(verifiers)
    sealed = _checkpoints(connection, run)
    anchors = _anchors(anchors_dir, run)
    roots = dict.fromkeys((*sealed, *anchors), b"")
    for seq, row in _rows_with_gaps(connection, run):
        if row is None:
            run.tree.lose()
        else:
            _check_record(run, seq, row)
        if run.tree.size in roots:
            roots[run.tree.size] = _root_or_empty(run)
    size = run.tree.size
    _compare_roots(run, "CHECKPOINT", sealed, roots)
    _compare_roots(run, "ANCHOR", anchors, roots)
    _check_head(connection, run, max(sealed, default=0))
    _check_blobs(connection, run)
    _check_personal(connection, run)
    agreeing = [at for at in anchors if at <= size and roots[at] in (anchors[at], b"")]
    anchored = bool(agreeing) and not any(fault.code == "ANCHOR" for fault in run.faults)
    return VerifyReport(
        ok=not run.faults,
        size=size,
        root=run.tree.root().hex(),
        anchored=anchored,
        anchor_size=max(agreeing, default=0) if anchored else 0,
        checkpoints=len(sealed),
        faults=tuple(run.faults),
    )


def _root_or_empty(run: _Run) -> bytes:
    # Over a place that is known to be wrong a root says nothing new; it stays empty.
    return b"" if run.tree.doubtful else run.tree.root()


def _rows_with_gaps(connection: Connection, run: _Run) -> Iterator[tuple[int, Any]]:
    """Every number up to the head's size with its row, or None where the row is gone."""
    head_size = connection.scalar(select(HEAD.c.size)) or 0
    expected = 1
    for row in _rows(connection):
        seq = row[0]
        if not isinstance(seq, int) or seq < 1:
            run.fault(0, "UNEXPECTED", f"a row with the number {seq!r}")
            continue
        if seq > expected:
            run.fault(expected, "MISSING", "no such record", seq - 1)
            for gone in range(expected, seq):
                yield gone, None
        if seq > head_size:
            run.fault(seq, "UNEXPECTED", f"beyond the head, which counts {head_size} records")
        yield seq, row
        expected = seq + 1
    if expected <= head_size:
        run.fault(expected, "MISSING", "no such record", head_size)
        for gone in range(expected, head_size + 1):
            yield gone, None


def _rows(connection: Connection) -> Iterator[Any]:
    last: Any = None
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    tail = f" ORDER BY seq LIMIT {_BATCH}"
    while True:
        result = (
            connection.exec_driver_sql(_SELECT + tail)
            if last is None
            else connection.exec_driver_sql(f"{_SELECT} WHERE seq > {mark}{tail}", (last,))
        )
        rows = result.fetchall()
        yield from rows
        if len(rows) < _BATCH:
            return
        last = rows[-1][0]


def _check_record(run: _Run, seq: int, row: Any) -> None:
    body, stored_leaf, nodes = row[13], row[11], row[12]
    if not type(body) is type(stored_leaf) is type(nodes) is bytes:
        run.fault(seq, "BODY", "a column of bytes holds something else")
        run.tree.lose()
        return
    leaf = leaf_hash(body)
    known = len(run.faults)
    if leaf != stored_leaf:
        run.fault(seq, "BODY", "the record's bytes do not have the stored hash")
    _check_form(run, seq, row, body)
    for found in run.tree.add(leaf, nodes, doubtful=len(run.faults) > known):
        run.mismatch(found)


def _check_form(run: _Run, seq: int, row: Any, body: bytes) -> None:
    try:
        document = orjson.loads(body)
        form_ok = (
            orjson.dumps(document, option=_SORTED) == body
            and document.keys() == _KEYS
            and document["v"] == VERSION
            and isinstance(document["body"], dict)
        )
        said = _said(document) if form_ok else ()
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        form_ok = False
    if not form_ok:
        run.fault(seq, "FORM", "not a record in canonical form")
        return
    if said != tuple(row[:11]):
        wrong = [
            name for name, ours, theirs in zip(_COLUMNS, said, row, strict=False) if ours != theirs
        ]
        run.fault(seq, "COLUMN", f"differs from the record's bytes: {', '.join(wrong)}")
    named = document["body"].get("blobs")
    if isinstance(named, dict):
        for name in named.values():
            run.blobs.setdefault(str(name), seq)


def _said(document: dict[str, Any]) -> tuple[Any, ...]:
    """The columns as the record's own bytes say them."""
    return (
        document["seq"],
        to_microseconds(parse_rfc3339(document["at"])),
        document["actor"],
        document["kind"],
        document["action"],
        document["object"]["type"],
        document["object"]["id"],
        document["org"],
        document["outcome"],
        document["reason"],
        document["uid"],
    )


def _checkpoints(connection: Connection, run: _Run) -> dict[int, bytes]:
    """Size and root of each stored checkpoint that is in order in itself."""
    found = {}
    for row in connection.execute(select(CHECKPOINT).order_by(CHECKPOINT.c.size)):
        text, signers = read_note(row.note, run.verifiers)
        said = parse_checkpoint(text)
        if said is None or (said.size, said.root) != (row.size, bytes(row.root)):
            run.fault(row.size, "CHECKPOINT", "the note does not say what its columns say")
        elif not signers:
            run.fault(row.size, "SIGNATURE", "no known key signed this checkpoint")
        else:
            found[said.size] = said.root
    return found


def _anchors(anchors_dir: Path | str | None, run: _Run) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    if anchors_dir is None:
        return found
    for path, note in read_anchors(anchors_dir):
        text, signers = read_note(note, run.verifiers)
        said = parse_checkpoint(text)
        if said is None or not signers:
            run.fault(0, "ANCHOR", f"{path.name}: no checkpoint signed by a known key")
        else:
            found[said.size] = said.root
    return found


def _compare_roots(run: _Run, code: str, said: dict[int, bytes], roots: dict[int, bytes]) -> None:
    before, size = 0, run.tree.size
    for at, root in sorted(said.items()):
        if at > size:
            what = "checkpoint" if code == "CHECKPOINT" else "checkpoint kept outside"
            run.fault(size + 1, "TRUNCATED", f"a {what} covers {at} records", at)
        elif roots[at] and roots[at] != root:
            detail = f"the records up to {at} do not have the root that was signed"
            run.fault(before + 1, code, detail, at)
        else:
            before = at


def _check_head(connection: Connection, run: _Run, sealed: int) -> None:
    head = connection.execute(select(HEAD)).one_or_none()
    if head is None:
        if run.tree.size:
            run.fault(run.tree.size, "HEAD", "the head row is gone")
        return
    if head.size != run.tree.size:
        return  # named already, as missing or as unexpected
    if not run.tree.doubtful and bytes(head.frontier) != run.tree.frontier_bytes():
        run.fault(head.size, "HEAD", "the head's right edge does not follow from the records")
    if head.checkpoint_size > sealed:
        run.fault(head.checkpoint_size, "CHECKPOINT", "the newest checkpoint is gone or broken")


def _check_blobs(connection: Connection, run: _Run) -> None:
    missing = dict(run.blobs)
    for row in connection.execute(select(BLOB).execution_options(yield_per=50)):
        if sha256(bytes(row.content)).hexdigest() == row.hash:
            missing.pop(row.hash, None)
        elif row.hash not in missing:
            run.fault(0, "BLOB", f"the content of {row.hash} was changed")
    for name, seq in missing.items():
        run.fault(seq, "BLOB", f"{name}, which this record names, is gone or changed")


def _check_personal(connection: Connection, run: _Run) -> None:
    for row in connection.execute(select(PERSONAL).where(PERSONAL.c.erased_at.is_(None))):
        if row.salt is None or row.value is None:
            run.fault(0, "PERSONAL", f"{row.commitment}: emptied without an erasure")
        elif commitment(bytes(row.salt), row.field, row.value) != row.commitment:
            run.fault(0, "PERSONAL", f"{row.commitment}: the value was changed")
