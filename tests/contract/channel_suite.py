"""What every channel must do, run on every adapter.

An adapter's test makes a subclass of `ChannelSuite` with a fixture ``harness`` that gives a
`Harness`: the channel under test beside the other side that it talks to (a server, a mailbox).
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Protocol, TypeVar

import pytest

from workorders import (
    Button,
    Card,
    CardKind,
    Channel,
    ChannelFailed,
    ChannelRetry,
    Figure,
    Handle,
    Inbound,
    Level,
    Line,
    OrderKind,
    RawInbound,
    Refusal,
    State,
    Updated,
    Verb,
    WorkOrder,
)
from workorders.card import button_id
from workorders.states import move

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
ORDER = "WO-20261123-001"
#: How many threads send at once, and how many cards each.
THREADS, EACH = 8, 4
PATIENCE_S = 60

Found = TypeVar("Found")


class Harness(Protocol):
    """A channel and the other side of it.

    Attributes:
        channel: the adapter under test.
        address: an address that can be reached.
        unknown_address: one that cannot.
        strangers: whether somebody without a link to a person can press at all (in chat yes; a
            mail's link names its person).
    """

    channel: Channel
    address: str
    unknown_address: str
    strangers: bool

    def delivered(self) -> int:
        """How many messages arrived at `address`, superseding ones included."""

    def press(self, handle: Handle, card: Card, verb: str, *, stranger: bool = False) -> RawInbound:
        """A genuine request as it comes in at `NOW` when somebody presses that button."""

    def tampered(self, raw: RawInbound) -> RawInbound:
        """The same request with another order in it and the old signature."""

    def set_outage(self, *, on: bool) -> None:
        """Whether the other side is down."""

    def set_rate_limit(self, after_s: int | None) -> None:
        """Whether the other side asks to come back after so many seconds."""

    def forget(self, handle: Handle) -> None:
        """Make the delivered card impossible to edit."""


def a_card(version: int = 1, verbs: tuple[str, ...] = ("acknowledge", "take_over")) -> Card:
    return Card(
        kind=CardKind.ORDER,
        notice_id=f"{ORDER}/{version}",
        object_id=ORDER,
        version=version,
        person="chen",
        level=Level.RED,
        title=Line(
            "card.title",
            {
                "level": "red",
                "code": "EXPOSURE_CRITICAL",
                "commodity": "cu",
                "contract": "cu2406",
                "place": "恒信贸易/华东业务部",
                "id": ORDER,
                "state": "open",
            },
        ),
        lines=(Line("card.reason.opened"),),
        figures=(Figure("card.value", "-7500", unit="t"),),
        buttons=tuple(Button(button_id(ORDER, version, verb), verb) for verb in verbs),
        deadline=NOW + timedelta(minutes=5),
        path=f"/orders/{ORDER}",
    )


def an_order() -> WorkOrder:
    return WorkOrder(
        id=ORDER,
        kind=OrderKind.RISK,
        org="恒信贸易/华东业务部",
        level=Level.RED,
        state=State.OPEN,
        version=1,
        case_id="",
        title="order.title",
        title_params={},
        lead_key="",
        opened_at=NOW,
        first_seen=NOW,
        last_seen=NOW,
    )


def at_once(act: Callable[[int], Found]) -> list[Found]:
    """What `act` gives for each card, in its order; `THREADS` threads begin together."""
    gate = Barrier(THREADS)

    def lane(number: int) -> list[Found]:
        gate.wait(PATIENCE_S)
        return [act(number * EACH + place) for place in range(EACH)]

    with ThreadPoolExecutor(THREADS) as pool:
        return [found for part in pool.map(lane, range(THREADS)) for found in part]


class ChannelSuite:
    def test_a_card_arrives_and_its_handle_can_be_kept(self, harness: Harness):
        handle = harness.channel.send(a_card(), harness.address)
        assert handle.channel == harness.channel.name
        assert json.loads(json.dumps(dict(handle.reference))) == dict(handle.reference)
        assert harness.delivered() == 1

    def test_an_outage_asks_for_later_and_recovers(self, harness: Harness):
        harness.set_outage(on=True)
        with pytest.raises(ChannelRetry) as fault:
            harness.channel.send(a_card(), harness.address)
        assert fault.value.after_s > 0
        harness.set_outage(on=False)
        harness.channel.send(a_card(), harness.address)
        assert harness.delivered() == 1

    def test_a_rate_limit_is_honoured(self, harness: Harness):
        harness.set_rate_limit(37)
        with pytest.raises(ChannelRetry) as fault:
            harness.channel.send(a_card(), harness.address)
        assert fault.value.after_s >= 37
        harness.set_rate_limit(None)
        harness.channel.send(a_card(), harness.address)
        assert harness.delivered() == 1

    def test_an_unknown_address_fails_for_good(self, harness: Harness):
        with pytest.raises(ChannelFailed) as fault:
            harness.channel.send(a_card(), harness.unknown_address)
        assert fault.value.permanent
        assert fault.value.code

    def test_a_card_is_updated_in_place(self, harness: Harness):
        handle = harness.channel.send(a_card(), harness.address)
        assert harness.channel.update(handle, a_card(2, ())) in set(Updated)

    def test_a_card_that_cannot_be_edited_is_superseded(self, harness: Harness):
        handle = harness.channel.send(a_card(), harness.address)
        harness.forget(handle)
        assert harness.channel.update(handle, a_card(2, ())) is Updated.SUPERSEDED
        assert harness.delivered() == 2

    def test_an_outage_during_an_update_asks_for_later(self, harness: Harness):
        handle = harness.channel.send(a_card(), harness.address)
        harness.set_outage(on=True)
        with pytest.raises(ChannelRetry):
            harness.channel.update(handle, a_card(2, ()))

    def test_several_threads_send_at_once_and_each_card_is_its_own(self, harness: Harness):
        channel, count = harness.channel, THREADS * EACH
        handles = at_once(lambda number: channel.send(a_card(number), harness.address))
        assert harness.delivered() == count
        assert len({json.dumps(dict(one.reference)) for one in handles}) == count
        updated = at_once(lambda number: channel.update(handles[number], a_card(number, ())))
        assert harness.delivered() == count + updated.count(Updated.SUPERSEDED)
        assert updated.count(Updated.UPDATED) in {0, count}


class InteractiveSuite(ChannelSuite):
    def press(self, harness: Harness, verb: str = "acknowledge", version: int = 1) -> RawInbound:
        card = a_card(version)
        return harness.press(harness.channel.send(card, harness.address), card, verb)

    def verified(self, harness: Harness, raw: RawInbound) -> Inbound:
        inbound = harness.channel.verify(raw)
        assert isinstance(inbound, Inbound), inbound
        return inbound

    def test_it_says_that_it_is_interactive(self, harness: Harness):
        assert harness.channel.interactive

    def test_a_genuine_click_says_who_what_and_which_version(self, harness: Harness):
        inbound = self.verified(harness, self.press(harness, version=3))
        assert (inbound.object_id, inbound.verb, inbound.version) == (ORDER, "acknowledge", 3)
        assert inbound.channel == harness.channel.name
        assert inbound.actor_ref
        assert inbound.event_id

    def test_a_replayed_request_is_the_same_event(self, harness: Harness):
        raw = self.press(harness)
        again = replace(raw, received_at=raw.received_at + timedelta(seconds=60))
        assert self.verified(harness, raw).event_id == self.verified(harness, again).event_id

    def test_a_double_click_takes_effect_once(self, harness: Harness):
        card = a_card()
        handle = harness.channel.send(card, harness.address)
        order, codes = an_order(), []
        for _ in range(2):
            inbound = self.verified(harness, harness.press(handle, card, "acknowledge"))
            outcome = move(
                order,
                Verb(inbound.verb),
                actor="chen",
                at=NOW,
                expected_version=inbound.version,
            )
            assert outcome.order is not None
            order = outcome.order
            codes.append(outcome.code)
        assert codes == ["DONE", "ALREADY_DONE"]
        assert order.version == 2

    def test_a_click_on_an_old_card_names_the_old_version(self, harness: Harness):
        moved = move(an_order(), Verb.TAKE_OVER, actor="wang", at=NOW).order
        assert moved is not None
        inbound = self.verified(harness, self.press(harness, "take_over"))
        late = move(
            moved, Verb(inbound.verb), actor="chen", at=NOW, expected_version=inbound.version
        )
        assert (late.code, late.params["actor"]) == ("STALE_VERSION", "wang")

    def test_a_tampered_request_is_refused(self, harness: Harness):
        refused = harness.channel.verify(harness.tampered(self.press(harness)))
        assert isinstance(refused, Refusal)
        assert 400 <= refused.status < 500

    @pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{}", b"payload=%7B", b"null", b"[" * 999])
    def test_garbage_is_refused_and_breaks_nothing(self, harness: Harness, body: bytes):
        raw = RawInbound(body, {}, NOW)
        assert isinstance(harness.channel.verify(raw), Refusal)
        genuine = self.press(harness)
        assert isinstance(harness.channel.verify(replace(genuine, body=body)), Refusal)

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_looking_never_acts(self, harness: Harness, method: str):
        raw = replace(self.press(harness), method=method)
        assert isinstance(harness.channel.verify(raw), Refusal)

    def test_a_stranger_is_told_apart_and_not_believed_to_be_somebody(self, harness: Harness):
        if not harness.strangers:
            return
        card = a_card()
        handle = harness.channel.send(card, harness.address)
        known = self.verified(harness, harness.press(handle, card, "acknowledge"))
        unknown = self.verified(harness, harness.press(handle, card, "acknowledge", stranger=True))
        assert unknown.actor_ref != known.actor_ref
        assert unknown.reply


class FreshnessSuite(InteractiveSuite):
    """For channels that sign a time: chat callbacks over HTTP."""

    def test_an_old_request_is_refused_even_with_a_good_signature(self, harness: Harness):
        raw = self.press(harness)
        for seconds in (301, -301, 86_400):
            late = replace(raw, received_at=raw.received_at + timedelta(seconds=seconds))
            assert isinstance(harness.channel.verify(late), Refusal)
