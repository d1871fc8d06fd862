"""One file as a batch: the rows that became facts, those that did not, and why. No database."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from book.positions import FuturesPosition, OptionPosition
from book.state import field_of, key_of
from integrations.files.entry import Entry
from integrations.files.facts import FactReader
from integrations.files.kinds import Kind
from integrations.files.mapping import ColumnMapping
from integrations.files.sheets import FileRow, SheetReader
from integrations.files.terms import Terms
from integrations.files.values import plain
from store.problems import Problem, shorten

_RAW_MOST = 2_000
_BOTH_SIDES = {"buy", "sell"}
_POSITIONS = (FuturesPosition, OptionPosition)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be taken in.

    Attributes:
        line: 1-based line or row.
        raw: our field → what stood there, as text.
        problems: what is wrong with it.
        original: the whole row as it stood: header of the file → text, columns that are not read
            among it.
    """

    line: int
    raw: Mapping[str, str]
    problems: tuple[Problem, ...]
    original: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a file holds.

    Attributes:
        kind: what was asked for.
        file: the file's name as the user gave it.
        source: under what name the facts are kept.
        rows: how many rows stood under the header.
        entries: the good ones.
        bad: the others; `rows` is the number of both.
        problems: what is wrong with the file as a whole; an error among them keeps it out.
        digest: SHA-256 of the file; empty when it could not be read.
    """

    kind: Kind
    file: str
    source: str
    rows: int = 0
    entries: tuple[Entry, ...] = ()
    bad: tuple[BadRow, ...] = ()
    problems: tuple[Problem, ...] = ()
    digest: str = ""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """All that kept the file or a row out, in the order of the file."""
        found = [one for one in self.problems if one.severity == "error"]
        told: set[tuple[str, str]] = set()
        for problem in (problem for row in self.bad for problem in row.problems):
            if problem.code == "IMPORT_MERGED_CELLS":
                # a merge spoils every row that it covers, and is one fault
                merge = (problem.cell.rpartition("!")[0], problem.found)
                if merge in told:
                    continue
                told.add(merge)
            found.append(problem)
        return tuple(found)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What was noticed and kept nothing out."""
        found = [one for one in self.problems if one.severity != "error"]
        return (*found, *(one for entry in self.entries for one in entry.warnings))


def read_batch(
    path: Path,
    kind: Kind,
    terms: Terms,
    *,
    name: str = "",
    mapping: ColumnMapping | None = None,
    labels: Mapping[str, str] | None = None,
    ignored: Collection[str] = (),
) -> Batch:
    """Read a file of one kind.

    Args:
        path: the file.
        kind: what it holds.
        terms: what it is read against.
        name: its name as the user gave it; else the path's.
        mapping: the company's own headers.
        labels: further headers → our field, such as the catalogues' labels.
        ignored: headers of columns that are left out on purpose.

    Returns:
        The batch. A fault in the file is told in it, never raised.
    """
    shown = name or path.name
    own = mapping or ColumnMapping()
    if own.zone:
        terms = replace(terms, zone=ZoneInfo(own.zone))
    if own.decimal:
        terms = replace(terms, decimal=own.decimal)
    sheets = SheetReader(path, kind, name=shown, mapping=own, labels=labels or {}, ignored=ignored)
    reader = FactReader(kind, terms)
    gathered = _Gathered(shown)
    for row in sheets.rows():
        read: Entry | list[Problem] = list(row.problems) or reader.read(
            row.values, file=shown, line=row.line, cells=row.cells, headers=row.headers
        )
        gathered.add(row, read)
    problems = sheets.problems
    if sheets.withheld:
        # what was read took a default for a column that may stand there under another name
        gathered = _Gathered(shown)
    rows = sum(entry.rows for entry in gathered.entries.values()) + len(gathered.bad)
    if rows == 0 and not any(one.severity == "error" for one in problems):
        problems = [*problems, Problem("IMPORT_EMPTY", file=shown)]
    return Batch(
        kind=kind,
        file=shown,
        source=own.source or f"file:{shown}",
        rows=rows,
        entries=tuple(gathered.entries.values()),
        bad=tuple(gathered.bad),
        problems=tuple(problems),
        digest=_digest(path),
    )


@dataclass(slots=True)
class _Gathered:
    """Good and bad rows; an id may stand in a file once."""

    file: str
    entries: dict[tuple[str, tuple[str, ...]], Entry] = field(default_factory=dict)
    bad: list[BadRow] = field(default_factory=list)

    def add(self, row: FileRow, read: Entry | list[Problem]) -> None:
        if not isinstance(read, Entry):
            self.bad.append(_bad(row, tuple(read)))
            return
        key = (field_of(read.fact), key_of(read.fact))
        held = self.entries.get(key)
        if held is None:
            self.entries[key] = read
            return
        both = _netted(held, read)
        if both is not None:
            self.entries[key] = both
            return
        problem = Problem(
            "IMPORT_ID_REPEATED",
            file=self.file,
            line=row.line,
            cell=read.cell,
            field=id_field(read),
            found=(found := shorten(key[1][1] if len(key[1]) > 1 else key[1][0])),
            allowed=f"≠ {found}",
            params=_named(row, id_field(read)) | {"other": str(held.line)},
        )
        self.bad.append(_bad(row, (problem,)))


def _bad(row: FileRow, problems: tuple[Problem, ...]) -> BadRow:
    return BadRow(row.line, raw_of(row.values), problems, raw_of(row.original))


def _named(row: FileRow, names: str) -> dict[str, str]:
    """The columns of an id as they stand in the file; nothing when one of them stands nowhere."""
    theirs = [row.headers.get(name, "") for name in names.split(", ")]
    return {"column": ", ".join(theirs)} if all(theirs) else {}


def _netted(first: Entry, second: Entry) -> Entry | None:
    """One position of a long and a short row, as statements list them; None for anything else."""
    one, other = first.fact, second.fact
    if {first.side, second.side} != _BOTH_SIDES or not isinstance(one, _POSITIONS):
        return None
    assert isinstance(other, _POSITIONS)  # noqa: S101 - they share their key
    fact = replace(one, lots=one.lots + other.lots)
    return replace(first, fact=fact, side="", rows=first.rows + second.rows)


def id_field(entry: Entry) -> str:
    """The columns that name the entry within its organisation."""
    names = {
        "contracts": "contract_id",
        "fixations": "fixation_id",
        "lots": "lot_id",
        "receipts": "receipt_id",
        "futures": "contract, account",
        "options": "contract, account",
        "prices": "at",
        "limits": "limit_id",
    }
    return names[field_of(entry.fact)]


def raw_of(values: Mapping[str, Any]) -> dict[str, str]:
    """What stood in a row as text, cut to what the quarantine keeps."""
    found = {name: plain(value)[:_RAW_MOST] for name, value in values.items()}
    # lone surrogates stand for bytes that were no text
    return {n: t.encode("utf-8", "replace").decode("utf-8") for n, t in found.items()}


def scopes_of(entries: Iterable[Entry]) -> set[tuple[str, str]]:
    """Organisation and product of each entry; a fixation names no product."""
    return {
        (getattr(entry.fact, "org", ""), getattr(entry.fact, "product", "")) for entry in entries
    }


def _digest(path: Path) -> str:
    digest = sha256()
    try:
        with path.open("rb") as stream:
            while piece := stream.read(1024 * 1024):
                digest.update(piece)
    except OSError:
        return ""
    return digest.hexdigest()
