"""`policy`: the company's own times of paging, deadlines and closing."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from book.buckets import ANY
from directory import Directory
from service.application import Application
from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of
from store.clock import rfc3339
from store.problems import Problem, not_utf8
from workorders.company_policy import CompanyPolicy, changes, company_policy, set_policy
from workorders.dwell_preview import DwellPreview, dwell_preview
from workorders.policy import Policy
from workorders.policy_file import Known, load_policy

_DWELL_COUNTS = ("days", "episodes", "unopened", "later", "gaps")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.policy", no_args_is_help=True, rich_markup_mode=None)
    group.command("show", help="cli.help.policy_show")(show_policy)
    group.command("import", help="cli.help.policy_import")(policy_import)
    group.command("export", help="cli.help.policy_export")(policy_export)
    app.add_typer(group, name="policy")


def show_policy(context: typer.Context) -> None:
    """What holds for orders that open now, whose doing it is, and what differs from built in."""
    desk = desk_of(context)
    with desk.open() as app, app.store.reader() as connection:
        held = company_policy(connection)
    document = held.policy.as_json()
    differs = changes(Policy().as_json(), document)

    def show() -> None:
        _say_source(desk, held, same=not differs)
        _table(desk, "cli.head.built_in", differs)

    source = {
        "number": held.number,
        "set_by": held.set_by,
        "file": held.file,
        "changed_at": rfc3339(held.changed_at) if held.changed_at else None,
    }
    desk.answer({**source, "policy": document, "differs": differs}, show)


def _say_source(desk: Desk, held: CompanyPolicy, *, same: bool) -> None:
    if held.changed_at is None:
        desk.say("cli.policy.built_in")
        return
    when = desk.format(held.changed_at).moment(held.changed_at)
    key = "cli.policy.same" if same else "cli.policy.own"
    desk.say(key, number=held.number, by=held.set_by, at=when, file=held.file)


def _table(desk: Desk, before: str, found: dict[str, list[Any]]) -> None:
    if found:
        desk.table(
            ("cli.head.setting", before, "cli.head.in_force"),
            [[name, _plain(was), _plain(now)] for name, (was, now) in sorted(found.items())],
        )


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "—"
    return "—" if value is None else str(value)


def policy_import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="cli.option.policy_file")],
    dry_run: Annotated[  # noqa: FBT002 - the command line names it
        bool, typer.Option("--dry-run", help="cli.option.dry_run")
    ] = False,
) -> None:
    """Bring a policy into force for orders that open from now on; a fault keeps all of it out."""
    desk = desk_of(context)
    if not file.is_file():
        raise WrongCall("cli.no_such_file", file=str(file))
    with desk.open() as app, app.store.unit_of_work(desk.actor) as uow:
        known = known_in(app, app.directories.around(uow.connection).directory)
        policy, problems = _read(file, known)
        before = company_policy(uow.connection).policy
        dwells = None if policy is None else _dwells(uow.connection, policy, uow.now)
        saved = policy is not None and not dry_run and set_policy(uow, policy, file.name)
    found = {} if policy is None else changes(before.as_json(), policy.as_json())

    def show() -> None:
        for one in problems:
            desk.complain(desk.sentence(one))
        if policy is None:
            desk.complain(desk.words.text("cli.policy.refused"))
            return
        would = "cli.policy.would" if found else "cli.policy.unchanged"
        desk.say("cli.policy.saved" if saved else would)
        _table(desk, "cli.head.before", found)
        if dwells is not None:
            _show_dwells(desk, dwells)

    errors = [desk.problem(one) for one in problems]
    document = {"saved": saved, "changes": found, "errors": errors}
    desk.answer(document if dwells is None else document | {"dwell": _plain_dwells(dwells)}, show)
    if policy is None:
        raise typer.Exit(PROBLEMS)


def _dwells(connection: Connection, policy: Policy, now: datetime) -> DwellPreview | None:
    """What the policy's dwells would have changed; None when it has none."""
    if not policy.open_dwell_s and not policy.clear_dwell_s:
        return None
    return dwell_preview(connection, policy, now=now)


def _show_dwells(desk: Desk, found: DwellPreview) -> None:
    counts = {name: getattr(found, name) for name in _DWELL_COUNTS}
    desk.say("cli.policy.dwell", **counts)
    if found.latest:
        desk.table(
            ("cli.head.condition", "cli.head.since", "cli.head.until"),
            [
                [
                    " · ".join(part for part in one.condition.split("|") if part not in {"", ANY}),
                    desk.format(one.start).moment(one.start),
                    desk.format(one.start).moment(one.end),
                ]
                for one in found.latest
            ],
        )


def _plain_dwells(found: DwellPreview) -> dict[str, Any]:
    latest = [
        {
            "condition": one.condition,
            "start": rfc3339(one.start),
            "end": rfc3339(one.end) if one.end else None,
        }
        for one in found.latest
    ]
    return {name: getattr(found, name) for name in _DWELL_COUNTS} | {"latest": latest}


def known_in(app: Application, directory: Directory) -> Known:
    """Whom and what a policy may name here."""
    people = [one.id for one in directory.people if one.active]
    return Known(people=people, channels=app.channel_names)


def _read(file: Path, known: Known) -> tuple[Policy | None, list[Problem]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        return None, [not_utf8(fault, file.name)]
    return load_policy(text, file.name, known)


def policy_export(context: typer.Context) -> None:
    """Print the policy as the file that would give it again."""
    desk = desk_of(context)
    with desk.open() as app, app.store.reader() as connection:
        document = company_policy(connection).policy.as_json()
    # JSON is YAML: what is printed can be imported again
    desk.as_json = True
    desk.answer(document, lambda: None)
