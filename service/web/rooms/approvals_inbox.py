"""审批收件箱: from the requests and delegations to the page."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from sqlalchemy import Connection

import approvals
from approvals import OpenStep, State, Status
from integrations.wording import card_text
from service.approval_cards import approval_card
from service.approval_effect import effect_of
from service.approval_people import mode_told, still_needed
from service.bulk_signing import RED_ALONE, Signed
from service.matters import seen_requests, waiting_requests
from service.web.rooms.delegations import Form, delegation_lines, lend_act
from service.web.rooms.here import Here
from service.web.views.approvals_inbox import ApprovalLine, ApprovalsPage, SignedLine
from service.web.views.parts import NO_FIGURE, Figure
from workorders.levels import Level

_OPEN = (Status.DRAFT, Status.PENDING, Status.PAPERS)
_DECIDED = 10
_LOOKED_AT = 200


def approvals_page(
    here: Here, connection: Connection, *, signed: Sequence[Signed] = (), form: Form | None = None
) -> ApprovalsPage:
    """The page; with `signed` it tells what came of each request that was ticked."""
    waiting = [_waiting(here, connection, one) for one in _for_me(here, connection)]
    seen = seen_requests(connection, here.scopes, here.person, limit=_LOOKED_AT)
    mine = [one for one in seen if one.status in _OPEN and one.subject.requester == here.person]
    decided = sorted(
        (one for one in seen if one.status.final),
        key=lambda one: one.decided_at or here.now,
        reverse=True,
    )
    done = sum(one.ok for one in signed)
    return ApprovalsPage(
        waiting=tuple(waiting),
        mine=tuple(_plain(here, one) for one in mine),
        decided=tuple(_plain(here, one) for one in decided[:_DECIDED]),
        delegations=tuple(delegation_lines(here, connection)),
        lend=lend_act(here, form or Form()),
        signed=tuple(_signed(here, one) for one in signed),
        summary=here.text("ui.approvals.summary", done=done, left=len(signed) - done)
        if signed
        else "",
        ticks=any(one.pick for one in waiting),
    )


def _for_me(here: Here, connection: Connection) -> list[State]:
    """The next deadline first."""
    found = waiting_requests(connection, here.scopes, here.person, here.now)
    return sorted(found, key=lambda one: (one.due is None, one.due or here.now, one.id))


def title_of(here: Here, state: State) -> str:
    """Kind, commodity and the object, where it is not the work order itself."""
    subject = state.subject
    kind = here.text(f"approvals.kind.{subject.kind}")
    named = "" if subject.object_id.startswith("WO-") else subject.object_id
    parts = [kind, here.names.contract(subject.product), named]
    return " · ".join(one for one in parts if one)


def _plain(here: Here, state: State, level: str = "") -> ApprovalLine:
    subject = state.subject
    amount = (
        Figure(subject.amount, subject.currency, kind="money")
        if subject.amount is not None
        else NO_FIGURE
    )
    return ApprovalLine(
        id=state.id,
        title=title_of(here, state),
        status=state.status.value,
        unit=here.names.unit(subject.org),
        requester=here.names.person(subject.requester),
        level=level,
        amount=amount,
        progress=_progress(here, state),
        due=state.due,
        at=state.decided_at,
    )


def _progress(here: Here, state: State) -> str:
    if state.status.final:
        return here.names.actor(state.decided_by) if state.decided_by else ""
    if state.current is None:
        return ""
    people = here.names.people(list(state.waiting_for))
    needs = here.text("ui.approvals.needs", need=still_needed(state), people=people)
    mode = mode_of(here, state.current)
    return here.text("approvals.mode.list", mode=mode, needs=needs) if mode else needs


def mode_of(here: Here, step: OpenStep) -> str:
    """会签, 或签 or how many of how many; empty where one alone can sign."""
    told = mode_told(step)
    return str(here.spoken.value("mode", told)) if told else ""


def _waiting(here: Here, connection: Connection, state: State) -> ApprovalLine:
    effect = effect_of(connection, here.app, state)
    lent = approvals.delegates(connection, state, here.directory, here.now).get(here.person)
    card = approval_card(
        state, here.person, notice_id="", directory=here.directory, effect=effect, lent=lent
    )
    told = card_text(card, here.spoken, "")
    red = effect.level is Level.RED
    base = _plain(here, state, effect.level.value if effect.level is not None else "")
    place = here.text("ui.approvals.for", person=here.names.person(lent.principal)) if lent else ""
    parts = (base.progress, place)
    return ApprovalLine(
        id=base.id,
        title=base.title,
        status=base.status,
        unit=base.unit,
        requester=base.requester,
        level=base.level,
        amount=base.amount,
        progress=" · ".join(one for one in parts if one),
        effects=tuple(f"{name} {change}" for name, change in told.figures),
        due=base.due,
        pick="" if red else f"{state.id}:{state.version}",
        alone=here.names.reason(RED_ALONE) if red else "",
    )


def _signed(here: Here, one: Signed) -> SignedLine:
    if one.state is None:
        return SignedLine(one.id, "", one.ok, here.text("ui.approvals.unknown"))
    said = here.text(f"reason.{one.code}")
    if one.ok and one.state.status is Status.PENDING:
        said = f"{said} {_progress(here, one.state)}"
    url = f"/approvals/{quote(one.id)}"
    return SignedLine(one.id, title_of(here, one.state), one.ok, said, url)


def ticked(picks: Iterable[str]) -> list[tuple[str, int]]:
    """Ids and versions of the ticks; what is none is left out."""
    found = []
    for one in picks:
        number, colon, version = one.partition(":")
        if colon and version.isascii() and version.isdecimal() and len(version) < 10:  # noqa: PLR2004 - of a whole number
            found.append((number, int(version)))
    return found
