"""WeCom, Feishu, DingTalk: from the click to the closed order, and all that must not work."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from chat_town import (
    DINGTALK,
    DINGTALK_APP,
    FEISHU,
    FEISHU_APP,
    WECOM,
    WECOM_APP,
    Kind,
    Town,
    chat_town,
    key,
    offers,
)
from flow_house import PATIENCE_S, house, over_http
from pydantic import ValidationError

import main
from directory import Account, Role, set_active
from directory.writing import save_directory
from service.cli import doctor
from service.cli.desk import Desk
from service.cli.findings import Finding
from service.inbound import clicks
from service.settings import Settings
from tests.unit.integrations.chat_server import Callback, Fault
from tests.unit.integrations.wecom_server import AES_KEY, CORP, SECRET, TOKEN
from workorders import Inbound, RawInbound, State

KINDS = pytest.mark.parametrize("kind", [WECOM, FEISHU, DINGTALK], ids=lambda kind: kind.name)
STAMP = "x-ddpaas-signature-timestamp"
CLOSING = {
    "disposition": "fixed",
    "root_cause": "LATE_HEDGE",
    "corrective": {"text": "hedge earlier", "owner": "chen", "due": "2024-06-01T00:00:00Z"},
}


@pytest.fixture(name="town", params=[WECOM, FEISHU, DINGTALK], ids=lambda kind: kind.name)
def _town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    with chat_town(request.param, tmp_path) as made:
        yield made


@pytest.fixture(name="open_town", params=[WECOM, FEISHU], ids=lambda kind: kind.name)
def _open_town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    """Where a signature covers the whole request: anybody's card and what people write count."""
    with chat_town(request.param, tmp_path) as made:
        yield made


def test_a_breach_goes_from_the_click_to_the_closed_order_over_http(town: Town):
    order = town.house.breach()
    with (
        over_http(town.house.web) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=PATIENCE_S) as net,
    ):

        def press(person: str, verb: str, about: str = "", reason: str = "") -> None:
            asked = town.pressed(person, verb, about, reason)
            answer = net.post(
                town.kind.path, params=asked.query, content=asked.body, headers=asked.headers
            )
            assert answer.status_code == 200, answer.text

        def post(person: str, path: str, body: object) -> httpx.Response:
            client = town.house.client(person)
            return client.post(f"/api/v1{path}", json=body)

        mine, theirs = town.card("chen", "acknowledge"), town.card("lin", "acknowledge")
        press("chen", "acknowledge")
        until(lambda: town.state(order.id) is State.ACKNOWLEDGED)
        assert town.house.order(order.id).acknowledged_by == "chen"
        until(lambda: len(mine.versions) == len(theirs.versions) == 2)  # edited in place
        assert not offers(theirs, "acknowledge")
        until(lambda: "acknowledged" in town.house.card("lin").body["text"])  # in Slack too

        asked = post(
            "chen",
            f"/orders/{order.id}/request-approval",
            {"kind": "override", "material": {"reason": "hedge is under way"}},
        )
        approval = asked.json()["approval"]
        town.house.run_agents()
        card = town.card("wang", "approve", approval)
        assert "hedge is under way" in card.text
        press("wang", "approve", approval)
        until(lambda: "Approved by Wang Qiang" in card.text)
        assert card.keys == []

        assert post("chen", f"/orders/{order.id}/resolve", {"text": "hedged"}).status_code == 200
        firing = post("lin", f"/orders/{order.id}/close", CLOSING)
        assert (firing.status_code, firing.json()["code"]) == (409, "CONDITION_HOLDS")
        town.house.pass_time(minutes=5)
        assert town.house.buy(500).status_code == 200
        closed = post("lin", f"/orders/{order.id}/close", CLOSING)
        assert closed.status_code == 200, closed.text
        assert town.state(order.id) is State.CLOSED
        town.house.run_agents()
        assert not town.card("chen", about=order.id).keys


def raw_of(asked: Callback, at: datetime) -> RawInbound:
    headers = {name.lower(): value for name, value in asked.headers.items()}
    return RawInbound(asked.body, headers, at, asked.query)


