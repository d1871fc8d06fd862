"""The triage inbox's routes: look, confirm, dismiss singly and in bulk, merge."""

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response

import workorders
from service.web.reader import local_path
from service.web.rooms import alert_rows
from service.web.rooms.alert_rows import Pile
from service.web.rooms.alerts import Asked, alert_line, reasons_field, triage_page
from service.web.rooms.asking import one_of
from service.web.rooms.entered import NOTHING_ENTERED, Entered, refilled
from service.web.rooms.here import Here, Viewer, not_found
from service.web.rooms.sheets import Column, sheet_response
from service.web.views.alerts import BulkDismissPage
from service.web.views.parts import Act, FormField
from store import UnitOfWork
from workorders import reads
from workorders.context import Context
from workorders.inbox import TriageOutcome
from workorders.levels import Level
from workorders.model import Alert, SourceKind
from workorders.triage import Reason

router = APIRouter(include_in_schema=False)
Number = Annotated[str, Path(max_length=40)]
Word = Annotated[str, Query(max_length=400)]
Text = Annotated[str, Form(max_length=4000)]
NextUrl = Annotated[str, Form(max_length=1000)]
_MOST = 200


def _asked(pile: str, source: str, level: str, unit: str) -> Asked:
    known = Pile(one_of("pile", pile, [one.value for one in Pile]) or Pile.WAITING)
    one_of("source", source, [one.value for one in SourceKind])
    one_of("level", level, [one.value for one in Level])
    return Asked(known, source, level, unit)


