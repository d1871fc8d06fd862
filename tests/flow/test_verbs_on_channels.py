"""Every verb on every interactive channel: it works, or is refused with a code, and here is why."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs

import pytest
from chat_town import DINGTALK, FEISHU, WECOM, Kind, Town, chat_town
from flow_house import EAST, House, house, slack_user
from test_mail_flow import opened, written_to

from service.inbound import clicks
from service.inbound.slack_socket import SlackListener
from tests.unit.integrations.socket_server import SocketServer, until

WORKS = "works"
#: The person who does it: orders go to Chen, approvals to Wang.
CHEN, WANG = "chen", "wang"


class Way(Protocol):
    """One channel as people use it: what is told is what they read, at once or privately."""

    house: House

    def press(self, person: str, verb: str, about: str, reason: str = "") -> str: ...

    def write(self, person: str, text: str) -> str: ...


class SlackWay:
    """Slack over HTTP."""

    def __init__(self, made: House) -> None:
        self.house = made

    def press(self, person: str, verb: str, about: str, reason: str = "") -> str:
        return self._told(
            person, lambda: self.house.press(person, verb, about=about, reason=reason)
        )

    def write(self, person: str, text: str) -> str:
        asked = self.house.slack.command(slack_user(person), text)
        return self._told(person, lambda: self.house.send(asked, "commands"))

    def _told(self, person: str, act: Callable[[], Any]) -> str:
        before = len(self.house.whispers(slack_user(person)))
        answer = act()
        assert answer.status_code == 200, answer.text
        at_once = answer.json()["text"] if answer.content else ""
        return "\n".join([at_once, *self.house.whispers(slack_user(person))[before:]])


class SocketWay(SlackWay):
    """Slack's Socket Mode."""

    def __init__(self, made: House) -> None:
        super().__init__(made)
        self.listener = SlackListener(made.app, holder="here")
        self.server: Any = made.slack
        self._number = 0

    def press(self, person: str, verb: str, about: str, reason: str = "") -> str:
        message, user = self.house.card(person, verb, about), slack_user(person)
        asked = self.house.slack.press(message, verb, user, reason=reason)
        payload = json.loads(parse_qs(asked.body.decode())["payload"][0])
        return self._carried(person, "interactive", payload)

    def write(self, person: str, text: str) -> str:
        payload = self.server.command_payload(slack_user(person), text)
        return self._carried(person, "slash_commands", payload)

    def _carried(self, person: str, kind: str, payload: Any) -> str:
        assert self.listener.look()
        until(lambda: self.server.live, "not connected")
        client, self._number = self.server.live[-1], self._number + 1
        before = len(self.house.whispers(slack_user(person)))
        envelope = self.server.deliver(self._number, kind, payload, client)
        until(lambda: any(one["envelope_id"] == envelope for one in client.acks), "no answer")
        (ack,) = (one for one in client.acks if one["envelope_id"] == envelope)
        clicks.work_off(self.house.app)
        at_once = str(ack.get("payload", {}).get("text", ""))
        return "\n".join([at_once, *self.house.whispers(slack_user(person))[before:]])


class ChatWay:
    """WeCom, Feishu, DingTalk."""

    def __init__(self, town: Town) -> None:
        self.house, self._town = town.house, town

    def press(self, person: str, verb: str, about: str, reason: str = "") -> str:
        before = len(self._town.whispers(person))
        self._town.press(person, verb, about, reason)
        return "\n".join(self._town.whispers(person)[before:])

    def write(self, person: str, text: str) -> str:
        before = len(self._town.whispers(person))
        assert self._town.send(self._town.write(person, text)).status_code == 200
        return "\n".join(self._town.whispers(person)[before:])


class MailWay:
    """The page behind a mail's link; `signed_in` or with the six digits alone."""

    def __init__(self, made: House, *, signed_in: bool) -> None:
        self.house, self._signed_in = made, signed_in

    def press(self, person: str, verb: str, about: str, reason: str = "") -> str:
        path, digits = written_to(self.house, person, about)
        who = self.house.signed_in(person) if self._signed_in else None
        browser, nonce = opened(self.house, path, who)
        form = {"nonce": nonce, "verb": verb, "reason": reason}
        if not self._signed_in:
            form["code"] = digits
        answer = browser.post(path, data=form)
        return "NEEDS_SIGN_IN" if answer.status_code == 303 else answer.text

    def write(self, person: str, text: str) -> str:
        raise NotImplementedError(person + text)


@contextmanager
def slack(folder: Path) -> Iterator[Way]:
    with house(folder) as made:
        yield SlackWay(made)


@contextmanager
def socket(folder: Path) -> Iterator[Way]:
    with house(folder, chat=SocketServer, slack_app_token="xapp-a-secret") as made:
        way = SocketWay(made)
        try:
            yield way
        finally:
            way.listener.socket.close()


def chat(kind: Kind) -> Callable[[Path], AbstractContextManager[Way]]:
    @contextmanager
    def way(folder: Path) -> Iterator[Way]:
        with chat_town(kind, folder) as town:
            yield ChatWay(town)

    return way


def mail(*, signed_in: bool) -> Callable[[Path], AbstractContextManager[Way]]:
    @contextmanager
    def way(folder: Path) -> Iterator[Way]:
        with house(folder) as made:
            yield MailWay(made, signed_in=signed_in)

    return way


WAYS: Mapping[str, Callable[[Path], AbstractContextManager[Way]]] = {
    "slack": slack,
    "slack socket": socket,
    "wecom": chat(WECOM),
    "feishu": chat(FEISHU),
    "dingtalk": chat(DINGTALK),
    "mail, signed in": mail(signed_in=True),
    "mail, six digits": mail(signed_in=False),
}


