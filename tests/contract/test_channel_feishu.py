"""The channel contract on Feishu, against a server that speaks its protocol."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from channel_suite import NOW, ORDER, ChannelSuite, a_card
from chat_harness import WORDS, ChatHarness, OnceSuite, raw

from integrations.feishu import FeishuChannel
from integrations.feishu_crypto import CallbackSeal
from integrations.feishu_web import FeishuWeb
from integrations.outbound import Outbound
from integrations.written import Written
from tests.unit.integrations.chat_server import Fault
from tests.unit.integrations.feishu_server import (
    APP,
    ENCRYPT_KEY,
    SECRET,
    TENANT,
    TOKEN,
    FeishuServer,
    pressables,
)
from workorders import Button, ChannelFailed, ChannelRetry, Handle, Refusal
from workorders.card import button_id
from workorders.channel import Updated


class FeishuHarness(ChatHarness):
    secret = SECRET
    address = "ou_chen"
    unknown_address = "ou_nobody"
    stranger = "ou_stranger"

    def __init__(self, server: FeishuServer, **options: Any) -> None:
        super().__init__(server)
        self.channel = FeishuChannel(
            web=FeishuWeb(
                base_url=server.url,
                app_id=APP,
                secret=options.get("secret", SECRET),
                outbound=Outbound(),
                timeout_s=options.get("timeout_s", 30),
                ticks=self.ticks,
            ),
            seal=CallbackSeal(ENCRYPT_KEY, TOKEN) if options.get("callback", True) else None,
            wording=WORDS,
            language_of=lambda _person: "zh",
            public_url="https://console.invalid",
        )

    def set_rate_limit(self, after_s: int | None) -> None:
        limit = None if after_s is None else Fault(400, after_s, errcode=99991400)
        self.server.lasting = limit

    def forget(self, handle: Handle) -> None:
        self.server.withdrawn.add(str(handle.reference["message_id"]))


@pytest.fixture(name="server")
def _server() -> Iterator[FeishuServer]:
    with FeishuServer(lambda: int(NOW.timestamp())) as server:
        yield server


@pytest.fixture(name="harness")
def _harness(server: FeishuServer) -> FeishuHarness:
    return FeishuHarness(server)


class TestFeishu(OnceSuite):
    """All that every channel must do, and what Feishu's own rules ask beyond it."""

    @pytest.fixture
    def hasty(self, server: FeishuServer) -> FeishuHarness:
        return FeishuHarness(server, timeout_s=1)

    def test_a_card_shows_its_colour_figures_and_buttons(self, harness: FeishuHarness):
        harness.channel.send(a_card(), harness.address)
        message = harness.message()
        assert message.body["header"]["template"] == "red"
        assert "−7,500 吨" in message.text
        assert message.keys == [f"{ORDER}/1/acknowledge", f"{ORDER}/1/take_over"]
        assert f"https://console.invalid/orders/{ORDER}" in message.text

    def test_nothing_from_the_data_is_markup(self, harness: FeishuHarness):
        card = a_card()
        org = "[pay](https://x.invalid)<at id=all></at>"
        card = replace(card, title=replace(card.title, params={**card.title.params, "place": org}))
        harness.channel.send(card, harness.address)
        assert "lark_md" not in harness.message().text
        assert '"markdown"' not in harness.message().text
        harness.channel.whisper({"user": harness.address}, '<at user_id="all"></at>')
        assert "<at" not in harness.message().said

    def test_a_reason_comes_along_with_the_button(self, harness: FeishuHarness):
        button = Button(button_id(ORDER, 1, "reject"), "reject", confirm=True, reason=True)
        harness.channel.send(replace(a_card(), buttons=(button,)), harness.address)
        server, message = harness.server, harness.message()
        assert pressables(message.body)[0]["confirm"]
        silent = self.verified(harness, raw(server.press(message, button.id)))
        assert silent.reason == ""
        chosen = self.verified(harness, raw(server.press(message, button.id, reason="PRICE")))
        assert chosen.reason == "PRICE"

    def test_choosing_from_a_list_asks_for_nothing(self, harness: FeishuHarness):
        event = {
            "operator": {"tenant_key": TENANT, "open_id": "ou_chen"},
            "action": {"tag": "select_static", "option": "PRICE"},
        }
        found = harness.channel.verify(raw(harness.server.event("card.action.trigger", event)))
        assert found == Refusal("NOT_A_BUTTON", 200)

    @pytest.mark.parametrize("code", [99991400, 230020, 11232, 230049, 2200])
    def test_a_passing_error_asks_for_later(self, harness: FeishuHarness, code: int):
        harness.server.fail(Fault(status=400, errcode=code))
        with pytest.raises(ChannelRetry):
            harness.channel.send(a_card(), harness.address)

    @pytest.mark.parametrize("code", [230006, 99991672])
    def test_a_refusal_for_good_is_no_reason_to_try_again(self, harness: FeishuHarness, code: int):
        harness.server.fail(Fault(status=400, errcode=code))
        with pytest.raises(ChannelFailed) as fault:
            harness.channel.send(a_card(), harness.address)
        assert fault.value.code == f"FEISHU_{code}"

    def test_a_token_is_fetched_once_and_again_shortly_before_its_end(self, harness: FeishuHarness):
        for version, seconds in enumerate((0, 6899, 2)):
            harness.ticks.now += seconds
            harness.channel.send(a_card(version), harness.address)
        assert len([one for one in harness.server.calls if one.startswith("auth/")]) == 2

    def test_a_token_that_is_withdrawn_is_fetched_anew_once(self, harness: FeishuHarness):
        harness.channel.send(a_card(), harness.address)
        harness.server.tokens.clear()
        harness.channel.send(a_card(2), harness.address)
        assert harness.delivered() == 2
        harness.server.fail(Fault(errcode=99991663), Fault(errcode=99991663))
        with pytest.raises(ChannelRetry):
            harness.channel.send(a_card(3), harness.address)

    def test_a_wrong_secret_is_told_by_its_number_and_nothing_of_it(self, server: FeishuServer):
        harness = FeishuHarness(server, secret="another")
        with pytest.raises(ChannelFailed) as fault:
            harness.channel.send(a_card(), harness.address)
        assert fault.value.code == "FEISHU_10014"
        assert "another" not in repr(fault.value.__dict__) + str(fault.value)

    def test_an_old_card_is_superseded_once_for_each_state(self, harness: FeishuHarness):
        handle = harness.channel.send(a_card(), harness.address)
        now = harness.server.unix_time()
        harness.server.unix_time = lambda: now + 15 * 86400
        for _ in range(2):  # the answer to the first may have been lost
            assert harness.channel.update(handle, a_card(2, ())) is Updated.SUPERSEDED
        assert harness.delivered() == 2

    def test_a_refused_edit_for_another_reason_is_told(self, harness: FeishuHarness):
        handle = harness.channel.send(a_card(), harness.address)
        harness.server.fail(Fault(status=400, errcode=230099))
        with pytest.raises(ChannelFailed):
            harness.channel.update(handle, a_card(2, ()))
        assert harness.delivered() == 1

    def test_the_address_is_proved(self, harness: FeishuHarness):
        server = harness.server
        assert harness.channel.asked(raw(server.challenge("4711"))) == "4711"
        other = raw(server.challenge("4711", "another token"))
        assert harness.channel.asked(other) == Refusal("BAD_TOKEN")
        forged = raw(server.challenge("4711", key="another key"))
        assert harness.channel.asked(forged) == Refusal("BAD_SIGNATURE")
        assert harness.channel.verify(raw(server.challenge("4711"))) == Refusal("NOT_A_BUTTON", 200)

    def test_an_unsigned_event_is_refused_though_it_was_sealed(self, harness: FeishuHarness):
        harness.channel.send(a_card(), harness.address)
        asked = harness.server.press(harness.message(), f"{ORDER}/1/acknowledge")
        bare = replace(raw(asked), headers={})
        assert harness.channel.verify(bare) == Refusal("BAD_SIGNATURE")

    def test_an_event_of_another_app_is_refused(self, harness: FeishuHarness):
        asked = harness.server.event("card.action.trigger", {}, token="another")
        assert harness.channel.verify(raw(asked)) == Refusal("BAD_TOKEN")

    def test_a_repetition_signed_anew_is_the_same_event(self, harness: FeishuHarness):
        harness.channel.send(a_card(), harness.address)
        asked = harness.server.press(harness.message(), f"{ORDER}/1/acknowledge")
        first = self.verified(harness, raw(asked))
        again = self.verified(harness, raw(harness.server.again(asked)))
        assert first.event_id == again.event_id
        assert first.reply["seal"] != again.reply["seal"]

    @pytest.mark.parametrize(
        ("kind", "event"),
        [
            ("card.action.trigger", None),
            ("card.action.trigger", {}),
            ("card.action.trigger", {"action": [], "operator": {}}),
            ("card.action.trigger", {"action": {"tag": "button", "value": 7}, "operator": {}}),
            ("im.message.receive_v1", {"message": {"message_type": "text"}}),
        ],
    )
    def test_sealed_garbage_is_refused_and_breaks_nothing(
        self, harness: FeishuHarness, kind: str, event: Any
    ):
        assert harness.channel.verify(raw(harness.server.event(kind, event))) == Refusal(
            "MALFORMED", 400
        )

    @pytest.mark.parametrize("text", ["[]", "7", "no json", "{}", '{"header": 7}'])
    def test_sealed_text_that_is_no_event_is_refused(self, harness: FeishuHarness, text: str):
        assert isinstance(harness.channel.verify(raw(harness.server.callback(text))), Refusal)

    def test_events_that_ask_for_nothing_are_taken(self, harness: FeishuHarness):
        entered = harness.server.event("im.chat.access_event.bot_p2p_chat_entered_v1", {})
        assert harness.channel.verify(raw(entered)) == Refusal("NOT_A_BUTTON", 200)

    def test_what_somebody_writes_is_read(self, harness: FeishuHarness):
        found = harness.channel.asked(raw(harness.server.write("ou_chen", "工单")))
        assert isinstance(found, Written)
        assert (found.actor_ref, found.text) == (f"{TENANT}/ou_chen", "工单")

    def test_a_late_card_asks_by_its_header(self, harness: FeishuHarness):
        raw_press = self.press(harness)
        late = replace(raw_press, received_at=NOW + timedelta(seconds=299))
        assert self.verified(harness, late).actor_ref == f"{TENANT}/ou_chen"
        assert json.loads(raw_press.body).keys() == {"encrypt"}


class TestFeishuWithoutCallback(ChannelSuite):
    """A company whose service cannot be reached from outside: cards tell, pages act."""

    @pytest.fixture
    def harness(self, server: FeishuServer) -> FeishuHarness:
        return FeishuHarness(server, callback=False)

    def test_a_card_has_no_buttons_and_no_request_is_believed(self, harness: FeishuHarness):
        assert not harness.channel.interactive
        harness.channel.send(a_card(), harness.address)
        assert harness.message().keys == []
        found = harness.channel.verify(raw(harness.server.event("card.action.trigger", {})))
        assert found == Refusal("BAD_SIGNATURE")
