"""D5, 审批: a request as its card tells it, the acts that a person can do on it."""

from collections.abc import Iterable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Path
from fastapi.responses import Response
from sqlalchemy import Connection

import approvals
from approvals import REJECT_REASONS, State, Status, UnknownRequest, Verb
from integrations.wording import card_text
from service.approval_cards import approval_card
from service.approval_effect import effect_of
from service.approval_kept import kept_card
from service.approving import act as act_on
from service.approving import recorded
from service.exemption_effect import KIND as EXEMPTION
from service.i18n.wording import Spoken
from service.matters import kept_from
from service.web.rooms.approvals_inbox import mode_of
from service.web.rooms.here import Here, Viewer, not_found
from service.web.views.approval import ApprovalPage, Kept, Signer
from service.web.views.orders import Pair
from service.web.views.parts import Act, Choice, FormField, Link, StreamEntry
from store.clock import parse_rfc3339
from workorders import reads

router = APIRouter(include_in_schema=False)
Number = Annotated[str, Path(max_length=40)]
Word = Annotated[str, Form(max_length=400)]
Text = Annotated[str, Form(max_length=4000)]
_SIGNING = (Verb.APPROVE, Verb.REJECT, Verb.RETURN_FOR_PAPERS, Verb.REASSIGN)
_ASKING = (Verb.NUDGE, Verb.WITHDRAW)
_REASONED = frozenset({Verb.REJECT, Verb.RETURN_FOR_PAPERS})


def approval_page(here: Here, connection: Connection, state: State) -> ApprovalPage:
    """The page; its lines are those of the card in chat and mail."""
    effect = effect_of(connection, here.app, state)
    lent = approvals.delegates(connection, state, here.directory, here.now).get(here.person)
    card = approval_card(
        state, here.person, notice_id="", directory=here.directory, effect=effect, lent=lent
    )
    words = here.spoken
    told = card_text(card, words, "")
    final = state.status.final
    subject = state.subject
    order = subject.material.get("order", "")
    stream = tuple(_stream(here, connection, state))
    days = {here.reader.format.local(one.at).date() for one in stream}
    return ApprovalPage(
        number=state.id,
        title=here.text(f"approvals.kind.{subject.kind}") + _place(here, state),
        # Figures of now would say of a decided request what nobody signed.
        lines=(told.matter, *(told.words if final else told.lines)),
        status=state.status.value,
        level=effect.level.value if effect.level is not None else "",
        due=state.due,
        due_text=told.deadline,
        signers=tuple(_signers(here, state)),
        facts=tuple(_facts(here, state)),
        kept=_kept(here, connection, state, words) if final else None,
        stream=stream,
        stream_how="time" if len(days) <= 1 else "moment",
        acts=tuple(_acts(here, state, delegate=lent is not None)),
        links=(Link(here.text("ui.act.to_order"), f"/orders/{quote(order)}"),)
        if order and reads.get_order(connection, order, here.scopes) is not None
        else (),
    )


def _kept(here: Here, connection: Connection, state: State, words: Spoken) -> Kept | None:
    """What the signers were shown, as it was kept."""
    found = kept_card(connection, state.id)
    if found is None:
        return None
    told = None if found.card is None else card_text(found.card, words, "")
    lines = () if told is None else (told.matter, *told.lines)
    url = f"/trail/records/{found.seq}" if here.may("trail.read") else ""
    return Kept(found.at, lines, found.hash, url)


def _place(here: Here, state: State) -> str:
    parts = [here.names.contract(state.subject.product), here.names.unit(state.subject.org)]
    return "".join(f" · {one}" for one in parts if one)


def _signers(here: Here, state: State) -> Iterable[Signer]:
    signed = {(one.step, one.seat): one for one in state.signatures}
    waiting = set(state.waiting_for)
    for number, step in enumerate(state.steps):
        name = here.reader.words.first(f"approvals.step.{step.name}", "approvals.step.approver")
        if mode := mode_of(here, step):
            name = f"{name} · {mode}"
        for seat in step.seats:
            done = signed.get((number, seat))
            now = number == state.step and seat in waiting
            code = "signed" if done is not None else "waiting" if now else "later"
            yield Signer(
                here.names.person(done.by if done is not None else seat),
                name,
                code,
                done.at if done is not None else None,
            )


def _facts(here: Here, state: State) -> Iterable[Pair]:
    subject = state.subject
    yield Pair(here.text("ui.approval.requester"), here.names.person(subject.requester))
    yield Pair(here.text("ui.column.unit"), here.names.unit(subject.org))
    if subject.object_id and not subject.object_id.startswith("WO-"):
        yield Pair(
            here.text("ui.column.object"),
            subject.object_id,
            "/exemptions" if subject.kind == EXEMPTION else _logged(subject.object_id),
        )


def _logged(object_id: str) -> str:
    return f"/log?object={quote(object_id)}"


