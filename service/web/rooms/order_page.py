"""D2, 工单: one order with what broke, since when, what brings it back, why, and what happened."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import Connection, RowMapping, func, select

from agents.hedge_orders import ALLOW
from agents.tables import HedgeOrderRow
from agents.world import root_of
from auditlog.events import Event
from book.exposure import compute
from book.positions import ReceiptStatus
from book.prices import DataState
from book.read import read_state
from book.state import BookState
from service.web.rooms.evidence import (
    figure,
    last_by_rule,
    rule_lines,
    rule_of,
    shown,
)
from service.web.rooms.figures import limit_of, value_of
from service.web.rooms.here import Here
from service.web.rooms.order_buttons import acts_of, note_url
from service.web.rooms.order_events import timeline_url
from service.web.rooms.order_forms import NOTHING_ENTERED, Entered
from service.web.rooms.order_stream import stream_of
from service.web.views.orders import (
    DecisionLine,
    OrderPage,
    OtherMatch,
    Pair,
    Remedy,
    RuleLine,
    Step,
)
from service.web.views.parts import Link, Spark, StreamEntry
from store.clock import parse_rfc3339
from store.schema import table
from workorders import reads
from workorders.model import Entry, EntryKind, State, WorkOrder
from workorders.rows import ALERTS

_STEPS = ("open", "acknowledged", "in_work", "resolved", "closed")
_INTO_WORK = frozenset({"order.take_over", "order.hold", "order.request_approval"})
_NAMED = 5
_MOST_INSTRUCTIONS = 10
_HEDGE_ORDERS = table(str(HedgeOrderRow.__tablename__))


@dataclass(frozen=True, slots=True)
class Rows:
    """What the page is made from.

    Attributes:
        matches: bodies of the order's matches, by event time.
        entries: its stream.
        book: of the order's group, as it is now; None when the order is about no product.
        instructions: hedge orders of the product that were not let through.
    """

    order: WorkOrder
    matches: Sequence[Mapping[str, Any]]
    entries: Sequence[Entry]
    book: BookState | None
    instructions: Sequence[RowMapping]


def read_rows(here: Here, connection: Connection, order: WorkOrder) -> Rows:
    """The rows behind an order, in one transaction."""
    book = None
    if order.product:
        book = read_state(
            connection,
            as_of=here.now,
            known_at=here.now,
            orgs=[root_of(order.org)],
            prices_since=here.now,
        )
    return Rows(
        order,
        reads.matches_of(connection, order_id=order.id),
        reads.stream(connection, order.id),
        book,
        _instructions(connection, order) if order.product else (),
    )


def _instructions(connection: Connection, order: WorkOrder) -> Sequence[RowMapping]:
    """Hedge orders that wait or were refused, at and below the order's unit."""
    c = _HEDGE_ORDERS.c
    found = (
        select(_HEDGE_ORDERS)
        .where(c.product == order.product, c.outcome != ALLOW, c.confirmed_by == "")
        .where(reads.within(c.org, [order.org]), c.queued_at >= order.first_seen)
        .order_by(c.queued_at, c.id)
        .limit(_MOST_INSTRUCTIONS)
    )
    return connection.execute(found).mappings().all()


def order_page(
    here: Here, connection: Connection, order: WorkOrder, entered: Entered = NOTHING_ENTERED
) -> OrderPage:
    """The page; `entered` is a form of it that was sent and not taken."""
    rows = read_rows(here, connection, order)
    names, code = here.names, str(order.title_params.get("code", ""))
    last = last_by_rule(rows.matches, code)
    lead = last[0] if last else {}
    lines, events = stream_of(here, order, rows.entries, rows.matches)
    rules = rule_lines(here, last)
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
        steps=tuple(steps_of(here, order, rows.entries)),
        acknowledge_due=order.acknowledge_due,
        resolve_due=order.resolve_due,
        value=value_of(order),
        limit=limit_of(order),
        use=order.use,
        broke_text=happened(here, lead) or names.title(code),
        others=tuple(other_line(here, one) for one in last[1:]),
        broke_note=_clause(rules),
        since_text=since_text(here, order, lead, rows.matches),
        spark=spark_of(lead, order.limit),
        remedies=tuple(remedies_of(here, lead)),
        fault=fault_of(here, rows),
        fault_decisions=(*instructions_of(here, rows), *decisions_of(here, rows.matches)),
        rules=tuple(rules),
        stream=tuple(lines),
        stream_how=_how(here, lines),
        acts=tuple(acts_of(here, connection, order, rows.matches, entered)),
        closing=tuple(closing_of(here, order)),
        people=tuple(people_of(here, order, rows.entries)),
        related=tuple(related_of(here, connection, order, events)),
        links=(Link(here.text("ui.order.in_trail"), f"/trail?{urlencode({'q': order.id})}"),)
        if here.may("trail.read")
        else (),
        note_url=note_url(here, order),
        export_url=f"/orders/{quote(order.id)}.xlsx" if last else "",
    )


