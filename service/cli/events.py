"""`events`: files into the audit log, search, timelines."""

# ruff: noqa: FBT002, PLR0917 - the parameters of a command are its options and arguments

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from auditlog.events import Event, EventKind
from auditlog.mapping import EventMapping, load_mapping
from auditlog.port import PAGE_LIMIT, Query, Reject, StoredEvent
from auditlog.reader_files import read_file
from service.catching_up import catch_up
from service.cli.desk import PROBLEMS, ZONE, Desk, WrongCall, desk_of, moment
from service.event_checks import EventChecks
from service.event_lines import EventLines
from store.problems import Problem, did_you_mean, not_utf8

_BATCH = 5_000
_COUNTS = ("rows", "accepted", "duplicates", "quarantined", "already_quarantined")
_ERRORS_MOST = 1_000
_SHOWN = 50


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(help="cli.help.events", no_args_is_help=True, rich_markup_mode=None)
    group.command("import", help="cli.help.events_import")(import_events)
    group.command("search", help="cli.help.events_search")(search)
    group.command("timeline", help="cli.help.events_timeline")(timeline)
    app.add_typer(group, name="events")


def import_events(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="cli.option.file")],
    mapping: Annotated[Path | None, typer.Option("--mapping", help="cli.option.mapping")] = None,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="cli.option.watch")] = True,
) -> None:
    """Store a file's events; resending is harmless. Without a running service, judge them too."""
    desk = desk_of(context)
    if not file.is_file():
        raise WrongCall("cli.no_such_file", file=str(file))
    own, faults = _mapping(mapping)
    if faults:
        # a mapping that is half understood would put good rows into the wrong place
        _refuse(desk, faults)
    counts = dict.fromkeys(_COUNTS, 0)
    problems: list[Problem] = []
    with desk.open(begins=True) as app:
        now = app.clock()
        checks = EventChecks(app, now, file.name)
        lines = EventLines(file.name, checks.told)
        rows = read_file(file, now=now, zone=ZONE, mapping=own, told=lines.told)
        for batch in _batches(rows):
            events, rejects = checks.sort(batch)
            receipt = app.log.append(events, rejects)
            counts["rows"] += len(batch)
            for name in _COUNTS[1:]:
                counts[name] += getattr(receipt, name)
            found = [problem for reject in rejects for problem in reject.problems]
            found += lines.reused(events, receipt.reused)
            problems += found[: _ERRORS_MOST - len(problems)]
        watched = catch_up(app) if watch and counts["accepted"] else None
    document = {
        **counts,
        "errors": [desk.problem(problem) for problem in problems],
        "watched": watched is not None,
        "orders": list(watched or ()),
    }

    def show() -> None:
        for problem in problems[:_SHOWN]:
            desk.complain(desk.sentence(problem))
        desk.say("cli.imported", **counts)
        if counts["already_quarantined"]:
            desk.say("cli.import.already_quarantined", count=counts["already_quarantined"])
        if watched:
            desk.say("cli.import.orders", orders=", ".join(watched))

    desk.answer(document, show)
    if problems or counts["quarantined"]:
        raise typer.Exit(PROBLEMS)


def _mapping(path: Path | None) -> tuple[EventMapping | None, list[Problem]]:
    if path is None:
        return None, []
    if not path.is_file():
        raise WrongCall("cli.no_such_file", file=str(path))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        return None, [not_utf8(fault, path.name)]
    return load_mapping(text, path.name)


def _refuse(desk: Desk, faults: Sequence[Problem]) -> NoReturn:
    def show() -> None:
        for problem in faults:
            desk.complain(desk.sentence(problem))

    counts = dict.fromkeys(_COUNTS, 0)
    errors = [desk.problem(problem) for problem in faults]
    desk.answer({**counts, "errors": errors, "watched": False, "orders": []}, show)
    raise typer.Exit(PROBLEMS)


