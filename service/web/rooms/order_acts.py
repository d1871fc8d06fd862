"""The acts on a work order: which buttons a person sees and why one is greyed, and the routes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Path
from fastapi.responses import Response
from sqlalchemy import Connection

import workorders
from service.approving import Ask, ask_for
from service.closing import conditions_of
from service.web.reader import local_path
from service.web.rooms.here import Here, Viewer, not_found
from service.web.views.parts import Act, Choice, FormField
from store import UnitOfWork
from store.clock import parse_rfc3339
from workorders import reads
from workorders.context import Context
from workorders.guard import DISPOSITIONS, Condition, Holding
from workorders.levels import Level
from workorders.model import Closing, Corrective, State, WorkOrder
from workorders.states import MOVES, OVERRIDE, PERMISSIONS, Outcome, Verb

ROOT_CAUSES = (
    "INTERFACE_FAULT",
    "DATA_FAULT",
    "PROCESS_GAP",
    "ROLE_MISSING_PERMISSION",
    "HUMAN_ERROR",
    "MARKET_MOVE",
    "LIMIT_UNFIT",
    "ACCOUNT_MISUSE",
    "SYSTEM_FAULT",
    "FALSE_ALARM",
    "OTHER",
)
ASKS = ("hedge_order", "limit_change", "override")
_OFFERED = (
    Verb.ACKNOWLEDGE,
    Verb.TAKE_OVER,
    Verb.HOLD,
    Verb.REQUEST_APPROVAL,
    Verb.ESCALATE,
    Verb.RESOLVE,
    Verb.RESUME,
    Verb.CLOSE,
    Verb.REOPEN,
    Verb.REASSIGN,
)
_CORRECTIVE_DAYS = 7
_TEXT = 4000


# --- the buttons --------------------------------------------------------------------------------


def acts_of(
    here: Here, connection: Connection, order: WorkOrder, matches: Sequence[Mapping[str, Any]]
) -> list[Act]:
    """The buttons for this person; none at all for somebody who may do nothing here."""
    offered = [verb for verb in _OFFERED if _offered(order, verb, here.person)]
    if not any(here.may(PERMISSIONS[verb], order.org) for verb in offered):
        return []
    makers = _Makers(here, order, matches, _live(here, connection, order))
    return [makers.make(verb) for verb in offered]


def _offered(order: WorkOrder, verb: Verb, person: str) -> bool:
    """Whether the button makes sense in this state; closing is always shown until it is done."""
    if verb is Verb.CLOSE:
        return order.state not in {State.CLOSED, State.MERGED}
    if verb is Verb.TAKE_OVER and order.owner == person and order.state is State.IN_WORK:
        return False
    if verb is Verb.REASSIGN and order.state in {State.OPEN, State.SNOOZED}:
        return False
    return (order.state, verb) in MOVES


@dataclass(frozen=True, slots=True)
class _Moment:
    """What `conditions_of` needs of a transaction."""

    connection: Connection
    now: datetime


def _live(here: Here, connection: Connection, order: WorkOrder) -> list[Condition]:
    if not order.clears or order.state in {State.CLOSED, State.MERGED}:
        return []
    return conditions_of(_Moment(connection, here.now), here.app, order)


@dataclass(frozen=True, slots=True)
class _Makers:
    """Makes the buttons of one order."""

    here: Here
    order: WorkOrder
    matches: Sequence[Mapping[str, Any]]
    conditions: Sequence[Condition]

    def make(self, verb: Verb) -> Act:
        """The button of a verb, greyed when it is not possible now."""
        here, order = self.here, self.order
        why = here.why_not(PERMISSIONS[verb], order.org)
        if not why and verb is Verb.CLOSE:
            why = self._why_not_closed()
        tone = "danger" if verb is Verb.CLOSE else "plain"
        if verb is self._first():
            tone = "primary"
        return Act(
            here.text(f"ui.act.{verb.value}"),
            f"/orders/{quote(order.id)}/{verb.value}",
            verb.value,
            tone,
            why,
            (FormField("version", kind="hidden", value=str(order.version)), *self._fields(verb)),
        )

    def _first(self) -> Verb:
        """The act that is expected next."""
        if self.order.state is State.RESOLVED:
            return Verb.CLOSE
        if self.order.owner == self.here.person and self.order.state is State.IN_WORK:
            return Verb.RESOLVE
        return Verb.TAKE_OVER if self.order.acknowledged_at else Verb.ACKNOWLEDGE

    def _may_override(self) -> bool:
        return self.here.may(OVERRIDE, self.order.org)

    def _why_not_closed(self) -> str:
        here, order = self.here, self.order
        unmet = next((one for one in self.conditions if one.holding is not Holding.CLEARED), None)
        if unmet is not None and not self._may_override():
            return condition_text(here, unmet)
        if order.state is not State.RESOLVED:
            return here.text("ui.act.close_unresolved")
        second = order.level is Level.RED
        if second and here.person in {order.resolved_by, order.acknowledged_by}:
            return here.text("reason.NEEDS_SECOND_PERSON")
        return ""

    def _fields(self, verb: Verb) -> tuple[FormField, ...]:
        text = self.here.text
        reason = FormField("reason", text("ui.field.reason"), "textarea", required=True)
        note = FormField("text", text("ui.field.note"), "textarea")
        if verb is Verb.HOLD:
            return (
                FormField(
                    "objects",
                    text("ui.field.instructions"),
                    value=", ".join(self._instructions()),
                    hint=text("ui.field.instructions_hint"),
                ),
                reason,
            )
        if verb is Verb.REQUEST_APPROVAL:
            return self._ask_fields()
        if verb in {Verb.ESCALATE, Verb.RESUME, Verb.REOPEN}:
            return (reason,)
        if verb is Verb.RESOLVE:
            return (note,)
        if verb is Verb.REASSIGN:
            return (self._person("person", "ui.field.person"), reason)
        return self._closing_fields() if verb is Verb.CLOSE else ()

    def _instructions(self) -> list[str]:
        """Objects on which the matches of this order decided."""
        found = [one["decide"]["object_id"] for one in self.matches if one.get("decide")]
        return list(dict.fromkeys(found))

    def _ask_fields(self) -> tuple[FormField, ...]:
        text = self.here.text
        kinds = tuple(Choice(one, text(f"approvals.kind.{one}")) for one in ASKS)
        objects = (
            Choice("", text("ui.field.whole_order")),
            *(Choice(one, one) for one in self._instructions()),
        )
        return (
            FormField("kind", text("ui.field.ask_kind"), "select", required=True, choices=kinds),
            FormField("object", text("ui.column.object"), "select", choices=objects),
            FormField("amount", text("ui.field.amount"), hint=text("ui.field.amount_hint")),
            FormField("text", text("ui.field.why"), "textarea", required=True),
        )

    def _closing_fields(self) -> tuple[FormField, ...]:
        text, order = self.here.text, self.order
        grave = order.level >= Level.ORANGE
        due = self.here.reader.format.local(self.here.now).date() + timedelta(_CORRECTIVE_DAYS)
        fields = [
            FormField(
                "disposition",
                text("ui.field.disposition"),
                "select",
                required=True,
                choices=(
                    Choice("", text("ui.choose")),
                    *(Choice(one, text(f"disposition.{one}")) for one in sorted(DISPOSITIONS)),
                ),
            ),
            FormField(
                "root_cause",
                text("ui.field.root_cause"),
                "select",
                required=True,
                choices=(
                    Choice("", text("ui.choose")),
                    *(Choice(one, text(f"root_cause.{one}")) for one in ROOT_CAUSES),
                ),
            ),
            FormField("corrective", text("ui.field.corrective"), "textarea", required=grave),
            self._person("owner", "ui.field.corrective_owner", required=grave),
            FormField(
                "due", text("ui.field.corrective_due"), "date", due.isoformat(), required=grave
            ),
            FormField("text", text("ui.field.note"), "textarea"),
        ]
        unmet = next((one for one in self.conditions if one.holding is not Holding.CLEARED), None)
        if unmet is not None and self._may_override():
            hint = condition_text(self.here, unmet)
            fields.append(
                FormField(
                    "override", text("ui.field.override"), "textarea", required=True, hint=hint
                )
            )
        return tuple(fields)

    def _person(self, name: str, label: str, *, required: bool = True) -> FormField:
        """A choice of the people who see this order's unit."""
        directory, at = self.here.directory, self.here.now
        people = [
            one
            for one in directory.people
            if one.active and directory.sees(one.id, self.order.org, at).allowed
        ]
        choices = tuple(Choice(one.id, one.name) for one in people)
        # Nobody and nothing is chosen beforehand: what is signed is what somebody chose.
        empty = Choice("", self.here.text("ui.choose") if required else "—")
        return FormField(
            name, self.here.text(label), "select", required=required, choices=(empty, *choices)
        )


