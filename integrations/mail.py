"""E-mail over SMTP: notices out, and the requests that their links make.

GET and HEAD never act. A POST needs the token of the link; with the six digits of the mail's text
it may acknowledge, with a signed-in session it counts as that person's act (`strong`).
"""

import hashlib
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from html import escape
from socket import socket
from urllib.parse import parse_qs

from integrations import mail_tokens
from integrations.mail_return import ReturnAddresses
from integrations.mail_subject import SENDING
from integrations.outbound import Outbound
from integrations.wording import CardText, Wording, card_text
from store.clock import Clock
from workorders.card import Card
from workorders.channel import Handle, Inbound, RawInbound, Refusal, Updated
from workorders.errors import ChannelFailed, ChannelRetry

LINK_LIFE = timedelta(hours=24)
_BACK_OFF_S = 30
#: A server that asks to come back (rate limits, greylisting) means minutes, and says no figure.
_ASKED_BACK_OFF_S = 60
_PERMANENT = 500
ACKNOWLEDGE = "acknowledge"
_DIRECT = Outbound()


@dataclass(frozen=True, slots=True)
class MailServerAddress:
    """Where and how mail is handed over."""

    host: str
    port: int
    tls: str = "none"
    user: str = ""
    password: str = ""
    sender: str = "hedgewarden@localhost"
    timeout_s: float = 10.0
    outbound: Outbound | None = None
    """the way out; None is a direct connection, whatever the proxy for HTTP is"""


class MailChannel:
    """The adapter.

    Args:
        server: the mail server.
        key: the key of mail tokens.
        wording: the catalogues.
        language_of: the language of a person's mails.
        public_url: the console's address; links stand on it.
        clock: for the date header and the links' expiry.
        returns: gives each notice's mail the address to which it comes back; None when nobody
            reads what comes back, and mails go out under the sender's own.
    """

    name = "email"
    interactive = True

    def __init__(
        self,
        *,
        server: MailServerAddress,
        key: bytes,
        wording: Wording,
        language_of: Callable[[str], str],
        public_url: str,
        clock: Clock,
        returns: ReturnAddresses | None = None,
    ) -> None:
        self._server = server
        self._returns = returns
        self._key = key
        self._wording = wording
        self._language_of = language_of
        self._public_url = public_url.rstrip("/")
        self._clock = clock

    def send(self, card: Card, address: str) -> Handle:
        """Hand one mail to the server.

        Raises:
            ChannelRetry: the server cannot be reached or says 4xx.
            ChannelFailed: the server refuses for good (5xx).
        """
        mail, message_id = self._mail(card, address)
        back = self._returns.of(card.notice_id) if self._returns is not None else ""
        self._hand_over(mail, back)
        told = {"message_id": message_id, "address": address, "confirmable": bool(back)}
        return Handle(self.name, told)

    def update(self, handle: Handle, card: Card) -> Updated:
        """A mail cannot be edited: a superseding one goes into the same thread."""
        mail, _ = self._mail(card, str(handle.reference["address"]))
        self._hand_over(mail)
        return Updated.SUPERSEDED

    def verify(  # noqa: PLR0911 - one return a reason
        self, raw: RawInbound
    ) -> Inbound | Refusal:
        """Whether a POST carries a valid link with its code, or comes from the person signed in.

        `raw.query` holds `token`, and `signed_in` with the id of the session's person when the
        page was used with a sign-in; the body is the page's form (`verb`, `code`, `reason`).
        """
        if raw.method in {"GET", "HEAD"}:
            return Refusal("READ_ONLY_METHOD", 405)
        link = raw.query.get("token", "")
        token = mail_tokens.unseal(link, self._key)
        if token is None:
            return Refusal("BAD_TOKEN")
        if raw.received_at > token.expires:
            return Refusal("EXPIRED", 410)
        try:
            form = {k: v[0] for k, v in parse_qs(raw.body.decode(), strict_parsing=True).items()}
        except ValueError:
            return Refusal("MALFORMED", 400)
        verb = form.get("verb", "")
        if verb not in token.verbs:
            return Refusal("VERB_NOT_OFFERED", 403)
        signed_in = raw.query.get("signed_in", "")
        if signed_in and signed_in != token.person:
            return Refusal("OTHER_PERSON", 403)
        if not signed_in:
            if verb != ACKNOWLEDGE:
                return Refusal("SIGN_IN_NEEDED", 401)
            if not mail_tokens.code_fits(form.get("code", ""), link, self._key):
                return Refusal("BAD_CODE", 403)
        digest = hashlib.sha256(f"{link}\0{verb}".encode()).hexdigest()
        return Inbound(
            channel=self.name,
            actor_ref=token.person,
            object_id=token.object_id,
            verb=verb,
            version=token.version,
            event_id=f"mail:{digest}",
            reason=form.get("reason", ""),
            strong=bool(signed_in),
        )

    def link(self, card: Card) -> str:
        """The sealed token of a card's mail, without the console's address."""
        verbs = tuple(button.verb for button in card.buttons)
        expires = (card.deadline or self._clock()) + LINK_LIFE
        token = mail_tokens.MailToken(card.object_id, card.version, card.person, verbs, expires)
        return mail_tokens.seal(token, self._key)

    def _mail(self, card: Card, address: str) -> tuple[EmailMessage, str]:
        words = self._wording.words(self._language_of(card.person))
        text = card_text(card, words, self._public_url)
        domain = self._server.sender.rpartition("@")[2]
        message_id = f"<{_stable(card.notice_id)}@{domain}>"
        thread = f"<{_stable(card.object_id)}@{domain}>"
        mail = EmailMessage(SENDING)
        mail["Subject"] = text.title
        mail["From"] = formataddr(("hedgewarden 套保卫士", self._server.sender))
        mail["To"] = address
        mail["Date"] = _date(self._clock())
        mail["Message-ID"] = message_id
        mail["References"] = thread
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Hedgewarden-Notice"] = _stable(card.notice_id)
        act = ""
        code = ""
        if text.buttons:
            link = self.link(card)
            act = f"{self._public_url}/m/{link}"
            code = mail_tokens.code(link, self._key)
        mail.set_content(_plain(text, act, words.text("mail.code", code=code) if code else ""))
        mail.add_alternative(
            _html(text, act, words.text("mail.act"), words.text("mail.code", code=code)),
            subtype="html",
        )
        return mail, message_id

    def _hand_over(self, mail: EmailMessage, back: str = "") -> None:
        """To the server; `back` is the envelope's sender, by default the one in the mail."""
        at = self._server
        context = ssl.create_default_context() if at.tls != "none" else None
        try:
            with _Session(at, context) as session:
                if at.tls == "starttls":
                    session.starttls(context=context)
                if at.user:
                    session.login(at.user, at.password)
                session.send_message(mail, from_addr=back or None)
        except smtplib.SMTPRecipientsRefused as fault:
            reply = next(iter(fault.recipients.values()))
            raise _refused(reply[0], reply[1]) from fault
        except smtplib.SMTPResponseException as fault:
            raise _refused(fault.smtp_code, fault.smtp_error) from fault
        except (smtplib.SMTPException, OSError) as fault:
            raise ChannelRetry(_BACK_OFF_S, type(fault).__name__) from fault


