"""What a page says after an act on a work order: who did what, how it stands, what comes next."""

from decimal import Decimal
from urllib.parse import quote

from fastapi.responses import Response

from service.web.rooms.here import Here
from store.clock import parse_rfc3339
from workorders.levels import Level
from workorders.model import State, WorkOrder
from workorders.states import Outcome, Verb

_TO_PEOPLE = frozenset({Verb.ESCALATE, Verb.REASSIGN})


def answered(
    here: Here, order: WorkOrder, verb: Verb, outcome: Outcome, url: str, *, undo: bool = False
) -> Response:
    """The redirect after an act, with its sentence.

    Args:
        here: the request.
        order: as it was before.
        verb: what was done.
        outcome: what came of it.
        url: where to go on.
        undo: whether ten seconds are given to take it back.
    """
    if not outcome.ok:
        return here.refused(url, refusal_text(here, outcome))
    if outcome.code == "ALREADY_DONE":
        return here.done(url, "ui.said.already", **_recorded(here, outcome))
    if outcome.code == "ALREADY_SUBMITTED":
        people = here.names.people(list(outcome.params["people"]))
        number = outcome.params["approval"]
        key = "ui.said.already_open" if people else "ui.said.already_open_back"
        return here.done(url, key, number=number, people=people)
    now = outcome.order or order
    if outcome.new_order:
        url = f"/orders/{quote(outcome.new_order)}"
    undo_url = f"/orders/{quote(order.id)}/undo" if undo else ""
    happened, next_ = _happened(here, order, now, verb, outcome), next_text(here, now)
    if verb in {Verb.NOTE, Verb.FILE, Verb.TAG} or outcome.new_order:
        next_ = ""
    return here.done(url, "ui.said.order", undo_url, happened=happened, next=next_)


def _happened(here: Here, before: WorkOrder, now: WorkOrder, verb: Verb, outcome: Outcome) -> str:
    people = [one for one in now.assignees if one not in before.assignees] or now.assignees
    told = outcome.params.get("people") or (people if verb in _TO_PEOPLE else ())
    return here.text(
        f"ui.said.{verb.value}",
        number=now.id,
        state=here.text(f"ui.state.{now.state.value}"),
        people=here.names.people(list(told)),
        objects=here.text("ui.list_comma").join(outcome.params.get("objects") or ()),
        new=outcome.new_order,
    )


def next_text(here: Here, order: WorkOrder) -> str:
    """What is to be done with an order that stands so, and by when."""
    due = order.acknowledge_due if order.state is State.OPEN else order.resolve_due
    key = f"ui.next.{order.state.value}"
    if order.state is State.RESOLVED:
        key += "_red" if order.level is Level.RED else "_alone"
    elif order.state in {State.OPEN, State.ACKNOWLEDGED, State.IN_WORK} and due is None:
        key += "_untimed"
    at = here.reader.format.minute(due) if due is not None else ""
    return here.text(key, at=at, number=order.merged_into)


def refusal_text(here: Here, outcome: Outcome) -> str:
    """Why an act was refused, with the live figures where there are any."""
    params = dict(outcome.params)
    form, unit = here.reader.format, str(params.get("unit") or "")
    for name in ("value", "limit"):
        if isinstance(params.get(name), str) and params[name]:
            params[name] = form.quantity(Decimal(params[name]), unit)
        elif name in params:
            params[name] = form.quantity(None)
    for name in ("missing", "until"):
        if params.get(name):
            params[name] = here.spoken.value(name, params[name])
    if params.get("person"):
        params["person"] = here.names.person(str(params["person"]))
    key = f"reason.{outcome.code}"
    return here.text(key, **params) if key in here.reader.words else outcome.code


def _recorded(here: Here, outcome: Outcome) -> dict[str, str]:
    at = str(outcome.params.get("at") or "")
    return {
        "at": here.reader.format.minute(parse_rfc3339(at)) if at else "—",
        "who": here.names.actor(str(outcome.params.get("actor") or "")) or "—",
    }
