"""`metrics`: the service figures of a period, and the rows behind each of them."""

# ruff: noqa: PLR0917 - the parameters of a command are its options and arguments

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from service.application import Application
from service.cli.desk import ZONE, Desk, WrongCall, desk_of
from service.cli.listing import scopes_of
from service.cli.naming import refuse_unknown
from service.i18n import Format
from service.measuring import (
    Measured,
    NoPeriod,
    document_of,
    measure,
    narrowed,
    period_of,
    row_document,
)
from service.moments import SPAN
from store.problems import did_you_mean, shorten
from workorders.figures import Figure, FigurePage, Period, figure_page, is_figure_cursor
from workorders.figures.totals import Spread

_KEYS = {
    "TIME_INVALID": "cli.not_a_time",
    "TIME_OUT_OF_RANGE": "cli.time_out_of_range",
    "PERIOD_EMPTY": "cli.metrics.empty_period",
}


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("metrics", help="cli.help.metrics")(metrics)


def metrics(
    context: typer.Context,
    since: Annotated[str, typer.Option("--from", help="cli.option.metrics_from")] = "",
    until: Annotated[str, typer.Option("--to", help="cli.option.metrics_to")] = "",
    org: Annotated[str, typer.Option("--org", help="cli.option.org")] = "",
    rows: Annotated[
        str, typer.Option("--rows", metavar="FIGURE", help="cli.option.metrics_rows")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="cli.option.limit")] = 100,
    cursor: Annotated[str, typer.Option("--cursor", help="cli.option.cursor")] = "",
    user: Annotated[str, typer.Option("--as", metavar="USER", help="cli.option.as")] = "",
) -> None:
    """The figures, or the rows behind one of them."""
    desk = desk_of(context)
    figure = _figure(rows)
    if cursor and not is_figure_cursor(cursor):
        raise WrongCall("cli.bad_cursor", found=shorten(cursor))
    with desk.open() as app:
        refuse_unknown(app, org=org)
        zone = app.directory.timezone(org) if org else ZONE
        scopes = narrowed(scopes_of(desk, app, user), org)
        period = period_asked(since, until, scopes, zone, app.clock())
        shape = desk.format(app.clock())
        if figure is None:
            with app.store.reader() as connection:
                measured = measure(connection, period, app.rulebook, zone)
            desk.answer(document_of(measured), lambda: _show(desk, measured, shape))
            return
        with app.store.reader() as connection:
            page = figure_page(connection, figure, period, cursor=cursor, limit=limit)
        document = {"rows": [row_document(one) for one in page.items], "cursor": page.cursor}
        desk.answer(document, lambda: _show_rows(desk, app, page, shape))


def _figure(name: str) -> Figure | None:
    if not name:
        return None
    known = [one.value for one in Figure]
    if name not in known:
        hint = did_you_mean(name, known)
        raise WrongCall(
            "cli.metrics.no_figure", found=shorten(name), allowed=", ".join(known), hint=hint
        )
    return Figure(name)


def period_asked(
    since: str, until: str, scopes: tuple[str, ...], zone: ZoneInfo, now: datetime
) -> Period:
    """The period that two options name.

    Raises:
        WrongCall: for what is no period, with the option.
    """
    try:
        return period_of(since, until, scopes=scopes, zone=zone, now=now)
    except NoPeriod as fault:
        option, found = f"--{fault.bound}", shorten(fault.found)
        raise WrongCall(_KEYS[fault.code], option=option, found=found, allowed=SPAN) from None


def _show(desk: Desk, measured: Measured, shape: Format) -> None:
    found, text = measured.metrics, desk.words.text
    desk.say("cli.metrics.period", since=shape.zoned(found.since), until=shape.zoned(found.until))

    def rate(value: Decimal | None) -> str:
        return "—" if value is None else shape.percent(value, 2)

    def times(spread: Spread) -> str:
        if spread.p50_s is None or spread.p99_s is None:
            return "—"
        return text("cli.metrics.spread", p50=str(spread.p50_s), p99=str(spread.p99_s), n=spread.n)

    lines: list[tuple[str, str]] = [
        (Figure.ARRIVAL, rate(found.arrival_rate)),
        (Figure.NOTIFY, times(found.time_to_notify)),
        (Figure.RESPONSE, rate(found.response_rate)),
        (Figure.ACKNOWLEDGE, times(found.time_to_acknowledge)),
        (Figure.RESOLVE, times(found.time_to_resolve)),
        (Figure.CLOSED_LOOP, rate(found.closed_loop_rate)),
        (Figure.OVERRIDE, rate(found.override_rate)),
        (
            Figure.ALERTS,
            "—" if found.alerts_per_day is None else shape.number(found.alerts_per_day),
        ),
        (Figure.CONFIRMED, rate(found.confirmed_share)),
        (Figure.BREACHES, shape.number(found.breaches)),
        (Figure.CARRIED, shape.number(found.carried)),
        (Figure.PAIRS, shape.number(len(found.approvals_by_pair))),
        ("silent_detectors", shape.number(len(measured.silent))),
    ]
    desk.table(
        ("cli.head.figure", "cli.head.value"),
        [[text(f"figure.{code}"), value] for code, value in lines],
    )


def _show_rows(desk: Desk, app: Application, page: FigurePage, shape: Format) -> None:
    del app
    if not page.items:
        desk.say("cli.metrics.no_rows")
        return
    text = desk.words.text

    def line(row: Any) -> list[str]:
        return [
            row.id,
            row.object_id,
            row.org,
            row.label,
            shape.moment(row.started_at),
            shape.moment(row.due_at),
            shape.moment(row.ended_at),
            "—" if row.seconds is None else str(row.seconds),
            text(f"figure.verdict.{row.verdict}"),
            text("figure.counts") if row.counts else "—",
        ]

    desk.table(
        ("cli.head.row", "cli.head.number", "cli.head.org", "cli.head.what", "cli.head.from",
         "cli.head.due", "cli.head.until", "cli.head.seconds", "cli.head.verdict",
         "cli.head.counts"),
        [line(row) for row in page.items],
    )  # fmt: skip
