"""Writes the facts of a case as a test into the text of the rule that found it. Pure.

What the rule does not read stays out: a rule file is read by more people than the case is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from rules.explain import DATA_ISSUE_CODE
from rules.loader import read_rule
from rules.model import Expression, Rule
from rules.rulebook import Rulebook, RuleFile, digest_of, make_rulebook
from rules.testing import run_tests
from rules.tree import field_names
from store.problems import Problem

#: Say what the case was about; every kind that has them may carry them.
_PLACE = ("product", "month")
_ROOT = re.compile(r"[^\s#]")
_TESTS = re.compile(r"tests:[ \t]*(#.*)?")
_ITEM = re.compile(r"( *)-( +)")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be written.

    Attributes:
        name: of the test; the case's number.
        facts: the fact as it was judged, its fields as plain values.
        code: what the rule gave.
        level: its colour; empty for none.
    """

    name: str
    facts: Mapping[str, Any]
    code: str
    level: str = ""


@dataclass(frozen=True, slots=True)
class CaseTest:
    """The case as a test of its rule.

    Attributes:
        line: the test alone, as YAML.
        source: the whole rule file with the test; empty when there is no place for it.
        passes: whether the test passes there, and all others as before.
        found: what the rule gives for these facts today; empty when the text is no rule.
        problems: what the checker says of the whole text, warnings included.
        known: whether a test of that name stood there already; then nothing was added.
    """

    line: str
    source: str
    passes: bool
    found: str = ""
    problems: tuple[Problem, ...] = ()
    known: bool = False


def case_test(text: str, file: str, rule: Rule, case: Case, book: Rulebook) -> CaseTest:
    """The test that `case` gives, put into the rule file and run there.

    Args:
        text: the rule file as it is in force.
        file: its name.
        rule: the rule in it.
        case: what happened.
        book: for the fact kinds.
    """
    line = _line(rule, case, book)
    known = any(one.name == case.name for one in rule.tests)
    source = text if known else _inserted(text, line)
    checked, problems = read_rule(source, file, book.schema)
    if not isinstance(checked, Rule) or not any(one.name == case.name for one in checked.tests):
        return CaseTest(line, "", passes=False, problems=tuple(problems))
    alone = make_rulebook(book.schema, [RuleFile(file, digest_of(source), checked)])
    failures = run_tests(alone).failures
    mine = next((one for one in failures if one.test == case.name), None)
    found = _expected(case) if mine is None else mine.found
    passes = not failures and not any(one.severity == "error" for one in problems)
    return CaseTest(line, source, passes, found, tuple(problems), known)


def fields_read(rule: Rule) -> frozenset[str]:
    """The fields of the fact that decide what the rule gives, or stand in its evidence."""
    found: set[str] = set(rule.on_missing - {"*"})
    for expression in _expressions(rule):
        found |= field_names(expression.node)
    return frozenset(found)


def _expressions(rule: Rule) -> Iterator[Expression]:
    given: Sequence[Expression | None] = [
        rule.when,
        rule.clears_when,
        *rule.lets.values(),
        *rule.evidence.values(),
        *(row.condition for row in rule.rows),
    ]
    yield from (one for one in given if one is not None)


def _line(rule: Rule, case: Case, book: Rulebook) -> str:
    declared = book.schema.kinds[rule.kind].fields
    wanted = fields_read(rule) | set(_PLACE)
    facts = ", ".join(
        f"{name}: {_scalar(case.facts[name])}"
        for name in declared
        if name in wanted and case.facts.get(name) is not None
    )
    return f"{{name: {_quoted(case.name)}, fact: {{{facts}}}, expect: {_expect(case)}}}"


def _expect(case: Case) -> str:
    if case.code == DATA_ISSUE_CODE:
        return "data_issue"
    return f"{{code: {case.code}, level: {case.level}}}" if case.level else case.code


def _expected(case: Case) -> str:
    if case.code == DATA_ISSUE_CODE:
        return "data_issue"
    return f"{case.code} {case.level}".strip()


def _scalar(value: object) -> str:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        # A number that is a text (an account) is read as its text, a decimal as its digits.
        return value if value[:1] != "0" or value[:2] in {"0", "0."} else _quoted(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_scalar(one) for one in value)}]"
    return _quoted(value)


def _quoted(value: object) -> str:
    """The value as JSON, which every YAML reader takes, on one line.

    What a YAML reader would fold or refuse (a next-line sign, a zero-width space) is escaped.
    """
    written = orjson.dumps(value).decode()
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in written)


def _inserted(text: str, line: str) -> str:
    """The text with the test as the last of its tests."""
    lines = text.rstrip("\n").split("\n")
    head = next((n for n, one in enumerate(lines) if _TESTS.fullmatch(one)), None)
    if head is None:
        return "\n".join([*lines, "tests:", f"  - {line}", ""])
    end, indent = head + 1, "  "
    for number in range(head + 1, len(lines)):
        item = _ITEM.match(lines[number])
        if item is None and _ROOT.match(lines[number]):
            break
        if item is not None and end == head + 1:
            indent = item.group(1)
        if lines[number].strip():
            end = number + 1
    return "\n".join([*lines[:end], f"{indent}- {line}", *lines[end:], ""])
