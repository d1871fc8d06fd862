"""The triage inbox over HTTP."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

import workorders
from service.api.access import App, Caller, Who
from service.api.faults import ApiFault, Fault, not_found, words_of
from service.api.orders import refusal_status
from service.api.paging import Cursor, Limit, page_cursor, seal
from service.api.shapes import (
    AlertOut,
    AlertPageOut,
    BulkDismissIn,
    BulkTriageOut,
    ConfirmIn,
    DismissIn,
    LevelName,
    TriageOut,
)
from service.api.writing import Call, Done, Writing, write
from service.application import Application
from store import UnitOfWork
from workorders import Alert, AlertState, Context, Level, SourceKind, TriageOutcome, reads
from workorders.plain import plain
from workorders.states import TRIAGE

router = APIRouter(prefix="/alerts", tags=["alerts"])

AlertId = Annotated[str, Path(max_length=64, pattern=r"^AL-[0-9]{8}-[0-9]{1,9}$")]


def alert_out(alert: Alert) -> AlertOut:
    """The alert as it goes out."""
    return AlertOut(**plain({name: getattr(alert, name) for name in AlertOut.model_fields}))


def triage_out(app: Application, outcome: TriageOutcome) -> TriageOut:
    """What became of an act on an alert."""
    params = plain(dict(outcome.params))
    return TriageOut(
        ok=outcome.ok,
        code=outcome.code,
        titles=words_of(app.catalogues, outcome.code, params),
        params=params,
        alert=None if outcome.alert is None else alert_out(outcome.alert),
        order=outcome.order_id,
    )


@router.get("", summary="Alerts of the units that the caller sees, newest first")
def list_alerts(
    app: App,
    who: Who,
    *,
    cursor: Cursor = "",
    limit: Limit = 50,
    state: Annotated[list[AlertState] | None, Query(max_length=4)] = None,
    level: Annotated[list[LevelName] | None, Query(max_length=4)] = None,
    source_kind: Annotated[SourceKind | Literal[""], Query()] = "",
    rule: Annotated[str, Query(max_length=100)] = "",
    org: Annotated[str, Query(max_length=400)] = "",
    product: Annotated[str, Query(max_length=40)] = "",
) -> AlertPageOut:
    """One page."""
    scopes = who.reads("view")
    wanted = reads.Filter(
        states=[one.value for one in state or ()],
        levels=[Level(one) for one in level or ()],
        org=org,
        product=product,
        source_kind=str(source_kind),
        rule=rule,
    )
    with app.store.reader() as connection:
        page = reads.list_alerts(
            connection, scopes, wanted, cursor=page_cursor(cursor), limit=limit
        )
    return AlertPageOut(items=[alert_out(one) for one in page.items], cursor=seal(page.cursor))


@router.get("/{alert_id}", summary="One alert")
def show_alert(app: App, who: Who, alert_id: AlertId) -> AlertOut:
    """One alert."""
    scopes = who.reads("view")
    with app.store.reader() as connection:
        alert = reads.get_alert(connection, alert_id, scopes)
    if alert is None:
        raise not_found()
    return alert_out(alert)


@router.post("/{alert_id}/confirm", response_model=TriageOut, summary="确认属实")
def confirm(call: Writing, alert_id: AlertId, asked: ConfirmIn) -> Response:
    """The alert is real: a work order answers for it."""
    return _act(
        call,
        alert_id,
        lambda uow, ctx: workorders.confirm_alert(uow, ctx, alert_id, text=asked.text),
    )


@router.post("/{alert_id}/dismiss", response_model=TriageOut, summary="排除")
def dismiss(call: Writing, alert_id: AlertId, asked: DismissIn) -> Response:
    """Put aside with reasons."""
    return _act(
        call,
        alert_id,
        lambda uow, ctx: workorders.dismiss_alert(
            uow, ctx, alert_id, reasons=asked.reasons, text=asked.text
        ),
    )


def _act(
    call: Call, alert_id: str, command: Callable[[UnitOfWork, Context], TriageOutcome]
) -> Response:
    def run(uow: UnitOfWork) -> Done:
        _seen(uow, call.who, alert_id)
        outcome = command(uow, call.app.context(call.app.directories.around(uow.connection)))
        if not outcome.ok:
            status = refusal_status(outcome.code)
            return Done(0, refused=Fault(status, outcome.code, plain(dict(outcome.params))))
        return Done(200, triage_out(call.app, outcome).model_dump(mode="json"))

    return write(call, run)


def _seen(uow: UnitOfWork, who: Caller, alert_id: str) -> None:
    alert = reads.get_alert(uow.connection, alert_id, who.reads("view"))
    if alert is None:
        raise not_found()
    if who.scopes:
        who.check(TRIAGE, alert.org)


@router.post("/dismiss", response_model=BulkTriageOut, summary="批量排除")
def dismiss_many(call: Writing, asked: BulkDismissIn) -> Response:
    """Put many aside; each is judged by itself. One that the caller does not see refuses all."""
    app, who = call.app, call.who

    def run(uow: UnitOfWork) -> Done:
        unseen = []
        for alert_id in asked.alerts:
            try:
                _seen(uow, who, alert_id)
            except ApiFault:
                unseen.append(alert_id)
        if unseen:
            raise ApiFault(404, "NOT_FOUND", params={"alerts": unseen})
        found = workorders.dismiss_alerts(
            uow,
            app.context(app.directories.around(uow.connection)),
            asked.alerts,
            reasons=asked.reasons,
            text=asked.text,
        )
        results = BulkTriageOut(results=[triage_out(app, one) for one in found])
        return Done(200, results.model_dump(mode="json"))

    return write(call, run)