def condition_text(here: Here, condition: Condition) -> str:
    """Why a condition keeps an order open, with the live figures."""
    if condition.holding is Holding.HOLDS:
        form = here.reader.format
        return here.text(
            "ui.act.close_holds",
            value=form.quantity(condition.value, condition.unit),
            limit=form.quantity(condition.limit, condition.unit),
        )
    code = "STALE_INPUTS" if condition.holding is Holding.STALE else "NOT_ASSESSABLE"
    value = here.reader.format.quantity(condition.value, condition.unit)
    if condition.value is None:
        return here.names.reason(code)
    return here.text("ui.act.close_unsure", why=here.names.reason(code), value=value)


def note_url(here: Here, order: WorkOrder) -> str:
    """Where a note goes; empty when this person may leave none."""
    possible = (order.state, Verb.NOTE) in MOVES and here.may("order.note", order.org)
    return f"/orders/{quote(order.id)}/note" if possible else ""


# --- the routes ---------------------------------------------------------------------------------

router = APIRouter(include_in_schema=False)
Number = Annotated[str, Path(max_length=40)]
Version = Annotated[int | None, Form()]
Text = Annotated[str, Form(max_length=_TEXT)]
Word = Annotated[str, Form(max_length=400)]

Command = Callable[[UnitOfWork, Context, WorkOrder], Outcome]


