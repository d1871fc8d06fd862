"""`orders case`: a case as a test of its rule, printed or written into a copy of the file."""

from pathlib import Path
from typing import Annotated, Any

import typer

from service.case_tests import Drafted, draft
from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of
from service.cli.listing import scopes_of
from store.problems import shorten
from workorders import reads


def rule_test(
    context: typer.Context,
    order: Annotated[str, typer.Argument(metavar="ORDER")],
    rule: Annotated[str, typer.Option("--rule", help="cli.option.case_rule")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="cli.option.case_out")
    ] = None,
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")] = "",
) -> None:
    """Write the case as a test of its rule."""
    desk = desk_of(context)
    if out is not None and out.exists():
        raise WrongCall("cli.case.exists", file=str(out))
    with desk.open() as app:
        scopes = scopes_of(desk, app, user)
        with app.store.reader() as connection:
            known = reads.get_order(connection, order, scopes)
            if known is None:
                raise WrongCall("cli.orders.unknown", order=shorten(order), hint="")
            found = draft(app, connection, known, rule)
    good = found.test is not None and found.test.passes
    if good and out is not None and found.test is not None:
        out.write_text(found.test.source, encoding="utf-8")
    desk.answer(_document(desk, found), lambda: _show(desk, found, out))
    if not good:
        raise typer.Exit(PROBLEMS)


def _document(desk: Desk, found: Drafted) -> dict[str, Any]:
    test = found.test
    return {
        "code": found.code,
        "message": _why(desk, found) if found.code else "",
        "rule": found.rule,
        "version": found.version,
        "case_version": found.then,
        "file": found.file,
        "name": found.name,
        "test": test.line if test else "",
        "passes": bool(test and test.passes),
        "expected": found.expected,
        "found": test.found if test else "",
        "known": bool(test and test.known),
        "problems": [desk.problem(one) for one in test.problems] if test else [],
        "rules": list(found.rules),
    }


def _why(desk: Desk, found: Drafted) -> str:
    rules = ", ".join(found.rules)
    return desk.code(found.code, rule=found.rule, rules=rules, file=found.file)


def _show(desk: Desk, found: Drafted, out: Path | None) -> None:
    test = found.test
    if found.code or test is None:
        desk.complain(_why(desk, found))
        return
    desk.say("cli.order.line", text=f"- {test.line}")
    for problem in test.problems:
        desk.complain(desk.sentence(problem))
    if not test.passes:
        told = {"expected": found.expected, "found": test.found or "—"}
        desk.complain(desk.words.text("case_test.fails", **told))
    elif test.known:
        desk.say("case_test.known", file=found.file, name=found.name)
    else:
        desk.say("case_test.passes", file=found.file)
    if test.passes and out is not None:
        desk.say("cli.case.written", file=str(out))
