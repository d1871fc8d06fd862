"""Feishu as its documentation shows it: tokens, messages, edits, sealed and signed callbacks."""

import hashlib
import json
import os
import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.unit.integrations.chat_server import Callback, ChatServer, Message

APP = "cli_a0123456789"
SECRET = "the app's secret"
TENANT = "tenant01"
ENCRYPT_KEY = "an encrypt key of this test"
TOKEN = "a verification token of this test"
_ONCE_S = 3600
_EDIT_S = 14 * 86400
_OPEN_ID = re.compile(r"ou_\w+")


class FeishuServer(ChatServer):
    root = "/open-apis/"
    code_field = "code"
    reset_header = "x-ogw-ratelimit-reset"

    def __init__(self, unix_time: Callable[[], int]) -> None:
        super().__init__(unix_time)
        self.sent: dict[str, tuple[Message, int]] = {}
        self.withdrawn: set[str] = set()
        self._once: dict[str, tuple[str, int]] = {}

    def is_token_call(self, method: str) -> bool:
        return method.startswith("auth/")

    # --- its API ------------------------------------------------------------------------------

    def answer(
        self, method: str, query: dict[str, str], bearer: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        if method == "auth/v3/tenant_access_token/internal":
            return self._new_token(body)
        if bearer not in self.tokens:
            return {"code": 99991663, "msg": "Invalid access token for authorization."}
        if method == "im/v1/messages":
            return self._send(query, body)
        return self._edit(method.removeprefix("im/v1/messages/"), body)

    def _new_token(self, body: dict[str, Any]) -> dict[str, Any]:
        if body != {"app_id": APP, "app_secret": SECRET}:
            return {"code": 10014, "msg": "app secret invalid"}
        token = f"t-{self.next_number()}"
        self.tokens.add(token)
        return {"code": 0, "msg": "ok", "tenant_access_token": token, "expire": 7200}

    def _send(self, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        user, once = body["receive_id"], body.get("uuid", "")
        if query != {"receive_id_type": "open_id"} or not _OPEN_ID.fullmatch(user):
            return {"code": 99992351, "msg": "not a valid open_id"}
        if user in self.unknown:
            return {"code": 230013, "msg": "Bot has NO availability to this user."}
        if len(once) > 50:
            return {"code": 99992402, "msg": "uuid"}
        content = json.loads(body["content"])
        if body["msg_type"] == "interactive" and (wrong := _faulty(content)):
            return {"code": 230099, "msg": wrong}
        known, until = self._once.get(once, ("", 0))
        if once and until > self.unix_time():
            return {"code": 0, "msg": "success", "data": {"message_id": known}}
        number = f"om_{self.next_number()}"
        said = content["text"] if body["msg_type"] == "text" else ""
        message = Message(user, content, [content], _keys(content), said)
        self.messages.append(message)
        self.sent[number] = (message, self.unix_time() + _EDIT_S)
        if once:
            self._once[once] = (number, self.unix_time() + _ONCE_S)
        return {"code": 0, "msg": "success", "data": {"message_id": number}}

    def _edit(self, number: str, body: dict[str, Any]) -> dict[str, Any]:
        known = self.sent.get(number)
        if known is None or number in self.withdrawn:
            return {"code": 230011, "msg": "The message was withdrawn."}
        message, until = known
        if until <= self.unix_time():
            return {"code": 230031, "msg": "The message is too old."}
        content = json.loads(body["content"])
        shared = all(one["config"].get("update_multi") for one in (message.body, content))
        wrong = _faulty(content)
        if wrong or not shared:
            return {"code": 230099, "msg": wrong or "update_multi"}
        message.body, message.keys = content, _keys(content)
        message.versions.append(content)
        return {"code": 0, "msg": "success", "data": {}}

    # --- its callbacks ------------------------------------------------------------------------

    def press(self, message: Message, key: str, user: str = "", reason: str = "") -> Callback:
        """The callback of somebody pressing a button of `message`, shown still or not."""
        action: dict[str, Any] = {"tag": "button", "value": {"id": key, "verb": "any"}}
        if reason or any(one["tag"] == "form" for one in message.body.get("elements", [])):
            action["form_value"] = {"reason": reason}
        return self.event(
            "card.action.trigger",
            {
                "operator": {"tenant_key": TENANT, "open_id": user or message.user},
                "token": "c-1",
                "action": action,
                "host": "im_message",
                "context": {"open_message_id": "om_1", "open_chat_id": "oc_1"},
            },
        )

    def write(self, user: str, text: str) -> Callback:
        """The callback of somebody writing to the bot."""
        message = {
            "message_id": "om_x",
            "chat_type": "p2p",
            "message_type": "text",
            "content": json.dumps({"text": text}),
        }
        sender = {"sender_id": {"open_id": user}, "tenant_key": TENANT}
        return self.event("im.message.receive_v1", {"sender": sender, "message": message})

    def event(self, kind: str, event: Any, token: str = TOKEN) -> Callback:
        with self.lock:
            number = self.next_number()
        head = {
            "event_id": f"event-{number}",
            "event_type": kind,
            "token": token,
            "tenant_key": TENANT,
            "app_id": APP,
        }
        return self.callback(json.dumps({"schema": "2.0", "header": head, "event": event}))

    def callback(self, event: str, *, signed: bool = True, key: str = ENCRYPT_KEY) -> Callback:
        body = json.dumps({"encrypt": seal(event.encode(), key)}).encode()
        stamp, nonce = str(self.unix_time()), os.urandom(5).hex()
        joined = stamp.encode() + nonce.encode() + key.encode() + body
        headers = {
            "X-Lark-Request-Timestamp": stamp,
            "X-Lark-Request-Nonce": nonce,
            "X-Lark-Signature": hashlib.sha256(joined).hexdigest(),
        }
        return Callback(body, event, headers=headers if signed else {})

    def again(self, asked: Callback) -> Callback:
        """Feishu's own repetition: the same event, sealed and signed anew."""
        return self.callback(asked.event)

    def challenge(self, text: str, token: str = TOKEN, *, key: str = ENCRYPT_KEY) -> Callback:
        """The proof of an address that Feishu asks for."""
        asked = {"challenge": text, "token": token, "type": "url_verification"}
        return self.callback(json.dumps(asked), signed=False, key=key)


def seal(message: bytes, key: str) -> str:
    vector = os.urandom(16)
    pad = 16 - len(message) % 16
    hashed = hashlib.sha256(key.encode()).digest()
    cipher = Cipher(algorithms.AES(hashed), modes.CBC(vector)).encryptor()
    return b64encode(vector + cipher.update(message + bytes([pad]) * pad)).decode()


def pressables(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The buttons that call back, of a form and beside one."""
    held = [
        inner
        for one in content.get("elements", [])
        for inner in (*one.get("actions", []), *(one.get("elements", [])))
    ]
    return [one for one in held if one["tag"] == "button" and "value" in one]


def _keys(content: dict[str, Any]) -> list[str]:
    return [one["value"]["id"] for one in pressables(content)]


def _faulty(content: dict[str, Any]) -> str:
    """What the documentation forbids in a card."""
    if len(json.dumps(content).encode()) > 30 * 1024:
        return "larger than 30 KB"
    if not content["header"]["title"]["content"]:
        return "title"
    for form in (one for one in content["elements"] if one["tag"] == "form"):
        names = [one.get("name") for one in form["elements"]]
        if None in names or len(set(names)) != len(names):
            return "name"
        sent = [one for one in form["elements"] if one["tag"] == "button"]
        if not sent or any(one.get("action_type") != "form_submit" for one in sent):
            return "form_submit"
    return ""
