"""WeCom as its documentation shows it: tokens, app messages, response codes, sealed callbacks.

It takes nothing that the documentation forbids, seals with code of its own, and can be told to
fail: rate limits, 500s, silence, answers that get lost.
"""

import hashlib
import os
import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.unit.integrations.chat_server import Callback, ChatServer, Message

CORP = "ww0123456789abcdef"
AGENT = 1000002
SECRET = "the app's secret"
TOKEN = "QDG6eK"
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
_CODE_LIFE_S = 72 * 3600
_TASK = re.compile(r"[0-9A-Za-z_@-]{1,128}")


class WecomServer(ChatServer):
    root = "/cgi-bin/"

    def __init__(self, unix_time: Callable[[], int]) -> None:
        super().__init__(unix_time)
        self.unlicensed: set[str] = set()
        self.codes: dict[str, tuple[Message, int]] = {}

    def is_token_call(self, method: str) -> bool:
        return method == "gettoken"

    # --- its API ------------------------------------------------------------------------------

    def answer(
        self, method: str, query: dict[str, str], bearer: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        assert not bearer
        if method == "gettoken":
            return self._new_token(query)
        if query.get("access_token", "") not in self.tokens:
            return {"errcode": 40014, "errmsg": "invalid access_token"}
        if body.get("agentid") != AGENT:
            return {"errcode": 40056, "errmsg": "invalid agentid"}
        match method:
            case "message/send":
                return self._send(body)
            case "message/update_template_card":
                return self._update(body)
        return {"errcode": 404, "errmsg": "no such method"}

    def _new_token(self, query: dict[str, str]) -> dict[str, Any]:
        if query.get("corpid") != CORP:
            return {"errcode": 40013, "errmsg": "invalid corpid"}
        if query.get("corpsecret") != SECRET:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        token = f"token-{self.next_number()}"
        self.tokens.add(token)
        return {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": 7200}

    def _send(self, body: dict[str, Any]) -> dict[str, Any]:
        wrong = _faulty(body) or self._known_task(body)
        if wrong:
            return {"errcode": 40058, "errmsg": wrong}
        user = body["touser"]
        if user in self.unknown:
            return {"errcode": 81013, "errmsg": "all receivers are invalid"}
        if user in self.unlicensed:
            return {"errcode": 0, "errmsg": "ok", "unlicenseduser": user}
        message = Message(user, body, [body], _keys(body))
        message.said = body["text"]["content"] if "text" in body else ""
        self.messages.append(message)
        said = {"errcode": 0, "errmsg": "ok", "msgid": f"msg-{self.next_number()}"}
        if message.keys:
            said["response_code"] = self._new_code(message)
        return said

    def _known_task(self, body: dict[str, Any]) -> str:
        task = body.get("template_card", {}).get("task_id")
        cards = (one.get("template_card", {}) for m in self.messages for one in m.versions)
        known = {card.get("task_id") for card in cards}
        return "task_id used before" if task and task in known else ""

    def _new_code(self, message: Message) -> str:
        code = f"code-{self.next_number()}"
        self.codes[code] = (message, self.unix_time() + _CODE_LIFE_S)
        return code

    def _update(self, body: dict[str, Any]) -> dict[str, Any]:
        known = self.codes.get(body["response_code"])
        if known is None or known[1] < self.unix_time():
            return {"errcode": 40063, "errmsg": "invalid response_code"}
        wrong = _faulty({**body, "msgtype": "template_card"})
        if wrong:
            return {"errcode": 40058, "errmsg": wrong}
        message = known[0]
        if body["userids"] != [message.user]:
            return {"errcode": 0, "errmsg": "ok", "invaliduser": body["userids"]}
        del self.codes[body["response_code"]]
        message.body, message.keys = body, _keys(body)
        message.versions.append(body)
        return {"errcode": 0, "errmsg": "ok"}

    # --- its callbacks ------------------------------------------------------------------------

    def press(self, message: Message, key: str, user: str = "", reason: str = "") -> Callback:
        """The callback of somebody pressing a button of `message`, shown still or not."""
        with self.lock:
            code = self._new_code(message)
        chosen = reason or card_of(message).get("button_selection", {}).get("selected_id", "")
        items = (
            "<SelectedItems><SelectedItem><QuestionKey>reason</QuestionKey><OptionIds>"
            f"<OptionId>{escape(chosen)}</OptionId></OptionIds></SelectedItem></SelectedItems>"
            if chosen
            else ""
        )
        return self.callback(
            _element("ToUserName", CORP)
            + _element("FromUserName", user or message.user)
            + f"<CreateTime>{self.unix_time()}</CreateTime>"
            + _element("MsgType", "event")
            + _element("Event", "template_card_event")
            + _element("EventKey", key)
            + _element("TaskId", card_of(message)["task_id"])
            + _element("CardType", "button_interaction")
            + _element("ResponseCode", code)
            + f"<AgentID>{AGENT}</AgentID>{items}"
        )

    def write(self, user: str, text: str) -> Callback:
        """The callback of somebody writing to the app."""
        with self.lock:
            number = self.next_number()
        return self.callback(
            _element("ToUserName", CORP)
            + _element("FromUserName", user)
            + f"<CreateTime>{self.unix_time()}</CreateTime>"
            + _element("MsgType", "text")
            + _element("Content", text)
            + f"<MsgId>{number}</MsgId><AgentID>{AGENT}</AgentID>"
        )

    def callback(self, inner: str, *, corp: str = CORP, whole: bool = False) -> Callback:
        """`inner` sealed and signed; `whole` leaves out the element around it."""
        event = inner if whole else f"<xml>{inner}</xml>"
        sealed = seal(event.encode(), corp)
        body = f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><AgentID>{AGENT}</AgentID>"
        body += f"<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        return Callback(body.encode(), event, query=self.signed(sealed))

    def again(self, asked: Callback) -> Callback:
        """WeCom's own repetition: the same event, sealed anew."""
        return self.callback(asked.event, whole=True)

    def echo(self, text: str) -> dict[str, str]:
        """The query of the proof of an address."""
        sealed = seal(text.encode(), CORP)
        return {**self.signed(sealed), "echostr": sealed}

    def signed(self, sealed: str) -> dict[str, str]:
        stamp, nonce = str(self.unix_time()), os.urandom(5).hex()
        joined = "".join(sorted([TOKEN, stamp, nonce, sealed]))
        signature = hashlib.sha1(joined.encode()).hexdigest()
        return {"msg_signature": signature, "timestamp": stamp, "nonce": nonce}


def card_of(message: Message) -> dict[str, Any]:
    return dict(message.body.get("template_card", {}))


def _keys(body: dict[str, Any]) -> list[str]:
    return [one["key"] for one in body.get("template_card", {}).get("button_list", [])]


def seal(message: bytes, corp: str) -> str:
    key = b64decode(AES_KEY + "=")
    plain = os.urandom(16) + struct.pack("!I", len(message)) + message + corp.encode()
    pad = 32 - len(plain) % 32
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return b64encode(cipher.update(plain + bytes([pad]) * pad) + cipher.finalize()).decode()


def _element(name: str, text: str) -> str:
    return f"<{name}><![CDATA[{text}]]></{name}>"


def _faulty(body: dict[str, Any]) -> str:  # noqa: PLR0911 - one return a rule
    """What the documentation forbids in a message."""
    if body["msgtype"] in {"text", "markdown"}:
        content = body[body["msgtype"]]["content"]
        return "" if content and len(content.encode()) <= 2048 else "content too long or missing"
    card = body["template_card"]
    if not (card["main_title"]["title"] or card["sub_title_text"]):
        return "nothing to read"
    if not _TASK.fullmatch(card.get("task_id", "")):
        return "task_id"
    if len(card.get("horizontal_content_list", [])) > 6:
        return "horizontal_content_list"
    if any("keyname" not in one or "value" not in one for one in card["horizontal_content_list"]):
        return "horizontal_content_list"
    if card["card_type"] == "text_notice":
        return "" if card.get("card_action", {}).get("url") else "card_action"
    if card["card_type"] != "button_interaction":
        return "card_type"
    if not 1 <= len(card["button_list"]) <= 6:
        return "button_list"
    if any(not one["text"] or len(one["key"].encode()) > 1024 for one in card["button_list"]):
        return "button"
    options = card.get("button_selection", {}).get("option_list", [])
    return "option_list" if len(options) > 10 else ""
