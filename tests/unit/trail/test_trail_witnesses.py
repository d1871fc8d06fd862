"""Every table of the domain testifies to the trail, or says why it cannot."""

import pytest
from sqlalchemy import Column, MetaData, Table, Text

from scripts.make_migration import load_tables
from store.types import UtcDateTime
from trail import witnesses


def mute(tables: MetaData) -> set[str]:
    """The tables that are no plumbing and have no column that speaks of a record."""
    return {
        one.name
        for one in tables.sorted_tables
        if witnesses.is_witness(one.name) and not any(witnesses.witnesses(one))
    }


def test_a_table_without_a_witness_says_why() -> None:
    assert mute(load_tables()) == set(witnesses.SILENT)
    assert all(witnesses.SILENT.values())


def test_what_is_listed_by_table_and_column_is_there() -> None:
    tables = load_tables().tables
    for table, column in witnesses._NAMES_RECORD | witnesses._OTHER_TIMES:
        assert column in tables[table].columns


@pytest.mark.parametrize(("column", "found"), [("recorded_at", set()), ("noted", {"new"})])
def test_a_new_table_is_asked_for_its_witness(column: str, found: set[str]) -> None:
    tables = MetaData()
    Table("new", tables, Column("id", Text, primary_key=True), Column(column, UtcDateTime))
    assert mute(tables) == found
