"""A trading company's ordinary days, made from a seed: what the detectors' tests are about."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from auditlog.events import Event, EventKind
from detectors.features import Lookups

MONDAY = datetime(2024, 4, 1, tzinfo=UTC)
ORG = "恒信贸易/华东业务部"
SHANGHAI = ZoneInfo("Asia/Shanghai")
ROLES = {
    **{f"u_trader{at}": "trader" for at in range(6)},
    **{f"u_risk{at}": "risk_officer" for at in range(2)},
    **{f"u_fin{at}": "settlement" for at in range(2)},
    "tmp_night": "temporary",
}
LOOKUPS = Lookups(role_of=lambda actor: ROLES.get(actor, ""), zone_of=lambda _: SHANGHAI)


def event(number: int | str, at: datetime, type_: str, actor: str, **fields: Any) -> Event:
    given = {"org": ORG, "product": "cu", "kind": EventKind.BUSINESS, "source": "erp"} | fields
    return Event(
        event_id=f"e{number}", event_time=at, arrival_time=at, type=type_, actor=actor, **given
    )


def ordinary_days(days: int = 15, *, seed: int = 1, start: datetime = MONDAY) -> list[Event]:
    """Working days from nine to five: log in, create, approve by another, submit, post."""
    random = Random(seed)
    traders = [actor for actor, role in ROLES.items() if role == "trader"]
    out: list[Event] = []

    def add(at: datetime, type_: str, actor: str, **fields: Any) -> None:
        latency = max(5, round(random.gauss(40, 8)))
        out.append(event(f"{seed}-{len(out)}", at, type_, actor, latency_ms=latency, **fields))

    for day in range(days):
        morning = start + timedelta(days=day // 5 * 7 + day % 5, hours=1)
        for trader in traders:
            at = morning + timedelta(minutes=random.randrange(30))
            add(at, "login", trader)
            for turn in range(6):
                number = f"S{seed}-{day}-{trader[-1]}-{turn}"
                at += timedelta(minutes=random.randrange(20, 70))
                amount = Decimal(random.randrange(50, 150)) * 1000
                add(at, "order.create", trader, order=number, amount=amount)
                approver = random.choice(["u_risk0", "u_risk1"])
                later = at + timedelta(minutes=random.randrange(2, 9))
                add(later, "order.approve", approver, order=number)
                add(later + timedelta(minutes=1), "order.submit", trader, order=number)
                clerk = random.choice(["u_fin0", "u_fin1"])
                posted = later + timedelta(minutes=random.randrange(5, 15))
                add(
                    posted,
                    "voucher.post",
                    clerk,
                    order=number,
                    voucher=f"V{number}",
                    amount=amount,
                )
    return sorted(out, key=lambda one: (one.event_time, one.source, one.event_id))
