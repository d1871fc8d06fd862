"""指标: the figures of a period, each a link to its rows, and both as workbooks."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from fastapi.responses import Response

from service.measuring import Measured, NoPeriod, measure, period_of
from service.web.rooms.evidence import rule_of
from service.web.rooms.here import Here, Viewer, not_found
from service.web.rooms.sheets import Column, sheet_response
from service.web.views import figures as views
from service.web.views.parts import Chart, Figure, Pager, Series
from store.problems import shorten
from workorders import figures
from workorders.figures import FigureRow, Period, Spread

PAGE = 50
EXPORTED = 20_000
_PLACES = 2
_DAY = 10  # characters of a date
_SERIES = (
    ("accent", figures.Figure.ARRIVAL, "arrival_rate"),
    ("green", figures.Figure.RESPONSE, "response_rate"),
    ("orange", figures.Figure.CLOSED_LOOP, "closed_loop_rate"),
)
#: Figures that are a share; of the others all rows that count are shown alike.
_RATES = frozenset(
    {
        figures.Figure.ARRIVAL,
        figures.Figure.RESPONSE,
        figures.Figure.CLOSED_LOOP,
        figures.Figure.OVERRIDE,
        figures.Figure.CONFIRMED,
    }
)


def _zone(here: Here) -> ZoneInfo:
    return here.directory.timezone(here.org or here.signed.person.unit)


def period_here(here: Here, since: str, until: str) -> tuple[Period, str]:
    """The period that is asked for; the usual one, and why, when the bounds name none."""

    def named(first: str, last: str) -> Period:
        return period_of(first, last, scopes=here.scopes, zone=_zone(here), now=here.now)

    try:
        return named(since, until), ""
    except NoPeriod as fault:
        key = f"ui.figures.fault.{fault.code}"
        return named("", ""), here.text(key, found=shorten(fault.found))


def bounds_of(here: Here, period: Period) -> dict[str, str]:
    """The bounds as the address and the form's fields say them: days where they are midnights."""
    local = [at.astimezone(_zone(here)) for at in (period.since, period.until)]
    words = [at.isoformat() for at in local]
    whole = all((at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0) for at in local)
    since, until = (word[:_DAY] if whole else word for word in words)
    return {"from": since, "to": until}


def figures_page(here: Here, since: str, until: str) -> views.FiguresPage:
    """The page."""
    period, fault = period_here(here, since, until)
    with here.app.store.reader() as connection:
        measured = measure(connection, period, here.app.rulebook, _zone(here))
    asked = bounds_of(here, period)
    names, found = here.names, measured.metrics
    return views.FiguresPage(
        lines=tuple(_lines(here, measured, asked)),
        levels=tuple(
            views.LevelFigures(
                level,
                line["orders"],
                _rate(line["response_rate"]),
                _times(here, line["time_to_acknowledge"]),
                _times(here, line["time_to_resolve"]),
            )
            for level, line in found.per_level.items()
        ),
        breaches=tuple(
            views.BreachCount(
                one["month"],
                names.unit(one["org"]),
                _raiser(here, one["rule"]),
                one["version"],
                one["breaches"],
            )
            for one in found.breaches_by
        ),
        pairs=tuple(
            views.PairCount(
                names.unit(one["org"]),
                names.person(one["requester"]),
                names.person(one["signer"]),
                one["approvals"],
            )
            for one in found.approvals_by_pair
        ),
        silent=tuple(_raiser(here, one) for one in measured.silent),
        weeks=tuple(
            views.WeekFigures(
                one.start, one.orders, one.alerts,
                one.arrival_rate, one.response_rate, one.closed_loop_rate,
            )
            for one in measured.weeks
        ),
        chart=_chart(here, measured),
        since=asked["from"],
        until=asked["to"],
        as_of=found.as_of,
        fault=fault,
        export_url=f"/figures.xlsx?{urlencode(asked)}",
    )  # fmt: skip


def _raiser(here: Here, code: str) -> views.Raiser:
    """A rule of the book or a model family (``model:<family>``) by its name."""
    kind, colon, family = code.partition(":")
    if colon and kind == "model":
        return views.Raiser(here.text(f"detectors.family.{family}"), code)
    known = rule_of(here.app, code) is not None and here.may("rules.read")
    url = f"/rules?{urlencode({'rule': code})}" if known else ""
    return views.Raiser(here.names.title(code), code, url)


