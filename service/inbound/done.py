"""Requests that are carried out before they are answered: what came of each, kept in the inbox."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from store import UnitOfWork, inbox
from store.schema import table
from workorders import Answer
from workorders.plain import plain

_INBOX = table("store_inbox")


def keep_done(
    uow: UnitOfWork,
    source: str,
    key: str,
    payload: dict[str, Any],
    outcome: Answer | Mapping[str, Any],
) -> bool:
    """Remember, in the transaction of the act, what came of it for whoever asks the same again.

    False when the same request was done meanwhile, in another transaction.

    Args:
        uow: the transaction.
        source: the channel.
        key: the same for the same request.
        payload: what was asked.
        outcome: what came of it.
    """
    if not inbox.accept(uow, source, key, payload):
        return False
    c = _INBOX.c
    number: int = uow.connection.execute(
        select(c.id).where(c.source == source, c.message_key == key)
    ).scalar_one()
    said = asdict(outcome) if isinstance(outcome, Answer) else dict(outcome)
    return inbox.consume(uow, number, plain(said))
