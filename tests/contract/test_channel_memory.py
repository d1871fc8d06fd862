"""The suite itself, on the smallest channel that keeps the port's promises."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from threading import Lock

import pytest
from channel_suite import NOW, FreshnessSuite, Harness

from store import parse_rfc3339, rfc3339
from workorders import (
    Card,
    Channel,
    ChannelFailed,
    ChannelRetry,
    Handle,
    Inbound,
    RawInbound,
    Refusal,
    Updated,
)
from workorders.card import parse_button_id

SECRET = b"a secret of this test"
FRESH = timedelta(seconds=300)


def sign(body: bytes) -> str:
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


class MemoryChannel:
    name = "memory"
    interactive = True

    def __init__(self) -> None:
        self.lock = Lock()
        self.sent: list[Card] = []
        self.frozen: set[int] = set()
        self.down = False
        self.wait_s: int | None = None

    def _reach(self) -> None:
        if self.down:
            raise ChannelRetry(15)
        if self.wait_s is not None:
            raise ChannelRetry(self.wait_s)

    def send(self, card: Card, address: str) -> Handle:
        self._reach()
        if address != "chen@here":
            raise ChannelFailed("UNKNOWN_ADDRESS")
        with self.lock:
            self.sent.append(card)
            return Handle(self.name, {"number": len(self.sent) - 1})

    def update(self, handle: Handle, card: Card) -> Updated:
        self._reach()
        number = handle.reference["number"]
        if number in self.frozen:
            self.sent.append(card)
            return Updated.SUPERSEDED
        self.sent[number] = card
        return Updated.UPDATED

    def verify(self, raw: RawInbound) -> Inbound | Refusal:
        if raw.method != "POST":
            return Refusal("READ_ONLY_METHOD", 405)
        signature = raw.headers.get("signature", "")
        if not hmac.compare_digest(signature, sign(raw.body)):
            return Refusal("BAD_SIGNATURE")
        data = json.loads(raw.body)
        if abs(raw.received_at - parse_rfc3339(data["at"])) > FRESH:
            return Refusal("STALE_TIMESTAMP")
        pressed = parse_button_id(data["button"])
        if pressed is None:
            return Refusal("MALFORMED", 400)
        object_id, version, verb = pressed
        reply = {"user": data["user"]}
        return Inbound(self.name, data["user"], object_id, verb, version, signature, reply=reply)


class MemoryHarness:
    address = "chen@here"
    unknown_address = "nobody@here"
    strangers = True

    def __init__(self) -> None:
        self.memory = MemoryChannel()
        self.channel: Channel = self.memory
        self.presses = 0

    def delivered(self) -> int:
        return len(self.memory.sent)

    def press(self, handle: Handle, card: Card, verb: str, *, stranger: bool = False) -> RawInbound:
        self.presses += 1
        button = next(button for button in card.buttons if button.verb == verb)
        body = json.dumps(
            {
                "at": rfc3339(NOW),
                "button": button.id,
                "user": "X9" if stranger else "U1",
                "number": [handle.reference["number"], self.presses],
            }
        ).encode()
        return RawInbound(body, {"signature": sign(body)}, NOW)

    def tampered(self, raw: RawInbound) -> RawInbound:
        return replace(raw, body=raw.body.replace(b"WO-20261123-001", b"WO-20261123-002"))

    def set_outage(self, *, on: bool) -> None:
        self.memory.down = on

    def set_rate_limit(self, after_s: int | None) -> None:
        self.memory.wait_s = after_s

    def forget(self, handle: Handle) -> None:
        self.memory.frozen.add(handle.reference["number"])


class TestMemoryChannel(FreshnessSuite):
    @pytest.fixture
    def harness(self) -> Harness:
        return MemoryHarness()
