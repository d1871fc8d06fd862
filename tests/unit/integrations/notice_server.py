"""A service that takes notices as JSON, the kind that an address `json://` of apprise's names."""

from typing import Any
from urllib.parse import unquote

from tests.unit.integrations.chat_server import ChatServer, Message


class NoticeServer(ChatServer):
    """Each message lies in the box that the last part of the path names."""

    def is_token_call(self, method: str) -> bool:
        return False

    def status_of(self, said: dict[str, Any]) -> int:
        return 404 if said else 200

    def answer(
        self, method: str, query: dict[str, str], bearer: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        user = unquote(method.rpartition("/")[2])
        if user in self.unknown:
            return {"error": "no such box"}
        self.messages.append(Message(user, {**body, "token": bearer, **query}, [body], []))
        return {}
