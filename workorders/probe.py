"""One test call (拨测): what it is, how it stands, and its card. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from store.clock import rfc3339
from workorders.card import Button, Card, CardKind, Line, button_id

PREFIX = "TC-"
#: What the card asks for; a key and a mail's code can say no more than this either.
CONFIRM = "acknowledge"
#: So long can it be confirmed.
LASTS = timedelta(hours=24)
#: No second one to the same person on the same channel within this time.
AGAIN_AFTER = timedelta(minutes=10)
_SECOND = timedelta(seconds=1)
_PLACE = 16


@dataclass(frozen=True, slots=True)
class Probe:
    """One test call to one person on one channel.

    Attributes:
        org: the person's unit when it was started.
        state: how far it came: ``queued``, ``sent``, ``delivered`` or ``answered`` (a receipt says
            so), ``failed``.
        error: why it failed, or why the last attempt did; a code where there is one.
        place: stands for the address that was tested (`place_of`); a new address is another one.
        ends_at: until when it can be confirmed; the start itself where nothing comes back.
        sent_at: when the channel took it.
    """

    id: str
    person: str
    channel: str
    org: str
    state: str
    error: str
    place: str
    started_by: str
    started_at: datetime
    ends_at: datetime
    sent_at: datetime | None = None
    confirmed_at: datetime | None = None

    @property
    def asks(self) -> bool:
        """Whether it can be confirmed: some channels tell and hear nothing."""
        return self.ends_at > self.started_at

    @property
    def seconds(self) -> int | None:
        """From the start to the confirmation, in whole seconds; None while there is none."""
        if self.confirmed_at is None:
            return None
        return (self.confirmed_at - self.started_at) // _SECOND

    def status(self, now: datetime) -> str:
        """``confirmed``, ``failed``, ``waiting`` or, once its time is over, ``unconfirmed``.

        Where nothing comes back it is ``told`` once it is sent.
        """
        if self.confirmed_at is not None:
            return "confirmed"
        if self.state == "failed":
            return "failed"
        if not self.asks:
            return "waiting" if self.state == "queued" else "told"
        return "waiting" if now < self.ends_at else "unconfirmed"

    def went_to(self, address: str) -> bool:
        """Whether this is the address that was tested."""
        return self.place == place_of(self.id, address)

    def in_the_way(self, address: str, now: datetime) -> bool:
        """Whether another one now would only disturb the person, or wait behind this one."""
        if self.status(now) not in {"waiting", "told"} or not self.went_to(address):
            return False
        return self.state == "queued" or now < self.started_at + AGAIN_AFTER


@dataclass(frozen=True, slots=True)
class ProbeOutcome:
    """What became of an act.

    Attributes:
        code: ``DONE``, ``TEST_CONFIRMED``, ``ALREADY_DONE``, or the reason of the refusal:
            ``FORBIDDEN``, ``INACTIVE_PERSON``, ``NO_ADDRESS``, ``TEST_NO_CHANNEL``,
            ``TEST_RUNNING``, ``UNKNOWN_TEST``, ``TEST_OTHER_CHANNEL``, ``TEST_OVER``.
        probes: those that were started, or the one that was confirmed.
    """

    ok: bool
    code: str
    probes: tuple[Probe, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known of one person on one channel: the last test, and the last that was confirmed.

    Attributes:
        confirmed: None when none ever was.
    """

    last: Probe
    confirmed: Probe | None = None


def place_of(number: str, address: str) -> str:
    """What stands for an address in a test call: the same for the same, and nobody's to read."""
    return sha256(f"{number}\0{address}".encode()).hexdigest()[:_PLACE]


def is_probe(key: str) -> bool:
    """Whether this is the id of a test call, which is also the key of its message."""
    return key.startswith(PREFIX)


def probe_card(one: Probe) -> Card:
    """The card of a test call as it stands: it asks to confirm, or says when it was."""
    version = 1 if one.confirmed_at is None else 2
    asks = one.asks and one.confirmed_at is None
    if one.confirmed_at is None:
        key = "test_call.card.asks" if asks else "test_call.card.tells"
        said = Line(key, {"person": one.started_by, "way": one.channel})
    else:
        when = {"at": rfc3339(one.confirmed_at), "seconds": one.seconds}
        said = Line("test_call.card.confirmed", when)
    return Card(
        kind=CardKind.TEST,
        notice_id=one.id,
        object_id=one.id,
        version=version,
        person=one.person,
        level=None,
        title=Line("test_call.card.title", {"number": one.id}),
        lines=(said, Line("test_call.card.nothing")),
        buttons=(Button(button_id(one.id, version, CONFIRM), CONFIRM),) if asks else (),
        deadline=one.ends_at if asks else None,
        path="/roster",
    )
