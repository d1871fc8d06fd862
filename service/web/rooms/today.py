"""D1, 今日值守: from the rows of orders, alerts, book and calendar to the first page."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, timedelta
from decimal import Decimal
from math import sqrt
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import Connection

from book.read import read_state
from book.state import BookState
from service.exposure_rows import exposure_table
from service.web.rooms import alert_rows
from service.web.rooms.expiry import last_trading_day, without_night
from service.web.rooms.exposure_lines import ANY, Line, Shown, cell_url, heat_of, lines_of
from service.web.rooms.handover import waiting_links
from service.web.rooms.here import Here, Viewer
from service.web.rooms.manual_orders import open_act
from service.web.rooms.sheets import Column, sheet_response
from service.web.rooms.waiting import SHOWN, waiting_lines
from service.web.rooms.waiting_rows import next_dues
from service.web.views.parts import Act, Link
from service.web.views.today import (
    CalendarLine,
    LevelCount,
    NearLimit,
    QualityLine,
    TodayPage,
    WaitingLine,
)
from store.clock import rfc3339
from workorders import drills, figures, reads

PERIOD = timedelta(days=30)
AHEAD_DAYS = 7
_NEAR = Decimal("0.6")
_NEAREST = 5
_HEAT_LINES = 6
_Z = 1.959964  # of a two-sided interval of 95 %


def today_page(here: Here, connection: Connection) -> TodayPage:
    """The page for one person."""
    waiting, total = waiting_lines(here, connection, SHOWN)
    lines: list[Line] = []
    calendar: tuple[CalendarLine, ...] = ()
    if here.may("book.read"):
        book = _book(here, connection)
        table = exposure_table(book, here.now, scopes=here.scopes)
        lines = sorted(lines_of(table), key=_by_use)
        calendar = tuple(calendar_lines(here, book))
    heat = heat_of(lines[:_HEAT_LINES], here.names, Shown(show="use")) if lines else None
    opening = open_act(here)
    handing = Act(here.text("ui.act.handover"), "/handover", "handover", method="get")
    return TodayPage(
        counts=tuple(level_counts(here, connection)),
        waiting=tuple(waiting),
        waiting_total=total,
        near=tuple(near_limits(lines, here)),
        calendar=calendar,
        quality=tuple(quality_lines(here, connection)),
        heat=heat,
        heat_url="/exposure",
        export_url="/today.xlsx" if waiting else "",
        acts=tuple(one for one in (handing, opening, _drill(here)) if one is not None),
        start=tuple(_start(here)),
        handovers=waiting_links(here, connection),
    )


def _drill(here: Here) -> Act | None:
    """The way to the drills, for who may begin one somewhere."""
    if not any(here.may(drills.PERMISSION, path) for path in here.scopes):
        return None
    return Act(here.text("ui.act.drill"), "/drills", "drill", method="get")


def _book(here: Here, connection: Connection) -> BookState:
    if not here.scopes:
        return BookState()
    return read_state(connection, as_of=here.now, known_at=here.now, orgs=here.scopes)


def _start(here: Here) -> Iterable[Link]:
    if here.may("book.read"):
        yield Link(here.text("ui.today.start_exposure"), "/exposure")
    if here.may("rules.read"):
        yield Link(here.text("ui.today.start_rules"), "/rules")


def _by_use(line: Line) -> tuple[bool, Decimal, str]:
    use = line.total.use
    return use is None, -(use or Decimal(0)), line.product


# --- the four counts ----------------------------------------------------------------------------


def level_counts(here: Here, connection: Connection) -> Iterable[LevelCount]:
    """Active orders and waiting alerts of each colour, with the nearest deadline."""
    orders = reads.counts(connection, here.scopes)
    alerts = alert_rows.waiting_by_level(connection, here.scopes)
    dues = next_dues(connection, here.scopes)
    for level in ("red", "orange", "yellow", "blue"):
        due, kind = dues.get(level, (None, "resolve"))
        parts = (
            (orders[level]["orders"], "ui.today.orders", f"/orders?level={level}"),
            (alerts.get(level, 0), "ui.today.alerts", f"/alerts?level={level}"),
        )
        links = [Link(here.text(key, count=number), url) for number, key, url in parts if number]
        total = sum(number for number, _, _ in parts)
        yield LevelCount(
            level, total, links[0].url if links else parts[0][2], due, kind, tuple(links)
        )


# --- limits, calendar, quality ------------------------------------------------------------------


def near_limits(lines: Sequence[Line], here: Here) -> Iterable[NearLimit]:
    """The limits that are used most, from the first tier on."""
    used = [one for one in lines if one.total.use is not None and one.total.use >= _NEAR]
    for line in used[:_NEAREST]:
        total = line.total
        name = f"{here.names.product(line.product)} · {here.names.unit(line.org)}"
        yield NearLimit(name, total.use or Decimal(0), total.level, cell_url(line, ANY))


def calendar_lines(here: Here, book: BookState) -> Iterable[CalendarLine]:
    """What the next days bring: last trading days, quotas and limits that end, no night session."""
    today = here.reader.format.local(here.now).date()
    until = today + timedelta(days=AHEAD_DAYS)
    place = here.org or here.signed.person.unit
    found: list[tuple[date, str, str]] = []
    held: dict[tuple[str, str], int] = {}
    for position in book.futures:
        key = position.product, position.month
        held[key] = held.get(key, 0) + position.lots
    for (product, month), lots in held.items():
        day = last_trading_day(here.directory.calendar, product, month, place)
        if day is not None and today <= day <= until and lots:
            text = here.text("ui.calendar.last_day", contract=f"{product}{month}", lots=abs(lots))
            found.append((day, text, f"/exposure?product={product}"))
    for quota in book.quotas:
        if quota.valid_to is not None and here.now <= quota.valid_to:
            day = here.reader.format.local(quota.valid_to).date()
            name = here.names.contract(quota.product)
            text = here.text("ui.calendar.quota", product=name, lots=f"{quota.lots:f}")
            found.append((day, text, ""))
    for limit in book.limits:
        if limit.valid_to is not None and here.now <= limit.valid_to:
            day = here.reader.format.local(limit.valid_to).date()
            name = here.names.contract(limit.product)
            text = here.text("ui.calendar.limit", product=name, unit=here.names.unit(limit.org))
            found.append((day, text, f"/exposure?product={limit.product}"))
    product = here.directory.settings(place).product
    calendar = here.directory.calendar
    found += [
        (day, here.text("ui.calendar.no_night"), "")
        for day in without_night(calendar, product, today, AHEAD_DAYS + 1, place)
    ]
    for day, text, url in sorted(found):
        if day <= until:
            yield CalendarLine(_when(here, day, today), text, url)


def _when(here: Here, day: date, today: date) -> str:
    if day == today:
        return here.text("ui.today.today")
    if day == today + timedelta(days=1):
        return here.text("ui.today.tomorrow")
    return f"{day:%m-%d}"


def quality_lines(here: Here, connection: Connection) -> Iterable[QualityLine]:
    """How good alerts and answers were in the last thirty days."""
    since, form = here.now - PERIOD, here.reader.format
    midnight = form.local(here.now).replace(hour=0, minute=0, second=0, microsecond=0)
    raised = alert_rows.raised_since(connection, here.scopes, midnight)
    yield QualityLine(here.text("ui.quality.today"), form.number(raised))
    confirmed, dismissed = alert_rows.decided_since(connection, here.scopes, since)
    decided = confirmed + dismissed
    if decided:
        low, high = interval(confirmed, decided)
        rate = form.percent(Decimal(confirmed) / decided)
        detail = here.text("ui.quality.interval", low=low, high=high)
        yield QualityLine(here.text("ui.quality.confirmed"), rate, detail, "/alerts?pile=confirmed")
    # What was opened at this very moment counts.
    period = figures.Period(here.scopes, since, here.now + timedelta(microseconds=1), here.now)
    made = figures.metrics_of(figures.load(connection, period), period, UTC)
    for key, value in (
        ("ui.quality.arrival", made.arrival_rate),
        ("ui.quality.response", made.response_rate),
        ("ui.quality.closed_loop", made.closed_loop_rate),
    ):
        if value is not None:
            url = _rows_url(f"{key.removeprefix('ui.quality.')}_rate", period)
            yield QualityLine(here.text(key), form.percent(value), "", url)
    if made.time_to_notify.p99_s is not None:
        seconds = form.number(made.time_to_notify.p99_s, 1)
        latency = here.text("ui.seconds", seconds=seconds)
        url = _rows_url(figures.Figure.NOTIFY.value, period)
        yield QualityLine(here.text("ui.quality.latency"), latency, "", url)


def _rows_url(figure: str, period: figures.Period) -> str:
    """The rows behind a figure of the period."""
    asked = {"from": rfc3339(period.since), "to": rfc3339(period.until)}
    return f"/figures/{figure}?{urlencode(asked)}"


def interval(hits: int, tries: int) -> tuple[int, int]:
    """Wilson's 95 % interval of a rate, in whole per cent. Wilson, J. Am. Stat. Assoc. 1927."""
    rate = hits / tries
    spread = _Z * sqrt(rate * (1 - rate) / tries + _Z**2 / (4 * tries**2))
    middle, scale = rate + _Z**2 / (2 * tries), 1 + _Z**2 / tries
    return (
        round(max(middle - spread, 0) / scale * 100),
        round(min((middle + spread) / scale, 1) * 100),
    )


