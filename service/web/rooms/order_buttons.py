"""The buttons on a work order: which a person sees, what each will do, and why one is greyed."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection

from service.web.rooms.entered import NOTHING_ENTERED, Entered
from service.web.rooms.here import Here
from service.web.rooms.order_conditions import condition_text, unmet_of
from service.web.rooms.order_forms import Forms
from service.web.views.parts import Act
from workorders import escalation_reaches
from workorders.guard import Condition
from workorders.ladder import Told
from workorders.levels import Level
from workorders.model import State, WorkOrder
from workorders.states import PERMISSIONS, Verb, is_legal

OFFERED = (
    Verb.ACKNOWLEDGE,
    Verb.TAKE_OVER,
    Verb.HOLD,
    Verb.REQUEST_APPROVAL,
    Verb.ESCALATE,
    Verb.SNOOZE,
    Verb.WAKE,
    Verb.RESOLVE,
    Verb.RESUME,
    Verb.CLOSE,
    Verb.REOPEN,
    Verb.REASSIGN,
)
#: These end differently for a red order: it needs a second person.
_BY_LEVEL = frozenset({Verb.RESOLVE, Verb.CLOSE})


def acts_of(
    here: Here,
    connection: Connection,
    order: WorkOrder,
    matches: Sequence[Mapping[str, Any]],
    *,
    conditions: Sequence[Condition],
    entered: Entered = NOTHING_ENTERED,
) -> list[Act]:
    """The buttons for this person; none at all for somebody who may do nothing here."""
    offered = [verb for verb in OFFERED if _offered(order, verb, here.person)]
    if not any(here.may(PERMISSIONS[verb], order.org) for verb in offered):
        return []
    forms = Forms(here, order, matches, conditions, entered)
    told = escalation_reaches(connection, here.app.context(here.around), order, here.now)
    return [_act(here, order, verb, forms, told) for verb in offered]


def merge_act(here: Here, order: WorkOrder) -> tuple[Act, ...]:
    """The way to the page that merges, for those who may and an order that can be merged."""
    if not is_legal(order, Verb.MERGE) or not here.may(PERMISSIONS[Verb.MERGE], order.org):
        return ()
    return (
        Act(
            here.text("ui.merge.act"),
            f"/orders/{quote(order.id)}/merge",
            Verb.MERGE.value,
            method="get",
            does=here.text("ui.does.merge"),
        ),
    )


def act_label(here: Here, order: WorkOrder, verb: Verb) -> str:
    """What the button is called: only a red order is reviewed by a second person."""
    if verb is Verb.CLOSE and order.level is not Level.RED:
        return here.text("ui.act.close_alone")
    return here.text(f"ui.act.{verb.value}")


def _offered(order: WorkOrder, verb: Verb, person: str) -> bool:
    """Whether the button makes sense in this state; closing is always shown until it is done."""
    if verb is Verb.SNOOZE and order.level is Level.RED:
        return False
    if verb is Verb.CLOSE:
        return order.state not in {State.CLOSED, State.MERGED}
    stands = order.snoozed_from if order.state is State.SNOOZED else order.state
    if verb is Verb.ACKNOWLEDGE and order.acknowledged_at is not None:
        return False
    if verb is Verb.TAKE_OVER and order.owner == person and stands == State.IN_WORK:
        return False
    if verb is Verb.REASSIGN and stands == State.OPEN:
        return False
    return is_legal(order, verb)


def _act(here: Here, order: WorkOrder, verb: Verb, forms: Forms, told: Told) -> Act:
    """The button of a verb, greyed when it is not possible now."""
    why = here.why_not(PERMISSIONS[verb], order.org)
    if not why and verb is Verb.CLOSE:
        why = _why_not_closed(here, order, forms)
    tone = "danger" if verb is Verb.CLOSE else "plain"
    if verb is _first(order, here.person):
        tone = "primary"
    return Act(
        act_label(here, order, verb),
        f"/orders/{quote(order.id)}/{verb.value}",
        verb.value,
        tone,
        why,
        forms.fields(verb),
        does="" if why else _does(here, order, verb, forms, told),
        failed=forms.entered.verb == verb.value,
    )


def _first(order: WorkOrder, person: str) -> Verb:
    """The act that is expected next."""
    if order.state is State.RESOLVED:
        return Verb.CLOSE
    if order.state is State.SNOOZED:
        return Verb.WAKE
    if order.owner == person and order.state is State.IN_WORK:
        return Verb.RESOLVE
    return Verb.TAKE_OVER if order.acknowledged_at else Verb.ACKNOWLEDGE


def _does(here: Here, order: WorkOrder, verb: Verb, forms: Forms, told: Told) -> str:
    """What pressing it will do now, at this level and for this person."""
    if verb is Verb.CLOSE and unmet_of(forms.conditions) is not None:
        return here.text("ui.does.close_override")
    red = order.level is Level.RED
    if verb in _BY_LEVEL:
        return here.text(f"ui.does.{verb.value}_{'red' if red else 'alone'}")
    if verb is Verb.ESCALATE:
        again = "_again" if told.reason == "NO_LAST_RESORT" else ""
        people = here.names.people(told.people) or "—"
        return here.text(f"ui.does.escalate{again}", people=people)
    if verb is Verb.TAKE_OVER and order.owner and order.owner != here.person:
        return here.text("ui.does.take_over_from", person=here.names.person(order.owner))
    return here.text(f"ui.does.{verb.value}")


def _why_not_closed(here: Here, order: WorkOrder, forms: Forms) -> str:
    unmet = unmet_of(forms.conditions)
    if unmet is not None and not forms.may_override():
        return condition_text(here, unmet)
    red = order.level is Level.RED
    if order.state is not State.RESOLVED:
        return here.text(f"ui.act.close_unresolved_{'red' if red else 'alone'}")
    if red and here.person in {order.resolved_by, order.acknowledged_by}:
        return here.text("reason.NEEDS_SECOND_PERSON")
    return ""


def note_url(here: Here, order: WorkOrder) -> str:
    """Where a note goes; empty when this person may leave none."""
    return _added_url(here, order, Verb.NOTE, "note")


def files_url(here: Here, order: WorkOrder) -> str:
    """Where a file goes; empty when this person may attach none."""
    return _added_url(here, order, Verb.FILE, "files")


def tag_url(here: Here, order: WorkOrder) -> str:
    """Where tags are changed; empty when this person may change none."""
    return _added_url(here, order, Verb.TAG, "tag")


def _added_url(here: Here, order: WorkOrder, verb: Verb, place: str) -> str:
    possible = is_legal(order, verb) and here.may(PERMISSIONS[verb], order.org)
    return f"/orders/{quote(order.id)}/{place}" if possible else ""