def _lines(here: Here, measured: Measured, asked: dict[str, str]) -> Iterable[views.FigureLine]:
    found = measured.metrics
    query = urlencode(asked)

    def line(figure: figures.Figure, value: Figure, detail: str = "") -> views.FigureLine:
        url = f"/figures/{figure.value}?{query}"
        shown = Figure(value.value, value.unit, url, value.kind, value.text, value.places)
        return views.FigureLine(
            here.text(f"figure.{figure.value}"),
            here.text(f"figure.define.{figure.value}"),
            shown,
            detail,
        )

    def times(figure: figures.Figure, spread: Spread) -> views.FigureLine:
        return line(figure, Figure(text=_seconds(here, spread.p50_s)), _tail(here, spread))

    code = figures.Figure
    count = here.text("ui.figures.of_notices", n=found.notices, withheld=found.withheld)
    yield line(code.ARRIVAL, _rate(found.arrival_rate), count)
    yield times(code.NOTIFY, found.time_to_notify)
    yield line(code.RESPONSE, _rate(found.response_rate))
    yield times(code.ACKNOWLEDGE, found.time_to_acknowledge)
    yield times(code.RESOLVE, found.time_to_resolve)
    opened = here.text("ui.figures.of_orders", n=found.orders, merged=found.merged)
    yield line(code.CLOSED_LOOP, _rate(found.closed_loop_rate), opened)
    yield line(code.CARRIED, Figure(Decimal(found.carried)))
    yield line(code.OVERRIDE, _rate(found.override_rate))
    raised = here.text("ui.figures.of_alerts", n=found.alerts)
    yield line(code.ALERTS, Figure(found.alerts_per_day, places=_PLACES), raised)
    yield line(code.CONFIRMED, _rate(found.confirmed_share))
    yield line(code.BREACHES, Figure(Decimal(found.breaches)))
    signed = sum(one["approvals"] for one in found.approvals_by_pair)
    yield line(code.PAIRS, Figure(Decimal(signed)))


def _rate(value: Decimal | None) -> Figure:
    """A share with two digits: 99.6 % must not read as all of them."""
    percent = None if value is None else value * 100
    return Figure(percent, "%", places=_PLACES)


def _seconds(here: Here, value: Decimal | None) -> str:
    if value is None:
        return ""
    return here.text("ui.seconds", seconds=here.reader.format.number(value))


def _tail(here: Here, spread: Spread) -> str:
    if spread.p99_s is None:
        return ""
    return here.text("ui.figures.tail", p99=_seconds(here, spread.p99_s), n=spread.n)


def _times(here: Here, spread: Spread) -> str:
    middle, tail = _seconds(here, spread.p50_s), _tail(here, spread)
    return f"{middle} · {tail}" if tail else ""


def _chart(here: Here, measured: Measured) -> Chart | None:
    """The trend per week; one week alone is no trend."""
    weeks = measured.weeks
    if len(weeks) < 2:  # noqa: PLR2004 - one point is no line
        return None
    series = [
        Series(
            code,
            here.text(f"figure.{figure.value}"),
            tuple(None if (rate := getattr(week, name)) is None else rate * 100 for week in weeks),
        )
        for code, figure, name in _SERIES
    ]
    return Chart(
        "shares",
        tuple(f"{week.start:%m-%d}" for week in weeks),
        tuple(series),
        here.text("ui.figures.trend_summary", n=len(weeks)),
    )


def rows_page(
    here: Here, figure: figures.Figure, since: str, until: str, cursor: str
) -> views.FigureRowsPage:
    """The rows behind one figure."""
    period, _ = period_here(here, since, until)
    with here.app.store.reader() as connection:
        page = figures.figure_page(connection, figure, period, cursor=cursor, limit=PAGE)
    asked = bounds_of(here, period)
    path = f"/figures/{figure.value}"
    following = {**asked, "cursor": page.cursor}
    return views.FigureRowsPage(
        name=here.text(f"figure.{figure.value}"),
        define=here.text(f"figure.define.{figure.value}"),
        lines=tuple(_row(here, figure, one) for one in page.items),
        pager=Pager(
            len(page.items),
            next_url=f"{path}?{urlencode(following)}" if page.cursor else "",
            previous_url=f"{path}?{urlencode(asked)}" if cursor else "",
        ),
        since=period.since,
        until=period.until,
        back_url=f"/figures?{urlencode(asked)}",
        export_url=f"{path}.xlsx?{urlencode(asked)}" if page.items else "",
        rate=figure in _RATES,
    )


