"""One page of the rows behind a figure."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, Row, and_, or_

from store.clock import parse_rfc3339, rfc3339
from workorders.figures import reading
from workorders.figures.reading import Family, Period
from workorders.figures.rows import Figure, FigurePage, FigureRow
from workorders.figures.verdicts import ALERT_FIGURES, ORDER_FIGURES, arrival

LIMIT = 500


def figure_page(
    connection: Connection, figure: Figure, period: Period, *, cursor: str = "", limit: int = 50
) -> FigurePage:
    """The rows behind `figure`, also those that do not count, oldest first.

    A cursor that no page gave starts from the top.
    """
    family, rows_of = _of(figure)
    chosen = family(period)
    size = max(1, min(limit, LIMIT))
    statement = chosen.statement.order_by(chosen.moment, chosen.key).limit(size + 1)
    if after := _parse(cursor, number=isinstance(chosen.key.type, Integer)):
        at, key = after
        statement = statement.where(
            chosen.moment >= at,  # the range of the index
            or_(chosen.moment > at, and_(chosen.moment == at, chosen.key > key)),
        )
    found = connection.execute(statement).all()
    shown = found[:size]
    going_on = ""
    if len(found) > size:
        last = shown[-1]._mapping  # noqa: SLF001 - the public way to a column, so named
        going_on = f"{rfc3339(last[chosen.moment])}|{last[chosen.key]}"
    return FigurePage(tuple(rows_of(connection, figure, shown, period.at)), going_on)


def is_figure_cursor(text: str) -> bool:
    """Whether `text` is a cursor of a page of rows."""
    return _parse(text, number=False) is not None


Rows = Callable[[Connection, Figure, Sequence[Row[Any]], datetime], list[FigureRow]]


def _of(figure: Figure) -> tuple[Callable[[Period], Family], Rows]:
    if figure is Figure.ARRIVAL:
        return reading.notices, _notices
    if figure is Figure.PAIRS:
        return reading.approval_acts, _pairs
    if figure in ALERT_FIGURES:
        return reading.raised_alerts, _alerts
    if figure is Figure.CARRIED:
        return reading.carried_orders, _orders
    return reading.opened_orders, _orders


def _orders(
    connection: Connection, figure: Figure, found: Sequence[Row[Any]], at: datetime
) -> list[FigureRow]:
    judge = ORDER_FIGURES[figure]
    return [judge(one, at) for one in reading.with_links(connection, found)]


def _notices(
    _c: Connection, _f: Figure, found: Sequence[Row[Any]], at: datetime
) -> list[FigureRow]:
    return [arrival(reading.notice_of(row), at) for row in found]


def _alerts(
    _c: Connection, figure: Figure, found: Sequence[Row[Any]], at: datetime
) -> list[FigureRow]:
    judge = ALERT_FIGURES[figure]
    return [judge(reading.alert_of(row), at) for row in found]


def _pairs(_c: Connection, _f: Figure, found: Sequence[Row[Any]], _at: datetime) -> list[FigureRow]:
    return [reading.pair_of(row) for row in found]


def _parse(cursor: str, *, number: bool) -> tuple[datetime, str | int] | None:
    at, bar, key = cursor.partition("|")
    if not bar or (number and not (key.isascii() and key.isdigit() and len(key) < 19)):  # noqa: PLR2004 - digits that a column holds
        return None
    try:
        return parse_rfc3339(at), int(key) if number else key
    except ValueError:
        return None
