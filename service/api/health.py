"""Whether the service lives, whether it can work, and its counters."""

from collections.abc import Callable

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from sqlalchemy import Connection, Table, func, select

from service.api.access import App, Bearer, Cookie, caller
from service.api.faults import ApiFault, fault_of
from service.application import Application
from service.inbound.returned_mail import stand_of
from service.security import Forbidden, SignInNeeded
from store import positions
from store.schema import table
from workorders import Level, State
from workorders.rows import ALERTS, NOTICES, ORDERS

router = APIRouter(include_in_schema=False)

_OUTBOX = table("store_outbox")

_log = structlog.get_logger(__name__)


@router.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(app: App) -> Response:
    """Database and log answer; 503 and which one does not."""
    checks = {"database": lambda: _database(app), "log": app.log.stats}
    state = {name: _answers(name, check) for name, check in checks.items()}
    good = all(state.values())
    return JSONResponse(
        {"ready": good, **{name: "ok" if well else "down" for name, well in state.items()}},
        200 if good else 503,
    )


def _database(app: Application) -> object:
    with app.store.reader() as connection:
        return positions.read(connection, "watcher")


def _answers(name: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except Exception:  # noqa: BLE001 - whatever it is, the part is down
        _log.exception("not ready", part=name)
        return False
    return True


@router.get("/metrics")
def metrics(request: Request, app: App, bearer: Bearer, cookie: Cookie) -> Response:
    """Counters as Prometheus reads them; for those who operate the system."""
    try:
        caller(request, app, bearer, cookie).check("system.operate")
    except ApiFault as refused:
        return PlainTextResponse(f"{refused.fault.code}\n", refused.fault.status)
    except (SignInNeeded, Forbidden) as refused:
        fault = fault_of(refused)
        return PlainTextResponse(f"{fault.code}\n", fault.status, headers=dict(fault.headers))
    stats = app.log.stats()
    with app.store.reader() as connection:
        position = int(positions.read(connection, "watcher") or 0)
        lines = [
            *_metric("events_total", "Events in the audit log", [("", stats.events)]),
            *_metric("events_unread", "Events not judged", [("", stats.last_position - position)]),
            *_metric("quarantined", "Rows in quarantine", [("", stats.quarantined)]),
            *_metric("trail_records_total", "Records of the trail", [("", _count(connection))]),
            *_metric("work_orders", "Work orders by level and state", _orders(connection)),
            *_metric("alerts", "Alerts by state", _by(connection, ALERTS, "state")),
            *_metric("notices", "Notices by state", _by(connection, NOTICES, "state")),
            *_metric("outbox", "Messages by state", _by(connection, _OUTBOX, "state")),
            *_metric("mails_returned_total", "Mails that came back", _returned(connection)),
        ]
    text = "\n".join(lines) + "\n"
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


Sample = tuple[str, int]


def _metric(name: str, text: str, samples: list[Sample]) -> list[str]:
    kind = "counter" if name.endswith("_total") else "gauge"
    full = f"hedgewarden_{name}"
    head = [f"# HELP {full} {text}", f"# TYPE {full} {kind}"]
    return [*head, *(f"{full}{labels} {value}" for labels, value in samples)]


def _returned(connection: Connection) -> list[Sample]:
    counts = stand_of(connection).counts
    return [(f'{{what="{what}"}}', counts[what]) for what in sorted(counts)]


def _count(connection: Connection) -> int:
    return int(connection.scalar(select(func.max(table("trail_record").c.seq))) or 0)


def _orders(connection: Connection) -> list[Sample]:
    counted = {
        (level, state): int(number)
        for level, state, number in connection.execute(
            select(ORDERS.c.level, ORDERS.c.state, func.count()).group_by(
                ORDERS.c.level, ORDERS.c.state
            )
        )
    }
    return [
        (f'{{level="{level}",state="{state}"}}', counted.get((level.value, state.value), 0))
        for level in Level
        for state in State
    ]


def _by(connection: Connection, rows: Table, column: str) -> list[Sample]:
    found = rows.c[column]
    return [
        (f'{{{column}="{value}"}}', int(number))
        for value, number in connection.execute(select(found, func.count()).group_by(found))
    ]
