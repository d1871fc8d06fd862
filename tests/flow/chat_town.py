"""A company that is reached by a chat beside Slack, for the tests of its ways in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from flow_house import PEOPLE, UNLINKED, House, house
from pydantic import SecretStr

from directory import Account, link_account
from tests.unit.integrations import dingtalk_server, feishu_server, wecom_server
from tests.unit.integrations.chat_server import Callback, Message
from tests.unit.integrations.dingtalk_server import DingtalkServer
from tests.unit.integrations.feishu_server import FeishuServer
from tests.unit.integrations.wecom_server import WecomServer
from workorders import State

WECOM_APP: Mapping[str, Any] = {
    "wecom_corp_id": wecom_server.CORP,
    "wecom_agent_id": wecom_server.AGENT,
    "wecom_secret": SecretStr(wecom_server.SECRET),
}
FEISHU_APP: Mapping[str, Any] = {
    "feishu_app_id": feishu_server.APP,
    "feishu_app_secret": SecretStr(feishu_server.SECRET),
}

DINGTALK_APP: Mapping[str, Any] = {
    "dingtalk_app_key": dingtalk_server.APP,
    "dingtalk_corp_id": dingtalk_server.CORP,
    "dingtalk_template": dingtalk_server.TEMPLATE,
    "dingtalk_app_secret": SecretStr(dingtalk_server.SECRET),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One chat: how it is named, set up and addressed."""

    name: str
    server: Any
    team: str
    prefix: str
    """before a person's id makes the user id"""
    settings: Mapping[str, Any]
    too_often: int | str
    """the number of its rate limit"""

    @property
    def path(self) -> str:
        return f"/integrations/{self.name}/callback"


WECOM = Kind(
    "wecom",
    WecomServer,
    wecom_server.CORP,
    "",
    {
        **WECOM_APP,
        "wecom_token": SecretStr(wecom_server.TOKEN),
        "wecom_aes_key": SecretStr(wecom_server.AES_KEY),
    },
    45009,
)
FEISHU = Kind(
    "feishu",
    FeishuServer,
    feishu_server.TENANT,
    "ou_",
    {
        **FEISHU_APP,
        "feishu_encrypt_key": SecretStr(feishu_server.ENCRYPT_KEY),
        "feishu_verification_token": SecretStr(feishu_server.TOKEN),
    },
    99991400,
)
DINGTALK = Kind(
    "dingtalk",
    DingtalkServer,
    dingtalk_server.CORP,
    "",
    {
        **DINGTALK_APP,
        "dingtalk_route_key": dingtalk_server.ROUTE,
        "dingtalk_callback_secret": SecretStr(dingtalk_server.CALLBACK_SECRET),
    },
    "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi",
)


@dataclass
class Town:
    kind: Kind
    house: House
    chat: Any

    def user(self, person: str) -> str:
        return f"{self.kind.prefix}{person}"

    def card(self, person: str, verb: str = "", about: str = "") -> Message:
        """The newest message to a person that shows a button for `verb`."""
        for message in reversed(self.chat.messages):
            fits = not verb or offers(message, verb)
            theirs = message.user == self.user(person) and not message.said
            if theirs and fits and about in message.text:
                return message  # type: ignore[no-any-return]
        raise AssertionError(f"no card for {person} with {verb!r}")

    def pressed(self, person: str, verb: str, about: str = "", reason: str = "") -> Callback:
        message = self.card(person, verb, about)
        return self.press_key(message, key(message, verb), person, reason)

    def press_key(self, message: Message, key: str, person: str, reason: str = "") -> Callback:
        """The callback of any button, shown still or not, pressed by anybody."""
        return self.chat.press(message, key, self.user(person), reason)  # type: ignore[no-any-return]

    def send(self, asked: Callback) -> httpx.Response:
        return self.house.client().post(
            self.kind.path, params=asked.query, content=asked.body, headers=asked.headers
        )

    def press(self, person: str, verb: str, about: str = "", reason: str = "") -> None:
        answer = self.send(self.pressed(person, verb, about, reason))
        assert answer.status_code == 200, answer.text

    def write(self, person: str, text: str) -> Callback:
        return self.chat.write(self.user(person), text)  # type: ignore[no-any-return]

    def whispers(self, person: str) -> list[str]:
        user = self.user(person)
        return [one.said for one in self.chat.messages if one.user == user and one.said]

    def state(self, order_id: str) -> State:
        return self.house.order(order_id).state


def offers(message: Message, verb: str) -> bool:
    return any(one.endswith(f"/{verb}") for one in message.keys)


def key(message: Message, verb: str) -> str:
    return next(one for one in message.keys if one.endswith(f"/{verb}"))


@contextmanager
def chat_town(kind: Kind, folder: Path) -> Iterator[Town]:
    """The company of `flow_house`; everybody but the newcomer is tied to an account."""
    with kind.server(lambda: 0) as server:
        options = {**kind.settings, f"{kind.name}_url": server.url}
        with house(folder, **options) as made:
            server.unix_time = lambda: int(made.clock().timestamp())
            town = Town(kind, made, server)
            with made.app.store.unit_of_work("system:test") as uow:
                for one in PEOPLE["people"]:
                    if one["id"] not in UNLINKED:
                        account = Account(kind.name, kind.team, town.user(one["id"]))
                        link_account(uow, one["id"], account)
            yield town
