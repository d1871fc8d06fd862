"""D2, 工单: one order with what broke, since when, what brings it back, why, and what happened."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import quote, urlencode

from sqlalchemy import Connection

from service import case_tests
from service.web.rooms.entered import NOTHING_ENTERED, Entered
from service.web.rooms.evidence import (
    last_by_rule,
    rule_lines,
)
from service.web.rooms.figures import limit_of, value_of
from service.web.rooms.here import Here
from service.web.rooms.order_buttons import acts_of, files_url, merge_act, note_url, tag_url
from service.web.rooms.order_conditions import cleared_text, live_conditions
from service.web.rooms.order_data_fault import decisions_of, fault_of, instructions_of
from service.web.rooms.order_lines import happened, other_line, remedies_of, since_text, spark_of
from service.web.rooms.order_rows import read_rows
from service.web.rooms.order_side import closing_of, people_of, related_of, tags_of
from service.web.rooms.order_stream import stream_of
from service.web.views.orders import (
    OrderPage,
    RuleLine,
    Step,
)
from service.web.views.parts import Link, StreamEntry
from workorders.levels import Level
from workorders.model import Entry, State, WorkOrder
from workorders.opening import review_due
from workorders.states import TERMINAL

_INTO_WORK = frozenset({"order.take_over", "order.hold", "order.request_approval"})
STEPS = ("open", "acknowledged", "in_work", "resolved", "closed")


def order_page(
    here: Here, connection: Connection, order: WorkOrder, entered: Entered = NOTHING_ENTERED
) -> OrderPage:
    """The page; `entered` is a form of it that was sent and not taken."""
    rows = read_rows(here, connection, order)
    names, code = here.names, str(order.title_params.get("code", ""))
    written = str(order.title_params.get("text", ""))
    last = last_by_rule(rows.matches, code)
    lead = last[0] if last else {}
    # What people did to an order that was merged in is no step of this one.
    own = [one for one in rows.entries if one.order_id in {"", order.id}]
    lines, events = stream_of(here, order, rows.entries, rows.matches)
    rules = rule_lines(here, last)
    over = order.state in TERMINAL
    conditions = live_conditions(here, connection, order)
    cleared = cleared_text(here, conditions)
    second = review_due_of(here, order)
    return OrderPage(
        number=order.id,
        title=names.subject(code, order.product, order.month),
        unit=names.unit(order.org),
        level=order.level.value,
        state=order.state.value,
        version=order.version,
        kind=order.kind.value,
        drill=order.drill,
        count=order.count,
        steps=tuple(steps_of(here, order, own, second)),
        acknowledge_due=order.acknowledge_due,
        resolve_due=order.resolve_due,
        review_due=second,
        value=value_of(order),
        limit=limit_of(order),
        use=order.use,
        broke_text=happened(here, lead) or written or names.title(code),
        others=tuple(other_line(here, one) for one in last[1:]),
        broke_note=_clause(rules),
        since_text=since_text(here, order, lead, rows.matches),
        spark=spark_of(lead, order.limit),
        remedies=() if over or cleared else tuple(remedies_of(here, lead)),
        over=_over(here, order) if over else "",
        cleared=cleared,
        fault=fault_of(here, rows),
        fault_decisions=(*instructions_of(here, rows), *decisions_of(here, rows.matches)),
        rules=tuple(rules),
        stream=tuple(lines),
        stream_how=_how(here, lines),
        acts=(
            *acts_of(here, connection, order, rows.matches, conditions=conditions, entered=entered),
            *merge_act(here, order),
        ),
        closing=tuple(closing_of(here, order)),
        people=tuple(people_of(here, order, own)),
        related=tuple(related_of(here, connection, order, events)),
        links=tuple(_links(here, order, found_by_rule=bool(last))),
        note_url=note_url(here, order),
        files_url=files_url(here, order),
        file_limit_mb=here.app.settings.attachment_limit_mb,
        export_url=f"/orders/{quote(order.id)}.xlsx" if last else "",
        tags=tuple(tags_of(order)),
        tag_url=tag_url(here, order),
    )


# --- head ---------------------------------------------------------------------------------------


def steps_of(
    here: Here, order: WorkOrder, entries: Sequence[Entry], second: datetime | None = None
) -> Iterable[Step]:
    """The five states; what was passed over has no time. A merged order ends with its merging.

    Args:
        here: the request.
        order: whose steps.
        entries: its stream.
        second: until when its second person must have closed it.
    """
    state = order.snoozed_from if order.state is State.SNOOZED else order.state.value
    now = STEPS.index(state) if state in STEPS else 0
    begun = next((one for one in entries if one.code in _INTO_WORK), None)
    at: dict[str, tuple[datetime | None, str]] = {
        "open": (order.opened_at, ""),
        "acknowledged": (order.acknowledged_at, order.acknowledged_by),
        "in_work": (begun.at, begun.actor) if begun is not None else (None, order.owner),
        "resolved": (order.resolved_at, order.resolved_by),
        "closed": (order.closed_at, order.closed_by),
    }
    if order.state is State.MERGED:
        merged = next((one for one in entries if one.code == "order.merge"), None)
        for code, (moment, who) in at.items():
            if moment is not None:
                yield Step(code, "done", moment, here.names.actor(who) if who else "")
        when, by = (None, "") if merged is None else (merged.at, here.names.actor(merged.actor))
        yield Step(State.MERGED.value, "done", when, by)
        return
    for number, code in enumerate(STEPS):
        moment, who = at[code]
        stage = "done" if number < now else "now" if number == now else "next"
        if stage == "now" and code == "closed":
            stage = "done"
        due = order.acknowledge_due if code == "open" else order.resolve_due or second
        yield Step(
            code,
            stage,
            moment if stage != "next" else None,
            here.names.actor(who) if who and stage != "next" else "",
            due if stage == "now" else None,
            order.snoozed_until if stage == "now" else None,
        )


def review_due_of(here: Here, order: WorkOrder) -> datetime | None:
    """Until when a second person must have closed a red order that is resolved."""
    red = order.level is Level.RED and order.state is State.RESOLVED
    if not red or order.resolved_at is None:
        return None
    return review_due(here.app.context(here.around), order, order.resolved_at)


def _links(here: Here, order: WorkOrder, *, found_by_rule: bool) -> Iterable[Link]:
    if here.may("trail.read"):
        yield Link(here.text("ui.order.in_trail"), f"/trail?{urlencode({'q': order.id})}")
    if found_by_rule and here.may(case_tests.PERMISSION):
        yield Link(here.text("case_test.title"), f"/orders/{quote(order.id)}/rule-test")


def _over(here: Here, order: WorkOrder) -> str:
    """Why nothing brings it back any more."""
    if order.state is State.MERGED:
        return here.text("ui.order.over_merged", into=order.merged_into)
    return here.text("ui.order.over_closed")


def _clause(rules: Sequence[RuleLine]) -> str:
    return rules[0].clause if rules else ""


def _how(here: Here, lines: Sequence[StreamEntry]) -> str:
    days = {here.reader.format.local(one.at).date() for one in lines}
    return "time" if len(days) <= 1 else "moment"
