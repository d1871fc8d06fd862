"""A request for approval as plain values, the same for the API and the command line."""

from typing import Any

from approvals import State
from service.approval_people import still_needed
from workorders.plain import plain


def approval_row(state: State) -> dict[str, Any]:
    """The request as it stands: times and amounts as text, who still has to sign, who has."""
    subject = state.subject
    row: dict[str, Any] = plain(
        {
            "id": state.id,
            "version": state.version,
            "kind": subject.kind,
            "object_id": subject.object_id,
            "org": subject.org,
            "requester": subject.requester,
            "amount": subject.amount,
            "currency": subject.currency,
            "material": dict(subject.material),
            "status": state.status,
            "round": state.round,
            "step": state.current.name if state.current else "",
            "waiting_for": state.waiting_for,
            "mode": state.current.mode if state.current else "",
            "still_needed": still_needed(state),
            "due": state.due,
            "expires": state.expires,
            "decided_by": state.decided_by,
            "decided_at": state.decided_at,
            "reason": state.reason,
            "signatures": [
                {"step": one.step, "seat": one.seat, "by": one.by, "at": one.at}
                for one in state.signatures
            ],
        }
    )
    return row
