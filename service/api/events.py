"""Audit-log events over HTTP: stored durably before the answer, bad ones kept in quarantine."""

from dataclasses import replace
from datetime import datetime
from io import StringIO
from operator import itemgetter
from typing import Annotated, Any, Final, Literal, NamedTuple

from fastapi import APIRouter, Query
from fastapi.responses import Response

from auditlog.events import Event, EventKind
from auditlog.port import Query as LogQuery
from auditlog.port import Reject
from auditlog.reader_json import read_json
from auditlog.reading import Reading
from service.api.access import App, Caller, Who
from service.api.faults import ApiFault, out_of_scope, problem_shown
from service.api.paging import Cursor, Limit, seal, unseal
from service.api.shapes import Out, ProblemOut
from service.api.writing import Done, Writing, remember, write
from service.application import Application
from service.event_checks import EventChecks
from service.event_lines import EventLines
from service.moments import SPAN, ahead_of, in_utc
from store.clock import TimeBeyondCalendarError, parse_rfc3339, rfc3339
from store.problems import Problem, shorten
from workorders.plain import plain

router = APIRouter(prefix="/events", tags=["events"])

WRITE = "import.write"
_SHOWN = 100
_MOST = 10_000
#: What a body may hold, in the signs of JSON.
_FORMS: Final = "{…} | [{…}, …] | {…}\\n{…}"
#: Of a row that is no object at all: there is nothing in it that somebody could mend.
_NO_OBJECT: Final = frozenset(
    {"EVENT_JSON", "EVENT_NOT_AN_OBJECT", "LOG_FILE_TRUNCATED", "EVENT_ENCODING"}
)


class RejectOut(Out):
    """A row that could not be stored; it stays in quarantine until somebody mends it."""

    line: int
    problems: list[ProblemOut]


class ReceiptOut(Out):
    """What became of a batch; all of it is on disk.

    `already_quarantined` counts the bad rows that quarantine holds from an earlier request.
    """

    accepted: int
    duplicates: int
    quarantined: int
    already_quarantined: int
    last_position: int
    rejects: list[RejectOut]


class EventPageOut(Out):
    """One page: each event's own fields, its `position` in the log, and whether it was `late`."""

    items: list[dict[str, Any]]
    cursor: str


_EVENT = {
    "type": "object",
    "description": "An event in our own form, or in ECS; see the manual, Events.",
    "required": ["event_id", "event_time", "type"],
    "properties": {
        "source": {"type": "string"},
        "event_id": {"type": "string"},
        "event_time": {"type": "string", "format": "date-time"},
        "type": {"type": "string"},
        "org": {"type": "string"},
        "actor": {"type": "string"},
    },
}
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": {"anyOf": [_EVENT, {"type": "array", "items": _EVENT}]}},
        "application/x-ndjson": {"schema": {"type": "string"}},
    },
}


@router.post(
    "",
    response_model=ReceiptOut,
    openapi_extra={"requestBody": _BODY},
    summary="Store events: one object, an array, or one object a line",
)
def post_events(call: Writing) -> Response:
    """Store a batch. Resending is harmless: an event that is known counts as a duplicate.

    Bad rows among good ones are kept in quarantine and named in `rejects`, those that use the id
    of another event too. A body in which no row is an object is refused as a whole.
    """
    call.who.check(WRITE)
    known = remember(call)
    if known is not None:
        return known
    app = call.app
    read = _read(app, call.who, call.body)
    receipt = app.log.append(read.events, read.rejects)
    told = [(one.line, one.problems) for one in read.rejects]
    told += [(one.line, (one,)) for one in read.lines.reused(read.events, receipt.reused)]
    found = ReceiptOut(
        accepted=receipt.accepted,
        duplicates=receipt.duplicates,
        quarantined=receipt.quarantined,
        already_quarantined=receipt.already_quarantined,
        last_position=receipt.last_position,
        rejects=[
            RejectOut(
                line=line,
                problems=[
                    ProblemOut(**problem_shown(app.catalogues, problem)) for problem in problems
                ],
            )
            for line, problems in sorted(told, key=itemgetter(0))[:_SHOWN]
        ],
    )
    return write(call, lambda _uow: Done(200, found.model_dump(mode="json")))


class _Batch(NamedTuple):
    """The rows of a body, and where the events among them stood."""

    events: list[Event]
    rejects: list[Reject]
    lines: EventLines


