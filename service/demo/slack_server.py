"""A chat server that behaves like Slack's Web API, for the demo inbox and for the tests.

It keeps the messages that the product posts, can be told to fail (429 with Retry-After, 500, lost
responses, refusals), and presses buttons the way Slack does: a form body with a `payload`, signed
with the v0 scheme. It listens on 127.0.0.1 only.
"""

import hashlib
import hmac
import json
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode

from service.demo.slack_forms import View, chosen, sent

TEAM = "T0DEMO"
_BODY_LIMIT = 1_000_000
#: How long Slack lets a form be opened after what caused it.
TRIGGER_S = 3


@dataclass(slots=True)
class Message:
    """One message as the chat shows it now, with all its earlier versions."""

    channel: str
    ts: str
    body: dict[str, Any]
    versions: list[dict[str, Any]] = field(default_factory=list)
    ephemeral_for: str = ""

    @property
    def buttons(self) -> list[dict[str, Any]]:
        """The buttons that the message shows now."""
        return self._elements("button")

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """What can be chosen before a button is pressed: value and label."""
        return [
            (str(option["value"]), str(option["text"]["text"]))
            for element in self._elements("static_select")
            for option in element["options"]
        ]

    def _elements(self, kind: str) -> list[dict[str, Any]]:
        return [
            element
            for block in self.body.get("blocks", [])
            if block.get("type") == "actions"
            for element in block.get("elements", [])
            if element.get("type") == kind
        ]


@dataclass(frozen=True, slots=True)
class Fault:
    """What the next call gets instead of an answer.

    `lost` means: the effect happens and the answer never arrives, the connection breaks. `hang`
    means the same, but the connection stays open and silent until the server is closed.
    """

    status: int = 200
    retry_after: int = 0
    error: str = ""
    lost: bool = False
    hang: bool = False


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as Slack would send it: raw body and headers."""

    body: bytes
    headers: dict[str, str]


def sign(body: bytes, secret: str, timestamp: int) -> dict[str, str]:
    """Slack's v0 signature headers over the raw body."""
    base = b"v0:" + str(timestamp).encode() + b":" + body
    digest = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": str(timestamp),
        "X-Slack-Signature": f"v0={digest}",
        "Content-Type": "application/x-www-form-urlencoded",
    }


