"""A backlog goes out in as many batches as fit, and never keeps the next round waiting for long."""

from datetime import timedelta
from pathlib import Path

import pytest

import trail
from agents.delivery import BATCH, GO_ON, deliver
from store import outbox
from tests.unit.workorders.workorders_house import House, build
from workorders import Policy
from workorders.card import Card, CardKind, Line
from workorders.channel import Handle, Inbound, RawInbound, Refusal, Updated


class Taking:
    """Takes every card; `slow` moves the clock with each."""

    name = "chat"
    interactive = False

    def __init__(self, house: House, slow: timedelta) -> None:
        self._house, self._slow = house, slow

    def send(self, card: Card, address: str) -> Handle:
        self._house.now[0] += self._slow
        return Handle(self.name, {"notice": card.notice_id, "to": address})

    def update(self, handle: Handle, card: Card) -> Updated:
        raise AssertionError((handle, card))

    def verify(self, raw: RawInbound) -> Inbound | Refusal:
        raise AssertionError(raw)


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> House:
    made = build(tmp_path, trail.open_keys(tmp_path / "keys").trail, Policy())
    with made.as_person("system:test") as uow:
        for number in range(3 * BATCH):
            key = f"X-{number}"
            card = Card(CardKind.TEST, key, key, 1, "chen", None, Line("card.test"))
            outbox.put(uow, channel="chat", target="chen", payload=card.as_json(), key=key)
    return made


@pytest.mark.parametrize(("slow", "sent"), [(timedelta(0), 3 * BATCH), (2 * GO_ON / BATCH, BATCH)])
def test_a_backlog_goes_out_while_it_goes_quickly(house: House, slow: timedelta, sent: int) -> None:
    channels = {"chat": Taking(house, slow)}
    done = deliver(house.store, channels, lambda *_: "address", lambda: house.ctx, "test")
    assert (done.sent, done.failed, done.retried) == (sent, 0, 0)