def _batches(read: Iterable[Event | Reject]) -> Iterator[list[Event | Reject]]:
    batch: list[Event | Reject] = []
    for one in read:
        batch.append(one)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="cli.option.text")] = "",
    kind: Annotated[list[str] | None, typer.Option("--kind", help="cli.option.event_kind")] = None,
    what: Annotated[list[str] | None, typer.Option("--type", help="cli.option.type")] = None,
    org: Annotated[str, typer.Option("--org", help="cli.option.org")] = "",
    source: Annotated[list[str] | None, typer.Option("--source", help="cli.option.feed")] = None,
    actor: Annotated[list[str] | None, typer.Option("--actor", help="cli.option.actor")] = None,
    product: Annotated[
        list[str] | None, typer.Option("--product", help="cli.option.product")
    ] = None,
    number: Annotated[str, typer.Option("--object", help="cli.option.object")] = "",
    outcome: Annotated[
        list[str] | None, typer.Option("--outcome", help="cli.option.outcome")
    ] = None,
    since: Annotated[str, typer.Option("--since", help="cli.option.since")] = "",
    until: Annotated[str, typer.Option("--until", help="cli.option.until")] = "",
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=PAGE_LIMIT, help="cli.option.limit")
    ] = 100,
    cursor: Annotated[str, typer.Option("--cursor", help="cli.option.cursor")] = "",
    oldest: Annotated[bool, typer.Option("--oldest-first", help="cli.option.oldest")] = False,
) -> None:
    """Search the audit log."""
    desk = desk_of(context)
    query = Query(
        text=text,
        kinds=tuple(_kind(one) for one in kind or ()),
        types=tuple(what or ()),
        org=org,
        sources=tuple(source or ()),
        actors=tuple(actor or ()),
        products=tuple(product or ()),
        object=number,
        outcomes=tuple(outcome or ()),
        since=moment(since, name="--since") if since else None,
        until=moment(until, name="--until", end=True) if until else None,
        limit=limit,
        cursor=cursor,
        order="oldest" if oldest else "newest",
    )
    with desk.open() as app:
        page = app.log.search(query)
        now = app.clock()
    document = {"rows": [_event(row) for row in page.rows], "cursor": page.cursor}
    desk.answer(document, lambda: _show(desk, page.rows, desk.format(now).moment))


def _kind(text: str) -> EventKind:
    if text in set(EventKind):
        return EventKind(text)
    kinds = [one.value for one in EventKind]
    hint = did_you_mean(text, kinds)
    raise WrongCall("cli.events.unknown_kind", found=text, allowed=", ".join(kinds), hint=hint)


def timeline(
    context: typer.Context,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="cli.option.object")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=PAGE_LIMIT)] = 1_000,
) -> None:
    """Everything that concerns an order, voucher, receipt, alert, person or account."""
    desk = desk_of(context)
    with desk.open() as app:
        rows = app.log.timeline(number, limit=limit)
        now = app.clock()
    document = {"rows": [_event(row) for row in rows]}
    desk.answer(document, lambda: _show(desk, rows, desk.format(now).moment))


def _event(row: StoredEvent) -> dict[str, Any]:
    return {"position": row.position, "late": row.late, "uid": row.event.uid, **row.event.as_dict()}


def _show(desk: Desk, rows: Sequence[StoredEvent], when: Any) -> None:
    if not rows:
        desk.say("cli.events.none")
        return
    desk.table(
        ("cli.head.time", "cli.head.kind", "cli.head.type", "cli.head.org", "cli.head.actor",
         "cli.head.object", "cli.head.message"),
        [
            [
                when(row.event.event_time),
                desk.words.text(f"auditlog.kind.{row.event.kind.value}"),
                row.event.type,
                row.event.org,
                row.event.actor,
                row.event.order or row.event.voucher or row.event.receipt or row.event.event_id,
                row.event.message,
            ]
            for row in rows
        ],
    )  # fmt: skip
