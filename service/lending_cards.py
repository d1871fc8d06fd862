"""The card of a delegation: to the second person who has to agree, and what came of it."""

from datetime import datetime
from typing import Any

from approvals import Lending, LendingState
from directory import Directory
from service.approval_matter import amount_told
from service.approval_people import name_of, unit_named
from store.clock import rfc3339
from workorders.card import Button, Card, CardKind, Line, button_id

AGREE = "agree"
REFUSE = "refuse"


def lending_card(
    one: Lending, person: str, *, notice_id: str, directory: Directory, now: datetime, chat: bool
) -> Card:
    """The card of a delegation as it stands, for one person.

    Args:
        one: the delegation.
        person: whom it is for; the principal never agrees, and only the delegate refuses.
        notice_id: idempotency id of the delivery.
        directory: for names.
        now: at which it stands so.
        chat: whether the channel has buttons; a mail leads to the page.
    """
    waits = one.state(now) is LendingState.WAITING
    verbs = (AGREE, REFUSE) if person == one.delegate else (AGREE,)
    asked = waits and person != one.principal
    version = 1 if waits else 2
    return Card(
        kind=CardKind.APPROVAL if asked and chat else CardKind.RESULT,
        notice_id=notice_id,
        object_id=one.number,
        version=version,
        person=person,
        level=None,
        title=Line(
            "delegation.card.title",
            {
                "principal": name_of(directory, one.principal),
                "delegate": name_of(directory, one.delegate),
                "number": one.number,
            },
        ),
        lines=tuple(_lines(one, directory, now)),
        buttons=tuple(
            Button(button_id(one.number, version, verb), verb)
            for verb in (verbs if asked and chat else ())
        ),
        path="/approvals",
    )


def _lines(one: Lending, directory: Directory, now: datetime) -> list[Line]:
    when: dict[str, Any] = {"since": rfc3339(one.starts), "until": rfc3339(one.ends)}
    lines = [Line("delegation.card.what", {"scope": unit_named(directory, one.scope), **when})]
    if one.kind:
        lines.append(Line("delegation.card.kind", {"approval_kind": one.kind}))
    if one.cap is not None:
        lines.append(Line("delegation.card.cap", amount_told(one.cap, one.currency)))
    lines.append(Line("approval.material.reason", {"text": one.reason}))
    state = one.state(now)
    if state is LendingState.WAITING:
        lines.append(Line("delegation.card.waits"))
    elif state is LendingState.ENDED:
        params = {"person": name_of(directory, one.ended_by)}
        ended = "ended" if one.confirmed_by else "refused"
        if one.ended_by == one.principal and not one.confirmed_by:
            ended = "taken_back"
        lines.append(Line(f"delegation.card.{ended}", params))
    elif one.confirmed_by:
        lines.append(
            Line("delegation.card.agreed", {"person": name_of(directory, one.confirmed_by)})
        )
    else:
        lines.append(Line("delegation.card.over"))
    return lines
