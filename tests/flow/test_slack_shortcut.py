"""A work order from a message in Slack: shortcut, form, and all that must not make a second one."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest
from flow_house import EAST, WEST, House, house, slack_user
from sqlalchemy.exc import OperationalError

from directory import Role, set_active
from directory.writing import save_directory
from integrations import slack_forms
from integrations.slack_forms import unit_code
from service.by_hand import places
from service.demo.slack_forms import View
from service.demo.slack_server import Fault, SignedRequest, sign
from service.inbound import clicks, order_form
from workorders import Level, State, WorkOrder, reads

SAID = {"ts": "1715652000.000100", "user": "U0OUTSIDE", "text": "Supplier <late> & no invoice"}
LINK = "https://group.slack.com/archives/C0TALK/p1715652000000100"
FAULTS = [
    Fault(status=500),
    Fault(status=429, retry_after=1),
    Fault(error="ratelimited"),
    Fault(error="expired_trigger_id"),
]


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def use(town: House, person: str, user: str = "", **said: Any) -> httpx.Response:
    return town.send(town.slack.shortcut(user or slack_user(person), {**SAID, **said}))


def form_of(town: House, person: str, **said: Any) -> View:
    before = len(town.slack.views)
    assert use(town, person, **said).status_code == 200
    (view,) = town.slack.views[before:]
    assert view.user == slack_user(person)
    return view


def filled(**changed: str) -> dict[str, str]:
    return {"org": unit_code(EAST), "level": "orange", "product": "CU", **changed}


def send(town: House, view: View, **changed: str) -> httpx.Response:
    return town.send(town.slack.submit(view, **filled(**changed)))


def errors(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["response_action"] == "errors"
    told: dict[str, str] = body["errors"]
    return told


def only(town: House) -> WorkOrder:
    (order,) = town.orders()
    return order


def stream(town: House, order: WorkOrder) -> list[Any]:
    with town.app.store.reader() as connection:
        return list(reads.stream(connection, order.id))


def test_a_message_becomes_an_order_and_is_kept_as_evidence(town: House):
    view = form_of(town, "chen")
    assert view.options("org") == {"Group / East": unit_code(EAST)}
    assert view.options("level") == {
        "Red": "red", "Orange": "orange", "Yellow": "yellow", "Blue": "blue"
    }  # fmt: skip
    answer = send(town, view)
    assert (answer.status_code, answer.content) == (200, b"")  # closes the form
    order = only(town)
    assert (order.org, order.level, order.product) == (EAST, Level.ORANGE, "cu")
    assert order.title_params["text"] == SAID["text"]
    lines = [one for one in stream(town, order) if one.code == "order.message"]
    assert [(one.actor, one.text, one.params["link"]) for one in lines] == [
        ("chen", SAID["text"], LINK)
    ]
    assert lines[0].params["sender"] == "U0OUTSIDE"
    assert lines[0].params["at"] == "2024-05-14T02:00:00.000100Z"
    assert {"order.open", "order.message"} <= set(town.actions())
    assert "order.note" not in town.actions()  # the message says it already
    (said,) = town.whispers(slack_user("chen"))
    assert order.id in said
    page = town.signed_in("chen").get(f"/orders/{order.id}").text
    assert f'href="{LINK}"' in page
    assert "U0OUTSIDE" in page
    town.pass_time(minutes=1)  # the wait for more of the same
    town.run_agents()
    assert "Supplier" in town.card("lin", "acknowledge", about=order.id).body["text"]


def test_what_the_person_writes_stands_beside_the_message(town: House):
    send(town, form_of(town, "chen"), text="The freight invoice is missing")
    texts = {one.code: one.text for one in stream(town, only(town))}
    assert texts["order.message"] == SAID["text"]
    assert texts["order.note"] == "The freight invoice is missing"


def test_what_a_program_said_in_attachments_and_blocks_is_read_too(town: House):
    part = {"type": "section", "text": {"type": "mrkdwn", "text": "pump 4 stopped"}}
    alarm = {"title": "ALARM", "text": "no flow", "fallback": "unused"}
    view = form_of(town, "chen", text="", attachments=[alarm], blocks=[part])
    send(town, view)
    assert only(town).title_params["text"] == "ALARM\nno flow\npump 4 stopped"


def test_a_reply_in_a_thread_keeps_its_address(town: House):
    send(town, form_of(town, "chen", thread_ts="1715651000.000200"))
    (line,) = (one for one in stream(town, only(town)) if one.code == "order.message")
    assert line.params["link"] == f"{LINK}?thread_ts=1715651000.000200&cid=C0TALK"


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"product": "pinnacle"}, "product", "There is no product"),
        ({"product": "cu2406"}, "product", 'There is no product "cu2406". Did you mean cu'),
        ({"text": "   "}, "text", "Say what happened."),
        ({"org": "unknown"}, "org", "Choose a unit"),
        ({"org": WEST}, "org", "Choose a unit"),  # a sibling does not exist
        ({"level": "purple"}, "level", "Choose a level."),
    ],
)
def test_a_fault_stands_at_its_field_and_the_form_can_be_sent_again(
    town: House, changed: dict[str, str], field: str, said: str
):
    view = form_of(town, "chen")
    told = errors(send(town, view, **changed))
    assert list(told) == [field]
    assert told[field].startswith(said)
    assert town.orders() == ()
    assert send(town, view).content == b""
    assert only(town).org == EAST


def test_a_replayed_form_is_refused_and_slacks_own_repetition_has_its_answer(town: House):
    view = form_of(town, "chen")
    good, bad = (
        town.slack.submit(view, **filled(product=product)) for product in ("cu", "pinnacle")
    )
    first = town.send(bad)
    again = town.send(bad, **{"X-Slack-Retry-Num": "1"})
    assert errors(again) == errors(first)
    assert town.send(bad).json()["code"] == "REPLAYED"
    assert town.send(good).content == b""
    replayed = town.send(good)
    assert (replayed.status_code, replayed.json()["code"]) == (409, "REPLAYED")
    repeated = town.send(good, **{"X-Slack-Retry-Num": "1"})
    assert (repeated.status_code, repeated.content) == (200, b"")
    assert town.actions().count("order.open") == 1
    assert len(town.whispers(slack_user("chen"))) == 1


def test_a_form_whose_answer_was_lost_is_sent_again_and_makes_no_second_order(town: House):
    view = form_of(town, "chen")
    assert send(town, view).content == b""
    assert send(town, view).content == b""  # another request of the same form
    order = only(town)
    assert town.actions().count("order.open") == 1
    assert len(town.whispers(slack_user("chen"))) == 1
    assert order.state is State.OPEN


def test_a_second_form_about_the_same_message_is_told_of_the_order(town: House):
    mine, theirs = form_of(town, "chen"), form_of(town, "lin")
    assert send(town, mine).content == b""
    told = errors(send(town, theirs))
    assert told == {
        "org": f"From this message Chen Fang opened work order {only(town).id} at 05-14 10:00."
    }
    assert town.actions().count("order.open") == 1


def test_a_replayed_shortcut_shows_no_second_form(town: House):
    chosen = town.slack.shortcut(slack_user("chen"), SAID)
    assert town.send(chosen).status_code == 200
    assert town.send(chosen).json()["code"] == "REPLAYED"
    assert town.send(chosen, **{"X-Slack-Retry-Num": "1"}).status_code == 200
    assert len(town.slack.views) == 1


@pytest.mark.parametrize("fault", [*FAULTS, Fault(lost=True)], ids=str)
def test_a_form_that_could_not_be_opened_is_told_and_the_next_one_works(town: House, fault: Fault):
    town.slack.fail(fault)
    assert use(town, "chen").status_code == 200
    shown = int(fault.lost)  # the answer was lost on its way, the form was not
    assert len(town.slack.views) == shown
    (said,) = town.whispers(slack_user("chen"))
    assert said == "If no form has opened, use the shortcut at the message once more."
    assert send(town, form_of(town, "chen")).content == b""
    assert only(town).org == EAST
    if shown:
        assert "opened work order" in errors(send(town, town.slack.views[0]))["org"]


def test_a_trigger_that_is_too_old_is_told(town: House, monkeypatch: pytest.MonkeyPatch):
    chosen = town.slack.shortcut(slack_user("chen"), SAID)
    real = clicks.work_off
    monkeypatch.setattr(clicks, "work_off", lambda _app: 0)  # the process is busy
    assert town.send(chosen).status_code == 200
    monkeypatch.setattr(clicks, "work_off", real)
    town.pass_time(seconds=10)
    assert clicks.work_off(town.app) == 1
    assert town.slack.views == []
    assert len(town.whispers(slack_user("chen"))) == 1


def test_where_the_app_is_no_member_the_answer_goes_to_the_persons_own_conversation(town: House):
    town.slack.closed_to.add("C0TALK")
    town.slack.fail(Fault(status=500))
    assert use(town, "chen").status_code == 200
    assert town.whispers(slack_user("chen")) == []
    said = town.slack.messages[-1]
    assert said.channel == f"D{slack_user('chen')}"
    assert "use the shortcut" in said.body["text"]


def test_an_unlinked_user_is_offered_a_link_and_then_uses_the_shortcut_again(town: House):
    assert use(town, "", "U77777").status_code == 200
    assert town.slack.views == []
    (said,) = town.whispers("U77777")
    assert "then use the shortcut again" in said
    path = said.rpartition("http://testserver")[2]
    done = town.signed_in("new").post(path)
    assert done.status_code == 200
    assert "use the shortcut at the message once more" in done.text
    assert town.orders() == ()
    assert use(town, "", "U77777").status_code == 200
    (view,) = town.slack.views
    assert town.send(town.slack.submit(view, **filled())).content == b""
    assert stream(town, only(town))[0].actor == "new"


def test_who_may_open_no_order_gets_no_form(town: House):
    assert use(town, "shen").status_code == 200
    assert town.slack.views == []
    assert town.whispers(slack_user("shen")) == ["You may not do this."]


def lose_role(town: House, person: str) -> None:
    known = town.app.directory
    people = tuple(
        replace(one, roles=(Role.COMPLIANCE_EDITOR,)) if one.id == person else one
        for one in known.people
    )
    with town.app.store.unit_of_work("cli:test") as uow:
        assert save_directory(uow, replace(known, people=people))


def test_a_right_that_was_lost_while_the_form_stood_open_does_not_count(town: House):
    view = form_of(town, "chen")
    lose_role(town, "chen")
    assert errors(send(town, view)) == {"org": "You may not do this."}
    assert town.orders() == ()
    refused = town.client("shen").get("/api/v1/trail/records?action=order.open").json()
    assert [(one["outcome"], one["reason"]) for one in refused["items"]] == [
        ("refused", "FORBIDDEN")
    ]


def test_who_left_while_the_form_stood_open_is_refused(town: House):
    view = form_of(town, "chen")
    with town.app.store.unit_of_work("cli:test") as uow:
        set_active(uow, "chen", active=False)
    assert list(errors(send(town, view))) == ["org"]
    assert town.orders() == ()
    assert "slack.refuse" in town.actions()


def test_another_person_cannot_send_somebodys_form(town: House):
    view = form_of(town, "chen")
    stolen = town.slack.submit(view, slack_user("lin"), **filled())
    assert errors(town.send(stolen)) == {
        "text": "The message behind this form is not known. Close it and use the shortcut again."
    }
    assert town.orders() == ()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda payload: payload.pop("message"),
        lambda payload: payload.update(callback_id="another"),
        lambda payload: payload["message"].update(ts="yesterday"),
        lambda payload: payload["message"].update(ts="9" * 400),
        lambda payload: payload.update(team=None),
        lambda payload: payload["message"].update(text="", blocks=[7]),
    ],
)
def test_a_shortcut_in_another_form_is_refused(town: House, spoil: Callable[[Any], object]):
    asked = town.slack.shortcut(slack_user("chen"), SAID)
    answer = town.send(spoilt(town, asked, spoil))
    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda payload: payload.pop("view"),
        lambda payload: payload["view"].update(private_metadata="{"),
        lambda payload: payload["view"].update(private_metadata="[]"),
        lambda payload: payload["view"]["state"]["values"].pop("level"),
        lambda payload: payload["view"].update(callback_id="another"),
    ],
)
def test_a_form_in_another_form_is_refused(town: House, spoil: Callable[[Any], object]):
    asked = town.slack.submit(form_of(town, "chen"), **filled())
    answer = town.send(spoilt(town, asked, spoil))
    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED")
    assert town.orders() == ()


def spoilt(town: House, asked: SignedRequest, spoil: Callable[[Any], object]) -> SignedRequest:
    payload = json.loads(parse_qs(asked.body.decode())["payload"][0])
    spoil(payload)
    body = urlencode({"payload": json.dumps(payload)}).encode()
    stamp = int(town.clock().timestamp())
    return SignedRequest(body, sign(body, town.slack.signing_secret, stamp))


def test_a_forged_form_is_refused(town: House):
    asked = town.slack.submit(form_of(town, "chen"), **filled())
    forged = SignedRequest(asked.body.replace(b"orange", b"yellow"), asked.headers)
    answer = town.send(forged)
    assert (answer.status_code, answer.json()["code"]) == (401, "BAD_SIGNATURE")
    assert town.orders() == ()


def test_when_the_database_fails_the_form_can_be_sent_again(
    town: House, monkeypatch: pytest.MonkeyPatch
):
    view = form_of(town, "chen")

    def down(*_given: object) -> None:
        raise OperationalError("locked", None, Exception("locked"))

    with monkeypatch.context() as patch:
        patch.setattr(order_form, "open_by_hand", down)
        assert send(town, view).status_code >= 500
    assert town.orders() == ()
    assert send(town, view).content == b""
    assert only(town).org == EAST


def test_a_hundred_and_more_units_stand_in_groups(town: House):
    words = town.app.catalogues.words("en")
    units = [(f"G/{number:03}", f"G / {number:03}") for number in range(250)]
    asked = slack_forms.read_shortcut(
        json.loads(parse_qs(town.slack.shortcut("U1", SAID).body.decode())["payload"][0]), "E1"
    )
    view = View("V1", "U1", slack_forms.form(words, units, asked))
    assert len(view.options("org")) == 250
    element = view.form["blocks"][0]["element"]
    assert [len(one["options"]) for one in element["option_groups"]] == [100, 100, 50]
    long = slack_forms.form(words, [("x", "G / " + "y" * 100)], asked)["blocks"][0]["element"]
    assert len(long["options"][0]["text"]["text"]) == 75
    for name in ("title", "submit", "close"):
        assert len(view.form[name]["text"]) <= 24


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_words_of_the_form_keep_slacks_limits(town: House, language: str):
    words = town.app.catalogues.words(language)
    for name in ("title", "submit", "close"):
        assert 0 < len(words.text(f"order_form.{name}")) <= 24
    for name in slack_forms.FIELDS:
        assert 0 < len(words.text(f"order_form.{name}")) <= 75


def test_the_form_offers_what_the_person_may_open(town: House):
    directory, now = town.app.directory, town.clock()
    assert places(directory, "zhao", now) == [WEST]
    assert places(directory, "shen", now) == []
