"""Socket Mode against a server that speaks it, with its faults."""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from forward_proxy import ForwardProxy
from own_tls import certificate
from socket_server import CLOSE, TEXT, Client, SocketServer, until
from structlog.testing import capture_logs

from integrations.outbound import Outbound
from integrations.slack_socket import LONGEST_WAIT_S, Envelope, SlackSocket
from integrations.slack_web import SlackWeb
from service.demo.slack_server import Fault


class Ticks:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Taker:
    """Takes envelopes; can refuse, be slow, or answer."""

    def __init__(self) -> None:
        self.met = 0
        self.taken: list[Envelope] = []
        self.refuses = False
        self.gate = threading.Event()
        self.gate.set()
        self.answer: Mapping[str, Any] | None = None

    def __call__(self, envelope: Envelope) -> Mapping[str, Any] | None:
        self.met += 1
        assert self.gate.wait(60)
        if self.refuses:
            raise RuntimeError("the disk is full")
        self.taken.append(envelope)
        return self.answer


class Rig:
    def __init__(
        self, server: SocketServer, outbound: Outbound | None = None, **options: Any
    ) -> None:
        self.server = server
        self.ticks = Ticks()
        self.taker = Taker()
        way = outbound or Outbound()
        web = SlackWeb(
            base_url=options.pop("url", server.url), token="xapp-1", outbound=way, timeout_s=30
        )
        self.socket = SlackSocket(
            web=web,
            outbound=way,
            take=self.taker,
            ticks=self.ticks,
            **{"secure": False, **options},
        )

    def connect(self) -> Client:
        self.socket.keep()
        assert self.socket.connected
        return self.server.live[-1]

    def keep_until(self, holds: Callable[[], object], what: str) -> None:
        def look() -> object:
            self.socket.keep()
            return holds()

        until(look, what)

    def lived(self) -> None:
        self.ticks.now += 3600


@contextmanager
def rig(**options: Any) -> Iterator[Rig]:
    with SocketServer() as server:
        made = Rig(server, **options)
        try:
            yield made
        finally:
            made.socket.close()


def acked(client: Client) -> list[str]:
    return [one["envelope_id"] for one in client.acks]


def test_it_opens_with_the_apps_token_and_answers_envelopes():
    with rig() as one:
        client = one.connect()
        assert one.server.tokens["apps.connections.open"] == "xapp-1"
        one.taker.answer = {"text": "两张工单"}
        one.server.deliver(1, "slash_commands", {"text": "orders"})
        until(lambda: client.acks, "no acknowledgement")
        assert client.acks == [{"envelope_id": "env-1", "payload": {"text": "两张工单"}}]
        assert one.taker.taken == [Envelope("env-1", "slash_commands", {"text": "orders"})]


def test_nothing_is_acknowledged_before_it_was_taken():
    with rig() as one:
        client = one.connect()
        one.taker.gate.clear()
        one.server.deliver(1, "interactive", {})
        one.server.deliver(2, "interactive", {})
        assert client.acks == []
        one.taker.gate.set()
        until(lambda: len(client.acks) == 2, "not acknowledged")
        assert acked(client) == ["env-1", "env-2"]
        assert client.acks[0] == {"envelope_id": "env-1"}


def test_what_could_not_be_taken_is_not_acknowledged_and_breaks_nothing():
    with rig() as one:
        client = one.connect()
        one.taker.refuses = True
        one.server.deliver(1, "interactive", {})
        one.server.deliver(2, "interactive", {})
        until(lambda: one.taker.met == 2, "not met")
        one.taker.refuses = False
        one.server.deliver(3, "interactive", {})
        until(lambda: client.acks, "the connection stopped")
        assert acked(client) == ["env-3"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "7", '"x"', '{"type": 3}', '{"envelope_id": ""}', "[" * 50_000,
     '{"type": "hello"}', '{"type": "later kinds"}'],
)  # fmt: skip
def test_words_that_mean_nothing_are_passed_over(text: str):
    with rig() as one:
        client = one.connect()
        client.frame(TEXT, text.encode())
        one.server.deliver(1, "interactive", {})
        until(lambda: client.acks, "the connection stopped")
        assert [envelope.id for envelope in one.taker.taken] == ["env-1"]