def until(holds: Any) -> None:
    import time

    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_replayed_request_is_refused_and_a_repetition_is_not_done_twice(town: Town):
    order = town.house.breach()
    asked = town.pressed("chen", "acknowledge")
    assert town.send(asked).status_code == 200
    again = town.send(asked)
    assert (again.status_code, again.json()["code"]) == (409, "REPLAYED")
    assert town.send(town.chat.again(asked)).status_code == 200
    assert town.house.actions().count("order.acknowledge") == 1
    assert town.house.order(order.id).version == 2


@pytest.mark.parametrize("seconds", [301, -301, 3600])
def test_a_request_outside_the_window_is_refused(town: Town, seconds: int):
    town.house.breach()
    now = int(town.house.clock().timestamp())
    town.chat.unix_time = lambda: now - seconds
    answer = town.send(town.pressed("chen", "acknowledge"))
    assert (answer.status_code, answer.json()["code"]) == (401, "STALE_TIMESTAMP")
    assert "order.acknowledge" not in town.house.actions()


def test_a_forged_request_is_refused(open_town: Town):
    open_town.house.breach()
    asked, other = open_town.pressed("chen", "acknowledge"), open_town.pressed("lin", "take_over")
    for forged in (
        replace(asked, body=other.body),
        replace(asked, query={}, headers={}),
        replace(asked, query=other.query, headers=other.headers),
        replace(asked, body=other.body, query={}, headers={}),
    ):
        answer = open_town.send(forged)
        assert (answer.status_code, answer.json()["code"]) == (401, "BAD_SIGNATURE")
    assert "order.acknowledge" not in open_town.house.actions()


def test_the_address_is_proved_to_wecom(tmp_path: Path):
    with chat_town(WECOM, tmp_path) as town:
        client, path = town.house.client(), WECOM.path
        answer = client.get(path, params=town.chat.echo("4711"))
        assert (answer.status_code, answer.text) == (200, "4711")
        forged = client.get(path, params={**town.chat.echo("4711"), "nonce": "1"})
        assert forged.status_code == 401


def test_the_address_is_proved_to_feishu(tmp_path: Path):
    with chat_town(FEISHU, tmp_path) as town:
        answer = town.send(town.chat.challenge("4711"))
        assert (answer.status_code, answer.json()) == (200, {"challenge": "4711"})
        assert town.send(town.chat.challenge("4711", "another token")).status_code == 401


@KINDS
def test_where_a_chat_is_not_set_up_there_is_no_address(tmp_path: Path, kind: Kind):
    with house(tmp_path) as made, kind.server(lambda: int(made.clock().timestamp())) as server:
        town = Town(kind, made, server)
        assert town.send(town.write("chen", "orders")).status_code == 404
        assert made.client().get(kind.path).status_code in {404, 405}


def test_a_second_click_is_answered_privately_with_what_is_on_record(town: Town):
    town.house.breach()
    late = town.pressed("lin", "acknowledge")
    town.press("chen", "acknowledge")
    assert town.send(late).status_code == 200
    (said,) = town.whispers("lin")
    assert "Chen Fang" in said
    assert "done before" in said
    assert town.house.actions().count("order.acknowledge") == 1


def test_a_double_click_is_done_once(town: Town):
    order = town.house.breach()
    first, second = (town.pressed("chen", "acknowledge") for _ in range(2))
    assert town.send(first).status_code == 200
    assert town.send(second).status_code == 200
    assert town.house.actions().count("order.acknowledge") == 1
    assert town.house.order(order.id).version == 2


def test_the_requester_cannot_approve_the_own_request(open_town: Town):
    order = open_town.house.breach()
    asked = open_town.house.client("wang").post(
        f"/api/v1/orders/{order.id}/request-approval",
        json={"kind": "limit_change", "material": {"after": "1500"}},
    )
    approval = asked.json()["approval"]
    open_town.house.run_agents()
    card = open_town.card("chen", "approve", approval)
    own = open_town.press_key(card, key(card, "approve"), "wang")
    assert open_town.send(own).status_code == 200
    assert open_town.whispers("wang") == ["Nobody approves the own request."]
    shown = open_town.house.client("chen").get(f"/api/v1/approvals/{approval}").json()
    assert shown["signatures"] == []