# --- head ---------------------------------------------------------------------------------------


def steps_of(here: Here, order: WorkOrder, entries: Sequence[Entry]) -> Iterable[Step]:
    """The five states; what was passed over has no time."""
    state = order.snoozed_from if order.state is State.SNOOZED else order.state.value
    state = "closed" if state == State.MERGED.value else state
    now = _STEPS.index(state) if state in _STEPS else 0
    begun = next((one for one in entries if one.code in _INTO_WORK), None)
    at: dict[str, tuple[datetime | None, str]] = {
        "open": (order.opened_at, ""),
        "acknowledged": (order.acknowledged_at, order.acknowledged_by),
        "in_work": (begun.at, begun.actor) if begun is not None else (None, order.owner),
        "resolved": (order.resolved_at, order.resolved_by),
        "closed": (order.closed_at, order.closed_by),
    }
    for number, code in enumerate(_STEPS):
        moment, who = at[code]
        stage = "done" if number < now else "now" if number == now else "next"
        if stage == "now" and code == "closed":
            stage = "done"
        due = order.acknowledge_due if code == "open" else order.resolve_due
        yield Step(
            code,
            stage,
            moment if stage != "next" else None,
            here.names.actor(who) if who and stage != "next" else "",
            due if stage == "now" else None,
        )


def _clause(rules: Sequence[RuleLine]) -> str:
    return rules[0].clause if rules else ""


def happened(here: Here, match: Mapping[str, Any]) -> str:
    """What a match without a figure found, in the words of its rule; empty for none."""
    rule = rule_of(here.app, str(match.get("rule", "")))
    if rule is None:
        return ""
    template = rule.heading.explain.zh if here.names.zh else rule.heading.explain.en
    return fill(here, template, match)


def other_line(here: Here, match: Mapping[str, Any]) -> OtherMatch:
    """A further match of the order: what it is, its sentence with the values, and when."""
    return OtherMatch(
        here.names.title(match["code"]),
        happened(here, match),
        match.get("level") or "",
        parse_rfc3339(match["event_time"]),
    )


def fill(here: Here, template: str, match: Mapping[str, Any]) -> str:
    """A rule's sentence with the evidence of a match; what is not known shows as an ellipsis."""
    unit = str(match.get("unit") or "")
    values: dict[str, str] = {
        "product": here.names.product(str(match.get("product") or "")),
        "actor": here.names.actor(str(match.get("actor") or "")),
    }
    for name, value in match.get("evidence", {}).items():
        # The sentence of a rule names the unit of its seconds itself.
        seconds = name.endswith("_s") and isinstance(value, int | str)
        values[name] = str(value) if seconds else shown(here, figure(here, name, value, unit))
    text = template
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


# --- the three lines ----------------------------------------------------------------------------


def since_text(
    here: Here, order: WorkOrder, match: Mapping[str, Any], matches: Sequence[Mapping[str, Any]]
) -> str:
    """From when to when it was seen, and how fast it moved."""
    form = here.reader.format
    points = _points(match)
    if len(points) < 2 or points[0][0] == points[-1][0]:  # noqa: PLR2004 - one point is no move
        seen = [parse_rfc3339(one["event_time"]) for one in matches]
        first_seen, last_seen = min([order.first_seen, *seen]), max([order.first_seen, *seen])
        if first_seen == last_seen:
            return here.text("ui.order.since_once", at=form.moment(first_seen))
        return here.text(
            "ui.order.from_to",
            since=form.moment(first_seen),
            until=form.moment(last_seen),
            span=form.duration(last_seen - first_seen),
        )
    first, last = points[0], points[-1]
    return here.text(
        "ui.order.moved_from_to",
        since=form.moment(first[0]),
        until=form.moment(last[0]),
        span=form.duration(last[0] - first[0]),
        before=form.quantity(first[1]),
        after=form.quantity(last[1], order.unit),
    )


