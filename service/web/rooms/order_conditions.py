"""The live conditions that keep a work order open, and how a page says so."""

from collections.abc import Sequence

from sqlalchemy import Connection

from service.closing import Reading, conditions_of
from service.web.rooms.evidence import rule_of, spoken_clearing
from service.web.rooms.here import Here
from service.web.rooms.speaking import Speaking
from workorders.guard import ALLOWING, Condition, Holding
from workorders.model import State, WorkOrder


def live_conditions(here: Here, connection: Connection, order: WorkOrder) -> list[Condition]:
    """The order's conditions as they are now; none for one that is over."""
    if not order.clears or order.state in {State.CLOSED, State.MERGED}:
        return []
    return conditions_of(Reading(connection, here.now), here.app, order)


def unmet_of(conditions: Sequence[Condition]) -> Condition | None:
    """The first condition that does not allow closing."""
    return next((one for one in conditions if one.holding not in ALLOWING), None)


def cleared_text(here: Here, conditions: Sequence[Condition]) -> str:
    """That nothing keeps the order open, with the live figure; empty while something does."""
    if not conditions or unmet_of(conditions) is not None:
        return ""
    exempt = next((one for one in conditions if one.holding is Holding.EXEMPT), None)
    if exempt is not None and exempt.until is not None:
        until = here.reader.format.minute(exempt.until)
        return here.text("ui.order.exempt", number=exempt.exemption, until=until)
    form, lead = here.reader.format, conditions[0]
    if lead.value is None or lead.limit is None:
        return here.text("ui.order.cleared")
    return here.text(
        "ui.order.cleared_now",
        value=form.quantity(lead.value, lead.unit),
        limit=form.quantity(lead.limit, lead.unit),
    )


def condition_text(here: Speaking, condition: Condition) -> str:
    """Why a condition keeps an order open, with the live figures."""
    if condition.holding is Holding.HOLDS:
        return _holds_text(here, condition)
    if condition.holding is Holding.DWELLS and condition.until is not None:
        until = here.reader.format.recent(condition.until)
        return here.text("ui.act.close_dwells", until=until)
    code = "STALE_INPUTS" if condition.holding is Holding.STALE else "NOT_ASSESSABLE"
    value = here.reader.format.quantity(condition.value, condition.unit)
    if condition.value is None:
        return here.names.reason(code)
    return here.text("ui.act.close_unsure", why=here.names.reason(code), value=value)


def _holds_text(here: Speaking, condition: Condition) -> str:
    """That a condition still holds, and what has to come about before it counts as cleared."""
    form, rule = here.reader.format, rule_of(here.app, condition.clear.rule)
    clears = spoken_clearing(here, rule) if rule is not None else ""
    if condition.value is None or condition.limit is None:
        return here.text("ui.act.close_stands", clears=clears).strip()
    # between its threshold and where it clears, a figure is within the limit again
    near = condition.use is not None and condition.use < 1
    return here.text(
        "ui.act.close_near" if near else "ui.act.close_holds",
        value=form.quantity(condition.value, condition.unit),
        limit=form.quantity(condition.limit, condition.unit),
        clears=clears,
    ).strip()
