"""复盘: the review centre's page, its workbook, and the acts on corrective actions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Path, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from service import case_tests
from service.reviewing import wanted_of
from service.web.rooms.figure_routes import bounds_of, period_here
from service.web.rooms.here import Here, Viewer, not_found
from service.web.rooms.manual_orders import units
from service.web.rooms.order_forms import ROOT_CAUSES
from service.web.rooms.sheets import Column, sheet_response
from service.web.views.parts import Act, Choice, FormField, Link, Pager
from service.web.views.reviews import CauseLine, CorrectiveLine, ReviewLine, ReviewsPage
from store import UnitOfWork
from workorders.context import Context
from workorders.correctives import (
    PERMISSION,
    CorrectiveOutcome,
    Followed,
    find_corrective,
    finish,
    open_correctives,
    put_off,
)
from workorders.guard import DISPOSITIONS
from workorders.levels import Level
from workorders.review import Review, Reviewed, causes_of, review
from workorders.triage import Reason

router = APIRouter(include_in_schema=False)
Number = Annotated[str, Path(max_length=40)]
Word = Annotated[str, Query(max_length=400)]
Field = Annotated[str, Form(max_length=400)]
Text = Annotated[str, Form(max_length=4000)]
Offset = Annotated[int, Query(ge=0, le=4_000)]
PAGE = 50
_STATES = ("open", "overdue", "done")


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of the address; an empty one does not restrict."""

    since: str = ""
    until: str = ""
    what: str = ""
    unit: str = ""
    level: str = ""
    disposition: str = ""
    cause: str = ""
    action: str = ""
    offset: int = 0

    def address(self, page: str, *, offset: int, cause: str = "") -> str:
        """The page with these filters, from `offset`; with a `cause` of that root cause alone."""
        asked = replace(self, offset=offset, cause=cause or self.cause)
        named = {"from": asked.since, "to": asked.until, "what": asked.what, "unit": asked.unit,
                 "level": asked.level, "disposition": asked.disposition, "cause": asked.cause,
                 "action": asked.action, "offset": asked.offset or ""}  # fmt: skip
        query = urlencode({name: value for name, value in named.items() if value})
        return f"{page}?{query}" if query else page


def reviews_page(here: Here, connection: Connection, asked: Asked) -> ReviewsPage:
    """The page."""
    period, fault = period_here(here, asked.since, asked.until)
    bounds = bounds_of(here, period)
    asked = replace(asked, since=bounds["from"], until=bounds["to"])
    found = _found(here, connection, asked)
    shown = found.items[asked.offset : asked.offset + PAGE]
    after, before = asked.offset + PAGE, max(asked.offset - PAGE, 0)
    pager = Pager(
        len(shown),
        len(found.items),
        asked.address("/reviews", offset=after) if after < len(found.items) else "",
        asked.address("/reviews", offset=before) if asked.offset else "",
    )
    return ReviewsPage(
        since=asked.since,
        until=asked.until,
        fault=fault,
        filters=tuple(_filters(here, asked)),
        lines=tuple(review_line(here, one) for one in shown),
        pager=pager,
        causes=tuple(
            CauseLine(
                Link(
                    _cause(here, one.code),
                    asked.address("/reviews", cause=one.code, offset=0),
                ),
                one.orders,
                one.again,
                one.overdue,
            )
            for one in causes_of(found.items, here.now)
        ),
        open=tuple(corrective_line(here, one) for one in open_correctives(connection, here.scopes)),
        more=found.more,
        export_url=asked.address("/reviews.xlsx", offset=0) if found.items else "",
    )


def _found(here: Here, connection: Connection, asked: Asked) -> Review:
    period, _ = period_here(here, asked.since, asked.until)
    wanted = wanted_of(
        period,
        what=asked.what,
        levels=(Level(asked.level),) if asked.level else (),
        disposition=asked.disposition,
        root_cause=asked.cause,
        corrective=asked.action,
    )
    return review(connection, here.scopes, replace(wanted, org=asked.unit), now=here.now)


