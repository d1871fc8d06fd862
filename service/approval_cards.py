"""The card of an approval: what signing does, who asked, who signed, until when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from approvals import Delegation, State, Status
from book.prices import DataState
from directory import Directory
from service.approval_matter import after_signature, amount_told, matter, title
from service.approval_people import mode_told, name_of, names_of, still_needed, unit_named
from store.clock import rfc3339
from workorders.card import Button, Card, CardKind, Figure, Line, button_id
from workorders.levels import Level

VERBS = ("approve", "reject", "return_for_papers")


@dataclass(frozen=True, slots=True)
class Effect:
    """What approving changes, for the figures ``before → after``.

    Attributes:
        data_state: a value of `book.prices.DataState`: how far the figures can be trusted.
        trade: contract, side and lots of the hedge order that is asked for, when it is known.
        lines: what is said beside the figures: the colour before and after, and what cannot be
            told for want of data.
    """

    figures: tuple[Figure, ...] = ()
    level: Level | None = None
    data_state: str = DataState.CURRENT
    trade: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()


def approval_card(
    state: State,
    person: str,
    *,
    notice_id: str,
    directory: Directory,
    effect: Effect,
    lent: Delegation | None = None,
) -> Card:
    """The card of a request as it stands, for one person.

    Args:
        state: the request.
        person: whom it is for; only who can sign now gets buttons.
        notice_id: idempotency id of the delivery.
        directory: for names.
        effect: the figures before and after.
        lent: the delegation under which the person signs for somebody else; it is printed.
    """
    can_sign = person in state.waiting_for or lent is not None
    return Card(
        kind=CardKind.APPROVAL if can_sign else CardKind.RESULT,
        notice_id=notice_id,
        object_id=state.id,
        version=state.version,
        person=person,
        level=effect.level,
        title=title(state, directory, effect.trade),
        lines=(
            *_lines(state, directory),
            *(after_signature(state, directory, effect.trade) if can_sign else ()),
            *_delegated(state, lent, directory),
            *effect.lines,
            *_doubtful(effect),
        ),
        figures=effect.figures,
        buttons=tuple(
            Button(
                button_id(state.id, state.version, verb),
                verb,
                confirm=verb == "approve" and effect.level is Level.RED,
                reason=verb != "approve",
            )
            for verb in (VERBS if can_sign else ())
        ),
        deadline=state.due if can_sign else None,
        path=_path(state),
    )


def _lines(state: State, directory: Directory) -> list[Line]:
    subject = state.subject
    lines = [Line("approval.card.asked", {"person": name_of(directory, subject.requester)})]
    lines.extend(matter(state, directory))
    signed = [name_of(directory, one.by) for one in state.signatures]
    if signed:
        lines.append(Line("approval.card.signed", {"people": signed}))
    if state.status.final:
        lines.append(Line(f"approval.card.{state.status.value}", _ending(state, directory)))
    elif state.status is Status.PAPERS:
        lines.append(Line("approval.card.papers"))
    elif state.current is not None:
        waits = {
            "need": still_needed(state),
            "people": names_of(directory, state.waiting_for),
            "approval_step": state.current.name,
        }
        if mode := mode_told(state.current):
            lines.append(Line("approval.card.waits_mode", {**waits, "mode": mode}))
        else:
            lines.append(Line("approval.card.waits", waits))
    return lines


def _delegated(state: State, lent: Delegation | None, directory: Directory) -> list[Line]:
    """For whom a delegate signs, within which scope, up to which amount, until when."""
    if lent is None:
        return []
    params = {
        "person": name_of(directory, lent.principal),
        "scope": unit_named(directory, lent.scope),
        "until": rfc3339(lent.ends),
    }
    if lent.cap is None:
        return [Line("approval.card.delegated", params)]
    amount = amount_told(lent.cap, lent.currency or state.subject.currency)
    return [Line("approval.card.delegated_capped", {**params, **amount})]


def _doubtful(effect: Effect) -> list[Line]:
    """What the figures are worth, unless they are current."""
    known = effect.data_state == DataState.CURRENT
    return [] if known else [Line(f"approval.card.data_{effect.data_state}")]


def ending(state: State, directory: Directory) -> Mapping[str, str]:
    """Who decided, and when: what a late click is answered with."""
    return _ending(state, directory)


def _ending(state: State, directory: Directory) -> dict[str, str]:
    at = state.decided_at.isoformat().replace("+00:00", "Z") if state.decided_at else ""
    return {"actor": name_of(directory, state.decided_by), "at": at}


def _path(state: State) -> str:
    order = state.subject.material.get("order", "")
    return f"/orders/{order}" if order else ""
