"""What follows from a delegation: its delegate is told of what waits, and no card stays untrue."""

from datetime import datetime

import approvals
from approvals import Lending, LendingCode, LendingOutcome, Wish
from service.application import Application
from service.approval_refresh import ACTOR, queue_refresh
from service.approving import announce
from store import UnitOfWork, outbox


def give(uow: UnitOfWork, app: Application, wish: Wish) -> LendingOutcome:
    """As `approvals.give_delegation`, with the directory as it is in this transaction."""
    return approvals.give_delegation(uow, wish, app.directories.around(uow.connection).directory)


def confirm(uow: UnitOfWork, app: Application, number: str) -> LendingOutcome:
    """As `approvals.confirm_delegation`; the agents tell the delegate once it has begun."""
    directory = app.directories.around(uow.connection).directory
    return approvals.confirm_delegation(uow, number, directory)


def end(uow: UnitOfWork, number: str, reason: str = "") -> LendingOutcome:
    """As `approvals.end_delegation`; the delegate's cards lose their buttons."""
    outcome = approvals.end_delegation(uow, number, reason)
    if outcome.code == LendingCode.DELEGATION_OVER and outcome.lending is not None:
        for state in approvals.waiting_for(uow.connection, outcome.lending.principal, uow.now):
            if outbox.find(uow.connection, state.id):
                queue_refresh(uow, state.id)
    return outcome


def tell_begun(app: Application, now: datetime) -> int:
    """Send the delegates of delegations that have begun what waits; returns how many began."""
    with app.store.reader() as connection:
        begun = approvals.untold(connection, now)
    for one in begun:
        with app.store.unit_of_work(ACTOR) as uow:
            _tell(uow, app, one)
    return len(begun)


def _tell(uow: UnitOfWork, app: Application, one: Lending) -> None:
    waiting = approvals.waiting_for(uow.connection, one.principal, uow.now)
    if not approvals.mark_told(uow, one.number, [state.id for state in waiting]):
        return  # another process did it
    ctx = app.context(app.directories.around(uow.connection))
    for state in waiting:
        announce(uow, app, ctx, state)
