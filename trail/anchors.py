"""Copies of checkpoints outside the operator's reach.

Who owns the database and the signing key can write the whole trail anew. A checkpoint in a folder
that belongs to someone else (another account, a mail to the auditor, a write-once share) can then
not be made to agree.
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from store import UnitOfWork
from trail.errors import TrailError
from trail.notes import parse_checkpoint
from trail.records import RecordRef, record
from trail.tables import CHECKPOINT

_SUFFIX = ".checkpoint"


@dataclass(frozen=True, slots=True)
class Anchored:
    """One checkpoint that was written outside.

    Attributes:
        size: records that it covers.
        root: the tree's root, in hexadecimal.
        path: the file.
        new: False when the same checkpoint already stood there.
    """

    size: int
    root: str
    path: Path
    new: bool


def anchor(connection: Connection, folder: Path | str) -> Anchored | None:
    """Write the newest checkpoint to `folder`, durably; None before the first checkpoint.

    Raises:
        TrailError: when a different checkpoint of the same size stands there: one of the two
            trails is false.
    """
    row = connection.execute(
        select(CHECKPOINT).order_by(CHECKPOINT.c.size.desc()).limit(1)
    ).one_or_none()
    if row is None:
        return None
    path = Path(folder) / f"{row.size:012d}{_SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists() and _write(path, row.note)
    if not new and path.read_text(encoding="utf-8") != row.note:
        raise TrailError(f"{path.name}: a different checkpoint of {row.size} records stands there")
    return Anchored(row.size, bytes(row.root).hex(), path, new)


def _write(path: Path, note: str) -> bool:
    """Make a file whole or not at all; False when another process was first.

    Half a checkpoint under the name would later look like the work of a forger.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("x", encoding="utf-8") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # unlike a renaming it fails when the name is taken
        except FileExistsError:
            return False
        except OSError:  # a share that knows no second name for a file
            draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True


def record_anchor(uow: UnitOfWork, anchored: Anchored) -> RecordRef:
    """Leave the record that a checkpoint was taken outside; `summary` reads it."""
    return record(
        uow,
        kind="key",
        action="trail.anchor",
        object_type="checkpoint",
        object_id=str(anchored.size),
        outcome="written",
        body={"size": anchored.size, "root": anchored.root, "place": anchored.path.parent.name},
    )


def read_anchors(folder: Path | str) -> Iterator[tuple[Path, str]]:
    """The checkpoints in a folder, smallest first; empty text for one that cannot be read."""
    for path in sorted(Path(folder).glob(f"*{_SUFFIX}")):
        try:
            note = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            note = ""
        yield path, note


def kept_note(folder: Path | str, size: int) -> str | None:
    """The checkpoint over `size` records as it stands in a folder; None when it does not."""
    path = Path(folder) / f"{size:012d}{_SUFFIX}"
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def newest_note(connection: Connection) -> tuple[int, str] | None:
    """Size and text of the newest checkpoint; None before the first."""
    row = connection.execute(
        select(CHECKPOINT.c.size, CHECKPOINT.c.note).order_by(CHECKPOINT.c.size.desc()).limit(1)
    ).one_or_none()
    return None if row is None else (row.size, row.note)


def note_root(note: str) -> str:
    """The root that a checkpoint states, in hexadecimal; empty when it states none."""
    said = parse_checkpoint(note.rpartition("\n\n")[0] + "\n")
    return "" if said is None else said.root.hex()