def _row(here: Here, figure: figures.Figure, row: FigureRow) -> views.RowLine:
    return views.RowLine(
        id=row.id,
        unit=here.names.unit(row.org),
        level=row.level,
        label=_label(here, figure, row),
        started_at=row.started_at,
        due_at=row.due_at,
        ended_at=row.ended_at,
        seconds=row.seconds,
        verdict=here.text(f"figure.verdict.{row.verdict}"),
        counts=row.counts,
        hit=row.hit,
        url=_url(figure, row),
    )


def _label(here: Here, figure: figures.Figure, row: FigureRow) -> str:
    if figure is figures.Figure.PAIRS:
        asked, _, signed = row.label.partition(" → ")
        return f"{here.names.person(asked)} → {here.names.person(signed)}"
    if figure is figures.Figure.ARRIVAL:
        person, dot, channel = row.label.partition(" · ")
        return f"{here.names.person(person)}{dot}{channel}"
    if row.id.startswith("WO-"):
        return here.text(f"ui.state.{row.label}")
    return row.label


def _url(figure: figures.Figure, row: FigureRow) -> str:
    if figure is figures.Figure.PAIRS:
        return f"/approvals/{quote(row.object_id)}"
    if row.object_id.startswith("WO-"):
        return f"/orders/{quote(row.object_id)}"
    return f"/alerts?{urlencode({'alert': row.object_id})}"


# --- routes -------------------------------------------------------------------------------------

router = APIRouter(include_in_schema=False)
From = Annotated[str, Query(alias="from", max_length=40)]
To = Annotated[str, Query(alias="to", max_length=40)]
Cursor = Annotated[str, Query(max_length=400)]


@router.get("/figures")
def show(here: Viewer, since: From = "", until: To = "") -> Response:
    """The figures."""
    return here.show("figures.html", figures_page(here, since, until), "figures")


@router.get("/figures.xlsx")
def export(here: Viewer, since: From = "", until: To = "") -> Response:
    """The figures as a workbook."""
    lines = figures_page(here, since, until).lines
    return sheet_response(here, "ui.nav.figures", _FIGURES, lines)


@router.get("/figures/{figure}.xlsx")
def export_rows(here: Viewer, figure: str, since: From = "", until: To = "") -> Response:
    """The rows behind a figure as a workbook."""
    code = _code(figure)
    period, _ = period_here(here, since, until)
    found: list[FigureRow] = []
    cursor = ""
    with here.app.store.reader() as connection:
        while len(found) < EXPORTED:
            page = figures.figure_page(connection, code, period, cursor=cursor, limit=500)
            found += page.items
            cursor = page.cursor
            if not cursor:
                break
    lines = [_row(here, code, one) for one in found]
    return sheet_response(here, f"figure.{code.value}", _ROWS, lines)


@router.get("/figures/{figure}")
def show_rows(
    here: Viewer, figure: str, since: From = "", until: To = "", cursor: Cursor = ""
) -> Response:
    """The rows behind a figure."""
    page = rows_page(here, _code(figure), since, until, cursor)
    return here.show("figure_rows.html", page, "figures")


def _code(name: str) -> figures.Figure:
    try:
        return figures.Figure(name)
    except ValueError:
        raise not_found() from None


_FIGURES: Sequence[Column[views.FigureLine]] = (
    Column("ui.figures.figure", lambda one, _: one.name),
    Column("ui.column.value", lambda one, _: one.value.text or one.value.value),
    Column("ui.column.quantity_unit", lambda one, _: one.value.unit),
    Column("ui.figures.detail", lambda one, _: one.detail),
    Column("ui.figures.define", lambda one, _: one.define),
)
_ROWS: Sequence[Column[views.RowLine]] = (
    Column("ui.column.number", lambda one, _: one.id),
    Column("ui.column.unit", lambda one, _: one.unit),
    Column(
        "ui.column.level",
        lambda one, here: here.text(f"ui.level.{one.level}") if one.level else "",
    ),
    Column("ui.column.what", lambda one, _: one.label),
    Column("ui.figures.start", lambda one, _: one.started_at),
    Column("ui.column.due", lambda one, _: one.due_at),
    Column("ui.figures.end", lambda one, _: one.ended_at),
    Column("ui.figures.seconds", lambda one, _: one.seconds),
    Column("ui.figures.verdict", lambda one, _: one.verdict),
    Column("figure.counts", lambda one, _: int(one.counts)),
    Column("figure.hit", lambda one, _: int(one.hit)),
)
