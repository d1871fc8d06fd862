"""拨测 on the roster page: whether notices reach who is on call, and the button that tries it."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from service.on_call import unit_of
from service.reaching import AHEAD, Reached, overview, people_on, start
from service.web.rooms.here import Here, Viewer, not_found
from service.web.rooms.manual_orders import units
from service.web.views.parts import Act, Choice, FormField
from service.web.views.roster import ReachPanel, ReachPerson, ReachWay
from workorders.probes import PERMISSIONS

router = APIRouter(include_in_schema=False)
Field = Annotated[str, Form(max_length=400)]
_HOME = "/roster"
_TONES = {
    "confirmed": "good", "failed": "bad", "waiting": "note", "told": "note", "unconfirmed": "warn",
    "never": "warn", "moved": "warn", "no_address": "bad",
}  # fmt: skip


def reach_panel(here: Here) -> ReachPanel:
    """Who answers in the coming week, of the people in sight, and the reader."""
    people = dict.fromkeys([*people_on(here.directory, units(here), here.now), here.person])
    with here.app.store.reader() as connection:
        found = overview(connection, here.app, people, here.now)
    lines = tuple(_person(here, one, [x for x in found if x.person == one]) for one in people)
    return ReachPanel(AHEAD.days, lines)


def _person(here: Here, person: str, found: Sequence[Reached]) -> ReachPerson:
    unit = unit_of(here.directory, person)
    why = "" if may_test(here, person, unit) else here.why_not(PERMISSIONS[0], unit)
    channels = [one.channel for one in found if one.channel]
    act = Act(
        here.text("ui.act.test_call"), f"{_HOME}/tests", f"test-{person}", why_not=why,
        fields=tuple(_fields(here, person, channels)),
        confirm=here.text("ui.reach.ask", name=here.names.person(person)),
    )  # fmt: skip
    # A line of greyed buttons says nothing that one sentence below the head does not.
    return ReachPerson(
        here.names.person(person),
        here.names.unit(unit),
        tuple(_way(here, one) for one in found),
        act if channels and not why else None,
    )


def may_test(here: Here, person: str, unit: str) -> bool:
    """Whether the reader may start a test: of oneself always."""
    return person == here.person or any(here.may(one, unit) for one in PERMISSIONS)


def _fields(here: Here, person: str, channels: Sequence[str]) -> Iterator[FormField]:
    yield FormField("person", kind="hidden", value=person)
    every = Choice("", here.text("ui.reach.every"))
    choices = (every, *(Choice(one, here.text(f"ui.channel.{one}")) for one in channels))
    yield FormField("channel", here.text("ui.reach.channel"), "select", choices=choices)


def _way(here: Here, one: Reached) -> ReachWay:
    error = one.last.error if one.last is not None else ""
    done = one.confirmed
    return ReachWay(
        here.text(f"ui.channel.{one.channel}") if one.channel else "",
        here.text(f"reach.status.{one.status}"),
        _TONES[one.status],
        here.names.reason(error) if error and one.status in {"failed", "waiting"} else "",
        done.confirmed_at if done is not None else None,
        here.text("ui.reach.after", seconds=done.seconds) if done is not None else "",
    )


@router.post("/roster/tests")
def begin(here: Viewer, person: Field, channel: Field = "") -> Response:
    """拨测; oneself, or others with ``roster.write`` or ``system.operate``."""
    unit = unit_of(here.directory, person)
    known = here.directory.person(person) is not None
    if not known or (person != here.person and unit not in units(here)):
        raise not_found()
    if channel and channel not in here.app.channel_names:
        raise not_found()
    with here.app.store.unit_of_work(here.person) as uow:
        outcome = start(uow, here.app, person, channel)
    if not outcome.ok:
        return here.refused(_HOME, here.names.reason(outcome.code))
    ways = here.text("ui.list_comma").join(
        here.text(f"ui.channel.{one.channel}") for one in outcome.probes
    )
    return here.done(_HOME, "ui.said.test_started", name=here.names.person(person), ways=ways)