class _Session(smtplib.SMTP):
    """A connection to the mail server, by the way that its address names."""

    def __init__(self, at: MailServerAddress, context: ssl.SSLContext | None) -> None:
        self._at = at
        self._wrap = context if at.tls == "tls" else None
        super().__init__(at.host, at.port, timeout=at.timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket:
        """The only place where smtplib opens a connection."""
        way = (self._at.outbound or _DIRECT).connect(host, port, timeout)
        return self._wrap.wrap_socket(way, server_hostname=host) if self._wrap else way


def _refused(status: int, reply: bytes | str) -> Exception:
    detail = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    if status >= _PERMANENT:
        return ChannelFailed("MAIL_REFUSED", detail=f"{status} {detail}")
    return ChannelRetry(_ASKED_BACK_OFF_S, f"{status} {detail}")


def _stable(text: str) -> str:
    """An id that is the same for the same notice and holds nothing but letters and digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _date(at: datetime) -> str:
    return format_datetime(at)


def _plain(text: CardText, act: str, code: str) -> str:
    return "\n\n".join(filter(None, (text.plain, code, act))) + "\n"


def _html(text: CardText, act: str, act_label: str, code: str) -> str:
    """Plain paragraphs, no remote part, no script: it must read well in every mail program."""
    lines = "".join(f"<p>{escape(line)}</p>" for line in (*text.lines, text.deadline) if line)
    link = (
        f'<p><a href="{escape(act)}">{escape(act_label)}</a></p><p>{escape(code)}</p>'
        if act
        else ""
    )
    foot = f"<p>{escape(text.link)}</p>" if text.link else ""
    return f"<html><body><h3>{escape(text.title)}</h3>{lines}{link}{foot}</body></html>"
