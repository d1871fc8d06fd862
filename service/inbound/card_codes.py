"""Codes with which a chat lets its delivered cards be edited, each once and for a while."""

from datetime import timedelta

from sqlalchemy import delete, select

from integrations.wecom import CODE_LIFE
from service.inbound.tables import CardCodeRow
from store import Store, UnitOfWork
from store.schema import table
from store.upsert import insert_new

_CODES = table(str(CardCodeRow.__tablename__))


def wecom_codes(store: Store) -> "StoredCodes":
    """Where the codes of WeCom's cards are kept."""
    return StoredCodes(store, "wecom", CODE_LIFE)


def keep_code(
    uow: UnitOfWork, channel: str, where: tuple[str, str], code: str, life: timedelta
) -> None:
    """Keep a code in the caller's transaction; what is over is forgotten.

    Args:
        uow: the transaction.
        channel: whose code.
        where: the notice, and the message about it that the code edits.
        code: as the chat gave it.
        life: how long it can be used.
    """
    notice, message = where
    uow.execute(delete(_CODES).where(_CODES.c.expires_at <= uow.now))
    row = {
        "channel": channel,
        "code": code,
        "notice": notice,
        "message": message,
        "made_at": uow.now,
        "expires_at": uow.now + life,
    }
    insert_new(uow.connection, _CODES, row)


class StoredCodes:
    """The codes of one channel, in the database: one process sends a card, another edits it.

    Args:
        store: for transactions of their own; never called inside another one.
        channel: whose codes.
        life: how long a code can be used.
    """

    def __init__(self, store: Store, channel: str, life: timedelta) -> None:
        self._store = store
        self._channel = channel
        self._life = life

    def of(self, notice: str) -> tuple[tuple[str, str], ...]:
        """Message and code, for all messages about a notice; the newest code first."""
        c = _CODES.c
        with self._store.reader() as connection:
            found = connection.execute(
                select(c.message, c.code)
                .where(
                    c.channel == self._channel,
                    c.notice == notice,
                    c.expires_at > self._store.clock(),
                )
                .order_by(c.made_at.desc(), c.code)
            )
            return tuple((row.message, row.code) for row in found)

    def keep(self, notice: str, message: str, code: str) -> None:
        """Keep a code that edits one message."""
        with self._store.unit_of_work(f"channel:{self._channel}") as uow:
            keep_code(uow, self._channel, (notice, message), code, self._life)

    def spend(self, code: str) -> None:
        """Forget a code that was used."""
        c = _CODES.c
        with self._store.unit_of_work(f"channel:{self._channel}") as uow:
            uow.execute(delete(_CODES).where(c.channel == self._channel, c.code == code))
