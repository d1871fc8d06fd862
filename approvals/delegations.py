"""Delegations that stand: one person signs for another in all requests that are covered."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection, insert, select, update

import trail
from approvals.codec import to_json
from approvals.segregation import delegation_fails
from approvals.state import Act, Delegation, State
from approvals.tables import DelegationRow
from store import UnitOfWork
from store.schema import table

_DELEGATION = table(str(DelegationRow.__tablename__))


def delegate(uow: UnitOfWork, given: Delegation) -> None:
    """Let another person sign for the principal in all requests that the delegation covers.

    Raises:
        ValueError: when it has ended already or names one person twice.
    """
    if given.ends <= uow.now or given.principal == given.delegate:
        raise ValueError("a delegation needs an end in the future and two people")
    row = to_json(given) | {"ends": given.ends, "cap": given.cap}
    uow.execute(insert(_DELEGATION).values(**row))
    _record_delegation(uow, "delegation.give", given)


def end_delegation(uow: UnitOfWork, principal: str, delegate_id: str) -> int:
    """End all standing delegations between two people; returns how many there were."""
    standing = [
        one for one in standing_delegations(uow.connection, delegate_id) if one.ends > uow.now
    ]
    mine = [one for one in standing if one.principal == principal]
    if mine:
        uow.execute(
            update(_DELEGATION)
            .where(
                _DELEGATION.c.principal == principal,
                _DELEGATION.c.delegate == delegate_id,
                _DELEGATION.c.ends > uow.now,
            )
            .values(ends=uow.now)
        )
        for one in mine:
            _record_delegation(uow, "delegation.end", one)
    return len(mine)


def _record_delegation(uow: UnitOfWork, action: str, one: Delegation) -> None:
    trail.record(
        uow,
        kind="decision",
        action=action,
        object_type="delegation",
        object_id=f"{one.principal}/{one.delegate}",
        org=one.scope,
        outcome="done",
        body=to_json(one),
    )


def standing_delegations(connection: Connection, delegate_id: str) -> tuple[Delegation, ...]:
    """All standing delegations to one person, ended ones too."""
    query = select(_DELEGATION).where(_DELEGATION.c.delegate == delegate_id)
    return tuple(
        Delegation(row.principal, row.delegate, row.scope, row.ends, row.cap, row.kind)
        for row in connection.execute(query.order_by(_DELEGATION.c.id))
    )


def lent_by(connection: Connection, principals: Collection[str]) -> tuple[Delegation, ...]:
    """All standing delegations that these people gave, ended ones too."""
    query = select(_DELEGATION).where(_DELEGATION.c.principal.in_(principals))
    return tuple(
        Delegation(row.principal, row.delegate, row.scope, row.ends, row.cap, row.kind)
        for row in connection.execute(query.order_by(_DELEGATION.c.id))
    )


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
