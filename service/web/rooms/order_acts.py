"""The acts on a work order: the routes behind its buttons."""

import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import InvalidOperation
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Path, UploadFile
from fastapi.responses import Response

import workorders
from service.approving import Ask, ask_for
from service.closing import close_order
from service.moments import in_utc
from service.retrying import retried
from service.web.reader import local_path
from service.web.rooms.amounts import amount_of
from service.web.rooms.entered import Entered
from service.web.rooms.here import Here, Viewer, not_found
from service.web.rooms.log_search import moment
from service.web.rooms.order_forms import ASKS
from service.web.rooms.order_page import order_page
from service.web.rooms.order_said import answered
from store import UnitOfWork
from workorders import reads
from workorders.about import subjects_of
from workorders.attachments import attach
from workorders.context import Context
from workorders.model import Closing, Corrective, WorkOrder
from workorders.states import PERMISSIONS, Outcome, Verb

_TEXT = 4000

router = APIRouter(include_in_schema=False)
Number = Annotated[str, Path(max_length=40)]
Version = Annotated[int | None, Form()]
Text = Annotated[str, Form(max_length=_TEXT)]
Word = Annotated[str, Form(max_length=400)]

Command = Callable[[UnitOfWork, Context, WorkOrder], Outcome]


def _do(
    here: Here, number: str, verb: Verb, command: Command, *, next_url: str = "", undo: bool = False
) -> Response:
    """Run one act in a transaction of the person, and say what came of it.

    A form on the board carries `next` in its address, so that it leads back there.
    """
    page = f"/orders/{quote(number)}"
    next_url = next_url or here.request.query_params.get("next", "")
    url = local_path(next_url, page) if next_url else page
    order, outcome = performed(here, number, command)
    return answered(here, order, verb, outcome, url, undo=undo)


def performed(here: Here, number: str, command: Command) -> tuple[WorkOrder, Outcome]:
    """Run one act in a transaction of the person: the order as it was, and what came of it."""

    def once() -> tuple[WorkOrder, Outcome]:
        with here.app.store.unit_of_work(here.person) as uow:
            order = reads.get_order(uow.connection, number, here.scopes)
            if order is None:
                raise not_found()
            context = here.app.context(here.app.directories.around(uow.connection))
            return order, command(uow, context, order)

    return retried(once)


def _once_more(here: Here, number: str, entered: Entered) -> Response:
    """The page with the form open: what was entered is kept, each fault stands by its field."""
    with here.app.store.reader() as connection:
        order = reads.get_order(connection, number, here.scopes)
        if order is None:
            raise not_found()
        page = order_page(here, connection, order, entered)
    return here.show("order.html", page, "orders", live=False, status=422)


@router.post("/orders/{number}/acknowledge")
def acknowledge(here: Viewer, number: Number, version: Version = None) -> Response:
    """确认收到."""
    return _do(
        here, number, Verb.ACKNOWLEDGE,
        lambda uow, ctx, order: workorders.acknowledge(
            uow, ctx, order.id, expected_version=version
        ),
    )  # fmt: skip


@router.post("/orders/{number}/take_over")
def take_over(
    here: Viewer, number: Number, version: Version = None,
    next: Annotated[str, Form(max_length=200)] = "",  # noqa: A002 - the form's name
) -> Response:  # fmt: skip
    """接手; for ten seconds it can be taken back."""
    return _do(
        here, number, Verb.TAKE_OVER,
        lambda uow, ctx, order: workorders.take_over(uow, ctx, order.id, expected_version=version),
        next_url=next, undo=here.may(PERMISSIONS[Verb.REASSIGN]),
    )  # fmt: skip