def test_a_rejection_needs_a_reason_from_the_list(town: Town):
    order = town.house.breach()
    asked = town.house.client("chen").post(
        f"/api/v1/orders/{order.id}/request-approval", json={"kind": "override"}
    )
    approval = asked.json()["approval"]
    town.house.run_agents()
    card = town.card("wang", "reject", approval)
    town.press("wang", "reject", approval)
    assert town.whispers("wang") == ["Choose a reason from the list."]
    town.press("wang", "reject", approval, "PRICE")
    shown = town.house.client("chen").get(f"/api/v1/approvals/{approval}").json()
    assert (shown["status"], shown["reason"]) == ("rejected", "PRICE")
    assert "Rejected by Wang Qiang" in card.text


def test_an_unlinked_member_is_offered_a_private_link_and_the_click_completes(open_town: Town):
    order = open_town.house.breach()
    message = open_town.card("chen", "acknowledge")
    shown = key(message, "acknowledge")
    assert open_town.send(open_town.press_key(message, shown, "newcomer")).status_code == 200
    assert open_town.state(order.id) is State.OPEN
    (said,) = open_town.whispers("newcomer")
    assert open_town.kind.name in said.lower()
    path = said.rpartition("http://testserver")[2]
    assert path.startswith(f"/link/{open_town.kind.name}/")
    officer = open_town.house.signed_in("new")
    assert officer.get(path.replace(open_town.kind.name, "slack")).status_code == 410
    assert "New Officer" in officer.get(path).text
    assert officer.post(path).status_code == 200
    person = open_town.house.app.directory.person("new")
    assert person is not None
    assert person.accounts == (
        Account(open_town.kind.name, open_town.kind.team, open_town.user("newcomer")),
    )
    assert open_town.house.order(order.id).acknowledged_by == "new"
    assert officer.post(path).status_code == 410


def test_a_link_made_for_an_account_of_another_person_ties_nobody(open_town: Town):
    open_town.house.breach()
    message = open_town.card("chen", "acknowledge")
    for _ in range(2):
        open_town.house.pass_time(seconds=1)
        open_town.send(open_town.press_key(message, key(message, "acknowledge"), "newcomer"))
    first, second = (
        one.rpartition("http://testserver")[2] for one in open_town.whispers("newcomer")
    )
    assert open_town.house.signed_in("new").post(first).status_code == 200
    assert open_town.house.signed_in("lin").post(second).status_code == 409


def test_a_person_who_left_is_refused(town: Town):
    order = town.house.breach()
    asked = town.pressed("chen", "acknowledge")
    with town.house.app.store.unit_of_work("cli:test") as uow:
        set_active(uow, "chen", active=False)
    assert town.send(asked).status_code == 200
    assert town.state(order.id) is State.OPEN
    assert len(town.whispers("chen")) == 1
    assert f"{town.kind.name}.refuse" in town.house.actions()


@pytest.mark.parametrize("viewer", ["shen", "gui"], ids=["auditor", "compliance_editor"])
def test_a_viewer_who_presses_is_refused(open_town: Town, viewer: str):
    order = open_town.house.breach()
    message = open_town.card("chen", "acknowledge")
    pressed = open_town.press_key(message, key(message, "acknowledge"), viewer)
    assert open_town.send(pressed).status_code == 200
    (said,) = open_town.whispers(viewer)
    assert said == "You may not do this."
    assert open_town.state(order.id) is State.OPEN
    assert open_town.house.order(order.id).version == order.version


def test_in_dingtalk_a_card_answers_to_its_reader_alone(tmp_path: Path):
    with chat_town(DINGTALK, tmp_path) as town:
        order = town.house.breach()
        message = town.card("chen", "acknowledge")
        for other in ("lin", "shen", "zhao", "newcomer"):
            asked = town.press_key(message, key(message, "acknowledge"), other)
            answer = town.send(asked)
            assert (answer.status_code, answer.json()["code"]) == (401, "BAD_TOKEN")
        own = town.pressed("chen", "acknowledge")
        for forged in (replace(own, headers={}), replace(own, headers={**own.headers, STAMP: "1"})):
            answer = town.send(forged)
            assert (answer.status_code, answer.json()["code"]) == (401, "BAD_SIGNATURE")
        assert town.state(order.id) is State.OPEN
        assert town.send(town.write("chen", f"ack {order.id}")).status_code == 200
        assert town.state(order.id) is State.OPEN  # what is written there is not read