# --- routes -------------------------------------------------------------------------------------

router = APIRouter(include_in_schema=False)


@router.get("/")
def show(here: Viewer) -> Response:
    """The officer's home."""
    with here.app.store.reader() as connection:
        page = today_page(here, connection)
    return here.show("today.html", page, "today")


@router.get("/today.xlsx")
def export(here: Viewer) -> Response:
    """What waits, as a workbook."""
    with here.app.store.reader() as connection:
        lines, _ = waiting_lines(here, connection)
    return sheet_response(here, "ui.today.waiting", _COLUMNS, lines)


_COLUMNS: Sequence[Column[WaitingLine]] = (
    Column("ui.column.level", lambda one, here: here.text(f"ui.level.{one.level}")),
    Column("ui.column.kind", lambda one, here: here.text(f"ui.thing.{one.kind}")),
    Column("ui.column.number", lambda one, _: one.number),
    Column("ui.column.subject", lambda one, _: one.subject),
    Column("ui.column.unit", lambda one, _: one.unit),
    Column("ui.column.value", lambda one, _: one.value.value),
    Column("ui.column.limit", lambda one, _: one.limit.value),
    Column("ui.column.quantity_unit", lambda one, _: one.value.unit),
    Column("ui.column.use", lambda one, _: one.use),
    Column("ui.column.opened", lambda one, _: one.since),
    Column("ui.column.due", lambda one, _: one.due),
)
