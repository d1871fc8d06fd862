"""The channel contract on WeCom, against a server that speaks its protocol."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from channel_suite import NOW, ORDER, ChannelSuite, FreshnessSuite, a_card
from chat_harness import WORDS, ChatHarness, raw

from integrations.outbound import Outbound
from integrations.wecom import CODE_LIFE, WecomChannel
from integrations.wecom_crypto import CallbackSeal
from integrations.wecom_web import WecomWeb
from integrations.written import Written
from service.inbound.card_codes import StoredCodes
from store import Store, open_engine
from store.schema import metadata
from tests.unit.integrations.chat_server import Fault
from tests.unit.integrations.wecom_server import (
    AES_KEY,
    AGENT,
    CORP,
    SECRET,
    TOKEN,
    WecomServer,
    card_of,
)
from workorders import (
    Button,
    ChannelFailed,
    ChannelRetry,
    Handle,
    Inbound,
    RawInbound,
    Refusal,
    Updated,
)
from workorders.card import Figure, button_id


class WecomHarness(ChatHarness):
    def __init__(self, server: WecomServer, store: Store, **options: Any) -> None:
        super().__init__(server)
        self.codes = StoredCodes(store, "wecom", CODE_LIFE)
        self.web = WecomWeb(
            base_url=server.url,
            corp_id=options.get("corp_id", CORP),
            secret=options.get("secret", SECRET),
            outbound=Outbound(),
            timeout_s=options.get("timeout_s", 30),
            ticks=self.ticks,
        )
        self.channel = WecomChannel(
            web=self.web,
            corp_id=CORP,
            agent_id=AGENT,
            seal=CallbackSeal(TOKEN, AES_KEY, CORP) if options.get("callback", True) else None,
            codes=self.codes,
            wording=WORDS,
            language_of=lambda _person: "zh",
            public_url=options.get("public_url", "https://console.invalid"),
        )

    def forget(self, handle: Handle) -> None:
        assert handle
        self.server.codes.clear()


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[Store]:
    engine = open_engine(f"sqlite:///{tmp_path / 'codes.db'}")  # a file: threads share it
    metadata.create_all(engine)
    yield Store(engine, clock=lambda: NOW)
    engine.dispose()


@pytest.fixture(name="server")
def _server() -> Iterator[WecomServer]:
    with WecomServer(lambda: int(NOW.timestamp())) as server:
        yield server


@pytest.fixture(name="harness")
def _harness(server: WecomServer, store: Store) -> WecomHarness:
    return WecomHarness(server, store)


class TestWecom(FreshnessSuite):
    """All that every channel must do, and what WeCom's own rules ask beyond it."""

    def test_a_card_shows_its_figures_and_buttons(self, harness: WecomHarness):
        harness.channel.send(a_card(), harness.address)
        card = card_of(harness.message())
        assert card["card_type"] == "button_interaction"
        assert "【红】" in card["main_title"]["title"]
        assert [one["value"] for one in card["horizontal_content_list"]] == ["−7,500 吨"]
        assert harness.message().keys == [
            f"{ORDER}/1/acknowledge",
            f"{ORDER}/1/take_over",
        ]
        assert card["card_action"]["url"] == f"https://console.invalid/orders/{ORDER}"

    def test_more_figures_than_rows_stand_in_the_text(self, harness: WecomHarness):
        figures = tuple(Figure("card.value", str(number), unit="t") for number in range(8))
        harness.channel.send(replace(a_card(), figures=figures), harness.address)
        card = card_of(harness.message())
        assert len(card["horizontal_content_list"]) == 6
        assert "6 吨" in card["sub_title_text"]
        assert "7 吨" in card["sub_title_text"]

    def test_a_list_of_reasons_chooses_none_by_itself(self, harness: WecomHarness):
        button = Button(button_id(ORDER, 1, "reject"), "reject", reason=True)
        card = replace(a_card(), buttons=(button,))
        harness.channel.send(card, harness.address)
        shown = card_of(harness.message())["button_selection"]
        first = shown["option_list"][0]["id"]
        assert shown["selected_id"] == first
        server, message = harness.server, harness.message()
        silent = self.verified(harness, raw(server.press(message, button.id)))
        assert silent.reason == ""
        chosen = self.verified(harness, raw(server.press(message, button.id, reason="PRICE")))
        assert chosen.reason == "PRICE"

    @pytest.mark.parametrize("errcode", [45009, 45033, -1])
    def test_a_passing_error_asks_for_later(self, harness: WecomHarness, errcode: int):
        harness.server.fail(Fault(errcode=errcode))
        with pytest.raises(ChannelRetry) as fault:
            harness.channel.send(a_card(), harness.address)
        assert fault.value.after_s >= (60 if errcode > 0 else 1)

    @pytest.mark.parametrize("errcode", [60020, 48002, 40056])
    def test_a_refusal_for_good_is_no_reason_to_try_again(
        self, harness: WecomHarness, errcode: int
    ):
        harness.server.fail(Fault(errcode=errcode))
        with pytest.raises(ChannelFailed) as fault:
            harness.channel.send(a_card(), harness.address)
        assert fault.value.code == f"WECOM_{errcode}"

    def test_a_member_without_licence_is_not_reached(self, harness: WecomHarness):
        harness.server.unlicensed.add("liu")
        with pytest.raises(ChannelFailed) as fault:
            harness.channel.send(a_card(), "liu")
        assert fault.value.code == "UNLICENSED_USER"

    def test_a_token_is_fetched_once_and_again_shortly_before_its_end(self, harness: WecomHarness):
        for seconds in (0, 6899, 2):
            harness.ticks.now += seconds
            harness.channel.send(a_card(), harness.address)
        assert harness.server.calls.count("gettoken") == 2

    @pytest.mark.parametrize("errcode", [40014, 42001])
    def test_a_token_that_is_withdrawn_is_fetched_anew_once(
        self, harness: WecomHarness, errcode: int
    ):
        harness.channel.send(a_card(), harness.address)
        harness.server.tokens.clear()
        harness.channel.send(a_card(2), harness.address)
        assert harness.delivered() == 2
        harness.server.fail(Fault(errcode=errcode), Fault(errcode=errcode))
        with pytest.raises(ChannelRetry):
            harness.channel.send(a_card(3), harness.address)
        assert harness.server.calls.count("gettoken") == 3

    def test_a_wrong_secret_is_told_by_its_number_and_nothing_of_it(
        self, server: WecomServer, store: Store
    ):
        harness = WecomHarness(server, store, secret="another")
        with pytest.raises(ChannelFailed) as fault:
            harness.channel.send(a_card(), harness.address)
        assert fault.value.code == "WECOM_40001"
        assert "another" not in repr(fault.value.__dict__) + str(fault.value)

    def test_faults_of_the_way_and_logs_hold_no_secret(
        self, harness: WecomHarness, store: Store, caplog: pytest.LogCaptureFixture
    ):
        with WecomServer(harness.server.unix_time) as server:
            gone = WecomHarness(server, store)
        with pytest.raises(ChannelRetry) as fault:
            gone.channel.send(a_card(), harness.address)
        assert SECRET not in f"{fault.value} {fault.value.__cause__} {fault.value.__context__!r}"
        with caplog.at_level(logging.DEBUG):
            harness.channel.send(a_card(), harness.address)
        written = "".join(record.getMessage() for record in caplog.records)
        assert "corpsecret" not in written
        assert "access_token" not in written

    def test_a_lost_answer_is_tried_again_under_the_same_notice(self, harness: WecomHarness):
        harness.server.fail(Fault(lost=True))
        with pytest.raises(ChannelRetry):
            harness.channel.send(a_card(), harness.address)
        harness.channel.send(a_card(), harness.address)
        tasks = [card_of(one)["task_id"] for one in harness.server.messages]
        assert len(set(tasks)) == 2
        assert len({one.partition("-")[0] for one in tasks}) == 1

    def test_an_answer_that_never_comes_is_given_up_and_tried_again(
        self, server: WecomServer, store: Store
    ):
        hasty = WecomHarness(server, store, timeout_s=1)
        hasty.channel.send(a_card(), hasty.address)
        server.fail(Fault(hang=True))
        with pytest.raises(ChannelRetry):
            hasty.channel.send(a_card(2), hasty.address)
        assert hasty.delivered() == 2

    def test_a_code_is_used_once_and_a_click_brings_another(self, harness: WecomHarness):
        handle = harness.channel.send(a_card(), harness.address)
        assert harness.channel.update(handle, a_card(2)) is Updated.UPDATED
        message = harness.message()
        asked = harness.server.press(message, f"{ORDER}/2/acknowledge")
        inbound = self.verified(harness, raw(asked))
        reply = inbound.reply
        harness.codes.keep(reply["notice"], reply["message"], reply["code"])
        assert harness.channel.update(handle, a_card(3, ())) is Updated.UPDATED
        assert harness.delivered() == 1
        assert message.keys == []
        assert harness.channel.update(handle, a_card(4, ())) is Updated.SUPERSEDED
        assert harness.delivered() == 2

    def test_the_code_of_a_superseding_card_edits_that_one(self, harness: WecomHarness):
        handle = harness.channel.send(a_card(), harness.address)
        harness.forget(handle)
        assert harness.channel.update(handle, a_card(2)) is Updated.SUPERSEDED
        assert harness.channel.update(handle, a_card(3, ())) is Updated.UPDATED
        assert harness.delivered() == 2
        assert card_of(harness.message())["card_type"] == "text_notice"

    def test_both_messages_of_a_lost_answer_are_edited_or_superseded(self, harness: WecomHarness):
        harness.server.fail(Fault(lost=True))
        with pytest.raises(ChannelRetry):
            harness.channel.send(a_card(), harness.address)
        handle = harness.channel.send(a_card(), harness.address)
        lost, kept = harness.server.messages
        asked = harness.server.press(lost, f"{ORDER}/1/take_over")
        reply = self.verified(harness, raw(asked)).reply
        harness.codes.keep(reply["notice"], reply["message"], reply["code"])
        assert harness.channel.update(handle, a_card(2)) is Updated.UPDATED
        assert [len(one.versions) for one in (lost, kept)] == [2, 2]
        again = self.verified(harness, raw(harness.server.press(lost, f"{ORDER}/2/take_over")))
        harness.codes.keep(again.reply["notice"], again.reply["message"], "used up")
        assert harness.channel.update(handle, a_card(3, ())) is Updated.SUPERSEDED

    def test_an_update_whose_answer_was_lost_is_made_up_for(self, harness: WecomHarness):
        handle = harness.channel.send(a_card(), harness.address)
        harness.server.fail(Fault(lost=True))
        with pytest.raises(ChannelRetry):
            harness.channel.update(handle, a_card(2, ()))
        assert harness.channel.update(handle, a_card(2, ())) is Updated.SUPERSEDED

    def test_a_code_that_a_rate_limit_kept_from_use_is_used_later(self, harness: WecomHarness):
        handle = harness.channel.send(a_card(), harness.address)
        harness.server.fail(Fault(errcode=45009))
        with pytest.raises(ChannelRetry):
            harness.channel.update(handle, a_card(2, ()))
        assert harness.channel.update(handle, a_card(2, ())) is Updated.UPDATED

    def test_a_card_is_sent_though_its_code_cannot_be_kept(
        self, harness: WecomHarness, monkeypatch: pytest.MonkeyPatch
    ):
        def locked(*_given: object) -> None:
            raise OSError("locked")

        monkeypatch.setattr(harness.codes, "keep", locked)
        handle = harness.channel.send(a_card(), harness.address)
        assert harness.delivered() == 1
        assert harness.channel.update(handle, a_card(2, ())) is Updated.SUPERSEDED

    def test_without_an_address_of_ours_a_card_without_buttons_supersedes(
        self, server: WecomServer, store: Store
    ):
        harness = WecomHarness(server, store, public_url="")
        handle = harness.channel.send(a_card(), harness.address)
        assert harness.channel.update(handle, a_card(2, ())) is Updated.SUPERSEDED
        assert "markdown" in harness.message().body

    def test_a_name_in_the_data_never_becomes_markup(self, harness: WecomHarness):
        card = a_card(1, ())
        org = "[pay](https://x.invalid) <font color='info'>`**"
        card = replace(card, title=replace(card.title, params={**card.title.params, "place": org}))
        harness.channel.send(card, harness.address)
        content = harness.message().body["markdown"]["content"]
        assert "[pay]" not in content
        assert "<font color='info'>" not in content
        assert f"](https://console.invalid/orders/{ORDER})" in content
        harness.channel.whisper({"user": harness.address}, '<a href="https://x.invalid">pay</a>')
        assert "<a" not in harness.message().body["text"]["content"]

    def test_a_long_card_is_cut_and_keeps_its_link(self, harness: WecomHarness):
        figures = tuple(Figure("card.value", "7" * 60, unit="t") for _ in range(60))
        harness.channel.send(replace(a_card(1, ()), figures=figures), harness.address)
        content = harness.message().body["markdown"]["content"]
        assert "…" in content
        assert content.endswith(f"(https://console.invalid/orders/{ORDER})")

    def test_the_address_is_proved(self, harness: WecomHarness):
        query = harness.server.echo("1616140317555161061")
        asked = RawInbound(b"", {}, NOW, query, "GET")
        assert harness.channel.echo(asked) == "1616140317555161061"
        for name in query:
            other = query[name][:-2] + ("37" if name == "timestamp" else "ZZ")
            forged = replace(asked, query={**query, name: other})
            assert isinstance(harness.channel.echo(forged), Refusal)
            bare = {key: one for key, one in query.items() if key != name}
            assert isinstance(harness.channel.echo(replace(asked, query=bare)), Refusal)
        late = replace(asked, received_at=NOW + timedelta(seconds=301))
        assert harness.channel.echo(late) == Refusal("STALE_TIMESTAMP")

    def test_what_another_company_was_sent_is_refused(self, harness: WecomHarness):
        asked = harness.server.callback("<FromUserName>chen</FromUserName>", corp="ww9")
        assert harness.channel.verify(raw(asked)) == Refusal("BAD_SIGNATURE")

    def test_a_repetition_sealed_anew_is_the_same_event(self, harness: WecomHarness):
        handle = harness.channel.send(a_card(), harness.address)
        assert handle
        asked = harness.server.press(harness.message(), f"{ORDER}/1/acknowledge")
        first = self.verified(harness, raw(asked))
        again = self.verified(harness, raw(harness.server.again(asked)))
        assert first.event_id == again.event_id
        assert first.reply["seal"] != again.reply["seal"]

    @pytest.mark.parametrize(
        "event",
        [
            "",
            "<xml>",
            "<xml/>",
            "<xml><FromUserName>chen</FromUserName></xml>",
            '<!DOCTYPE x [<!ENTITY a "aaaa">]><xml><FromUserName>&a;</FromUserName></xml>',
            "<xml><FromUserName>c</FromUserName><CreateTime>1</CreateTime></xml>".replace(
                "</xml>",
                "<MsgType>event</MsgType><Event>template_card_event</Event>"
                "<EventKey>WO-1/9/x/y</EventKey></xml>",
            ),
        ],
    )
    def test_sealed_garbage_is_refused_and_breaks_nothing(self, harness: WecomHarness, event: str):
        found = harness.channel.verify(raw(harness.server.callback(event, whole=True)))
        assert isinstance(found, Refusal)
        assert 400 <= found.status < 500

    def test_a_document_type_is_refused_even_around_a_genuine_click(self, harness: WecomHarness):
        harness.channel.send(a_card(), harness.address)
        asked = harness.server.press(harness.message(), f"{ORDER}/1/acknowledge")
        self.verified(harness, raw(asked))
        kinds = ('<!DOCTYPE xml [<!ENTITY a "aaaa">]>', "<!doctype xml>")
        for kind in kinds:
            found = harness.channel.verify(
                raw(harness.server.callback(f"{kind}{asked.event}", whole=True))
            )
            assert found == Refusal("MALFORMED", 400)

    def test_events_that_ask_for_nothing_are_taken(self, harness: WecomHarness):
        entered = (
            "<FromUserName>chen</FromUserName><CreateTime>1</CreateTime>"
            "<MsgType>event</MsgType><Event>enter_agent</Event>"
        )
        found = harness.channel.verify(raw(harness.server.callback(entered)))
        assert found == Refusal("NOT_A_BUTTON", 200)

    def test_what_somebody_writes_is_read(self, harness: WecomHarness):
        asked = harness.server.write("chen", "工单")
        found = harness.channel.asked(raw(asked))
        assert isinstance(found, Written)
        assert (found.user, found.text) == ("chen", "工单")
        assert harness.channel.verify(raw(asked)) == Refusal("NOT_A_BUTTON", 200)


class TestWecomWithoutCallback(ChannelSuite):
    """A company whose service cannot be reached from outside: cards tell, pages act."""

    @pytest.fixture
    def harness(self, server: WecomServer, store: Store) -> WecomHarness:
        return WecomHarness(server, store, callback=False)

    def test_a_card_has_no_buttons_and_no_request_is_believed(self, harness: WecomHarness):
        assert not harness.channel.interactive
        harness.channel.send(a_card(), harness.address)
        assert "markdown" in harness.message().body
        asked = harness.server.callback("<FromUserName>chen</FromUserName>")
        assert isinstance(harness.channel.verify(raw(asked)), Refusal)


def test_who_pressed_is_told_with_the_company(harness: WecomHarness):
    harness.channel.send(a_card(), harness.address)
    found = harness.channel.verify(raw(harness.server.press(harness.message(), f"{ORDER}/1/ack")))
    assert isinstance(found, Inbound)
    assert found.actor_ref == f"{CORP}/chen"
