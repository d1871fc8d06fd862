"""A company that is reached by WeCom, for the tests of its ways in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from flow_house import PEOPLE, UNLINKED, House, house
from pydantic import SecretStr

from directory import Account, link_account
from tests.unit.integrations.wecom_server import (
    AES_KEY,
    AGENT,
    CORP,
    SECRET,
    TOKEN,
    Callback,
    Message,
    WecomServer,
)
from workorders import State

PATH = "/integrations/wecom/callback"
APP = {
    "wecom_corp_id": CORP,
    "wecom_agent_id": AGENT,
    "wecom_secret": SecretStr(SECRET),
}
CALLBACK = {"wecom_token": SecretStr(TOKEN), "wecom_aes_key": SecretStr(AES_KEY)}


@dataclass
class Town:
    house: House
    wecom: WecomServer

    def card(self, person: str, verb: str = "", about: str = "") -> Message:
        """The newest message to a person that shows a button for `verb`."""
        for message in reversed(self.wecom.messages):
            keys = list(message.buttons.values())
            fits = not verb or any(one.endswith(f"/{verb}") for one in keys)
            theirs = message.user == person and "text" not in message.body
            if theirs and fits and about in message.text:
                return message
        raise AssertionError(f"no card for {person} with {verb!r}")

    def key(self, message: Message, verb: str) -> str:
        return next(one for one in message.buttons.values() if one.endswith(f"/{verb}"))

    def pressed(self, person: str, verb: str, about: str = "", reason: str = "") -> Callback:
        message = self.card(person, verb, about)
        return self.wecom.press(message, self.key(message, verb), person, reason)

    def send(self, asked: Callback) -> httpx.Response:
        return self.house.client().post(PATH, params=asked.query, content=asked.body)

    def press(self, person: str, verb: str, about: str = "", reason: str = "") -> None:
        answer = self.send(self.pressed(person, verb, about, reason))
        assert answer.status_code == 200, answer.text

    def whispers(self, user: str) -> list[str]:
        told = (one for one in self.wecom.messages if one.user == user and "text" in one.body)
        return [one.body["text"]["content"] for one in told]

    def state(self, order_id: str) -> State:
        return self.house.order(order_id).state


@contextmanager
def wecom_town(folder: Path) -> Iterator[Town]:
    """The company of `flow_house`; everybody but the newcomer is tied to an account in WeCom."""
    with (
        WecomServer(lambda: 0) as server,
        house(folder, wecom_url=server.url, **APP, **CALLBACK) as made,
    ):
        server.unix_time = lambda: int(made.clock().timestamp())
        with made.app.store.unit_of_work("system:test") as uow:
            for one in PEOPLE["people"]:
                if one["id"] not in UNLINKED:
                    link_account(uow, one["id"], Account("wecom", CORP, one["id"]))
        yield Town(made, server)