def _filters(here: Here, asked: Asked) -> Iterable[tuple[str, str, tuple[Choice, ...]]]:
    text = here.text

    def choices(values: Iterable[str], key: str, chosen: str) -> tuple[Choice, ...]:
        return tuple(Choice(one, text(f"{key}.{one}"), one == chosen) for one in values)

    yield "what", text("review.what"), choices(("order", "alert"), "review.what", asked.what)
    yield (
        "unit", text("ui.column.unit"),
        tuple(Choice(one, here.names.unit(one), one == asked.unit) for one in units(here)),
    )  # fmt: skip
    levels = [one.value for one in Level]
    yield "level", text("ui.column.level"), choices(levels, "ui.level", asked.level)
    yield (
        "disposition", text("review.how"),
        (*choices(sorted(DISPOSITIONS), "disposition", asked.disposition),
         *choices([one.value for one in Reason if one.value not in DISPOSITIONS], "triage",
                  asked.disposition)),
    )  # fmt: skip
    yield "cause", text("ui.field.root_cause"), choices(ROOT_CAUSES, "root_cause", asked.cause)
    yield "action", text("review.action"), choices(_STATES, "corrective", asked.action)


def review_line(here: Here, one: Reviewed) -> ReviewLine:
    """One line of the list."""
    matter, names = one.matter, here.names
    number = quote(matter.id)
    url = f"/orders/{number}" if one.is_order else f"/alerts?pile=dismissed&alert={number}"
    how = f"{'disposition' if one.is_order else 'triage'}.{one.disposition}"
    testable = one.is_order and one.rule and here.may(case_tests.PERMISSION)
    action = one.corrective
    return ReviewLine(
        link=Link(matter.id, url),
        level=matter.level.value,
        subject=names.subject(one.code, matter.product, matter.month),
        unit=names.unit(matter.org),
        ended=one.ended_at,
        ended_by=names.actor(one.ended_by) if one.ended_by else "",
        how=here.text(how) if one.disposition else "",
        why=_cause(here, one.root_cause),
        override=one.override,
        earlier=one.earlier,
        times=(one.told_s, one.acknowledged_s, one.resolved_s, one.closed_s),
        corrective="" if action is None else f"{action.text} · {names.person(action.owner)}",
        corrective_state="" if action is None else action.state(here.now),
        case_test=Link(here.text("case_test.title"), f"/orders/{number}/rule-test")
        if testable
        else None,
    )


def _cause(here: Here, code: str) -> str:
    key = f"root_cause.{code}"
    return here.text(key) if key in here.reader.words else code


def corrective_line(here: Here, one: Followed) -> CorrectiveLine:
    """One corrective action with what may be done about it."""
    return CorrectiveLine(
        order=Link(one.order_id, f"/orders/{quote(one.order_id)}"),
        unit=here.names.unit(one.org),
        text=one.text,
        owner=here.names.person(one.owner),
        due=one.due_at,
        state=one.state(here.now),
        acts=tuple(_acts(here, one)),
    )


def _acts(here: Here, one: Followed) -> Iterable[Act]:
    text, url = here.text, f"/reviews/{quote(one.order_id)}"
    closes = here.may(PERMISSION, one.org)
    if closes or here.person == one.owner:
        done = FormField("text", text("review.done_what"), "textarea", required=True)
        yield Act(
            text("review.finish"), f"{url}/finish", f"finish-{one.order_id}", "primary",
            fields=(done,),
        )  # fmt: skip
    if closes and here.person != one.owner:
        due = FormField("due", text("review.new_due"), "date", required=True)
        reason = FormField("reason", text("ui.field.reason"), "textarea", required=True)
        yield Act(
            text("review.put_off"), f"{url}/put-off", f"put-off-{one.order_id}",
            fields=(due, reason),
        )  # fmt: skip


# --- routes -------------------------------------------------------------------------------------


