"""`init`, `directory import`, `doctor`: from an empty folder to a running installation."""

# ruff: noqa: FBT002 - the parameters of a command are its options and arguments

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from directory import Directory, dump_directory, load_directory, merge, save_directory
from service.cli.desk import PROBLEMS, WrongCall, desk_of
from service.cli.findings import OK, RED, YELLOW, Finding, worst
from service.settings import FILE_NAME, Settings
from service.starting import commented_settings, directory_example
from store.problems import Problem, not_utf8

DIRECTORY_FILE = "directory.yaml"
_MARKS = {OK: "✓", YELLOW: "!", RED: "✗"}


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("init", help="cli.help.init")(init)
    app.command("doctor", help="cli.help.doctor")(doctor)
    group = typer.Typer(help="cli.help.directory", no_args_is_help=True, rich_markup_mode=None)
    group.command("import", help="cli.help.directory_import")(directory_import)
    group.command("export", help="cli.help.directory_export")(directory_export)
    app.add_typer(group, name="directory")


def init(context: typer.Context) -> None:
    """Make a data folder: keys, database, log, a commented settings file and an example."""
    desk = desk_of(context)
    folder = desk.settings.data
    with desk.open(begins=True):
        pass  # opening makes keys, database and log
    made = []
    for name, text in (
        (FILE_NAME, commented_settings(Settings)),
        (DIRECTORY_FILE, directory_example()),
    ):
        path = folder / name
        if not path.exists():
            path.write_text(text, encoding="utf-8")
            made.append(name)

    def show() -> None:
        desk.say("cli.init.done", folder=str(folder))
        for step in range(1, 7):
            desk.say(f"cli.init.step{step}", folder=shlex.quote(str(folder)), file=DIRECTORY_FILE)

    desk.answer({"data": str(folder), "made": made}, show)


def directory_import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="cli.option.directory_file")],
    whole: Annotated[bool, typer.Option("--replace", help="cli.option.replace")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="cli.option.dry_run")] = False,
) -> None:
    """Take organisations, people and rosters from a YAML file; faulty entries are left out."""
    from service.security import with_password  # noqa: PLC0415 - brings the web's part of it

    desk = desk_of(context)
    if not file.is_file():
        raise WrongCall("cli.no_such_file", file=str(file))
    directory, problems = _read(file)
    errors = [one for one in problems if one.severity == "error"]
    saved, waiting = False, list[str]()
    # a file of which nothing could be read must not empty the directory
    if not dry_run and (directory.organisations or directory.people):
        with desk.open(begins=True) as app, app.store.unit_of_work(desk.actor) as uow:
            known = app.directories.around(uow.connection).directory
            whole_directory = directory if whole else merge(known, directory)
            saved = save_directory(uow, whole_directory)
            signs_in = with_password(uow.connection)
            waiting = [
                one.id for one in whole_directory.people if one.active and one.id not in signs_in
            ]
    document: dict[str, Any] = {
        "organisations": len(directory.organisations),
        "people": len(directory.people),
        "saved": saved,
        "without_password": waiting,
        "errors": [desk.problem(one) for one in errors],
        "warnings": [desk.problem(one) for one in problems if one.severity != "error"],
    }

    def show() -> None:
        for one in problems:
            desk.complain(desk.sentence(one))
        counts = {name: document[name] for name in ("organisations", "people")}
        desk.say("cli.directory.saved" if saved else "cli.directory.unchanged", **counts)
        if waiting:
            listed = desk.words.text("cli.order.comma").join(waiting)
            desk.say("cli.directory.without_password", people=listed)

    desk.answer(document, show)
    if errors:
        raise typer.Exit(PROBLEMS)


def _read(file: Path) -> tuple[Directory, list[Problem]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        return Directory(), [not_utf8(fault, file.name)]
    return load_directory(text, file.name)


def directory_export(context: typer.Context) -> None:
    """Print the directory as the file that would give it again."""
    desk = desk_of(context)
    with desk.open() as app:
        document = dump_directory(app.directory)
    # JSON is YAML: what is printed can be imported again
    desk.as_json = True
    desk.answer(document, lambda: None)


def doctor(context: typer.Context) -> None:
    """Examine an installation, say what is wrong and what helps; a red finding ends with 1."""
    from service.cli.doctor import examine  # noqa: PLC0415 - brings the log and the front end

    desk = desk_of(context)
    findings = examine(desk)
    gravest = worst(findings)

    def words_of(one: Finding) -> str:
        return desk.words.text(f"cli.doctor.{one.check}.{one.result}", **one.params)

    def remedy_of(one: Finding) -> str:
        return desk.words.text(f"cli.remedy.{one.check}.{one.result}")

    document = {
        "ok": gravest != RED,
        "severity": gravest,
        "checks": [
            {
                "name": one.check,
                "code": one.code,
                "ok": one.ok,
                "severity": one.severity,
                "result": one.result,
                "message": words_of(one),
                **({} if one.ok else {"remedy": remedy_of(one)}),
                **({"found": one.params} if one.params else {}),
            }
            for one in findings
        ],
    }

    def show() -> None:
        for one in findings:
            typer.echo(f"{_MARKS[one.severity]} {words_of(one)}")
            if not one.ok:
                typer.echo(f"  → {remedy_of(one)}")

    desk.answer(document, show)
    if gravest == RED:
        raise typer.Exit(PROBLEMS)
