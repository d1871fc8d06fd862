"""Text messages and calls through the company's own gateway: notices out, receipts in.

A notice goes out as one signed POST; whoever gives out messages or calls answers with receipts, and
with the key that somebody pressed. A key proves a phone in a hand, not a person: it acknowledges
and nothing more.
"""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from integrations import mail_tokens
from integrations.callbacks import MALFORMED, NOT_A_BUTTON, json_in
from integrations.card_face import Faces
from integrations.mail import ACKNOWLEDGE, LINK_LIFE
from integrations.phone_gateway import Gateway, plain_code
from integrations.receipts import OF_A_GATEWAY, Receipt
from integrations.wording import CardText, Wording
from workorders.card import Card
from workorders.channel import Handle, Inbound, RawInbound, Refusal, Updated

#: The key that acknowledges.
KEY: Final = "1"
_KEY_PRESSED: Final = "key"
_LONGEST: Final = 200
_MARK: Final = 16


class PhoneChannel:
    """The adapter; one for text messages and one for calls.

    Args:
        name: ``sms`` or ``voice``.
        gateway: hands the notices on.
        wording: the catalogues.
        language_of: the language of a person's notices.
        public_url: the console's address, for the link of a text message.
    """

    interactive = True

    def __init__(
        self,
        name: str,
        gateway: Gateway,
        *,
        wording: Wording,
        language_of: Callable[[str], str],
        public_url: str = "",
    ) -> None:
        self.name = name
        self._gateway = gateway
        self._key = sha256(b"phone\0" + gateway.secret.encode()).digest()
        self._wording = wording
        self._language_of = language_of
        self._faces = Faces(wording, language_of, public_url)

    def send(self, card: Card, address: str) -> Handle:
        """Hand one message or call to the gateway.

        Raises:
            ChannelRetry: rate limit or outage.
            ChannelFailed: the gateway refuses for good.
        """
        self._gateway.post(self._told(card, address))
        return Handle(self.name, {"id": card.notice_id, "to": address})

    def update(self, handle: Handle, card: Card) -> Updated:
        """What was said cannot be unsaid: another message goes out."""
        again = replace(card, notice_id=f"{card.notice_id}.{card.version}")
        self._gateway.post(self._told(again, str(handle.reference["to"])))
        return Updated.SUPERSEDED

    def verify(self, raw: RawInbound) -> Inbound | Refusal:
        """As `told`, the keys alone."""
        found = self.told(raw)
        return NOT_A_BUTTON if isinstance(found, Receipt) else found

    def told(self, raw: RawInbound) -> Inbound | Receipt | Refusal:
        """Authentic, fresh, and either a receipt or a key that was pressed."""
        refused = self._gateway.refusal(raw)
        if refused is not None:
            return refused
        said = json_in(raw.body)
        if said is None or not all(isinstance(one, str) for one in said.values()):
            return MALFORMED
        notice, status = said.get("id", ""), said.get("status", "")
        if said.get("kind") != self.name or not notice or len(notice) > _LONGEST:
            return MALFORMED
        if status == _KEY_PRESSED:
            return self._pressed(said.get("key", ""), said.get("reference", ""), notice, raw)
        if status not in OF_A_GATEWAY:
            return MALFORMED
        return Receipt(self.name, notice, status, plain_code(said.get("code", "")))

    def mark(self, number: str) -> str:
        """What stands for a number in a reference: a person's new number has another one."""
        return sha256(self._key + number.encode()).hexdigest()[:_MARK]

    def _pressed(self, key: str, reference: str, notice: str, raw: RawInbound) -> Inbound | Refusal:
        token = mail_tokens.unseal(reference, self._sealing(notice))
        if token is None:
            return Refusal("BAD_TOKEN")
        if raw.received_at > token.expires:
            return Refusal("EXPIRED", 410)
        if key != KEY or ACKNOWLEDGE not in token.verbs:
            return Refusal("VERB_NOT_OFFERED", 403)
        return Inbound(
            channel=self.name,
            actor_ref=token.person,
            object_id=token.object_id,
            verb=ACKNOWLEDGE,
            version=token.version,
            event_id=f"{self.name}:{sha256(reference.encode()).hexdigest()}",
            strong=False,
        )

    def _told(self, card: Card, number: str) -> dict[str, Any]:
        """The notice in parts, so that a gateway can fill the template that it was allowed."""
        text = self._faces.of(card).text
        language = self._language_of(card.person)
        offered = any(button.verb == ACKNOWLEDGE for button in card.buttons)
        token = mail_tokens.MailToken(
            card.object_id,
            card.version,
            f"{self.mark(number)}/{card.person}",
            (ACKNOWLEDGE,) if offered else (),
            (card.deadline or self._gateway.clock()) + LINK_LIFE,
        )
        return {
            "kind": self.name,
            "id": card.notice_id,
            "to": number,
            "language": language,
            "level": card.level.value if card.level is not None else "",
            "object": card.object_id,
            "title": text.title,
            "lines": list(text.lines),
            "deadline": text.deadline,
            "link": text.link,
            "keys": self._keys(text, language) if offered else {},
            "reference": mail_tokens.seal(token, self._sealing(card.notice_id)),
        }

    def _sealing(self, notice: str) -> bytes:
        """The key of one notice of this kind: a reference is good for the notice it went with."""
        return sha256(b"\0".join((self._key, self.name.encode(), notice.encode()))).digest()

    def _keys(self, text: CardText, language: str) -> dict[str, str]:
        label = next(one.label for one in text.buttons if one.verb == ACKNOWLEDGE)
        words = self._wording.words(language)
        return {KEY: words.text(f"phone.{self.name}_key", key=KEY, verb=label)}