def test_a_role_that_was_taken_away_since_the_card_went_out_does_not_count(town: Town):
    order = town.house.breach()
    asked = town.pressed("chen", "acknowledge")
    known = town.house.app.directory
    people = tuple(
        replace(one, roles=(Role.COMPLIANCE_EDITOR,)) if one.id == "chen" else one
        for one in known.people
    )
    with town.house.app.store.unit_of_work("cli:test") as uow:
        assert save_directory(uow, replace(known, people=people))
    assert town.send(asked).status_code == 200
    assert town.whispers("chen") == ["You may not do this."]
    assert town.state(order.id) is State.OPEN


def test_a_sibling_sees_no_order_behind_a_forwarded_button(open_town: Town):
    order = open_town.house.breach()
    message = open_town.card("chen", "acknowledge")
    asked = open_town.press_key(message, f"{order.id}/{order.version}/acknowledge", "zhao")
    assert open_town.send(asked).status_code == 200
    assert open_town.whispers("zhao") == ["There is no such work order."]
    assert open_town.state(order.id) is State.OPEN


@pytest.mark.parametrize(
    "fault", [Fault(status=500), Fault(errcode=1), Fault(status=429, retry_after=1)]
)
def test_a_failing_update_does_not_fail_the_act_and_is_made_up_for(town: Town, fault: Fault):
    if fault.errcode:
        fault = Fault(errcode=town.kind.too_often)
    order = town.house.breach()
    theirs = town.card("lin", "acknowledge")
    asked = town.pressed("chen", "acknowledge")
    town.chat.fail(fault, fault)
    assert town.send(asked).status_code == 200
    assert town.house.order(order.id).acknowledged_by == "chen"
    assert len(theirs.versions) == 1
    town.house.run_agents()
    assert len(theirs.versions) == 2
    assert not offers(theirs, "acknowledge")


def test_a_card_that_cannot_be_edited_is_superseded_and_an_old_click_answered(town: Town):
    order = town.house.breach()
    theirs = town.card("lin", "acknowledge")
    shown = key(theirs, "acknowledge")
    if town.kind is WECOM:
        town.chat.codes.clear()
    elif town.kind is FEISHU:
        town.chat.withdrawn.update(town.chat.sent)
    else:
        town.chat.gone.update(town.chat.cards)
    path = f"/api/v1/orders/{order.id}/acknowledge"
    assert town.house.client("chen").post(path, json={}).is_success
    town.house.run_agents()
    newest = town.card("lin", about=order.id)
    assert newest is not theirs
    assert not offers(newest, "acknowledge")
    assert town.send(town.press_key(theirs, shown, "lin")).status_code == 200
    assert "done before" in town.whispers("lin")[-1]


def test_clicks_that_wait_are_found_after_a_restart(town: Town):
    order = town.house.breach()
    asked = town.pressed("chen", "acknowledge")
    channel = town.house.app.channels[town.kind.name]
    found = channel.verify(raw_of(asked, town.house.clock()))
    assert isinstance(found, Inbound)
    assert clicks.accept(town.house.app, found)
    assert town.state(order.id) is State.OPEN
    assert clicks.work_off(town.house.app) == 1
    assert town.state(order.id) is State.ACKNOWLEDGED
    assert clicks.work_off(town.house.app) == 0


def test_an_hour_of_outage_is_caught_up_without_a_second_effect(town: Town):
    town.chat.lasting = Fault(status=503)
    order = town.house.breach()
    assert town.chat.messages == []
    assert town.house.mail.mails  # mail went out at once
    assert (
        town.house.client("chen").post(f"/api/v1/orders/{order.id}/acknowledge", json={}).is_success
    )
    town.chat.lasting = None
    town.house.pass_time(hours=1)
    town.house.run_agents()
    for message in town.chat.messages:
        assert not offers(message, "acknowledge")
    assert town.house.actions().count("order.acknowledge") == 1