@router.post("/orders/{number}/undo")
def undo(here: Viewer, number: Number) -> Response:
    """Give an order back to those who had it before it was taken over."""

    def back(uow: UnitOfWork, ctx: Context, order: WorkOrder) -> Outcome:
        if order.owner != uow.actor:
            return Outcome(ok=False, code="MOVE_NOT_ALLOWED", order=order)
        about = subjects_of(uow.connection, order)
        roster = ctx.roster(order.org, order.level, uow.now, about)
        others = [one for one in order.assignees if one != uow.actor or one in roster]
        reason = here.text("ui.undo")
        return workorders.reassign(uow, ctx, order.id, people=others or roster, reason=reason)

    return _do(here, number, Verb.REASSIGN, back)


@router.post("/orders/{number}/hold")
def hold(
    here: Viewer, number: Number, objects: Word = "", reason: Text = "", version: Version = None
) -> Response:
    """暂缓指令."""
    del version  # holding is right whatever else has changed
    named = [one.strip() for one in objects.replace("，", ",").split(",") if one.strip()]
    return _do(
        here, number, Verb.HOLD,
        lambda uow, ctx, order: workorders.hold_instruction(
            uow, ctx, order.id, objects=named, reason=reason
        ),
    )  # fmt: skip


@router.post("/orders/{number}/escalate")
def escalate(here: Viewer, number: Number, reason: Text = "") -> Response:
    """升级."""

    def climb(uow: UnitOfWork, ctx: Context, order: WorkOrder) -> Outcome:
        if not reason.strip():
            return Outcome(ok=False, code="NEEDS_REASON", order=order)
        return workorders.escalate(uow, ctx, order.id, reason=reason)

    return _do(here, number, Verb.ESCALATE, climb)


@router.post("/orders/{number}/snooze")
def snooze(here: Viewer, number: Number, until: Word = "", reason: Text = "") -> Response:
    """暂停提醒; a time that cannot be meant comes back with the form."""
    found = moment(here, until)
    at = in_utc(found) if found is not None else None
    if at is None:
        values = {"until": until, "reason": reason}
        errors = {"until": here.text("reason.TIME_INVALID")}
        return _once_more(here, number, Entered(Verb.SNOOZE.value, values, errors))
    return _do(
        here, number, Verb.SNOOZE,
        lambda uow, ctx, order: workorders.snooze(uow, ctx, order.id, until=at, reason=reason),
    )  # fmt: skip


@router.post("/orders/{number}/wake")
def wake(here: Viewer, number: Number) -> Response:
    """恢复提醒."""
    return _do(here, number, Verb.WAKE, lambda uow, ctx, order: workorders.wake(uow, ctx, order.id))


@router.post("/orders/{number}/request_approval")
def request_approval(
    here: Viewer,
    number: Number,
    *,
    kind: Word,
    object: Word = "",  # noqa: A002 - the form's name
    amount: Word = "",
    text: Text = "",
) -> Response:
    """提请审批; the signers get their cards."""
    try:
        money = amount_of(amount)
    except InvalidOperation:
        values = {"kind": kind, "object": object, "amount": amount, "text": text}
        errors = {"amount": here.text("reason.AMOUNT_INVALID")}
        return _once_more(here, number, Entered(Verb.REQUEST_APPROVAL.value, values, errors))

    def ask(uow: UnitOfWork, ctx: Context, order: WorkOrder) -> Outcome:
        if kind not in ASKS:
            return Outcome(ok=False, code="UNKNOWN_VERB", order=order)
        currency = "CNY" if money is not None else ""
        asked = Ask(kind, object, money, currency, {"reason": text} if text.strip() else None)
        found = ask_for(uow, here.app, ctx, order, asked)
        params = {**(found.order.params if found.order is not None else {}), **found.params}
        if found.request is not None:
            params["people"] = list(found.request.state.waiting_for)
            params["approval"] = found.request.state.id
        return Outcome(ok=found.ok, code=found.code, order=order, params=params)

    return _do(here, number, Verb.REQUEST_APPROVAL, ask)


