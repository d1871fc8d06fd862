"""What follows from a delegation: who is told of it, and no card stays untrue.

The second person gets a card when it is asked for, the principal when that one has agreed or
refused, the delegate what waits once it has begun.
"""

from collections.abc import Sequence
from datetime import datetime

import approvals
import trail
from approvals import Lending, LendingCode, LendingOutcome, Wish
from service.application import Application
from service.approval_refresh import ACTOR, queue_refresh
from service.approving import announce
from service.lending_cards import lending_card
from store import UnitOfWork, outbox


def give(uow: UnitOfWork, app: Application, wish: Wish) -> LendingOutcome:
    """As `approvals.give_delegation`; who can agree to it gets a card."""
    directory = app.directories.around(uow.connection).directory
    outcome = approvals.give_delegation(uow, wish, directory)
    if outcome.code == LendingCode.DELEGATION_WAITS and outcome.lending is not None:
        one = outcome.lending
        able = directory.holders(approvals.LENDING_PERMISSION, one.scope, uow.now)
        # The delegate; where that one cannot agree, everybody else who can.
        second = [one.delegate] if one.delegate in able else [p for p in able if p != one.principal]
        _card(uow, app, one, second, "asked")
    return outcome


def confirm(uow: UnitOfWork, app: Application, number: str) -> LendingOutcome:
    """As `approvals.confirm_delegation`; the agents tell the delegate once it has begun."""
    directory = app.directories.around(uow.connection).directory
    outcome = approvals.confirm_delegation(uow, number, directory)
    if outcome.code == LendingCode.DELEGATION_AGREED and outcome.lending is not None:
        _answered(uow, app, outcome.lending)
    return outcome


def end(uow: UnitOfWork, app: Application, number: str, reason: str = "") -> LendingOutcome:
    """As `approvals.end_delegation`; the delegate's cards lose their buttons."""
    outcome = approvals.end_delegation(uow, number, reason)
    if outcome.code == LendingCode.DELEGATION_OVER and outcome.lending is not None:
        _answered(uow, app, outcome.lending)
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


def _answered(uow: UnitOfWork, app: Application, one: Lending) -> None:
    """No card of it asks any more; the principal is told what somebody else did with it."""
    outbox.cancel(uow, group=one.number)
    queue_refresh(uow, one.number)
    if uow.actor != one.principal:
        told = "ended" if one.ended_by else "agreed"
        _card(uow, app, one, [one.principal], told)


def _card(
    uow: UnitOfWork, app: Application, one: Lending, people: Sequence[str], about: str
) -> None:
    """Queue the card to these people on every channel, on record with what they were shown."""
    around = app.directories.around(uow.connection)
    directory = around.directory
    cards = [
        (person, channel, lending_card(
            one, person, notice_id=f"{one.number}/{about}/{person}/{channel}",
            directory=directory, now=uow.now, chat=channel != "email",
        ))
        for person in people
        for channel in app.context(around).channels
    ]  # fmt: skip
    for person, channel, card in cards:
        outbox.put(
            uow, channel=channel, target=person, payload=card.as_json(), key=card.notice_id,
            group=one.number,
        )  # fmt: skip
    if not cards:
        return
    trail.record(
        uow,
        kind="notification",
        action="delegation.announce",
        object_type="delegation",
        object_id=one.number,
        org=one.scope,
        outcome="queued",
        body={
            "people": list(people),
            "about": about,
            "blobs": {"card": trail.put_blob(uow, trail.canonical(cards[0][2].as_json()))},
        },
    )
