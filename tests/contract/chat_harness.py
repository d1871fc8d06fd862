"""What the chats with a callback have in common when the channel contract is run on them."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from channel_suite import NOW, FreshnessSuite, a_card

from service.composition import ZONE
from service.i18n.wording import Catalogues
from tests.unit.integrations.chat_server import Callback, Fault, Message
from workorders import Card, ChannelRetry, Handle, RawInbound, Updated
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
    secret: str
    channel: Any

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

    def set_rate_limit(self, after_s: int | None) -> None:
        limit = None if after_s is None else Fault(status=429, retry_after=after_s)
        self.server.lasting = limit


class OnceSuite(FreshnessSuite):
    """For chats that take a message once under its own id."""

    @pytest.fixture
    def hasty(self) -> ChatHarness:
        """The harness with a second's patience."""
        raise NotImplementedError

    def test_a_lost_answer_does_not_show_the_card_twice(self, harness: ChatHarness):
        harness.server.fail(Fault(lost=True))
        with pytest.raises(ChannelRetry):
            harness.channel.send(a_card(), harness.address)
        handle = harness.channel.send(a_card(), harness.address)
        assert harness.delivered() == 1
        assert harness.channel.update(handle, a_card(2, ())) is Updated.UPDATED
        assert harness.message().keys == []

    def test_an_answer_that_never_comes_is_given_up(self, hasty: ChatHarness):
        hasty.channel.send(a_card(), hasty.address)
        hasty.server.fail(Fault(hang=True))
        with pytest.raises(ChannelRetry):
            hasty.channel.send(a_card(2), hasty.address)

    def test_logs_hold_no_secret(self, harness: ChatHarness, caplog: pytest.LogCaptureFixture):
        with caplog.at_level(logging.DEBUG):
            harness.channel.send(a_card(), harness.address)
        written = "".join(record.getMessage() for record in caplog.records)
        assert harness.secret not in written
        assert harness.server.tokens
        assert not any(token in written for token in harness.server.tokens)


def raw(asked: Callback) -> RawInbound:
    headers = {name.lower(): value for name, value in asked.headers.items()}
    return RawInbound(asked.body, headers, NOW, asked.query)
