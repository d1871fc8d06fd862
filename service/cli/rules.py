"""`rules`: check rule files and run the tests that stand in them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from rules import Rulebook, load_rulebook, run_tests
from rules.binding import run_correlation_test
from rules.testing import TestFailure, TestReport
from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of
from service.i18n.problem_names import allowed_shown, hint_shown
from service.rules_in_force import fact_kinds, shipped_rulebook
from store.problems import Problem

RulePath = Annotated[Path | None, typer.Argument(metavar="[PATH]", help="cli.option.rules")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.rules", no_args_is_help=True, rich_markup_mode=None)
    group.command("check", help="cli.help.rules_check")(check)
    group.command("test", help="cli.help.rules_test")(run_own_tests)
    app.add_typer(group, name="rules")


def check(context: typer.Context, path: RulePath = None) -> None:
    """Check rule files; every fault of every file is told in one run."""
    desk = desk_of(context)
    rulebook, problems = _load(path)

    def show() -> None:
        for problem in problems:
            desk.complain(desk.sentence(problem))
        desk.say("cli.rules.checked", files=len(rulebook.files), problems=len(problems))

    desk.answer([_line(desk, problem) for problem in problems], show)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(PROBLEMS)


def _load(path: Path | None) -> tuple[Rulebook, list[Problem]]:
    folder = path or shipped_rulebook()
    if not folder.exists():
        raise WrongCall("cli.no_such_file", file=str(folder))
    own = folder / "schema"
    return load_rulebook(folder, own if own.is_dir() else fact_kinds())


def _line(desk: Desk, problem: Problem) -> dict[str, Any]:
    words = desk.words
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "code": problem.code,
        "severity": problem.severity,
        "message": desk.sentence(problem),
        "found": problem.found,
        "allowed": allowed_shown(words.text, problem.allowed),
        "hint": hint_shown(words, words.text, problem),
    }


def run_own_tests(context: typer.Context, path: RulePath = None) -> None:
    """Run the tests in rule files, and say what they do not cover."""
    desk = desk_of(context)
    rulebook, problems = _load(path)
    report = run_tests(rulebook, run_correlation_test)
    document = {
        "passed": report.passed,
        "skipped": report.skipped,
        "failures": [_failure(one) for one in report.failures],
        "coverage": list(report.coverage),
        "errors": [_line(desk, one) for one in problems if one.severity == "error"],
    }
    desk.answer(document, lambda: _show(desk, report, problems))
    if not report.ok or document["errors"]:
        raise typer.Exit(PROBLEMS)


def _failure(failure: TestFailure) -> dict[str, Any]:
    return {
        "rule": failure.rule,
        "test": failure.test,
        "file": failure.file,
        "line": failure.line,
        "expected": failure.expected,
        "found": failure.found,
    }


def _show(desk: Desk, report: TestReport, problems: list[Problem]) -> None:
    for problem in problems:
        if problem.severity == "error":
            desk.complain(desk.sentence(problem))
    for failure in report.failures:
        desk.complain(desk.words.text("cli.rules.failed", **_failure(failure)))
    for one in report.coverage:
        if one.unhit:
            desk.say("cli.rules.unhit", rule=one.rule, unhit="; ".join(one.unhit))
    desk.say("cli.rules.tested", passed=report.passed, failed=len(report.failures))
