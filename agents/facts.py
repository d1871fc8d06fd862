"""How values of the log and of the book become facts that rules can judge.

The kinds and their fields are declared in `rulebook/schema/*.yaml`; a contract test compares this
module with them. Everything here is pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from auditlog.events import Event
from auditlog.fields import LEVELS
from book.buckets import Bucket
from book.limits import use_of
from book.vouchers import VoucherMeaning
from directory import Directory
from directory.calendar import TradingCalendar
from directory.errors import DirectoryError
from workorders.policy import Policy

_SIGN = {"buy": 1, "sell": -1}

#: What an event of this type asks for; whether the actor holds it is for the directory to say.
PERMISSIONS: Mapping[str, str] = {
    "order.submit": "order.submit",
    "fund.transfer.request": "fund.transfer.cross_dept",
}
#: Types that a robot may send about a hedge that waits for the market to open.
HEDGE_ORDER_TYPES = frozenset({"hedge.order.queued", "hedge.order.created"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an event is read against.

    Attributes:
        directory: people, grants, settings of the organisations.
        calendar: trading sessions, each organisation's own ones among them.
        policy: paging and deadlines for orders that open now.
    """

    directory: Directory
    calendar: TradingCalendar
    policy: Policy


def product_of(event: Event, around: Surroundings) -> str:
    """The event's product, else the one its organisation means when it names none."""
    return event.product or around.directory.settings(event.org).product


def month_of(event: Event, around: Surroundings) -> str:
    """The event's delivery month, else the organisation's."""
    return event.month or around.directory.settings(event.org).month


def origin_of(event: Event, around: Surroundings) -> str:
    """`person` for somebody in the directory, `system` for a job, `robot` for the others."""
    if around.directory.person(event.actor) is not None:
        return "person"
    return "system" if event.actor == "system" or event.actor.startswith("system:") else "robot"


def lateness_class(event: Event, around: Surroundings) -> str:
    """The name under which the settings hold the event's lateness.

    Its source, where the settings name it; else `replica` for what a site of a replicated system
    says; else the first word of its type (`erp`).
    """
    table = around.directory.settings(event.org).lateness_s
    if event.source in table:
        return event.source
    if event.attributes.get("site"):
        return "replica"
    family = event.type.partition(".")[0]
    return family if family in table else event.source


def is_late(event: Event, around: Surroundings) -> bool:
    """Whether the event came later after its time than its source's lateness allows."""
    settings = around.directory.settings(event.org)
    allowed = timedelta(seconds=settings.lateness(lateness_class(event, around)))
    return event.arrival_time - event.event_time > allowed


def object_of(event: Event) -> str:
    """What a verdict on this event is about: its order if it names one, else the event itself."""
    return event.order or event.event_id


def event_fact(
    event: Event, around: Surroundings, meaning: VoucherMeaning | None = None
) -> dict[str, Any]:
    """The fact of kind `event`: the event, enriched by directory, calendar and accounting.

    A field that does not apply is absent, so that a rule that compares it is UNKNOWN.
    """
    directory = around.directory
    settings = directory.settings(event.org)
    person = directory.person(event.actor)
    product = product_of(event, around)
    side = _text(event, "side")
    quantity = event.qty
    permission = PERMISSIONS.get(event.type, "")
    fact: dict[str, Any] = {
        "org": event.org,
        "event_id": event.event_id,
        "kind": event.kind.value,
        "type": event.type,
        "source": event.source,
        "actor": event.actor,
        "actor_role": person.roles[0].value if person is not None and person.roles else event.role,
        "actor_temporary": person is not None and person.temporary,
        "product": product,
        "month": month_of(event, around),
        "side": side if side in _SIGN else None,
        "status": settings.status_of(event.type),
        "qty": quantity,
        "qty_signed": None if quantity is None or side not in _SIGN else quantity * _SIGN[side],
        "amount": event.amount,
        "order": event.order,
        "voucher": event.voucher,
        "receipt": event.receipt,
        "alert": event.alert,
        "debit": _text(event, "debit"),
        "credit": _text(event, "credit"),
        "level": level_of(event) or _unread_level(event, around),
        "key": _text(event, "key"),
        "version": _whole(event, "version"),
        "version_seen": _whole(event, "version_seen"),
        "site": _text(event, "site"),
        "max_lag_s": settings.max_lag_s,
        "permission": permission or _text(event, "permission"),
        "has_grant": (
            directory.grant_verdict(event.actor, permission, event.org, event.event_time).allowed
            if permission
            else None
        ),
        "submit_limit": settings.submit_limit,
        "erp_expected": settings.erp_expected,
        "loss_est": _decimal(event, "loss_est"),
        "origin": origin_of(event, around),
        "event_time": event.event_time,
        "in_session": _in_session(product, event.event_time, event.org, around),
        "in_shift": directory.in_shift(event.actor, event.event_time) if person else None,
    }
    if meaning is not None:
        fact["debit_class"] = meaning.debit_class
        fact["credit_class"] = meaning.credit_class
        fact["hedge_type"] = meaning.hedge_type
        fact["hedge_effective"] = meaning.hedge_effective
    return {name: value for name, value in fact.items() if value is not None and value != ""}


def exposure_fact(bucket: Bucket, *, limit: Decimal | None) -> dict[str, Any]:
    """The fact of kind `exposure` of one bucket or roll-up, against its limit in the same unit."""
    fact: dict[str, Any] = {
        "org": bucket.org,
        "account": bucket.account,
        "product": bucket.product,
        "month": bucket.month,
        "unit": bucket.unit,
        "net": bucket.net,
        "gross": bucket.gross,
        "spread": bucket.spread,
        "unpriced": bucket.unpriced,
        "unsynced": bucket.unsynced,
        "unposted": bucket.unposted,
        "inventory": bucket.inventory,
        "futures": bucket.futures,
        "net_if_posted": bucket.net + bucket.unposted,
        "limit": limit,
        "use": ratio(abs(bucket.net), limit),
        "coverage": bucket.coverage,
        "data_state": bucket.data_state.value,
    }
    return {name: value for name, value in fact.items() if value is not None}


def ratio(value: Decimal, limit: Decimal | None) -> Decimal | None:
    """Value / limit to four places; None without a limit."""
    return None if limit is None else use_of(value, limit)


def _in_session(product: str, at: datetime, org: str, around: Surroundings) -> bool | None:
    """Whether the product trades at `at`; None where no calendar can say."""
    if not product:
        return None
    try:
        return around.calendar.is_open(product, at, org)
    except DirectoryError:
        return None


def _text(event: Event, name: str) -> str:
    value = event.attributes.get(name)
    return "" if value is None else str(value)


def _whole(event: Event, name: str) -> int | None:
    value = event.attributes.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _decimal(event: Event, name: str) -> Decimal | None:
    value = event.attributes.get(name)
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


def level_of(event: Event) -> str | None:
    """The colour that the event names, in our word; None for none, or one that nobody can read."""
    return LEVELS.get(_text(event, "level").strip().lower())


def _unread_level(event: Event, around: Surroundings) -> str | None:
    # an alert must not vanish for a word: it waits for a person's triage
    robot = event.type == "alert.raised" and origin_of(event, around) == "robot"
    return "orange" if robot else None
