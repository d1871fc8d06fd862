"""Test calls (拨测): whether notices reach a person on a channel, and how soon that one says so.

A test call goes the way of a notice, through the outbox and the channel's own adapter, and is none:
it belongs to no order, no ladder and no figure, nothing mutes it and nothing takes over when it
fails. What it found out is kept for the person and the channel.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, func, insert, select, update

from store import outbox
from store.schema import table
from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.context import Context
from workorders.probe import (
    LASTS,
    PREFIX,
    Probe,
    ProbeOutcome,
    Reach,
    is_probe,
    place_of,
    probe_card,
)
from workorders.tables import ProbeRow

#: Who may test others: whoever plans the duty, and whoever runs the service. Oneself anybody may.
PERMISSIONS = ("roster.write", "system.operate")
_ERROR_LIMIT = 200
#: Reports of a mail system that leave open whether the test arrives.
_NO_NEWS = frozenset({"delayed", "relayed"})
_ROWS = table(str(ProbeRow.__tablename__))


def start_probes(
    uow: UnitOfWork,
    ctx: Context,
    person: str,
    org: str,
    addresses: Mapping[str, str],
    *,
    silent: Collection[str] = (),
    asked: str = "",
    active: bool = True,
) -> ProbeOutcome:
    """Test a person on the channels of these addresses, as the unit's actor.

    Args:
        uow: the transaction.
        ctx: rights, and the zone of the numbers.
        person: whom; anybody may test himself.
        org: the person's unit, for which the right is asked.
        addresses: the person's address on each channel on which there is one.
        silent: channels on which nothing comes back.
        asked: the one channel that was asked for; empty for all.
        active: whether the person's account is open.
    """
    wanted = [one for one in addresses if not asked or one == asked]
    free = _free(uow, person, wanted, addresses)
    refused, params = "", dict[str, Any]()
    if person != uow.actor and not _may(uow, ctx, org):
        refused, params = "FORBIDDEN", {"permission": PERMISSIONS[0]}
    elif not active:
        refused = "INACTIVE_PERSON"
    elif not wanted:
        refused = "NO_ADDRESS" if asked else "TEST_NO_CHANNEL"
    elif not free:
        refused = "TEST_RUNNING"
    if refused:
        _record_start(uow, person, org, "refused", refused, {"channels": wanted, "on": asked})
        return ProbeOutcome(False, refused, params=params)
    # Counting keeps another start out until the commit; who came first is seen only then.
    numbers = {one: _number(uow, ctx) for one in free}
    free = _free(uow, person, free, addresses)
    if not free:
        _record_start(uow, person, org, "refused", "TEST_RUNNING", {"channels": wanted})
        return ProbeOutcome(False, "TEST_RUNNING")
    made = tuple(
        _put(uow, person, org, one, numbers[one], addresses[one], asks=one not in silent)
        for one in free
    )
    told = {"tests": {one.channel: one.id for one in made}}
    _record_start(uow, person, org, "queued", "", told)
    return ProbeOutcome(True, "DONE", made)


def confirm(uow: UnitOfWork, number: str, channel: str) -> ProbeOutcome:
    """The unit's actor says that the test arrived, on the channel on which it did.

    Args:
        uow: the transaction; its actor is whoever pressed.
        number: the test call.
        channel: on which it was pressed.
    """
    one = find_probe(uow.connection, number, lock=True)
    if one is None:
        return ProbeOutcome(False, "UNKNOWN_TEST")
    if one.confirmed_at is not None and one.person == uow.actor:
        return ProbeOutcome(True, "ALREADY_DONE", (one,))
    refused = ""
    if one.person != uow.actor:
        refused = "UNKNOWN_TEST"
    elif one.channel != channel:
        refused = "TEST_OTHER_CHANNEL"
    elif uow.now >= one.ends_at:
        refused = "TEST_OVER"
    if refused:
        _record(uow, "decision", "test_call.confirm", one, "refused", refused, {"on": channel})
        return ProbeOutcome(False, refused)
    done = replace(one, confirmed_at=uow.now)
    _save(uow, done.id, confirmed_at=uow.now)
    outbox.cancel(uow, group=done.id)  # an attempt whose answer was lost is not made again
    _record(
        uow, "decision", "test_call.confirm", done, "acknowledged", "", {"seconds": done.seconds}
    )
    return ProbeOutcome(True, "TEST_CONFIRMED", (done,), {"seconds": done.seconds})


# --- what became of its message -----------------------------------------------------------------


def record_sent(uow: UnitOfWork, keys: Collection[str], at: datetime | None = None) -> None:
    """Note those of these messages that are test calls as taken by their channels."""
    for key in sorted(filter(is_probe, keys)):
        record_attempt(uow, key, "sent", at=at)


def record_attempt(
    uow: UnitOfWork, key: str, outcome: str, error: str = "", *, at: datetime | None = None
) -> bool:
    """Note what a channel or its gateway said about a test call; False when it is none of ours.

    Args:
        uow: the transaction that settles the message.
        key: the message's key.
        outcome: ``sent``, ``retry``, ``called_off``, ``delivered``, ``answered`` or ``failed``.
        error: the reason of a failure.
        at: when the channel took it; default now.
    """
    one = find_probe(uow.connection, key, lock=True) if is_probe(key) else None
    if one is None:
        return False
    error = error[:_ERROR_LIMIT]
    changes: dict[str, Any] = {"error": error}
    if outcome == "sent":
        # A receipt may overtake the answer to the request that it is about.
        changes["sent_at"] = at or uow.now
        changes["state"] = one.state if one.state in {"delivered", "answered"} else "sent"
    elif outcome not in {"retry", "called_off"}:
        changes["state"] = outcome
    _save(uow, one.id, **changes)
    params = {"person": one.person, "channel": one.channel}
    _record(uow, "notification", f"test_call.{outcome}", one, outcome, error, params)
    return True


def record_receipt(uow: UnitOfWork, key: str, channel: str, status: str, error: str = "") -> str:
    """Note what came back about a test call; as `deliveries.record_receipt` says of a notice."""
    one = find_probe(uow.connection, key)
    if one is None or one.channel != channel:
        return "UNKNOWN_NOTICE"
    if status in {"failed", "bounced"} and one.state == "queued":
        return "NOTICE_ON_ITS_WAY"
    if status == "bounced":
        status, error = "failed", "MAIL_BOUNCED"
    if status not in _NO_NEWS:
        record_attempt(uow, key, status, error)
    return ""


def settled(connection: Connection, key: str) -> bool:
    """Whether this is a test call that was confirmed: its message need not be tried again."""
    one = find_probe(connection, key) if is_probe(key) else None
    return one is not None and one.confirmed_at is not None


# --- reading ------------------------------------------------------------------------------------


def find_probe(connection: Connection, number: str, *, lock: bool = False) -> Probe | None:
    """The test call with this number."""
    wanted = select(_ROWS).where(_ROWS.c.id == number)
    row = connection.execute(wanted.with_for_update() if lock else wanted).mappings().first()
    return None if row is None else _probe(row)


def reaches(connection: Connection, people: Collection[str]) -> dict[tuple[str, str], Reach]:
    """What is known of these people, by person and channel; who was never tested is not there."""
    confirmed = {
        (one.person, one.channel): one for one in _latest(connection, people, confirmed=True)
    }
    return {
        (one.person, one.channel): Reach(one, confirmed.get((one.person, one.channel)))
        for one in _latest(connection, people)
    }


def _latest(
    connection: Connection, people: Collection[str], *, confirmed: bool = False
) -> list[Probe]:
    """The last of each person and channel; of those that were confirmed, if asked."""
    c = _ROWS.c
    by = c.confirmed_at if confirmed else c.started_at
    last = (
        select(c.person, c.channel, func.max(by).label("at"))
        .where(c.person.in_(sorted(people)), by.is_not(None))
        .group_by(c.person, c.channel)
        .subquery()
    )
    same = and_(c.person == last.c.person, c.channel == last.c.channel, by == last.c.at)
    wanted = select(_ROWS).join(last, same).order_by(c.person, c.channel, c.id)
    return [_probe(row) for row in connection.execute(wanted).mappings()]


def _may(uow: UnitOfWork, ctx: Context, org: str) -> bool:
    return any(ctx.may(uow.actor, one, org, uow.now).allowed for one in PERMISSIONS)


def _free(
    uow: UnitOfWork, person: str, channels: Sequence[str], addresses: Mapping[str, str]
) -> list[str]:
    """The channels on which no other test call stands in the way."""
    latest = {one.channel: one for one in _latest(uow.connection, (person,))}
    return [
        one
        for one in channels
        if (was := latest.get(one)) is None or not was.in_the_way(addresses[one], uow.now)
    ]


def _number(uow: UnitOfWork, ctx: Context) -> str:
    return rows.next_id(uow, PREFIX.rstrip("-"), uow.now.astimezone(ctx.zone))


def _put(  # noqa: PLR0917 - one row
    uow: UnitOfWork, person: str, org: str, channel: str, number: str, address: str, *, asks: bool
) -> Probe:
    """The row and its message."""
    one = Probe(
        id=number,
        person=person,
        channel=channel,
        org=org,
        state="queued",
        error="",
        place=place_of(number, address),
        started_by=uow.actor,
        started_at=uow.now,
        ends_at=uow.now + LASTS if asks else uow.now,
    )
    uow.execute(insert(_ROWS), {name: getattr(one, name) for name in _FIELDS})
    outbox.put(
        uow,
        channel=channel,
        target=person,
        payload=probe_card(one).as_json(),
        key=one.id,
        group=one.id,
    )
    return one


def _save(uow: UnitOfWork, number: str, **changes: Any) -> None:
    uow.execute(update(_ROWS).where(_ROWS.c.id == number).values(**changes))


def _record_start(  # noqa: PLR0917 - one record
    uow: UnitOfWork, person: str, org: str, outcome: str, reason: str, body: Mapping[str, Any]
) -> None:
    journal.record(
        uow,
        "decision",
        "test_call.start",
        object_type="person",
        object_id=person,
        org=org,
        outcome=outcome,
        reason=reason,
        body=body,
    )


def _record(  # noqa: PLR0917 - one record
    uow: UnitOfWork,
    kind: str,
    action: str,
    one: Probe,
    outcome: str,
    reason: str,
    body: Mapping[str, Any],
) -> None:
    journal.record(
        uow,
        kind,
        action,
        object_type="test_call",
        object_id=one.id,
        org=one.org,
        outcome=outcome,
        reason=reason,
        body=body,
    )


def _probe(row: RowMapping) -> Probe:
    return Probe(**{name: row[name] for name in _FIELDS})


_FIELDS = tuple(one.name for one in fields(Probe))