def spark_of(match: Mapping[str, Any], limit: Decimal | None) -> Spark | None:
    """The figure's last points."""
    points = _points(match)
    return Spark(tuple(points), limit) if len(points) > 1 else None


def _points(match: Mapping[str, Any]) -> list[tuple[datetime, Decimal]]:
    return [(parse_rfc3339(at), Decimal(value)) for at, value in match.get("series", [])]


def remedies_of(here: Here, match: Mapping[str, Any]) -> Iterable[Remedy]:
    """What would bring it back, with what is possible now."""
    form = here.reader.format
    for code, params in match.get("remedies", []):
        unit = str(params.get("unit", ""))
        shown: dict[str, Any] = dict(params)
        for name in ("quantity", "net_after"):
            if name in shown:
                shown[name] = form.quantity(Decimal(str(shown[name])), unit)
        if "product" in shown:
            shown["product"] = here.names.product(str(shown["product"]))
        if "lots" in shown:
            shown["lots"] = form.number(int(shown["lots"]))
        side = str(params.get("side", ""))
        shown["side"] = here.text(f"book.side.{side}") if side else ""
        why = here.names.reason(str(params.get("why", ""))) if params.get("why") else ""
        if opens := params.get("opens"):
            opening = here.text("ui.remedy.opens", at=form.minute(parse_rfc3339(str(opens))))
            why = f"{why} {opening}" if why else opening
        yield Remedy(
            here.text(f"ui.remedy.{code}", **shown), bool(params.get("possible", True)), why.strip()
        )


# --- data at fault ------------------------------------------------------------------------------


def fault_of(here: Here, rows: Rows) -> str:
    """Why the exposure cannot be assessed now, or empty."""
    order, book = rows.order, rows.book
    if book is None:
        return ""
    buckets = [
        one
        for one in compute(book, here.now)
        if one.product == order.product
        and _under(order.org, one.org)
        and one.data_state is DataState.NOT_ASSESSABLE
    ]
    if not buckets:
        return ""
    parts = []
    late = [
        one
        for one in book.receipts
        if one.status is ReceiptStatus.UNPOSTED
        and one.product == order.product
        and _under(order.org, one.org)
    ]
    if late:
        numbers = here.text("ui.list_comma").join(one.receipt_id for one in late[:_NAMED])
        unposted = sum((one.unposted for one in buckets), Decimal(0))
        parts.append(
            here.text(
                "ui.order.fault_receipts",
                count=len(late),
                receipts=numbers if len(late) <= _NAMED else f"{numbers} …",
                quantity=here.reader.format.quantity(unposted, buckets[0].unit),
            )
        )
    reasons = sorted({code for one in buckets for code in one.reasons} - {"RECEIPT_UNPOSTED"})
    parts += [here.names.reason(code) for code in reasons]
    return " ".join(parts)


def instructions_of(here: Here, rows: Rows) -> Iterable[DecisionLine]:
    """The hedge orders of this product that are held or refused."""
    for row in rows.instructions:
        side = here.text(f"book.side.{row['side']}")
        lots = here.text("ui.lots", count=here.reader.format.number(row["lots"]))
        contract = here.names.contract(row["product"], row["month"])
        yield DecisionLine(
            here.text("ui.object.hedge_order", number=f"{contract} {side} {lots}"),
            here.reader.words.first(f"ui.outcome.{row['outcome']}", "ui.outcome.other"),
            here.names.reason(row["reason"]),
            timeline_url(row["object_id"]),
        )


def decisions_of(here: Here, matches: Sequence[Mapping[str, Any]]) -> Iterable[DecisionLine]:
    """What was decided about single objects, the last word on each."""
    last: dict[str, Mapping[str, Any]] = {}
    for one in matches:
        if one.get("decide"):
            last[one["decide"]["object_id"]] = one["decide"]
    for number, decided in last.items():
        kind = here.reader.words.first(
            f"ui.object.{decided['object_type']}", "ui.object.other", number=number
        )
        yield DecisionLine(
            kind,
            here.reader.words.first(f"ui.outcome.{decided['outcome']}", "ui.outcome.other"),
            here.names.reason(decided["reason"]),
            timeline_url(number),
        )


