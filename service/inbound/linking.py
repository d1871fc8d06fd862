"""Tying a chat account to a person: a one-time private link, used by the person signed in.

The act that waited is then carried out by itself, with the rights that the person has at that
moment.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, delete, select, update

from directory import Account, link_account
from service.application import Application
from service.inbound.tables import AccountLinkRow
from store import UnitOfWork, inbox
from store.schema import table
from workorders.channel import Inbound

LIFE = timedelta(minutes=30)
_LINKS = table(str(AccountLinkRow.__tablename__))


@dataclass(frozen=True, slots=True)
class Link:
    """A link that can be used.

    Attributes:
        token_hash: its key.
        account: in the chat.
        message_key: of the inbox row whose act waits; empty for none.
    """

    token_hash: str
    account: Account
    message_key: str


def offer(uow: UnitOfWork, app: Application, inbound: Inbound) -> str:
    """The address of a new link for who pressed."""
    account = account_of(inbound)
    token = secrets.token_urlsafe(32)
    row = {
        "token_hash": _hash(token),
        "channel": account.channel,
        "team": account.team,
        "user_id": account.user,
        "message_key": inbound.event_id,
        "made_at": uow.now,
        "expires_at": uow.now + LIFE,
        "used_at": None,
    }
    uow.execute(_LINKS.insert(), row)
    uow.execute(delete(_LINKS).where(_LINKS.c.expires_at <= uow.now - LIFE))
    return f"{app.settings.public_url.rstrip('/')}/link/{account.channel}/{token}"


def account_of(inbound: Inbound) -> Account:
    """Whose click it is, in the chat's own terms."""
    team, _, user = inbound.actor_ref.partition("/")
    return Account(inbound.channel, team, user)


def find(connection: Connection, channel: str, token: str, now: datetime) -> Link | None:
    """The link, or None when it is unknown, used or over."""
    c = _LINKS.c
    row = connection.execute(
        select(_LINKS).where(
            c.token_hash == _hash(token),
            c.channel == channel,
            c.expires_at > now,
            c.used_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    account = Account(row.channel, row.team, row.user_id)
    return Link(row.token_hash, account, row.message_key)


def use(uow: UnitOfWork, link: Link, person: str) -> bool:
    """Tie the account to the person; False when the link was used a moment ago.

    Raises:
        directory.AccountTaken: when the account is another person's.
    """
    c = _LINKS.c
    used = update(_LINKS).where(c.token_hash == link.token_hash, c.used_at.is_(None))
    if uow.execute(used.values(used_at=uow.now)).rowcount != 1:
        return False
    link_account(uow, person, link.account)
    return True


def waiting(connection: Connection, link: Link) -> Inbound | None:
    """The act that waits behind the link."""
    payload = inbox.payload(connection, link.account.channel, link.message_key)
    return None if payload is None else Inbound(**payload)


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
