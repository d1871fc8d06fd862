"""Text messages and calls from the ladder to the key that somebody pressed, and back."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from flow_house import house
from phone_town import NUMBERS, Town, phone_town
from pydantic import SecretStr, ValidationError
from sqlalchemy import func, select

import main
from service.channels import channel_names_of
from service.cli import doctor
from service.cli.desk import Desk
from service.cli.findings import Finding
from service.settings import Settings
from tests.unit.integrations.chat_server import Fault
from tests.unit.integrations.phone_server import SECRET, PhoneServer
from workorders import Level, Policy, State, WorkOrder
from workorders.company_policy import set_policy
from workorders.policy_file import Known, load_policy
from workorders.rows import NOTICES


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[Town]:
    with phone_town(tmp_path) as town:
        yield town


def paged(town: Town, *channels: str) -> WorkOrder:
    """A red order under a policy that names these channels for red."""
    policy = Policy()
    red = replace(policy.levels[Level.RED], channels=channels)
    with town.house.app.store.unit_of_work("cli:test") as uow:
        assert set_policy(uow, replace(policy, levels={**policy.levels, Level.RED: red}), "p.yaml")
    return town.house.breach()


def test_nobody_is_called_unless_the_policy_names_it(town: Town):
    town.house.breach()
    town.house.pass_time(hours=1)
    town.house.run_agents()
    assert town.gateway.messages == []
    assert town.house.mail.mails


def test_a_key_acknowledges_as_the_person_called(town: Town):
    order = paged(town, "slack", "voice")
    (call,) = town.calls("chen")
    answer = town.send(town.gateway.press(call))
    assert answer.status_code == 200
    assert (answer.json()["ok"], answer.json()["code"]) == (True, "DONE")
    assert answer.json()["text"]
    assert town.house.order(order.id).acknowledged_by == "chen"
    assert "voice.key" in town.house.actions()
    # The other's card shows it at once.
    assert not any(
        button["action_id"] == "acknowledge" for button in town.house.card("lin").buttons
    )


def test_a_key_pressed_again_is_answered_with_what_came_of_it(town: Town):
    order = paged(town, "voice")
    asked = town.gateway.press(town.calls("chen")[0])
    first = town.send(asked)
    town.house.pass_time(seconds=30)
    again = town.gateway.press(town.calls("chen")[0])
    assert first.json() == town.send(asked).json() == town.send(again).json()
    assert town.house.order(order.id).version == order.version + 1
    assert town.count("order.acknowledge") == town.count("voice.key") == 1


def test_one_key_that_comes_several_times_at_once_is_one_act(town: Town):
    order = paged(town, "voice")
    asked = town.gateway.press(town.calls("chen")[0])
    gate = Barrier(4)

    def press(_: int) -> Any:
        gate.wait(60)
        return town.send(asked).json()

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(press, range(4)))
    assert said == [said[0]] * 4
    assert said[0]["code"] == "DONE"
    assert town.house.order(order.id).version == order.version + 1
    assert town.count("order.acknowledge") == town.count("voice.key") == 1


def test_a_key_pressed_late_hears_who_was_first(town: Town):
    paged(town, "voice", "slack")
    (call,) = town.calls("lin")
    town.send(town.gateway.press(town.calls("chen")[0]))
    said = town.send(town.gateway.press(call)).json()
    assert "Chen Fang" in said["text"]
    assert town.count("order.acknowledge") == 1


def test_a_number_that_changed_hands_acknowledges_nothing(town: Town):
    order = paged(town, "voice")
    (call,) = town.calls("chen")
    town.change("chen", phone="+8613899999999")
    said = town.send(town.gateway.press(call)).json()
    assert (said["ok"], said["code"]) == (False, "OTHER_NUMBER")
    assert said["text"] == "The notice went to a number that is not yours any more."
    assert town.house.order(order.id).state is State.OPEN


def test_a_person_who_left_acknowledges_nothing(town: Town):
    order = paged(town, "voice")
    (call,) = town.calls("chen")
    town.change("chen", active=False)
    said = town.send(town.gateway.press(call)).json()
    assert (said["ok"], said["code"]) == (False, "INACTIVE_PERSON")
    assert town.house.order(order.id).state is State.OPEN
    assert "voice.key" in town.house.actions()


def test_a_right_that_was_taken_away_since_the_call_does_not_count(town: Town):
    order = paged(town, "voice")
    (call,) = town.calls("chen")
    town.change("chen", roles=())
    said = town.send(town.gateway.press(call)).json()
    assert not said["ok"]
    assert town.house.order(order.id).state is State.OPEN


def test_receipts_stand_once_in_the_stream_in_whatever_order_they_come(town: Town):
    order = paged(town, "voice")
    (call,) = town.calls("chen")
    assert town.told(call, "answered").json() == {"code": "DONE"}
    assert town.told(call, "delivered").json() == {"code": "DONE"}
    for status in ("delivered", "answered"):
        assert town.told(call, status).json() == {"code": "ALREADY_DONE"}
    assert (town.count("notice.answered"), town.count("notice.delivered")) == (1, 1)
    page = town.house.signed_in("chen").get(f"/orders/{order.id}").text
    assert "Notice to Chen Fang arrived by phone call" in page
    assert "Chen Fang answered the notice by phone call" in page


def test_a_failed_call_goes_to_the_next_channel_at_once(town: Town):
    paged(town, "voice")
    (call,) = town.calls("chen")
    before = len(town.house.mail.mails)
    assert town.told(call, "failed", code="NO_ANSWER").json() == {"code": "DONE"}
    town.house.run_agents()
    assert town.house.card("chen", "acknowledge") is not None  # Slack stands first in line
    assert len(town.house.mail.mails) == before
    assert town.told(call, "failed", code="NO_ANSWER").json() == {"code": "ALREADY_DONE"}


def test_what_arrived_does_not_fail_afterwards(town: Town):
    paged(town, "voice")
    (call,) = town.calls("chen")
    town.told(call, "delivered")
    assert town.told(call, "failed", code="NO_ANSWER").json() == {"code": "ALREADY_DONE"}
    town.house.run_agents()
    assert town.house.slack.messages == []


def test_a_failure_after_an_acknowledgement_pages_nobody(town: Town):
    paged(town, "voice")
    call, other = *town.calls("chen"), *town.calls("lin")
    town.house.pass_time(seconds=20)
    town.send(town.gateway.press(call))
    assert town.told(other, "failed", code="NO_ANSWER").json() == {"code": "DONE"}
    town.house.run_agents()
    assert town.house.slack.messages == []
    assert town.count("notice.failed") == 1


def test_a_failure_before_our_request_has_ended_is_to_be_told_again(town: Town):
    town.gateway.fail(*[Fault(lost=True)] * 2)
    paged(town, "voice")
    (call,) = town.calls("chen")
    answer = town.told(call, "failed", code="NO_ANSWER")
    assert (answer.status_code, answer.json()["code"]) == (409, "NOTICE_ON_ITS_WAY")
    town.house.pass_time(minutes=1)
    town.house.run_agents()
    assert len(town.calls("chen")) == 1  # the same notice, told once
    assert town.told(call, "failed", code="NO_ANSWER").json() == {"code": "DONE"}


def test_a_receipt_for_no_notice_of_this_channel_is_refused(town: Town):
    paged(town, "sms")
    (message,) = town.calls("chen", "sms")
    voice = json.loads(town.gateway.receipt(message, status="delivered").event)
    asked = town.gateway.callback(json.dumps({**voice, "kind": "voice"}))
    answer = town.send(asked)
    assert (answer.status_code, answer.json()["code"]) == (404, "UNKNOWN_NOTICE")
    unknown = town.gateway.callback(json.dumps({**voice, "id": "WO-1/1"}))
    assert town.send(unknown, "sms").status_code == 404


def test_forged_and_old_requests_change_nothing(town: Town):
    order = paged(town, "voice")
    asked = town.gateway.press(town.calls("chen")[0])
    assert town.send(replace(asked, headers={})).status_code == 401
    town.house.pass_time(seconds=301)
    answer = town.send(asked)
    assert (answer.status_code, answer.json()["code"]) == (401, "STALE_TIMESTAMP")
    assert town.house.order(order.id).state is State.OPEN
    assert town.house.client().get("/integrations/voice/receipt").status_code in {404, 405}


def test_a_gateway_that_is_down_hands_over_to_the_others(town: Town):
    town.gateway.lasting = Fault(status=503)
    order = paged(town, "voice")
    for _ in range(9):
        town.house.pass_time(minutes=16)
        town.house.run_agents()
    assert town.house.card("chen", about=order.id) is not None
    town.gateway.lasting = None
    assert town.house.order(order.id).state is State.OPEN


def test_a_person_without_a_number_is_reached_otherwise(town: Town):
    paged(town, "voice")
    town.change("chen", phone="")
    town.change("lin", phone="")
    town.house.pass_time(minutes=6)
    town.house.run_agents()  # the next rung: nobody there has a number
    with town.house.app.store.reader() as connection:
        failed = connection.scalar(
            select(func.count()).where(NOTICES.c.channel == "voice", NOTICES.c.state == "failed")
        )
    assert failed
    assert town.house.slack.messages


def test_no_page_and_no_answer_shows_a_number(town: Town):
    order = paged(town, "sms", "voice")
    town.told(town.calls("chen")[0], "delivered")
    officer = town.house.signed_in("chen")
    for path in ("/", f"/orders/{order.id}", "/roster"):
        assert NUMBERS["chen"][3:] not in officer.get(path).text
    person = town.house.app.directory.person("chen")
    assert person is not None
    assert NUMBERS["chen"] not in repr(person)


def test_without_a_gateway_there_is_no_address(tmp_path: Path):
    with house(tmp_path) as made:
        for kind in ("sms", "voice"):
            answer = made.client().post(f"/integrations/{kind}/receipt", content=b"{}")
            assert answer.status_code == 404


# --- settings and doctor ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"sms_url": "https://gateway.invalid/token-of-this-test"}, "phone_secret"),
        ({"phone_secret": SECRET}, "phone_secret"),
        ({"voice_url": "https://gateway.invalid", "phone_secret": "short"}, "phone_secret"),
        ({"sms_url": "ftp://token-of-this-test", "phone_secret": SECRET}, "sms_url"),
    ],
)
def test_half_a_gateway_is_refused_without_showing_a_secret(
    tmp_path: Path, given: dict[str, Any], field: str
):
    with pytest.raises(ValidationError) as fault:
        Settings(data=tmp_path, **given)
    assert field in [one["loc"][0] for one in fault.value.errors()]
    assert SECRET not in str(fault.value)
    assert "token-of-this-test" not in str(fault.value)


def test_one_gateway_is_enough(tmp_path: Path):
    known = Settings(data=tmp_path, sms_url=SecretStr("https://g.invalid"), phone_secret=SECRET)
    assert channel_names_of(known) == ("sms",)


def test_doctor_asks_each_gateway_whether_it_knows_the_signature(tmp_path: Path):
    with PhoneServer(lambda: 0) as server:

        def findings(secret: str = SECRET) -> dict[str, Finding]:
            lines = {"sms_url": server.url, "voice_url": server.url, "phone_secret": secret}
            told = "\n".join(f"{name} = {json.dumps(one)}" for name, one in lines.items())
            (tmp_path / "hedgewarden.toml").write_text(told)
            found = doctor.examine(Desk(main.compose, data=tmp_path))
            return {one.check: one for one in found if one.check in {"sms", "voice"}}

        good = findings()
        assert [one.ok for one in good.values()] == [True, True]
        assert server.pings == 2
        refused = findings("another secret of a gateway")["voice"]
        assert (refused.result, refused.params) == ("refused", {"code": "GATEWAY_BAD_SIGNATURE"})
        server.lasting = Fault(status=503)
        assert findings()["sms"].result == "unreachable"
    assert server.messages == []


def test_a_policy_file_may_name_a_gateway_that_is_set_up(town: Town):
    known = Known(people=(), channels=town.house.app.channel_names)
    policy, problems = load_policy("levels: {red: {channels: [email, voice]}}", "p.yaml", known)
    assert problems == []
    assert policy is not None
    assert policy.levels[Level.RED].channels == ("email", "voice")
    usual = town.house.app.context()
    assert (usual.channels, usual.fallback) == (("slack", "email"), ("slack", "email"))
