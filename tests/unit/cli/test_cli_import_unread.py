"""A file that could not be read at all is told as that, never as one without rows."""

from typing import Any

from tests.unit.cli.conftest import CONTRACTS


def test_a_file_with_a_misspelt_column_is_not_told_as_one_without_rows(house: Any) -> None:
    text = CONTRACTS.replace("quantity", "quantitty")
    answer = house("import", "contracts", house.file("c.csv", text), lang="en_GB.UTF-8")
    assert answer.code == 1
    assert "quantity" in answer.err
    assert "The file as a whole was not taken in" in answer.out
    assert "0 rows" not in answer.out
