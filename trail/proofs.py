"""Proofs that one record is part of the tree, and that one tree begins a later one."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from trail.errors import TrailError, UnknownRecord
from trail.merkle import (
    HASH_BYTES,
    NodeAt,
    consistency_path,
    inclusion_path,
    range_hash,
    verify_consistency,
    verify_inclusion,
)
from trail.tables import CHECKPOINT, HEAD, RECORD

_C = RECORD.c


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """The hashes from one record up to a root.

    Attributes:
        seq: the record's number; its leaf is number ``seq - 1``.
        leaf_hash: the record's hash as a leaf.
        size: records in the tree.
        path: the hashes beside the way up, lowest first.
        root: the tree's root.
    """

    seq: int
    leaf_hash: bytes
    size: int
    path: tuple[bytes, ...]
    root: bytes

    def holds(self) -> bool:
        """True when the path leads from the leaf to the root."""
        return verify_inclusion(self.leaf_hash, self.seq - 1, self.size, self.path, self.root)


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """The hashes that show the tree of `old_size` records to be the beginning of `new_size`."""

    old_size: int
    old_root: bytes
    new_size: int
    new_root: bytes
    path: tuple[bytes, ...]

    def holds(self) -> bool:
        """True when the older tree is the beginning of the newer one."""
        return verify_consistency(
            self.old_size, self.old_root, self.new_size, self.new_root, self.path
        )


def prove(connection: Connection, seq: int, size: int | None = None) -> InclusionProof:
    """The proof of record `seq` in the tree of the first `size` records.

    Without `size`: that of the newest checkpoint that covers it, else the whole tree.

    Raises:
        UnknownRecord: when there is no such record.
        TrailError: when `size` does not reach it, or goes beyond the trail.
    """
    total = tree_size(connection)
    if not 1 <= seq <= total:
        raise UnknownRecord(seq)
    if size is None:
        sealed = connection.scalar(select(func.max(CHECKPOINT.c.size))) or 0
        size = sealed if sealed >= seq else total
    if not seq <= size <= total:
        raise TrailError(f"no tree of {size} records holds record {seq}; the trail has {total}")
    node_at = stored_nodes(connection)
    return InclusionProof(
        seq=seq,
        leaf_hash=node_at(0, seq - 1),
        size=size,
        path=tuple(inclusion_path(node_at, seq - 1, size)),
        root=range_hash(node_at, 0, size),
    )


def prove_consistency(
    connection: Connection, old_size: int, new_size: int | None = None
) -> ConsistencyProof:
    """The proof that the first `old_size` records are still what they were.

    Raises:
        TrailError: when the sizes are not 1 ≤ old ≤ new ≤ the trail's.
    """
    total = tree_size(connection)
    new_size = total if new_size is None else new_size
    if not 1 <= old_size <= new_size <= total:
        raise TrailError(f"no trees of {old_size} and {new_size} records; the trail has {total}")
    node_at = stored_nodes(connection)
    return ConsistencyProof(
        old_size=old_size,
        old_root=range_hash(node_at, 0, old_size),
        new_size=new_size,
        new_root=range_hash(node_at, 0, new_size),
        path=tuple(consistency_path(node_at, old_size, new_size)),
    )


def tree_size(connection: Connection) -> int:
    """How many records the trail has."""
    return connection.scalar(select(HEAD.c.size)) or 0


def stored_nodes(connection: Connection) -> NodeAt:
    """Looks up a complete subtree's hash, where its last leaf's row keeps it."""

    def node_at(level: int, index: int) -> bytes:
        seq = (index + 1) << level
        row = connection.execute(select(_C.leaf_hash, _C.nodes).where(_C.seq == seq)).one_or_none()
        if row is None:
            raise UnknownRecord(seq)
        if level == 0:
            return bytes(row.leaf_hash)
        return bytes(row.nodes)[(level - 1) * HASH_BYTES : level * HASH_BYTES]

    return node_at
