"""Slack: from the click to the closed order, and everything that must not work."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import httpx
import pytest
from flow_house import EAST, PATIENCE_S, House, house, over_http, slack_user
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

import approvals
import main
import trail
from approvals.tables import DelegationRow
from directory import Account
from service.cli import doctor
from service.cli.desk import Desk
from service.demo.inbox import _chat
from service.demo.slack_server import Fault, SignedRequest, sign
from service.i18n import load_words
from service.inbound import clicks
from service.web.reader import LANGUAGE_COOKIE
from store import inbox
from store.schema import table
from workorders import State
from workorders.rows import NOTICES

CLOSING = {
    "disposition": "fixed",
    "root_cause": "LATE_HEDGE",
    "corrective": {"text": "hedge earlier", "owner": "chen", "due": "2024-06-01T00:00:00Z"},
}


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def test_a_breach_goes_from_the_click_to_the_closed_order_over_http(town: House):
    order = town.breach()
    with (
        over_http(town.web) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=PATIENCE_S) as net,
    ):

        def press(person: str, verb: str, **more: str) -> None:
            asked = town.slack.press(town.card(person, verb, **more), verb, slack_user(person))
            answer = net.post(
                "/integrations/slack/interactivity", content=asked.body, headers=asked.headers
            )
            assert answer.status_code == 200, answer.text

        def post(person: str, path: str, body: object) -> httpx.Response:
            token = town.tokens.setdefault(person, town.token(person))
            headers = {"Authorization": f"Bearer {token}"}
            return net.post(f"/api/v1{path}", json=body, headers=headers)

        press("chen", "acknowledge")
        wait_until(lambda: town.order(order.id).state is State.ACKNOWLEDGED)
        assert town.order(order.id).acknowledged_by == "chen"
        for person in ("chen", "lin"):
            wait_until(lambda who=person: "acknowledged" in town.card(who).body["text"])

        asked = post(
            "chen",
            f"/orders/{order.id}/request-approval",
            {"kind": "override", "material": {"reason": "hedge is under way"}},
        )
        assert asked.status_code == 200, asked.text
        approval = asked.json()["approval"]
        town.run_agents()
        card = town.card("wang", "approve", about=approval)
        assert "hedge is under way" in card.body["text"]
        press("wang", "approve", about=approval)
        shown = f"/api/v1/approvals/{approval}"
        headers = {"Authorization": f"Bearer {town.tokens['chen']}"}
        wait_until(lambda: net.get(shown, headers=headers).json()["status"] == "approved")
        wait_until(lambda: "Approved by Wang Qiang" in card.body["text"])
        assert card.buttons == []
        town.run_agents()
        assert "Approved by Wang Qiang" in town.card("chen", about=approval).body["text"]

        assert post("chen", f"/orders/{order.id}/resolve", {"text": "hedged"}).status_code == 200
        firing = post("lin", f"/orders/{order.id}/close", CLOSING)
        assert (firing.status_code, firing.json()["code"]) == (409, "CONDITION_HOLDS")
        assert firing.json()["params"]["value"] == "1300"
        assert firing.json()["params"]["limit"] == "1000"
        assert "1,300" in firing.json()["titles"]["zh"]

        town.pass_time(minutes=5)
        assert town.buy(500).status_code == 200
        own = post("chen", f"/orders/{order.id}/close", CLOSING)
        assert (own.status_code, own.json()["code"]) == (409, "NEEDS_SECOND_PERSON")
        closed = post("lin", f"/orders/{order.id}/close", CLOSING)
        assert closed.status_code == 200, closed.text
        assert town.order(order.id).state is State.CLOSED
        stream = net.get(f"/api/v1/orders/{order.id}", headers=headers).json()["stream"]
        assert {"order.acknowledge", "approval.approve", "order.close"} <= {
            line["code"] for line in stream
        }


def wait_until(holds: object) -> None:
    import time

    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_replayed_request_is_refused_and_a_retry_of_slack_is_not_done_twice(town: House):
    order = town.breach()
    asked = town.slack.press(town.card("chen", "acknowledge"), "acknowledge", slack_user("chen"))
    assert town.send(asked).status_code == 200
    records = town.actions().count("order.acknowledge")
    again = town.send(asked)
    assert (again.status_code, again.json()["code"]) == (409, "REPLAYED")
    assert town.send(asked, **{"X-Slack-Retry-Num": "1"}).status_code == 200
    assert town.actions().count("order.acknowledge") == records == 1
    assert town.order(order.id).version == 2


def test_a_second_click_is_answered_privately_with_what_is_on_record(town: House):
    town.breach()
    old = town.card("lin", "acknowledge").buttons[0]["value"]
    assert town.press("chen", "acknowledge").status_code == 200
    late = town.slack.press_value(town.card("lin"), "acknowledge", slack_user("lin"), old)
    assert town.send(late).status_code == 200
    (said,) = town.whispers(slack_user("lin"))
    assert "Chen Fang" in said
    assert "done before" in said
    assert town.actions().count("order.acknowledge") == 1


@pytest.mark.parametrize("seconds", [301, -301, 3600])
def test_a_request_outside_the_window_is_refused(town: House, seconds: int):
    town.breach()
    asked = town.slack.press(town.card("chen", "acknowledge"), "acknowledge", slack_user("chen"))
    stamp = int(asked.headers["X-Slack-Request-Timestamp"]) - seconds
    old = SignedRequest(asked.body, sign(asked.body, town.slack.signing_secret, stamp))
    answer = town.send(old)
    assert (answer.status_code, answer.json()["code"]) == (401, "STALE_TIMESTAMP")
    assert "order.acknowledge" not in town.actions()


def test_a_forged_body_is_refused_and_the_older_secret_still_counts(town: House):
    order = town.breach()
    asked = town.slack.press(town.card("chen", "acknowledge"), "acknowledge", slack_user("chen"))
    forged = SignedRequest(asked.body.replace(b"acknowledge", b"take_over"), asked.headers)
    answer = town.send(forged)
    assert (answer.status_code, answer.json()["code"]) == (401, "BAD_SIGNATURE")
    assert town.send(SignedRequest(asked.body, {})).status_code == 401
    stamp = int(asked.headers["X-Slack-Request-Timestamp"])
    before = SignedRequest(asked.body, sign(asked.body, "the one before", stamp))
    assert town.send(before).status_code == 200
    assert town.order(order.id).acknowledged_by == "chen"


@pytest.mark.parametrize("body", [b"", b"payload=", b"payload=null", b"payload=[]", b"\xff\xfe"])
def test_signed_garbage_is_refused_and_breaks_nothing(town: House, body: bytes):
    stamp = int(town.clock().timestamp())
    answer = town.send(SignedRequest(body, sign(body, town.slack.signing_secret, stamp)))
    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED")


def test_the_requester_cannot_approve_the_own_request(town: House):
    order = town.breach()
    asked = town.client("wang").post(
        f"/api/v1/orders/{order.id}/request-approval",
        json={"kind": "limit_change", "material": {"after": "1500"}},
    )
    assert asked.status_code == 200, asked.text
    approval = asked.json()["approval"]
    town.run_agents()
    card = town.card("chen", "approve", about=approval)
    value = next(b["value"] for b in card.buttons if b["action_id"] == "approve")
    own = town.slack.press_value(card, "approve", slack_user("wang"), value)
    assert town.send(own).status_code == 200
    assert town.whispers(slack_user("wang")) == ["Nobody approves the own request."]
    assert town.client("chen").get(f"/api/v1/approvals/{approval}").json()["signatures"] == []


def test_a_rejection_needs_a_reason_from_the_list(town: House):
    order = town.breach()
    asked = town.client("chen").post(
        f"/api/v1/orders/{order.id}/request-approval", json={"kind": "override"}
    )
    approval = asked.json()["approval"]
    town.run_agents()
    card = town.card("wang", "reject", about=approval)
    lists = [block for block in card.body["blocks"] if block.get("block_id") == "reasons"]
    offered = [option["value"] for option in lists[0]["elements"][0]["options"]]
    assert "PRICE" in offered
    assert town.press("wang", "reject", about=approval).status_code == 200
    assert town.whispers(slack_user("wang")) == ["Choose a reason from the list."]
    assert town.press("wang", "reject", about=approval, reason="PRICE").status_code == 200
    shown = town.client("chen").get(f"/api/v1/approvals/{approval}").json()
    assert (shown["status"], shown["reason"]) == ("rejected", "PRICE")
    assert "Rejected by Wang Qiang" in card.body["text"]


def test_choosing_from_the_list_alone_asks_for_nothing(town: House):
    town.breach()
    asked = town.slack.press(town.card("chen", "acknowledge"), "acknowledge", slack_user("chen"))
    payload = json.loads(parse_qs(asked.body.decode())["payload"][0])
    payload["actions"] = [{"type": "static_select", "selected_option": {"value": "PRICE"}}]
    body = urlencode({"payload": json.dumps(payload)}).encode()
    stamp = int(town.clock().timestamp())
    chosen = SignedRequest(body, sign(body, town.slack.signing_secret, stamp))
    assert town.send(chosen).status_code == 200
    assert "order.acknowledge" not in town.actions()


def test_an_unlinked_user_is_offered_a_private_link_and_the_click_completes(town: House):
    order = town.breach()
    message = town.card("chen", "acknowledge")
    assert town.send(town.slack.press(message, "acknowledge", "U77777")).status_code == 200
    assert town.order(order.id).state is State.OPEN
    (said,) = town.whispers("U77777")
    path = said.rpartition("http://testserver")[2]
    assert path.startswith("/link/slack/")

    assert town.client().get(path).headers["location"].startswith("/login?next=")
    officer = town.signed_in("new")
    assert "New Officer" in officer.get(path).text
    assert town.order(order.id).state is State.OPEN
    done = officer.post(path)
    assert done.status_code == 200, done.text
    assert town.app.directory.person("new").accounts == (Account("slack", "T0DEMO", "U77777"),)
    assert town.order(order.id).acknowledged_by == "new"
    assert officer.post(path).status_code == 410
    assert officer.get(path).status_code == 410
    again = town.slack.press_value(message, "take_over", "U77777", f"{order.id}/2/take_over")
    assert town.send(again).status_code == 200
    assert town.order(order.id).owner == "new"


def test_the_page_of_a_link_says_in_its_own_language_what_came_of_the_click(town: House):
    town.breach()
    message = town.card("chen", "acknowledge")
    town.send(town.slack.press(message, "acknowledge", "U77777"))
    path = town.whispers("U77777")[0].rpartition("http://testserver")[2]
    officer = town.signed_in("new")
    officer.cookies.set(LANGUAGE_COOKIE, "zh")
    chinese, english = load_words("zh"), load_words("en")
    page = officer.post(path).text
    assert '<html lang="zh-CN"' in page
    assert f"<title>{chinese.text('link.title')} · " in page
    assert chinese.reason("DONE").rstrip("。") in page
    assert english.reason("DONE").rstrip(".") not in page
    # the chat is the person's: it goes on in the person's own language
    assert english.reason("DONE").rstrip(".") in town.whispers("U77777")[-1]


def test_an_account_of_another_person_is_not_taken_over(town: House):
    town.breach()
    message = town.card("chen", "acknowledge")
    town.send(town.slack.press(message, "acknowledge", "U77777"))
    town.send(town.slack.press(message, "acknowledge", "U77777"))
    first, second = (one.rpartition("http://testserver")[2] for one in town.whispers("U77777"))
    assert town.signed_in("new").post(first).status_code == 200
    assert town.signed_in("lin").post(second).status_code == 409
    assert town.app.directory.person("lin").accounts == (
        Account("slack", "T0DEMO", slack_user("lin")),
    )


def test_a_person_who_left_is_refused(town: House):
    from directory import set_active

    order = town.breach()
    with town.app.store.unit_of_work("cli:test") as uow:
        set_active(uow, "chen", active=False)
    assert town.press("chen", "acknowledge").status_code == 200
    assert town.order(order.id).state is State.OPEN
    assert len(town.whispers(slack_user("chen"))) == 1
    assert "slack.refuse" in town.actions()


def test_a_sibling_sees_no_order_behind_a_forwarded_button(town: House):
    order = town.breach()
    message = town.card("chen", "acknowledge")
    value = f"{order.id}/{order.version}/acknowledge"
    asked = town.slack.press_value(message, "acknowledge", slack_user("zhao"), value)
    assert town.send(asked).status_code == 200
    assert town.whispers(slack_user("zhao")) == ["There is no such work order."]
    assert town.order(order.id).state is State.OPEN


def test_a_failing_update_does_not_fail_the_act_and_is_made_up_for(town: House):
    order = town.breach()
    card = town.card("lin")
    asked = town.slack.press(town.card("chen", "acknowledge"), "acknowledge", slack_user("chen"))
    town.slack.fail(Fault(status=500), Fault(status=429, retry_after=1))
    assert town.send(asked).status_code == 200
    assert town.order(order.id).acknowledged_by == "chen"
    town.run_agents()
    assert "acknowledged" in card.body["text"]


def test_clicks_that_wait_are_found_after_a_restart(town: House):
    order = town.breach()
    channel = town.app.channels["slack"]
    asked = town.slack.press(town.card("chen", "acknowledge"), "acknowledge", slack_user("chen"))
    from workorders import RawInbound

    headers = {name.lower(): value for name, value in asked.headers.items()}
    inbound = channel.verify(RawInbound(asked.body, headers, town.clock()))
    with town.app.store.unit_of_work("channel:slack") as uow:
        assert clicks.keep(uow, inbound)
    assert town.order(order.id).state is State.OPEN
    assert clicks.work_off(town.app) == 1
    assert town.order(order.id).state is State.ACKNOWLEDGED
    assert clicks.work_off(town.app) == 0


def command(town: House, person: str, text: str, user: str = "") -> httpx.Response:
    return town.send(town.slack.command(user or slack_user(person), text), "commands")


def test_commands_show_and_acknowledge(town: House):
    order = town.breach()
    assert order.id in command(town, "chen", "orders").json()["text"]
    shown = command(town, "chen", f"show {order.id}").json()
    assert shown["response_type"] == "ephemeral"
    assert "1,300" in shown["text"]
    assert "orders" in command(town, "chen", "").json()["text"]
    assert command(town, "chen", "oncall").status_code == 200
    assert command(town, "zhao", "orders").json()["text"] == "No work order is open."
    assert command(town, "zhao", f"show {order.id}").json()["text"] == (
        "There is no such work order."
    )
    assert command(town, "chen", f"ack {order.id}").status_code == 200
    assert town.order(order.id).acknowledged_by == "chen"
    assert "/link/slack/" in command(town, "", "orders", "U77777").json()["text"]
    unsigned = town.send(SignedRequest(b"text=orders", {}), "commands")
    assert unsigned.status_code == 401


def lend(town: House, *given: approvals.Delegation) -> None:
    """Delegations that were agreed to once, whatever has become of permissions since."""
    now = town.clock()
    rows = [
        {
            **{name: getattr(one, name) for name in one.__slots__},
            "starts": now,
            "reason": "away",
            "created_at": now,
            "confirmed_by": "new",
            "confirmed_at": now,
            "ended_by": "",
        }
        for one in given
    ]
    with town.app.store.unit_of_work("wang") as uow:
        uow.execute(insert(table(str(DelegationRow.__tablename__))).values(rows))
        trail.record(uow, kind="decision", action="delegation.confirm", outcome="done",
                     object_type="delegation", object_id="DG-1", body={})  # fmt: skip


def test_a_delegate_gets_the_card_with_the_delegation_on_it_and_signs(town: House):
    ends = town.clock() + timedelta(days=2)
    lend(
        town,
        approvals.Delegation("wang", "boss", EAST, ends),
        approvals.Delegation("wang", "lin", "Group/West", ends),
        approvals.Delegation("wang", "zhao", EAST, ends),
    )
    order = town.breach()
    asked = town.client("chen").post(
        f"/api/v1/orders/{order.id}/request-approval", json={"kind": "override"}
    )
    approval = asked.json()["approval"]
    town.run_agents()
    card = town.card("boss", "approve", about=approval)
    assert "You sign for Wang Qiang, delegated for East until 05-16 10:0" in card.body["text"]
    for other in ("lin", "zhao"):  # a delegation for another unit; nobody who may sign here
        with pytest.raises(AssertionError, match=f"no card for {other}"):
            town.card(other, about=approval)
    assert town.press("boss", "approve", about=approval).status_code == 200
    shown = town.client("chen").get(f"/api/v1/approvals/{approval}").json()
    assert [(one["seat"], one["by"]) for one in shown["signatures"]] == [("wang", "boss")]
    town.run_agents()
    assert card.buttons == []


def test_a_delegation_that_ends_takes_the_buttons_with_it(town: House):
    ends = town.clock() + timedelta(hours=1)
    lend(town, approvals.Delegation("wang", "boss", EAST, ends, Decimal(5000), currency="CNY"))
    order = town.breach()
    asked = town.client("chen").post(
        f"/api/v1/orders/{order.id}/request-approval",
        json={"kind": "override", "amount": "4000", "currency": "CNY"},
    )
    approval = asked.json()["approval"]
    town.run_agents()
    first = town.card("boss", "approve", about=approval)
    assert "up to 5,000" in first.body["text"]
    town.pass_time(hours=2)
    assert town.press("boss", "approve", about=approval).status_code == 200
    shown = town.client("chen").get(f"/api/v1/approvals/{approval}").json()
    assert shown["signatures"] == []


def test_a_click_that_always_fails_is_put_off_and_in_the_end_given_up(
    town: House, monkeypatch: pytest.MonkeyPatch
):
    """The click goes in by the real endpoint; carrying it out fails, whatever is tried."""
    order = town.breach()
    tried: list[datetime] = []

    def broken(*_given: object) -> None:
        tried.append(town.clock())
        raise KeyError("a bug")

    monkeypatch.setattr(clicks, "act_on", broken)
    assert town.press("chen", "acknowledge").status_code == 200
    assert len(tried) == 1
    clicks.work_off(town.app)
    assert len(tried) == 1  # not every second
    for _ in range(200):
        town.pass_time(seconds=10)
        clicks.work_off(town.app)
    assert len(tried) == clicks.MAX_TRIES
    waits = [(b - a).total_seconds() for a, b in pairwise(tried)]
    assert waits == sorted(waits)
    with town.app.store.reader() as connection:
        assert inbox.pending(connection, source="slack") == []
        (letter,) = inbox.dead_letters(connection)
    assert letter.tries == clicks.MAX_TRIES
    assert letter.error == "KeyError"
    assert town.actions().count("slack.give_up") == 1
    (said,) = town.whispers(slack_user("chen"))
    assert "could not be carried out" in said
    assert town.app.sentinel.look(town.clock()).dead_letters == 1
    found = {one.check: one for one in doctor.examine(desk_of(town))}
    assert (found["letters"].result, found["letters"].params["clicks"]) == ("dead", "1")
    assert town.order(order.id).state is State.OPEN


def test_a_fault_of_the_house_costs_a_click_no_try(town: House, monkeypatch: pytest.MonkeyPatch):
    order = town.breach()
    real = clicks.act_on

    def down(*_given: object) -> None:
        raise OperationalError("locked", None, Exception("locked"))

    monkeypatch.setattr(clicks, "act_on", down)
    assert town.press("chen", "acknowledge").status_code == 200
    for _ in range(3 * clicks.MAX_TRIES):
        town.pass_time(seconds=20)
        clicks.work_off(town.app)
    monkeypatch.setattr(clicks, "act_on", real)
    town.pass_time(seconds=20)
    assert clicks.work_off(town.app) == 1
    assert town.order(order.id).state is State.ACKNOWLEDGED


def test_clicks_that_are_put_off_do_not_stand_before_others(
    town: House, monkeypatch: pytest.MonkeyPatch
):
    order = town.breach()
    with town.app.store.unit_of_work("channel:slack") as uow:
        for number in range(120):
            inbox.accept(uow, "slack", f"bad-{number}", {"unreadable": number})
    for _ in range(2):
        clicks.work_off(town.app)
    assert town.press("chen", "acknowledge").status_code == 200
    assert town.order(order.id).state is State.ACKNOWLEDGED


def desk_of(town: House) -> Desk:
    return Desk(main.compose, data=town.app.settings.data)


def test_stale_mails_that_cannot_be_edited_do_not_stand_before_cards(town: House):
    order = town.breach()
    with town.app.store.unit_of_work("system:test") as uow:
        old = uow.execute(select(NOTICES).where(NOTICES.c.object_id == order.id)).mappings().first()
        assert old is not None
        mails = [
            {**old, "key": f"A/{number}", "channel": "email", "state": "stale"}
            for number in range(150)
        ]
        uow.execute(insert(NOTICES), mails)
        trail.record(uow, kind="change", action="test", object_type="notice", object_id="mails")
    card = town.card("lin")
    assert town.press("chen", "acknowledge").status_code == 200
    assert "acknowledged" in card.body["text"]


def test_the_demos_inbox_shows_an_approvals_card_with_its_list_of_reasons(town: House):
    """The list among the buttons is no button: the inbox once failed on it for everybody."""
    order = town.breach()
    asked = town.client("chen").post(
        f"/api/v1/orders/{order.id}/request-approval", json={"kind": "override"}
    )
    town.run_agents()
    card = town.card("wang", "reject", about=asked.json()["approval"])
    item = _chat(0, card, "wang")
    verbs = [verb for verb, _label in item.buttons]
    assert {"approve", "reject"} <= set(verbs)
    assert "reason" not in verbs
    assert "PRICE" in dict(item.reasons)
    assert all(label for _, label in item.buttons)
