"""Checking what stands beside the records: head, checkpoints, blobs, personal values."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trail.anchors import read_anchors
from trail.errors import TrailError
from trail.notes import (
    Checkpoint,
    Verifier,
    broken_links,
    parse_checkpoint,
    read_note,
    signature_lines,
)
from trail.personal import commitment, erasure_digest
from trail.rawrows import as_bytes, rows_of
from trail.sweep import Sweep

#: Few at a time: a part may be a file of some megabytes.
_BLOBS_AT_ONCE = 8


class Head:
    """The head row as it lies there.

    Attributes:
        size: records that it counts; 0 when it is gone or says nothing readable.
        sound: it is the only row and its values have their types.
    """

    __slots__ = ("checkpoint_at", "checkpoint_size", "frontier", "gone", "size", "sound")

    def __init__(self, connection: Connection) -> None:
        rows = rows_of(
            connection,
            "SELECT id, size, frontier, checkpoint_size, checkpoint_at FROM trail_head ORDER BY id",
        )
        self.gone = not rows
        _, size, frontier, sealed, sealed_at = rows[0] if rows else (1, 0, b"", 0, 0)
        self.frontier = as_bytes(frontier)
        integers = all(isinstance(one, int) for one in (size, sealed, sealed_at))
        self.sound = (
            len(rows) <= 1
            and integers
            and size >= 0
            and self.frontier is not None
            and (not rows or rows[0][0] == 1)
        )
        self.size = size if isinstance(size, int) else 0
        self.checkpoint_size = sealed if isinstance(sealed, int) else 0
        self.checkpoint_at = sealed_at


def check_head(connection: Connection, sweep: Sweep, head: Head, sealed: int) -> None:
    """Compare the head with the records and checkpoints that were found."""
    at = max(sweep.tree.size, 1)
    if head.gone:
        if sweep.tree.size:
            sweep.fault(at, "HEAD", "the head row is gone")
        return
    if not head.sound:
        sweep.fault(at, "HEAD", "not one head row with a size, an edge and a checkpoint")
        return
    comparable = head.size == sweep.tree.size and not sweep.tree.doubtful
    if comparable and head.frontier != sweep.tree.frontier_bytes():
        sweep.fault(head.size, "HEAD", "the head's right edge does not follow from the records")
    if head.checkpoint_size > sealed:
        sweep.fault(head.checkpoint_size, "CHECKPOINT", "the newest checkpoint is gone or broken")
    elif head.checkpoint_size < sealed:
        sweep.fault(sealed, "HEAD", f"the head knows no checkpoint over {sealed} records")
    elif not sweep.faults and head.size:
        _check_sealed_at(connection, sweep, head)


def _check_sealed_at(connection: Connection, sweep: Sweep, head: Head) -> None:
    # The head keeps the time of the last record under a checkpoint, at first that of record 1.
    seq = max(head.checkpoint_size, 1)
    rows = rows_of(connection, f"SELECT at FROM trail_record WHERE seq = {seq}")  # noqa: S608 - a number
    if not rows or rows[0][0] != head.checkpoint_at:
        sweep.fault(seq, "HEAD", "the time of the last checkpoint is not that of its last record")


def stored_checkpoints(
    connection: Connection, sweep: Sweep, verifiers: Sequence[Verifier]
) -> dict[int, bytes]:
    """Size and root of each stored checkpoint that is in order in itself; each names the last."""
    found: dict[int, Checkpoint] = {}
    for size, root, note in rows_of(
        connection, "SELECT size, root, note FROM trail_checkpoint ORDER BY size"
    ):
        text, signers = read_note(note, verifiers) if isinstance(note, str) else ("", ())
        said = parse_checkpoint(text)
        if said is None or said.text() != text or (said.size, said.root) != (size, as_bytes(root)):
            sweep.fault(size, "CHECKPOINT", "the note does not say what its columns say")
        elif not signers or len(signers) != len(signature_lines(note)):
            # A stored note bears our own signatures only: one that is not known was tampered with.
            sweep.fault(size, "SIGNATURE", "a signature is not that of a known key")
        else:
            found[said.size] = said
    for size, detail in broken_links(found):
        sweep.fault(size, "UNLINKED", detail)
    return {size: said.root for size, said in found.items()}


def kept_outside(
    anchors_dir: Path | str | None, sweep: Sweep, verifiers: Sequence[Verifier]
) -> dict[int, bytes]:
    """Size and root of each checkpoint in the folder of copies kept outside."""
    found: dict[int, bytes] = {}
    if anchors_dir is None:
        return found
    for path, note in read_anchors(anchors_dir):
        text, signers = read_note(note, verifiers)
        said = parse_checkpoint(text)
        if said is None or not signers:
            sweep.fault(0, "ANCHOR", f"{path.name}: no checkpoint signed by a known key")
        elif found.setdefault(said.size, said.root) != said.root:
            sweep.fault(1, "ANCHOR", f"{path.name}: two signed roots of one size", said.size)
    return found


def compare_roots(sweep: Sweep, code: str, said: dict[int, bytes]) -> None:
    """Compare signed roots with those of the records."""
    before, size = 0, sweep.tree.size
    for at, root in sorted(said.items()):
        if at > size:
            what = "checkpoint" if code == "CHECKPOINT" else "checkpoint kept outside"
            sweep.fault(size + 1, "TRUNCATED", f"a {what} covers {at} records", at)
        elif sweep.roots[at] and sweep.roots[at] != root:
            detail = f"the records up to {at} do not have the root that was signed"
            sweep.fault(before + 1, code, detail, at)
        else:
            before = at


def check_blobs(connection: Connection, sweep: Sweep) -> None:
    """Hash every stored part again; each that a record names must be there."""
    missing = dict(sweep.blobs)
    names = [row[0] for row in rows_of(connection, "SELECT hash FROM trail_blob ORDER BY hash")]
    for place in range(0, len(names), _BLOBS_AT_ONCE):
        wanted = names[place : place + _BLOBS_AT_ONCE]
        sound = [str(name) for name in wanted if _is_hex(name)]
        for name in wanted:
            if not _is_hex(name):
                sweep.fault(0, "BLOB", f"{str(name)[:64]!r} is no hash")
        listed = ", ".join(f"'{name}'" for name in sound) or "''"
        statement = f"SELECT hash, content FROM trail_blob WHERE hash IN ({listed})"  # noqa: S608 - hexadecimal
        for name, content in rows_of(connection, statement):
            data = as_bytes(content)
            if data is not None and sha256(data).hexdigest() == name:
                missing.pop(name, None)
            elif name not in missing:
                sweep.fault(0, "BLOB", f"the content of {name} was changed")
    for name, seq in missing.items():
        sweep.fault(seq, "BLOB", f"{name}, which this record names, is gone or changed")


def _is_hex(name: Any) -> bool:
    return isinstance(name, str) and set(name) <= set("0123456789abcdef")


def check_personal(connection: Connection, sweep: Sweep) -> None:
    """Every personal value has its commitment; what was erased was erased by a recorded act."""
    missing = dict(sweep.personal)
    erased: dict[tuple[str, Any], list[tuple[Any, ...]]] = {}
    for name, field, subject, salt, value, at, gone_at in rows_of(
        connection,
        "SELECT commitment, field, subject, salt, value, committed_at, erased_at FROM trail_pii"
        " ORDER BY commitment",
    ):
        seq = missing.pop(name, 0)
        said = f"{str(name)[:64]}"
        if gone_at is not None:
            if salt is not None or value is not None:
                sweep.fault(seq, "PERSONAL", f"{said}: said to be erased, but still there")
            erased.setdefault((str(subject), gone_at), []).append((name, field, at))
        elif salt is None or value is None:
            sweep.fault(seq, "PERSONAL", f"{said}: emptied without an erasure")
        else:
            data = as_bytes(salt)
            texts = (field, subject, value)
            sound = data is not None and all(isinstance(one, str) for one in texts)
            if not sound or _commitment(data, field, subject, at, value) != name:
                sweep.fault(seq, "PERSONAL", f"{said}: the row was changed")
    for name, seq in missing.items():
        sweep.fault(seq, "PERSONAL", f"{name}, which this record names, is gone or changed")
    digests = {erasure_digest(subject, at, rows) for (subject, at), rows in erased.items()}
    recorded = {str(one.get("rows")): int(one["seq"]) for one in sweep.erasures}
    for digest in sorted(digests - recorded.keys()):
        sweep.fault(0, "PERSONAL", f"an erasure of which no record knows ({digest[:16]})")
    for digest, seq in sorted(recorded.items(), key=lambda one: one[1]):
        if digest not in digests:
            sweep.fault(seq, "PERSONAL", "what this record erased is not as it left it")


def _commitment(salt: bytes | None, field: str, subject: str, at: Any, value: str) -> str:
    try:
        return commitment(salt or b"", field, subject, at, value)
    except (TrailError, TypeError, ValueError):
        return ""
