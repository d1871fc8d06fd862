"""The weekly report: Monday 08:00 on the person's own clock, to managers and risk officers.

It holds the figures of the week before, beside those of the week before that, for the units that
the person sees. It is sent once per week and person: after downtime the last one that is due, and
none that was missed before it. Who is new is sent the first at the next Monday.
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import structlog

import trail
from directory import Person, Role
from service.application import Application
from store import UnitOfWork, outbox, positions
from workorders import figures
from workorders.card import Card, CardKind, Figure, Line
from workorders.figures import Metrics, Period

ACTOR = "system:weekly"
CHANNEL = "email"
READERS = frozenset({Role.MANAGER, Role.RISK_OFFICER})
_AT = time(8)
_WEEK = timedelta(days=7)

_log = structlog.get_logger(__name__)


def run_due(app: Application, now: datetime) -> int:
    """Queue what is due at `now`; each person is a transaction. Returns how many reports."""
    if CHANNEL not in app.channel_names:
        return 0
    directory = app.directory
    queued = 0
    for person in directory.people:
        if not person.active or not person.email or READERS.isdisjoint(person.roles):
            continue
        monday = _monday(now, app, person)
        with app.store.reader() as connection:
            known = positions.read(connection, _position(person))
        if known is not None and known >= monday.isoformat():
            continue
        try:
            with app.store.unit_of_work(ACTOR) as uow:
                queued += _queue(uow, app, person, monday)
        except Exception:  # noqa: BLE001 - one person's report must not hold back the others'
            _log.exception("weekly report failed", person=person.id)
    return queued


def _position(person: Person) -> str:
    return f"weekly/{person.id}"


def _monday(now: datetime, app: Application, person: Person) -> date:
    """The Monday whose report was due last."""
    zone = app.directory.timezone(person.unit)
    local = now.astimezone(zone)
    monday = local.date() - timedelta(days=local.weekday())
    due = datetime.combine(monday, _AT, zone)
    return monday if local >= due else monday - _WEEK


def _queue(uow: UnitOfWork, app: Application, person: Person, monday: date) -> bool:
    """Queue the report of the week before `monday`, unless somebody has; whether it was queued."""
    position = _position(person)
    known = positions.read(uow.connection, position)
    if known is not None and known >= monday.isoformat():
        return False  # another process was faster
    positions.write(uow, position, monday.isoformat())
    if known is None:
        return False
    directory = app.directories.around(uow.connection).directory
    scopes = directory.visible_scopes(person.id, uow.now)
    if not scopes:
        return False
    zone = directory.timezone(person.unit)
    end = datetime.combine(monday, time(), zone)

    def week(until: datetime) -> Metrics:
        period = Period(scopes, until - _WEEK, until, uow.now)
        return figures.metrics_of(figures.load(uow.connection, period), period, zone)

    key = f"weekly/{monday.isoformat()}/{person.id}"
    card = report_card(person.id, key, monday, before=week(end - _WEEK), now=week(end))
    put = outbox.put(
        uow, channel=CHANNEL, target=person.id, payload=card.as_json(), key=key, group=key
    )
    if put:
        trail.record(
            uow,
            kind="notification",
            action="report.weekly",
            object_type="person",
            object_id=person.id,
            org=person.unit,
            outcome="queued",
            body={"week": (monday - _WEEK).isoformat(), "card": card.as_json()},
        )
    return put


def report_card(person: str, key: str, monday: date, *, before: Metrics, now: Metrics) -> Card:
    """The report as a plain notice: no buttons, nothing to press.

    Args:
        person: whom it is for.
        key: idempotency id of the delivery.
        monday: the day on which it is due; the report is about the seven days before.
        before: the figures of the week before that.
        now: the figures of the week.
    """
    first = monday - _WEEK
    return Card(
        kind=CardKind.BRIEF,
        notice_id=key,
        object_id=key,
        version=1,
        person=person,
        level=None,
        title=Line(
            "card.weekly.title",
            {"first": first.isoformat(), "last": (monday - timedelta(days=1)).isoformat()},
        ),
        lines=(
            Line(
                "card.weekly.counts",
                {"orders": now.orders, "alerts": now.alerts, "breaches": now.breaches},
            ),
            Line("card.weekly.change"),
        ),
        figures=(
            _share("arrival_rate", before.arrival_rate, now.arrival_rate),
            _share("response_rate", before.response_rate, now.response_rate),
            _share("closed_loop_rate", before.closed_loop_rate, now.closed_loop_rate),
            _share("override_rate", before.override_rate, now.override_rate),
            _share("confirmed_share", before.confirmed_share, now.confirmed_share),
            _span("time_to_notify", before.time_to_notify.p50_s, now.time_to_notify.p50_s),
            _span(
                "time_to_acknowledge",
                before.time_to_acknowledge.p50_s,
                now.time_to_acknowledge.p50_s,
            ),
            _span("time_to_resolve", before.time_to_resolve.p50_s, now.time_to_resolve.p50_s),
        ),
        path=f"/figures?from={first.isoformat()}&to={monday.isoformat()}",
    )


def _share(name: str, before: Decimal | None, after: Decimal | None) -> Figure:
    def text(value: Decimal | None) -> str:
        return "—" if value is None else f"{value * 100:.2f} %"

    return Figure(f"figure.{name}", text(before), text(after))


def _span(name: str, before: Decimal | None, after: Decimal | None) -> Figure:
    def text(value: Decimal | None) -> str:
        return "—" if value is None else f"{value:.3f} s"

    return Figure(f"figure.{name}", text(before), text(after))
