"""合并: choosing the order that another one ends in, what that will do, and doing it."""

from collections.abc import Iterable
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response
from sqlalchemy import Connection

import workorders
from service.closing import over
from service.web.rooms.here import Here, Viewer, not_found
from service.web.rooms.order_acts import performed
from service.web.rooms.order_line import order_line
from service.web.rooms.order_said import refusal_text
from service.web.views.merging import MergePage, MergeTarget
from service.web.views.orders import OrderLine, Pair
from workorders import reads
from workorders.evidence import numbers_of
from workorders.merging import why_not_merged
from workorders.model import State, WorkOrder
from workorders.states import PERMISSIONS, Outcome, Verb, move, recorded

_PERMISSION = PERMISSIONS[Verb.MERGE]
#: Orders to choose among on one page, and among how many a search looks.
_SHOWN, _SEARCHED = 20, 500
_TARGETS = tuple(one.value for one in (State.OPEN, State.ACKNOWLEDGED, State.IN_WORK))

router = APIRouter(include_in_schema=False)
Number = Annotated[str, Path(max_length=40)]
Asked = Annotated[str, Query(max_length=400)]
Version = Annotated[int | None, Form()]


def merge_page(
    here: Here, connection: Connection, order: WorkOrder, query: str, into: str
) -> MergePage:
    """The choice, or with `into` what merging into that order will do."""
    line = _line(here, connection, order)
    legal = move(order, Verb.MERGE, actor=here.person, at=here.now, into=into)
    if not legal.changed:
        code = "ORDER_MERGED" if order.state is State.MERGED else legal.code
        why = refusal_text(here, Outcome(False, code, order, params=legal.params))
        return MergePage(line, _url(order.id), why)
    change = f"{_url(order.id)}/merge" + (f"?{urlencode({'q': query})}" if query else "")
    if not into:
        found, more = _targets(here, connection, order, query)
        return MergePage(line, _url(order.id), query=query, targets=tuple(found), more=more)
    target = reads.get_order(connection, into, here.scopes)
    if target is None:
        params = {"other": into}
        unknown = Outcome(False, "MERGE_TARGET_UNKNOWN", order, params=params)
        return MergePage(line, _url(order.id), refusal_text(here, unknown), change_url=change)
    chosen = _line(here, connection, target)
    if code := why_not_merged(order, target):
        params = {**recorded(target), "other": target.id}
        why = refusal_text(here, Outcome(False, code, order, params=params))
        return MergePage(line, _url(order.id), why, chosen=chosen, change_url=change)
    return MergePage(
        line,
        _url(order.id),
        chosen=chosen,
        effects=tuple(_effects(here, connection, order, target)),
        kept=(
            ("into", target.id),
            ("version", str(order.version)),
            ("into_version", str(target.version)),
        ),
        change_url=change,
    )


def _targets(
    here: Here, connection: Connection, order: WorkOrder, query: str
) -> tuple[list[MergeTarget], bool]:
    """Orders of the same unit that are worked, those of the same product first."""
    wanted = reads.Filter(states=_TARGETS, org=order.org)
    page = reads.list_orders(connection, here.scopes, wanted, limit=_SEARCHED, worst_first=True)
    possible = [one for one in page.items if not why_not_merged(order, one)]
    possible.sort(key=lambda one: one.product != order.product)
    words = query.casefold().split()
    about = numbers_of(connection, possible)
    found: list[MergeTarget] = []
    for one in possible:
        line = order_line(here, one, about.get(one.id, ""))
        said = " ".join((line.number, line.subject, line.owner, *line.tags)).casefold()
        if all(word in said for word in words):
            asked = {"into": one.id} | ({"q": query} if query else {})
            found.append(MergeTarget(line, f"{_url(order.id)}/merge?{urlencode(asked)}"))
    return found[:_SHOWN], len(found) > _SHOWN or bool(page.cursor)


def _effects(
    here: Here, connection: Connection, order: WorkOrder, target: WorkOrder
) -> Iterable[Pair]:
    """What merging does, in the words of these two orders as they stand."""

    def line(what: str, **params: object) -> Pair:
        told = {"order": order.id, "other": target.id, **params}
        return Pair(here.text(f"ui.merge.{what}"), here.text(f"ui.merge.{what}_text", **told))

    minute = here.reader.format.minute
    due = order.acknowledge_due or order.resolve_due
    yield (line("ends", at=minute(due)) if due is not None else line("ends_untimed"))
    seen = target.count + order.count
    findings = len(reads.matches_of(connection, order_id=order.id))
    yield (line("evidence", findings=findings, seen=seen) if findings else line("notes", seen=seen))
    if order.level > target.level:
        level = here.text(f"level.{order.level.value}")
        yield line("rises", level=level, before=here.text(f"level.{target.level.value}"))
    elif target.acknowledge_due is not None:
        yield line("goes_on_acknowledge", at=minute(target.acknowledge_due))
    elif target.resolve_due is not None:
        yield line("goes_on_resolve", at=minute(target.resolve_due))
    else:
        yield line("goes_on")
    if more := [one for one in order.assignees if one not in target.assignees]:
        yield line("people", people=here.names.people(more))
    if tags := [one for one in order.tags if one not in target.tags]:
        yield line("tags", tags=here.text("ui.list_comma").join(tags))
    if order.clears or order.needs_disposition:
        yield line("closing")
    yield line("for_good")


def _line(here: Here, connection: Connection, order: WorkOrder) -> OrderLine:
    return order_line(here, order, numbers_of(connection, [order]).get(order.id, ""))


def _url(number: str) -> str:
    return f"/orders/{quote(number)}"


@router.get("/orders/{number}/merge")
def show(here: Viewer, number: Number, q: Asked = "", into: Asked = "") -> Response:
    """The page."""
    with here.app.store.reader() as connection:
        order = reads.get_order(connection, number, here.scopes)
        if order is None:
            raise not_found()
        here.signed.check(_PERMISSION, order.org)
        page = merge_page(here, connection, order, q.strip(), into.strip())
    return here.show("order_merge.html", page, "orders", live=False)


@router.post("/orders/{number}/merge")
def merge(
    here: Viewer,
    number: Number,
    *,
    into: Annotated[str, Form(max_length=64)],
    text: Annotated[str, Form(max_length=4000)] = "",
    version: Version = None,
    into_version: Version = None,
) -> Response:
    """Merge; the page of the order that goes on says so, a refusal leads back to the choice."""
    _, outcome = performed(
        here,
        number,
        lambda uow, ctx, order: over(
            uow,
            here.app,
            order.id,
            workorders.merge(
                uow,
                ctx,
                order.id,
                into=into,
                text=text,
                scopes=here.scopes,
                expected_version=version,
                into_version=into_version,
            ),
            "ORDER_MERGED",
        ),
    )
    if not outcome.ok:
        back = f"{_url(number)}/merge?{urlencode({'into': into})}"
        return here.refused(back, refusal_text(here, outcome))
    key = "ui.said.merge" if outcome.changed else "ui.said.merge_before"
    return here.done(_url(into), key, number=number, other=into)
