"""Several people are sent to at once; each gets their own messages in order, and none is lost."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

import trail
from agents import delivery
from agents.delivery import BATCH, deliver
from store import UnitOfWork, outbox
from tests.unit.workorders.workorders_house import House, build
from workorders import Policy
from workorders.card import Card, CardKind, Line
from workorders.channel import Handle, Inbound, RawInbound, Refusal, Updated
from workorders.errors import ChannelFailed, ChannelRetry

PATIENCE_S = 30.0


class Chat:
    """Takes cards; `meet` is called in each `send` and may raise or wait."""

    name = "chat"
    interactive = False

    def __init__(self, meet: Callable[[str, str], None]) -> None:
        self.came: dict[str, list[str]] = {}
        self._meet = meet

    def send(self, card: Card, address: str) -> Handle:
        self._meet(address, card.notice_id)
        self.came.setdefault(address, []).append(card.notice_id)
        return Handle(self.name, {"notice": card.notice_id})

    def update(self, handle: Handle, card: Card) -> Updated:
        raise AssertionError((handle, card))

    def verify(self, raw: RawInbound) -> Inbound | Refusal:
        raise AssertionError(raw)


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> House:
    return build(tmp_path, trail.open_keys(tmp_path / "keys").trail, Policy())


def put(house: House, *cards: tuple[str, str]) -> None:
    with house.as_person("system:test") as uow:
        for person, key in cards:
            card = Card(CardKind.TEST, key, key, 1, person, None, Line("card.test"))
            outbox.put(uow, channel="chat", target=person, payload=card.as_json(), key=key)


def run(house: House, chat: Chat, lanes: int = 4) -> delivery.Delivered:
    channels = {"chat": chat}
    return deliver(house.store, channels, lambda who, _: who, lambda: house.ctx, "t", lanes=lanes)


def states(house: House) -> dict[str, str]:
    table = outbox._OUTBOX
    with house.store.reader() as connection:
        return {row.message_key: row.state for row in connection.execute(table.select())}


def test_people_are_sent_to_at_once(house: House):
    """Each waits for all the others: one after the other would never end."""
    together = threading.Barrier(4)
    chat = Chat(lambda _who, _key: together.wait(PATIENCE_S) and None)
    put(house, *((f"p{number}", f"k{number}") for number in range(4)))
    assert run(house, chat).sent == 4


def test_one_person_gets_their_messages_in_the_order_in_which_they_were_due(house: House):
    people = ("chen", "li", "wang")
    put(house, *((people[number % 3], f"{number:03}") for number in range(BATCH * 2)))
    chat = Chat(lambda _who, _key: None)
    assert run(house, chat).sent == BATCH * 2
    assert all(keys == sorted(keys) for keys in chat.came.values())
    assert sum(map(len, chat.came.values())) == BATCH * 2


def test_one_who_cannot_be_reached_holds_back_nobody(house: House):
    def meet(who: str, _key: str) -> None:
        if who == "chen":
            raise ChannelRetry(60, "BUSY")
        if who == "li":
            raise ChannelFailed("GONE")

    put(house, ("chen", "a"), ("li", "b"), ("wang", "c"), ("chen", "d"))
    with capture_logs():
        done = run(house, Chat(meet))
    assert (done.sent, done.retried, done.failed) == (1, 2, 1)
    assert states(house) == {"a": "pending", "b": "dead", "c": "delivered", "d": "pending"}


def units(house: House) -> list[str]:
    """The actors of the units committed from now on."""
    actors: list[str] = []
    house.store.listen(lambda uow: actors.append(uow.actor))
    return actors


def test_what_ends_within_a_moment_is_settled_in_one_unit(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    """Each unit is a commit, and keeps the watcher from writing."""
    monkeypatch.setattr(delivery, "GATHER_S", PATIENCE_S)
    put(house, *(("chen", f"{number}") for number in range(5)))
    committed = units(house)
    # Slow enough that each would have been settled before the next has ended.
    assert run(house, Chat(lambda _who, _key: time.sleep(0.05))).sent == 5
    assert committed == [delivery.ACTOR] * 2  # claimed, settled


def test_who_is_slow_keeps_nobody_elses_message_from_being_settled(house: House):
    settled = threading.Event()

    def meet(who: str, _key: str) -> None:
        if who == "li":
            assert settled.wait(PATIENCE_S)

    put(house, ("chen", "a"), ("li", "b"))
    house.store.listen(lambda _uow: settled.set() if states(house)["a"] == "delivered" else None)
    assert run(house, Chat(meet)).sent == 2


def test_a_message_that_cannot_be_settled_has_no_other_sent_again(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    """What was settled with it is settled by itself; only its own lease runs out."""
    real = outbox.delivered_all

    def poisoned(uow: UnitOfWork, handles: dict[int, str]) -> frozenset[int]:
        settled = real(uow, handles)
        if any('"b"' in handle for handle in handles.values()):
            raise RuntimeError("b cannot be settled")
        return settled

    monkeypatch.setattr(outbox, "delivered_all", poisoned)
    put(house, ("chen", "a"), ("li", "b"), ("wang", "c"))
    chat = Chat(lambda _who, _key: None)
    with capture_logs(), pytest.raises(RuntimeError, match="b cannot"):
        run(house, chat)
    assert states(house) == {"a": "delivered", "b": "claimed", "c": "delivered"}


def test_a_fault_of_a_lane_is_raised_and_the_rest_is_not_sent(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    """A fault of ours, not of a channel: it does not pass as a delivery."""

    def broken(row: outbox.OutboxRow, **_ports: object) -> delivery.Outcome:
        raise KeyError(row.key)

    monkeypatch.setattr(delivery, "_attempt", broken)
    put(house, ("chen", "a"), ("chen", "b"), ("li", "c"))
    with pytest.raises(KeyError):
        run(house, Chat(lambda _who, _key: None))
    assert set(states(house).values()) == {"claimed"}


@pytest.mark.parametrize("lanes", [1, 4])
def test_no_attempt_begins_that_could_outlast_the_claim(house: House, lanes: int):
    """One person's channel takes ten seconds a card: another process must not send the rest too."""
    others: list[list[str]] = []

    def meet(_who: str, _key: str) -> None:
        house.pass_time(seconds=10)
        with house.as_person("system:other") as uow:
            claimed = outbox.claim(uow, limit=BATCH, lease_s=60, holder="other")
            others.append([row.key for row in claimed])

    put(house, *(("chen", f"k{number:02}") for number in range(12)))
    chat = Chat(meet)
    first = run(house, chat, lanes)
    assert first.sent == 4
    assert others == [[]] * 4
    assert list(states(house).values()).count("pending") == 8
    for _ in range(3):
        run(house, chat, lanes)
    assert chat.came["chen"] == [f"k{number:02}" for number in range(12)]
    assert set(states(house).values()) == {"delivered"}
    attempts = {row.key: row.attempts for row in house.messages("", None)}
    assert set(attempts.values()) == {1}
