"""What keeps cards back now: silences in force and red orders, read from the tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, RowMapping, bindparam, select

from store.unit_of_work import UnitOfWork
from workorders import rows
from workorders.inhibition import FIRING, Inhibited, first_of
from workorders.levels import Level
from workorders.model import Alert, WorkOrder
from workorders.noise import Trigger
from workorders.policy import Policy
from workorders.rows import ALERTS, ORDERS, SILENCES
from workorders.silences import (
    Matchers,
    Silence,
    SilenceState,
    Subject,
    covers,
    silenced_by,
)

#: A person's own act on a person, and the end of what was told, are never kept back.
PIERCING = frozenset({Trigger.REASSIGNED, Trigger.CLOSED})
#: In the buffers of a unit that asked for the silences.
_KEPT = "workorders.silences"
_GRAVE = (Level.RED.value, Level.ORANGE.value)
_IN_FORCE = select(SILENCES).where(
    SILENCES.c.state == SilenceState.ACTIVE.value,
    SILENCES.c.ends_at > bindparam("at"),
    SILENCES.c.starts_at <= bindparam("at"),
)
_RED = select(ORDERS).where(
    ORDERS.c.level == Level.RED.value, ORDERS.c.state.in_([one.value for one in FIRING])
)
_BEHIND = select(ALERTS.c.rule, ALERTS.c.actor, ALERTS.c.level).where(
    ALERTS.c.order_id == bindparam("order")
)


@dataclass(frozen=True, slots=True)
class Muted:
    """Why one card is kept back.

    Attributes:
        reason: ``SILENCED`` or ``INHIBITED``; empty when it is not.
        by: id of the silence or of the red order.
        missing: see `inhibition.Inhibited`.
    """

    reason: str = ""
    by: str = ""
    missing: tuple[str, ...] = ()


Mute = Callable[[str], Muted]


def silence_from(row: RowMapping) -> Silence:
    """The version of a silence of a row."""
    return Silence(
        id=row["id"],
        version=row["version"],
        matchers=Matchers(
            org=row["org"],
            product=row["product"],
            account=row["account"],
            measure=row["measure"],
            rule=row["rule"],
            levels=tuple(Level(one) for one in row["levels"]),
            person=row["person"],
        ),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        author=row["author"],
        reason=row["reason"],
        state=SilenceState(row["state"]),
        created_at=row["created_at"],
        confirmed_by=row["confirmed_by"],
        confirmed_at=row["confirmed_at"],
        ended_by=row["ended_by"],
        ended_at=row["ended_at"],
    )


def _silences(uow: UnitOfWork) -> list[Silence]:
    """The silences that count now; read once a unit, unless it changes one itself."""
    if SILENCES.name in uow.changed:
        return in_force(uow.connection, uow.now)
    if _KEPT not in uow.buffers:
        uow.buffers[_KEPT] = in_force(uow.connection, uow.now)
    kept: list[Silence] = uow.buffers[_KEPT]
    return kept


def in_force(connection: Connection, at: datetime) -> list[Silence]:
    """The silences that count at `at`."""
    found = connection.execute(_IN_FORCE, {"at": at}).mappings()
    return [silence_from(row) for row in found]


def subject_of(connection: Connection, matter: WorkOrder | Alert) -> Subject:
    """An order or alert as silences see it: with the rules behind it and who caused it."""
    if isinstance(matter, Alert):
        rules, causers = frozenset({matter.rule}), frozenset({matter.actor})
    else:
        behind = list(connection.execute(_BEHIND, {"order": matter.id}))
        lead = str(matter.title_params.get("rule", ""))
        rules = frozenset({lead, *(row.rule for row in behind if row.level in _GRAVE)})
        causers = frozenset(row.actor for row in behind)
    return Subject(
        org=matter.org,
        level=matter.level,
        product=matter.product,
        account=matter.account,
        measure=matter.measure,
        rules=rules - {""},
        causers=causers - {""},
    )


def mute_of(uow: UnitOfWork, matter: WorkOrder | Alert, trigger: Trigger, policy: Policy) -> Mute:
    """Whether cards about `matter` are kept back now, asked for each person."""
    if trigger in PIERCING:
        return lambda _person: Muted()
    inhibited = _inhibited(uow.connection, matter, policy)
    silences = _near(_silences(uow), matter)
    subject = subject_of(uow.connection, matter) if silences else None
    return partial(_decide, inhibited, silences, subject, uow.now)


def _near(silences: Sequence[Silence], matter: WorkOrder | Alert) -> list[Silence]:
    """Those that fit as far as the matter itself tells, before its alerts are read."""
    bare = Subject(matter.org, matter.level, matter.product, matter.account, matter.measure)
    return [
        one
        for one in silences
        if covers(
            one.matchers,
            Subject(
                bare.org,
                bare.level,
                bare.product,
                bare.account,
                bare.measure,
                frozenset({one.matchers.rule} - {""}),
            ),
            one.matchers.person,
        )
    ]


def _decide(
    inhibited: Inhibited,
    silences: Sequence[Silence],
    subject: Subject | None,
    at: datetime,
    person: str,
) -> Muted:
    if subject is not None:
        silence = silenced_by(silences, subject, person, at)
        if silence is not None:
            return Muted("SILENCED", silence.id, inhibited.missing)
    if inhibited.by:
        return Muted("INHIBITED", inhibited.by)
    return Muted(missing=inhibited.missing)


def _inhibited(connection: Connection, matter: WorkOrder | Alert, policy: Policy) -> Inhibited:
    if matter.level is Level.RED:
        return Inhibited()
    statement = _RED
    if "org" in policy.inhibit_equal:
        statement = statement.where(ORDERS.c.org == matter.org)
    found = connection.execute(statement.order_by(ORDERS.c.opened_at, ORDERS.c.id)).mappings()
    return first_of((rows.order_from(row) for row in found), matter, policy.inhibit_equal)


def by_reason(muted: Mapping[str, Muted]) -> dict[str, str]:
    """Person → what keeps their card back, for the record."""
    return {person: one.by for person, one in muted.items() if one.by}
