"""Approvals as every surface does them: asked for, signed, told to the signers, carried out.

The room `approvals` decides; here stands what follows in the same transaction: the cards, the line
in the work order's stream, and the effect on a hedge order that waits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import update

import approvals
import trail
from agents import hedge_orders
from approvals import NoPlan, State, Status, Subject
from approvals.state import OVERRIDE_KIND, Verb
from approvals.state import Outcome as Decided
from directory import Directory, UnknownPerson
from directory.roles import check_permission
from service.application import Application
from service.approval_cards import VERBS, approval_card, ending
from service.approval_effect import effect_of, hedge_order_of, judged_now
from service.approval_refresh import queue_refresh
from service.exemption_effect import barred_now, carry_out
from service.inbound.tables import CardQueueRow
from service.missing_signers import missing_signers
from store import UnitOfWork, outbox
from store.clock import parse_rfc3339
from store.schema import table
from workorders import reads, rows
from workorders.commands import request_approval
from workorders.context import Context
from workorders.model import EntryKind, WorkOrder
from workorders.states import Outcome, is_legal
from workorders.states import Verb as OrderVerb

ACTOR = "system:approvals"
MAX_TRIES = 8
#: What the buttons of a card can ask for.
CARD_VERBS = frozenset(VERBS)
_LIVE = frozenset({"pending", "claimed", "delivered"})
_QUEUE = table(str(CardQueueRow.__tablename__))
_HEDGE_ORDERS = table("agents_hedge_order")
_RETRY = timedelta(seconds=5)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for.

    Attributes:
        kind: ``hedge_order``, ``limit_change``, ``override``, or ``grant`` with `material` naming
            ``person``, ``grant`` and perhaps ``scope`` (the order's organisation) and ``valid_to``.
        object_id: names the object; empty for the work order itself.
        amount: money that chooses the chain's band.
        material: what the signers decide upon, as text.
    """

    kind: str
    object_id: str = ""
    amount: Decimal | None = None
    currency: str = ""
    material: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking.

    Attributes:
        order: what the work order said; its code tells why when nothing was asked.
        request: what the approvals said; None when they were not reached.
        code: the reason in one word.
        params: what the sentence of the code names.
    """

    ok: bool
    code: str
    order: Outcome | None = None
    request: Decided | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


def ask_for(uow: UnitOfWork, app: Application, ctx: Context, order: WorkOrder, asked: Ask) -> Asked:
    """Ask for an approval under a work order, as the unit's actor; tells the signers."""
    allowed = ctx.may(uow.actor, "approval.request", order.org, uow.now).allowed
    if not allowed or not is_legal(order, OrderVerb.REQUEST_APPROVAL):
        refused = request_approval(uow, ctx, order.id, subject=asked.kind.upper(), approval_id="")
        return Asked(ok=False, code=refused.code, order=refused, params=refused.params)
    if code := _not_meant(order, asked):
        return Asked(ok=False, code=code)
    around = app.directories.around(uow.connection)
    subject = _subject(uow, order, asked, around.directory)
    try:
        decided = approvals.submit(uow, subject, around.directory)
    except NoPlan:
        return Asked(ok=False, code="NO_PLAN")
    if not decided.accepted:
        missing = missing_signers(decided, around.directory, uow.now)
        return Asked(ok=False, code=decided.code, request=decided, params=missing)
    if not decided.changed:
        return Asked(ok=True, code=decided.code, request=decided)
    noted = request_approval(
        uow, ctx, order.id, subject=asked.kind.upper(), approval_id=decided.state.id
    )
    announce(uow, app, ctx, decided.state)
    return Asked(ok=True, code=decided.code, order=noted, request=decided)


def _not_meant(order: WorkOrder, asked: Ask) -> str:
    """The code of why this cannot be asked under the order; empty when it can."""
    if asked.kind == OVERRIDE_KIND and not order.clears:  # what has happened holds no closing back
        return "NOTHING_TO_OVERRIDE"
    return "" if _is_time((asked.material or {}).get("valid_to", "")) else "TIME_INVALID"


def _is_time(text: str) -> bool:
    try:
        return not text or parse_rfc3339(text) is not None
    except ValueError:
        return False


def _subject(uow: UnitOfWork, order: WorkOrder, asked: Ask, directory: Directory) -> Subject:
    """What is to be approved; whose doing it was, or who gains by it, never signs.

    Raises:
        directory.UnknownPermission: a grant of a permission that does not exist.
        directory.UnknownPerson: a grant to nobody.
    """
    material = {**(asked.material or {}), "order": order.id}
    object_id = asked.object_id or order.id
    causers = _causers(uow, order, directory)
    if asked.kind == "grant":
        person, code = material.get("person", ""), material.get("grant", "")
        check_permission(code)
        if directory.person(person) is None:
            raise UnknownPerson(person)
        material = {**material, "scope": material.get("scope") or order.org}
        object_id = f"{person}/{code}/{material['scope']}"
        causers = tuple(dict.fromkeys((*causers, person)))
    return Subject(
        kind=asked.kind,
        object_id=object_id,
        org=order.org,
        requester=uow.actor,
        causers=causers,
        amount=asked.amount,
        currency=asked.currency,
        product=order.product,
        material=material,
    )


