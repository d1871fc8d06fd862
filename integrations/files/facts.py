"""A row of a file as a fact of the book; everything wrong with the row is told at once."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from integrations.files.entry import Entry
from integrations.files.goods import GoodsRows
from integrations.files.kinds import COLUMNS, FIXATION_NEEDS, Kind
from integrations.files.market import MarketRows
from integrations.files.terms import Terms
from integrations.files.values import RowReader
from store.problems import Problem


class FactReader:
    """Reads the rows of one kind."""

    def __init__(self, kind: Kind, terms: Terms) -> None:
        self._columns = {column.name: column for column in COLUMNS[kind]}
        goods = GoodsRows(terms, self._columns)
        market = MarketRows(terms, self._columns)
        readers: Mapping[Kind, Callable[[RowReader], Entry | None]] = {
            Kind.CONTRACTS: goods.contract,
            Kind.INVENTORY: goods.lot,
            Kind.RECEIPTS: goods.receipt,
            Kind.POSITIONS: market.position,
            Kind.PRICES: market.price,
            Kind.LIMITS: market.limit,
        }
        self._read = readers[kind]
        self._decimal = terms.decimal
        self.kind = kind

    def read(
        self,
        values: Mapping[str, Any],
        *,
        file: str,
        line: int,
        cells: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Entry | list[Problem]:
        """The entry, or everything that is wrong with the row.

        Args:
            values: field → cell.
            file: the file's name as the user gave it.
            line: the 1-based line or row.
            cells: field → spreadsheet cell.
            headers: field → the column's name as it stands in the file.
        """
        row = RowReader(
            values, file=file, line=line, cells=cells, headers=headers, decimal=self._decimal
        )
        fixation = self.kind is Kind.CONTRACTS and row.has("fixation_id")
        for column in self._columns.values():
            wanted = column.name in FIXATION_NEEDS if fixation else column.needed
            if wanted:
                row.need(column.name, column.allowed)
        entry = self._read(row)
        if row.problems or entry is None:
            return row.problems
        cell = next(iter((cells or {}).values()), "")
        return replace(
            entry,
            line=line,
            cell=cell,
            warnings=tuple(row.warnings),
            cells=cells or {},
            headers=headers or {},
        )
