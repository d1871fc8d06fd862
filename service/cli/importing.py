"""`import`: files into the book, templates, and the rows that could not be taken in."""

# ruff: noqa: FBT002, PLR0917 - the parameters of a command are its options and arguments

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from auditlog.errors import LogError
from book.products import shipped_specs
from integrations.files import (
    COLUMNS,
    Batch,
    ColumnMapping,
    Entry,
    Form,
    Full,
    ImportResult,
    Kind,
    csv_template,
    dismiss,
    load_mapping,
    preview,
    quarantined,
    read_batch,
    replay,
    take_in,
    xlsx_template,
)
from service.application import Application
from service.assessing import AssessmentSummary, assess_in
from service.cli.desk import PROBLEMS, Desk, WrongCall, desk_of, moment
from service.cli.statements import check_options, full_of, show_closed
from service.i18n import load_words
from service.i18n.catalogue import LANGUAGES
from service.import_terms import terms_of
from store.problems import Problem, did_you_mean, not_utf8

_SHOWN = 50
_GUIDE = ("column", "label", "needed", "cell", "example")


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("import", help="cli.help.import")(import_file)
    group = typer.Typer(help="cli.help.quarantine", no_args_is_help=True, rich_markup_mode=None)
    group.command("list", help="cli.help.quarantine_list")(quarantine_list)
    group.command("replay", help="cli.help.quarantine_replay")(quarantine_replay)
    group.command("dismiss", help="cli.help.quarantine_dismiss")(quarantine_dismiss)
    app.add_typer(group, name="quarantine")


def import_file(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="cli.option.kind")],
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="cli.option.file")] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", help="cli.option.mapping")] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore-column", metavar="HEADER", help="cli.option.ignore_column"),
    ] = None,
    source: Annotated[str, typer.Option("--source", help="cli.option.source")] = "",
    as_of: Annotated[str, typer.Option("--as-of", help="cli.option.import_as_of")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="cli.option.dry_run")] = False,
    template: Annotated[bool, typer.Option("--template", help="cli.option.template")] = False,
    assess: Annotated[bool, typer.Option("--assess/--no-assess", help="cli.option.assess")] = True,
    full: Annotated[bool, typer.Option("--full", help="cli.option.full")] = False,
    covers: Annotated[
        list[str] | None, typer.Option("--covers", metavar="ORG:ACCOUNT", help="cli.option.covers")
    ] = None,
    confirm: Annotated[
        int | None, typer.Option("--confirm-closing", min=0, help="cli.option.confirm_closing")
    ] = None,
) -> None:
    """Take a file into the book; good rows are kept, bad ones go to quarantine."""
    desk = desk_of(context)
    wanted = _kind(kind)
    check_options(wanted, full=full, covers=covers or [], confirm=confirm, as_of=as_of)
    if template:
        _template(desk, wanted, file)
        return
    if file is None:
        raise WrongCall("cli.import.no_file", kind=kind)
    if not file.is_file():
        raise WrongCall("cli.no_such_file", file=str(file))
    since = moment(as_of, name="--as-of") if as_of else None
    own, problems = _mapping(mapping, wanted)
    if problems:
        _finish(desk, _refused(problems), None)
    if source:
        own = replace(own, source=source)
    with desk.open(begins=True) as app:
        with app.store.reader() as connection:
            terms = replace(terms_of(app, connection, app.clock()), as_of=since)
        stated = full_of(terms, covers or [], confirm) if full else None
        batch = read_batch(file, wanted, terms, mapping=own, labels=labels(), ignored=ignore or ())
        if dry_run:
            with app.store.reader() as connection:
                result, summary = preview(connection, batch, app.clock(), stated), None
        else:
            result, summary = _take_in(desk, app, batch, stated, assess=assess)
    _finish(desk, result, summary)


def _kind(text: str) -> Kind:
    if text in set(Kind):
        return Kind(text)
    kinds = [one.value for one in Kind]
    hint = did_you_mean(text, kinds)
    raise WrongCall("cli.import.unknown_kind", found=text, allowed=", ".join(kinds), hint=hint)


