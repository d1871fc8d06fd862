"""The channel contract on Slack and on e-mail, each against a real server on this machine."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from channel_suite import NOW, FreshnessSuite, Harness, InteractiveSuite, a_card

from integrations import mail_tokens
from integrations.mail import MailChannel, MailServerAddress
from integrations.slack import SlackChannel
from service.composition import ZONE
from service.demo.mail_server import MailServer
from service.demo.slack_server import Fault, Message, SlackServer
from service.i18n.wording import Catalogues
from workorders import (
    Card,
    ChannelFailed,
    ChannelRetry,
    Handle,
    Inbound,
    RawInbound,
    Refusal,
    Updated,
)
from workorders.card import button_id

SECRET = "a secret of this test"
KEY = b"a key of this test, 32 bytes long"
WORDS = Catalogues(ZONE, {})


class Faults:
    """The same answer to every call while it lasts."""

    def __init__(self) -> None:
        self.fault: Any = None

    def __bool__(self) -> bool:
        return self.fault is not None

    def popleft(self) -> Any:
        return self.fault


class SlackHarness:
    address = "U00001"
    unknown_address = ""
    strangers = True

    def __init__(self, server: SlackServer, timeout_s: float = 30) -> None:
        self.server = server
        self.lasting = Faults()
        self.channel = SlackChannel(
            base_url=server.url,
            token="token",
            signing_secrets=[SECRET, "the one before"],
            wording=WORDS,
            language_of=lambda _person: "zh",
            public_url="https://console.invalid",
            timeout_s=timeout_s,
        )

    def delivered(self) -> int:
        return len([one for one in self.server.messages if one.channel == f"D{self.address}"])

    def message(self, handle: Handle) -> Message:
        return next(one for one in self.server.messages if one.ts == handle.reference["ts"])

    def press(self, handle: Handle, card: Card, verb: str, *, stranger: bool = False) -> RawInbound:
        value = button_id(card.object_id, card.version, verb)
        user = "U99999" if stranger else self.address
        asked = self.server.press_value(self.message(handle), verb, user, value)
        headers = {name.lower(): text for name, text in asked.headers.items()}
        return RawInbound(asked.body, headers, NOW)

    def tampered(self, raw: RawInbound) -> RawInbound:
        return replace(raw, body=raw.body.replace(b"WO-20261123-001", b"WO-20261123-002"))

    def _last(self, fault: Fault | None) -> None:
        self.lasting.fault = fault
        self.server.faults = self.lasting  # type: ignore[assignment]

    def set_outage(self, *, on: bool) -> None:
        self._last(Fault(status=503) if on else None)

    def set_rate_limit(self, after_s: int | None) -> None:
        self._last(None if after_s is None else Fault(status=429, retry_after=after_s))

    def forget(self, handle: Handle) -> None:
        self.message(handle).ts += "-gone"


class TestSlack(FreshnessSuite):
    @pytest.fixture
    def harness(self) -> Iterator[SlackHarness]:
        with SlackServer(SECRET, lambda: int(NOW.timestamp())) as server:
            yield SlackHarness(server)

    def test_a_lost_answer_is_tried_again_under_the_same_notice(self, harness: SlackHarness):
        harness.channel.send(a_card(), harness.address)
        harness.server.fail(Fault(lost=True))
        with pytest.raises(ChannelRetry):
            harness.channel.send(a_card(2), harness.address)
        harness.channel.send(a_card(2), harness.address)
        sent = [one.body["metadata"]["event_payload"]["notice_id"] for one in posted(harness)]
        assert sent == ["WO-20261123-001/1", "WO-20261123-001/2", "WO-20261123-001/2"]

    def test_an_answer_that_never_comes_is_given_up_and_tried_again(self):
        with SlackServer(SECRET, lambda: int(NOW.timestamp())) as server:
            hasty = SlackHarness(server, timeout_s=1)
            hasty.channel.send(a_card(), hasty.address)
            server.fail(Fault(hang=True))
            with pytest.raises(ChannelRetry):
                hasty.channel.send(a_card(2), hasty.address)
            handle = SlackHarness(server).channel.send(a_card(2), hasty.address)
            server.fail(Fault(hang=True))
            with pytest.raises(ChannelRetry):
                hasty.channel.update(handle, a_card(3, ()))
            assert hasty.message(handle).buttons == []  # it was carried out all the same
            assert hasty.delivered() == 3

    @pytest.mark.parametrize("error", ["invalid_auth", "channel_not_found", "is_archived"])
    def test_a_refusal_for_good_is_no_reason_to_try_again(self, harness: SlackHarness, error: str):
        harness.channel.send(a_card(), harness.address)
        harness.server.fail(Fault(error=error))
        with pytest.raises(ChannelFailed) as fault:
            harness.channel.send(a_card(2), harness.address)
        assert fault.value.code == error.upper()

    @pytest.mark.parametrize("error", ["internal_error", "ratelimited", "service_unavailable"])
    def test_a_passing_error_asks_for_later(self, harness: SlackHarness, error: str):
        harness.channel.send(a_card(), harness.address)
        harness.server.fail(Fault(error=error))
        with pytest.raises(ChannelRetry):
            harness.channel.send(a_card(2), harness.address)

    @pytest.mark.parametrize("error", ["cant_update_message", "edit_window_closed"])
    def test_what_cannot_be_edited_is_superseded_in_its_thread(
        self, harness: SlackHarness, error: str
    ):
        handle = harness.channel.send(a_card(), harness.address)
        harness.server.fail(Fault(error=error))
        assert harness.channel.update(handle, a_card(2, ())) is Updated.SUPERSEDED
        method, arguments = harness.server.calls[-1]
        assert (method, arguments["thread_ts"]) == ("chat.postMessage", handle.reference["ts"])

    def test_a_name_in_the_data_never_becomes_markup(self, harness: SlackHarness):
        card = a_card()
        params = {**card.title.params, "place": "<!channel> & <https://x|y>"}
        card = replace(card, title=replace(card.title, params=params))
        message = harness.message(harness.channel.send(card, harness.address))
        text = json.dumps(message.body["blocks"], ensure_ascii=False)
        assert "<!channel>" not in text
        assert "&lt;!channel&gt;" in text

    def test_buttons_carry_an_id_and_no_authority(self, harness: SlackHarness):
        message = harness.message(harness.channel.send(a_card(3), harness.address))
        assert [button["value"] for button in message.buttons] == [
            "WO-20261123-001/3/acknowledge",
            "WO-20261123-001/3/take_over",
        ]

    def test_a_list_of_reasons_is_no_button(self, harness: SlackHarness):
        handle = harness.channel.send(a_card(), harness.address)
        payload = {"actions": [{"type": "static_select"}], "team": {"id": "T"}}
        raw = harness.press(handle, a_card(), "acknowledge")
        body = urlencode({"payload": json.dumps(payload)}).encode()
        from service.demo.slack_server import sign

        headers = sign(body, SECRET, int(NOW.timestamp()))
        chosen = replace(
            raw, body=body, headers={name.lower(): text for name, text in headers.items()}
        )
        assert harness.channel.verify(chosen) == Refusal("NOT_A_BUTTON", 200)


def posted(harness: SlackHarness) -> list[Message]:
    return [one for one in harness.server.messages if one.channel == f"D{harness.address}"]


class PickyMailServer(MailServer):
    """Knows one recipient, and can be down."""

    def __init__(self) -> None:
        super().__init__()
        self.lasting = ""

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, _server: object, _session: object, envelope: Any, address: str, _options: object
    ) -> str:
        if self.lasting:
            return self.lasting
        if not address.startswith("chen@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"


class MailHarness:
    address = "chen@here.invalid"
    unknown_address = "nobody@here.invalid"
    strangers = False

    def __init__(self, server: PickyMailServer) -> None:
        self.server = server
        self.mail = MailChannel(
            server=MailServerAddress("127.0.0.1", server.port),
            key=KEY,
            wording=WORDS,
            language_of=lambda _person: "en",
            public_url="https://console.invalid",
            clock=lambda: NOW,
        )
        self.channel = self.mail

    def delivered(self) -> int:
        return len(self.server.mails)

    def press(self, handle: Handle, card: Card, verb: str, *, stranger: bool = False) -> RawInbound:
        assert not stranger
        link = self.mail.link(card)
        form = {"verb": verb, "code": mail_tokens.code(link, KEY)}
        query = {"token": link}
        if verb != "acknowledge":
            query["signed_in"] = card.person
        return RawInbound(urlencode(form).encode(), {}, NOW, query)

    def tampered(self, raw: RawInbound) -> RawInbound:
        body, _, mac = raw.query["token"].partition(".")
        known = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        other = known.replace(b"WO-20261123-001", b"WO-20261123-002")
        forged = base64.urlsafe_b64encode(other).rstrip(b"=").decode()
        return replace(raw, query={**raw.query, "token": f"{forged}.{mac}"})

    def set_outage(self, *, on: bool) -> None:
        self.server.lasting = "451 4.3.0 try later" if on else ""

    def set_rate_limit(self, after_s: int | None) -> None:
        self.server.lasting = "" if after_s is None else "450 4.7.1 too many messages"

    def forget(self, handle: Handle) -> None:
        """A mail can never be edited."""


class TestMail(InteractiveSuite):
    @pytest.fixture
    def harness(self) -> Iterator[Harness]:
        with PickyMailServer() as server:
            yield MailHarness(server)

    def test_a_mail_that_cannot_be_handed_over_is_tried_again(self):
        with PickyMailServer() as server:
            gone = MailHarness(server)
        with pytest.raises(ChannelRetry):
            gone.channel.send(a_card(), gone.address)

    def test_a_refusal_after_the_text_is_for_good(self, harness: MailHarness):
        harness.server.refuse("554 5.7.1 refused as spam")
        with pytest.raises(ChannelFailed) as fault:
            harness.channel.send(a_card(), harness.address)
        assert fault.value.code == "MAIL_REFUSED"

    def test_mails_of_one_order_make_a_thread_and_are_told_apart(self, harness: MailHarness):
        for version in (1, 2, 2):
            harness.channel.send(a_card(version), harness.address)
        mails = [mail.message for mail in harness.server.mails]
        assert len({mail["References"] for mail in mails}) == 1
        ids = [mail["Message-ID"] for mail in mails]
        assert ids[0] != ids[1] == ids[2]
        assert {mail["Auto-Submitted"] for mail in mails} == {"auto-generated"}

    def test_the_digits_stand_in_the_text_and_not_in_the_link(self, harness: MailHarness):
        harness.channel.send(a_card(), harness.address)
        text = harness.server.mails[0].text
        link = re.search(r"/m/(\S+)", text)
        assert link is not None
        digits = mail_tokens.code(link[1], KEY)
        assert digits in text.replace(link[1], "")
        assert digits not in link[1]

    def test_a_link_ends(self, harness: MailHarness):
        raw = self.press(harness)
        assert isinstance(harness.channel.verify(raw), Inbound)
        late = replace(raw, received_at=raw.received_at + timedelta(days=2))
        assert harness.channel.verify(late) == Refusal("EXPIRED", 410)

    def test_digits_alone_prove_little(self, harness: MailHarness):
        inbound = self.verified(harness, self.press(harness))
        assert not inbound.strong
        signed = self.verified(harness, self.press(harness, "take_over"))
        assert signed.strong

    def test_a_forwarded_mail_does_not_act_for_its_new_reader(self, harness: MailHarness):
        raw = self.press(harness, "take_over")
        other = replace(raw, query={**raw.query, "signed_in": "lin"})
        assert harness.channel.verify(other) == Refusal("OTHER_PERSON", 403)

    def test_no_part_of_a_mail_is_remote(self, harness: MailHarness):
        harness.channel.send(a_card(), harness.address)
        part = harness.server.mails[0].message.get_body(preferencelist=("html",))
        assert part is not None
        page = part.get_content()
        assert "<img" not in page
        assert set(re.findall(r'(?:src|href)="(https?://[^/"]+)', page)) == {
            "https://console.invalid"
        }