def _do(
    here: Here, number: str, verb: Verb, command: Command, *, next_url: str = "", undo: bool = False
) -> Response:
    """Run one act in a transaction of the person, and say what came of it."""
    url = (
        local_path(next_url, f"/orders/{quote(number)}") if next_url else f"/orders/{quote(number)}"
    )
    with here.app.store.unit_of_work(here.person) as uow:
        order = reads.get_order(uow.connection, number, here.scopes)
        if order is None:
            raise not_found()
        context = here.app.context(here.app.directories.around(uow.connection))
        outcome = command(uow, context, order)
    label = here.text(f"ui.act.{verb.value}")
    if not outcome.ok:
        return here.refused(url, refusal_text(here, outcome))
    if outcome.code == "ALREADY_DONE":
        return here.done(url, "ui.said.already", **_recorded(here, outcome))
    if verb is Verb.NOTE:
        return here.done(url, "ui.said.note")
    if verb in {Verb.TAKE_OVER, Verb.ACKNOWLEDGE}:
        undo_url = f"/orders/{quote(number)}/undo" if undo else ""
        return here.done(url, f"ui.said.{verb.value}", undo_url, number=number)
    return here.done(url, "ui.said.done", what=label)


def refusal_text(here: Here, outcome: Outcome) -> str:
    """Why an act was refused, with the live figures where there are any."""
    params = dict(outcome.params)
    form, unit = here.reader.format, str(params.get("unit") or "")
    for name in ("value", "limit"):
        if isinstance(params.get(name), str) and params[name]:
            params[name] = form.quantity(Decimal(params[name]), unit)
        elif name in params:
            params[name] = form.quantity(None)
    key = f"reason.{outcome.code}"
    return here.text(key, **params) if key in here.reader.words else outcome.code


def _recorded(here: Here, outcome: Outcome) -> dict[str, str]:
    at = str(outcome.params.get("at") or "")
    return {
        "at": here.reader.format.minute(parse_rfc3339(at)) if at else "—",
        "who": here.names.actor(str(outcome.params.get("actor") or "")) or "—",
    }


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
        roster = ctx.roster(order.org, order.level, uow.now)
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

    def ask(uow: UnitOfWork, ctx: Context, order: WorkOrder) -> Outcome:
        if kind not in ASKS:
            return Outcome(ok=False, code="UNKNOWN_VERB", order=order)
        try:
            money = Decimal(amount.replace(",", "")) if amount.strip() else None
        except InvalidOperation:
            return Outcome(ok=False, code="AMOUNT_INVALID", order=order)
        currency = "CNY" if money is not None else ""
        asked = Ask(kind, object, money, currency, {"reason": text} if text.strip() else None)
        found = ask_for(uow, here.app, ctx, order, asked)
        params = dict(found.order.params) if found.order is not None else {}
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
        if not here.directory.sees(person, order.org, uow.now).allowed:
            return Outcome(ok=False, code="NEEDS_PEOPLE", order=order)
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


@router.post("/orders/{number}/close")
def close(
    here: Viewer, number: Number, *, disposition: Word, root_cause: Word, corrective: Text = "",
    owner: Word = "", due: Word = "", override: Text = "", text: Text = "", version: Version = None,
) -> Response:  # fmt: skip
    """复核关闭; refused with the live figure while the condition holds."""
    measure = None
    if corrective.strip():
        measure = Corrective(corrective, owner, _due(here, due))
    closing = Closing(disposition, root_cause, measure, override, text)
    return _do(
        here, number, Verb.CLOSE,
        lambda uow, ctx, order: workorders.close(
            uow, ctx, order.id, closing,
            conditions=conditions_of(uow, here.app, order), expected_version=version,
        ),
    )  # fmt: skip


def _due(here: Here, text: str) -> datetime:
    """The end of that day on the reader's clock; a week from now when it is no day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = here.reader.format.local(here.now).date() + timedelta(_CORRECTIVE_DAYS)
    return datetime.combine(day, time(23, 59), here.reader.format.zone)