class SlackServer:
    """The server; a context manager that listens while it is open.

    Args:
        signing_secret: shared with the product; a random one per run.
        unix_time: the clock in whole seconds, simulated in the demo.
    """

    def __init__(self, signing_secret: str, unix_time: Callable[[], int]) -> None:
        self.signing_secret = signing_secret
        self.messages: list[Message] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.tokens: dict[str, str] = {}
        self.views: list[View] = []
        self.closed_to: set[str] = set()
        self.faults: deque[Fault] = deque()
        self.closing = threading.Event()
        self._unix_time = unix_time
        self._count = 0
        self._triggers: dict[str, tuple[int, str]] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        """The base URL to give to the client."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    def fail(self, *faults: Fault) -> None:
        """Let the next calls fail, one fault a call."""
        self.faults.extend(faults)

    def answer(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What Slack would answer to one call of its Web API."""
        with self._lock:
            self.calls.append((method, arguments))
            handlers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
                "auth.test": self._auth_test,
                "conversations.open": self._open,
                "chat.postMessage": self._post,
                "chat.postEphemeral": self._whisper,
                "chat.update": self._update,
                "views.open": self._view,
            }
            handler = handlers.get(method)
            return handler(arguments) if handler else {"ok": False, "error": "unknown_method"}

    def press(
        self, message: Message, action_id: str, user: str, value: str = "", reason: str = ""
    ) -> SignedRequest:
        """The signed request of `user` pressing a button of `message`.

        `reason` is what was chosen before in the message's list of reasons.

        Raises:
            KeyError: when the message shows no such button now.
        """
        button = next((b for b in message.buttons if b["action_id"] == action_id), None)
        if button is None:
            raise KeyError(action_id)
        value = value or button.get("value", "")
        return self.press_value(message, action_id, user, value, reason)

    def press_value(
        self, message: Message, action_id: str, user: str, value: str, reason: str = ""
    ) -> SignedRequest:
        """The same for a button that the chat no longer shows: a late or repeated click."""
        number, now = self._next(), self._unix_time()
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM},
            "user": {"id": user, "team_id": TEAM},
            "api_app_id": "A0DEMO",
            "container": {"type": "message", "message_ts": message.ts},
            "channel": {"id": message.channel},
            "message": {"ts": message.ts},
            "trigger_id": f"{now}.{number:06d}",
            "response_url": "",
            "actions": [
                {
                    "type": "button",
                    "action_id": action_id,
                    "value": value,
                    "action_ts": f"{now}.{number:06d}",
                }
            ],
        }
        if reason:
            chosen = {"type": "static_select", "selected_option": {"value": reason}}
            payload["state"] = {"values": {"reasons": {"reason": chosen}}}
        return self._signed(payload)

    def command(self, user: str, text: str) -> SignedRequest:
        """The signed request of a slash command."""
        number, now = self._next(), self._unix_time()
        fields = {
            "command": "/hedgewarden",
            "text": text,
            "team_id": TEAM,
            "user_id": user,
            "channel_id": "D0",
            "trigger_id": f"{now}.{number:06d}",
        }
        body = urlencode(fields).encode()
        return SignedRequest(body, sign(body, self.signing_secret, now))

    def shortcut(
        self, user: str, message: dict[str, Any], *, channel: str = "C0TALK"
    ) -> SignedRequest:
        """The signed request of `user` choosing the shortcut at a message of a conversation."""
        now = self._unix_time()
        trigger = f"{now}.{self._next():06d}"
        self._triggers[trigger] = (now, user)
        return self._signed(chosen(TEAM, user, message, channel, trigger))

    def submit(self, view: View, user: str = "", **filled: str) -> SignedRequest:
        """The signed request of a form that was filled in; what is left out stays as it was."""
        trigger = f"{self._unix_time()}.{self._next():06d}"
        return self._signed(sent(TEAM, view, user or view.user, trigger, filled))

    def _next(self) -> int:
        with self._lock:
            self._count += 1
            return self._count

    def _signed(self, payload: dict[str, Any]) -> SignedRequest:
        body = urlencode({"payload": json.dumps(payload, ensure_ascii=False)}).encode()
        return SignedRequest(body, sign(body, self.signing_secret, self._unix_time()))

    def _auth_test(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "team_id": TEAM, "user_id": "U0BOT", "bot_id": "B0"}

    def _view(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """A trigger is good for one form and three seconds."""
        made, user = self._triggers.pop(str(arguments.get("trigger_id", "")), (0, ""))
        if not user:
            return {"ok": False, "error": "invalid_trigger_id"}
        if self._unix_time() - made > TRIGGER_S:
            return {"ok": False, "error": "expired_trigger_id"}
        self._count += 1
        view = View(f"V{self._count:06d}", user, arguments["view"])
        self.views.append(view)
        return {"ok": True, "view": {"id": view.id}}

    def _whisper(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments.get("channel") in self.closed_to:
            return {"ok": False, "error": "not_in_channel"}
        return self._post(arguments)

    def _open(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "channel": {"id": f"D{arguments.get('users', '')}"}}

    def _post(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel = str(arguments.get("channel", ""))
        if not channel:
            return {"ok": False, "error": "channel_not_found"}
        self._count += 1
        ts = f"{self._unix_time()}.{self._count:06d}"
        body = _body(arguments)
        user = str(arguments.get("user", ""))
        self.messages.append(Message(channel, ts, body, [body], user))
        return {"ok": True, "channel": channel, "ts": ts, "message": body}

    def _update(self, arguments: dict[str, Any]) -> dict[str, Any]:
        for message in self.messages:
            if message.ts == arguments.get("ts") and message.channel == arguments.get("channel"):
                message.body = _body(arguments)
                message.versions.append(message.body)
                return {"ok": True, "channel": message.channel, "ts": message.ts}
        return {"ok": False, "error": "message_not_found"}


def _body(arguments: dict[str, Any]) -> dict[str, Any]:
    blocks = arguments.get("blocks", [])
    attachments = arguments.get("attachments", [])
    return {
        "text": str(arguments.get("text", "")),
        "blocks": json.loads(blocks) if isinstance(blocks, str) else blocks,
        "attachments": json.loads(attachments) if isinstance(attachments, str) else attachments,
        "metadata": arguments.get("metadata", {}),
    }


class _Server(ThreadingHTTPServer):
    """A server whose threads end with it: clients that keep their connection are hung up on."""

    daemon_threads = False

    def __init__(self, *args: Any) -> None:
        self._connections: set[Any] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, and serve it in a thread."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End what is still open, so that every thread comes to its end."""
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _handler(server: SlackServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # a body after its headers would wait 40 ms for an answer

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stay silent: the messages are the record."""

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            raw = self.rfile.read(min(length, _BODY_LIMIT))
            kind = self.headers.get("Content-Type", "")
            if kind.startswith("application/json"):
                arguments = json.loads(raw or b"{}")
            else:
                arguments = {k: v[0] for k, v in parse_qs(raw.decode()).items()}
            fault = server.faults.popleft() if server.faults else None
            method = self.path.removeprefix("/api/")
            server.tokens[method] = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if fault is None or fault.lost or fault.hang:
                answer = server.answer(method, arguments)
                if fault is not None:
                    if fault.hang:
                        server.closing.wait()
                    self.close_connection = True
                    self.connection.close()
                    return
                self._reply(200, answer, 0)
            elif fault.error:
                self._reply(200, {"ok": False, "error": fault.error}, 0)
            else:
                self._reply(fault.status, {"ok": False, "error": "fault"}, fault.retry_after)

        def _reply(self, status: int, answer: dict[str, Any], retry_after: int) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            if retry_after:
                self.send_header("Retry-After", str(retry_after))
            self.end_headers()
            self.wfile.write(body)

    return Handler
