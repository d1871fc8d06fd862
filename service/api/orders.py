"""Work orders over HTTP: list, show, and every act, each as the caller."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

import workorders
from service.api.access import App, Caller, Who
from service.api.events import when
from service.api.faults import ApiFault, Fault, not_found
from service.api.paging import Cursor, Limit, page_cursor, seal
from service.api.shapes import (
    ActOut,
    AskIn,
    ClearOut,
    CloseIn,
    EntryOut,
    EscalateIn,
    HoldIn,
    LevelName,
    LineOut,
    NoteIn,
    OrderDetailOut,
    OrderOut,
    OrderPageOut,
    ResolveIn,
    SnoozeIn,
    VersionIn,
)
from service.api.writing import Call, Done, Writing, write
from service.approving import Ask, ask_for
from service.closing import close_order
from service.i18n.wording import Catalogues
from store import UnitOfWork
from workorders import Closing, Context, Corrective, Level, Outcome, WorkOrder, reads
from workorders.card import Line
from workorders.plain import plain
from workorders.states import PERMISSIONS, Verb
from workorders.tags import clean_tag

router = APIRouter(prefix="/orders", tags=["orders"])

OrderId = Annotated[str, Path(max_length=64, pattern=r"^WO-[0-9]{8}-[0-9]{1,9}$")]
#: Refusals that say what is missing in the request itself.
_INCOMPLETE = frozenset(
    {
        "NEEDS_REASON",
        "NEEDS_TEXT",
        "NEEDS_PEOPLE",
        "NEEDS_DISPOSITION",
        "NEEDS_ROOT_CAUSE",
        "NEEDS_CORRECTIVE",
        "SNOOZE_PAST",
        "SNOOZE_TOO_LONG",
        "NEEDS_ORG",
        "SILENCE_ENDS_EARLY",
        "SILENCE_TOO_LONG",
        "NEEDS_CLAUSE",
        "RULE_NOT_EXEMPTABLE",
        "CAP_INVALID",
        "EXEMPTION_ENDS_EARLY",
        "EXEMPTION_TOO_LONG",
        "MONTH_INVALID",
        "UNKNOWN_PRODUCT",
        "NO_ELIGIBLE_SIGNERS",
        "TIME_INVALID",
        "FILE_NAMELESS",
        "FILE_EMPTY",
        "CORRECTIVE_OWNER",
        "MERGE_TARGET_UNKNOWN",
        "NEEDS_TAG",
        "TAG_SIGN",
        "TAG_TOO_LONG",
        "TAG_TOO_MANY",
    }
)
_FORBIDDEN = frozenset(
    {"FORBIDDEN", "NOT_PERMITTED", "NOT_A_SIGNER", "SELF_APPROVAL", "OWN_BREACH", "OWN_MATTER"}
)
_FIELDS = tuple(name for name in OrderOut.model_fields if name not in {"code", "clears"})

Command = Callable[[UnitOfWork, Context, WorkOrder], Outcome]


def order_out(order: WorkOrder) -> OrderOut:
    """The order as it goes out."""
    return OrderOut(
        **plain({name: getattr(order, name) for name in _FIELDS}),
        code=str(order.title_params.get("code", "")),
        clears=[ClearOut(rule=one.rule, fact_key=one.fact_key) for one in order.clears],
    )


def refusal_status(code: str) -> int:
    """The HTTP status of a refused act."""
    if code in _FORBIDDEN:
        return 403
    if code in {
        "UNKNOWN_ORDER",
        "UNKNOWN_ALERT",
        "UNKNOWN_SILENCE",
        "UNKNOWN_HANDOVER",
        "UNKNOWN_EXEMPTION",
        "UNKNOWN_UNIT",
    }:
        return 404
    if code == "FILE_TOO_LARGE":
        return 413
    return 422 if code in _INCOMPLETE else 409


def done_of(outcome: Outcome, *, approval: str = "") -> Done:
    """What an act on an order came to."""
    if not outcome.ok:
        return Done(0, refused=Fault(refusal_status(outcome.code), outcome.code, outcome.params))
    body = ActOut(
        code=outcome.code,
        params=plain(dict(outcome.params)),
        order=None if outcome.order is None else order_out(outcome.order),
        new_order=outcome.new_order,
        approval=approval,
    )
    return Done(200, body.model_dump(mode="json"))


@router.get("", summary="Orders of the units that the caller sees, newest first")
def list_orders(
    app: App,
    who: Who,
    *,
    cursor: Cursor = "",
    limit: Limit = 50,
    state: Annotated[list[workorders.State] | None, Query(max_length=10)] = None,
    level: Annotated[list[LevelName] | None, Query(max_length=4)] = None,
    org: Annotated[str, Query(max_length=400)] = "",
    product: Annotated[str, Query(max_length=40)] = "",
    month: Annotated[str, Query(max_length=10)] = "",
    tag: Annotated[str, Query(max_length=200)] = "",
) -> OrderPageOut:
    """One page."""
    scopes = who.reads("view")
    wanted = reads.Filter(
        states=[one.value for one in state or ()],
        levels=[Level(one) for one in level or ()],
        org=org,
        product=product,
        month=month,
        tag=clean_tag(tag),
    )
    with app.store.reader() as connection:
        page = reads.list_orders(
            connection, scopes, wanted, cursor=page_cursor(cursor), limit=limit
        )
    return OrderPageOut(items=[order_out(one) for one in page.items], cursor=seal(page.cursor))


@router.get("/{order_id}", summary="An order, its three lines, matches and stream")
def show_order(app: App, who: Who, order_id: OrderId) -> OrderDetailOut:
    """One order with everything that is known about it."""
    scopes = who.reads("view")
    with app.store.reader() as connection:
        order = reads.get_order(connection, order_id, scopes)
        if order is None:
            raise not_found()
        explained = reads.explanation(connection, order)
        stream = reads.stream(connection, order_id)
        merged_in = reads.merged_in(connection, order_id)
        matches = reads.matches_of(connection, order_id=order_id)
    return OrderDetailOut(
        order=order_out(order),
        broke=_line(app.catalogues, explained.broke),
        since=_line(app.catalogues, explained.since),
        back=[_line(app.catalogues, one) for one in explained.back],
        matches=[plain(one) for one in matches],
        stream=[_entry(one) for one in stream],
        approvals=list(
            dict.fromkeys(
                str(one.params["approval"]) for one in stream if one.params.get("approval")
            )
        ),
        merged_in=list(merged_in),
    )


def _line(catalogues: Catalogues, line: Line) -> LineOut:
    params = plain(dict(line.params))
    titles = {
        language: catalogues.words(language).text(line.code, **params) for language in ("en", "zh")
    }
    return LineOut(code=line.code, params=params, titles=titles)


def _entry(entry: workorders.Entry) -> EntryOut:
    return EntryOut(
        **plain(
            {
                "seq": entry.seq,
                "at": entry.at,
                "actor": entry.actor,
                "kind": entry.kind,
                "code": entry.code,
                "params": dict(entry.params),
                "text": entry.text,
            }
        )
    )


def act_on(call: Call, order_id: str, verb: Verb, command: Command) -> Response:
    """Run one act on an order as the caller."""

    def run(uow: UnitOfWork) -> Done:
        order = seen_order(uow, call.who, order_id)
        # A token may be narrower than its person; the command itself asks the directory.
        if call.who.scopes:
            call.who.check(PERMISSIONS[verb], order.org)
        ctx = call.app.context(call.app.directories.around(uow.connection))
        return done_of(command(uow, ctx, order))

    return write(call, run)


def seen_order(uow: UnitOfWork, who: Caller, order_id: str) -> WorkOrder:
    """The order, if the caller sees it.

    Raises:
        ApiFault: not found, also for a unit that the caller does not see.
    """
    order = reads.get_order(uow.connection, order_id, who.reads("view"))
    if order is None:
        raise not_found()
    return order


@router.post("/{order_id}/acknowledge", response_model=ActOut, summary="确认收到")
def acknowledge(call: Writing, order_id: OrderId, asked: VersionIn) -> Response:
    """Stop the notify clock, start the resolve clock."""
    return act_on(
        call,
        order_id,
        Verb.ACKNOWLEDGE,
        lambda uow, ctx, order: workorders.acknowledge(
            uow, ctx, order.id, expected_version=asked.version
        ),
    )


@router.post("/{order_id}/take-over", response_model=ActOut, summary="接手")
def take_over(call: Writing, order_id: OrderId, asked: VersionIn) -> Response:
    """Own it from now on."""
    return act_on(
        call,
        order_id,
        Verb.TAKE_OVER,
        lambda uow, ctx, order: workorders.take_over(
            uow, ctx, order.id, expected_version=asked.version
        ),
    )


@router.post("/{order_id}/note", response_model=ActOut, summary="备注")
def note(call: Writing, order_id: OrderId, asked: NoteIn) -> Response:
    """Add a note."""
    return act_on(
        call,
        order_id,
        Verb.NOTE,
        lambda uow, ctx, order: workorders.note(uow, ctx, order.id, asked.text),
    )


@router.post("/{order_id}/hold", response_model=ActOut, summary="暂缓指令")
def hold(call: Writing, order_id: OrderId, asked: HoldIn) -> Response:
    """Hold instructions."""
    return act_on(
        call,
        order_id,
        Verb.HOLD,
        lambda uow, ctx, order: workorders.hold_instruction(
            uow, ctx, order.id, objects=asked.objects, reason=asked.reason
        ),
    )


@router.post("/{order_id}/escalate", response_model=ActOut, summary="升级")
def escalate(call: Writing, order_id: OrderId, asked: EscalateIn) -> Response:
    """Climb the next rung now."""
    return act_on(
        call,
        order_id,
        Verb.ESCALATE,
        lambda uow, ctx, order: workorders.escalate(uow, ctx, order.id, reason=asked.reason),
    )


@router.post("/{order_id}/snooze", response_model=ActOut, summary="暂停提醒")
def snooze(call: Writing, order_id: OrderId, asked: SnoozeIn) -> Response:
    """Nobody is reminded until then; never for red, never longer than the policy says."""
    until = when(asked.until, "until")
    if until is None:
        raise ApiFault(422, "TIME_INVALID", params={"found": "", "field": "until"})
    return act_on(
        call,
        order_id,
        Verb.SNOOZE,
        lambda uow, ctx, order: workorders.snooze(
            uow, ctx, order.id, until=until, reason=asked.reason
        ),
    )


@router.post("/{order_id}/wake", response_model=ActOut, summary="恢复提醒")
def wake(call: Writing, order_id: OrderId) -> Response:
    """End a snooze: back to where the order was, with its clock."""
    return act_on(
        call, order_id, Verb.WAKE, lambda uow, ctx, order: workorders.wake(uow, ctx, order.id)
    )


@router.post("/{order_id}/resolve", response_model=ActOut, summary="处置完成")
def resolve(call: Writing, order_id: OrderId, asked: ResolveIn) -> Response:
    """Stop every clock."""
    return act_on(
        call,
        order_id,
        Verb.RESOLVE,
        lambda uow, ctx, order: workorders.resolve(
            uow, ctx, order.id, text=asked.text, expected_version=asked.version
        ),
    )


@router.post("/{order_id}/close", response_model=ActOut, summary="复核关闭")
def close(call: Writing, order_id: OrderId, asked: CloseIn) -> Response:
    """Close after review; 409 with the live value while the condition holds."""
    closing = _closing(asked)
    return act_on(
        call,
        order_id,
        Verb.CLOSE,
        lambda uow, ctx, order: close_order(
            uow, call.app, ctx, order, closing, expected_version=asked.version
        ),
    )


def _closing(asked: CloseIn) -> Closing:
    corrective = None
    if asked.corrective is not None:
        due = when(asked.corrective.due, "corrective.due")
        if due is None:
            raise ApiFault(422, "TIME_INVALID", params={"found": "", "field": "corrective.due"})
        corrective = Corrective(asked.corrective.text, asked.corrective.owner, due)
    return Closing(asked.disposition, asked.root_cause, corrective, asked.override, asked.note)


@router.post("/{order_id}/request-approval", response_model=ActOut, summary="提请审批")
def request_approval(call: Writing, order_id: OrderId, asked: AskIn) -> Response:
    """Ask for an approval; the signers get their cards."""
    app, who = call.app, call.who

    def run(uow: UnitOfWork) -> Done:
        order = seen_order(uow, who, order_id)
        if who.scopes:
            who.check(PERMISSIONS[Verb.REQUEST_APPROVAL], order.org)
        ctx = app.context(app.directories.around(uow.connection))
        found = ask_for(uow, app, ctx, order, _ask(asked))
        if not found.ok:
            return Done(0, refused=Fault(refusal_status(found.code), found.code, found.params))
        now = reads.get_order(uow.connection, order_id)
        outcome = Outcome(ok=True, code=found.code, order=now)
        return done_of(outcome, approval=found.request.state.id if found.request else "")

    return write(call, run)


def _ask(asked: AskIn) -> Ask:
    amount = Decimal(asked.amount) if asked.amount is not None else None
    return Ask(asked.kind, asked.object_id, amount, asked.currency, asked.material)