def _asked(  # noqa: PLR0917 - the fields of the form
    since: Annotated[str, Query(alias="from", max_length=40)] = "",
    until: Annotated[str, Query(alias="to", max_length=40)] = "",
    what: Word = "",
    unit: Word = "",
    level: Word = "",
    disposition: Word = "",
    cause: Word = "",
    action: Word = "",
    offset: Offset = 0,
) -> Asked:
    # what is none of the choices restricts nothing, as an unknown filter of the other lists
    return Asked(
        since,
        until,
        what if what in {"order", "alert"} else "",
        unit,
        level if level in {one.value for one in Level} else "",
        disposition,
        cause,
        action if action in _STATES else "",
        offset,
    )


Filters = Annotated[Asked, Depends(_asked)]


@router.get("/reviews")
def show(here: Viewer, asked: Filters) -> Response:
    """What ended, root causes, corrective actions."""
    with here.app.store.reader() as connection:
        page = reviews_page(here, connection, asked)
    return here.show("reviews.html", page, "reviews", live=False)


@router.get("/reviews.xlsx")
def export(here: Viewer, asked: Filters) -> Response:
    """All of the span, with the times of each."""
    with here.app.store.reader() as connection:
        found = _found(here, connection, asked)
    lines = [review_line(here, one) for one in found.items]
    return sheet_response(here, "ui.nav.reviews", _COLUMNS, lines)


@router.post("/reviews/{number}/finish")
def finished(here: Viewer, number: Number, text: Text) -> Response:
    """整改完成: by its owner, or by who may close orders there."""
    return _act(here, number, lambda uow, ctx: finish(uow, ctx, number, text), "review.said_done")


@router.post("/reviews/{number}/put-off")
def postponed(here: Viewer, number: Number, due: Field, reason: Text) -> Response:
    """整改延期: by who may close orders there, never by its owner."""
    until = _end_of(here, due)
    if until is None:
        return here.refused("/reviews", here.text("ui.order.due_invalid", found=due))
    return _act(
        here, number, lambda uow, ctx: put_off(uow, ctx, number, until, reason), "review.said_moved"
    )


def _end_of(here: Here, text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return None
    return datetime.combine(day, time(23, 59), here.reader.format.zone)


def _act(
    here: Here, number: str, act: Callable[[UnitOfWork, Context], CorrectiveOutcome], said: str
) -> Response:
    with here.app.store.unit_of_work(here.person) as uow:
        known = find_corrective(uow.connection, number)
        if known is None or not here.signed.sees(known.org):
            raise not_found()
        context = here.app.context(here.app.directories.around(uow.connection))
        outcome = act(uow, context)
    if not outcome.ok:
        return here.refused("/reviews", here.names.reason(outcome.code))
    if outcome.code == "ALREADY_DONE":
        return here.done("/reviews", "review.said_already", number=number)
    return here.done("/reviews", said, number=number)


_COLUMNS: Sequence[Column[ReviewLine]] = (
    Column("ui.column.number", lambda one, _: one.link.text),
    Column("ui.column.level", lambda one, here: here.text(f"ui.level.{one.level}")),
    Column("ui.column.subject", lambda one, _: one.subject),
    Column("ui.column.unit", lambda one, _: one.unit),
    Column("review.ended", lambda one, _: one.ended),
    Column("review.by", lambda one, _: one.ended_by),
    Column("review.how", lambda one, _: one.how),
    Column("ui.field.root_cause", lambda one, _: one.why),
    Column("review.override", lambda one, _: one.override),
    Column("review.earlier", lambda one, _: one.earlier),
    Column("review.told_s", lambda one, _: one.times[0]),
    Column("review.acknowledged_s", lambda one, _: one.times[1]),
    Column("review.resolved_s", lambda one, _: one.times[2]),
    Column("review.closed_s", lambda one, _: one.times[3]),
    Column("review.action", lambda one, _: one.corrective),
    Column(
        "ui.column.state",
        lambda one, here: (
            here.text(f"corrective.{one.corrective_state}") if one.corrective_state else ""
        ),
    ),
)
