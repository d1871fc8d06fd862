"""The channel port: Slack, e-mail and the others are adapters of this one protocol.

`tests/contract/channel_suite.py` holds every adapter to the same behaviour. Nothing relies on
editing a card later: when an update is impossible a superseding card goes out, and a stale click
is answered with the recorded outcome.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from workorders.card import Card


@dataclass(frozen=True, slots=True)
class Handle:
    """Where a delivered card can be found again.

    Attributes:
        channel: name of the channel.
        reference: what the adapter needs for an update (channel and ts, message id), as JSON.
        receipt: ``sent`` when the other side took it, ``delivered`` when it proved arrival.
    """

    channel: str
    reference: Mapping[str, Any]
    receipt: str = "sent"


class Updated(StrEnum):
    """What became of an update."""

    UPDATED = "updated"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class RawInbound:
    """A request from outside, before anything in it is believed.

    Attributes:
        body: the raw bytes, as signed.
        headers: names in lower case.
        received_at: our clock at reception.
        query: parameters of the address, for e-mail links.
        method: the HTTP method; GET and HEAD never act.
    """

    body: bytes
    headers: Mapping[str, str]
    received_at: datetime
    query: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Inbound:
    """A verified click or reply: authentic and fresh, not yet allowed.

    Attributes:
        channel: name of the channel.
        actor_ref: who pressed, in the channel's own terms (``T01/U02``); the link to a person is
            looked up afterwards, so that an unknown user can be offered a private link.
        object_id: the order, alert or approval.
        verb: what is asked.
        version: the version on the card.
        event_id: the same for a retry of the same click; the inbox is unique on it.
        reason: the reason given with it, if any.
        strong: true when the channel proved the person (chat identity, sign-in); false for a mail
            code, which may acknowledge only.
        reply: what the adapter needs to answer privately.
        matter: for an order that is to be opened: what was filled in, and the message behind it.
    """

    channel: str
    actor_ref: str
    object_id: str
    verb: str
    version: int
    event_id: str
    reason: str = ""
    strong: bool = True
    reply: Mapping[str, Any] = field(default_factory=dict)
    matter: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An inbound request that is not believed.

    Attributes:
        code: ``BAD_SIGNATURE``, ``STALE_TIMESTAMP``, ``MALFORMED``, ``READ_ONLY_METHOD``,
            ``BAD_TOKEN``, ``EXPIRED`` ...
        status: the HTTP status to answer with.
    """

    code: str
    status: int = 401


@runtime_checkable
class Channel(Protocol):
    """One way to reach people.

    Several threads may be inside any of the methods at once: deliveries to several people run side
    by side, and clicks come in meanwhile. Messages to one person come one after the other while
    one process leads. What an adapter keeps between calls it guards itself.

    Attributes:
        name: short and stable, for example ``slack``; stored with every notice.
        interactive: whether its cards have buttons that come back.
    """

    @property
    def name(self) -> str:
        """The channel's name."""

    @property
    def interactive(self) -> bool:
        """Whether clicks come back."""

    def send(self, card: Card, address: str) -> Handle:
        """Deliver `card` to `address` (the person's address on this channel).

        Raises:
            ChannelRetry: come back after so many seconds.
            ChannelFailed: this channel will not deliver it.
        """

    def update(self, handle: Handle, card: Card) -> Updated:
        """Show `card` in place of the delivered one; a superseding card when that is impossible.

        Raises:
            ChannelRetry: come back after so many seconds.
            ChannelFailed: neither was possible.
        """

    def verify(self, raw: RawInbound) -> Inbound | Refusal:
        """Whether a request is authentic and fresh, and what it asks."""


@runtime_checkable
class Chat(Channel, Protocol):
    """A channel in which somebody who pressed can be answered privately."""

    def whisper(self, reply: Mapping[str, Any], text: str) -> None:
        """Answer one person; `reply` is what `verify` gave with the click.

        Raises:
            ChannelError: it could not be said.
        """
