"""Cards of orders and alerts, drawn from their rows (design D5)."""

from collections.abc import Mapping
from typing import Any

from store.types import decimal_text
from workorders.card import Button, Card, CardKind, Figure, Line, button_id
from workorders.explain import explain
from workorders.levels import Level
from workorders.model import Alert, AlertState, State, WorkOrder

_TEXT_MOST = 300
_ANY, _SPOT = "*", "spot"
_BUTTONS: Mapping[State, tuple[str, ...]] = {
    State.OPEN: ("acknowledge", "take_over", "escalate"),
    State.ACKNOWLEDGED: ("take_over", "escalate"),
    State.IN_WORK: ("escalate",),
}


def _title(matter: WorkOrder | Alert, code: str, state: str) -> Line:
    return Line(
        "card.title",
        {
            "level": matter.level.value,
            "code": code,
            "commodity": matter.product,
            "contract": _contract(matter),
            "place": matter.org,
            "id": matter.id,
            "state": state,
        },
    )


def _contract(matter: WorkOrder | Alert) -> str:
    """The contract's code, the code of the spot market, or nothing where no month is meant."""
    if matter.month in {"", _ANY, _SPOT}:
        return _SPOT if matter.month == _SPOT else ""
    return f"{matter.product}{matter.month}"


def _cut(text: str) -> str:
    """As much of what a person wrote as a card has room for."""
    line = " ".join(text.split())
    return line if len(line) <= _TEXT_MOST else f"{line[: _TEXT_MOST - 1]}…"


def _figures(matter: WorkOrder | Alert) -> tuple[Figure, ...]:
    figures = []
    if matter.value is not None:
        figures.append(Figure("card.value", decimal_text(matter.value), unit=matter.unit))
    if matter.limit is not None:
        figures.append(Figure("card.limit", decimal_text(matter.limit), unit=matter.unit))
    if matter.use is not None:
        figures.append(Figure("card.use", decimal_text(matter.use), unit="ratio"))
    return tuple(figures)


def order_card(
    order: WorkOrder,
    person: str,
    *,
    notice_id: str,
    reason: str,
    params: Mapping[str, Any] | None = None,
    crossings: int = 0,
) -> Card:
    """The card of an order as it now stands, for one person.

    Args:
        order: the order.
        person: whom it is for.
        notice_id: idempotency id of the delivery.
        reason: why it is sent, a code (`noise.Trigger` in capitals).
        params: who and when, for the sentence about the reason.
        crossings: how often its conditions came and went within a day, where they flap; else 0.
    """
    code = str(order.title_params.get("code", ""))
    explained = explain(
        code=code,
        value=order.value,
        limit=order.limit,
        unit=order.unit,
        first_seen=order.first_seen,
        evidence={},
    )
    text = str(order.title_params.get("text", ""))
    # What a person wrote says more than the code, which stands in the title anyway.
    found = Line("card.text", {"text": _cut(text)}) if text else explained.broke
    lines = [Line(f"card.reason.{reason.lower()}", params or {}), found, explained.since]
    if order.count > 1:
        lines.append(Line("card.count", {"count": order.count}))
    if crossings:
        lines.append(Line("card.flapping", {"crossings": crossings}))
    deadline = order.acknowledge_due or order.resolve_due
    confirm = order.level is Level.RED
    return Card(
        kind=CardKind.ORDER if order.state in _BUTTONS else CardKind.RESULT,
        notice_id=notice_id,
        object_id=order.id,
        version=order.version,
        person=person,
        level=order.level,
        title=_title(order, code, order.state.value),
        lines=tuple(lines),
        figures=_figures(order),
        buttons=tuple(
            Button(
                button_id(order.id, order.version, verb),
                verb,
                # Acknowledging must stay one click even for red: it only says "seen".
                confirm=confirm and verb != "acknowledge",
            )
            for verb in _BUTTONS.get(order.state, ())
        ),
        deadline=deadline,
        clock="acknowledge" if order.acknowledge_due else "resolve",
        path=f"/orders/{order.id}",
        drill=order.drill,
    )


def alert_card(alert: Alert, person: str, *, notice_id: str, reason: str) -> Card:
    """The card of an alert whose triage is late."""
    explained = explain(
        code=alert.code,
        value=alert.value,
        limit=alert.limit,
        unit=alert.unit,
        first_seen=alert.first_seen,
        evidence=alert.evidence,
    )
    return Card(
        kind=CardKind.ALERT,
        notice_id=notice_id,
        object_id=alert.id,
        version=alert.escalations,
        person=person,
        level=alert.level,
        title=_title(alert, alert.code, alert.state.value),
        lines=(
            Line(f"card.reason.{reason.lower()}", {"actor": alert.decided_by}),
            explained.broke,
            explained.since,
        ),
        figures=_figures(alert),
        buttons=tuple(
            Button(button_id(alert.id, alert.escalations, verb), verb, reason=verb == "dismiss")
            for verb in (("confirm", "dismiss") if alert.state is AlertState.NEW else ())
        ),
        deadline=alert.due_at,
        clock="triage",
        path=f"/alerts/{alert.id}",
    )
