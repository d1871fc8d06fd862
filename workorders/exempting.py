"""What an exemption covers: matches that raise nothing, and what stands under it until its end.

Whether an exemption is given is decided by the approvals; here stands what follows from it.
Nothing here commits.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from store.unit_of_work import UnitOfWork
from workorders import dwelling, journal, rows
from workorders.dedup import dedup_key
from workorders.exemption_rows import in_force, note_subjects, told_of
from workorders.exemptions import (
    Beside,
    Exemption,
    ExemptionState,
    Terms,
    beside,
    exemptable,
    exempted_by,
)
from workorders.flapping import colour_of
from workorders.matches import match_body
from workorders.model import AlertState, EntryKind, Match
from workorders.reads import ACTIVE, within
from workorders.restoring import match_from
from workorders.rows import ALERTS, EXEMPTED, EXEMPTIONS, MATCHES, ORDERS

_KNOWN = select(EXEMPTED.c.exemption).where(
    EXEMPTED.c.match_id == bindparam("match"), EXEMPTED.c.told.is_(False)
)
_ADD = insert(EXEMPTED).inline()
_TOLD = update(EXEMPTED).where(EXEMPTED.c.key == bindparam("of_key"), EXEMPTED.c.over_at.is_(None))


@dataclass(frozen=True, slots=True)
class Standing:
    """A condition that stands under an exemption now, as it was last seen.

    Attributes:
        since: when the first match of it was covered.
        count: how many matches of it were covered.
    """

    exemption: str
    match: Match
    since: datetime
    seen: datetime
    count: int


def exempt(uow: UnitOfWork, match: Match, identity: str, *, order_id: str = "") -> str:
    """Record a match that an exemption covers; the exemption's id, empty when none does.

    Args:
        uow: the transaction.
        match: that was found.
        identity: its `dedup.match_id`.
        order_id: the order that answers for its key already; a line in its stream says so.
    """
    if not exemptable(match):
        return ""
    exemption = exempted_by(in_force(uow), match, uow.now)
    if exemption is None:
        # Above the cap it is told as ever, and so need not be told again at the end.
        uow.execute(_TOLD.values(over_at=uow.now), {"of_key": dedup_key(match)})
        return ""
    _keep(uow, exemption, match, match_id=identity, told=False)
    body = {**match_body(match), "match": identity, **told_of(exemption), "order": order_id}
    journal.record(
        uow,
        "decision",
        "match.exempt",
        object_type="exemption",
        object_id=exemption.id,
        org=match.org,
        outcome="exempted",
        reason="EXEMPTED",
        body=body,
    )
    if order_id:
        rows.entry(
            uow,
            EntryKind.DECISION,
            "match.exempt",
            {"code": match.code, "exemption": exemption.id, "value": match.value,
             "unit": match.unit, "outcome": "exempted", "reason": "EXEMPTED"},
            order_id=order_id,
        )  # fmt: skip
    return exemption.id


def exempted_already(uow: UnitOfWork, match: Match, identity: str) -> str:
    """The exemption under which this very match was recorded before; empty when none."""
    if not exemptable(match):
        return ""
    return uow.connection.execute(_KNOWN, {"match": identity}).scalar() or ""


def looked(uow: UnitOfWork, condition: str, standing: Collection[str]) -> None:
    """A condition was looked at anew: what no longer stands need not be told at the end.

    Args:
        uow: the transaction of the look.
        condition: the key of the fact (`model.Clear.fact_key`).
        standing: the rules that find it in some colour, or cannot tell.
    """
    c = EXEMPTED.c
    fell = and_(c.condition == condition, c.over_at.is_(None), c.rule.not_in(sorted(standing)))
    named = select(c.exemption, c.rule, c.org).where(fell).distinct()
    found = uow.execute(named.order_by(c.exemption, c.rule)).all()
    if not found:
        return
    uow.execute(update(EXEMPTED).where(fell).values(over_at=uow.now))
    for one in found:
        journal.record(
            uow,
            "decision",
            "exemption.fell",
            object_type="exemption",
            object_id=one.exemption,
            org=one.org,
            outcome="cleared",
            body={"condition": condition, "rule": one.rule},
        )


def standing_matches(connection: Connection, terms: Terms) -> list[Match]:
    """What is told already, stands now and would be permitted: of each key the newest match."""
    return [one for one in _newest_told(connection, terms) if beside(terms, one) is None]


def standing_beside(connection: Connection, terms: Terms) -> list[tuple[Match, Beside]]:
    """What is told already, stands now and would not be permitted, with why."""
    found = ((one, beside(terms, one)) for one in _newest_told(connection, terms))
    return [(one, why) for one, why in found if why is not None]


def _newest_told(connection: Connection, terms: Terms) -> list[Match]:
    """What the rule found at the place, told already and standing now: of each key the newest."""
    alerts, told = ALERTS.c, MATCHES.c
    wanted = (
        _with_orders(select(MATCHES).join(ALERTS, alerts.id == told.alert_id))
        .where(_told_of(terms))
        .order_by(told.event_time, told.recorded_at, told.id)
    )
    newest: dict[str, Match] = {}
    for row in connection.execute(wanted).mappings():
        match = match_from(row["body"], terms.org)
        newest[dedup_key(match)] = match
    return [
        one
        for one in newest.values()
        if one.level is not None
        and (one.clears is None or colour_of(connection, one.clears.fact_key) != "")
    ]


def keep_standing(uow: UnitOfWork, exemption: Exemption) -> None:
    """Keep what is told already and covered from now on: it is told again at the end.

    No order opens for an alert that waited for its minimum dwell.
    """
    for match in standing_matches(uow.connection, exemption.terms):
        _keep(uow, exemption, match, match_id="", told=True)
        dwelling.exempted(uow, dedup_key(match))


def causers_of(connection: Connection, terms: Terms) -> tuple[str, ...]:
    """Whose doing the present breach is: the people named by the alerts that stand beside it.

    They are named as the sources call them.
    """
    alerts = ALERTS.c
    beside = _with_orders(select(alerts.case_id)).where(_told_of(terms))
    orders = _with_orders(select(alerts.order_id)).where(_told_of(terms), alerts.order_id != "")
    wanted = select(alerts.actor).where(
        or_(alerts.case_id.in_(beside), alerts.order_id.in_(orders)), alerts.actor != ""
    )
    return tuple(sorted(connection.scalars(wanted.distinct())))


def waiting(connection: Connection, exemption_id: str) -> list[Match]:
    """What stands under an exemption, each condition as it was last seen."""
    c = EXEMPTED.c
    last = select(func.max(c.seq)).where(c.exemption == exemption_id).group_by(c.key)
    wanted = select(EXEMPTED).where(c.seq.in_(last), c.over_at.is_(None)).order_by(c.seq)
    found = connection.execute(wanted).mappings()
    return [match_from(row["body"], row["org"]) for row in found]


def release(uow: UnitOfWork, exemption_id: str) -> None:
    """What was kept under an exemption waits no longer."""
    c = EXEMPTED.c
    kept = update(EXEMPTED).where(c.exemption == exemption_id, c.over_at.is_(None))
    uow.execute(kept.values(over_at=uow.now))


def standing_now(connection: Connection, scopes: Sequence[str], at: datetime) -> list[Standing]:
    """The conditions inside `scopes` that stand and raise nothing at `at`, latest first."""
    c, given = EXEMPTED.c, EXEMPTIONS.c
    span = (
        select(
            c.exemption, c.key, func.max(c.seq).label("seq"), func.min(c.event_time).label("since"),
            func.count().filter(c.told.is_(False)).label("count"),
        )
        .where(within(c.org, tuple(scopes)))
        .group_by(c.exemption, c.key)
        .subquery()
    )  # fmt: skip
    wanted = (
        select(EXEMPTED, span.c.since, span.c.count)
        .join(span, span.c.seq == c.seq)
        .join(EXEMPTIONS, given.id == c.exemption)
        .where(
            c.over_at.is_(None),
            given.state == ExemptionState.GRANTED.value,
            given.starts_at <= at,
            given.ends_at > at,
        )
        .order_by(c.event_time.desc(), c.seq.desc())
    )
    return [
        Standing(
            row["exemption"],
            match_from(row["body"], row["org"]),
            row["since"],
            row["event_time"],
            row["count"],
        )
        for row in connection.execute(wanted).mappings()
    ]


def counts(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """How many matches each of these exemptions has covered."""
    c = EXEMPTED.c
    wanted = (
        select(c.exemption, func.count())
        .where(c.exemption.in_(list(ids)), c.told.is_(False))
        .group_by(c.exemption)
    )
    found = {str(one): int(count) for one, count in connection.execute(wanted)}
    return {one: found.get(one, 0) for one in ids}


def _with_orders(wanted: Select[Any]) -> Select[Any]:
    return wanted.outerjoin(ORDERS, ORDERS.c.id == ALERTS.c.order_id)


def _told_of(terms: Terms) -> ColumnElement[bool]:
    """Alerts of the rule on the unit's product that wait for triage, or have an order at work."""
    alerts = ALERTS.c
    return and_(
        alerts.org == terms.org,
        alerts.rule == terms.rule,
        alerts.product == terms.product,
        or_(
            alerts.state == AlertState.NEW.value,
            ORDERS.c.state.in_([one.value for one in ACTIVE]),
        ),
    )


def _keep(
    uow: UnitOfWork, exemption: Exemption, match: Match, *, match_id: str, told: bool
) -> None:
    note_subjects(uow, exemption.id, (match.actor,))
    uow.execute(
        _ADD,
        {
            "exemption": exemption.id,
            "match_id": match_id,
            "key": dedup_key(match),
            "condition": "" if match.clears is None else match.clears.fact_key,
            "org": match.org,
            "product": match.product,
            "rule": match.rule,
            "level": "" if match.level is None else match.level.value,
            "event_time": match.event_time,
            "recorded_at": uow.now,
            "body": match_body(match),
            "told": told,
            "over_at": None,
        },
    )
