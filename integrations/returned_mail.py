"""What a mail says that came to a return address: returned, delayed, passed on, or nothing of it.

Reports of delivery status are read as RFC 3464 has them; a mail without such a part is taken for a
bounce only when it comes from a mail system and names a failure. Whatever else comes, an
out-of-office reply first of all, says nothing about a delivery. The text of a mail is never obeyed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.header import decode_header
from email.message import Message
from enum import StrEnum
from typing import Final

#: So much of a mail is read: the report stands before what it sends back.
LARGEST: Final = 256 * 1024
_DEEPEST: Final = 8
_MOST_PARTS: Final = 64
_MOST_TEXT: Final = 16 * 1024
_SYSTEMS: Final = ("mailer-daemon", "postmaster", "mail-daemon", "maildaemon")
_CODE = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b", re.ASCII)
_REPLY = re.compile(r"(?<![\d.])([45])\d\d[ -](?=\S)", re.ASCII)
_DELAY = re.compile(
    r"\bdelay(?:ed)?\b|will (?:be retried|keep trying|continue to try)|still trying|延迟|继续尝试",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"undeliver|returned mail|return(?:ed|ing) to sender|delivery (?:has )?failed|failure notice"
    r"|(?:couldn't|could not|cannot) be delivered|delivery status notification \(failure\)"
    r"|退信|投递失败|无法投递|无法送达",
    re.IGNORECASE,
)
_QMAIL = "hi. this is the "


class Said(StrEnum):
    """What a mail says about the delivery of another."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"
    DELIVERED = "delivered"
    AUTO_REPLY = "auto_reply"
    OTHER_MAIL = "other_mail"
    """it is about a mail that is itself a report, which we never send"""
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Report:
    """What was read.

    Attributes:
        said: about the delivery.
        status: the status code of the mail system (RFC 3463), such as ``5.1.1``; its general form
            where none is told; empty where it says nothing about a delivery.
    """

    said: Said
    status: str = ""


def read(raw: bytes, sender: str | None = None) -> Report:
    """What this mail says.

    Args:
        raw: the mail; more than `LARGEST` bytes of it are not read.
        sender: of the envelope, empty or ``<>`` for a mail system; None when it is not known and
            the mail's own ``Return-Path`` tells.
    """
    try:
        return _read(message_from_bytes(raw[:LARGEST], policy=policy.compat32), sender)
    except Exception:  # noqa: BLE001 - a stranger wrote it: nothing in it may end the reading
        return Report(Said.UNCLEAR)


def addressed_to(raw: bytes) -> str:
    """The headers that may hold the address to which a mail came, one to a line."""
    head = re.split(rb"\r?\n\r?\n", raw[:LARGEST], maxsplit=1)[0].decode("ascii", "replace")
    unfolded = re.sub(r"\r?\n[ \t]+", " ", head)
    names = ("delivered-to:", "x-original-to:", "envelope-to:", "x-envelope-to:", "to:")
    return "\n".join(one for one in unfolded.splitlines() if one.lower().startswith(names))


def _read(mail: Message, sender: str | None) -> Report:
    parts = list(_parts(mail))
    if any(_of_a_report(one) for one in parts):
        return Report(Said.OTHER_MAIL)
    statuses = [one for one in parts if one.get_content_type() == "message/delivery-status"]
    found = [said for one in statuses for said in _recipients(one)]
    if found:
        return _gravest(found)
    if _auto_reply(mail):
        return Report(Said.AUTO_REPLY)
    if statuses:  # the report was cut off, or is none
        return Report(Said.UNCLEAR)
    return _without_report(mail, parts, sender)


def _parts(mail: Message, depth: int = 0) -> Iterator[Message]:
    """The parts, outermost first, without what stands inside a mail that was sent back."""
    yield mail
    inside = mail.get_payload()
    if not isinstance(inside, list) or depth >= _DEEPEST:
        return
    if mail.get_content_maintype() == "message":  # a returned mail, or a report's fields
        return
    for one in inside[:_MOST_PARTS]:
        if isinstance(one, Message):
            yield from _parts(one, depth + 1)


def _of_a_report(part: Message) -> bool:
    """Whether this part returns a mail that was itself a report of delivery."""
    kind = part.get_content_type()
    inside = part.get_payload()
    if kind == "message/rfc822" and isinstance(inside, list) and inside:
        returned = inside[0]
    elif kind == "text/rfc822-headers":
        body = part.get_payload(decode=True)
        returned = message_from_bytes(body if isinstance(body, bytes) else b"")
    else:
        return False
    return isinstance(returned, Message) and returned.get_content_type() == "multipart/report"


