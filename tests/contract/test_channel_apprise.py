"""The channel contract on notices by an address of apprise's, against a service on this machine."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from urllib.parse import urlsplit

import pytest
from channel_suite import NOW, ORDER, ChannelSuite, a_card
from chat_harness import WORDS, ChatHarness

from integrations.apprise_notices import AppriseChannel
from integrations.outbound import Outbound
from tests.unit.integrations.chat_server import Fault
from tests.unit.integrations.forward_proxy import ForwardProxy
from tests.unit.integrations.notice_server import NoticeServer
from workorders import ChannelFailed, ChannelRetry, Handle, Level, RawInbound, Refusal, Updated

pytestmark = [
    pytest.mark.extra,
    pytest.mark.skipif(find_spec("apprise") is None, reason="the extra apprise is not installed"),
]
TOKEN = "token-of-this-test"
NAME = "notices.invalid"


def channel_at(url: str, outbound: Outbound | None = None) -> AppriseChannel:
    return AppriseChannel(
        url,
        outbound or Outbound(),
        wording=WORDS,
        language_of=lambda _person: "zh",
        public_url="https://console.invalid",
    )


class AppriseHarness(ChatHarness):
    address = "chen@here.invalid"
    unknown_address = "nobody@here.invalid"
    strangers = False  # nothing can be pressed

    def __init__(self, server: NoticeServer) -> None:
        super().__init__(server)
        self.place = urlsplit(server.url).netloc
        self.channel = channel_at(f"json://{self.place}/box/{{email}}?-token={TOKEN}")

    def forget(self, handle: Handle) -> None:
        """Nothing that was told can be edited."""


@pytest.fixture(name="server")
def _server() -> Iterator[NoticeServer]:
    with NoticeServer(lambda: int(NOW.timestamp())) as server:
        yield server


@pytest.fixture(name="harness")
def _harness(server: NoticeServer) -> AppriseHarness:
    return AppriseHarness(server)


class TestApprise(ChannelSuite):
    """All that every channel must do, and what a service behind apprise asks beyond it."""

    def test_nothing_comes_back_on_it(self, harness: AppriseHarness):
        assert not harness.channel.interactive
        for body in (b"", b"{}", b"\xff"):
            found = harness.channel.verify(RawInbound(body, {}, NOW))
            assert isinstance(found, Refusal)
            assert 400 <= found.status < 500

    def test_a_notice_says_all_that_a_card_says_and_has_no_buttons(self, harness: AppriseHarness):
        harness.channel.send(a_card(), harness.address)
        told = harness.server.messages[-1].body
        assert told["title"].startswith("【红】")
        assert "吨" in told["message"]
        assert "https://console.invalid/orders/" in told["message"]
        assert "确认收到" not in told["message"]
        assert told["type"] == "failure"
        assert "致" not in told["message"].splitlines()[0]

    @pytest.mark.parametrize(
        ("level", "kind"), [(Level.ORANGE, "warning"), (Level.BLUE, "info"), (None, "info")]
    )
    def test_the_colour_is_the_services_own(
        self, harness: AppriseHarness, level: Level | None, kind: str
    ):
        harness.channel.send(replace(a_card(), level=level), harness.address)
        assert harness.server.messages[-1].body["type"] == kind

    def test_in_one_place_for_all_each_notice_says_whom_it_is_for(self, harness: AppriseHarness):
        channel = channel_at(f"json://{harness.place}/box/room")
        channel.send(a_card(), "chen")
        (told,) = harness.server.messages
        assert (told.user, told.body["message"].splitlines()[0]) == ("room", "致 chen：")

    @pytest.mark.parametrize("person", ["chen", "陈芳", "a/b?c=d&e#f", "x{email}y", "100%"])
    def test_whatever_a_person_is_called_names_one_box(self, harness: AppriseHarness, person: str):
        channel = channel_at(f"json://{harness.place}/box/{{person}}")
        channel.send(a_card(), person)
        assert [one.user for one in harness.server.messages] == [person]

    @pytest.mark.parametrize(
        ("fault", "code"),
        [
            (Fault(status=422), "APPRISE_HTTP_422"),
            (Fault(status=401), "APPRISE_HTTP_401"),
            (Fault(status=302), "APPRISE_HTTP_302"),
        ],
    )
    def test_a_refusal_for_good_goes_by_its_number(
        self, harness: AppriseHarness, fault: Fault, code: str
    ):
        harness.server.fail(fault)
        with pytest.raises(ChannelFailed) as failed:
            harness.channel.send(a_card(), harness.address)
        assert failed.value.code == code
        assert harness.delivered() == 0

    @pytest.mark.parametrize("status", [408, 500, 502])
    def test_what_can_pass_is_tried_again(self, harness: AppriseHarness, status: int):
        harness.server.fail(Fault(status=status))
        with pytest.raises(ChannelRetry):
            harness.channel.send(a_card(), harness.address)

    def test_a_lost_answer_and_a_dead_service_are_outages(self, harness: AppriseHarness):
        harness.server.fail(Fault(lost=True))
        with pytest.raises(ChannelRetry) as lost:
            harness.channel.send(a_card(), harness.address)
        assert str(lost.value) == "ConnectionError"
        with pytest.raises(ChannelRetry):
            channel_at("json://127.0.0.1:1/box").send(a_card(), "chen")

    @pytest.mark.parametrize(
        ("url", "code"),
        [
            ("nosuch://here", "APPRISE_ADDRESS"),
            ("slack://half", "APPRISE_ADDRESS"),
            ("syslog://", "APPRISE_NOT_HTTP"),
            (f"mailto://me:{TOKEN}@here.invalid", "APPRISE_NOT_HTTP"),
            (f"mqtt://me:{TOKEN}@here.invalid/topic", "APPRISE_NOT_HTTP"),
        ],
    )
    def test_an_address_that_we_cannot_use_is_refused_before_anything_leaves(
        self, url: str, code: str
    ):
        channel = channel_at(url)
        for act in (channel.check, lambda: channel.send(a_card(), "chen")):
            with pytest.raises(ChannelFailed) as fault:
                act()
            # what another extra would be needed for cannot be used either
            assert fault.value.code in {code, "APPRISE_ADDRESS"}
            assert TOKEN not in str(fault.value) + repr(fault.value.__dict__)

    def test_a_good_address_is_known_without_telling_anybody(self, harness: AppriseHarness):
        harness.channel.check()
        assert harness.server.messages == []

    def test_it_goes_by_our_proxy_and_never_by_the_shells(
        self, server: NoticeServer, monkeypatch: pytest.MonkeyPatch
    ):
        port = urlsplit(server.url).port or 0
        with ForwardProxy({NAME: port}, user="me:p@ss") as proxy, ForwardProxy({}) as shells:
            for name in ("http_proxy", "https_proxy", "all_proxy"):
                monkeypatch.setenv(name, shells.url)
                monkeypatch.setenv(name.upper(), shells.url)
            monkeypatch.setenv("NO_PROXY", NAME)
            way = Outbound(proxy.url.replace("://", "://me:p%40ss@"))
            channel_at(f"json://{NAME}/box/chen", way).send(a_card(), "chen")
            assert proxy.asked == [("POST", f"http://{NAME}/box/chen")]
            assert shells.asked == []
            direct = channel_at(f"json://127.0.0.1:{port}/box/chen", way)
            direct.send(a_card(), "chen")  # this machine is reached directly
            assert len(proxy.asked) == 1
            assert shells.asked == []
        assert len(server.messages) == 2

    def test_a_proxy_that_refuses_is_an_outage(self, server: NoticeServer):
        with ForwardProxy({NAME: 1}, user="me:right") as proxy:
            way = Outbound(proxy.url.replace("://", "://me:wrong@"))
            with pytest.raises(ChannelRetry) as fault:
                channel_at(f"json://{NAME}/box/chen", way).send(a_card(), "chen")
            assert "wrong" not in str(fault.value)

    def test_a_request_of_another_part_of_the_process_is_left_alone(
        self, harness: AppriseHarness, monkeypatch: pytest.MonkeyPatch
    ):
        import requests

        harness.channel.send(a_card(), harness.address)
        with ForwardProxy({NAME: urlsplit(harness.server.url).port or 0}) as shells:
            monkeypatch.setenv("http_proxy", shells.url)
            assert requests.post(f"http://{NAME}/box/x", json={}, timeout=30).status_code == 200
            assert len(shells.asked) == 1

    def test_logs_hold_no_token_and_no_address(
        self, harness: AppriseHarness, caplog: pytest.LogCaptureFixture
    ):
        with caplog.at_level(logging.DEBUG):
            harness.channel.send(a_card(), harness.address)
            with pytest.raises(ChannelFailed):
                harness.channel.send(a_card(2), harness.unknown_address)
        written = "".join(record.getMessage() for record in caplog.records)
        for hidden in (TOKEN, harness.address, "chen%40here", ORDER):
            assert hidden not in written

    def test_what_is_told_again_supersedes(self, harness: AppriseHarness):
        handle = harness.channel.send(a_card(), harness.address)
        assert TOKEN not in str(dict(handle.reference))
        assert harness.channel.update(handle, a_card(2, ())) is Updated.SUPERSEDED
