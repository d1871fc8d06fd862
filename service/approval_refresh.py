"""Cards of approvals, delegations and test calls that are out: shown anew when those have moved."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import orjson
import structlog
from sqlalchemy import Row, delete, select, update

import approvals
from approvals import LendingState
from directory import CHATS
from service.application import Application
from service.approval_cards import approval_card
from service.approval_effect import effect_of
from service.inbound.tables import CardQueueRow
from service.lending_cards import lending_card
from store import UnitOfWork, outbox
from store.outbox import OutboxRow
from store.schema import table
from store.upsert import insert_or_replace
from workorders.card import Card
from workorders.channel import Handle
from workorders.errors import ChannelFailed, ChannelRetry
from workorders.probe import is_probe, probe_card
from workorders.probes import find_probe

ACTOR = "system:approvals"
MAX_TRIES = 8
_QUEUE = table(str(CardQueueRow.__tablename__))
_RETRY = timedelta(seconds=5)
_LENDING = "DG-"

_log = structlog.get_logger(__name__)


def queue_refresh(uow: UnitOfWork, request_id: str) -> None:
    """Have the delivered cards of a request, a delegation or a test call shown anew."""
    row = {"object_id": request_id, "due_at": uow.now, "tries": 0}
    insert_or_replace(uow.connection, _QUEUE, row, ("object_id",))


def refresh(app: Application) -> int:
    """Show the delivered cards of changed requests anew; returns how many were shown.

    A failing channel never fails the act that went before, and a request that cannot be shown holds
    no other back: it stays on the list, is tried again later and given up like the others.
    """
    with app.store.reader() as connection:
        due = list(
            connection.execute(
                select(_QUEUE).where(_QUEUE.c.due_at <= app.clock()).order_by(_QUEUE.c.due_at)
            )
        )
    shown = 0
    for waiting in due:
        try:
            shown += _refresh_one(app, waiting)
        except Exception:  # noqa: BLE001 - one request must not hold back the others
            _log.exception("cards of a request were not shown anew", request=waiting.object_id)
            with app.store.unit_of_work(ACTOR) as uow:
                _put_off(uow, waiting.object_id, waiting.tries + 1)
    return shown


def _refresh_one(app: Application, waiting: Row[Any]) -> int:
    if waiting.object_id.startswith(_LENDING):
        return _refresh_lending(app, waiting)
    if is_probe(waiting.object_id):
        return _refresh_probe(app, waiting)
    with app.store.reader() as connection:
        state = approvals.read(connection, waiting.object_id)
        messages = outbox.find(connection, state.id)
        effect = effect_of(connection, app, state)
        lent = approvals.delegates(
            connection, state, app.directories.around(connection).directory, app.clock()
        )
    directory = app.directory

    def card_of(message: OutboxRow) -> Card:
        return approval_card(
            state,
            message.target,
            notice_id=message.key,
            directory=directory,
            effect=effect,
            lent=lent.get(message.target),
        )

    done, complete = _show(app, messages, card_of, final=state.status.final)
    with app.store.unit_of_work(ACTOR) as uow:
        current = approvals.read(uow.connection, state.id).version == state.version
        _settle(uow, state.id, waiting.tries + 1, current=current, complete=complete)
    return done


def _refresh_lending(app: Application, waiting: Row[Any]) -> int:
    """The cards of a delegation: the second person has agreed or refused, or it was ended."""
    with app.store.reader() as connection:
        one = approvals.find_delegation(connection, waiting.object_id)
        messages = outbox.find(connection, one.number)
    directory, now = app.directory, app.clock()

    def card_of(message: OutboxRow) -> Card:
        return lending_card(
            one, message.target, notice_id=message.key, directory=directory, now=now, chat=True
        )

    final = one.state(now) is not LendingState.WAITING
    done, complete = _show(app, messages, card_of, final=final)
    with app.store.unit_of_work(ACTOR) as uow:
        current = approvals.find_delegation(uow.connection, one.number) == one
        _settle(uow, one.number, waiting.tries + 1, current=current, complete=complete)
    return done


def _refresh_probe(app: Application, waiting: Row[Any]) -> int:
    """The card of a test call that was confirmed; it moves no more."""
    with app.store.reader() as connection:
        one = find_probe(connection, waiting.object_id)
        messages = outbox.find(connection, waiting.object_id)
    done, complete = (
        (0, True) if one is None else _show(app, messages, lambda _: probe_card(one), final=True)
    )
    with app.store.unit_of_work(ACTOR) as uow:
        _settle(uow, waiting.object_id, waiting.tries + 1, current=True, complete=complete)
    return done


def _show(
    app: Application,
    messages: Sequence[OutboxRow],
    card_of: Callable[[OutboxRow], Card],
    *,
    final: bool,
) -> tuple[int, bool]:
    """How many cards were shown anew, and whether none is left to be."""
    shown, complete = 0, True
    for message in messages:
        if message.state in {"pending", "claimed"}:
            complete = complete and not final
        channel = app.channels.get(message.channel)
        if message.state != "delivered" or channel is None or channel.name not in CHATS:
            continue  # a mail cannot be edited, and nobody is called again to hear that all is well
        card = card_of(message)
        if message.payload == card.as_json():
            continue
        try:
            channel.update(Handle(channel.name, orjson.loads(message.handle)), card)
            shown += 1
        except ChannelRetry:
            complete = False
        except ChannelFailed as fault:
            _log.warning("card not refreshed", key=message.key, code=fault.code)
    return shown, complete


def _settle(uow: UnitOfWork, request_id: str, tries: int, *, current: bool, complete: bool) -> None:
    place = _QUEUE.c.object_id == request_id
    if not current:
        uow.execute(update(_QUEUE).where(place).values(due_at=uow.now, tries=0))
    elif complete:
        uow.execute(delete(_QUEUE).where(place))
    else:
        _put_off(uow, request_id, tries)


def _put_off(uow: UnitOfWork, request_id: str, tries: int) -> None:
    """Try again later; after `MAX_TRIES` the cards stay as they are."""
    place = _QUEUE.c.object_id == request_id
    if tries >= MAX_TRIES:
        uow.execute(delete(_QUEUE).where(place))
        return
    uow.execute(update(_QUEUE).where(place).values(due_at=uow.now + _RETRY * tries, tries=tries))
