"""Silences over HTTP: list, preview, make, change, confirm, end; each as the caller."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field

from service.api.access import App, Caller, Who
from service.api.events import when
from service.api.faults import ApiFault, Fault, not_found
from service.api.orders import refusal_status
from service.api.shapes import In, LevelName, Line, Out, Text, Time
from service.api.writing import Call, Done, Writing, write
from store import UnitOfWork
from workorders import Context, Level
from workorders.plain import plain
from workorders.preview import Preview, preview
from workorders.silences import Matchers, Silence, Wish
from workorders.silencing import (
    PERMISSION,
    SilenceOutcome,
    change_silence,
    confirm_silence,
    create_silence,
    end_silence,
    find_silence,
    list_silences,
    visible,
)

router = APIRouter(prefix="/silences", tags=["silences"])
SilenceId = Annotated[str, Path(max_length=64, pattern=r"^SL-[0-9]{8}-[0-9]{1,9}$")]
Version = Annotated[int, Field(ge=1, le=10**9)]


class MatchersIn(In):
    """What is covered; an empty field does not restrict, no level means all but red."""

    org: Line
    product: Line = ""
    account: Line = ""
    measure: Line = ""
    rule: Line = ""
    levels: Annotated[list[LevelName], Field(max_length=4)] = Field(default_factory=list)
    person: Line = ""

    def value(self) -> Matchers:
        """As the room takes them."""
        levels = tuple(dict.fromkeys(Level(one) for one in self.levels))
        return Matchers(
            self.org, self.product, self.account, self.measure, self.rule, levels, self.person
        )


class PreviewIn(In):
    """What is asked about, and how many days are looked back."""

    matchers: MatchersIn
    days: Annotated[int, Field(ge=1, le=90)] = 7


class SilenceIn(In):
    """A silence as it is asked for; without a start it begins at once."""

    matchers: MatchersIn
    starts_at: Line = ""
    ends_at: Line
    reason: Text


class ChangeIn(SilenceIn):
    """A new version in the place of the one that the caller saw."""

    version: Version


class ConfirmIn(In):
    """The version that the second person saw."""

    version: Version | None = None


class EndIn(In):
    """Why it ends before its time."""

    reason: Text = ""


class MatchersOut(Out):
    """What is covered."""

    org: str
    product: str
    account: str
    measure: str
    rule: str
    levels: list[LevelName]
    person: str


class SilenceOut(Out):
    """One version of a silence."""

    id: str
    version: int
    matchers: MatchersOut
    starts_at: Time
    ends_at: Time
    author: str
    reason: str
    state: str
    created_at: Time
    confirmed_by: str
    confirmed_at: Time | None
    ended_by: str
    ended_at: Time | None


class SilenceListOut(Out):
    """The newest version of each, latest first."""

    items: list[SilenceOut]


class SilenceActOut(Out):
    """What became of an act; `told` are orders and alerts that are told now because of it."""

    code: str
    silence: SilenceOut
    told: list[str]


class PastCardOut(Out):
    """A card that would have been kept back."""

    object_id: str
    person: str
    queued_at: Time
    level: LevelName
    reason: str


class PreviewOut(Out):
    """What the silence would have kept back, and what it keeps quiet now."""

    days: int
    cards: int
    seen: int
    objects: int
    latest: list[PastCardOut]
    orders_now: list[str]
    alerts_now: list[str]


def silence_out(silence: Silence) -> SilenceOut:
    """The silence as it goes out."""
    values = {
        name: plain(getattr(silence, name))
        for name in SilenceOut.model_fields
        if name != "matchers"
    }
    return SilenceOut(**values, matchers=MatchersOut(**silence.matchers.as_json()))


def preview_out(found: Preview) -> PreviewOut:
    """The preview as it goes out."""
    return PreviewOut(
        days=found.days,
        cards=found.cards,
        seen=found.seen,
        objects=found.objects,
        latest=[
            PastCardOut(**{name: plain(getattr(one, name)) for name in PastCardOut.model_fields})
            for one in found.latest
        ],
        orders_now=[one.id for one in found.now.orders],
        alerts_now=[one.id for one in found.now.alerts],
    )


@router.get("", summary="Silences that concern the units that the caller sees, latest first")
def list_all(
    app: App, who: Who, *, live: Annotated[bool, Query(description="only those in force")] = False
) -> SilenceListOut:
    """The newest version of each."""
    scopes = who.reads("view")
    with app.store.reader() as connection:
        found = list_silences(connection, scopes, live_only=live, now=app.clock())
    return SilenceListOut(items=[silence_out(one) for one in found])


@router.post("/preview", summary="What a silence would have kept back; nothing is changed")
def look(app: App, who: Who, asked: PreviewIn) -> PreviewOut:
    """From the cards that went out, and from what stands now."""
    who.reads("view")
    if not asked.matchers.org or not who.sees(asked.matchers.org):
        raise not_found()
    with app.store.reader() as connection:
        found = preview(connection, asked.matchers.value(), now=app.clock(), days=asked.days)
    return preview_out(found)


@router.post("", response_model=SilenceActOut, status_code=201, summary="静默")
def create(call: Writing, asked: SilenceIn) -> Response:
    """Make a silence; one that names red waits for its second person."""
    call.who.reads("view")
    wish = _wish(asked, call.app.clock())

    def run(uow: UnitOfWork) -> Done:
        _scope(call.who, wish.matchers.org)
        return _done(create_silence(uow, _context(call, uow), wish), 201)

    return write(call, run)


@router.post("/{silence_id}/change", response_model=SilenceActOut)
def change(call: Writing, silence_id: SilenceId, asked: ChangeIn) -> Response:
    """Put a new version in the place of the present one."""
    wish = _wish(asked, call.app.clock())

    def act(uow: UnitOfWork, ctx: Context) -> SilenceOutcome:
        _scope(call.who, wish.matchers.org)
        return change_silence(uow, ctx, silence_id, wish, expected_version=asked.version)

    return _act(call, silence_id, act)


@router.post("/{silence_id}/confirm", response_model=SilenceActOut)
def confirm(call: Writing, silence_id: SilenceId, asked: ConfirmIn) -> Response:
    """The second person agrees; from now on it counts."""
    return _act(
        call,
        silence_id,
        lambda uow, ctx: confirm_silence(uow, ctx, silence_id, expected_version=asked.version),
    )


@router.post("/{silence_id}/end", response_model=SilenceActOut)
def end(call: Writing, silence_id: SilenceId, asked: EndIn) -> Response:
    """End it now; what it kept back and still stands is told."""
    return _act(
        call, silence_id, lambda uow, ctx: end_silence(uow, ctx, silence_id, reason=asked.reason)
    )


def _act(
    call: Call, silence_id: str, command: Callable[[UnitOfWork, Context], SilenceOutcome]
) -> Response:
    scopes = call.who.reads("view")

    def run(uow: UnitOfWork) -> Done:
        known = find_silence(uow.connection, silence_id)
        if known is None or not visible(known, scopes):
            raise not_found()
        if call.who.scopes:
            call.who.check(PERMISSION, known.matchers.org)
        return _done(command(uow, _context(call, uow)), 200)

    return write(call, run)


def _scope(who: Caller, org: str) -> None:
    """A unit that the caller does not see is none; a token is no wider than it says."""
    if not org:  # refused with its own code
        return
    if not who.sees(org):
        raise not_found()
    if who.scopes:
        who.check(PERMISSION, org)


def _context(call: Call, uow: UnitOfWork) -> Context:
    return call.app.context(call.app.directories.around(uow.connection))


def _done(outcome: SilenceOutcome, status: int) -> Done:
    if not outcome.ok or outcome.silence is None:
        params: dict[str, Any] = plain(dict(outcome.params))
        return Done(0, refused=Fault(refusal_status(outcome.code), outcome.code, params))
    body = SilenceActOut(
        code=outcome.code, silence=silence_out(outcome.silence), told=list(outcome.told)
    )
    return Done(status, body.model_dump(mode="json"))


def _wish(asked: SilenceIn, now: datetime) -> Wish:
    start = when(asked.starts_at, "starts_at") or now
    until = when(asked.ends_at, "ends_at")
    if until is None:
        raise ApiFault(422, "TIME_INVALID", params={"field": "ends_at"})
    return Wish(asked.matchers.value(), start, until, asked.reason)
