"""WeCom (企业微信), a self-built app: cards out as its messages, clicks in by sealed callbacks.

A card can be edited with a response code alone. One comes with the sent card and one with every
click; each is good for one edit within 72 hours. They are kept by whoever hands in `CardCodes`;
when none is left, a superseding card goes out. Without a callback the cards have no buttons.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from secrets import token_hex
from typing import Any, Final, Protocol

import structlog

from integrations.callbacks import BAD_SIGNATURE, MALFORMED, NOT_A_BUTTON, STALE, is_fresh, is_stamp
from integrations.card_face import Faces
from integrations.wecom_cards import markdown, template
from integrations.wecom_crypto import CallbackSeal
from integrations.wecom_inbound import asked, elements, task_of
from integrations.wecom_web import WecomWeb
from integrations.wording import Wording
from integrations.written import Written
from workorders.card import Card
from workorders.channel import Handle, Inbound, RawInbound, Refusal, Updated
from workorders.errors import ChannelFailed

CODE_LIFE: Final = timedelta(hours=72)
#: WeCom cuts longer texts, in bytes.
_TEXT_LIMIT: Final = 2048

_log = structlog.get_logger(__name__)


class CardCodes(Protocol):
    """Where response codes are kept: the card was sent by one process, another one edits it."""

    def of(self, notice: str) -> tuple[tuple[str, str], ...]:
        """Message and code, for all messages about a notice; the newest code first."""

    def keep(self, notice: str, message: str, code: str) -> None:
        """Keep a code that edits one message."""

    def spend(self, code: str) -> None:
        """Forget a code that was used."""


class WecomChannel:
    """The adapter.

    Args:
        web: the API of the app.
        corp_id: the company.
        agent_id: the app's number.
        seal: of the callback; None when none is set up.
        codes: where response codes are kept.
        wording: the catalogues.
        language_of: the language of a person's cards.
        public_url: the console's address, for the link.
    """

    name = "wecom"

    def __init__(
        self,
        *,
        web: WecomWeb,
        corp_id: str,
        agent_id: int,
        seal: CallbackSeal | None,
        codes: CardCodes,
        wording: Wording,
        language_of: Callable[[str], str],
        public_url: str = "",
    ) -> None:
        self._web = web
        self._corp_id = corp_id
        self._agent_id = agent_id
        self._seal = seal
        self._codes = codes
        self._faces = Faces(wording, language_of, public_url)

    @property
    def interactive(self) -> bool:
        """Whether clicks can come back."""
        return self._seal is not None

    def send(self, card: Card, address: str) -> Handle:
        """Send the card to a member (UserID).

        Raises:
            ChannelRetry: rate limit or outage.
            ChannelFailed: WeCom refuses for good, or the member cannot be reached.
        """
        notice = _notice(card)
        self._send(self._message(card, notice), address, notice)
        return Handle(self.name, {"user": address, "notice": notice})

    def update(self, handle: Handle, card: Card) -> Updated:
        """Show `card` in place of the delivered one, or send a superseding one."""
        user, notice = str(handle.reference["user"]), str(handle.reference["notice"])
        message = self._message(card, notice, edits=True)
        if "template_card" in message and self._edited(message, user, notice):
            return Updated.UPDATED
        self._send(self._message(card, notice), user, notice)
        return Updated.SUPERSEDED

    def whisper(self, reply: Mapping[str, Any], text: str) -> None:
        """Answer one person, in the app's own conversation with them."""
        said = {"msgtype": "text", "text": {"content": _plain(text)}}
        self._post("message/send", said, touser=reply["user"])

    def echo(self, raw: RawInbound) -> str | Refusal:
        """The answer that proves to WeCom that the callback's address is ours."""
        sealed = raw.query.get("echostr", "")
        opened = self._opened(raw, sealed)
        if isinstance(opened, Refusal):
            return opened
        try:
            return opened.decode()
        except UnicodeDecodeError:
            return MALFORMED

    def verify(self, raw: RawInbound) -> Inbound | Refusal:
        """Authentic, fresh, and one of our buttons."""
        found = self.asked(raw)
        return NOT_A_BUTTON if isinstance(found, Written) else found

    def asked(self, raw: RawInbound) -> Inbound | Written | Refusal:
        """As `verify`, and what somebody wrote to the app."""
        if raw.method != "POST":
            return Refusal("READ_ONLY_METHOD", 405)
        envelope = elements(raw.body)
        sealed = "" if envelope is None else envelope.findtext("Encrypt", "").strip()
        opened = self._opened(raw, sealed)
        if isinstance(opened, Refusal):
            return opened
        event = elements(opened)
        if event is None:
            return MALFORMED
        return asked(event, self._corp_id, raw.query["msg_signature"])

    def _opened(self, raw: RawInbound, sealed: str) -> bytes | Refusal:
        """What was sealed, once signature, time and seal are right."""
        stamp, nonce = raw.query.get("timestamp", ""), raw.query.get("nonce", "")
        given = raw.query.get("msg_signature", "")
        if not sealed or self._seal is None or not is_stamp(stamp):
            return BAD_SIGNATURE
        if not self._seal.authentic(given, stamp, nonce, sealed):
            return BAD_SIGNATURE
        if not is_fresh(int(stamp), raw.received_at):
            return STALE
        opened = self._seal.open(sealed)
        return BAD_SIGNATURE if opened is None else opened

    def _edited(self, message: Mapping[str, Any], user: str, notice: str) -> bool:
        """Whether every message that can still be edited was; several stand after a lost answer."""
        edited: dict[str, bool] = {}
        for shown, code in self._codes.of(notice):
            if edited.get(shown):
                continue
            try:
                said = self._post(
                    "message/update_template_card", message, userids=[user], response_code=code
                )
            except ChannelFailed as fault:
                _log.info("a response code was refused", notice=notice, code=fault.code)
                said = {"invaliduser": [user]}
            self._codes.spend(code)
            edited[shown] = not said.get("invaliduser")
        return bool(edited) and all(edited.values())

    def _send(self, message: Mapping[str, Any], user: str, notice: str) -> None:
        said = self._post("message/send", message, touser=user)
        if said.get("invaliduser"):
            raise ChannelFailed("UNKNOWN_USER")
        if said.get("unlicenseduser"):
            raise ChannelFailed("UNLICENSED_USER")
        code = said.get("response_code")
        if code:
            task = message["template_card"]["task_id"]
            try:
                self._codes.keep(notice, task, str(code))
            except Exception as fault:  # noqa: BLE001 - it is sent: once more would show it twice
                _log.error("a response code was not kept", fault=type(fault).__name__)

    def _post(self, method: str, message: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        # WeCom's own check for duplicates stays off: it goes by the words, and would swallow the
        # reminder that says the same as five minutes ago.
        return self._web.call(method, {**message, **more, "agentid": self._agent_id})

    def _message(self, card: Card, notice: str, *, edits: bool = False) -> dict[str, Any]:
        face = self._faces.of(card)
        if (face.text.buttons and self.interactive) or (edits and face.url):
            task = task_of(notice, token_hex(4))
            shown = template(face, card, task, interactive=self.interactive)
            return {"msgtype": "template_card", "template_card": shown}
        content = markdown(face.text, card, face.url)
        return {"msgtype": "markdown", "markdown": {"content": content}}


def _notice(card: Card) -> str:
    """The same for the same notice, and fit for a task id."""
    return hashlib.sha256(card.notice_id.encode()).hexdigest()[:32]


def _plain(text: str) -> str:
    """Text in which nothing from the data becomes a link."""
    return text.replace("<", "＜").encode()[:_TEXT_LIMIT].decode(errors="ignore")