@router.post("/orders/{number}/resolve")
def resolve(here: Viewer, number: Number, text: Text = "", version: Version = None) -> Response:
    """处置完成."""
    return _do(
        here, number, Verb.RESOLVE,
        lambda uow, ctx, order: workorders.resolve(
            uow, ctx, order.id, text=text, expected_version=version
        ),
    )  # fmt: skip


@router.post("/orders/{number}/resume")
def resume(here: Viewer, number: Number, reason: Text = "") -> Response:
    """继续处置."""
    return _do(
        here, number, Verb.RESUME,
        lambda uow, ctx, order: workorders.resume(uow, ctx, order.id, reason=reason),
    )  # fmt: skip


@router.post("/orders/{number}/reassign")
def reassign(here: Viewer, number: Number, person: Word, reason: Text = "") -> Response:
    """转办."""

    def give(uow: UnitOfWork, ctx: Context, order: WorkOrder) -> Outcome:
        return workorders.reassign(uow, ctx, order.id, people=[person], reason=reason)

    return _do(here, number, Verb.REASSIGN, give)


@router.post("/orders/{number}/reopen")
def reopen(here: Viewer, number: Number, reason: Text = "") -> Response:
    """重开: a new order that points at the closed one."""
    return _do(
        here, number, Verb.REOPEN,
        lambda uow, ctx, order: workorders.reopen(uow, ctx, order.id, reason=reason),
    )  # fmt: skip


@router.post("/orders/{number}/note")
def note(here: Viewer, number: Number, text: Text) -> Response:
    """备注."""
    return _do(
        here, number, Verb.NOTE, lambda uow, ctx, order: workorders.note(uow, ctx, order.id, text)
    )


@router.post("/orders/{number}/tag")
def tag(here: Viewer, number: Number, add: Word = "", remove: Word = "") -> Response:
    """标签; a comma parts several that are added."""
    added = unicodedata.normalize("NFKC", add).split(",")
    return _do(
        here, number, Verb.TAG,
        lambda uow, ctx, order: workorders.tag(uow, ctx, order.id, add=added, remove=[remove]),
    )  # fmt: skip


@router.post("/orders/{number}/files")
def add_file(here: Viewer, number: Number, file: Annotated[UploadFile, File()]) -> Response:
    """附件."""
    content, most = file.file.read(), here.app.settings.attachment_limit
    return _do(
        here, number, Verb.FILE,
        lambda uow, ctx, order: attach(
            uow, ctx, order.id, file.filename or "", content, most=most
        ),
    )  # fmt: skip


@router.post("/orders/{number}/close")
def close(
    here: Viewer, number: Number, *, disposition: Word, root_cause: Word, corrective: Text = "",
    owner: Word = "", due: Word = "", override: Text = "", text: Text = "", version: Version = None,
) -> Response:  # fmt: skip
    """复核关闭; refused with the live figure while the condition holds."""
    measure = None
    if corrective.strip():
        until, errors = _due(here, due), {}
        if isinstance(until, str):
            errors["due"] = here.text(until, found=due)
        if not owner:
            errors["owner"] = here.text("ui.order.owner_missing")
        if errors or isinstance(until, str):
            values = {
                "disposition": disposition, "root_cause": root_cause, "corrective": corrective,
                "owner": owner, "due": due, "override": override, "text": text,
            }  # fmt: skip
            return _once_more(here, number, Entered(Verb.CLOSE.value, values, errors))
        measure = Corrective(corrective, owner, until)
    closing = Closing(disposition, root_cause, measure, override, text)
    return _do(
        here, number, Verb.CLOSE,
        lambda uow, ctx, order: close_order(
            uow, here.app, ctx, order, closing, expected_version=version
        ),
    )  # fmt: skip


def _due(here: Here, text: str) -> datetime | str:
    """The end of that day on the reader's clock; for what names no day to come, what is wrong."""
    if not text.strip():
        return "ui.order.due_missing"
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return "ui.order.due_invalid"
    if day < here.reader.format.local(here.now).date():
        return "ui.order.due_past"
    return datetime.combine(day, time(23, 59), here.reader.format.zone)
