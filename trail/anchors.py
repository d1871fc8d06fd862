"""Copies of checkpoints outside the operator's reach.

Who owns the database and the signing key can write the whole trail anew. A checkpoint in a folder
that belongs to someone else (another account, a mail to the auditor, a write-once share) can then
not be made to agree.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, select

from store import UnitOfWork
from trail.errors import TrailError
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
    new = not path.exists()
    if new:
        with path.open("x", encoding="utf-8") as file:
            file.write(row.note)
            file.flush()
            os.fsync(file.fileno())
    elif path.read_text(encoding="utf-8") != row.note:
        raise TrailError(f"{path.name}: a different checkpoint of {row.size} records stands there")
    return Anchored(row.size, bytes(row.root).hex(), path, new)


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
    """The checkpoints in a folder, smallest first."""
    for path in sorted(Path(folder).glob(f"*{_SUFFIX}")):
        yield path, path.read_text(encoding="utf-8", errors="replace")
