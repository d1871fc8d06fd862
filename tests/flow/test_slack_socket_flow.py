"""Clicks and commands by Socket Mode: the same inbox, the same rights, one holder."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from flow_house import EAST, House, house, slack_user
from sqlalchemy import select

import main
from directory.loading import directory_from_mapping
from directory.writing import save_directory
from integrations.slack_forms import unit_code
from service.demo.slack_server import Fault, SignedRequest
from service.inbound import clicks, commands, order_form
from service.inbound.slack_socket import (
    DISCONNECTED,
    LEASE_S,
    TELL_AFTER_S,
    SlackListener,
    slack_listener,
)
from service.settings import Settings
from store.schema import table
from tests.flow.test_serving import ROOT, process
from tests.unit.integrations.socket_server import Client, SocketServer, until
from workorders import OrderKind, State, reads

APP_TOKEN = "xapp-a-secret"


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Town:
    """The house with Socket Mode, and listeners whose turns the test takes."""

    def __init__(self, made: House) -> None:
        self.house = made
        self.server: Any = made.slack
        self.ticks = Ticks()
        self.listeners: list[SlackListener] = []
        self.numbers = 0

    def listener(self, holder: str) -> SlackListener:
        made = SlackListener(self.house.app, holder=holder, ticks=self.ticks)
        self.listeners.append(made)
        return made

    def connected(self) -> Client:
        one = self.listeners[0] if self.listeners else self.listener("here")
        assert one.look()
        until(lambda: self.server.live, "not connected")
        client: Client = self.server.live[-1]
        return client

    def pass_time(self, seconds: float) -> None:
        self.ticks.now += seconds
        self.house.pass_time(seconds=seconds)

    def deliver(self, payload: Any, kind: str = "interactive", client: Client | None = None) -> str:
        """An envelope; returns when it is acknowledged."""
        client = client or self.connected()
        envelope = self.send(payload, kind, client)
        until(lambda: envelope in [one["envelope_id"] for one in client.acks], "not acknowledged")
        return envelope

    def send(self, payload: Any, kind: str, client: Client) -> str:
        self.numbers += 1
        envelope: str = self.server.deliver(self.numbers, kind, payload, client)
        return envelope

    def click(self, person: str, verb: str, **more: str) -> Any:
        user = more.pop("user", "") or slack_user(person)
        return self.server.pressed(self.house.card(person, verb), verb, user, **more)

    def work_off(self) -> int:
        return clicks.work_off(self.house.app)


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[Town]:
    with house(tmp_path, chat=SocketServer, slack_app_token=APP_TOKEN) as made:
        town = Town(made)
        try:
            yield town
        finally:
            for one in town.listeners:
                one.socket.close()


def inbox_keys(town: Town) -> list[str]:
    rows = table("store_inbox")
    with town.house.app.store.reader() as connection:
        return list(connection.scalars(select(rows.c.message_key)))


def test_a_click_is_carried_out_and_the_card_shows_it(town: Town):
    order = town.house.breach()
    card = town.house.card("chen", "acknowledge")
    town.deliver(town.click("chen", "acknowledge"))
    assert town.work_off() == 1
    assert town.house.order(order.id).acknowledged_by == "chen"
    assert "acknowledged" in card.body["text"]
    assert town.server.tokens["apps.connections.open"] == APP_TOKEN
    assert town.server.tokens["chat.update"] == "token"


def test_the_row_stands_in_the_inbox_when_the_acknowledgement_is_read(town: Town):
    town.house.breach()
    seen: list[int] = []
    town.server.on_ack = lambda _said: seen.append(len(inbox_keys(town)))
    town.deliver(town.click("chen", "acknowledge"))
    assert seen == [1]


def test_no_acknowledgement_goes_out_while_the_row_is_not_committed(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    order = town.house.breach()
    client = town.connected()
    click = town.click("chen", "acknowledge")
    real, kept = clicks.keep, threading.Event()

    def broken(uow: Any, inbound: Any) -> bool:
        real(uow, inbound)
        kept.set()
        raise OSError("the disk is full")

    monkeypatch.setattr(clicks, "keep", broken)
    town.send(click, "interactive", client)
    assert kept.wait(60)
    monkeypatch.setattr(clicks, "keep", real)
    second = town.deliver(town.click("lin", "acknowledge"), client=client)
    assert [one["envelope_id"] for one in client.acks] == [second]
    assert len(inbox_keys(town)) == 1
    town.deliver(click, client=client)  # Slack sends it again
    assert town.work_off() == 2
    assert town.house.order(order.id).acknowledged_by == "lin"


def test_the_acknowledgement_does_not_wait_for_the_work(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    order = town.house.breach()
    gate, at_work, real = threading.Event(), threading.Event(), clicks.work_off

    def slow(app: Any) -> int:
        at_work.set()
        assert gate.wait(60)
        return real(app)

    monkeypatch.setattr(clicks, "work_off", slow)
    listener = slack_listener(town.house.app, holder="here")
    assert listener is not None
    listener.start()
    try:
        until(lambda: town.server.live, "not connected")
        client = town.server.live[-1]
        town.deliver(town.click("chen", "acknowledge"), client=client)
        assert at_work.wait(60)
        town.deliver(town.click("lin", "take_over"), client=client)
        assert town.house.order(order.id).state is State.OPEN
        gate.set()
        until(lambda: town.house.whispers(slack_user("lin")), "not worked off")
        assert town.house.order(order.id).acknowledged_by == "chen"
    finally:
        gate.set()
        listener.stop()
    until(lambda: not town.server.live, "left open")
    with town.house.app.store.reader() as connection:
        held = connection.scalar(select(table("store_lease").c.holder))
    assert held == ""


def test_the_same_click_in_a_second_envelope_is_acknowledged_and_done_once(town: Town):
    town.house.breach()
    click = town.click("chen", "acknowledge")
    client = town.connected()
    first, second = town.deliver(click, client=client), town.deliver(click, client=client)
    assert first != second
    assert (town.work_off(), len(inbox_keys(town))) == (1, 1)
    town.deliver(click, client=client)
    assert town.work_off() == 0
    assert town.house.actions().count("order.acknowledge") == 1


def test_a_click_whose_acknowledgement_was_lost_is_done_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    order = town.house.breach()
    client = town.connected()
    click = town.click("chen", "acknowledge")
    real, gate, kept = clicks.keep, threading.Event(), threading.Event()

    def held(uow: Any, inbound: Any) -> bool:
        new = real(uow, inbound)
        kept.set()
        assert gate.wait(60)
        return new

    monkeypatch.setattr(clicks, "keep", held)
    town.send(click, "interactive", client)
    assert kept.wait(60)
    client.hang_up()
    until(client.gone.is_set, "the server still reads")
    gate.set()
    until(lambda: len(inbox_keys(town)) == 1, "not kept")
    assert client.acks == []
    town.pass_time(60)

    def again() -> object:
        town.listeners[0].look()
        return town.server.live

    until(again, "not connected again")
    town.deliver(click, client=town.server.live[-1])
    assert (town.work_off(), len(inbox_keys(town))) == (1, 1)
    assert town.house.order(order.id).version == 2


def test_clicks_out_of_order_meet_the_state_that_stands(town: Town):
    order = town.house.breach()
    early = town.click("chen", "acknowledge")
    late = town.click("lin", "take_over")
    client = town.connected()
    for click in (late, early):
        town.deliver(click, client=client)
    assert town.work_off() == 2
    stands = town.house.order(order.id)
    assert (stands.state, stands.acknowledged_by) == (State.IN_WORK, "lin")
    said = town.house.whispers(slack_user("chen"))
    assert len(said) == 1
    assert "Lin Hao" in said[0]


def test_commands_are_answered_with_the_acknowledgement(town: Town):
    order = town.house.breach()
    client = town.connected()
    town.deliver(town.server.command_payload(slack_user("chen"), "orders"), "slash_commands")
    assert order.id in client.acks[-1]["payload"]["text"]
    assert client.acks[-1]["payload"]["response_type"] == "ephemeral"
    acts = town.server.command_payload(slack_user("chen"), f"ack {order.id}")
    town.deliver(acts, "slash_commands")
    assert "payload" not in client.acks[-1]
    assert town.work_off() == 1
    assert town.house.order(order.id).acknowledged_by == "chen"
    zhao = town.server.command_payload(slack_user("zhao"), f"show {order.id}")
    town.deliver(zhao, "slash_commands")
    assert order.org not in client.acks[-1]["payload"]["text"]


def test_a_stranger_is_offered_a_link_and_does_nothing(town: Town):
    order = town.house.breach()
    town.deliver(town.click("chen", "acknowledge", user="U77777"))
    assert town.work_off() == 1
    assert town.house.order(order.id).state is State.OPEN
    assert "/link/slack/" in town.house.whispers("U77777")[0]


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("interactive", None),
        ("interactive", []),
        ("interactive", {"actions": [{"type": "static_select"}]}),
        ("interactive", {"actions": [{"value": "WO-1/1"}], "trigger_id": 7}),
        ("interactive", {"trigger_id": "\ud800"}),
        ("slash_commands", "orders"),
        ("slash_commands", {"team_id": ["T"], "user_id": "U"}),
        ("slash_commands", {"team_id": "T"}),
        ("events_api", {"event": {"type": "message"}}),
        ("something new", {}),
    ],
)
def test_what_cannot_be_used_is_acknowledged_so_that_it_never_comes_again(
    town: Town, kind: str, payload: Any
):
    town.deliver(payload, kind)
    assert inbox_keys(town) == []
    assert town.work_off() == 0


def test_a_command_that_fails_is_not_acknowledged(town: Town, monkeypatch: pytest.MonkeyPatch):
    client = town.connected()
    asked, real = threading.Event(), commands.answer

    def broken(*given: Any) -> Any:
        asked.set()
        raise OSError("locked")

    monkeypatch.setattr(commands, "answer", broken)
    fields = town.server.command_payload(slack_user("chen"), "orders")
    town.send(fields, "slash_commands", client)
    assert asked.wait(60)
    monkeypatch.setattr(commands, "answer", real)
    assert town.deliver(fields, "slash_commands", client) == client.acks[0]["envelope_id"]


# --- one holder -------------------------------------------------------------------------------


def test_one_of_two_holds_the_connection_and_the_other_takes_over_when_it_dies(town: Town):
    first, second = town.listener("first"), town.listener("second")
    assert first.look()
    assert not second.look()
    assert len(town.server.live) == 1
    order = town.house.breach()
    # The first one dies: it looks no more, and its connection breaks without an acknowledgement.
    town.server.live[0].hang_up()
    click = town.click("chen", "acknowledge")
    town.pass_time(LEASE_S - 1)
    assert not second.look()
    town.pass_time(4)
    assert second.look()
    until(lambda: town.server.live, "not taken over")
    town.deliver(click, client=town.server.live[-1])
    assert town.work_off() == 1
    assert town.house.order(order.id).acknowledged_by == "chen"


def test_who_slept_through_the_end_of_its_lease_closes_its_connection(town: Town):
    first, second = town.listener("first"), town.listener("second")
    assert first.look()
    slept = town.server.live[0]
    town.pass_time(LEASE_S + 1)
    assert second.look()
    assert not first.look()
    until(slept.gone.is_set, "two hold a connection")
    assert [one.socket.connected for one in (first, second)] == [False, True]


def test_a_busy_database_ends_the_lease_only_with_its_time(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    one = town.listener("here")
    assert one.look()

    def locked(_actor: str) -> Any:
        raise OSError("locked")

    monkeypatch.setattr(town.house.app.store, "unit_of_work", locked)
    town.pass_time(LEASE_S - 1)
    assert one.look()
    town.pass_time(1)
    assert not one.look()
    until(lambda: not town.server.live, "kept without a lease")


def system_orders(town: Town) -> list[str]:
    return [
        str(one.title_params["code"]) for one in town.house.orders() if one.kind == OrderKind.SYSTEM
    ]


def test_people_are_told_once_when_the_connection_does_not_come_about(town: Town):
    one = town.listener("here")
    for _ in range(9):
        town.server.fail(Fault(error="invalid_auth"))
        one.look()
        assert system_orders(town) == []
        town.pass_time(TELL_AFTER_S / 9)
    for _ in range(5):
        town.server.fail(Fault(error="invalid_auth"))
        one.look()
        town.pass_time(61)
    assert system_orders(town) == [DISCONNECTED]
    told = town.house.orders()[0]
    assert told.org == "Group"
    town.server.faults.clear()
    town.house.run_agents()
    assert "Slack is not connected" in town.house.card("boss").body["text"]
    with town.house.app.store.reader() as connection:
        assert "INVALID_AUTH" in str(reads.stream(connection, told.id))
    one.look()
    assert one.socket.connected


def test_a_short_gap_is_no_fault_of_the_house(town: Town):
    one = town.listener("here")
    for _ in range(3):
        town.server.fail(Fault(status=503))
        one.look()
        town.pass_time(TELL_AFTER_S - 10)
        assert one.look()
        until(lambda: one.socket.connected, "not connected")
        town.pass_time(20)
        one.look()
        town.server.live[-1].hang_up()
        until(lambda: not one.socket.connected, "still there")
    assert system_orders(town) == []


def test_without_an_app_level_token_nothing_listens(tmp_path: Path):
    with house(tmp_path) as made:
        assert slack_listener(made.app, holder="here") is None


CHILD = """
import sys, main, service.inbound.slack_socket as room
from pathlib import Path
from service.serving import serve
from service.settings import Settings
room.LEASE_S = 4.0
room.RENEW_S = 1.0
serve(main.compose, Settings(data=Path(sys.argv[1]), slack_url=sys.argv[2],
      slack_token="xoxb-1", slack_app_token="xapp-1"), role="agents")
