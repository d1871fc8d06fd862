"""Mails that came back: each is read, noted with the notice that its address names, and counted.

Whatever a mail says, it can do no more than say how a delivery went: nothing in it acknowledges,
approves, closes or answers anything, and nothing is sent in reply.
"""

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from integrations import mailbox
from integrations.mail_listener import MailListener
from integrations.mail_return import ReturnAddresses
from integrations.mailbox import MailboxAddress, MailboxError
from integrations.receipts import BOUNCED, DELAYED, DELIVERED, RELAYED, Receipt
from integrations.return_place import listening_place
from integrations.returned_mail import LARGEST, Said, addressed_to, read
from service.application import Application
from service.inbound.clicks import actor_of
from service.inbound.receipts import note
from service.mail_returns import mailbox_of, returns_of
from store import positions
from store.clock import rfc3339

CHANNEL: Final = "email"
ACTOR: Final = actor_of(CHANNEL)
STAND: Final = "mail.returned"
KEPT: Final = "returned-mail"
FORGED, REPEATED, UNKNOWN = "forged", "repeated", "unknown"
#: So much is kept of mails that could not be used; beyond it the mail server keeps them.
KEPT_BYTES: Final = 100 * 1024 * 1024
_STATUS: Final = {
    Said.FAILED: BOUNCED,
    Said.DELAYED: DELAYED,
    Said.RELAYED: RELAYED,
    Said.DELIVERED: DELIVERED,
}
#: Of no use, and somebody may want to look.
_BAD: Final = frozenset({FORGED, UNKNOWN, Said.UNCLEAR.value, Said.OTHER_MAIL.value})

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stand:
    """What has come back so far.

    Attributes:
        counts: what it was → how many mails: a receipt's status, ``auto_reply``, ``other_mail``,
            ``unclear``, ``forged`` (an address that nobody made here), ``repeated``, ``unknown``.
        read_at: when the last mail came in, or the mailbox was last read; None for never.
        fault: why the mailbox could not be read the last time; else empty.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    read_at: str | None = None
    fault: str = ""


def stand_of(connection: Connection) -> Stand:
    """How it stands, as the last transaction left it."""
    kept = positions.read(connection, STAND)
    if kept is None:
        return Stand()
    known: dict[str, Any] = json.loads(kept)
    return Stand(known["counts"], known["read_at"], known["fault"])


class ReturnedMail:
    """Takes mails that came back.

    Args:
        app: whose notices they are about.
        addresses: makes and reads the addresses to which they came.
    """

    def __init__(self, app: Application, addresses: ReturnAddresses) -> None:
        self._app = app
        self._addresses = addresses
        self._counting = Lock()
        self._told = ""

    def known(self, address: str) -> str:
        """The notice that an address names; an address that nobody made here is counted."""
        notice = self._addresses.notice_in(address)
        if not notice:
            self._count(FORGED)
        return notice

    def take(self, notice: str, raw: bytes, sender: str) -> bool:
        """Note one mail from the listener; False when it is to come again.

        What is of no use is kept in the data folder.
        """
        found = self._note(notice, raw, sender)
        if found is None or (found in _BAD and not self._keep(raw)):
            return False
        self._count(found)
        return True

    def read_mailbox(self, at: MailboxAddress) -> int:
        """Read what is unread in the mailbox; returns how many mails were dealt with."""
        done, fault = 0, ""
        try:
            with mailbox.opened(at) as box:
                for number, raw in box.unread(LARGEST):
                    found = self._found(raw)
                    if found is None:
                        continue
                    box.mark(number, bad=found in _BAD)
                    self._count(found)
                    done += 1
        except MailboxError as broken:
            fault = broken.code
            if fault != self._told:
                _log.warning("the mailbox of returned mail was not read", fault=str(broken))
        self._told = fault
        self._write({}, fault)
        return done

    def _found(self, raw: bytes) -> str | None:
        """What a mail of the mailbox was; None for one that is to be read again."""
        notice = self._addresses.notice_in(addressed_to(raw))
        if not notice:
            return FORGED
        try:
            return self._note(notice, raw, None)
        except Exception:  # noqa: BLE001 - one mail must not hold back the others
            _log.exception("a returned mail was not noted", notice=notice)
            return None

    def _note(self, notice: str, raw: bytes, sender: str | None) -> str | None:
        """What a mail was; None when its notice has not been settled yet."""
        report = read(raw, sender)
        status = _STATUS.get(report.said)
        if status is None:
            return report.said.value
        code = "" if status == DELIVERED else report.status
        noted = note(self._app, Receipt(CHANNEL, notice, status, code))
        if noted == "NOTICE_ON_ITS_WAY":
            return None
        return {"ALREADY_DONE": REPEATED, "UNKNOWN_NOTICE": UNKNOWN}.get(noted, status)

    def _keep(self, raw: bytes) -> bool:
        """Keep a mail in the data folder, once; False when too much is kept there."""
        folder = self._app.settings.data / KEPT
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / f"{sha256(raw).hexdigest()[:32]}.eml"
        if file.exists():
            return True
        if _size(folder) + len(raw) > KEPT_BYTES:
            _log.warning("too much returned mail of no use is kept", folder=str(folder))
            return False
        part = file.with_suffix(".part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as kept:
            kept.write(raw)
        part.replace(file)
        return True

    def _count(self, what: str) -> None:
        self._write({what: 1}, "")

    def _write(self, more: Mapping[str, int], fault: str) -> None:
        with self._counting, self._app.store.unit_of_work(ACTOR) as uow:
            before = stand_of(uow.connection)
            counts = {**before.counts, **{k: before.counts.get(k, 0) + n for k, n in more.items()}}
            read_at = before.read_at if fault else rfc3339(uow.now)
            kept = {"counts": counts, "read_at": read_at, "fault": fault}
            positions.write(uow, STAND, json.dumps(kept, sort_keys=True))


def kept_count(data: Path) -> int:
    """How many mails of no use are kept in a data folder."""
    return sum(1 for _ in (data / KEPT).glob("*.eml"))


def _size(folder: Path) -> int:
    total = 0
    for one in folder.iterdir():
        with suppress(FileNotFoundError):
            total += one.stat().st_size
    return total


def returned_mail(app: Application) -> ReturnedMail | None:
    """Who takes what comes back; None when no address is set for it."""
    addresses = returns_of(app.settings, app.keys)
    return None if addresses is None else ReturnedMail(app, addresses)


def mail_listener(app: Application) -> MailListener | None:
    """The listener that the settings ask for; None for none."""
    taking = returned_mail(app)
    place = listening_place(app.settings.bounce_lmtp)
    if taking is None or place is None:
        return None
    return MailListener(*place, known=taking.known, take=taking.take)


def mailbox_reader(app: Application) -> Callable[[datetime], int] | None:
    """A round of reading the mailbox; None when none is set up."""
    taking, at = returned_mail(app), mailbox_of(app.settings)
    if taking is None or at is None:
        return None
    return lambda _now: taking.read_mailbox(at)