# --- the verbs ------------------------------------------------------------------------------------


def breach(way: Way) -> str:
    order = way.house.breach().id
    way.house.run_agents()
    return order


def request(way: Way) -> str:
    order = breach(way)
    path = f"/api/v1/orders/{order}/request-approval"
    asked = way.house.client(CHEN).post(path, json={"kind": "override"})
    way.house.run_agents()
    number: str = asked.json()["approval"]
    return number


def asked_for(way: Way, number: str) -> Any:
    return way.house.client(CHEN).get(f"/api/v1/approvals/{number}").json()


def acknowledge(way: Way) -> str:
    order = breach(way)
    said = way.press(CHEN, "acknowledge", order)
    return WORKS if way.house.order(order).acknowledged_by == CHEN else said


def take_over(way: Way) -> str:
    order = breach(way)
    said = way.press(CHEN, "take_over", order)
    return WORKS if way.house.order(order).owner == CHEN else said


def escalate(way: Way) -> str:
    order = breach(way)
    said = way.press(CHEN, "escalate", order)
    return WORKS if "order.escalate" in way.house.actions() else said


def decides(verb: str, status: str, reason: str = "") -> Callable[[Way], str]:
    def scenario(way: Way) -> str:
        number = request(way)
        said = way.press(WANG, verb, number, reason)
        return WORKS if asked_for(way, number)["status"] == status else said

    return scenario


def orders(way: Way) -> str:
    order = breach(way)
    said = way.write(CHEN, "orders")
    return WORKS if order in said else said


def show(way: Way) -> str:
    said = way.write(CHEN, f"show {breach(way)}")
    return WORKS if "1,300" in said else said


def ack(way: Way) -> str:
    order = breach(way)
    said = way.write(CHEN, f"ack {order}")
    return WORKS if way.house.order(order).acknowledged_by == CHEN else said


def on_call(way: Way) -> str:
    said = way.write(CHEN, "oncall").strip()
    return WORKS if said == "Nobody is on call." else said


def open_order(way: Way) -> str:
    said = way.write(CHEN, "open orange East: no invoice")
    found = [(one.org, one.level.value, one.title_params["text"]) for one in way.house.orders()]
    if found == [(EAST, "orange", "no invoice")]:
        assert way.house.orders()[0].id in said
        return WORKS
    return said


CARD: Mapping[str, Callable[[Way], str]] = {
    "acknowledge": acknowledge,
    "take_over": take_over,
    "escalate": escalate,
    "approve": decides("approve", "approved"),
    "reject": decides("reject", "rejected", "PRICE"),
    "return_for_papers": decides("return_for_papers", "papers", "PRICE"),
}
WORDS: Mapping[str, Callable[[Way], str]] = {
    "orders": orders,
    "show": show,
    "ack": ack,
    "oncall": on_call,
    "open": open_order,
}
#: Where it does not work: what is told, and why.
REFUSED: Mapping[tuple[str, str], tuple[str, str]] = {
    ("mail, six digits", verb): ("NEEDS_SIGN_IN", "six digits prove a mailbox, not a person")
    for verb in CARD
    if verb != "acknowledge"
} | {
    ("dingtalk", verb): ("", "its callback brings presses of cards alone; nothing is done or said")
    for verb in WORDS
}
#: A link in a mail leads to a page with buttons; nobody reads what is answered to a mail.
NO_WORDS = {"mail, signed in", "mail, six digits"}


@pytest.mark.parametrize("verb", CARD)
@pytest.mark.parametrize("way", WAYS)
def test_what_stands_on_a_card(tmp_path: Path, way: str, verb: str):
    expected, why = REFUSED.get((way, verb), (WORKS, ""))
    with WAYS[way](tmp_path) as used:
        assert CARD[verb](used) == expected, why
        if expected != WORKS:
            told = {"order.acknowledge", "order.take_over", "order.escalate", "approval.approve"}
            assert not told & set(used.house.actions())


@pytest.mark.parametrize("verb", WORDS)
@pytest.mark.parametrize("way", [one for one in WAYS if one not in NO_WORDS])
def test_what_is_written(tmp_path: Path, way: str, verb: str):
    expected, why = REFUSED.get((way, verb), (WORKS, ""))
    with WAYS[way](tmp_path) as used:
        assert WORDS[verb](used) == expected, why


@pytest.mark.parametrize("way", ["slack", "slack socket", "wecom", "feishu"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("open", "Say the level first"),
        ("open purple East x", "Say the level first"),
        ("open red East", "Say what happened."),
        ("open red", "Say what happened."),
        # a unit that is not theirs is not taken for a word about their own
        ("open red Group/West cu is late", "Name the unit after the level: Group/East."),
        ("open red Group x", "Name the unit after the level: Group/East."),
    ],
)
def test_what_is_written_wrong_opens_nothing(tmp_path: Path, way: str, text: str, said: str):
    with WAYS[way](tmp_path) as used:
        assert said in used.write(CHEN, text)
        assert used.house.orders() == ()


def test_who_may_open_in_several_units_names_one(tmp_path: Path):
    with slack(tmp_path) as way:
        told = way.write("boss", "open red something happened")
        assert "Name the unit after the level: Group, Group/East, Group/West." in told
        assert way.house.orders() == ()
        way.write("boss", "建单 红色 west：发票未到")
        (order,) = way.house.orders()
        assert (order.org, order.level.value) == ("Group/West", "red")
        assert order.title_params["text"] == "发票未到"


def test_who_may_open_none_is_refused_on_record(tmp_path: Path):
    with slack(tmp_path) as way:
        assert "You may not do this." in way.write("shen", "open red East x")
        assert way.house.orders() == ()
        assert "order.open" in way.house.actions()
