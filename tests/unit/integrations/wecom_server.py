"""WeCom as its documentation shows it: tokens, app messages, response codes, sealed callbacks.

It takes nothing that the documentation forbids, seals with code of its own, and can be told to
fail: rate limits, 500s, silence, answers that get lost.
"""

import hashlib
import json
import os
import re
import struct
import threading
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

CORP = "ww0123456789abcdef"
AGENT = 1000002
SECRET = "the app's secret"
TOKEN = "QDG6eK"
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
_CODE_LIFE_S = 72 * 3600
_TASK = re.compile(r"[0-9A-Za-z_@-]{1,128}")


@dataclass(frozen=True, slots=True)
class Fault:
    """What the next call gets instead of an answer; `lost` and `hang` take effect all the same."""

    status: int = 200
    retry_after: int = 0
    errcode: int = 0
    lost: bool = False
    hang: bool = False


@dataclass(slots=True)
class Message:
    """One message in somebody's chat as it is shown now."""

    user: str
    body: dict[str, Any]
    versions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def card(self) -> dict[str, Any]:
        return dict(self.body.get("template_card", {}))

    @property
    def buttons(self) -> dict[str, str]:
        """Key by label."""
        return {one["text"]: one["key"] for one in self.card.get("button_list", [])}

    @property
    def text(self) -> str:
        return json.dumps(self.body, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Callback:
    """A request as WeCom sends it."""

    query: dict[str, str]
    body: bytes
    event: str


class WecomServer:
    def __init__(self, unix_time: Callable[[], int]) -> None:
        self.unix_time = unix_time
        self.unknown: set[str] = set()
        self.unlicensed: set[str] = set()
        self.messages: list[Message] = []
        self.calls: list[str] = []
        self.faults: deque[Fault] = deque()
        self.lasting: Fault | None = None
        self.tokens: set[str] = set()
        self.codes: dict[str, tuple[Message, int]] = {}
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._count = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/cgi-bin/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(self, *faults: Fault) -> None:
        self.faults.extend(faults)

    def fault_for(self, method: str) -> Fault | None:
        if self.lasting is not None or method == "gettoken" or not self.faults:
            return self.lasting
        return self.faults.popleft()

    # --- its API ------------------------------------------------------------------------------

    def answer(self, method: str, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self.calls.append(method)
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

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _new_token(self, query: dict[str, str]) -> dict[str, Any]:
        if query.get("corpid") != CORP:
            return {"errcode": 40013, "errmsg": "invalid corpid"}
        if query.get("corpsecret") != SECRET:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        token = f"token-{self._next()}"
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
        message = Message(user, body, [body])
        self.messages.append(message)
        said = {"errcode": 0, "errmsg": "ok", "msgid": f"msg-{self._next()}"}
        if message.card.get("card_type") == "button_interaction":
            said["response_code"] = self._new_code(message)
        return said

    def _known_task(self, body: dict[str, Any]) -> str:
        task = body.get("template_card", {}).get("task_id")
        cards = (one.get("template_card", {}) for m in self.messages for one in m.versions)
        known = {card.get("task_id") for card in cards}
        return "task_id used before" if task and task in known else ""

    def _new_code(self, message: Message) -> str:
        code = f"code-{self._next()}"
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
        message.body = body
        message.versions.append(body)
        return {"errcode": 0, "errmsg": "ok"}

    # --- its callbacks ------------------------------------------------------------------------

    def press(self, message: Message, key: str, user: str = "", reason: str = "") -> Callback:
        """The callback of somebody pressing a button of `message`, shown still or not."""
        with self._lock:
            code = self._new_code(message)
        chosen = reason or message.card.get("button_selection", {}).get("selected_id", "")
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
            + _element("TaskId", message.card["task_id"])
            + _element("CardType", "button_interaction")
            + _element("ResponseCode", code)
            + f"<AgentID>{AGENT}</AgentID>{items}"
        )

    def write(self, user: str, text: str) -> Callback:
        """The callback of somebody writing to the app."""
        with self._lock:
            number = self._next()
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
        return Callback(self.signed(sealed), body.encode(), event)

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


def _handler(server: WecomServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stay silent: the messages are the record."""

        def do_GET(self) -> None:
            self._serve({})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            self._serve(json.loads(self.rfile.read(length) or b"{}"))

        def _serve(self, body: dict[str, Any]) -> None:
            parts = urlsplit(self.path)
            method = parts.path.removeprefix("/cgi-bin/")
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            fault = server.fault_for(method)
            if fault is None or fault.lost or fault.hang:
                said = server.answer(method, query, body)
                if fault is None:
                    self._reply(200, said, 0)
                    return
                if fault.hang:
                    server.closing.wait()
                self.close_connection = True
                self.connection.close()
            else:
                self._reply(fault.status, {"errcode": fault.errcode}, fault.retry_after)

        def _reply(self, status: int, said: dict[str, Any], retry_after: int) -> None:
            body = b"<html>" if status >= 500 else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if retry_after:
                self.send_header("Retry-After", str(retry_after))
            self.end_headers()
            self.wfile.write(body)

    return Handler
