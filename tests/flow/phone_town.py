"""A company with a gateway of text messages and calls beside its chat and its mail."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from flow_house import House, house
from pydantic import SecretStr

from directory import save_directory
from tests.unit.integrations.chat_server import Callback, Message
from tests.unit.integrations.phone_server import SECRET, PhoneServer

NUMBERS = {"chen": "+8613800000001", "lin": "+8613800000002"}


@dataclass
class Town:
    house: House
    gateway: PhoneServer

    def change(self, person: str, **fields: Any) -> None:
        """The directory with one person changed."""
        known = self.house.app.directory
        people = tuple(replace(one, **fields) if one.id == person else one for one in known.people)
        with self.house.app.store.unit_of_work("cli:test") as uow:
            assert save_directory(uow, replace(known, people=people))

    def calls(self, person: str, kind: str = "voice") -> list[Message]:
        number = NUMBERS[person]
        return [
            one for one in self.gateway.messages if one.user == number and one.body["kind"] == kind
        ]

    def send(self, asked: Callback, kind: str = "voice") -> httpx.Response:
        return self.house.client().post(
            f"/integrations/{kind}/receipt", content=asked.body, headers=asked.headers
        )

    def told(self, message: Message, status: str, **said: str) -> httpx.Response:
        return self.send(self.gateway.receipt(message, status=status, **said))

    def count(self, action: str) -> int:
        return self.house.actions().count(action)


@contextmanager
def phone_town(folder: Path) -> Iterator[Town]:
    """The town; chen and lin have numbers."""
    with PhoneServer(lambda: int(made.clock().timestamp())) as gateway:
        options = {
            "sms_url": SecretStr(gateway.url),
            "voice_url": SecretStr(gateway.url),
            "phone_secret": SecretStr(SECRET),
        }
        with house(folder, **options) as made:
            town = Town(made, gateway)
            for person, number in NUMBERS.items():
                town.change(person, phone=number)
            yield town