@router.get("/alerts")
def show(
    here: Viewer, *, pile: Word = "", source: Word = "", level: Word = "", unit: Word = "",
    alert: Word = "", offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:  # fmt: skip
    """The inbox."""
    asked = _asked(pile, source, level, unit)
    asked = Asked(asked.pile, source, level, unit, alert, offset)
    with here.app.store.reader() as connection:
        page = triage_page(here, connection, asked)
    return here.show("alerts.html", page, "alerts")


@router.get("/alerts.xlsx")
def export(
    here: Viewer, *, pile: Word = "", source: Word = "", level: Word = "", unit: Word = ""
) -> Response:
    """The filtered alerts as a workbook."""
    wanted = _asked(pile, source, level, unit).wanted
    with here.app.store.reader() as connection:
        found: list[Alert] = []
        while len(found) % alert_rows.PAGE == 0:
            page = alert_rows.list_alerts(connection, here.scopes, wanted, len(found))
            found += page
            if not page:
                break
    return sheet_response(here, "ui.alerts.title", _COLUMNS, found)


_COLUMNS: Sequence[Column[Alert]] = (
    Column("ui.column.number", lambda one, _: one.id),
    Column("ui.column.level", lambda one, here: here.text(f"ui.level.{one.level.value}")),
    Column("ui.column.state", lambda one, here: here.text(f"ui.alert_state.{one.state.value}")),
    Column(
        "ui.column.source",
        lambda one, here: here.text(f"ui.alert_source.{one.source_kind.value}"),
    ),
    Column(
        "ui.column.subject",
        lambda one, here: here.names.subject(one.code, one.product, one.month),
    ),
    Column("ui.column.unit", lambda one, _: one.org),
    Column("ui.column.value", lambda one, _: one.value),
    Column("ui.column.limit", lambda one, _: one.limit),
    Column("ui.column.quantity_unit", lambda one, _: one.unit),
    Column("ui.column.use", lambda one, _: one.use),
    Column("ui.column.count", lambda one, _: one.count),
    Column("ui.column.opened", lambda one, _: one.raised_at),
    Column("ui.thing.order", lambda one, _: one.order_id),
    Column("ui.column.decided_by", lambda one, here: here.names.actor(one.decided_by)),
    Column("ui.column.decided_at", lambda one, _: one.decided_at),
    Column(
        "ui.column.reason",
        lambda one, here: here.reader.words.first(f"triage.{one.reason}", "triage.other")
        if one.reason and one.reason in set(Reason)
        else one.reason,
    ),
)  # fmt: skip


def _do(
    here: Here,
    number: str,
    command: Callable[[UnitOfWork, Context], TriageOutcome],
    said: str,
    next_url: str,
) -> Response:
    url = local_path(next_url, "/alerts") if next_url else "/alerts"
    with here.app.store.unit_of_work(here.person) as uow:
        if reads.get_alert(uow.connection, number, here.scopes) is None:
            raise not_found()
        context = here.app.context(here.app.directories.around(uow.connection))
        outcome = command(uow, context)
    if not outcome.ok:
        return here.refused(url, here.names.reason(outcome.code))
    if outcome.code == "ALREADY_DONE":
        return here.refused(url, here.names.reason("ALREADY_DONE"))
    return here.done(url, said, number=number, order=outcome.order_id)


@router.post("/alerts/{number}/confirm")
def confirm(here: Viewer, number: Number, next: NextUrl = "") -> Response:  # noqa: A002 - the form's name
    """确认属实: opens a work order unless one answers for it."""
    found: list[TriageOutcome] = []

    def run(uow: UnitOfWork, ctx: Context) -> TriageOutcome:
        found.append(workorders.confirm_alert(uow, ctx, number))
        return found[-1]

    response = _do(here, number, run, "ui.said.confirmed", next)
    if found and found[0].ok and found[0].opened:
        order = found[0].order_id
        return here.done(f"/orders/{order}", "ui.said.confirmed", number=number, order=order)
    return response


@router.post("/alerts/{number}/dismiss")
def dismiss(
    here: Viewer, number: Number, reason: Text, text: Text = "", next: NextUrl = ""  # noqa: A002 - the form's name
) -> Response:  # fmt: skip
    """排除, with a reason."""
    return _do(
        here, number,
        lambda uow, ctx: workorders.dismiss_alert(uow, ctx, number, reasons=[reason], text=text),
        "ui.said.dismissed", next,
    )  # fmt: skip


@router.post("/alerts/{number}/merge")
def merge(here: Viewer, number: Number, into: Text, next: NextUrl = "") -> Response:  # noqa: A002 - the form's name
    """合并 into another alert of the same unit."""

    def run(uow: UnitOfWork, ctx: Context) -> TriageOutcome:
        if reads.get_alert(uow.connection, into, here.scopes) is None:
            raise not_found()
        return workorders.merge_alert(uow, ctx, number, into=into)

    return _do(here, number, run, "ui.said.merged", next)


@router.post("/alerts/dismiss")
def dismiss_many(here: Viewer, alert: Annotated[list[str] | None, Form()] = None) -> Response:
    """The picked alerts once more, before they go: why, and with what note."""
    return _picked(here, alert or [])


def _picked(here: Here, picked: Sequence[str], entered: Entered = NOTHING_ENTERED) -> Response:
    """The page of the picked alerts; `entered` is its form where it was sent and not taken."""
    with here.app.store.reader() as connection:
        found = [
            one
            for number in dict.fromkeys(picked[:_MOST])
            if (one := reads.get_alert(connection, number, here.scopes)) is not None
        ]
    if not found:
        return here.refused("/alerts", here.text("ui.alerts.nothing_picked"))
    act = Act(
        here.text("ui.act.dismiss_all", count=len(found)),
        "/alerts/dismiss/all",
        "dismiss_all",
        "danger",
        fields=(reasons_field(here), FormField("text", here.text("ui.field.note"), "textarea")),
    )
    page = BulkDismissPage(
        tuple(alert_line(here, Asked(), one) for one in found), refilled(act, entered), "/alerts"
    )
    status = 422 if entered.verb else 200
    return here.show("alerts_dismiss.html", page, "alerts", live=False, status=status)


@router.post("/alerts/dismiss/all")
def dismiss_all(
    here: Viewer,
    alert: Annotated[list[str] | None, Form()] = None,
    reason: Text = "",
    text: Text = "",
) -> Response:
    """Dismiss the picked alerts; each is judged and recorded by itself."""
    if reason not in set(Reason):
        wrong = {"reason": here.names.reason("NEEDS_REASON")}
        entered = Entered("dismiss_all", {"reason": reason, "text": text}, wrong)
        return _picked(here, alert or [], entered)
    with here.app.store.unit_of_work(here.person) as uow:
        seen = [
            number
            for number in dict.fromkeys((alert or [])[:_MOST])
            if reads.get_alert(uow.connection, number, here.scopes) is not None
        ]
        context = here.app.context(here.app.directories.around(uow.connection))
        outcomes = workorders.dismiss_alerts(uow, context, seen, reasons=[reason], text=text)
    done = sum(one.ok for one in outcomes)
    refused = sorted({one.code for one in outcomes if not one.ok})
    if refused:
        why = " ".join(here.names.reason(code) for code in refused)
        return here.refused(
            "/alerts", here.text("ui.said.some_dismissed", done=done, total=len(outcomes), why=why)
        )
    return here.done("/alerts", "ui.said.all_dismissed", count=str(done))
