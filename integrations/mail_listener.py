"""An LMTP listener for mails that come back: the company's mail server hands each over here.

Nothing is accepted that was not dealt with: a fault of ours is answered ``451``, and the mail
server keeps the mail and comes again. One address a mail is taken: LMTP wants an answer for each.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP

#: Larger mails are refused; of others only the beginning is read.
_LARGEST: Final = 32 * 1024 * 1024
_READY_S: Final = 30.0

_log = structlog.get_logger(__name__)

Known = Callable[[str], str]
"""An address → the notice that it names; empty for an address that nobody made here."""
Take = Callable[[str, bytes, str], bool]
"""(notice, mail, the envelope's sender) → whether it was dealt with; else it is to come again."""


class MailListener:
    """Listens on one address until it is stopped.

    Args:
        host: to listen on.
        port: of it.
        known: which notice an address names.
        take: deals with one mail; it is kept or noted when this returns.
    """

    def __init__(self, host: str, port: int, *, known: Known, take: Take) -> None:
        self._controller = _Listening(
            _Handler(known, take), hostname=host, port=port, ready_timeout=_READY_S
        )

    def start(self) -> None:
        """Begin to listen, in a thread of its own.

        Raises:
            OSError: the address is taken, or not of this machine.
        """
        self._controller.start()

    def stop(self) -> None:
        """End what is under way and let the address go."""
        self._controller.stop()


class _Listening(Controller):
    """aiosmtpd's controller, for LMTP."""

    def factory(self) -> LMTP:
        return LMTP(self.handler, ident="hedgewarden LMTP", data_size_limit=_LARGEST)


class _Handler:
    """What aiosmtpd asks."""

    def __init__(self, known: Known, take: Take) -> None:
        self._known = known
        self._take = take

    async def handle_RCPT(  # noqa: N802 - the name and the arguments that aiosmtpd gives
        self, _server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if envelope.rcpt_tos:
            return "452 4.5.3 one address a mail"
        try:
            notice = await asyncio.to_thread(self._known, address)
        except Exception:  # noqa: BLE001 - the mail server keeps it and comes again
            _log.exception("a return address was not looked up")
            return "451 4.3.0 come again"
        if not notice:
            return "550 5.1.1 no such address"
        session.notice = notice
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: Any, session: Any, envelope: Any
    ) -> str:
        sender = envelope.mail_from or ""
        try:
            done = await asyncio.to_thread(
                self._take, session.notice, bytes(envelope.content), sender
            )
        except Exception:  # noqa: BLE001 - the mail server keeps it and comes again
            _log.exception("a returned mail was not taken")
            done = False
        return "250 2.0.0 taken" if done else "451 4.3.0 come again"
