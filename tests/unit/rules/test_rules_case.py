"""A case as a test of its rule: only what the rule reads, last of its tests, and it passes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditlog.port import fact_row
from rules import load_rulebook, read_rule
from rules.case_test import Case, case_test
from rules.model import Rule
from rules.rulebook import Rulebook
from rules.values import decode_value
from store.clock import parse_rfc3339

FOLDER = Path(__file__).parents[3] / "rulebook"
FACTS = {
    "org": "Group/East", "account": "A-1", "product": "cu", "month": "2406", "net": "-7500",
    "limit": "500", "use": "15", "unit": "t", "data_state": "current", "held": None,
}  # fmt: skip
CASE = Case("WO-20240514-001", FACTS, "EXPOSURE_CRITICAL", "red")


@pytest.fixture(scope="module", name="book")
def _book() -> Rulebook:
    book, problems = load_rulebook([FOLDER])
    assert not [one for one in problems if one.severity == "error"]
    return book


def named(book: Rulebook, rule_id: str) -> tuple[str, str, Rule]:
    file = next(one for one in book.files if one.rule.id == rule_id)
    assert isinstance(file.rule, Rule)
    return (FOLDER / file.name).read_text(encoding="utf-8"), file.name, file.rule


def test_the_case_stands_last_among_the_tests_and_passes(book: Rulebook):
    text, name, rule = named(book, "EXPOSURE_TIERS")
    found = case_test(text, name, rule, CASE, book)
    assert (found.passes, found.found, found.known) == (True, "EXPOSURE_CRITICAL red", False)
    again, problems = read_rule(found.source, name, book.schema)
    assert isinstance(again, Rule)
    assert problems == []
    assert [one.name for one in again.tests] == [*(one.name for one in rule.tests), CASE.name]
    assert again == replace(rule, tests=again.tests)
    assert found.source.splitlines()[: len(text.splitlines())] == text.splitlines()


def test_what_the_rule_does_not_read_stays_out(book: Rulebook):
    found = case_test(*named(book, "EXPOSURE_TIERS"), CASE, book)
    assert "Group/East" not in found.line
    assert "A-1" not in found.line
    assert 'product: "cu", month: 2406' in found.line


def test_a_rule_that_has_changed_since_is_told_by_what_it_gives_today(book: Rulebook):
    found = case_test(*named(book, "EXPOSURE_TIERS"), replace(CASE, level="yellow"), book)
    assert (found.passes, found.found) == (False, "EXPOSURE_CRITICAL red")


def test_a_code_that_the_rule_has_no_more_is_a_problem_of_the_checker(book: Rulebook):
    found = case_test(*named(book, "EXPOSURE_TIERS"), replace(CASE, code="GONE"), book)
    assert not found.passes
    assert [one.severity for one in found.problems] == ["error"]


def test_the_same_case_is_not_written_twice(book: Rulebook):
    text, name, rule = named(book, "EXPOSURE_TIERS")
    once = case_test(text, name, rule, CASE, book).source
    changed, _ = read_rule(once, name, book.schema)
    assert isinstance(changed, Rule)
    twice = case_test(once, name, changed, CASE, book)
    assert (twice.known, twice.passes, twice.source) == (True, True, once)


def test_missing_data_is_expected_as_missing_data(book: Rulebook):
    case = Case("WO-1", {"net": "5"}, "DATA_ISSUE")
    found = case_test(*named(book, "EXPOSURE_TIERS"), case, book)
    assert found.passes
    assert found.line.endswith("expect: data_issue}")


def test_tests_in_one_line_have_no_place_for_another(book: Rulebook):
    text, name, _ = named(book, "FEED_LATE")
    head = text[: text.index("tests:")]
    inline = (
        "tests: [{name: dead, fact: {source: erp, state: dead}, expect: FEED_DEAD},"
        " {name: on time, fact: {source: erp, state: current}, expect: none}]\n"
    )
    rule, problems = read_rule(head + inline, name, book.schema)
    assert isinstance(rule, Rule), problems
    case = Case("WO-1", {"source": "erp", "state": "dead"}, "FEED_DEAD", "orange")
    found = case_test(head + inline, name, rule, case, book)
    assert (found.passes, found.source) == (False, "")


@pytest.mark.parametrize("tail", ["", "\n", "\n# the end\n", "\nobserve: false\n"])
@pytest.mark.parametrize("indent", ["", "  ", "    "])
def test_the_place_is_found_however_the_file_is_written(book: Rulebook, indent: str, tail: str):
    text, name, _ = named(book, "FEED_LATE")
    head = text[: text.index("tests:")]
    tests = (
        f"tests:   # beside the rule\n\n{indent}- name: dead\n"
        f"{indent}  fact: {{source: erp, state: dead}}\n{indent}  expect: FEED_DEAD\n"
        f"{indent}- {{name: on time, fact: {{source: erp, state: current}}, expect: none}}\n"
    )
    before = head + tests + tail
    rule, problems = read_rule(before, name, book.schema)
    assert isinstance(rule, Rule), problems
    case = Case("WO-1", {"source": "erp", "state": "dead"}, "FEED_DEAD", "orange")
    found = case_test(before, name, rule, case, book)
    assert found.passes, (found.source, found.problems)


def test_each_test_that_ships_can_be_written_as_a_case(book: Rulebook):
    written = 0
    for file in book.files:
        if not isinstance(file.rule, Rule):
            continue
        text = (FOLDER / file.name).read_text(encoding="utf-8")
        for one in file.rule.tests:
            if not one.expect.code:
                continue
            fields = book.schema.kinds[file.rule.kind].fields
            facts = {k: decode_value(v, fields[k].type) for k, v in one.facts[0].items()}
            at = parse_rfc3339("2024-05-14T02:00:00Z")
            plain = fact_row(file.rule.kind, facts, event_time=at, org="x").body
            case = Case(f"as a case: {one.name}", plain, one.expect.code, one.expect.level)
            found = case_test(text, file.name, file.rule, case, book)
            assert found.passes, (file.name, found.line, found.found, found.problems)
            written += 1
    assert written > 20


# no fact holds a NUL: nothing that names one is taken in
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
@example("\x85")
@example("\u2028a\ufeff")
@example("\U0001f600 #: {")
@settings(deadline=None, max_examples=60)
def test_any_text_of_a_fact_comes_back_as_it_was(product: str):
    book = _once()
    facts: dict[str, Any] = {**FACTS, "product": product}
    found = case_test(*named(book, "EXPOSURE_TIERS"), replace(CASE, facts=facts), book)
    assert found.passes, found.problems
    rule, _ = read_rule(found.source, "x.yaml", book.schema)
    assert isinstance(rule, Rule)
    assert rule.tests[-1].facts[0]["product"] == product


_BOOKS: list[Rulebook] = []


def _once() -> Rulebook:
    if not _BOOKS:
        _BOOKS.append(load_rulebook([FOLDER])[0])
    return _BOOKS[0]
