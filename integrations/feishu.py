"""Feishu (飞书), a self-built app: cards out as its bot's messages, clicks in by sealed callbacks.

A card is edited in place for fourteen days; where that is refused, a superseding card goes out.
Without a callback the cards have no buttons.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from integrations.callbacks import (
    BAD_SIGNATURE,
    MALFORMED,
    NOT_A_BUTTON,
    STALE,
    is_fresh,
    is_stamp,
    json_in,
)
from integrations.card_face import Faces
from integrations.feishu_cards import card_of
from integrations.feishu_crypto import CallbackSeal
from integrations.feishu_inbound import asked
from integrations.feishu_web import FeishuWeb
from integrations.wording import Wording
from integrations.written import Written
from workorders.card import Card
from workorders.channel import Handle, Inbound, RawInbound, Refusal, Updated
from workorders.errors import ChannelFailed

#: Withdrawn, too old, not a card that can be edited, deleted.
_CANNOT_EDIT: Final = frozenset({
    "FEISHU_230011", "FEISHU_230031", "FEISHU_230054", "FEISHU_230110",
})  # fmt: skip


class FeishuChannel:
    """The adapter.

    Args:
        web: the API of the app.
        seal: of the callback; None when none is set up.
        wording: the catalogues.
        language_of: the language of a person's cards.
        public_url: the console's address, for the link.
    """

    name = "feishu"

    def __init__(
        self,
        *,
        web: FeishuWeb,
        seal: CallbackSeal | None,
        wording: Wording,
        language_of: Callable[[str], str],
        public_url: str = "",
    ) -> None:
        self._web = web
        self._seal = seal
        self._faces = Faces(wording, language_of, public_url)

    @property
    def interactive(self) -> bool:
        """Whether clicks can come back."""
        return self._seal is not None

    def send(self, card: Card, address: str) -> Handle:
        """Send the card to a person (open_id).

        Raises:
            ChannelRetry: rate limit or outage.
            ChannelFailed: Feishu refuses for good, or the person cannot be reached.
        """
        # Under the same uuid Feishu sends once within an hour: an attempt whose answer was lost
        # is not shown twice.
        said = self._post(address, "interactive", self._card(card), _short(card.notice_id))
        return Handle(self.name, {"message_id": str(said["message_id"]), "user": address})

    def update(self, handle: Handle, card: Card) -> Updated:
        """Show `card` in place of the delivered one, or send a superseding one."""
        where = handle.reference
        content = {"content": _json(self._card(card))}
        try:
            self._web.call("PATCH", f"im/v1/messages/{where['message_id']}", content)
        except ChannelFailed as fault:
            if fault.code not in _CANNOT_EDIT:
                raise
            once = _short(f"{card.notice_id} {card.version}")
            self._post(str(where["user"]), "interactive", self._card(card), once)
            return Updated.SUPERSEDED
        return Updated.UPDATED

    def whisper(self, reply: Mapping[str, Any], text: str) -> None:
        """Answer one person, in the bot's own conversation with them."""
        said = {"text": text.replace("<", "＜")}  # no name in the data mentions anybody
        self._post(str(reply["user"]), "text", said, "")

    def verify(self, raw: RawInbound) -> Inbound | Refusal:
        """Authentic, fresh, and one of our buttons."""
        found = self.asked(raw)
        if isinstance(found, Inbound | Refusal):
            return found
        return NOT_A_BUTTON

    def asked(self, raw: RawInbound) -> Inbound | Written | Refusal | str:
        """As `verify`, what somebody wrote to the bot, and the proof of our address (text)."""
        if raw.method != "POST":
            return Refusal("READ_ONLY_METHOD", 405)
        given = raw.headers.get("x-lark-signature", "")
        refusal = self._refusal(raw, given) if given else None
        payload = refusal or self._opened(raw)
        if isinstance(payload, Refusal):
            return payload
        if payload.get("type") == "url_verification":
            # May come unsigned, while a callback is set up: sealed, and with our token inside.
            fits = self._known(payload.get("token"))
            return str(payload.get("challenge", "")) if fits else Refusal("BAD_TOKEN")
        if not given:
            return BAD_SIGNATURE
        head = payload.get("header")
        if not (isinstance(head, dict) and self._known(head.get("token"))):
            return Refusal("BAD_TOKEN")
        return asked(payload, given)

    def _opened(self, raw: RawInbound) -> dict[str, Any] | Refusal:
        if self._seal is None:
            return BAD_SIGNATURE
        envelope = json_in(raw.body)
        sealed = envelope.get("encrypt") if envelope is not None else None
        if not isinstance(sealed, str):
            return MALFORMED
        opened = self._seal.open(sealed)
        payload = json_in(opened) if opened is not None else None
        return BAD_SIGNATURE if payload is None else payload

    def _refusal(self, raw: RawInbound, given: str) -> Refusal | None:
        stamp = raw.headers.get("x-lark-request-timestamp", "")
        nonce = raw.headers.get("x-lark-request-nonce", "")
        if not is_stamp(stamp) or self._seal is None:
            return BAD_SIGNATURE
        if not self._seal.authentic(given, stamp, nonce, raw.body):
            return BAD_SIGNATURE
        return None if is_fresh(int(stamp), raw.received_at) else STALE

    def _known(self, token: object) -> bool:
        return self._seal is not None and isinstance(token, str) and self._seal.ours(token)

    def _post(self, user: str, kind: str, content: Any, once: str) -> dict[str, Any]:
        body = {"receive_id": user, "msg_type": kind, "content": _json(content)}
        if once:
            body["uuid"] = once
        return self._web.call("POST", "im/v1/messages", body, {"receive_id_type": "open_id"})

    def _card(self, card: Card) -> Any:
        return card_of(self._faces.of(card), card, interactive=self.interactive)


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False)


def _short(text: str) -> str:
    """The same for the same text, in Feishu's fifty characters."""
    return hashlib.sha256(text.encode()).hexdigest()[:40]
