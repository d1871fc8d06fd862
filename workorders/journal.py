"""What happened, written twice in one transaction: a line in the stream and a record in the trail.

The stream is what people read under the order; the trail is the proof.
"""

from collections.abc import Mapping
from typing import Any

import orjson

import trail
from store.unit_of_work import UnitOfWork
from trail.canonical import MAX_INTEGER
from workorders import rows
from workorders.model import EntryKind
from workorders.plain import plain

_INLINE_LIMIT = 40_000
#: Decisions whose line in the stream is of another kind.
_KINDS = {
    "order.note": EntryKind.NOTE,
    "order.message": EntryKind.MESSAGE,
    "order.file": EntryKind.FILE,
}


def trail_body(uow: UnitOfWork, body: Mapping[str, Any]) -> dict[str, Any]:
    """`body` as the trail takes it: ASCII keys, no large integers, large parts as blobs."""
    safe: dict[str, Any] = _safe(plain(body))
    if len(orjson.dumps(safe)) <= _INLINE_LIMIT:
        return safe
    kept: dict[str, Any] = {}
    blobs: dict[str, str] = {}
    for name, value in safe.items():
        content = trail.canonical(value)
        if len(content) > _INLINE_LIMIT // 10:
            blobs[name] = trail.put_blob(uow, content)
        else:
            kept[name] = value
    return {**kept, "blobs": blobs}


def _safe(value: Any) -> Any:
    if isinstance(value, dict):
        return {_ascii(key): _safe(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_safe(item) for item in value]
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        return str(value)
    return value


def _ascii(key: str) -> str:
    return key if key.isascii() else key.encode("unicode_escape").decode("ascii")


def record(
    uow: UnitOfWork,
    kind: str,
    action: str,
    *,
    object_type: str,
    object_id: str,
    org: str,
    outcome: str = "",
    reason: str = "",
    body: Mapping[str, Any] | None = None,
) -> None:
    """Leave a record in the trail only."""
    trail.record(
        uow,
        kind=kind,
        action=action,
        object_type=object_type,
        object_id=object_id,
        org=org,
        outcome=outcome,
        reason=reason,
        body=trail_body(uow, body or {}),
    )


def decision(
    uow: UnitOfWork,
    action: str,
    *,
    org: str,
    outcome: str,
    reason: str = "",
    params: Mapping[str, Any],
    text: str = "",
    order_id: str = "",
    alert_id: str = "",
    case_id: str = "",
    version: int | None = None,
) -> None:
    """A decision on an order (or, without one, on an alert): record and stream line.

    Args:
        uow: the transaction; its actor decides.
        action: a dotted verb, also the line's catalogue key (``order.acknowledge``).
        org: the organisation that may see it.
        outcome: the new state or what came of it.
        reason: why, a code.
        params: what the sentence names.
        text: what a person typed, verbatim.
        order_id: the order, if any.
        alert_id: the alert, if any.
        case_id: the case, if any.
        version: the order's version after the decision.
    """
    body = {**params, "order": order_id, "alert": alert_id, "case": case_id}
    if version is not None:
        body["version"] = version
    if text:
        body["text"] = text
    record(
        uow,
        "decision",
        action,
        object_type="alert" if action.startswith("alert.") else "work_order",
        object_id=alert_id if action.startswith("alert.") else order_id,
        org=org,
        outcome=outcome,
        reason=reason,
        body=body,
    )
    rows.entry(
        uow,
        _KINDS.get(action, EntryKind.DECISION),
        action,
        {**params, "outcome": outcome, "reason": reason},
        text=text,
        order_id=order_id,
        alert_id=alert_id,
        case_id=case_id,
    )
