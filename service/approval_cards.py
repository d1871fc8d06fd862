"""The card of an approval: what signing does, who asked, who signed, until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from approvals import Delegation, State, Status
from book.prices import DataState
from directory import Directory
from store.clock import rfc3339
from store.types import decimal_text
from workorders.card import Button, Card, CardKind, Figure, Line, button_id
from workorders.levels import Level

VERBS = ("approve", "reject", "return_for_papers")
#: Fields of a subject that have words of their own.
NAMED = frozenset({"reason", "quantity", "price", "before", "after", "side", "month", "valid_to"})
_HIDDEN = frozenset({"order"})


@dataclass(frozen=True, slots=True)
class Effect:
    """What approving changes, for the figures ``before → after``.

    Attributes:
        data_state: a value of `book.prices.DataState`: how far the figures can be trusted.
    """

    figures: tuple[Figure, ...] = ()
    level: Level | None = None
    data_state: str = DataState.CURRENT


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
    subject = state.subject
    return Card(
        kind=CardKind.APPROVAL if can_sign else CardKind.RESULT,
        notice_id=notice_id,
        object_id=state.id,
        version=state.version,
        person=person,
        level=effect.level,
        title=Line(
            f"approval.card.{subject.kind}",
            {
                "object": subject.object_id,
                "org": subject.org,
                "product": subject.product,
                "id": state.id,
            },
        ),
        lines=(
            *_lines(state, directory),
            *_delegated(state, lent, directory),
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
    lines = [Line("approval.card.asked", {"person": _name(directory, subject.requester)})]
    for name, value in subject.material.items():
        if name in _HIDDEN or not value:
            continue
        key = f"approval.material.{name}" if name in NAMED else "approval.material.other"
        lines.append(Line(key, {"name": name, "text": value}))
    if subject.amount is not None:
        amount = {"amount": decimal_text(subject.amount), "currency": subject.currency}
        lines.append(Line("approval.card.amount", amount))
    signed = [_name(directory, one.by) for one in state.signatures]
    if signed:
        lines.append(Line("approval.card.signed", {"people": signed}))
    if state.status.final:
        lines.append(Line(f"approval.card.{state.status.value}", _ending(state, directory)))
    elif state.status is Status.PAPERS:
        lines.append(Line("approval.card.papers"))
    elif state.current is not None:
        lines.append(
            Line(
                "approval.card.waits",
                {
                    "need": still_needed(state),
                    "people": [_name(directory, one) for one in state.waiting_for],
                },
            )
        )
    return lines


def _delegated(state: State, lent: Delegation | None, directory: Directory) -> list[Line]:
    """For whom a delegate signs, within which scope, up to which amount, until when."""
    if lent is None:
        return []
    params = {
        "person": _name(directory, lent.principal),
        "scope": lent.scope,
        "until": rfc3339(lent.ends),
    }
    if lent.cap is None:
        return [Line("approval.card.delegated", params)]
    amount = {"amount": decimal_text(lent.cap), "currency": state.subject.currency}
    return [Line("approval.card.delegated_capped", {**params, **amount})]


def _doubtful(effect: Effect) -> list[Line]:
    """What the figures are worth, unless they are current."""
    known = effect.data_state == DataState.CURRENT
    return [] if known else [Line(f"approval.card.data_{effect.data_state}")]


def still_needed(state: State) -> int:
    """How many signatures the waiting step still needs."""
    step = state.current
    if step is None:
        return 0
    signed = {one.seat for one in state.signatures if one.step == state.step}
    of_signers = max(step.need - len(signed & set(step.signers)), 0)
    return of_signers + sum(1 for one in step.extra if one not in signed)


def ending(state: State, directory: Directory) -> Mapping[str, str]:
    """Who decided, and when: what a late click is answered with."""
    return _ending(state, directory)


def _ending(state: State, directory: Directory) -> dict[str, str]:
    at = state.decided_at.isoformat().replace("+00:00", "Z") if state.decided_at else ""
    return {"actor": _name(directory, state.decided_by), "at": at}


def _name(directory: Directory, person: str) -> str:
    known = directory.person(person)
    return known.name if known is not None else person


def _path(state: State) -> str:
    order = state.subject.material.get("order", "")
    return f"/orders/{order}" if order else ""


def people_named(directory: Directory, people: Sequence[str]) -> list[str]:
    """The names of people by id."""
    return [_name(directory, one) for one in people]


def unit_named(directory: Directory, org: str) -> dict[str, str]:
    """An organisation's own name in each language, without those above it."""
    node = directory.nodes.get(org)
    last = org.rpartition("/")[2]
    if node is None:
        return {"zh": last, "en": last}
    return {"zh": node.name_zh or last, "en": node.name_en or last}
