"""拨测 over HTTP: start test calls, and what is known of each person on each channel."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from service.api.access import App, Caller, Who
from service.api.faults import ApiFault, Fault, not_found
from service.api.shapes import In, Line, Name, Out, Time
from service.api.writing import Done, Writing, write
from service.on_call import unit_of
from service.reaching import overview, people_on, probe_document, reached_document, start
from service.security import Forbidden
from store import UnitOfWork
from store.problems import Problem, did_you_mean, shorten
from workorders.plain import plain
from workorders.probes import PERMISSIONS

router = APIRouter(prefix="/test-calls", tags=["roster"])
_STATUS = {"FORBIDDEN": 403, "TEST_RUNNING": 409}


class ProbeIn(In):
    """Whom to test, and on which channel; without one on each on which that one has an address."""

    person: Name
    channel: Line = ""


class ProbeOut(Out):
    """One test call to one person on one channel.

    Attributes:
        state: ``queued``, ``sent``, ``delivered`` or ``answered`` (a receipt says so), ``failed``.
        error: why it failed, or why the last attempt did.
        seconds: from the start to the confirmation.
    """

    id: str
    person: str
    channel: str
    state: str
    error: str
    started_by: str
    started_at: Time
    ends_at: Time
    sent_at: Time | None
    confirmed_at: Time | None
    seconds: int | None


class ProbeActOut(Out):
    """What became of the start: one test call for each channel."""

    code: str
    tests: list[ProbeOut]


class ReachedOut(Out):
    """What is known of one person on one channel.

    Attributes:
        channel: empty for somebody who has an address on none.
        status: ``confirmed``, ``failed``, ``waiting``, ``unconfirmed``, ``told`` (sent, where
            nothing comes back), ``moved`` (to another address than the person's own now), ``never``
            or ``no_address``; of the last test.
        last_confirmed_at, last_seconds: of the last test that was confirmed.
    """

    person: str
    name: str
    channel: str
    status: str
    test: ProbeOut | None
    last_confirmed_at: Time | None
    last_seconds: int | None


class ReachedListOut(Out):
    """People in turn, each with a line for every channel."""

    items: list[ReachedOut]


@router.get("", summary="Whether notices reach the people on call")
def list_all(
    app: App,
    who: Who,
    person: Annotated[str, Query(max_length=400, description="only this person")] = "",
    org: Annotated[str, Query(max_length=400, description="rosters of this unit")] = "",
) -> ReachedListOut:
    """Of who answers in the coming week on the rosters in sight, unless one person is named."""
    scopes: Sequence[str] = who.reads("view")
    if org:
        if org not in who.directory.nodes or not who.sees(org):
            raise not_found()
        scopes = (org,)
    people = [_seen(who, person)] if person else people_on(who.directory, scopes, who.at)
    with app.store.reader() as connection:
        found = overview(connection, app, people, who.at)
    known = who.directory
    return ReachedListOut(
        items=[ReachedOut(**plain(reached_document(known, one))) for one in found]
    )


@router.post("", response_model=ProbeActOut, status_code=201, summary="拨测")
def begin(call: Writing, asked: ProbeIn) -> Response:
    """Oneself, or others with ``roster.write`` or ``system.operate``."""
    if asked.person != call.who.person.id:
        call.who.check("view")
    if call.who.scopes and not call.who.scopes & set(PERMISSIONS):
        raise Forbidden(PERMISSIONS[0], "TOKEN_SCOPE")
    person = _seen(call.who, asked.person)
    names = call.app.channel_names
    if asked.channel and asked.channel not in names:
        problem = Problem(
            "FIELD_INVALID",
            field="channel",
            found=shorten(asked.channel),
            allowed=", ".join(names),
            hint=did_you_mean(asked.channel, names),
        )
        raise ApiFault(422, "BAD_REQUEST", problems=[problem])

    def run(uow: UnitOfWork) -> Done:
        outcome = start(uow, call.app, person, asked.channel)
        if not outcome.ok:
            params: dict[str, Any] = plain(dict(outcome.params))
            status = _STATUS.get(outcome.code, 422)
            return Done(0, refused=Fault(status, outcome.code, params))
        made = [ProbeOut(**plain(probe_document(one))) for one in outcome.probes]
        return Done(201, ProbeActOut(code=outcome.code, tests=made).model_dump(mode="json"))

    return write(call, run)


def _seen(who: Caller, person: str) -> str:
    """Oneself, or somebody of a unit that the caller sees; others are as if there were none."""
    unit = unit_of(who.directory, person)
    known = who.directory.person(person) is not None
    if not known or not (person == who.person.id or (unit and who.sees(unit))):
        raise not_found()
    return person
