"""The tree as verification rebuilds it, able to go on behind a fault.

A single changed leaf changes every node above it. To name the fault once and still check what
comes after, a node over a place already named is taken over from its stored value, which was
computed when the leaf was still right.
"""

from dataclasses import dataclass

from trail.merkle import EMPTY_ROOT, HASH_BYTES, Frontier, node_hash

_UNKNOWN = bytes(HASH_BYTES)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A stored node that does not follow from the records `first` to `last` (from 1)."""

    first: int
    last: int


class Replica:
    """A frontier that knows which of its peaks stand over a named fault."""

    __slots__ = ("_doubts", "_frontier")

    def __init__(self, frontier: Frontier | None = None) -> None:
        self._frontier = frontier or Frontier()
        self._doubts = [False] * len(self._frontier.peaks)

    @property
    def size(self) -> int:
        """Leaves so far, lost ones among them."""
        return self._frontier.size

    @property
    def doubtful(self) -> bool:
        """True while the root stands over a named fault that no stored node has bridged."""
        return True in self._doubts

    def root(self) -> bytes:
        """The root of what was rebuilt."""
        return self._frontier.root() if self._frontier.size else EMPTY_ROOT

    def peaks(self) -> tuple[bytes, ...]:
        """The complete subtrees at the right edge, largest first."""
        return tuple(self._frontier.peaks)

    def frontier_bytes(self) -> bytes:
        """The right edge, as the head row keeps it."""
        return self._frontier.to_bytes()

    def lose(self) -> None:
        """Count a leaf that is gone."""
        self.add(_UNKNOWN, b"", doubtful=True)

    def add(self, leaf: bytes, stored: bytes, *, doubtful: bool = False) -> list[Mismatch]:
        """Add a leaf and compare the nodes that it completes with the stored ones."""
        frontier, size = self._frontier, self._frontier.size
        if doubtful or True in self._doubts:
            return self._add_slowly(leaf, stored, doubtful=doubtful)
        saved = list(frontier.peaks) if size & 1 else None
        if frontier.append(leaf) == stored:
            self._doubts[len(frontier.peaks) - 1 :] = [False]
            return []
        frontier.size, frontier.peaks = size, saved if saved is not None else frontier.peaks[:-1]
        return self._add_slowly(leaf, stored, doubtful=False)

    def _add_slowly(self, leaf: bytes, stored: bytes, *, doubtful: bool) -> list[Mismatch]:
        frontier, doubts, position = self._frontier, self._doubts, self._frontier.size
        seq, found, node, level = position + 1, [], leaf, 0
        while position & 1:
            node = node_hash(frontier.peaks.pop(), node)
            doubtful = doubts.pop() or doubtful
            kept = stored[level * HASH_BYTES : (level + 1) * HASH_BYTES]
            level, position = level + 1, position >> 1
            if node == kept:
                doubtful = False
            elif not doubtful:
                found.append(Mismatch(seq - (1 << level) + 1, seq))
                doubtful = True
            elif len(kept) == HASH_BYTES:
                node, doubtful = kept, False
        if len(stored) > level * HASH_BYTES:
            found.append(Mismatch(seq, seq))
        frontier.peaks.append(node)
        doubts.append(doubtful)
        frontier.size += 1
        return found
