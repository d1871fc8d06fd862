"""The rules over HTTP: what is in force, the check of a text, the tests in the files."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

import rules
from rules.binding import run_correlation_test
from rules.model import AnyRule, CorrelationRule
from rules.sentence import sentence
from service.api.access import App, Who
from service.api.faults import problem_shown
from service.api.shapes import In, Out, ProblemOut
from service.application import Application

router = APIRouter(prefix="/rules", tags=["rules"])

READ = "rules.read"


class RuleOut(Out):
    """A rule in force."""

    id: str
    version: str
    kind: str
    correlation: bool
    file: str
    titles: dict[str, str]
    sentences: dict[str, str]


class RuleListOut(Out):
    """The rulebook in force."""

    hash: str
    items: list[RuleOut]


class RuleTextIn(In):
    """The text of a rule file."""

    text: Annotated[str, Field(max_length=200_000)]
    file: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = "rule.yaml"


class CheckOut(Out):
    """Whether a text is a rule, and what is wrong with it."""

    ok: bool
    problems: list[ProblemOut]
    sentences: dict[str, str]


class FailureOut(Out):
    """A test that did not give what it expects."""

    rule: str
    test: str
    file: str
    line: int
    expected: str
    found: str


class TestsOut(Out):
    """The result of the tests in the files."""

    ok: bool
    passed: int
    skipped: int
    failures: list[FailureOut]


def _sentences(app: Application, rule: AnyRule) -> dict[str, str]:
    return {language: sentence(rule, app.rulebook.schema, language) for language in ("en", "zh")}


def _rule(app: Application, rule: AnyRule, file: str) -> RuleOut:
    title: Any = rule.heading.title
    return RuleOut(
        id=rule.id,
        version=str(rule.heading.version),
        kind=rule.kind,
        correlation=isinstance(rule, CorrelationRule),
        file=file,
        titles={"en": title.en, "zh": title.zh},
        sentences=_sentences(app, rule),
    )


@router.get("", summary="The rules in force")
def list_rules(app: App, who: Who) -> RuleListOut:
    """All of them, in the order of the files."""
    who.check(READ)
    items = [_rule(app, file.rule, file.name) for file in app.rulebook.files]
    return RuleListOut(hash=app.rulebook.hash, items=items)


@router.post("/check", summary="Check the text of a rule; nothing is published")
def check(app: App, who: Who, asked: RuleTextIn) -> CheckOut:
    """The problems with line and column, and the rule as a sentence when it is one."""
    who.check(READ)
    rule, problems = rules.read_rule(asked.text, asked.file, app.rulebook.schema)
    return CheckOut(
        ok=rule is not None and not any(one.severity == "error" for one in problems),
        problems=[ProblemOut(**problem_shown(app.catalogues, one)) for one in problems],
        sentences=_sentences(app, rule) if rule is not None else {},
    )


@router.post("/test", summary="Run the tests that stand in the rule files")
def test(app: App, who: Who) -> TestsOut:
    """All tests of the rulebook in force."""
    who.check(READ)
    report = rules.run_tests(app.rulebook, run_correlation_test)
    return TestsOut(
        ok=report.ok,
        passed=report.passed,
        skipped=report.skipped,
        failures=[
            FailureOut(
                rule=one.rule,
                test=one.test,
                file=one.file,
                line=one.line,
                expected=one.expected,
                found=one.found,
            )
            for one in report.failures
        ],
    )


@router.get("/{rule_id}", summary="One rule")
def show_rule(
    app: App, who: Who, rule_id: Annotated[str, Path(max_length=100, pattern=r"^[^\x00-\x1f/]+$")]
) -> RuleOut:
    """One rule."""
    who.check(READ)
    rule = app.rulebook.find(rule_id)
    file = next(one.name for one in app.rulebook.files if one.rule.id == rule.id)
    return _rule(app, rule, file)