def _stream(here: Here, connection: Connection, state: State) -> Iterable[StreamEntry]:
    for event in approvals.history(connection, state.id):
        verb = here.text(f"approvals.verb.{event.act.verb.value}")
        said = [here.names.reason(event.code)]
        reason = f"approvals.reason.{event.act.reason}"
        if event.act.reason and reason in here.reader.words:
            said.append(here.text(reason))
        if event.act.note:
            said.append(event.act.note)
        yield StreamEntry(
            event.at, "approval", verb, " ".join(said), "", here.names.actor(event.act.actor)
        )


# --- acts ---------------------------------------------------------------------------------------


def _acts(here: Here, state: State, *, delegate: bool) -> Iterable[Act]:
    if state.status.final:
        return
    mine = here.person == state.subject.requester
    seats = {seat for step in state.steps for seat in step.seats}
    if delegate or here.person in state.waiting_for:
        for verb in _SIGNING:
            yield _act(here, state, verb, here.why_not("approval.sign", state.subject.org))
    elif here.person in seats and state.status is Status.PENDING:
        yield _act(here, state, Verb.APPROVE, here.names.reason("NOT_YOUR_TURN"))
    if mine:
        for verb in _ASKING:
            yield _act(here, state, verb, "")


def _act(here: Here, state: State, verb: Verb, why: str) -> Act:
    text = here.text
    fields = [FormField("version", kind="hidden", value=str(state.version))]
    note = FormField("note", text("ui.field.note"), "textarea")
    confirm = ""
    if verb in _REASONED:
        choices = tuple(Choice(code, text(f"approvals.reason.{code}")) for code in REJECT_REASONS)
        reason = text("ui.field.reason")
        fields.append(FormField("reason", reason, "select", required=True, choices=choices))
        fields.append(note)
    elif verb is Verb.REASSIGN:
        people = here.directory.holders("approval.sign", state.subject.org, here.now)
        choices = tuple(Choice(one, here.names.person(one)) for one in people if one != here.person)
        fields.append(
            FormField("to", text("ui.field.person"), "select", required=True, choices=choices)
        )
        fields.append(note)
    elif verb in {Verb.APPROVE, Verb.WITHDRAW}:
        confirm = text(f"ui.approval.confirm_{verb.value}")
        fields.append(note)
    tone = {Verb.APPROVE: "primary", Verb.REJECT: "danger"}.get(verb, "plain")
    return Act(
        text(f"approvals.verb.{verb.value}"),
        f"/approvals/{quote(state.id)}/{verb.value}",
        verb.value,
        tone,
        why,
        tuple(fields),
        confirm,
    )


# --- routes -------------------------------------------------------------------------------------


def _seen(here: Here, connection: Connection, number: str) -> State:
    """The request, if the person sees its unit or has a seat in it."""
    try:
        state = approvals.read(connection, number)
    except UnknownRequest as unknown:
        raise not_found() from unknown
    if not sees_request(here, connection, state):
        raise not_found()
    return state


def sees_request(here: Here, connection: Connection, state: State) -> bool:
    """Whether the person may read the request: of a unit in sight or with a seat in it.

    Never one on a matter that is about the person.
    """
    inside = state.involves(here.person) or here.signed.sees(state.subject.org)
    return inside and kept_from(connection, here.scopes).shows_request(state, here.person)


@router.get("/approvals/{number}")
def show(here: Viewer, number: Number) -> Response:
    """One request."""
    with here.app.store.reader() as connection:
        page = approval_page(here, connection, _seen(here, connection, number))
    return here.show("approval.html", page, "approvals")


@router.post("/approvals/{number}/{verb}")
def act(
    here: Viewer,
    number: Number,
    verb: Annotated[Verb, Path()],
    version: Annotated[int, Form()],
    *,
    reason: Word = "",
    note: Text = "",
    to: Word = "",
) -> Response:
    """One act; whether the person may is found out now."""
    if verb not in {*_SIGNING, *_ASKING}:
        raise not_found()
    url = f"/approvals/{quote(number)}"
    with here.app.store.unit_of_work(here.person) as uow:
        _seen(here, uow.connection, number)
        context = here.app.context(here.app.directories.around(uow.connection))
        decided = act_on(
            uow, here.app, context, number, verb, version, reason=reason, note=note, to=to
        )
    if decided.accepted:
        return here.done(url, "ui.said.order", **_said(here, decided.state, verb))
    found = recorded(decided.state, here.app)
    at = str(found.get("at") or "")
    params = {
        "at": here.reader.format.minute(parse_rfc3339(at)) if at else "—",
        "actor": str(found.get("actor") or "—"),
    }
    return here.refused(url, here.text(f"reason.{decided.code}", **params))


def _said(here: Here, state: State, verb: Verb) -> dict[str, str]:
    """What was done to a request, and what comes next."""
    people = here.names.people(list(state.waiting_for))
    at = here.reader.format.minute(state.due) if state.due is not None else ""
    key = f"ui.next.approval.{state.status.value}"
    if state.status is Status.PENDING and not at:
        key += "_untimed"
    person = here.names.person(state.subject.requester)
    return {
        "happened": here.text(f"ui.said.approval.{verb.value}", number=state.id),
        "next": here.text(key, people=people, at=at, person=person),
    }
