"""Making, confirming, changing and ending silences. Each is a decision on record.

A refusal is an answer with a code and is recorded too. Nothing here commits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from store import timers
from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.again import tell_again
from workorders.context import Context
from workorders.muting import silence_from
from workorders.noise import Trigger
from workorders.preview import mutes_now
from workorders.rows import SILENCES
from workorders.silences import Ruling, Silence, SilenceState, Wish, judge

SILENCE = "workorders.silence"
PERMISSION = "alert.silence"
_LIVE = (SilenceState.ACTIVE, SilenceState.WAITING)
_ADD = insert(SILENCES).inline()


@dataclass(frozen=True, slots=True)
class SilenceOutcome:
    """What became of an act on a silence.

    Attributes:
        ok: false when it was refused.
        code: ``DONE``, ``ALREADY_DONE``, ``SILENCE_NEEDS_SECOND`` (made, and waits for one: red) or
            the reason of the refusal.
        silence: as it now stands; None when there is none.
        params: what the sentence names.
        told: orders and alerts that are told now because of it.
    """

    ok: bool
    code: str
    silence: Silence | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    told: tuple[str, ...] = ()


def find_silence(connection: Connection, silence_id: str, version: int = 0) -> Silence | None:
    """A version of a silence; 0 is the newest."""
    c = SILENCES.c
    wanted = select(SILENCES).where(c.id == silence_id)
    if version:
        wanted = wanted.where(c.version == version)
    row = connection.execute(wanted.order_by(c.version.desc()).limit(1)).mappings().first()
    return None if row is None else silence_from(row)


def create_silence(uow: UnitOfWork, ctx: Context, wish: Wish) -> SilenceOutcome:
    """静默: keep what fits quiet until its end. One that names red waits for a second person."""
    ruled = _ruled(uow, ctx, wish)
    if ruled.code:
        return _refuse(uow, "silence.create", wish.matchers.org, "", ruled)
    silence = _new(rows.next_id(uow, "SL", uow.now.astimezone(ctx.zone)), 1, wish, uow)
    _insert(uow, silence)
    _record(uow, "silence.create", silence)
    return SilenceOutcome(True, _made(silence), silence)


def change_silence(
    uow: UnitOfWork, ctx: Context, silence_id: str, wish: Wish, *, expected_version: int
) -> SilenceOutcome:
    """Put a new version in the place of the present one; what it no longer covers is told.

    A version that names red waits for its second person; what the old one kept quiet is told until
    then.
    """
    now = find_silence(uow.connection, silence_id)
    if now is None:
        return SilenceOutcome(False, "UNKNOWN_SILENCE")
    for org in (now.matchers.org, wish.matchers.org):
        refused = _barred(uow, ctx, org)
        if refused.code:
            return _refuse(uow, "silence.change", org, silence_id, refused, now)
    if now.version != expected_version or now.state not in _LIVE:
        stale = Ruling("SILENCE_CHANGED" if now.state in _LIVE else "SILENCE_OVER", _stand(now))
        return _refuse(uow, "silence.change", now.matchers.org, silence_id, stale, now)
    ruled = _ruled(uow, ctx, wish)
    if ruled.code:
        return _refuse(uow, "silence.change", now.matchers.org, silence_id, ruled, now)
    _settle(uow, now, SilenceState.REPLACED)
    silence = _new(silence_id, now.version + 1, wish, uow)
    _insert(uow, silence)
    _record(uow, "silence.change", silence, before=now.matchers.as_json())
    told = tell_again(uow, ctx, silence_id, Trigger.SILENCE_ENDED)
    return SilenceOutcome(True, _made(silence), silence, told=told)


def confirm_silence(
    uow: UnitOfWork, ctx: Context, silence_id: str, *, expected_version: int | None = None
) -> SilenceOutcome:
    """The second person agrees to a silence that names red: from now on it counts."""
    now = find_silence(uow.connection, silence_id)
    if now is None:
        return SilenceOutcome(False, "UNKNOWN_SILENCE")
    org = now.matchers.org
    refused = _barred(uow, ctx, org)
    if not refused.code and now.state is SilenceState.ACTIVE:
        return SilenceOutcome(True, "ALREADY_DONE", now)
    if not refused.code and now.state is not SilenceState.WAITING:
        refused = Ruling("SILENCE_OVER", _stand(now))
    if not refused.code and expected_version not in {None, now.version}:
        refused = Ruling("SILENCE_CHANGED", _stand(now))
    if not refused.code and uow.actor == now.author:
        refused = Ruling("SILENCE_NEEDS_SECOND", {"author": now.author})
    if not refused.code and uow.actor in mutes_now(uow.connection, now.matchers).causers:
        refused = Ruling("OWN_BREACH", {"person": uow.actor})
    if refused.code:
        return _refuse(uow, "silence.confirm", org, silence_id, refused, now)
    agreed = replace(now, state=SilenceState.ACTIVE, confirmed_by=uow.actor, confirmed_at=uow.now)
    _settle(uow, agreed, SilenceState.ACTIVE)
    _record(uow, "silence.confirm", agreed)
    return SilenceOutcome(True, "DONE", agreed)


def end_silence(
    uow: UnitOfWork, ctx: Context, silence_id: str, *, reason: str = ""
) -> SilenceOutcome:
    """End it now; what it kept back and still stands is told at once."""
    now = find_silence(uow.connection, silence_id)
    if now is None:
        return SilenceOutcome(False, "UNKNOWN_SILENCE")
    refused = _barred(uow, ctx, now.matchers.org)
    if refused.code:
        return _refuse(uow, "silence.end", now.matchers.org, silence_id, refused, now)
    if now.state not in _LIVE:
        return SilenceOutcome(True, "ALREADY_DONE", now, _stand(now))
    ended = replace(now, state=SilenceState.ENDED, ended_by=uow.actor, ended_at=uow.now)
    _settle(uow, ended, SilenceState.ENDED)
    _record(uow, "silence.end", ended, text=reason)
    told = tell_again(uow, ctx, silence_id, Trigger.SILENCE_ENDED)
    return SilenceOutcome(True, "DONE", ended, told=told)


def expire(uow: UnitOfWork, ctx: Context, silence_id: str, version: int) -> bool:
    """Its time is over (a timer); false when it was ended or replaced before."""
    now = find_silence(uow.connection, silence_id)
    if now is None or now.version != version or now.state not in _LIVE:
        return False
    over = replace(now, state=SilenceState.EXPIRED, ended_by=uow.actor, ended_at=uow.now)
    _settle(uow, over, SilenceState.EXPIRED)
    _record(uow, "silence.expire", over)
    tell_again(uow, ctx, silence_id, Trigger.SILENCE_ENDED)
    return True


def list_silences(
    connection: Connection,
    scopes: Sequence[str],
    *,
    live_only: bool = False,
    now: datetime | None = None,
    limit: int = 200,
) -> list[Silence]:
    """The newest version of each silence inside `scopes` or covering them from above, latest first.

    Args:
        connection: to read with.
        scopes: organisations that the reader sees; none means no row.
        live_only: only those that wait or count, now or later.
        now: with `live_only`: those that ended by then are left out, though no timer fired yet.
        limit: the most.
    """
    c = SILENCES.c
    inside = [
        or_(c.org == one, c.org.startswith(f"{one}/", autoescape=True)) for one in scopes if one
    ]
    above = {one[:at] for one in scopes for at, letter in enumerate(one) if letter == "/"}
    if above:
        inside.append(c.org.in_(sorted(above)))
    if not inside:
        return []
    wanted = select(SILENCES).where(or_(*inside), c.state != SilenceState.REPLACED.value)
    if live_only:
        wanted = wanted.where(c.state.in_([one.value for one in _LIVE]))
        if now is not None:
            wanted = wanted.where(c.ends_at > now)
    wanted = wanted.order_by(c.created_at.desc(), c.id.desc()).limit(limit)
    return [silence_from(row) for row in connection.execute(wanted).mappings()]


def visible(silence: Silence, scopes: Sequence[str]) -> bool:
    """Whether it concerns what the reader sees: it lies inside a scope, or covers one."""
    org = silence.matchers.org
    return any(
        org == one or org.startswith(f"{one}/") or one.startswith(f"{org}/")
        for one in scopes
        if one
    )


def _ruled(uow: UnitOfWork, ctx: Context, wish: Wish) -> Ruling:
    refused = _barred(uow, ctx, wish.matchers.org) if wish.matchers.org else Ruling()
    if refused.code:
        return refused
    causers = mutes_now(uow.connection, wish.matchers).causers if wish.matchers.org else ()
    return judge(wish, now=uow.now, policy=ctx.policy, author=uow.actor, causers=causers)


def _barred(uow: UnitOfWork, ctx: Context, org: str) -> Ruling:
    allowed = ctx.may(uow.actor, PERMISSION, org, uow.now)
    if allowed.allowed:
        return Ruling()
    return Ruling("FORBIDDEN", {"permission": PERMISSION, "why": str(allowed.reason)})


def _new(silence_id: str, version: int, wish: Wish, uow: UnitOfWork) -> Silence:
    waits = wish.matchers.names_red
    return Silence(
        id=silence_id,
        version=version,
        matchers=wish.matchers,
        starts_at=max(wish.starts_at, uow.now),
        ends_at=wish.ends_at,
        author=uow.actor,
        reason=wish.reason,
        state=SilenceState.WAITING if waits else SilenceState.ACTIVE,
        created_at=uow.now,
    )


def _made(silence: Silence) -> str:
    return "SILENCE_NEEDS_SECOND" if silence.state is SilenceState.WAITING else "DONE"


def _insert(uow: UnitOfWork, silence: Silence) -> None:
    values = {
        name: getattr(silence, name)
        for name in (
            "id", "version", "starts_at", "ends_at", "author", "reason", "created_at",
            "confirmed_by", "confirmed_at", "ended_by", "ended_at",
        )
    }  # fmt: skip
    uow.execute(_ADD, {**values, **silence.matchers.as_json(), "state": silence.state.value})
    timers.set_timer(
        uow,
        key=f"{silence.id}/{silence.version}/end",
        kind=SILENCE,
        due_at=silence.ends_at,
        payload={"silence": silence.id, "version": silence.version},
    )


def _settle(uow: UnitOfWork, silence: Silence, state: SilenceState) -> None:
    c = SILENCES.c
    uow.execute(
        update(SILENCES)
        .where(c.id == silence.id, c.version == silence.version)
        .values(
            state=state.value,
            confirmed_by=silence.confirmed_by,
            confirmed_at=silence.confirmed_at,
            ended_by=silence.ended_by,
            ended_at=silence.ended_at,
        )
    )
    if state not in _LIVE:
        timers.cancel(uow, key=f"{silence.id}/{silence.version}/end")


def _stand(silence: Silence) -> dict[str, Any]:
    return {
        "silence": silence.id,
        "version": silence.version,
        "state": silence.state.value,
        "by": silence.ended_by or silence.confirmed_by or silence.author,
    }


def _record(uow: UnitOfWork, action: str, silence: Silence, **more: Any) -> None:
    journal.record(
        uow,
        "decision",
        action,
        object_type="silence",
        object_id=silence.id,
        org=silence.matchers.org,
        outcome=silence.state.value,
        body={
            "version": silence.version,
            "matchers": silence.matchers.as_json(),
            "starts_at": silence.starts_at,
            "ends_at": silence.ends_at,
            "author": silence.author,
            "reason": silence.reason,
            "confirmed_by": silence.confirmed_by,
            **more,
        },
    )


def _refuse(  # noqa: PLR0917 - one record
    uow: UnitOfWork,
    action: str,
    org: str,
    silence_id: str,
    ruled: Ruling,
    silence: Silence | None = None,
) -> SilenceOutcome:
    journal.record(
        uow,
        "decision",
        action,
        object_type="silence",
        object_id=silence_id,
        org=org,
        outcome="refused",
        reason=ruled.code,
        body=dict(ruled.params),
    )
    return SilenceOutcome(False, ruled.code, silence, ruled.params)