def _read(app: Application, who: Caller, body: bytes) -> _Batch:
    """The rows of a body; all of them must be of units for which the caller may write.

    An event without an organisation is of the caller's own unit.
    """
    # a row in another encoding is kept aside by itself, with its bytes
    text = body.decode("utf-8-sig", "surrogateescape")
    if not text.strip():
        missing = Problem("FIELD_MISSING", field="body", allowed=_FORMS)
        raise ApiFault(400, "BODY_EMPTY", problems=[missing])
    now = app.clock()
    events: list[Event] = []
    rejects: list[Reject] = []
    checks = EventChecks(app, now, "api")
    lines = EventLines("api", checks.told)
    last: list[int] = []
    placed: list[int] = []
    reading = Reading(
        name="api", now=now, default_arrival=now, told=lambda _event, line, _: last.append(line)
    )
    for row in read_json(StringIO(text), reading, by_element=True):
        if len(events) + len(rejects) >= _MOST:
            raise ApiFault(413, "TOO_MANY_ROWS", params={"most": _MOST})
        own = row if row.org else replace(row, org=who.person.unit)
        if isinstance(own, Event):
            lines.told(own, last[-1])
            placed.append(last[-1])
            events.append(own)
        else:
            rejects.append(own)
    if rejects and not events and all(_is_no_object(one) for one in rejects):
        _check_text(body)
        none = Problem("EVENT_NONE", field="body", found=shorten(text.strip()), allowed=_FORMS)
        rows = [problem for one in rejects[:_SHOWN] for problem in one.problems]
        raise ApiFault(422, "BAD_REQUEST", problems=[none, *rows])
    orgs = {event.org for event in events} | {reject.org for reject in rejects}
    strange = {org for org in orgs if not who.may(WRITE, org)}
    foreign = strange & set(who.directory.nodes)
    if foreign:
        numbers = [line for event, line in zip(events, placed, strict=True) if event.org in foreign]
        numbers += [one.line for one in rejects if one.org in foreign]
        raise out_of_scope(WRITE, sorted(foreign), sorted(numbers))
    # What no directory knows is nobody's: such a row is kept aside, where its sender finds it.
    home = who.person.unit
    rejects = [replace(one, org=home) if one.org in strange else one for one in rejects]
    rejects += [checks.unplaced(event, home) for event in events if event.org in strange]
    found = checks.sort([event for event in events if event.org not in strange])
    return _Batch(found.events, [*rejects, *found.rejects], lines)


def _check_text(body: bytes) -> None:
    """A body of no event that is no text at all is refused as that."""
    try:
        body.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        detail = f"UTF-8, {fault.start}"
        no_text = Problem("INPUT_JSON", field="body", allowed="UTF-8", params={"detail": detail})
        raise ApiFault(400, "NOT_UTF8", problems=[no_text]) from None


def _is_no_object(row: Reject) -> bool:
    return row.problems[0].code in _NO_OBJECT


@router.get("", summary="Search the events of the units that the caller sees")
def search_events(
    app: App,
    who: Who,
    *,
    cursor: Cursor = "",
    limit: Limit = 100,
    text: Annotated[str, Query(max_length=200)] = "",
    kind: Annotated[list[EventKind] | None, Query(max_length=5)] = None,
    type: Annotated[list[str] | None, Query(max_length=20)] = None,  # noqa: A002 - the field's name
    actor: Annotated[list[str] | None, Query(max_length=20)] = None,
    org: Annotated[str, Query(max_length=400)] = "",
    object: Annotated[str, Query(max_length=200)] = "",  # noqa: A002 - the field's name
    since: Annotated[str, Query(max_length=40, json_schema_extra={"format": "date-time"})] = "",
    until: Annotated[str, Query(max_length=40, json_schema_extra={"format": "date-time"})] = "",
    order: Annotated[Literal["newest", "oldest"], Query()] = "newest",
) -> EventPageOut:
    """One page."""
    query = LogQuery(
        text=text,
        kinds=tuple(kind or ()),
        types=tuple(type or ()),
        actors=tuple(actor or ()),
        object=object,
        orgs=who.reads("log.read"),
        since=when(since, "since"),
        until=when(until, "until"),
        cursor=unseal(cursor),
        limit=limit,
        org=org,
        order=order,
    )
    page = app.log.search(query)
    return EventPageOut(
        items=[
            {**plain(one.event.as_dict()), "position": one.position, "late": one.late}
            for one in page.rows
        ],
        cursor=seal(page.cursor),
    )


def when(text: str, field: str, *, latest: datetime | None = None) -> datetime | None:
    """A time of a query; None for an empty one.

    Args:
        text: as it came.
        field: the parameter's name.
        latest: now, where nothing later can be asked for.

    Raises:
        ApiFault: for text that is no time with an offset, or none that can be meant.
    """
    if not text:
        return None
    try:
        # a plus sign in an address is a space
        given = parse_rfc3339(text.replace(" ", "+"))
    except TimeBeyondCalendarError:
        raise _no_time("TIME_OUT_OF_RANGE", field, text, SPAN) from None
    except ValueError:
        raise _no_time("TIME_INVALID", field, text, "2024-05-14T09:00:00+08:00") from None
    at = in_utc(given)
    if at is None:
        raise _no_time("TIME_OUT_OF_RANGE", field, text, SPAN)
    if latest is not None and ahead_of(at, latest):
        raise _no_time("TIME_AHEAD", field, text, f"≤ {rfc3339(latest)}")
    return at


def _no_time(code: str, field: str, text: str, allowed: str) -> ApiFault:
    problem = Problem(code, field=field, found=shorten(text), allowed=allowed)
    params = {"found": problem.found, "field": field, "allowed": allowed}
    return ApiFault(422, code, params=params, problems=[problem])
