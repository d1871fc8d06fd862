"""Runs the tests that stand in the rule files, and measures what they cover."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rules.explain import DATA_ISSUE_CODE, trace
from rules.model import CorrelationRule, Rule, RuleTest, Verdict
from rules.rulebook import Rulebook, make_rulebook
from rules.values import Encoded

Fact = Mapping[str, Encoded]
#: ``runner(rulebook, correlation, facts)``: how many matches of the correlation the facts give,
#: fed in this order and with every absence settled.
CorrelationRunner = Callable[[Rulebook, CorrelationRule, Sequence[Fact]], int]
NONE = "none"


@dataclass(frozen=True, slots=True)
class TestFailure:
    """One test that did not give what it expects.

    Attributes:
        rule: the rule's id.
        test: the test's name.
        file: the rule file.
        line: where the test stands.
        expected: the expected code, ``none``, ``data_issue`` or number of matches.
        found: what came instead.
    """

    __test__ = False

    rule: str
    test: str
    file: str
    line: int
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a rule's own tests exercise.

    Attributes:
        rule: the rule's id.
        rows: how many rows the table has.
        rows_hit: rows that some test matched.
        leaves: how many leaves the conditions have, times two (true and false).
        leaves_hit: leaf outcomes that some test produced.
        unhit: rows (``row 3``) and leaves (``use >= 1.2: false``) that no test reached.
    """

    rule: str
    rows: int
    rows_hit: int
    leaves: int
    leaves_hit: int
    unhit: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TestReport:
    """The result of all in-file tests.

    Attributes:
        passed: how many tests gave what they expect.
        failures: those that did not.
        skipped: correlation tests that no runner was given for.
        coverage: per stateless rule.
    """

    __test__ = False

    passed: int
    failures: tuple[TestFailure, ...]
    skipped: int
    coverage: tuple[Coverage, ...]

    @property
    def ok(self) -> bool:
        """Whether every test that ran passed."""
        return not self.failures


def run_tests(rulebook: Rulebook, runner: CorrelationRunner | None = None) -> TestReport:
    """Runs every test beside the rules, and measures leaf and row coverage.

    Args:
        rulebook: the rulebook.
        runner: runs a correlation over facts (the event-time reference); without one, tests of
            correlations are skipped and counted.
    """
    passed = skipped = 0
    failures: list[TestFailure] = []
    coverage: list[Coverage] = []
    for file in rulebook.files:
        rule = file.rule
        if isinstance(rule, Rule):
            alone = make_rulebook(rulebook.schema, [file])
            results = [(test, *_run(alone, rule, test)) for test in rule.tests]
            coverage.append(_coverage(alone, rule))
        elif runner is None:
            skipped += len(rule.tests)
            continue
        else:
            results = [
                (test, str(test.expect.count), str(runner(rulebook, rule, test.facts)))
                for test in rule.tests
            ]
        for test, expected, found in results:
            if expected == found:
                passed += 1
                continue
            failures.append(
                TestFailure(rule.id, test.name, rule.heading.file, test.line, expected, found)
            )
    return TestReport(passed, tuple(failures), skipped, tuple(coverage))


def _verdicts(rulebook: Rulebook, rule: Rule, test: RuleTest) -> list[Verdict]:
    return rulebook.evaluate_encoded(rule.kind, test.facts[0], mode=rule.heading.mode)


def _run(rulebook: Rulebook, rule: Rule, test: RuleTest) -> tuple[str, str]:
    """What was expected and what came, in the same words."""
    expect = test.expect
    expected = "data_issue" if expect.data_issue else expect.code or NONE
    if expect.level:
        expected += f" {expect.level}"
    found: list[str] = []
    for verdict in _verdicts(rulebook, rule, test):
        if verdict.code == DATA_ISSUE_CODE:
            found.append("data_issue")
        else:
            found.append(f"{verdict.code} {verdict.level}" if expect.level else verdict.code)
    # A table that collects is satisfied when the expected row is among those that match.
    return expected, expected if expected in found else ", ".join(found) or NONE


def _coverage(rulebook: Rulebook, rule: Rule) -> Coverage:
    hit_rows: set[int] = set()
    hit_leaves: set[tuple[int, int, bool]] = set()
    names: dict[tuple[int, int], str] = {}
    for test in rule.tests:
        fact = test.facts[0]
        hit_rows |= {one.row for one in _verdicts(rulebook, rule, test) if one.truth}
        for part, number, text, truth in _leaf_truths(rule, fact):
            names[part, number] = text
            if truth is not None:
                hit_leaves.add((part, number, truth))
    for part, number, text, _ in _leaf_truths(rule, {}):
        names[part, number] = text
    loud = [number for number, row in enumerate(rule.rows, 1) if not row.silent]
    unhit = [f"row {number}" for number in loud if number not in hit_rows]
    unhit += [
        f"{text}: {'true' if truth else 'false'}"
        for (part, number), text in sorted(names.items())
        for truth in (True, False)
        if (part, number, truth) not in hit_leaves
    ]
    return Coverage(
        rule.id, len(loud), len(hit_rows), 2 * len(names), len(hit_leaves), tuple(unhit)
    )


def _leaf_truths(rule: Rule, fact: Fact) -> Iterator[tuple[int, int, str, bool | None]]:
    expressions = [rule.when, *(row.condition for row in rule.rows)]
    for part, expression in enumerate(expressions):
        if expression is not None:
            for number, leaf in enumerate(trace([expression], fact, lets=rule.lets)):
                yield part, number, leaf.text, leaf.truth
