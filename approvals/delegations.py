"""Delegations: asked for by the principal, agreed to by a second person, ended by time or a word.

A delegation gives nobody a permission: at each signature the delegate must hold it, as must the
principal. One that nobody has agreed to does not count.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update

import trail
from approvals.codec import to_json
from approvals.errors import UnknownDelegation
from approvals.lending import (
    LONGEST,
    Lending,
    LendingCode,
    LendingOutcome,
    LendingState,
    Wish,
    cycle,
    overlaps,
    same,
)
from approvals.plan import shipped_plans
from approvals.seating import permission_for
from approvals.segregation import delegation_fails
from approvals.state import Act, Delegation, State
from approvals.tables import DelegationRow
from directory import Directory
from store import UnitOfWork
from store.schema import table

PERMISSION = "approval.delegate"
_DELEGATION = table(str(DelegationRow.__tablename__))
_C = _DELEGATION.c
_PREFIX = "DG-"
CURRENCY = re.compile(r"[A-Z]{3}")


def give_delegation(uow: UnitOfWork, wish: Wish, directory: Directory) -> LendingOutcome:
    """As the unit's actor, ask that another person may sign in one's place.

    It counts once somebody else has agreed. A refusal is put on record.

    Returns:
        ``DELEGATION_WAITS``; ``ALREADY_LENT`` with the one that stands for the very same; or why
        not, with the one in the way as ``number``, or the ring of people as the text ``chain``.
    """
    principal = uow.actor
    refusal = _refusal(directory, principal, wish, uow.now)
    if refusal:
        return _refused(uow, wish, LendingOutcome(ok=False, code=refusal))
    known = _live(uow)
    found = next((one for one in known if same(one, principal, wish)), None)
    if found is not None:
        return LendingOutcome(ok=True, code=LendingCode.ALREADY_LENT, lending=found)
    against = _against(known, principal, wish, uow.now)
    if against is not None:
        return _refused(uow, wish, against)
    row = {
        **_columns(principal, wish),
        "starts": wish.begins(uow.now),
        "created_at": uow.now,
        "confirmed_by": "",
        "ended_by": "",
    }
    key = uow.execute(insert(_DELEGATION).values(**row).returning(_C.id)).scalar_one()
    made = find_delegation(uow.connection, f"{_PREFIX}{key}")
    _record(uow, "delegation.give", made, LendingCode.DELEGATION_WAITS)
    return LendingOutcome(ok=True, code=LendingCode.DELEGATION_WAITS, lending=made)


def confirm_delegation(uow: UnitOfWork, number: str, directory: Directory) -> LendingOutcome:
    """As the second person agree to a delegation: from its start on it counts.

    The second person is the delegate or anybody else who may delegate in its unit, never the
    principal.

    Raises:
        UnknownDelegation: when there is none of this number.
    """
    _take_turns(uow)
    one = find_delegation(uow.connection, number)
    if one.confirmed_at is not None and one.live(uow.now):
        return LendingOutcome(ok=True, code=LendingCode.AGREED_BEFORE, lending=one)
    verdict = directory.may(uow.actor, PERMISSION, one.scope, uow.now)
    code = ""
    if not one.live(uow.now):
        code = LendingCode.DELEGATION_ENDED
    elif uow.actor == one.principal:
        code = LendingCode.DELEGATION_OWN
    elif not verdict.allowed:
        code = verdict.reason.value
    elif not _may_sign(directory, one.delegate, one.kind, one.scope, uow.now):
        code = LendingCode.DELEGATE_MAY_NOT_SIGN
    # Two that were asked for at the same moment have not seen each other; agreed to they do.
    others = [other for other in _live(uow) if other.confirmed_at is not None]
    against = None if code else _against(others, one.principal, _wish(one), uow.now)
    if against is not None:
        _record(uow, "delegation.confirm", one, against.code, refused=True)
        return replace(against, lending=one)
    if code:
        _record(uow, "delegation.confirm", one, code, refused=True)
        return LendingOutcome(ok=False, code=code, lending=one)
    return _changed(
        uow,
        one,
        {"confirmed_by": uow.actor, "confirmed_at": uow.now},
        ("delegation.confirm", LendingCode.DELEGATION_AGREED),
    )


def end_delegation(uow: UnitOfWork, number: str, reason: str = "") -> LendingOutcome:
    """As the principal or the delegate end a delegation, or take back what nobody agreed to yet.

    Raises:
        UnknownDelegation: when there is none of this number.
    """
    one = find_delegation(uow.connection, number)
    if uow.actor not in {one.principal, one.delegate}:
        code = LendingCode.DELEGATION_NOT_YOURS
        _record(uow, "delegation.end", one, code, refused=True)
        return LendingOutcome(ok=False, code=code, lending=one)
    if not one.live(uow.now):
        return LendingOutcome(ok=True, code=LendingCode.DELEGATION_ENDED, lending=one)
    return _changed(
        uow,
        one,
        {"ended_by": uow.actor, "ended_at": uow.now},
        ("delegation.end", LendingCode.DELEGATION_OVER),
        reason,
    )


def find_delegation(connection: Connection, number: str) -> Lending:
    """The delegation of this number.

    Raises:
        UnknownDelegation: when there is none.
    """
    digits = number.removeprefix(_PREFIX)
    known = digits.isascii() and digits.isdecimal() and len(digits) < 10  # noqa: PLR2004 - as given out
    found = _read(connection, _C.id == int(digits)) if known else []
    if not found or found[0].number != number:
        raise UnknownDelegation(number)
    return found[0]


def list_delegations(
    connection: Connection, scopes: Sequence[str], person: str = "", limit: int = 200
) -> list[Lending]:
    """Delegations in units under `scopes`, and those from or to `person`; the newest first."""
    seen = [or_(_C.scope == one, _C.scope.startswith(f"{one}/", autoescape=True)) for one in scopes]
    if person:
        seen.append(or_(_C.principal == person, _C.delegate == person))
    return _read(connection, or_(*seen), limit=limit) if seen else []


def untold(connection: Connection, now: datetime) -> list[Lending]:
    """Those that have begun and whose delegates have not been told of what waits."""
    found = _read(connection, _C.told_at.is_(None), _C.confirmed_at.is_not(None), _C.starts <= now)
    return [one for one in found if one.state(now) is LendingState.ACTIVE]


def mark_told(uow: UnitOfWork, number: str, requests: Sequence[str]) -> bool:
    """The delegate is being told of these requests; False when that was done before."""
    key = int(number.removeprefix(_PREFIX))
    place = update(_DELEGATION).where(_C.id == key, _C.told_at.is_(None))
    if uow.execute(place.values(told_at=uow.now)).rowcount != 1:
        return False
    one = find_delegation(uow.connection, number)
    trail.record(
        uow,
        kind="notification",
        action="delegation.begin",
        object_type="delegation",
        object_id=number,
        org=one.scope,
        outcome="done",
        body={"delegate": one.delegate, "requests": list(requests)},
    )
    return True


def standing_delegations(connection: Connection, delegate_id: str) -> tuple[Delegation, ...]:
    """All delegations to one person to which a second has agreed, ended ones too."""
    return _standing(connection, _C.delegate == delegate_id)


def lent_by(connection: Connection, principals: Collection[str]) -> tuple[Delegation, ...]:
    """All delegations that these people gave and a second agreed to, ended ones too."""
    return _standing(connection, _C.principal.in_(principals))


def with_standing(uow: UnitOfWork, state: State, doing: Act) -> Act:
    """The act with the standing delegation that gives the actor a seat, if one is needed."""
    step = state.current
    if step is None or (doing.actor in step.seats and not doing.on_behalf_of):
        return doing
    standing = (*state.delegations, *standing_delegations(uow.connection, doing.actor))
    fitting = [
        one
        for one in standing
        if one.delegate == doing.actor
        and one.principal in state.waiting_for
        and doing.on_behalf_of in ("", one.principal)
    ]
    good = [one for one in fitting if delegation_fails(one, state, uow.now) is None]
    chosen = (good or fitting)[:1]
    if not chosen:
        return doing
    return replace(doing, on_behalf_of=chosen[0].principal, delegation=chosen[0])


# --- inside -------------------------------------------------------------------------------------


def _refusal(directory: Directory, principal: str, wish: Wish, now: datetime) -> str:
    """Why a delegation cannot be asked for, whatever stands already; empty for no reason."""
    verdict = directory.may(principal, PERMISSION, wish.scope, now)
    named = wish.cap is not None and wish.cap > 0 and CURRENCY.fullmatch(wish.currency)
    money = bool(named) or (wish.cap is None and not wish.currency)
    begins = wish.begins(now)
    in_time = max(begins, now) < wish.ends <= begins + LONGEST and begins <= now + LONGEST
    checks = (
        (verdict.allowed, verdict.reason.value),
        (principal != wish.delegate, LendingCode.DELEGATION_TO_SELF),
        (in_time, LendingCode.DELEGATION_TIMES),
        (bool(wish.reason.strip()), LendingCode.DELEGATION_REASON),
        (not wish.kind or wish.kind in shipped_plans(), LendingCode.DELEGATION_KIND),
        (money, LendingCode.DELEGATION_MONEY),
        (
            _may_sign(directory, wish.delegate, wish.kind, wish.scope, now),
            LendingCode.DELEGATE_MAY_NOT_SIGN,
        ),
    )
    return next((str(code) for good, code in checks if not good), "")


def _live(uow: UnitOfWork) -> list[Lending]:
    return _read(uow.connection, _C.ends > uow.now, _C.ended_at.is_(None))


def _take_turns(uow: UnitOfWork) -> None:
    """Wait until nobody else is agreeing to a delegation; what is read afterwards is current.

    A ring or an overlap is made by two rows, so each agreement locks all that live, in one order.
    """
    living = select(_C.id).where(_C.ends > uow.now, _C.ended_at.is_(None)).order_by(_C.id)
    uow.execute(living.with_for_update()).all()


def _wish(one: Lending) -> Wish:
    return Wish(
        one.delegate, one.scope, one.starts, one.ends, one.reason, one.kind, one.cap, one.currency
    )


def _against(
    known: Sequence[Lending], principal: str, wish: Wish, now: datetime
) -> LendingOutcome | None:
    """The refusal for what stands in the way, if anything does."""
    for one in known:
        if one.principal == principal and overlaps(one, wish, now):
            params: dict[str, Any] = {"number": one.number, "person": one.delegate}
            return LendingOutcome(
                ok=False, code=LendingCode.DELEGATION_OVERLAPS, lending=one, params=params
            )
    ring = cycle(known, principal, wish, now)
    if not ring:
        return None
    return LendingOutcome(
        ok=False, code=LendingCode.DELEGATION_CYCLE, params={"chain": " → ".join(ring)}
    )


def _may_sign(directory: Directory, person: str, kind: str, scope: str, at: datetime) -> bool:
    return directory.may(person, permission_for(kind), scope, at).allowed


def _columns(principal: str, wish: Wish) -> dict[str, Any]:
    return {
        "principal": principal,
        "delegate": wish.delegate,
        "scope": wish.scope,
        "kind": wish.kind,
        "cap": wish.cap,
        "currency": wish.currency,
        "ends": wish.ends,
        "reason": wish.reason.strip(),
    }


def _read(
    connection: Connection, *wanted: ColumnElement[bool], limit: int | None = None
) -> list[Lending]:
    query = select(_DELEGATION).where(*wanted).order_by(_C.id.desc()).limit(limit)
    names = [one for one in Lending.__slots__ if one != "number"]
    return [
        Lending(f"{_PREFIX}{row.id}", **{name: getattr(row, name) for name in names})
        for row in connection.execute(query)
    ]


def _standing(connection: Connection, wanted: ColumnElement[bool]) -> tuple[Delegation, ...]:
    found = _read(connection, wanted, _C.confirmed_at.is_not(None))
    return tuple(one.delegation() for one in reversed(found))


def _changed(
    uow: UnitOfWork, one: Lending, values: dict[str, Any], done: tuple[str, str], reason: str = ""
) -> LendingOutcome:
    key = int(one.number.removeprefix(_PREFIX))
    place = [_C.id == key, _C.ended_at.is_(None)]
    if "confirmed_at" in values:
        place.append(_C.confirmed_at.is_(None))
    action, code = done
    if uow.execute(update(_DELEGATION).where(*place).values(**values)).rowcount != 1:
        # Another process was first; what it made of the row is the answer.
        now = find_delegation(uow.connection, one.number)
        first = LendingCode.DELEGATION_ENDED if now.ended_at else LendingCode.AGREED_BEFORE
        return LendingOutcome(ok=now.ended_at is None, code=first, lending=now)
    after = find_delegation(uow.connection, one.number)
    _record(uow, action, after, code, reason)
    return LendingOutcome(ok=True, code=code, lending=after)


def _refused(uow: UnitOfWork, wish: Wish, outcome: LendingOutcome) -> LendingOutcome:
    trail.record(
        uow,
        kind="decision",
        action="delegation.give",
        object_type="delegation",
        object_id=f"{uow.actor}/{wish.delegate}",
        org=wish.scope,
        outcome="refused",
        reason=outcome.code,
        body={"wish": to_json(wish), "params": dict(outcome.params)},
    )
    return outcome


def _record(
    uow: UnitOfWork, action: str, one: Lending, code: str, said: str = "", *, refused: bool = False
) -> None:
    trail.record(
        uow,
        kind="decision",
        action=action,
        object_type="delegation",
        object_id=one.number,
        org=one.scope,
        outcome="refused" if refused else "done",
        reason=code,
        body={"delegation": to_json(one), "said": said},
    )
