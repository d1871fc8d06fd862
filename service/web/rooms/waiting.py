"""待我处理: what waits for one person, corrective actions among it, by deadline."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from sqlalchemy import Connection

import approvals
from service.matters import waiting_requests
from service.web.rooms import alert_findings
from service.web.rooms.figures import limit_of, value_of
from service.web.rooms.here import Here
from service.web.rooms.waiting_correctives import corrective_lines
from service.web.rooms.waiting_rows import first_waiting
from service.web.views.parts import NO_FIGURE, Act, Figure, FormField
from service.web.views.today import WaitingLine
from workorders import reads
from workorders.evidence import is_finding, numbers_of
from workorders.levels import Level
from workorders.model import State
from workorders.reads import Waiting

SHOWN = 12
_ALL = 5000
_LAST = datetime.max.replace(tzinfo=UTC)
_RANK = {"red": 0, "orange": 1, "yellow": 2, "blue": 3}
_TAKABLE = {State.OPEN, State.ACKNOWLEDGED, State.IN_WORK, State.SNOOZED}


def waiting_lines(
    here: Here, connection: Connection, limit: int = _ALL
) -> tuple[list[WaitingLine], int]:
    """What waits for this person inside the scopes, the next deadline first.

    Returns:
        at most `limit` lines, and the number of all.
    """
    waiting, total = first_waiting(connection, here.person, here.scopes, limit)
    about = numbers_of(connection, [one.order for one in waiting if one.order is not None])
    lines = [
        _order_line(here, one, about) if one.order is not None else _alert_line(here, one)
        for one in waiting
    ]
    signing = [
        _approval_line(here, connection, one)
        for one in waiting_requests(connection, here.scopes, here.person, here.now)
        if _inside(one.subject.org, here.scopes)
    ]
    actions = corrective_lines(here, connection)
    lines = sorted(
        [*lines, *signing, *actions],
        key=lambda one: (one.due or _LAST, _RANK[one.level], one.number),
    )
    return lines[:limit], total + len(signing) + len(actions)


def _order_line(here: Here, waiting: Waiting, about: Mapping[str, str]) -> WaitingLine:
    order = waiting.order
    assert order is not None  # noqa: S101 - the caller's branch
    names = here.names
    code = str(order.title_params.get("code", ""))
    take = None
    if (
        order.state in _TAKABLE
        and order.owner != here.person
        and here.may("order.acknowledge", order.org)
    ):
        take = Act(
            here.text("ui.act.take_over"),
            f"/orders/{quote(order.id)}/take_over",
            "take",
            fields=(
                FormField("version", kind="hidden", value=str(order.version)),
                FormField("next", kind="hidden", value="/"),
            ),
        )
    return WaitingLine(
        order.level.value,
        "order",
        order.id,
        _with(names.subject(code, order.product, order.month), about.get(order.id, "")),
        names.unit(order.org),
        f"/orders/{quote(order.id)}",
        value_of(order),
        limit_of(order),
        order.use,
        here.text(f"ui.waiting.{waiting.why}"),
        order.opened_at,
        waiting.due_at,
        take,
    )


def _alert_line(here: Here, waiting: Waiting) -> WaitingLine:
    alert = waiting.alert
    assert alert is not None  # noqa: S101 - the caller's branch
    return WaitingLine(
        alert.level.value,
        "alert",
        alert.id,
        alert_findings.subject_of(here, alert),
        here.names.unit(alert.org),
        f"/alerts?alert={quote(alert.id)}",
        # a surprise is no figure of the book
        NO_FIGURE if is_finding(alert.evidence) else value_of(alert),
        limit_of(alert),
        alert.use,
        here.text("ui.waiting.TRIAGE"),
        alert.raised_at,
        alert.due_at,
    )


def _approval_line(here: Here, connection: Connection, state: approvals.State) -> WaitingLine:
    subject = state.subject
    number = subject.material.get("order", "")
    order = reads.get_order(connection, number, here.scopes) if number else None
    step = state.current
    signed = sum(one.step == state.step for one in state.signatures)
    kind = here.text(f"approvals.kind.{subject.kind}")
    progress = here.text(
        "ui.waiting.signed", kind=kind, done=signed, need=step.need if step is not None else 0
    )
    amount = (
        Figure(subject.amount, subject.currency or "CNY", kind="money")
        if subject.amount is not None
        else NO_FIGURE
    )
    place = here.names.contract(subject.product)
    return WaitingLine(
        (order.level if order is not None else Level.ORANGE).value,
        "approval",
        state.id,
        f"{place} {progress}" if place else progress,
        here.names.unit(subject.org),
        f"/approvals/{quote(state.id)}",
        amount,
        note=here.names.person(subject.requester),
        due=state.due,
    )


def _with(subject: str, about: str) -> str:
    return f"{subject} {about}" if about else subject


def _inside(org: str, scopes: Sequence[str]) -> bool:
    return any(org == one or org.startswith(f"{one}/") for one in scopes)