def _causers(uow: UnitOfWork, order: WorkOrder, directory: Directory) -> tuple[str, ...]:
    """The people whose doing the order's matches name."""
    found = (
        str(body.get("actor") or "") for body in reads.matches_of(uow.connection, order_id=order.id)
    )
    return tuple(dict.fromkeys(one for one in found if directory.person(one) is not None))


def act(  # noqa: PLR0917 - as `approvals.act`
    uow: UnitOfWork,
    app: Application,
    ctx: Context,
    request_id: str,
    verb: Verb | str,
    expected_version: int,
    **more: Any,
) -> Decided:
    """One act on a request, as the unit's actor, with all that follows from it.

    Further arguments are those of `approvals.act` (`reason`, `note`, `to` …).

    Raises:
        approvals.UnknownRequest: when there is no such request.
        ValueError: when `verb` is none.
    """
    directory = app.directories.around(uow.connection).directory
    asked = approvals.read(uow.connection, request_id)
    barring = barred_now(uow.connection, asked, directory)
    decided = approvals.act(
        uow,
        request_id,
        uow.actor,
        verb,
        expected_version,
        directory=directory,
        barring=barring,
        **more,
    )
    if not decided.changed:
        return decided
    state = decided.state
    _enter(uow, state, Verb(verb), decided.code)
    if state.status is Status.APPROVED and state.subject.kind == "hedge_order":
        _confirm_hedge_order(uow, app, state)
    carry_out(uow, state)
    if state.status.final:
        outbox.cancel(uow, group=state.id)
    announce(uow, app, ctx, state)
    return decided


def _enter(uow: UnitOfWork, state: State, verb: Verb, code: str) -> None:
    """The line in the stream of the work order that the request stands under."""
    order = state.subject.material.get("order", "")
    if order:
        rows.entry(
            uow,
            EntryKind.APPROVAL,
            f"approval.{verb.value}",
            {"approval": state.id, "code": code, "status": state.status.value},
            order_id=order,
        )


def announce(uow: UnitOfWork, app: Application, ctx: Context, state: State) -> int:
    """Queue a card to everybody who can sign now and has none, the outcome to the requester.

    Delegates of those people are among them; their card says for whom they sign.

    Cards that are out are put on the list of those to be shown anew. Returns how many were queued.
    """
    directory = app.directories.around(uow.connection).directory
    lent = approvals.delegates(uow.connection, state, directory, uow.now)
    people = [*state.waiting_for, *lent]
    if state.status.final or state.status is Status.PAPERS:
        people = [state.subject.requester]
    known = outbox.find(uow.connection, state.id)
    effect = effect_of(uow.connection, app, state)
    stage = f"{state.id}/{state.round}/{state.step}/{state.status.value}"
    queued = 0
    for person in people:
        if directory.person(person) is None:
            continue
        for channel in ctx.channels:
            told = (
                row.target == person and row.channel == channel and row.key.startswith(f"{stage}/")
                for row in known
                if row.state in _LIVE
            )
            if any(told):
                continue
            key = f"{stage}/{state.version}/{person}/{channel}"
            card = approval_card(
                state,
                person,
                notice_id=key,
                directory=directory,
                effect=effect,
                lent=lent.get(person),
            )
            queued += outbox.put(
                uow, channel=channel, target=person, payload=card.as_json(), key=key, group=state.id
            )
    if queued:
        _record(uow, app, state, people)
    if known:
        queue_refresh(uow, state.id)
    return queued


def _record(uow: UnitOfWork, app: Application, state: State, people: Sequence[str]) -> None:
    """The card as the first of the people sees it is kept with the approval."""
    directory = app.directories.around(uow.connection).directory
    card = approval_card(
        state,
        people[0],
        notice_id=f"{state.id}/{state.version}",
        directory=directory,
        effect=effect_of(uow.connection, app, state),
    )
    content = trail.canonical(card.as_json())
    trail.record(
        uow,
        kind="notification",
        action="approval.announce",
        object_type="approval",
        object_id=state.id,
        org=state.subject.org,
        outcome="queued",
        body={
            "people": list(people),
            "version": state.version,
            "blobs": {"card": trail.put_blob(uow, content)},
        },
    )


def _confirm_hedge_order(uow: UnitOfWork, app: Application, state: State) -> None:
    """An approved hedge order is confirmed by a person, and decided on anew."""
    c = _HEDGE_ORDERS.c
    place = (c.org == state.subject.org, c.object_id == state.subject.object_id)
    confirmed = update(_HEDGE_ORDERS).where(*place).values(confirmed_by=state.decided_by)
    if uow.execute(confirmed).rowcount == 0:
        return
    order = hedge_order_of(uow.connection, state.subject)
    if order is not None:
        old = hedge_orders.known(uow, order.org, order.object_id)
        hedge_orders.decide(uow, order, judged_now(uow.connection, app, order), app.rulebook, old)


def recorded(state: State, app: Application) -> dict[str, Any]:
    """What a late click is told: how the request stands, who decided, when."""
    return {"state": state.status.value, **ending(state, app.directory)}
