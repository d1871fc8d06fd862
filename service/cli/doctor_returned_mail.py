"""What `doctor` says of mails that come back: by which way, when last, and what was of no use."""

import socket
from typing import Final

from sqlalchemy import Connection

from integrations import mailbox
from integrations.mailbox import MailboxError
from integrations.return_place import listening_place
from service.cli.findings import Finding
from service.inbound.returned_mail import Stand, kept_count, stand_of
from service.mail_returns import mailbox_of
from service.settings import Settings

CHECK: Final = "returned_mail"
_PATIENCE_S: Final = 5.0
_RESULTS: Final = {
    "MAILBOX_LOGIN": "login",
    "MAILBOX_FOLDER": "folder",
    "MAILBOX_UNREACHABLE": "unreachable",
    "MAILBOX_BROKEN": "broken",
}


def returned_mail_finding(settings: Settings, connection: Connection) -> Finding:
    """Which way mails come back by, and whether it is open."""
    if not settings.smtp_host:
        return Finding(CHECK, "no_mail")
    if not settings.bounce_address:
        return Finding(CHECK, "unconfirmed")
    stand = stand_of(connection)
    shown = _shown(settings, stand)
    place, at = listening_place(settings.bounce_lmtp), mailbox_of(settings)
    if place is not None and not _answers(*place):
        return Finding(CHECK, "silent", shown)
    if at is not None:
        try:
            with mailbox.opened(at):
                pass
        except MailboxError as fault:
            return Finding(CHECK, _RESULTS[fault.code], {**shown, "detail": str(fault)})
    kept = kept_count(settings.data)
    return Finding(CHECK, "kept" if kept else "good", {**shown, "kept": str(kept)})


def _shown(settings: Settings, stand: Stand) -> dict[str, str]:
    imap = f"IMAP {settings.bounce_imap_user} @ {settings.bounce_imap_host}"
    return {
        "address": settings.bounce_address,
        "way": f"LMTP {settings.bounce_lmtp}" if settings.bounce_lmtp else imap,
        "read_at": stand.read_at or "-",
        "returned": str(stand.counts.get("bounced", 0)),
        "forged": str(stand.counts.get("forged", 0)),
    }


def _answers(host: str, port: int) -> bool:
    """Whether something greets there as a mail server does."""
    try:
        with socket.create_connection((host, port), _PATIENCE_S) as line:
            line.settimeout(_PATIENCE_S)
            return line.recv(4).startswith(b"220")
    except OSError:
        return False
