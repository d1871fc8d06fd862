"""The pass over all records: quick while nothing is wrong, exact about what is.

A batch in order is checked in one tight loop. A batch in which anything is off is taken back and
gone through again record by record, so that each fault is named; both ways accept the same bytes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import orjson

from store.clock import parse_rfc3339
from store.types import to_microseconds
from trail.findings import Fault
from trail.merkle import Frontier, leaf_hash
from trail.rawrows import COLUMNS
from trail.records import VERSION
from trail.replica import Mismatch, Replica

_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_KEYS = frozenset(
    "v seq at actor kind action object org outcome reason uid body".split()  # noqa: SIM905 - one line
)
#: A gap that is wider than this is named, but not gone through number by number.
_WIDEST_GAP = 1_000_000
#: Where the body names what stands beside the records, by hash.
NAMES_BLOBS, NAMES_PERSONAL = "blobs", "personal"


@dataclass(slots=True)
class Sweep:
    """What one verification gathers while it goes over the records.

    Attributes:
        faults: found so far.
        tree: rebuilt so far.
        expected: the number that should come next.
        head_size: how many records the head counts.
        roots: sizes at which the root is wanted, and the root there; empty over a named fault.
        blobs: each hash that a record names as a blob, with the first record that names it.
        personal: the same for commitments to personal values.
        erasures: body of each record that says that personal values were erased, by its number.
        latest: the latest time of a record, in microseconds.
    """

    head_size: int = 0
    roots: dict[int, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    tree: Replica = field(default_factory=Replica)
    expected: int = 1
    blobs: dict[str, int] = field(default_factory=dict)
    personal: dict[str, int] = field(default_factory=dict)
    erasures: list[dict[str, Any]] = field(default_factory=list)
    latest: int = -(2**63)

    def fault(self, seq: int, code: str, detail: str, last: int = 0) -> None:
        """Name something; what is the same of record after record is named once, as a range."""
        before = self.faults[-1] if self.faults else None
        again = ("UNEXPECTED", detail, seq - 1)
        if code == "UNEXPECTED" and before and (before.code, before.detail, before.last) == again:
            self.faults[-1] = replace(before, last=seq)
            return
        self.faults.append(Fault(seq, code, detail, last or seq))

    def take(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """The next rows, in the order of their numbers."""
        if not self.take_clean(rows):
            for row in rows:
                self._take_one(row)

    def finish(self) -> None:
        """No more rows: what the head counts beyond them is gone."""
        if self.expected <= self.head_size:
            self.fault(self.expected, "MISSING", "no such record", self.head_size)
            self._lose(self.head_size + 1)

    def result(self) -> "Ranged":
        """What another process needs to go on from here."""
        return Ranged(
            self.tree.size,
            self.tree.peaks(),
            {size: root for size, root in self.roots.items() if root},
            self.blobs,
            self.personal,
            self.erasures,
            self.latest,
        )

    def adopt(self, behind: "Ranged") -> None:
        """Go on where another process, that found nothing wrong, has ended."""
        self.tree = Replica(Frontier(behind.size, list(behind.peaks)))
        self.expected = behind.size + 1
        self.roots.update(behind.roots)
        self.latest = max(self.latest, behind.latest)
        for name, seq in behind.blobs.items():
            self.blobs.setdefault(name, seq)
        for name, seq in behind.personal.items():
            self.personal.setdefault(name, seq)
        self.erasures += behind.erasures

    def take_clean(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        """The next rows if nothing at all is wrong with them; else False, and none is taken."""
        first, last = rows[0][0], rows[-1][0]
        if first != self.expected or last > self.head_size or self.tree.doubtful:
            return False
        found = check_rows(rows, self.tree.size, self.tree.peaks(), self.roots)
        if found is None:
            return False
        self.adopt(found)
        return True

    def _take_one(self, row: tuple[Any, ...]) -> None:
        seq = row[0]
        if not isinstance(seq, int) or seq < 1:
            self.fault(0, "UNEXPECTED", f"a row with the number {seq!r}")
            return
        if seq > self.expected:
            self.fault(self.expected, "MISSING", "no such record", seq - 1)
            self._lose(seq)
        if seq > self.head_size:
            self.fault(seq, "UNEXPECTED", f"beyond the head, which counts {self.head_size} records")
        self.expected = seq + 1
        self._check(seq, row)
        self._note_root()

    def _lose(self, until: int) -> None:
        if until - self.expected > _WIDEST_GAP:
            self.tree.lose()
            self.expected = until
        while self.expected < until:
            self.tree.lose()
            self.expected += 1
            self._note_root()

    def _note_root(self) -> None:
        # Over a place that is known to be wrong a root says nothing new; it stays empty.
        if self.tree.size in self.roots and not self.tree.doubtful:
            self.roots[self.tree.size] = self.tree.root()

    def _check(self, seq: int, row: tuple[Any, ...]) -> None:
        stored_leaf, nodes, body = row[11:]
        if not type(body) is type(stored_leaf) is type(nodes) is bytes:
            self.fault(seq, "BODY", "a column of bytes holds something else")
            self.tree.lose()
            return
        leaf, known = leaf_hash(body), len(self.faults)
        if leaf != stored_leaf:
            self.fault(seq, "BODY", "the record's bytes do not have the stored hash")
        self._check_form(seq, row, body)
        for found in self.tree.add(leaf, nodes, doubtful=len(self.faults) > known):
            self._mismatch(found)

    def _mismatch(self, found: Mismatch) -> None:
        names = f"the stored hash over records {found.first} to {found.last}"
        self.fault(found.first, "NODES", f"{names} does not follow from them", found.last)

    def _check_form(self, seq: int, row: tuple[Any, ...], body: bytes) -> None:
        try:
            document = orjson.loads(body)
            form_ok = (
                orjson.dumps(document, option=_SORTED) == body
                and document.keys() == _KEYS
                and document["v"] == VERSION
                and isinstance(document["body"], dict)
                and len(document["object"]) == 2  # noqa: PLR2004 - type and id
            )
            said = _said(document) if form_ok else ()
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            form_ok = False
        if not form_ok:
            self.fault(seq, "FORM", "not a record in canonical form")
            return
        if said != tuple(row[:11]):
            pairs = zip(COLUMNS, said, row, strict=False)
            wrong = ", ".join(name for name, ours, theirs in pairs if ours != theirs)
            self.fault(seq, "COLUMN", f"differs from the record's bytes: {wrong}")
        self.latest = max(self.latest, said[1])
        _gather(document, seq, self.blobs, self.personal, self.erasures)


@dataclass(frozen=True, slots=True)
class Ranged:
    """Records in a row without a fault: the tree behind them, and what they name."""

    size: int
    peaks: tuple[bytes, ...]
    roots: dict[int, bytes]
    blobs: dict[str, int]
    personal: dict[str, int]
    erasures: list[dict[str, Any]]
    latest: int


def check_rows(
    rows: Sequence[tuple[Any, ...]],
    size: int,
    before: Iterable[bytes],
    wanted: Mapping[int, bytes],
) -> Ranged | None:
    """Check the rows behind the first `size` records; None when anything at all is off.

    Args:
        rows: as `rawrows` reads them.
        size: records before them; `before` are the peaks of their tree.
        before: see there.
        wanted: sizes at which the root is to be kept.
    """
    peaks = list(before)
    roots: dict[int, bytes] = {}
    blobs: dict[str, int] = {}
    personal: dict[str, int] = {}
    erasures: list[dict[str, Any]] = []
    latest = -(2**63)
    loads, dumps, option, microseconds = orjson.loads, orjson.dumps, _SORTED, _microseconds()
    pop, push = peaks.pop, peaks.append
    try:
        for row in rows:
            seq, at, actor, kind, action, object_type, object_id = row[:7]
            org, outcome, reason, uid, leaf, nodes, body = row[7:]
            node = sha256(b"\x00" + body).digest()
            document = loads(body)
            about, inner = document["object"], document["body"]
            if (
                seq != size + 1
                or node != leaf
                or dumps(document, option=option) != body
                or len(document) != 12  # noqa: PLR2004 - each of `_KEYS` is read below
                or len(about) != 2  # noqa: PLR2004 - type and id
                or document["seq"] != seq
                or document["v"] != VERSION
                or document["actor"] != actor
                or document["kind"] != kind
                or document["action"] != action
                or about["type"] != object_type
                or about["id"] != object_id
                or document["org"] != org
                or document["outcome"] != outcome
                or document["reason"] != reason
                or document["uid"] != uid
                or microseconds(document["at"]) != at
                or type(inner) is not dict
            ):
                return None
            position, completed = size, b""
            while position & 1:
                node = sha256(b"\x01" + pop() + node).digest()
                completed += node
                position >>= 1
            if completed != nodes:
                return None
            push(node)
            size = seq
            latest = max(latest, at)
            if size in wanted:
                roots[size] = Frontier(size, peaks).root()
            if NAMES_BLOBS in inner or NAMES_PERSONAL in inner or action == "personal.erase":
                _gather(document, seq, blobs, personal, erasures)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None  # the slow way names it
    return Ranged(size, tuple(peaks), roots, blobs, personal, erasures, latest)


def _microseconds() -> Callable[[str], int]:
    """A reader of times that remembers the last one: records of a commit share theirs."""
    last, value = "", 0

    def read(text: str) -> int:
        nonlocal last, value
        if text != last:
            last, value = text, to_microseconds(parse_rfc3339(text))
        return value

    return read


def _gather(
    document: dict[str, Any],
    seq: int,
    blobs: dict[str, int],
    personal: dict[str, int],
    erasures: list[dict[str, Any]],
) -> None:
    """What a record names beside itself."""
    body = document["body"]
    for key, names in ((NAMES_BLOBS, blobs), (NAMES_PERSONAL, personal)):
        named = body.get(key)
        if isinstance(named, dict):
            for name in named.values():
                names.setdefault(str(name), seq)
    if document["action"] == "personal.erase":
        erasures.append({"seq": seq, "subject": document["object"]["id"], **body})


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
