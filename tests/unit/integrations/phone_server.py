"""A company's gateway of text messages or calls, as the operator's page describes one.

It checks signatures with code of its own and sends a notice once, however often it is handed over.
"""

import hashlib
import hmac
import json
from typing import Any

from tests.unit.integrations.chat_server import Callback, ChatServer, Message

SECRET = "the secret of the gateway"
FIELDS = {
    "kind", "id", "to", "language", "level", "object", "title", "lines", "deadline", "link",
    "keys", "reference",
}  # fmt: skip


class PhoneServer(ChatServer):
    code_field = "code"
    token_header = "X-Hedgewarden-Signature"
    kind = "voice"

    def __init__(self, unix_time: Any) -> None:
        super().__init__(unix_time)
        self.pings = 0

    def is_token_call(self, method: str) -> bool:
        return False

    def status_of(self, said: dict[str, Any]) -> int:
        return {"": 202, "BAD_SIGNATURE": 401}.get(said.get("code", ""), 422)

    def answer(
        self, method: str, query: dict[str, str], bearer: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        moment, _, given = bearer.removeprefix("t=").partition(",v1=")
        written = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        if not hmac.compare_digest(given, signed(moment, written)):
            return {"code": "BAD_SIGNATURE"}
        if body == {"kind": "ping"}:
            self.pings += 1
            return {}
        assert set(body) == FIELDS
        if body["to"] in self.unknown:
            return {"code": "UNKNOWN_NUMBER", "message": f"no number {body['to']}"}
        if body["id"] not in {one.body["id"] for one in self.messages}:
            self.messages.append(Message(body["to"], body, [body], list(body["keys"])))
        return {}

    # --- what it sends back -------------------------------------------------------------------

    def press(self, message: Message, key: str = "1") -> Callback:
        """Somebody pressed a key, or replied with it."""
        said = {"status": "key", "key": key, "reference": message.body["reference"]}
        return self.receipt(message, **said)

    def receipt(self, message: Message, **said: str) -> Callback:
        document = {"kind": message.body["kind"], "id": message.body["id"], **said}
        return self.callback(json.dumps(document))

    def callback(self, body: str, secret: str = SECRET) -> Callback:
        moment = str(self.unix_time())
        headers = {self.token_header: f"t={moment},v1={signed(moment, body.encode(), secret)}"}
        return Callback(body.encode(), body, headers=headers)


def signed(moment: str, body: bytes, secret: str = SECRET) -> str:
    told = moment.encode() + b"." + body
    return hmac.new(secret.encode(), told, hashlib.sha256).hexdigest()
