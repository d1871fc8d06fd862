"""Requests as they stand: by id, by object, by scope, by the person they wait for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, LargeBinary, cast, false, or_, select

from approvals.codec import act_from_json, state_from_json
from approvals.delegations import lent_by, standing_delegations
from approvals.errors import UnknownRequest
from approvals.seating import permission_for
from approvals.segregation import delegation_fails, never_signs
from approvals.state import Act, Delegation, State, Status, Subject
from approvals.tables import EventRow, RequestRow
from directory import Directory
from store.json_search import stands_in
from store.schema import table

_REQUEST = table(str(RequestRow.__tablename__))
_EVENT = table(str(EventRow.__tablename__))


@dataclass(frozen=True, slots=True)
class Event:
    """One act on a request, as recorded."""

    at: datetime
    act: Act
    accepted: bool
    code: str
    version: int


def due(connection: Connection, now: datetime) -> tuple[State, ...]:
    """The open requests whose step or whole time has passed: each wants a ``timeout`` act."""
    found = connection.execute(
        select(_REQUEST.c.state)
        .where(
            _REQUEST.c.status.in_([s.value for s in Status if not s.final]),
            _REQUEST.c.due <= now,
        )
        .order_by(_REQUEST.c.due, _REQUEST.c.id)
    ).scalars()
    return tuple(state_from_json(value) for value in found)


def read(connection: Connection, request_id: str) -> State:
    """The request as it stands.

    Raises:
        UnknownRequest: when there is no such request.
    """
    query = select(_REQUEST.c.state).where(_REQUEST.c.id == request_id)
    value = connection.execute(query).scalar()
    if value is None:
        raise UnknownRequest(request_id)
    return state_from_json(value)


def read_for(connection: Connection, kind: str, object_id: str) -> tuple[State, ...]:
    """All requests about one object, the newest first."""
    query = (
        select(_REQUEST.c.state)
        .where(_REQUEST.c.kind == kind, _REQUEST.c.object_id == object_id)
        .order_by(_REQUEST.c.created_at.desc(), _REQUEST.c.id)
    )
    return tuple(state_from_json(value) for value in connection.execute(query).scalars())


def list_requests(
    connection: Connection, scopes: Sequence[str], status: str = "", limit: int = 100
) -> tuple[State, ...]:
    """Requests under the organisation paths `scopes` (`Directory.visible_scopes`), newest first."""
    column = _REQUEST.c.org
    inside = [or_(column == s, column.startswith(f"{s}/", autoescape=True)) for s in scopes]
    if not inside:
        return ()
    query = select(_REQUEST.c.state).where(or_(*inside))
    if status:
        query = query.where(_REQUEST.c.status == status)
    query = query.order_by(_REQUEST.c.created_at.desc(), _REQUEST.c.id).limit(limit)
    return tuple(state_from_json(value) for value in connection.execute(query).scalars())


def about(connection: Connection, objects: Collection[str]) -> tuple[State, ...]:
    """The requests in which one of `objects` stands, as the object or among the material."""
    state = cast(_REQUEST.c.state, LargeBinary)
    named = [stands_in(state, one) for one in sorted(objects)]
    found = connection.execute(select(_REQUEST.c.state).where(or_(*named, false()))).scalars()
    return tuple(state_from_json(value) for value in found)


def history(connection: Connection, request_id: str) -> tuple[Event, ...]:
    """Every recorded act on a request, in order; refused ones too."""
    query = select(_EVENT).where(_EVENT.c.request_id == request_id).order_by(_EVENT.c.id)
    return tuple(
        Event(row.at, act_from_json(row.body), row.accepted, row.code, row.version)
        for row in connection.execute(query)
    )


def waiting_for(
    connection: Connection, person: str, now: datetime | None = None
) -> tuple[State, ...]:
    """The requests that this person can sign now, those delegated to the person included.

    Delegations count that have not ended at `now`; without it, those given inside a request do.
    """
    query = (
        select(_REQUEST.c.state)
        .where(_REQUEST.c.status == Status.PENDING.value)
        .order_by(_REQUEST.c.created_at, _REQUEST.c.id)
    )
    standing = standing_delegations(connection, person)
    found: list[State] = []
    for value in connection.execute(query).scalars():
        state = state_from_json(value)
        waiting = state.waiting_for
        lent = [
            one
            for one in (*state.delegations, *standing)
            if one.delegate == person
            and one.principal in waiting
            and (now is None or delegation_fails(one, state, now) is None)
        ]
        mine = person in waiting or (lent and _could_sign(state, person))
        if mine:
            found.append(state)
    return tuple(found)


def delegates(
    connection: Connection, state: State, directory: Directory, now: datetime
) -> dict[str, Delegation]:
    """Who can sign now for somebody the request waits for, with the delegation that covers it.

    Who can sign without a delegation, has signed already, never signs or may not sign at the
    request's organisation is left out.
    """
    waiting = state.waiting_for
    if not waiting:
        return {}
    permission, org = permission_for(state.subject.kind), state.subject.org
    found: dict[str, Delegation] = {}
    for one in (*state.delegations, *lent_by(connection, waiting)):
        who = one.delegate
        covers = one.principal in waiting and delegation_fails(one, state, now) is None
        if not covers or who in waiting or who in found or not _could_sign(state, who):
            continue
        if directory.may(who, permission, org, now).allowed:
            found[who] = one
    return found


def _could_sign(state: State, person: str) -> bool:
    used = {name for s in state.signatures for name in (s.seat, s.by)}
    return person not in used and person not in never_signs(state)


def is_open(state: State, subject: Subject) -> bool:
    """Whether a request about this object is the same requester's and undecided."""
    return not state.status.final and state.subject.requester == subject.requester