def _mapping(path: Path | None, kind: Kind) -> tuple[ColumnMapping, list[Problem]]:
    if path is None:
        return ColumnMapping(), []
    if not path.is_file():
        raise WrongCall("cli.no_such_file", file=str(path))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        return ColumnMapping(), [not_utf8(fault, path.name)]
    return load_mapping(text, path.name, kind)


def labels() -> dict[str, str]:
    """What a header may say besides our names: the labels of both languages."""
    names = {column.name for columns in COLUMNS.values() for column in columns}
    return {
        load_words(language).text(f"import.field.{name}"): name
        for language in LANGUAGES
        for name in sorted(names)
    }


def _take_in(
    desk: Desk, app: Application, batch: Batch, full: Full | None, *, assess: bool
) -> tuple[ImportResult, AssessmentSummary | None]:
    """The rows and what follows from them in one transaction: none stands in the book unjudged."""
    if assess:
        try:
            with app.store.unit_of_work(desk.actor) as uow:
                result = take_in(uow, batch, full)
                judged = result.written and result.scopes
                return result, assess_in(uow, app, result.scopes, result.prices) if judged else None
        except LogError as fault:
            # the rows go into the book; only the look at the limits has to wait
            desk.complain(desk.words.text("cli.import.not_assessed", why=desk.code(fault.code)))
    with app.store.unit_of_work(desk.actor) as uow:
        return take_in(uow, batch, full), None


def _refused(problems: list[Problem]) -> ImportResult:
    return ImportResult(0, 0, 0, 0, tuple(problems), (), frozenset(), written=False)


def _finish(desk: Desk, result: ImportResult, summary: AssessmentSummary | None) -> None:
    """Answer, and end with 1 when anything was kept out."""
    document: dict[str, Any] = {
        "rows": result.rows,
        "accepted": result.accepted,
        "duplicates": result.duplicates,
        "quarantined": result.quarantined,
        "already_quarantined": result.already_quarantined,
        "unmentioned": result.unmentioned,
        "closed": [one.as_dict() for one in result.closed],
        "dry_run": not result.written,
        "errors": [desk.problem(problem) for problem in result.errors],
        "warnings": [desk.problem(problem) for problem in result.warnings],
        "orders": list(summary.orders) if summary else [],
    }
    desk.answer(document, lambda: _show(desk, result, summary))
    if result.errors:
        raise typer.Exit(PROBLEMS)


def _show(desk: Desk, result: ImportResult, summary: AssessmentSummary | None) -> None:
    for problem in (*result.errors[:_SHOWN], *result.warnings[:_SHOWN]):
        desk.complain(desk.sentence(problem))
    if len(result.errors) > _SHOWN:
        desk.complain(desk.words.text("cli.more", count=len(result.errors) - _SHOWN))
    show_closed(desk, result)
    if result.refused:
        desk.say("cli.import.refused")
        return
    if result.errors and not result.rows:  # "0 rows" would say that there were none
        desk.say("cli.import.unread")
        return
    desk.say(
        "cli.imported" if result.written else "cli.import.preview",
        rows=result.rows,
        accepted=result.accepted,
        duplicates=result.duplicates,
        quarantined=result.quarantined,
    )
    if held := result.already_quarantined:
        desk.say("cli.import.already_quarantined", count=held)
    if summary is not None and summary.orders:
        desk.say("cli.import.orders", orders=", ".join(summary.orders))