@pytest.mark.parametrize("size", [10, 125, 126, 65_535, 65_536, 300_000])
def test_frames_of_every_size_arrive_whole(size: int):
    with rig() as one:
        client = one.connect()
        one.server.deliver(1, "interactive", {"text": "套" * (size // 3)})
        until(lambda: client.acks, "no acknowledgement")
        assert len(one.taker.taken[0].payload["text"]) == size // 3


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
def test_when_slack_asks_to_renew_the_next_connection_stands_before_the_old_one_ends(reason: str):
    with rig() as one:
        first = one.connect()
        one.lived()
        first.say(type="disconnect", reason=reason)
        one.taker.gate.clear()
        one.server.deliver(1, "interactive", {}, first)
        one.server.greets = True
        one.taker.gate.set()
        until(lambda: first.acks, "what comes on the old one is answered there")
        one.keep_until(lambda: len(one.server.clients) == 2, "no second connection")
        until(first.gone.is_set, "the old one stays open")
        one.server.deliver(2, "interactive", {})
        until(lambda: one.server.clients[1].acks, "the new one does not answer")
        assert one.socket.connected
        assert [len(one.server.live), one.server.opened] == [1, 2]


def test_an_old_connection_stays_until_a_new_one_can_be_had():
    with rig() as one:
        first = one.connect()
        one.lived()
        first.say(type="disconnect", reason="warning")
        one.server.fail(Fault(status=503))
        one.keep_until(lambda: not one.server.faults, "no try")
        assert one.socket.next_try_s > 0
        one.server.deliver(1, "interactive", {}, first)
        until(lambda: first.acks, "the old one no longer answers")
        one.ticks.now += one.socket.next_try_s
        one.keep_until(lambda: len(one.server.clients) == 2, "no second connection")
        until(first.gone.is_set, "the old one stays open")


@pytest.mark.parametrize("how", ["hang up", "close frame"])
def test_a_lost_connection_is_opened_again(how: str):
    with rig() as one:
        first = one.connect()
        one.lived()
        if how == "hang up":
            first.hang_up()
        else:
            first.frame(CLOSE, b"\x03\xe8")
        one.keep_until(lambda: len(one.server.clients) == 2, "not opened again")
        one.server.deliver(1, "interactive", {})
        until(lambda: one.server.clients[1].acks, "the new one does not answer")


def test_a_lost_acknowledgement_is_given_again_when_slack_sends_again():
    with rig() as one:
        first = one.connect()
        one.lived()
        one.taker.gate.clear()
        one.server.deliver(1, "interactive", {"trigger_id": "t"})
        until(lambda: one.taker.met == 1, "not met")
        first.hang_up()
        until(first.gone.is_set, "the server still reads")
        one.taker.gate.set()
        one.keep_until(lambda: len(one.server.clients) == 2, "not opened again")
        second = one.server.clients[1]
        one.server.deliver(1, "interactive", {"trigger_id": "t"}, second)
        until(lambda: second.acks, "not acknowledged")
        assert (acked(first), acked(second)) == ([], ["env-1"])


def test_who_is_silent_for_too_long_is_gone():
    with rig(silent_s=1.0) as one:
        one.server.pongs = False
        one.keep_until(lambda: one.server.clients, "not connected")
        first = one.server.clients[0]
        one.lived()
        one.keep_until(lambda: len(one.server.clients) > 1, "a dead connection is kept")
        until(first.gone.is_set, "left open")


def test_an_idle_connection_is_proved_by_pings():
    with rig() as one:
        client = one.connect()
        before = client.pings
        one.socket.keep()
        one.ticks.now += 11
        one.keep_until(lambda: client.pings > before, "no ping")


def test_a_connection_that_flaps_is_not_hammered():
    with rig() as one:
        for tries, wait in enumerate((1, 2, 4, 8, 16, 32, 60, 60), 1):
            client = one.connect()
            assert one.server.opened == tries
            client.hang_up()
            one.keep_until(lambda: one.socket.next_try_s > 0, "tried at once")
            assert one.socket.next_try_s == min(wait, LONGEST_WAIT_S)
            one.socket.keep()
            assert one.server.opened == tries
            one.ticks.now += wait
        one.connect()
        one.lived()
        one.server.live[-1].hang_up()
        one.keep_until(lambda: one.server.opened == 10, "a long-lived one is opened again at once")


@pytest.mark.parametrize(
    ("fault", "least"),
    [
        (Fault(status=429, retry_after=77), 77),
        (Fault(status=500), 1),
        (Fault(lost=True), 1),
        (Fault(error="invalid_auth"), 60),
        (Fault(error="not_allowed_token_type"), 60),
    ],
)
def test_when_opening_fails_it_waits_as_asked(fault: Fault, least: int):
    with rig() as one:
        one.server.fail(fault)
        one.socket.keep()
        assert not one.socket.connected
        assert one.socket.next_try_s >= least
        one.socket.keep()
        opened = one.server.opened
        one.ticks.now += one.socket.next_try_s
        one.connect()
        assert one.server.opened == opened + 1


def test_a_connection_without_greeting_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("integrations.slack_socket.HELLO_S", 0.2)
    with rig() as one:
        one.server.greets = False
        one.socket.keep()
        assert not one.socket.connected
        until(lambda: not one.server.live, "left open")
        assert one.socket.next_try_s > 0


@pytest.mark.parametrize(
    "address",
    ["http://[", "", "ws://127.0.0.1:1", "nonsense", "ws://slack.invalid:1"],
)
def test_an_address_that_leads_nowhere_is_a_fault_like_others(address: str):
    with SocketServer(address=address or "x") as server:
        one = Rig(server)
        one.socket.keep()
        assert not one.socket.connected
        assert one.socket.next_try_s > 0


@pytest.mark.parametrize("address", ["ws://127.0.0.1", "wss://127.0.0.1:8443", "https://x"])
def test_a_ticket_never_travels_in_the_clear(address: str):
    with SocketServer(address=address) as server, capture_logs() as told:
        one = Rig(server, secure=True)
        one.socket.keep()
        assert server.clients == []
        assert told[-1]["fault"] == "SOCKET_ADDRESS_UNSAFE"
        assert "ticket" not in json.dumps(told)


def test_the_socket_takes_the_way_through_the_proxy_and_tells_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    context, trusted = certificate(tmp_path, "wss.invalid")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with SocketServer(tls=context, address="wss://wss.invalid") as server, capture_logs() as told:
        port = int(server.url.split(":")[2].split("/")[0])
        names = {"slack.invalid": port, "wss.invalid": server.socket_port}
        with ForwardProxy(names, "risk:pa55word") as proxy:
            address = proxy.url.replace("//", "//risk:pa55word@")
            one = Rig(server, Outbound(address), url="http://slack.invalid/api/", secure=True)
            client = one.connect()
            server.deliver(1, "interactive", {"n": "套" * 50_000})
            until(lambda: client.acks, "no acknowledgement through the tunnel")
            assert proxy.asked == [
                ("POST", "http://slack.invalid/api/apps.connections.open"),
                ("CONNECT", "wss.invalid:443"),
            ]
            one.lived()
            proxy.tunnels = False
            client.hang_up()
            one.keep_until(lambda: one.socket.next_try_s > 0, "no try")
            assert one.socket.fault == "Exception"  # of the SDK, whose words are not repeated
            assert proxy.asked[-1] == ("CONNECT", "wss.invalid:443")
            one.socket.close()
    words = caplog.text + json.dumps(told)
    assert "ticket" not in words
    assert "pa55word" not in words
    assert "xapp-1" not in words


def test_closing_ends_the_connection_at_once_and_for_good():
    with rig() as one:
        client = one.connect()
        one.socket.close()
        until(client.gone.is_set, "left open")
        assert not one.socket.connected
        one.socket.close()