def _recipients(part: Message) -> Iterator[tuple[Said, str]]:
    """What a report says of each recipient: its action, else the class of its status code."""
    blocks = part.get_payload()
    for one in blocks if isinstance(blocks, list) else ():
        if not isinstance(one, Message):
            continue
        action = _plain(one.get("Action")).split("(")[0].strip().lower()
        code = _CODE.match(_plain(one.get("Status")).strip())
        status = code[0] if code else ""
        said = _ACTIONS.get(action) or (_BY_CLASS[status[0]] if status else None)
        if said is not None:
            yield said, status or _GENERAL[said]


def _gravest(found: list[tuple[Said, str]]) -> Report:
    """A mail of ours has one recipient; of several that it was spread to the worst counts."""
    said, status = min(found, key=lambda one: list(_GENERAL).index(one[0]))
    return Report(said, status)


def _auto_reply(mail: Message) -> bool:
    """Whether a person's mail program answered by itself (RFC 3834 and older habits), or a reader.

    A receipt that somebody read a mail proves no more than that: it is no decision either.
    """
    kind = mail.get_content_type()
    if kind == "multipart/report":
        return _plain(mail.get_param("report-type")).lower() not in {"", "delivery-status"}
    if _from_system(mail):
        return False
    sent = _plain(mail.get("Auto-Submitted")).split(";")[0].strip().lower()
    habits = ("X-Autoreply", "X-Autorespond", "X-Autoresponse", "X-Vacation")
    return (
        sent.startswith(("auto-replied", "auto-notified"))
        or any(name in mail for name in habits)
        or _plain(mail.get("Precedence")).strip().lower() == "auto_reply"
    )


def _without_report(mail: Message, parts: list[Message], sender: str | None) -> Report:
    """A mail system's own words: older and smaller systems send no report."""
    if sender is None:
        sender = _plain(mail.get("Return-Path", "?"))
    nobody = sender.strip() in {"", "<>"}
    text = _text(parts)
    listed = "X-Failed-Recipients" in mail
    qmail = text.lstrip().lower().startswith(_QMAIL)
    if not (listed or qmail or nobody or _from_system(mail)):
        return Report(Said.UNCLEAR)
    said = f"{_subject(mail)}\n{text}"
    codes = [found[0] for found in _CODE.finditer(said)]
    permanent = next((one for one in codes if one[0] == "5"), "")
    if permanent:
        return Report(Said.FAILED, permanent)
    passing = next((one for one in codes if one[0] == "4"), "")
    replies = {found[1] for found in _REPLY.finditer(said)}
    if passing or _DELAY.search(said) or replies == {"4"}:
        return Report(Said.DELAYED, passing or _GENERAL[Said.DELAYED])
    if listed or qmail or "5" in replies or _FAILURE.search(said):
        return Report(Said.FAILED, _GENERAL[Said.FAILED])
    return Report(Said.UNCLEAR)


def _from_system(mail: Message) -> bool:
    author = _plain(mail.get("From")).lower()
    return any(f"{one}@" in author or f"<{one}>" in author for one in _SYSTEMS) or (
        "mail delivery s" in author
    )


def _text(parts: list[Message]) -> str:
    for one in parts:
        if one.get_content_maintype() == "text" and one.get_content_subtype() != "rfc822-headers":
            body = one.get_payload(decode=True)
            if isinstance(body, bytes):
                return _in_letters(body[:_MOST_TEXT], one.get_content_charset())
    return ""


def _in_letters(body: bytes, charset: str | None) -> str:
    try:
        return body.decode(charset or "utf-8", "replace")
    except LookupError:  # a name that stands for no character set
        return body.decode("utf-8", "replace")


def _subject(mail: Message) -> str:
    said = decode_header(_plain(mail.get("Subject")))
    return "".join(_in_letters(one, name) if isinstance(one, bytes) else one for one, name in said)


def _plain(value: object) -> str:
    return "" if value is None else str(value)


#: Gravest first, each with the status code that says no more than its class.
_GENERAL: Final = {
    Said.FAILED: "5.0.0",
    Said.DELAYED: "4.0.0",
    Said.RELAYED: "2.0.0",
    Said.DELIVERED: "2.0.0",
}
_ACTIONS: Final = {
    "failed": Said.FAILED,
    "delayed": Said.DELAYED,
    "relayed": Said.RELAYED,
    "expanded": Said.RELAYED,
    "delivered": Said.DELIVERED,
}
_BY_CLASS: Final = {"5": Said.FAILED, "4": Said.DELAYED, "2": Said.RELAYED}
