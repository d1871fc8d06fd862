"""What becomes of the faults of the correlator's child: told once, and not met again.

A rule on whose facts the child died twice goes on with the reference alone, under this rulebook,
whatever is made anew: else the same crash would come back with every reload and every restart.
"""

from collections.abc import Iterable

import structlog
from sqlalchemy import Connection

from agents.house_faults import HouseFault, tell_once
from auditlog.errors import LogError
from auditlog.events import Event
from auditlog.port import LogPort
from rules.proposer import ChildFault, Fault
from store import UnitOfWork, positions
from workorders.context import Context

ALONE = "watcher.alone"
QUARANTINE = "CORRELATOR_QUARANTINE"
DOWN = "CORRELATOR_DOWN"

_log = structlog.get_logger(__name__)


def rules_alone(connection: Connection, rulebook: str) -> frozenset[str]:
    """The rules that go on with the reference alone under the rulebook of that hash."""
    found, _, named = (positions.read(connection, ALONE) or "").partition(" ")
    return frozenset(named.split(",")) if named and found == rulebook else frozenset()


def report(
    uow: UnitOfWork,
    ctx: Context,
    faults: Iterable[ChildFault],
    *,
    rulebook: str,
    log: LogPort,
    org: str,
) -> bool:
    """Leave what is known of the faults; whether the child was given up.

    Args:
        uow: the round's transaction.
        ctx: of work orders.
        faults: since the last report.
        rulebook: hash of the rules in force.
        log: names the events.
        org: whose order it is when no event says.
    """
    down = False
    for one in faults:
        _log.warning("child fault", fault=one.fault.value, rules=one.rules, detail=one.detail)
        if one.fault is Fault.QUARANTINED:
            known = rules_alone(uow.connection, rulebook) | set(one.rules)
            positions.write(uow, ALONE, f"{rulebook} {','.join(sorted(known))}")
            tell_once(uow, ctx, _quarantined(one, rulebook, _event(log, one.fact), org))
        elif one.fault is Fault.DOWN:
            down = True
            tell_once(uow, ctx, _down(uow, one, rulebook, org))
    return down


def _quarantined(one: ChildFault, rulebook: str, event: Event | None, org: str) -> HouseFault:
    name = event.event_id if event is not None else one.fact
    return HouseFault(
        code=QUARANTINE,
        key=f"{rulebook[:16]}/{one.fact}",
        org=event.org if event is not None else org,
        text=f"{', '.join(one.rules)} · {name}",
        body={"rules": list(one.rules), "event": name, "rulebook": rulebook},
    )


def _down(uow: UnitOfWork, one: ChildFault, rulebook: str, org: str) -> HouseFault:
    return HouseFault(
        code=DOWN,
        key=f"{rulebook[:16]}/down/{uow.now.date()}",
        org=org,
        text=f"{', '.join(one.rules)} · {one.detail}",
        body={"rules": list(one.rules), "detail": one.detail, "rulebook": rulebook},
    )


def _event(log: LogPort, uid: str) -> Event | None:
    try:
        found = log.get(uid)
    except LogError:
        return None
    return found.event if found is not None else None
