"""拨测: a test call on each channel, confirmed on each surface, kept, beside everything else."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from flow_house import EAST, START, WEST, slack_user
from phone_town import NUMBERS, phone_town
from phone_town import Town as PhoneTown
from sqlalchemy import func, select
from test_mail_flow import opened, written_to

from directory import save_directory
from service.cli.doctor_database import database_findings
from service.reaching import overview
from store import outbox
from tests.unit.integrations.chat_server import Fault, Message
from workorders.card import button_id
from workorders.figures import Period, load, metrics_of
from workorders.probe import LASTS
from workorders.probes import find_probe
from workorders.rows import NOTICES, ORDERS

ROUTE = "/api/v1/test-calls"


class Town(PhoneTown):
    """The town, and what is asked there about test calls."""

    def start(self, by: str, person: str, channel: str = "") -> httpx.Response:
        body = {"person": person, "channel": channel} if channel else {"person": person}
        answer = self.house.client(by).post(ROUTE, json=body)
        self.house.run_agents()
        return answer

    def started(self, by: str, person: str, channel: str) -> str:
        answer = self.start(by, person, channel)
        assert answer.status_code == 201, answer.text
        (one,) = answer.json()["tests"]
        return str(one["id"])

    def known(self, person: str, channel: str) -> dict[str, Any]:
        found = self.house.client("chen").get(ROUTE, params={"person": person}).json()["items"]
        (one,) = [each for each in found if each["channel"] == channel]
        return dict(one)

    def call(self, person: str) -> Message:
        return [one for one in self.gateway.messages if one.user == NUMBERS[person]][-1]


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[Town]:
    with phone_town(tmp_path) as made:
        yield Town(made.house, made.gateway)


# --- each channel, and each surface -------------------------------------------------------------


def test_a_test_goes_out_on_each_channel_of_the_person(town: Town):
    answer = town.start("wang", "chen")
    assert answer.status_code == 201, answer.text
    made = answer.json()["tests"]
    assert {one["channel"] for one in made} == {"slack", "email", "sms", "voice"}
    assert {one["state"] for one in made} == {"queued"}
    mail = town.house.mail.mails[-1]
    assert mail.recipients == ("chen@here.invalid",)
    assert "[Test] Do notices reach you?" in mail.text
    assert "Wang Qiang is testing whether notices reach you by mail" in mail.text
    assert "[Test]" in str(town.house.card("chen", "acknowledge", "TC-").body)
    assert {one.body["kind"] for one in town.gateway.messages} == {"sms", "voice"}
    assert all(one.body["title"].startswith("[Test]") for one in town.gateway.messages)
    assert {town.known("chen", one)["test"]["state"] for one in ("slack", "sms")} == {"sent"}
    assert [one for one in town.house.actions() if one.startswith("test_call.")] == [
        "test_call.start", *["test_call.sent"] * 4,
    ]  # fmt: skip


def test_the_digits_of_the_mail_confirm_it_and_the_time_it_took_is_kept(town: Town):
    number = town.started("wang", "chen", "email")
    path, digits = written_to(town.house, "chen", number)
    town.house.pass_time(seconds=75.4)
    browser, nonce = opened(town.house, path)
    done = browser.post(path, data={"nonce": nonce, "verb": "acknowledge", "code": digits})
    assert done.status_code == 200, done.text
    assert "It took 75 s." in done.text
    known = town.known("chen", "email")
    assert (known["status"], known["last_seconds"]) == ("confirmed", 75)
    assert known["last_confirmed_at"] == "2024-05-14T02:01:15.400000Z"
    again = browser.post(path, data={"nonce": nonce, "verb": "acknowledge", "code": digits})
    assert again.status_code == 200
    assert town.house.actions().count("test_call.confirm") == 1
    later = browser.get(path).text
    assert 'name="verb"' not in later
    assert "75 s after the test was started" in later


def test_the_button_in_the_chat_confirms_it_and_goes(town: Town):
    number = town.started("wang", "chen", "slack")
    town.house.pass_time(seconds=9)
    assert town.house.press("chen", "acknowledge", about=number).status_code == 200
    assert town.known("chen", "slack")["last_seconds"] == 9
    assert town.house.whispers(slack_user("chen")) == [
        "Confirmed: notices reach you here. It took 9 s."
    ]
    card = town.house.card("chen", about=number)
    assert card.buttons == []
    assert "9 s after the test was started" in str(card.body)


def test_the_key_confirms_it_and_nobody_is_called_again(town: Town):
    number = town.started("wang", "chen", "voice")
    call = town.call("chen")
    assert "Acknowledge" in call.body["keys"]["1"]
    town.house.pass_time(seconds=31)
    answer = town.send(town.gateway.press(call)).json()
    assert (answer["ok"], answer["code"]) == (True, "TEST_CONFIRMED")
    assert answer["text"] == "Confirmed: notices reach you here. It took 31 s."
    town.house.run_agents()
    assert len(town.gateway.messages) == 1
    assert town.known("chen", "voice")["last_seconds"] == 31
    assert find(town, number).state == "sent"


def find(town: Town, number: str) -> Any:
    with town.house.app.store.reader() as connection:
        return find_probe(connection, number)


def test_receipts_say_how_far_it_came(town: Town):
    town.started("wang", "chen", "voice")
    call = town.call("chen")
    for status in ("delivered", "answered"):
        assert town.send(town.gateway.receipt(call, status=status)).json() == {"code": "DONE"}
        assert town.known("chen", "voice")["test"]["state"] == status
    assert town.known("chen", "voice")["status"] == "waiting"
    late = town.gateway.receipt(call, status="failed", code="NO_ANSWER")
    assert town.send(late).json() == {"code": "ALREADY_DONE"}


def test_a_test_that_fails_keeps_the_reason_and_nothing_takes_over(town: Town):
    town.gateway.unknown.add(NUMBERS["chen"])
    mails = len(town.house.mail.mails)
    town.started("wang", "chen", "voice")
    known = town.known("chen", "voice")
    assert (known["status"], known["test"]["error"]) == ("failed", "GATEWAY_UNKNOWN_NUMBER")
    assert len(town.house.mail.mails) == mails
    with town.house.app.store.reader() as connection:
        assert outbox.dead_letters(connection) == []
    town.gateway.unknown.clear()
    town.started("wang", "chen", "voice")  # what failed stands in nobody's way
    assert town.known("chen", "voice")["status"] == "waiting"


def test_a_gateway_may_say_later_that_it_failed(town: Town):
    town.started("wang", "chen", "voice")
    told = town.gateway.receipt(town.call("chen"), status="failed", code="NO_ANSWER")
    assert town.send(told).json() == {"code": "DONE"}
    known = town.known("chen", "voice")
    assert (known["status"], known["test"]["error"]) == ("failed", "NO_ANSWER")
    stranger = town.gateway.receipt(town.call("chen"), status="failed")
    other = stranger.body.replace(b"TC-", b"TC-9")
    unknown = town.gateway.callback(other.decode())
    assert town.send(unknown).status_code == 404


def test_an_outage_is_waited_out_and_shown_meanwhile(town: Town):
    town.gateway.lasting = Fault(status=503)
    town.started("wang", "chen", "sms")
    known = town.known("chen", "sms")
    assert (known["status"], known["test"]["state"]) == ("waiting", "queued")
    assert known["test"]["error"] == "HTTP 503"
    assert town.start("wang", "chen", "sms").json()["code"] == "TEST_RUNNING"
    town.gateway.lasting = None
    town.house.pass_time(minutes=11)
    # it has not left yet: a second one would only wait behind it
    assert town.house.client("wang").post(
        ROUTE, json={"person": "chen", "channel": "sms"}
    ).json()["code"] == "TEST_RUNNING"  # fmt: skip
    town.house.run_agents()
    assert town.known("chen", "sms")["test"]["state"] == "sent"
    assert town.known("chen", "sms")["test"]["error"] == ""


def test_who_pressed_is_not_called_again_when_the_answer_was_lost(town: Town):
    town.gateway.fail(Fault(status=503, lost=True))
    town.started("wang", "chen", "voice")
    (call,) = town.gateway.messages
    assert town.send(town.gateway.press(call)).json()["code"] == "TEST_CONFIRMED"
    town.house.pass_time(minutes=1)
    town.house.run_agents()
    assert len(town.gateway.messages) == 1
    assert town.known("chen", "voice")["status"] == "confirmed"


# --- who may, and what is refused ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "person", "status"),
    [
        ("wang", "chen", 201),  # the manager
        ("ops", "chen", 201),  # the operator
        ("root", "chen", 404),  # an administrator sees nobody's unit without a grant
        ("root", "root", 201),
        ("chen", "chen", 201),  # oneself
        ("tmp", "tmp", 201),  # oneself, without any right
        ("chen", "lin", 403),
        ("shen", "chen", 403),
        ("liu", "chen", 403),
        ("wang", "zhao", 404),  # of a unit that the manager does not see
        ("wang", "nobody", 404),
        ("zhao", "chen", 404),
        ("boss", "zhao", 201),
    ],
)
def test_who_may_start_one(town: Town, by: str, person: str, status: int):
    answer = town.start(by, person, "email")
    assert answer.status_code == status, answer.text
    started = town.house.actions().count("test_call.start")
    assert started == (0 if status == 404 else 1)  # a refusal is on record too
    assert ("test_call.sent" in town.house.actions()) is (status == 201)


def test_a_token_without_the_permission_starts_none(town: Town):
    narrow = town.house.token("wang", "view", "order.note")
    client = town.house.client()
    client.headers["Authorization"] = f"Bearer {narrow}"
    answer = client.post(ROUTE, json={"person": "wang"})
    assert answer.status_code == 403
    assert "TOKEN_SCOPE" in answer.text
    assert "test_call.start" not in town.house.actions()


def test_what_cannot_be_started_says_why(town: Town):
    assert town.start("wang", "lin", "fax").status_code == 422
    refused = town.start("wang", "new", "voice").json()
    assert refused["code"] == "NO_ADDRESS"
    town.change("lin", email="", phone="", accounts=())
    assert town.start("wang", "lin").json()["code"] == "TEST_NO_CHANNEL"
    (line,) = town.house.client("chen").get(ROUTE, params={"person": "lin"}).json()["items"]
    assert (line["channel"], line["status"]) == ("", "no_address")
    town.change("lin", active=False)
    assert town.start("wang", "lin").json()["code"] == "INACTIVE_PERSON"


def test_nobody_is_tested_twice_within_ten_minutes(town: Town):
    town.started("wang", "chen", "voice")
    town.house.pass_time(minutes=9, seconds=59)
    refused = town.start("wang", "chen", "voice")
    assert (refused.status_code, refused.json()["code"]) == (409, "TEST_RUNNING")
    others = town.start("wang", "chen").json()["tests"]  # the other channels are free
    assert {one["channel"] for one in others} == {"slack", "email", "sms"}
    town.house.pass_time(seconds=1)
    assert town.start("wang", "chen", "voice").status_code == 201
    assert len([one for one in town.gateway.messages if one.body["kind"] == "voice"]) == 2


def test_a_test_is_confirmed_by_its_person_on_its_channel_in_its_time(town: Town):
    voice = town.started("wang", "chen", "voice")
    slack = town.started("wang", "lin", "slack")
    message = town.house.card("lin", "acknowledge", slack)
    town.house.send(town.house.slack.press(message, "acknowledge", slack_user("chen")))
    assert town.known("lin", "slack")["status"] == "waiting"
    town.house.pass_time(hours=LASTS.total_seconds() / 3600)
    answer = town.send(town.gateway.press(town.call("chen"))).json()
    assert (answer["ok"], answer["code"]) == (False, "TEST_OVER")
    assert town.known("chen", "voice")["status"] == "unconfirmed"
    assert find(town, voice).confirmed_at is None
    records = town.house.client("shen").get(
        "/api/v1/trail/records", params={"action": "test_call.confirm"}
    ).json()["items"]  # fmt: skip
    assert {one["reason"] for one in records} == {"TEST_OVER", "UNKNOWN_TEST"}


def test_a_test_by_mail_is_not_confirmed_in_the_chat(town: Town):
    number = town.started("wang", "chen", "email")
    other = town.started("wang", "chen", "slack")
    card = town.house.card("chen", "acknowledge", other)
    forged = button_id(number, 1, "acknowledge")
    town.house.send(town.house.slack.press_value(card, "acknowledge", slack_user("chen"), forged))
    assert town.known("chen", "email")["status"] == "waiting"
    assert "test_call.confirm" in town.house.actions()  # the refusal is on record
    assert town.house.whispers(slack_user("chen")) == ["Confirm the test call where it arrived."]


# --- beside everything else ---------------------------------------------------------------------


def test_no_order_and_no_figure_moves(town: Town):
    town.house.breach()

    def figures() -> Any:
        period = Period(("Group",), START - timedelta(days=30), START + timedelta(days=1), START)
        with town.house.app.store.reader() as connection:
            orders = connection.execute(select(ORDERS)).all()
            notices = connection.scalar(select(func.count()).select_from(NOTICES))
            measured = metrics_of(load(connection, period), period, town.house.app.context().zone)
            return orders, notices, measured

    before = figures()
    town.start("wang", "chen")
    town.send(town.gateway.press(town.call("chen")))
    assert figures() == before


def test_a_silence_mutes_no_test(town: Town):
    body = {
        "matchers": {"org": EAST},
        "ends_at": "2024-05-14T06:00:00Z",
        "reason": "stocktaking",
    }
    assert town.house.client("wang").post("/api/v1/silences", json=body).status_code < 300
    town.started("wang", "chen", "sms")
    assert town.known("chen", "sms")["test"]["state"] == "sent"


def test_the_last_confirmation_stays_beside_a_newer_failure(town: Town):
    town.started("wang", "chen", "voice")
    town.house.pass_time(seconds=20)
    town.send(town.gateway.press(town.call("chen")))
    town.gateway.unknown.add(NUMBERS["chen"])
    town.house.pass_time(minutes=10)
    town.started("wang", "chen", "voice")
    known = town.known("chen", "voice")
    assert (known["status"], known["last_seconds"]) == ("failed", 20)


def test_another_address_is_to_be_tested_anew(town: Town):
    town.started("wang", "chen", "voice")
    town.send(town.gateway.press(town.call("chen")))
    assert town.known("chen", "voice")["status"] == "confirmed"
    town.change("chen", phone="+8613899999999")
    known = town.known("chen", "voice")
    assert (known["status"], known["last_seconds"]) == ("moved", None)
    assert "tested at another address" in town.house.signed_in("wang").get("/roster").text
    assert town.start("wang", "chen", "voice").status_code == 201
    assert town.known("chen", "voice")["status"] == "waiting"
    town.change("chen", phone=NUMBERS["chen"])  # back again, the last test went elsewhere
    assert town.known("chen", "voice")["status"] == "moved"


def test_the_list_is_of_the_rosters_in_sight(town: Town):
    duties = {
        "roster": [
            {"org": EAST, "people": ["chen"], "deputies": ["lin"], "role": "risk_officer"},
            {"org": WEST, "people": ["zhao"], "role": "risk_officer"},
        ]
    }
    plan_duty(town, duties)
    people = lambda who: {  # noqa: E731 - asked three times
        one["person"] for one in town.house.client(who).get(ROUTE).json()["items"]
    }
    assert people("wang") == {"chen"}
    assert people("boss") == {"boss", "chen", "zhao"}  # the group keeps none: its routing names him
    only = town.house.client("boss").get(ROUTE, params={"org": WEST}).json()["items"]
    assert {one["person"] for one in only} == {"zhao"}
    assert town.house.client("wang").get(ROUTE, params={"org": WEST}).status_code == 404
    assert {one["status"] for one in only} == {"never"}
    assert "phone" not in str(only)
    assert "@" not in str(only)


def test_without_a_roster_the_list_is_of_those_who_are_told(town: Town):
    found = town.house.client("boss").get(ROUTE).json()["items"]
    assert list(dict.fromkeys(one["person"] for one in found)) == ["boss", "chen", "lin", "zhao"]
    page = town.house.signed_in("wang").get("/roster").text
    assert 'name="person" value="chen"' in page
    assert 'name="person" value="zhao"' not in page


def plan_duty(town: Town, duties: dict[str, Any]) -> None:
    from flow_house import people

    from directory.loading import directory_from_mapping

    known, problems = directory_from_mapping({**people(), **duties})
    assert problems == []
    with town.house.app.store.unit_of_work("cli:test") as uow:
        assert save_directory(uow, known)
    for person, number in NUMBERS.items():
        town.change(person, phone=number)


def test_doctor_warns_while_nobody_of_a_roster_has_confirmed_lately(town: Town):
    plan_duty(
        town,
        {
            "roster": [
                {"org": EAST, "people": ["chen"], "role": "risk_officer"},
                {"org": WEST, "people": ["zhao"], "role": "risk_officer"},
            ]
        },
    )

    def found() -> tuple[str, str, str]:
        checks = database_findings(town.house.app.settings, town.house.clock())
        (one,) = [each for each in checks if each.check == "reach"]
        return one.result, one.severity, one.params.get("names", "")

    # for the group no roster stands; a red order there goes to boss
    names = f"Group, {EAST} (risk_officer), {WEST} (risk_officer)"
    assert found() == ("untested", "yellow", names)
    for person in ("chen", "zhao", "boss"):
        number = town.started("boss", person, "slack")
        town.house.press(person, "acknowledge", about=number)
    assert found() == ("good", "ok", "")
    account = town.house.app.directory.person("zhao")
    town.change("zhao", accounts=())
    assert found() == ("untested", "yellow", f"{WEST} (risk_officer)")
    town.change("zhao", accounts=account.accounts if account else ())
    town.house.pass_time(days=30)
    assert found()[0] == "good"
    town.house.pass_time(seconds=1)
    assert found()[0] == "untested"


# --- the page -----------------------------------------------------------------------------------


def test_the_roster_page_starts_one_and_shows_what_it_found(town: Town):
    plan_duty(town, {"roster": [{"org": EAST, "people": ["lin"], "role": "risk_officer"}]})
    boss = town.house.signed_in("wang")
    page = boss.get("/roster").text
    assert "Lin Hao" in page
    assert "never tested" in page
    answer = boss.post("/roster/tests", data={"person": "lin", "channel": "voice"})
    assert answer.status_code == 303
    town.house.run_agents()
    assert "waits for confirmation" in boss.get("/roster").text
    town.house.pass_time(seconds=12)
    town.send(town.gateway.press(town.call("lin")))
    shown = boss.get("/roster").text
    assert "after 12 s" in shown
    again = boss.post("/roster/tests", data={"person": "lin", "channel": "fax"})
    assert again.status_code == 404
    hidden = boss.post("/roster/tests", data={"person": "zhao"})
    assert hidden.status_code == 404


def test_who_may_not_test_others_finds_the_own_button_alone(town: Town):
    plan_duty(town, {"roster": [{"org": EAST, "people": ["lin"], "role": "risk_officer"}]})
    chen = town.house.signed_in("chen")
    page = chen.get("/roster").text
    assert 'name="person" value="chen"' in page
    assert 'data-dialog="ask-reach-test-lin"' not in page
    refused = chen.post("/roster/tests", data={"person": "lin"})
    assert refused.status_code == 303
    assert town.gateway.messages == []


def test_the_overview_keeps_the_order_of_the_people(town: Town):
    with town.house.app.store.reader() as connection:
        found = overview(connection, town.house.app, ["lin", "chen", "lin"], START)
    assert list(dict.fromkeys(one.person for one in found)) == ["lin", "chen"]


def test_the_trail_page_says_it_all_in_words(town: Town):
    number = town.started("wang", "chen", "voice")
    town.send(town.gateway.receipt(town.call("chen"), status="answered"))
    town.send(town.gateway.press(town.call("chen")))
    page = town.house.signed_in("shen").get("/trail", params={"kind": "notification"}).text
    assert f"Test call {number}" in page
    assert "Test call answered" in page
    whole = town.house.signed_in("shen").get("/trail").text
    for words in ("Test call started", "Test call confirmed"):
        assert words in whole
