"""A mailbox over IMAP with TLS: what is unread there, one mail at a time, each marked when done.

Nothing is ever deleted or moved: what was read stays in the mailbox, marked as seen, and what could
not be used is flagged beside it.
"""

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

_BATCH: Final = 100
_SEEN: Final = r"(\Seen)"
_BAD: Final = r"(\Seen \Flagged)"


@dataclass(frozen=True, slots=True)
class MailboxAddress:
    """Where the mailbox is and who may read it."""

    host: str
    port: int
    user: str
    password: str
    folder: str = "INBOX"
    timeout_s: float = 10.0


class MailboxError(Exception):
    """The mailbox could not be read; what was not marked is read the next time.

    Attributes:
        code: ``MAILBOX_UNREACHABLE``, ``MAILBOX_LOGIN`` (account or password), ``MAILBOX_FOLDER``
            or ``MAILBOX_BROKEN`` (the server broke off or answered what it must not).
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code = code


class Mailbox:
    """An open mailbox; made by `opened`."""

    def __init__(self, server: imaplib.IMAP4) -> None:
        self._server = server

    def unread(self, most_bytes: int) -> Iterator[tuple[str, bytes]]:
        """The numbers of unread mails with their first `most_bytes`, oldest first.

        Raises:
            MailboxError: the server broke off.
        """
        with _told():
            found = self._ask("SEARCH", "UNSEEN")
        numbers = b" ".join(one for one in found if isinstance(one, bytes)).split()
        for number in numbers[:_BATCH]:
            name = number.decode("ascii", "replace")
            with _told():
                parts = self._ask("FETCH", name, f"(BODY.PEEK[]<0.{most_bytes}>)")
            texts = [one[1] for one in parts if isinstance(one, tuple)]
            if not texts:  # taken away meanwhile by somebody else
                continue
            yield name, bytes(texts[0])

    def mark(self, number: str, *, bad: bool) -> None:
        """Mark a mail as seen, and as one that was of no use.

        Raises:
            MailboxError: the server broke off; the mail is unread as before.
        """
        with _told():
            self._ask("STORE", number, "+FLAGS", _BAD if bad else _SEEN)

    def _ask(self, command: str, *given: str) -> list[object]:
        answer, found = self._server.uid(command, *given)
        if answer != "OK":
            raise MailboxError("MAILBOX_BROKEN", f"{command} {answer}")
        return list(found)


@contextmanager
def opened(at: MailboxAddress) -> Iterator[Mailbox]:
    """The mailbox, let go at the end.

    Raises:
        MailboxError: it cannot be reached, or does not let us in.
    """
    context = ssl.create_default_context()
    try:
        server = imaplib.IMAP4_SSL(at.host, at.port, ssl_context=context, timeout=at.timeout_s)
    except (OSError, imaplib.IMAP4.error) as fault:
        raise MailboxError("MAILBOX_UNREACHABLE", _plain(fault)) from fault
    try:
        with _told("MAILBOX_LOGIN"):
            server.login(at.user, at.password)
        with _told("MAILBOX_FOLDER"):
            answer, found = server.select(_quoted(at.folder))
            if answer != "OK":
                raise MailboxError("MAILBOX_FOLDER", _plain(found))
        yield Mailbox(server)
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            server.logout()


@contextmanager
def _told(refused: str = "MAILBOX_BROKEN") -> Iterator[None]:
    """A refusal under its own code; a line that broke is another matter."""
    try:
        yield
    except (imaplib.IMAP4.abort, OSError) as fault:
        raise MailboxError("MAILBOX_BROKEN", _plain(fault)) from fault
    except (imaplib.IMAP4.error, ValueError) as fault:  # or what IMAP cannot carry
        raise MailboxError(refused, _plain(fault)) from fault


def _quoted(folder: str) -> str:
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain(fault: object) -> str:
    return re.sub(r"\s+", " ", str(fault))[:200]
