"""A mapping inside a file: what may stand in it, and what is told when something else does."""

import pytest

from directory.reading import FieldReader, parse_yaml


def inner(text: str, keys: tuple[str, ...] | None) -> tuple[dict[str, object], FieldReader]:
    root, problems = parse_yaml(text, "对照.yaml")
    assert problems == []
    reader = FieldReader("对照.yaml")
    return dict(reader.inner(root, "columns", keys)), reader


def test_a_key_that_is_not_allowed_is_told_with_its_place_and_the_nearest() -> None:
    found, reader = inner("columns:\n  price: 单价\n  quantitiy: 数量\n", ("price", "quantity"))
    assert list(found) == ["price", "quantitiy"]
    (problem,) = reader.problems
    assert (problem.code, problem.field, problem.found) == ("FIELD_UNKNOWN", "columns", "quantitiy")
    assert (problem.line, problem.allowed, problem.hint) == (3, "price, quantity", "quantity")


def test_any_key_may_stand_where_no_list_is_given() -> None:
    found, reader = inner("columns: {erp: 集团}\n", None)
    assert (found, reader.problems) == ({"erp": "集团"}, [])


@pytest.mark.parametrize("text", ["columns:\n", "other: 1\n"])
def test_an_absent_mapping_is_an_empty_one(text: str) -> None:
    found, reader = inner(text, ("price",))
    assert (found, reader.problems) == ({}, [])


def test_what_is_no_mapping_is_told() -> None:
    found, reader = inner("columns: [price]\n", ("price",))
    assert found == {}
    assert [(one.code, one.field) for one in reader.problems] == [("NOT_A_MAPPING", "columns")]
