"""A mail server that keeps what it receives, for the demo inbox and for the tests (aiosmtpd)."""

import email
import email.policy
import socket
from collections import deque
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it arrived."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def text(self) -> str:
        """The plain-text body."""
        part = self.message.get_body(preferencelist=("plain",))
        return part.get_content() if part is not None else ""


class MailServer:
    """A real SMTP server on 127.0.0.1 and a free port; a context manager.

    `refuse(reply)` lets the next mail be answered with that SMTP reply, such as
    ``"550 no such user"`` or ``"451 try later"``.
    """

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self._replies: deque[str] = deque()
        self._controller: Any = None
        self.port = 0

    def refuse(self, *replies: str) -> None:
        """Answer the next mails with these replies, one each."""
        self._replies.extend(replies)

    async def handle_DATA(  # noqa: N802  (the name that aiosmtpd calls)
        self, _server: object, _session: object, envelope: Any
    ) -> str:
        """Keep one mail, or refuse it as told."""
        if self._replies:
            return self._replies.popleft()
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append(Mail(envelope.mail_from, tuple(envelope.rcpt_tos), message))
        return "250 kept"

    def __enter__(self) -> Self:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()
