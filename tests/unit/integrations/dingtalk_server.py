"""DingTalk as its documentation shows it: tokens, cards by template, edits, signed callbacks.

It takes nothing that the documentation forbids and signs with code of its own.
"""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from typing import Any

from tests.unit.integrations.chat_server import Callback, ChatServer, Message

APP = "dingoa0123456789"
SECRET = "the app's secret"
CORP = "ding0123456789abcdef"
TEMPLATE = "1a2b3c4d-0000-4000-8000-000000000000.schema"
ROUTE = "hedgewarden"
CALLBACK_SECRET = "the secret of the callback"
VARIABLES = {"title", "level", "body", "deadline", "link", "url", "buttons", "card", "seal"}
CARDS = "v1.0/card/instances"


class DingtalkServer(ChatServer):
    code_field = "code"
    token_header = "x-acs-dingtalk-access-token"

    def __init__(self, unix_time: Callable[[], int]) -> None:
        super().__init__(unix_time)
        self.cards: dict[str, Message] = {}
        self.made: dict[str, dict[str, Any]] = {}
        self.gone: set[str] = set()
        self.not_shown = ""

    def is_token_call(self, method: str) -> bool:
        return method == "v1.0/oauth2/accessToken"

    def status_of(self, said: dict[str, Any]) -> int:
        return 400 if "code" in said else 200

    # --- its API ------------------------------------------------------------------------------

    def answer(  # noqa: PLR0911 - one return a method
        self, method: str, query: dict[str, str], bearer: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        assert not query
        if method == "v1.0/oauth2/accessToken":
            return self._new_token(body)
        if bearer not in self.tokens:
            return {"code": "InvalidAuthentication", "message": "不合法的access_token"}
        match method:
            case "v1.0/card/instances/createAndDeliver":
                return self._make(body)
            case "v1.0/card/instances/deliver":
                return {"success": True, "result": self._show(body)}
            case "v1.0/card/instances":
                return self._edit(body)
            case "v1.0/robot/oToMessages/batchSend":
                return self._write(body)
        return {"code": "InvalidAction.NotFound", "message": method}

    def _new_token(self, body: dict[str, Any]) -> dict[str, Any]:
        if body != {"appKey": APP, "appSecret": SECRET}:
            return {"code": "invalidClientIdOrSecret", "message": "无效的clientId或者clientSecret"}
        token = f"t-{self.next_number()}"
        self.tokens.add(token)
        return {"accessToken": token, "expireIn": 7200}

    def _make(self, body: dict[str, Any]) -> dict[str, Any]:
        track = body["outTrackId"]
        if body["cardTemplateId"] != TEMPLATE:
            return {"code": "param.templateNotExist", "message": "param.templateNotExist"}
        if wrong := _faulty(body):
            return {"code": "param.invalid", "message": wrong}
        if track in self.made:
            return {"code": "param.cardAlreadyExist", "message": "param.cardAlreadyExist"}
        if _reader(body) in self.unknown:
            return {"code": "param.userIdNotExist", "message": "param.userIdNotExist"}
        self.made[track] = body["cardData"]["cardParamMap"]
        shown = self._show(body)
        return {"success": True, "result": {"outTrackId": track, "deliverResults": shown}}

    def _show(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Deliver a card that exists; where it stands already, it stays one card."""
        assert body["imRobotOpenDeliverModel"] == {"spaceType": "IM_ROBOT", "robotCode": APP}
        where = {"spaceType": "IM_ROBOT", "spaceId": _reader(body)}
        if self.not_shown:
            return [{**where, "success": False, "errorMsg": self.not_shown}]
        track = body["outTrackId"]
        if track not in self.cards:
            shown = self.made[track]
            self.cards[track] = Message(_reader(body), shown, [shown], _keys(shown))
            self.messages.append(self.cards[track])
        return [{**where, "success": True, "carrierId": "c-1"}]

    def _edit(self, body: dict[str, Any]) -> dict[str, Any]:
        message = self.cards.get(body["outTrackId"])
        if message is None or body["outTrackId"] in self.gone:
            return {"code": "param.cardNotExist", "message": "param.cardNotExist"}
        shown = body["cardData"]["cardParamMap"]
        if wrong := _too_long(shown):
            return {"code": "param.invalid", "message": wrong}
        message.body, message.keys = shown, _keys(shown)
        message.versions.append(shown)
        return {"success": True, "result": True}

    def _write(self, body: dict[str, Any]) -> dict[str, Any]:
        assert (body["robotCode"], body["msgKey"]) == (APP, "sampleText")
        (user,) = body["userIds"]
        said = {"processQueryKey": "q-1", "invalidStaffIdList": [], "flowControlledStaffIdList": []}
        if user in self.unknown:
            return {**said, "invalidStaffIdList": [user]}
        text = json.loads(body["msgParam"])["content"]
        self.messages.append(Message(user, body, [body], [], text))
        return said

    # --- its callbacks ------------------------------------------------------------------------

    def press(self, message: Message, key: str, user: str = "", reason: str = "") -> Callback:
        """The callback of somebody pressing a button of `message`, shown still or not.

        The card's own seal goes with it, whoever presses and whatever the button says.
        """
        matter, _, verb = key.rpartition("/")
        act = f"{verb}.{reason}" if reason else verb
        params = {"act": act, "card": matter, "seal": message.versions[0].get("seal", "")}
        for shown in message.versions:
            if shown.get("card") == matter:
                params["seal"] = shown["seal"]
        return self.event(user or message.user, params)

    def event(self, user: str, params: object, **other: Any) -> Callback:
        content = {"cardPrivateData": {"actionIds": ["act"], "params": params}}
        sent = {
            "type": "actionCallback",
            "outTrackId": "track-1",
            "corpId": CORP,
            "userId": user,
            "content": json.dumps(content),
            **other,
        }
        return self.callback(json.dumps(sent))

    def callback(self, body: str, secret: str = CALLBACK_SECRET) -> Callback:
        """`body` signed as DingTalk signs: the milliseconds alone."""
        with self.lock:
            stamp = str(self.unix_time() * 1000 + self.next_number() % 1000)
        signed = hmac.new(secret.encode(), stamp.encode(), hashlib.sha256).digest()
        headers = {
            "x-ddpaas-signature-timestamp": stamp,
            "x-ddpaas-signature": base64.b64encode(signed).decode(),
        }
        return Callback(body.encode(), body, headers=headers)

    def again(self, asked: Callback) -> Callback:
        """A repetition: the same body, signed anew."""
        return self.callback(asked.event)

    def write(self, user: str, text: str) -> Callback:
        """What a robot's callback of somebody who writes looks like: another body altogether."""
        body = {"msgtype": "text", "senderStaffId": user, "text": {"content": text}}
        return self.callback(json.dumps({**body, "msgId": os.urandom(6).hex()}))


def acts(shown: dict[str, Any]) -> list[str]:
    return [one["act"] for one in json.loads(shown["buttons"])]


def _keys(shown: dict[str, Any]) -> list[str]:
    verbs = dict.fromkeys(one.partition(".")[0] for one in acts(shown))
    return [f"{shown['card']}/{verb}" for verb in verbs]


def _reader(body: dict[str, Any]) -> str:
    space, _, user = body["openSpaceId"].partition("IM_ROBOT.")
    assert space == "dtv1.card//"
    return str(user)


def _faulty(body: dict[str, Any]) -> str:
    if body["imRobotOpenSpaceModel"] != {"supportForward": False}:
        return "imRobotOpenSpaceModel"
    shown = body["cardData"]["cardParamMap"]
    wanted = VARIABLES
    if "callbackType" not in body:
        wanted = VARIABLES - {"card", "seal"}
    elif (body["callbackType"], body["callbackRouteKey"]) != ("HTTP", ROUTE):
        return "callback"
    return _too_long(shown) or ("" if set(shown) == wanted else "variables")


def _too_long(shown: dict[str, Any]) -> str:
    long = (name for name, text in shown.items() if len(text.encode()) > 1024)
    return next(long, "")
