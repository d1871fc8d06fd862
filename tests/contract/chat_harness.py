"""What the chats with a callback have in common when the channel contract is run on them."""

from dataclasses import replace
from typing import Any

from channel_suite import NOW

from service.composition import ZONE
from service.i18n.wording import Catalogues
from tests.unit.integrations.chat_server import Callback, Fault, Message
from workorders import Card, Handle, RawInbound
from workorders.card import button_id

WORDS = Catalogues(ZONE, {})


class Ticks:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class ChatHarness:
    """One channel against a server that speaks its protocol; a subclass makes the channel."""

    address = "chen"
    unknown_address = "nobody"
    stranger = "stranger"
    strangers = True

    def __init__(self, server: Any) -> None:
        self.server = server
        self.server.unknown.add(self.unknown_address)
        self.ticks = Ticks()

    def delivered(self) -> int:
        return len([one for one in self.server.messages if one.user == self.address])

    def message(self) -> Message:
        return self.server.messages[-1]  # type: ignore[no-any-return]

    def press(self, handle: Handle, card: Card, verb: str, *, stranger: bool = False) -> RawInbound:
        assert handle.reference["user"] == self.address
        key = button_id(card.object_id, card.version, verb)
        return raw(self.server.press(self.message(), key, self.stranger if stranger else ""))

    def tampered(self, raw: RawInbound) -> RawInbound:
        other = self.server.press(self.message(), button_id("WO-20261123-002", 1, "acknowledge"))
        return replace(raw, body=other.body)

    def set_outage(self, *, on: bool) -> None:
        self.server.lasting = Fault(status=503) if on else None


def raw(asked: Callback) -> RawInbound:
    headers = {name.lower(): value for name, value in asked.headers.items()}
    return RawInbound(asked.body, headers, NOW, asked.query)
