"""The channel contract on text messages and calls, against a gateway on this machine."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from channel_suite import NOW, ORDER, FreshnessSuite, a_card
from chat_harness import WORDS, ChatHarness, raw

from integrations.outbound import Outbound
from integrations.phone import PhoneChannel
from integrations.phone_gateway import Gateway
from integrations.receipts import Receipt
from tests.unit.integrations.chat_server import Fault
from tests.unit.integrations.phone_server import SECRET, PhoneServer
from workorders import Card, ChannelFailed, ChannelRetry, Handle, RawInbound, Refusal, Updated
from workorders.card import CardKind

NUMBER = "+8613800000001"
OTHER = "+8613800000002"


class PhoneHarness(ChatHarness):
    address = NUMBER
    unknown_address = "+8613800000009"
    strangers = False  # a key answers for the person called
    secret = SECRET

    def __init__(self, server: PhoneServer, kind: str, timeout_s: float = 30) -> None:
        super().__init__(server)
        url = f"{server.url}send?token=of-this-test"
        gateway = Gateway(url, SECRET, Outbound(), lambda: NOW, timeout_s=timeout_s)
        self.channel = PhoneChannel(
            kind,
            gateway,
            wording=WORDS,
            language_of=lambda _person: "zh",
            public_url="https://console.invalid",
        )

    def press(self, handle: Handle, card: Card, verb: str, *, stranger: bool = False) -> RawInbound:
        assert (handle.reference["id"], verb) == (card.notice_id, "acknowledge")
        return raw(self.server.press(self.message()))

    def tampered(self, raw: RawInbound) -> RawInbound:
        return replace(raw, body=raw.body.replace(ORDER.encode(), b"WO-20261123-002"))

    def forget(self, handle: Handle) -> None:
        """Nothing that was said can be edited."""


@pytest.fixture(name="server")
def _server() -> Iterator[PhoneServer]:
    with PhoneServer(lambda: int(NOW.timestamp())) as server:
        yield server


@pytest.fixture(name="harness", params=["sms", "voice"])
def _harness(server: PhoneServer, request: pytest.FixtureRequest) -> PhoneHarness:
    return PhoneHarness(server, request.param)


class TestPhone(FreshnessSuite):
    """All that every channel must do, and what a gateway and its keys ask beyond it."""

    def test_a_click_on_an_old_card_names_the_old_version(self, harness: PhoneHarness):
        """A phone offers no other verb than to acknowledge."""
        harness.channel.send(a_card(), harness.address)
        old = harness.message()
        harness.channel.send(a_card(2), harness.address)
        assert self.verified(harness, raw(harness.server.press(old))).version == 1
        assert self.verified(harness, raw(harness.server.press(harness.message()))).version == 2

    def test_a_notice_goes_out_in_parts_with_its_key(self, harness: PhoneHarness):
        harness.channel.send(a_card(), harness.address)
        told = harness.message().body
        assert (told["kind"], told["to"], told["id"]) == (
            harness.channel.name,
            NUMBER,
            f"{ORDER}/1",
        )
        assert "【红】" in told["title"]
        assert "吨" in told["lines"][-1]
        assert "1" in told["keys"]["1"]
        assert "确认收到" in told["keys"]["1"]
        harness.channel.send(a_card(2, ("take_over",)), harness.address)
        assert harness.message().body["keys"] == {}

    def test_a_key_is_weak_and_acknowledges_alone(self, harness: PhoneHarness):
        card = a_card(1, ("acknowledge", "take_over", "approve"))
        harness.channel.send(card, harness.address)
        message = harness.message()
        inbound = self.verified(harness, raw(harness.server.press(message)))
        assert (inbound.verb, inbound.strong) == ("acknowledge", False)
        for key in ("2", "", "9"):
            asked = raw(harness.server.press(message, key))
            assert harness.channel.verify(asked) == Refusal("VERB_NOT_OFFERED", 403)

    def test_an_approval_offers_no_key(self, harness: PhoneHarness):
        card = replace(a_card(1, ("approve", "reject")), kind=CardKind.APPROVAL)
        harness.channel.send(card, harness.address)
        assert harness.message().keys == []
        asked = raw(harness.server.press(harness.message()))
        assert harness.channel.verify(asked) == Refusal("VERB_NOT_OFFERED", 403)

    def test_a_key_names_the_person_and_number_called(self, harness: PhoneHarness):
        harness.channel.send(a_card(), NUMBER)
        first = self.verified(harness, raw(harness.server.press(harness.message())))
        mark, _, person = first.actor_ref.partition("/")
        assert (person, mark) == ("chen", harness.channel.mark(NUMBER))
        assert mark != harness.channel.mark(OTHER)
        assert NUMBER[3:] not in first.actor_ref

    def test_a_key_is_worth_nothing_a_day_after_the_deadline(self, harness: PhoneHarness):
        harness.channel.send(replace(a_card(), deadline=NOW - timedelta(hours=25)), NUMBER)
        asked = raw(harness.server.press(harness.message()))
        assert harness.channel.verify(asked) == Refusal("EXPIRED", 410)

    def test_a_made_up_reference_is_refused(self, harness: PhoneHarness):
        harness.channel.send(a_card(), NUMBER)
        message = harness.message()
        body, _, mac = message.body["reference"].partition(".")
        for forged in ("", "x", f"{body}.", f".{mac}", f"{body[:-2]}AA.{mac}", "é.é"):
            asked = harness.server.receipt(message, status="key", key="1", reference=forged)
            assert harness.channel.verify(raw(asked)) == Refusal("BAD_TOKEN")

    def test_a_reference_is_good_for_the_notice_it_went_with(self, harness: PhoneHarness):
        harness.channel.send(a_card(), NUMBER)
        message = harness.message()
        told = {**message.body, "id": "another"}
        asked = harness.server.receipt(replace(message, body=told), status="key", key="1",
                                       reference=message.body["reference"])  # fmt: skip
        assert harness.channel.verify(raw(asked)) == Refusal("BAD_TOKEN")

    @pytest.mark.parametrize("status", ["delivered", "answered", "failed"])
    def test_a_receipt_is_told_apart_from_a_key(self, harness: PhoneHarness, status: str):
        harness.channel.send(a_card(), NUMBER)
        asked = raw(harness.server.receipt(harness.message(), status=status, code="BUSY"))
        found = harness.channel.told(asked)
        assert found == Receipt(harness.channel.name, f"{ORDER}/1", status, "BUSY")
        assert harness.channel.verify(asked) == Refusal("NOT_A_BUTTON", 200)

    def test_words_of_a_gateway_are_no_code(self, harness: PhoneHarness):
        harness.channel.send(a_card(), NUMBER)
        asked = harness.server.receipt(harness.message(), status="failed", code=f"no {NUMBER}")
        found = harness.channel.told(raw(asked))
        assert isinstance(found, Receipt)
        assert found.code == ""

    @pytest.mark.parametrize(
        "said",
        [
            {"status": "seen"}, {"status": ""}, {"status": "delivered", "kind": "fax"},
            {"status": "delivered", "id": ""}, {"status": "delivered", "id": "x" * 201},
            {"status": "delivered", "id": 7}, {"status": ["delivered"]},
        ],
    )  # fmt: skip
    def test_signed_garbage_is_refused(self, harness: PhoneHarness, said: dict[str, Any]):
        document = {"kind": harness.channel.name, "id": "n", **said}
        asked = raw(harness.server.callback(json.dumps(document)))
        assert harness.channel.told(asked) == Refusal("MALFORMED", 400)

    def test_one_gateway_does_not_speak_for_the_other(self, server: PhoneServer):
        sms, voice = PhoneHarness(server, "sms"), PhoneHarness(server, "voice")
        sms.channel.send(a_card(), NUMBER)
        asked = raw(server.press(sms.message()))
        assert voice.channel.verify(asked) == Refusal("MALFORMED", 400)

    def test_another_secret_signs_nothing(self, harness: PhoneHarness):
        harness.channel.send(a_card(), NUMBER)
        asked = harness.server.press(harness.message())
        forged = raw(harness.server.callback(asked.event, "another secret of a gateway"))
        assert harness.channel.told(forged) == Refusal("BAD_SIGNATURE")
        for given in ("", "t=1", "t=,v1=", "t=x,v1=00", "t=²,v1=00"):
            headers = {"x-hedgewarden-signature": given}
            assert harness.channel.told(replace(raw(asked), headers=headers)) == Refusal(
                "BAD_SIGNATURE"
            )

    def test_a_lost_answer_tells_nobody_twice(self, harness: PhoneHarness):
        harness.server.fail(Fault(lost=True))
        with pytest.raises(ChannelRetry):
            harness.channel.send(a_card(), NUMBER)
        handle = harness.channel.send(a_card(), NUMBER)
        assert harness.delivered() == 1
        assert harness.channel.update(handle, a_card(2, ())) is Updated.SUPERSEDED

    def test_an_answer_that_never_comes_is_given_up(self, server: PhoneServer):
        hasty = PhoneHarness(server, "sms", timeout_s=1)
        server.fail(Fault(hang=True))
        with pytest.raises(ChannelRetry):
            hasty.channel.send(a_card(), NUMBER)

    @pytest.mark.parametrize(
        ("fault", "code"),
        [
            (Fault(status=422, errcode="TEMPLATE_REFUSED"), "GATEWAY_TEMPLATE_REFUSED"),
            (Fault(status=400, errcode=f"no {NUMBER}"), "GATEWAY_HTTP_400"),
            (Fault(status=302), "GATEWAY_HTTP_302"),
        ],
    )
    def test_a_refusal_for_good_goes_by_its_code(
        self, harness: PhoneHarness, fault: Fault, code: str
    ):
        harness.server.fail(fault)
        with pytest.raises(ChannelFailed) as failed:
            harness.channel.send(a_card(), NUMBER)
        assert failed.value.code == code
        assert NUMBER not in repr(failed.value.__dict__) + str(failed.value)

    def test_logs_hold_no_number_no_secret_and_no_address(
        self, harness: PhoneHarness, caplog: pytest.LogCaptureFixture
    ):
        with caplog.at_level(logging.DEBUG):
            harness.channel.send(a_card(), NUMBER)
            with pytest.raises(ChannelFailed):
                harness.channel.send(a_card(2), harness.unknown_address)
        written = "".join(record.getMessage() for record in caplog.records)
        for hidden in (NUMBER, harness.unknown_address, SECRET, "token=of-this-test"):
            assert hidden not in written
