"""The Merkle tree of RFC 6962, section 2.1, as pure functions.

A leaf is SHA-256(0x00 || record), a node SHA-256(0x01 || left || right), and a tree of n leaves
splits at the largest power of two below n. Only *complete* subtrees are ever stored; what is
incomplete is folded from them when it is needed. Leaves and nodes are counted from 0.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

NodeAt = Callable[[int, int], bytes]
"""Gives the hash of the complete subtree at (level, index); level 0 are the leaves."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of one record's bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The complete subtrees at the right edge: all that is needed to append.

    Attributes:
        size: number of leaves.
        peaks: their hashes, largest (leftmost) subtree first; one for each 1 bit of `size`.
    """

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if len(peaks) != size.bit_count():
            raise ValueError("a frontier has one peak for each 1 bit of its size")
        self.size = size
        self.peaks = list(peaks)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> "Frontier":
        """The frontier whose peaks stand one after the other in `data`."""
        return cls(size, [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)])

    def to_bytes(self) -> bytes:
        """The peaks, one after the other."""
        return b"".join(self.peaks)

    def append(self, leaf: bytes) -> bytes:
        """Add a leaf's hash; returns the nodes that it completes, lowest first, concatenated.

        Leaf i completes one node for each trailing 1 bit of i: at level l, number i >> l.
        """
        peaks, position, node, completed = self.peaks, self.size, leaf, b""
        while position & 1:
            node = sha256(b"\x01" + peaks.pop() + node).digest()
            completed += node
            position >>= 1
        peaks.append(node)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """The tree's hash: the peaks folded from the right."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def peaks_of(size: int) -> list[tuple[int, int]]:
    """(level, index) of the complete subtrees that make up a tree of `size` leaves."""
    found, start = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            found.append((level, start >> level))
            start += 1 << level
    return found


def range_hash(node_at: NodeAt, start: int, end: int) -> bytes:
    """The hash of the leaves [start, end), where the range is a subtree of some tree."""
    width = end - start
    if width & (width - 1) == 0 and start % width == 0:
        level = width.bit_length() - 1
        return node_at(level, start >> level)
    split = start + _split(width)
    return node_hash(range_hash(node_at, start, split), range_hash(node_at, split, end))


def inclusion_path(node_at: NodeAt, index: int, size: int) -> list[bytes]:
    """RFC 6962 2.1.1: the hashes that lead from leaf `index` to the root of `size` leaves."""
    if not 0 <= index < size:
        raise ValueError("the leaf is not in the tree")
    path, start, end = [], 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            path.append(range_hash(node_at, split, end))
            end = split
        else:
            path.append(range_hash(node_at, start, split))
            start = split
    return path[::-1]


def consistency_path(node_at: NodeAt, old: int, new: int) -> list[bytes]:
    """RFC 6962 2.1.2: the hashes that show the tree of `old` leaves to begin that of `new`."""
    if not 0 <= old <= new:
        raise ValueError("the older tree is the smaller one")
    if old in {0, new}:
        return []
    path, start, end, whole = [], 0, new, True
    while old != end:
        split = start + _split(end - start)
        if old <= split:
            path.append(range_hash(node_at, split, end))
            end = split
        else:
            path.append(range_hash(node_at, start, split))
            start, whole = split, False
    if not whole:
        path.append(range_hash(node_at, start, end))
    return path[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> bool:
    """RFC 9162 2.1.3.2: does `path` lead from the leaf's hash to `root`?"""
    if not 0 <= index < size:
        return False
    position, last, node = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(step, node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, step)
        position >>= 1
        last >>= 1
    return last == 0 and node == root


def verify_consistency(  # noqa: C901 - the algorithm as the RFC writes it
    old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """RFC 9162 2.1.4.2: does `path` show that the older tree begins the newer one?"""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            second = node_hash(second, step)
        position >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == new_root


def _split(width: int) -> int:
    """The largest power of two below `width` (which is at least 2)."""
    return 1 << ((width - 1).bit_length() - 1)