def test_what_people_write_shows_and_acknowledges(open_town: Town):
    order = open_town.house.breach()

    def said(user: str, text: str) -> str:
        before = len(open_town.whispers(user))
        open_town.house.pass_time(seconds=1)
        assert open_town.send(open_town.write(user, text)).status_code == 200
        (new,) = open_town.whispers(user)[before:]
        return new

    assert order.id in said("chen", "orders")
    assert order.id in said("chen", " 工单 ")
    assert "1,300" in said("chen", f"查看 {order.id}")
    assert said("chen", "hello").startswith("orders")
    assert said("zhao", f"show {order.id}") == "There is no such work order."
    assert f"/link/{open_town.kind.name}/" in said("newcomer", "orders")
    assert open_town.send(open_town.write("chen", f"确认 {order.id}")).status_code == 200
    assert open_town.house.order(order.id).acknowledged_by == "chen"


# --- settings and doctor ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"wecom_corp_id": CORP}, "wecom_secret"),
        ({"wecom_corp_id": CORP, "wecom_secret": SECRET}, "wecom_secret"),
        ({"wecom_secret": SECRET}, "wecom_secret"),
        ({**WECOM_APP, "wecom_token": TOKEN}, "wecom_aes_key"),
        ({**WECOM_APP, "wecom_aes_key": AES_KEY}, "wecom_aes_key"),
        ({**WECOM_APP, "wecom_token": TOKEN, "wecom_aes_key": AES_KEY[1:]}, "wecom_aes_key"),
        ({"wecom_token": TOKEN, "wecom_aes_key": AES_KEY}, "wecom_aes_key"),
        ({"dingtalk_app_key": "ding1"}, "dingtalk_app_secret"),
        ({"dingtalk_app_secret": SECRET}, "dingtalk_app_secret"),
        ({**DINGTALK_APP, "dingtalk_template": ""}, "dingtalk_app_secret"),
        ({**DINGTALK_APP, "dingtalk_route_key": "r"}, "dingtalk_callback_secret"),
        ({**DINGTALK_APP, "dingtalk_callback_secret": AES_KEY}, "dingtalk_callback_secret"),
        (
            {**DINGTALK_APP, "dingtalk_route_key": "r", "dingtalk_callback_secret": "short"},
            "dingtalk_callback_secret",
        ),
        (
            {"dingtalk_route_key": "r", "dingtalk_callback_secret": AES_KEY},
            "dingtalk_callback_secret",
        ),
        ({"feishu_app_id": "cli_1"}, "feishu_app_secret"),
        ({"feishu_app_secret": SECRET}, "feishu_app_secret"),
        ({**FEISHU_APP, "feishu_encrypt_key": AES_KEY}, "feishu_verification_token"),
        ({**FEISHU_APP, "feishu_verification_token": AES_KEY}, "feishu_verification_token"),
        (
            {"feishu_encrypt_key": AES_KEY, "feishu_verification_token": TOKEN},
            "feishu_verification_token",
        ),
    ],
)
def test_half_a_set_up_is_refused_without_showing_a_secret(
    tmp_path: Path, given: dict[str, Any], field: str
):
    with pytest.raises(ValidationError) as fault:
        Settings(data=tmp_path, **given)
    assert [one["loc"] for one in fault.value.errors()] == [(field,)]
    assert AES_KEY[1:] not in str(fault.value)
    assert SECRET not in str(fault.value)


@KINDS
def test_doctor_asks_whether_the_chat_lets_us_in(tmp_path: Path, kind: Kind):
    app: dict[str, Any] = {
        name: one if isinstance(one, (str, int)) else one.get_secret_value()
        for name, one in kind.settings.items()
    }
    secret = "wecom_secret" if kind is WECOM else f"{kind.name}_app_secret"

    def finding(url: str = "", **other: str) -> Finding | None:
        given = {**app, f"{kind.name}_url": url, **other} if url else {}
        lines = [f"{name} = {json.dumps(one)}" for name, one in given.items()]
        (tmp_path / "hedgewarden.toml").write_text("\n".join(lines))
        found = doctor.examine(Desk(main.compose, data=tmp_path))
        return next((one for one in found if one.check == kind.name), None)

    assert finding() is None
    with kind.server(lambda: 0) as server:
        good, refused = finding(server.url), finding(server.url, **{secret: "another"})
        server.lasting = Fault(status=503)
        down = finding(server.url)
    assert good is not None
    assert refused is not None
    assert down is not None
    assert good.ok
    assert (refused.result, refused.severity) == ("refused", "red")
    assert refused.params["code"].startswith(kind.name.upper())
    assert (down.result, down.severity) == ("unreachable", "red")
    assert server.messages == []
