"""The channel contract on DingTalk, against a server that speaks its protocol."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from channel_suite import NOW, ORDER, ChannelSuite, a_card
from chat_harness import WORDS, ChatHarness, OnceSuite, raw

from integrations.dingtalk import DingtalkChannel
from integrations.dingtalk_seal import CallbackSeal
from integrations.dingtalk_web import DingtalkWeb
from integrations.outbound import Outbound
from tests.unit.integrations.chat_server import Fault
from tests.unit.integrations.dingtalk_server import (
    APP,
    CALLBACK_SECRET,
    CORP,
    ROUTE,
    SECRET,
    TEMPLATE,
    DingtalkServer,
    acts,
)
from workorders import Button, ChannelFailed, ChannelRetry, Handle, Refusal
from workorders.card import Figure, button_id


class DingtalkHarness(ChatHarness):
    secret = SECRET
    strangers = False  # a card answers to its reader alone

    def __init__(self, server: DingtalkServer, **options: Any) -> None:
        super().__init__(server)
        self.channel = DingtalkChannel(
            web=DingtalkWeb(
                base_url=server.url,
                app_key=APP,
                secret=options.get("secret", SECRET),
                outbound=Outbound(),
                timeout_s=options.get("timeout_s", 30),
                ticks=self.ticks,
            ),
            corp_id=CORP,
            template=options.get("template", TEMPLATE),
            route_key=ROUTE if options.get("callback", True) else "",
            seal=CallbackSeal(CALLBACK_SECRET) if options.get("callback", True) else None,
            wording=WORDS,
            language_of=lambda _person: "zh",
            public_url="https://console.invalid",
        )

    def forget(self, handle: Handle) -> None:
        self.server.gone.add(str(handle.reference["track"]))


@pytest.fixture(name="server")
def _server() -> Iterator[DingtalkServer]:
    with DingtalkServer(lambda: int(NOW.timestamp())) as server:
        yield server


@pytest.fixture(name="harness")
def _harness(server: DingtalkServer) -> DingtalkHarness:
    return DingtalkHarness(server)


class TestDingtalk(OnceSuite):
    """All that every channel must do, and what DingTalk's own rules ask beyond it."""

    @pytest.fixture
    def hasty(self, server: DingtalkServer) -> DingtalkHarness:
        return DingtalkHarness(server, timeout_s=1)

    def test_a_card_fills_the_template(self, harness: DingtalkHarness):
        harness.channel.send(a_card(), harness.address)
        shown = harness.message().body
        assert shown["level"] == "red"
        assert "吨" in shown["body"]
        assert shown["url"] == f"https://console.invalid/orders/{ORDER}"
        assert acts(shown) == ["acknowledge", "take_over"]
        assert shown["card"] == f"{ORDER}/1"

    def test_a_button_with_a_reason_is_there_once_for_each(self, harness: DingtalkHarness):
        button = Button(button_id(ORDER, 1, "reject"), "reject", reason=True)
        harness.channel.send(replace(a_card(), buttons=(button,)), harness.address)
        message = harness.message()
        offered = acts(message.body)
        assert "reject.PRICE" in offered
        assert "reject" not in offered
        assert "：" in json.loads(message.body["buttons"])[0]["text"]
        chosen = self.verified(
            harness, raw(harness.server.press(message, button.id, reason="PRICE"))
        )
        assert (chosen.verb, chosen.reason) == ("reject", "PRICE")

    def test_what_is_too_long_is_cut_and_the_card_still_goes_out(self, harness: DingtalkHarness):
        figures = tuple(Figure("card.value", "7" * 60, unit="t") for _ in range(60))
        harness.channel.send(replace(a_card(), figures=figures), harness.address)
        assert harness.message().body["body"].endswith("…")
        buttons = tuple(
            Button(button_id(ORDER, 1, verb), verb, reason=True)
            for verb in ("reject", "return", "withdraw", "dismiss")
        )
        harness.channel.send(replace(a_card(2), buttons=buttons), harness.address)
        assert "reject.PRICE" in acts(harness.message().body)

    def test_a_card_in_another_hand_is_refused(self, harness: DingtalkHarness):
        harness.channel.send(a_card(), harness.address)
        asked = harness.server.press(harness.message(), f"{ORDER}/1/acknowledge", "stranger")
        assert harness.channel.verify(raw(asked)) == Refusal("BAD_TOKEN")

    @pytest.mark.parametrize(
        "key",
        [f"{ORDER}/2/acknowledge", "WO-20261123-002/1/acknowledge", "AP-1/1/approve"],
        ids=["version", "order", "approval"],
    )
    def test_a_signed_request_with_another_body_is_refused(
        self, harness: DingtalkHarness, key: str
    ):
        """DingTalk signs the time alone: whoever saw one request could send another body."""
        harness.channel.send(a_card(), harness.address)
        genuine = raw(harness.server.press(harness.message(), f"{ORDER}/1/acknowledge"))
        other = raw(harness.server.press(harness.message(), key))
        forged = replace(genuine, body=other.body)
        assert harness.channel.verify(forged) == Refusal("BAD_TOKEN")

    def test_a_click_for_another_company_is_refused(self, harness: DingtalkHarness):
        harness.channel.send(a_card(), harness.address)
        seal = harness.message().body["seal"]
        params = {"act": "acknowledge", "card": f"{ORDER}/1", "seal": seal}
        server = harness.server
        assert self.verified(harness, raw(server.event(harness.address, params))).verb
        other = server.event(harness.address, params, corpId="dingother")
        assert harness.channel.verify(raw(other)) == Refusal("BAD_TOKEN")

    def test_another_secret_signs_nothing(self, harness: DingtalkHarness):
        harness.channel.send(a_card(), harness.address)
        asked = harness.server.press(harness.message(), f"{ORDER}/1/acknowledge")
        forged = harness.server.callback(asked.event, "another secret of a callback")
        assert harness.channel.verify(raw(forged)) == Refusal("BAD_SIGNATURE")
        assert harness.channel.verify(replace(raw(asked), headers={})) == Refusal("BAD_SIGNATURE")

    @pytest.mark.parametrize(
        ("code", "after_s"),
        [
            ("Forbidden.AccessDenied.QpsLimitForApi", 1),
            ("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", 1),
            ("Forbidden.AccessDenied.QpmLimitForAppkeyAndApi", 60),
        ],
    )
    def test_a_limit_asks_for_later(self, harness: DingtalkHarness, code: str, after_s: int):
        harness.server.fail(Fault(status=403, errcode=code))
        with pytest.raises(ChannelRetry) as fault:
            harness.channel.send(a_card(), harness.address)
        assert fault.value.after_s == after_s
        assert harness.delivered() == 0

    @pytest.mark.parametrize("code", ["param.contentUnsafe", "param.templateUnpublished"])
    def test_a_refusal_for_good_is_no_reason_to_try_again(
        self, harness: DingtalkHarness, code: str
    ):
        harness.server.fail(Fault(status=400, errcode=code))
        with pytest.raises(ChannelFailed) as fault:
            harness.channel.send(a_card(), harness.address)
        assert fault.value.code == f"DINGTALK_{code}"

    def test_a_card_that_was_made_and_not_shown_is_shown_by_the_next_attempt(
        self, harness: DingtalkHarness
    ):
        harness.server.not_shown = "SYSTEM_ERROR"
        with pytest.raises(ChannelRetry):
            harness.channel.send(a_card(), harness.address)
        assert harness.delivered() == 0
        harness.server.not_shown = ""
        harness.channel.send(a_card(), harness.address)
        assert harness.delivered() == 1

    def test_a_card_that_is_not_shown_for_good_is_told(self, harness: DingtalkHarness):
        harness.server.not_shown = "ROBOT_STOPPED"
        with pytest.raises(ChannelFailed) as fault:
            harness.channel.send(a_card(), harness.address)
        assert fault.value.code == "DINGTALK_NOT_SHOWN"

    def test_a_token_is_fetched_once_and_anew_when_it_is_withdrawn(self, harness: DingtalkHarness):
        harness.channel.send(a_card(), harness.address)
        harness.channel.send(a_card(2), harness.address)
        harness.server.tokens.clear()
        harness.channel.send(a_card(3), harness.address)
        tokens = [one for one in harness.server.calls if one.endswith("accessToken")]
        assert (harness.delivered(), len(tokens)) == (3, 2)
        twice = Fault(status=400, errcode="InvalidAuthentication")
        harness.server.fail(twice, twice)
        with pytest.raises(ChannelRetry):
            harness.channel.send(a_card(4), harness.address)

    def test_a_wrong_secret_is_told_by_its_code_and_nothing_of_it(self, server: DingtalkServer):
        harness = DingtalkHarness(server, secret="another")
        with pytest.raises(ChannelFailed) as fault:
            harness.channel.send(a_card(), harness.address)
        assert fault.value.code == "DINGTALK_invalidClientIdOrSecret"
        assert "another" not in repr(fault.value.__dict__) + str(fault.value)

    def test_a_whisper_that_does_not_arrive_is_told(self, harness: DingtalkHarness):
        harness.channel.whisper({"user": harness.address}, "done")
        assert harness.message().said == "done"
        with pytest.raises(ChannelFailed):
            harness.channel.whisper({"user": harness.unknown_address}, "done")

    @pytest.mark.parametrize(
        "content", ["", "7", "{}", "[" * 999, '{"cardPrivateData": {"params": []}}']
    )
    def test_signed_garbage_is_refused_and_breaks_nothing(
        self, harness: DingtalkHarness, content: str
    ):
        asked = harness.server.event(harness.address, {}, content=content)
        assert harness.channel.verify(raw(asked)) == Refusal("MALFORMED", 400)

    def test_what_is_written_to_the_robot_asks_for_nothing(self, harness: DingtalkHarness):
        written = raw(harness.server.write(harness.address, f"ack {ORDER}"))
        assert harness.channel.verify(written) == Refusal("NOT_A_BUTTON", 200)


class TestDingtalkWithoutCallback(ChannelSuite):
    """A company whose service cannot be reached from outside: cards tell, pages act."""

    @pytest.fixture
    def harness(self, server: DingtalkServer) -> DingtalkHarness:
        return DingtalkHarness(server, callback=False)

    def test_a_card_has_no_buttons_and_no_request_is_believed(self, harness: DingtalkHarness):
        assert not harness.channel.interactive
        harness.channel.send(a_card(), harness.address)
        assert harness.message().keys == []
        asked = harness.server.event(harness.address, {})
        assert harness.channel.verify(raw(asked)) == Refusal("BAD_SIGNATURE")