def _under(node: str, org: str) -> bool:
    return org == node or org.startswith(f"{node}/")


# --- right column -------------------------------------------------------------------------------


def closing_of(here: Here, order: WorkOrder) -> Iterable[Pair]:
    """How the order was closed: the answers that its closing recorded."""
    if order.state is not State.CLOSED:
        return
    closing, words = order.closing, here.reader.words
    disposition = str(closing.get("disposition") or "")
    yield Pair(
        here.text("ui.field.disposition"),
        words.first(f"disposition.{disposition}", "disposition.fixed"),
    )
    cause = str(closing.get("root_cause") or "")
    known = f"root_cause.{cause}" in words
    yield Pair(
        here.text("ui.field.root_cause"), words.text(f"root_cause.{cause}") if known else cause
    )
    if corrective := closing.get("corrective"):
        yield Pair(here.text("ui.field.corrective"), str(corrective.get("text") or ""))
        owner = here.names.person(str(corrective.get("owner") or ""))
        yield Pair(here.text("ui.field.corrective_owner"), owner)
        due = parse_rfc3339(str(corrective["due"])) if corrective.get("due") else None
        yield Pair(here.text("ui.field.corrective_due"), here.reader.format.minute(due))
    if closing.get("override"):
        yield Pair(here.text("ui.field.override"), str(closing["override"]))


def people_of(here: Here, order: WorkOrder, entries: Sequence[Entry]) -> Iterable[Pair]:
    """Who was told, who answered, and when it goes up next."""
    form = here.reader.format
    told: dict[str, datetime] = {}
    for one in entries:
        if one.kind is EntryKind.NOTIFICATION and one.code == "notice.sent":
            told.setdefault(str(one.params.get("person", "")), one.at)
    for person in order.assignees:
        at = told.get(person)
        text = (
            here.text("ui.people.told", at=form.minute(at)) if at else here.text("ui.people.listed")
        )
        if person == order.acknowledged_by and order.acknowledged_at is not None:
            text = here.text("ui.people.acknowledged", at=form.minute(order.acknowledged_at))
        if person == order.owner:
            text = here.text("ui.people.owner")
        yield Pair(_with_role(here, person), text)
    if order.acknowledge_due is not None:
        yield Pair(
            here.text("ui.people.next"),
            here.text("ui.people.escalates", at=form.minute(order.acknowledge_due)),
        )


def _with_role(here: Here, person: str) -> str:
    known = here.directory.person(person)
    if known is None or not known.roles:
        return here.names.person(person)
    role = here.text(f"ui.role.{known.roles[0].value}")
    return here.text("ui.people.with_role", name=known.name, role=role)


def related_of(
    here: Here, connection: Connection, order: WorkOrder, events: Sequence[Event]
) -> Iterable[Pair]:
    """Documents that the evidence names, and orders of the same kind."""
    for kind, numbers in (
        ("order", [one.order for one in events]),
        ("voucher", [one.voucher for one in events]),
        ("receipt", [one.receipt for one in events]),
        ("alert", [one.alert for one in events]),
    ):
        found = list(dict.fromkeys(one for one in numbers if one))
        if not found:
            continue
        text = (
            found[0]
            if len(found) == 1
            else here.text("ui.related.several", first=found[0], count=len(found))
        )
        yield Pair(here.text(f"ui.related.{kind}"), text, timeline_url(found[0]))
    code = str(order.title_params.get("code", ""))
    a = ALERTS.c
    same = select(func.count(func.distinct(a.order_id))).where(
        a.code == code, a.order_id.not_in(["", order.id]), reads.within(a.org, here.scopes)
    )
    if number := connection.scalar(same) or 0:
        url = f"/orders?{urlencode({'q': code, 'state': 'all'})}"
        yield Pair(
            here.text("ui.related.similar"), here.text("ui.related.count", count=number), url
        )
    for name, other in (
        ("merged_into", order.merged_into),
        ("reopened_from", order.reopened_from),
    ):
        if other:
            yield Pair(here.text(f"ui.related.{name}"), other, f"/orders/{quote(other)}")


def _how(here: Here, lines: Sequence[StreamEntry]) -> str:
    days = {here.reader.format.local(one.at).date() for one in lines}
    return "time" if len(days) <= 1 else "moment"