def _template(desk: Desk, kind: Kind, file: Path | None) -> None:
    if file is None:
        described = [
            {
                "name": column.name,
                "form": column.form.value,
                "needed": column.needed,
                "choices": list(column.choices),
                "example": column.example,
                "label": desk.words.text(f"import.field.{column.name}"),
            }
            for column in COLUMNS[kind]
        ]
        text = csv_template(kind)
        document = {"kind": kind.value, "header": text.strip(), "columns": described}
        desk.answer(document, lambda: typer.echo(text, nl=False))
        return
    if file.suffix.lower() == ".xlsx":
        file.write_bytes(
            xlsx_template(
                kind,
                labels={one.name: _both(f"import.field.{one.name}") for one in COLUMNS[kind]},
                lists=_lists(desk),
                forms={form: _both(f"import.form.{form.value}") for form in Form},
                guide=[_both(f"import.guide.{head}") for head in _GUIDE],
            )
        )
    else:
        # with a mark at the front, so that Excel reads it as UTF-8
        file.write_text(csv_template(kind), encoding="utf-8-sig")
    written = {"kind": kind.value, "file": str(file)}
    desk.answer(written, lambda: desk.say("cli.import.template", file=str(file)))


def _both(key: str) -> str:
    """The words of both languages: a workbook is handed on to others."""
    return " / ".join(dict.fromkeys(load_words(language).text(key) for language in LANGUAGES))


def _lists(desk: Desk) -> dict[Form, list[str]]:
    """What the drop-downs offer; organisations where a data folder has some."""
    found = {
        Form.PRODUCT: sorted({spec.product for spec in shipped_specs().specs}),
        Form.FLAG: ["yes", "no"],
    }
    if desk.settings.has_database:
        with desk.open() as app:
            found[Form.ORG] = sorted(app.directory.nodes)
    return found


# --- quarantine -------------------------------------------------------------------------------


def quarantine_list(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="cli.option.all_states")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 100,
) -> None:
    """List the rows that could not be taken in."""
    desk = desk_of(context)
    with desk.open() as app, app.store.reader() as connection:
        rows = quarantined(connection, state=None if every else "open", limit=limit)
    document = [
        {
            "number": row.number,
            "kind": row.kind,
            "file": row.file,
            "line": row.line,
            "org": row.org,
            "raw": row.raw,
            "original": row.original,
            "errors": [desk.problem(problem) for problem in row.problems],
            "state": row.state,
            "received_at": row.received_at,
        }
        for row in rows
    ]

    def show() -> None:
        if not rows:
            desk.say("cli.quarantine.empty")
            return
        desk.table(
            ("cli.head.number", "cli.head.kind", "cli.head.place", "cli.head.why"),
            [
                [
                    str(row.number),
                    desk.words.text(f"import.kind.{row.kind.value}"),
                    f"{row.file}:{row.line}",
                    " ".join(desk.sentence(one) for one in row.problems),
                ]
                for row in rows
            ],
        )

    desk.answer(document, show)


def quarantine_replay(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=2**53)],
    changes: Annotated[list[str] | None, typer.Option("--set", help="cli.option.set")] = None,
) -> None:
    """Mend a row and take it in."""
    desk = desk_of(context)
    fields: dict[str, str] = {}
    for change in changes or []:
        name, mark, value = change.partition("=")
        if not mark:
            raise WrongCall("cli.quarantine.set", found=change)
        fields[name.strip()] = value
    with desk.open() as app, app.store.unit_of_work(desk.actor) as uow:
        read = replay(uow, number, fields, terms_of(app, uow.connection, uow.now))
        if isinstance(read, Entry):
            place = (getattr(read.fact, "org", ""), getattr(read.fact, "product", ""))
            assess_in(uow, app, [place])
    problems = [] if isinstance(read, Entry) else read
    document = {
        "number": number,
        "accepted": not problems,
        "errors": [*map(desk.problem, problems)],
    }

    def show() -> None:
        for problem in problems:
            desk.complain(desk.sentence(problem))
        if not problems:
            desk.say("cli.quarantine.replayed", number=number)

    desk.answer(document, show)
    if problems:
        raise typer.Exit(PROBLEMS)


def quarantine_dismiss(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=2**53)],
    reason: Annotated[str, typer.Option("--reason", help="cli.option.reason")],
) -> None:
    """Close a row without taking it in."""
    desk = desk_of(context)
    with desk.open() as app, app.store.unit_of_work(desk.actor) as uow:
        dismiss(uow, number, reason)
    desk.answer({"number": number, "state": "dismissed"}, lambda: desk.say("cli.done"))