"""


def test_when_the_holding_process_is_killed_the_other_one_connects(tmp_path: Path):
    app = main.compose(Settings(data=tmp_path), role="test")
    known, problems = directory_from_mapping({"organisations": [{"path": "Group"}]})
    assert problems == []
    with app.store.unit_of_work("system:test") as uow:
        save_directory(uow, known)
    app.close()
    children: list[subprocess.Popen[str]] = []

    def begin(url: str) -> None:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), url],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline().startswith("agents:")

    with SocketServer() as server, process(tmp_path, "log"):
        try:
            begin(server.url)
            until(lambda: server.live, "the first does not connect")
            begin(server.url)
            assert len(server.live) == 1
            children[0].send_signal(signal.SIGKILL)
            until(lambda: len(server.clients) == 2, "the second does not take over")
            until(lambda: len(server.live) == 1, "two are connected")
            children[1].send_signal(signal.SIGTERM)
            assert children[1].wait(180) == 0
            until(lambda: not server.live, "left open")
        finally:
            for child in children:
                child.kill()
                child.communicate(timeout=60)


def test_the_app_level_token_needs_the_bots(tmp_path: Path):
    from pydantic import ValidationError

    with pytest.raises(ValidationError) as fault:
        Settings(data=tmp_path, slack_app_token=APP_TOKEN)
    assert [one["loc"] for one in fault.value.errors()] == [("slack_app_token",)]
    assert APP_TOKEN not in str(fault.value)
    given: Callable[..., Settings] = Settings
    assert given(data=tmp_path, slack_token="xoxb", slack_app_token=APP_TOKEN)


# --- the shortcut and its form ------------------------------------------------------------------


def carried(asked: SignedRequest) -> Any:
    """What is signed for HTTP, as the socket carries it."""
    return json.loads(parse_qs(asked.body.decode())["payload"][0])


def answer_to(town: Town, payload: Any) -> Any:
    client = town.connected()
    envelope = town.deliver(payload, client=client)
    return next(one for one in client.acks if one["envelope_id"] == envelope).get("payload")


def test_a_message_becomes_an_order_and_the_faults_of_the_form_stand_in_the_acknowledgement(
    town: Town,
):
    chen, server = slack_user("chen"), town.server
    said = {"ts": "1715652000.000100", "user": "U0OUTSIDE", "text": "no invoice"}
    town.deliver(carried(server.shortcut(chen, said)))
    assert town.work_off() == 1
    (view,) = server.views
    filled = {"org": unit_code(EAST), "level": "orange"}
    wrong = carried(server.submit(view, **filled, product="pinnacle"))
    told = answer_to(town, wrong)
    assert list(told["errors"]) == ["product"]
    assert answer_to(town, wrong) == told  # sent once more, nothing done again
    right = carried(server.submit(view, **filled))
    assert answer_to(town, right) is None
    assert answer_to(town, right) is None
    (order,) = town.house.orders()
    assert town.house.actions().count("order.message") == 1
    assert town.house.whispers(chen) == []  # not in the thread that acknowledges
    town.listeners[0].door.tell()
    (whisper,) = town.house.whispers(chen)
    assert order.id in whisper


def test_a_form_that_cannot_be_written_is_not_acknowledged_and_comes_again(
    town: Town, monkeypatch: pytest.MonkeyPatch
):
    chen, server = slack_user("chen"), town.server
    said = {"ts": "1715652000.000100", "user": "U0OUTSIDE", "text": "no invoice"}
    town.deliver(carried(server.shortcut(chen, said)))
    town.work_off()
    sent = carried(server.submit(server.views[0], org=unit_code(EAST), level="orange"))
    real, tried = order_form.open_by_hand, threading.Event()

    def down(*_given: object) -> None:
        tried.set()
        raise OSError("full")

    monkeypatch.setattr(order_form, "open_by_hand", down)
    client = town.connected()
    envelope = town.send(sent, "interactive", client)
    assert tried.wait(60)
    monkeypatch.setattr(order_form, "open_by_hand", real)
    town.deliver(sent, client=client)  # acknowledged after what came before it was refused
    assert envelope not in [one["envelope_id"] for one in client.acks]
    assert len(town.house.orders()) == 1
