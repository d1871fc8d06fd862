"""The header of a table: which of our fields each column is, and what is wrong with it."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditlog.rows import Row
from integrations.files.kinds import Kind, header, needed
from integrations.files.mapping import ColumnMapping
from integrations.files.row_checks import blank
from integrations.files.trade_words import plain_header, words_of
from integrations.files.unread import UnreadColumns
from integrations.files.values import plain
from store.problems import did_you_mean, shorten


@dataclass(frozen=True, slots=True)
class Heading:
    """A fault of the header.

    Attributes:
        code: the problem's.
        column: where it stands, from 1; 0 for what stands nowhere.
        parts: the problem's other values.
    """

    code: str
    column: int = 0
    parts: Mapping[str, Any] = field(default_factory=dict)


class Headings:
    """What headers of a file may say.

    Args:
        kind: what the file holds.
        mapping: the company's own headers; they come before all other words of their fields.
        labels: further headers → our field.
        ignored: headers that are left out on purpose, besides those that the mapping names.
    """

    def __init__(
        self,
        kind: Kind,
        mapping: ColumnMapping,
        labels: Mapping[str, str],
        ignored: Collection[str],
    ) -> None:
        self._kind = kind
        self._mapping = mapping
        self._words = words_of(kind, labels)
        self._mapped = {text.strip().casefold(): name for name, text in mapping.columns.items()}
        free = {name: words for name, words in self._words.items() if name not in mapping.columns}
        self._names = {plain_header(word): name for name, words in free.items() for word in words}
        self._names |= {plain_header(name): name for name in free}
        self._ignored = {plain_header(one): one for one in (*mapping.ignored, *ignored)}

    def field(self, cell: Any) -> str:
        """The field that a cell of the header names; empty for one that is not read."""
        if cell is None:
            return ""
        text = plain(cell).strip()
        if plain_header(text) in self._ignored:
            return ""
        return self._mapped.get(text.casefold(), "") or self._names.get(plain_header(text), "")

    def unread(self, fields: Sequence[str]) -> UnreadColumns:
        """What the columns that are not read are held against: the fields without a column."""
        present = self._present(fields)
        absent = tuple(name for name in header(self._kind) if name not in present)
        return UnreadColumns(self._kind, absent, self._words)

    def check(self, row: Row, fields: Sequence[str], unread: UnreadColumns) -> Iterator[Heading]:
        """What the header lacks, names twice, or names as nobody does.

        Columns of which their cells have to tell are given to `unread`.
        """
        unknown = [
            (column, shorten(plain(cell).strip()))
            for column, (name, cell) in enumerate(zip(fields, row.values, strict=False), 1)
            if not name and not blank(cell) and plain_header(plain(cell)) not in self._ignored
        ]
        present = self._present(fields)
        missing = [name for name in needed(self._kind) if name not in present]
        yield from self._missing(missing, [text for _, text in unknown])
        for column, text in unknown:
            found = self._unknown(unread, column, text, missing)
            yield found
            if found.code == _NOBODYS:
                unread.watch(column, text)
        yield from _repeated(row, fields)
        for name, theirs in self._mapping.columns.items():
            if name not in present and name not in missing:
                yield _lacking(name, theirs)
        given = {plain_header(plain(cell)) for cell in row.values if not blank(cell)}
        for said, text in self._ignored.items():
            if said not in given:
                near = did_you_mean(text, [theirs for _, theirs in unknown])
                parts = {"found": text, "hint": near, "severity": "warning"}
                yield Heading("IMPORT_IGNORED_ABSENT", parts=parts)

    def _present(self, fields: Sequence[str]) -> set[str]:
        return {name for name in fields if name} | self._mapping.constants.keys()

    def _missing(self, missing: Sequence[str], unknown: Sequence[str]) -> Iterator[Heading]:
        for name in missing:
            theirs = self._mapping.columns.get(name, name)
            yield _lacking(name, theirs, _nearest((theirs, *self._words[name]), unknown))

    def _unknown(
        self, unread: UnreadColumns, column: int, text: str, missing: Sequence[str]
    ) -> Heading:
        near, spoken = unread.near(text), unread.spoken_of(text)
        meant = self._names.get(plain_header(near), "") or spoken
        absent = ", ".join(unread.absent)
        parts = {"field": text, "found": text, "hint": near, "allowed": absent}
        if not meant or meant in missing:
            return Heading(_NOBODYS, column, {**parts, "severity": "warning"})
        # a column that is lost without a word would leave its default in the book
        if near:
            return Heading("IMPORT_COLUMN_MISSPELT", column, parts)
        return unread_column(column, text, spoken)


_NOBODYS = "IMPORT_COLUMN_UNKNOWN"


def unread_column(column: int, text: str, name: str) -> Heading:
    """A column that could be the field `name`, which the file lacks."""
    # named as a column too, so that the sentence has the label beside the name
    parts = {"field": name, "found": text, "allowed": name, "params": {"column": name}}
    return Heading("IMPORT_COLUMN_UNREAD", column, parts)


def _lacking(name: str, theirs: str, hint: str = "") -> Heading:
    params = {"column": theirs}
    parts = {"field": name, "found": "", "allowed": theirs, "hint": hint, "params": params}
    return Heading("IMPORT_COLUMN_MISSING", parts=parts)


def _nearest(words: Sequence[str], unknown: Sequence[str]) -> str:
    """The header that is near one of the words, or holds it (``数量（吨）``); empty for none."""
    near = next(filter(None, (did_you_mean(word, unknown) for word in words)), "")
    known = [plain_header(word) for word in words]
    holds = (
        text for text in unknown if any(len(one) > 1 and one in plain_header(text) for one in known)
    )
    return near or next(holds, "")


def _repeated(row: Row, fields: Sequence[str]) -> Iterator[Heading]:
    """Several columns of one field: the second's place and all headers; one is allowed."""
    for name, times in Counter(fields).items():
        if name and times > 1:
            places = [place for place, one in enumerate(fields) if one == name]
            theirs = shorten(" = ".join(plain(row.values[place]).strip() for place in places))
            parts = {"field": name, "found": theirs, "allowed": "1", "params": {"column": theirs}}
            yield Heading("IMPORT_COLUMN_REPEATED", places[1] + 1, parts)
