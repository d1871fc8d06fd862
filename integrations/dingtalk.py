"""DingTalk (钉钉), an app of the company: cards out through its robot, clicks in by callbacks.

The card is the company's own template, filled with variables; it is edited in place by its id, and
where DingTalk knows the id no more a superseding card goes out. Without a callback the cards have
no buttons. What is written to the robot is not read: DingTalk's signature does not cover it.
"""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final

from integrations.callbacks import (
    BAD_SIGNATURE,
    MALFORMED,
    NOT_A_BUTTON,
    STALE,
    is_fresh,
    is_stamp,
    json_in,
    strict_json,
)
from integrations.card_face import Faces
from integrations.dingtalk_cards import REASON, variables
from integrations.dingtalk_seal import CallbackSeal
from integrations.dingtalk_web import DingtalkWeb
from integrations.wording import Wording
from workorders.card import Card, parse_button_id
from workorders.channel import Handle, Inbound, RawInbound, Refusal, Updated
from workorders.errors import ChannelFailed, ChannelRetry

_CARDS: Final = "v1.0/card/instances"
_EXISTS: Final = "DINGTALK_param.cardAlreadyExist"
_GONE: Final = "DINGTALK_param.cardNotExist"
_PASSING: Final = "SYSTEM_ERROR"
_LATER_S: Final = 15
_NOT_FOR_YOU: Final = Refusal("BAD_TOKEN")


class DingtalkChannel:
    """The adapter.

    Args:
        web: the API of the app.
        corp_id: the company.
        template: id of its card template.
        route_key: under which the callback's address is registered; empty without a callback.
        seal: of the callback; None when none is set up.
        wording: the catalogues.
        language_of: the language of a person's cards.
        public_url: the console's address, for the link.
    """

    name = "dingtalk"

    def __init__(
        self,
        *,
        web: DingtalkWeb,
        corp_id: str,
        template: str,
        route_key: str,
        seal: CallbackSeal | None,
        wording: Wording,
        language_of: Callable[[str], str],
        public_url: str = "",
    ) -> None:
        self._web = web
        self._corp_id = corp_id
        self._template = template
        self._route_key = route_key
        self._seal = seal
        self._faces = Faces(wording, language_of, public_url)

    @property
    def interactive(self) -> bool:
        """Whether clicks can come back."""
        return self._seal is not None

    def send(self, card: Card, address: str) -> Handle:
        """Send the card to a member (userId).

        Raises:
            ChannelRetry: rate limit or outage.
            ChannelFailed: DingTalk refuses for good, or the member cannot be reached.
        """
        # Under the notice's own id: an attempt whose answer was lost makes no second card.
        track = _short(card.notice_id)
        self._deliver(track, self._data(card, address), address)
        return Handle(self.name, {"track": track, "user": address})

    def update(self, handle: Handle, card: Card) -> Updated:
        """Show `card` in place of the delivered one, or send a superseding one."""
        track, user = str(handle.reference["track"]), str(handle.reference["user"])
        data = self._data(card, user)
        edited = {"outTrackId": track, "cardData": data, "userIdType": 1}
        try:
            self._web.call("PUT", _CARDS, edited)
        except ChannelFailed as fault:
            if fault.code != _GONE:
                raise
            self._deliver(_short(f"{card.notice_id} {card.version}"), data, user)
            return Updated.SUPERSEDED
        return Updated.UPDATED

    def whisper(self, reply: Mapping[str, Any], text: str) -> None:
        """Answer one person, in the robot's own conversation with them."""
        said = {
            "robotCode": self._web.robot,
            "userIds": [str(reply["user"])],
            "msgKey": "sampleText",
            "msgParam": _json({"content": text}),
        }
        answer = self._web.call("POST", "v1.0/robot/oToMessages/batchSend", said)
        if answer.get("invalidStaffIdList"):
            raise ChannelFailed("UNKNOWN_USER")
        if answer.get("flowControlledStaffIdList"):
            raise ChannelRetry(_LATER_S, "rate limited for this person")

    def verify(self, raw: RawInbound) -> Inbound | Refusal:
        """Authentic, fresh, and one of our buttons in the hand of the card's reader."""
        if raw.method != "POST":
            return Refusal("READ_ONLY_METHOD", 405)
        given = raw.headers.get("x-ddpaas-signature", "")
        stamp = raw.headers.get("x-ddpaas-signature-timestamp", "")
        if self._seal is None or not is_stamp(stamp) or not self._seal.authentic(given, stamp):
            return BAD_SIGNATURE
        if not is_fresh(int(stamp) / 1000, raw.received_at):
            return STALE
        event = json_in(raw.body)
        if event is None:
            return MALFORMED
        if event.get("type") != "actionCallback":
            return NOT_A_BUTTON
        return self._pressed(event, self._seal, given, stamp)

    def _pressed(
        self, event: Mapping[str, Any], seal: CallbackSeal, given: str, stamp: str
    ) -> Inbound | Refusal:
        try:
            user, track = str(event["userId"]), str(event["outTrackId"])
            private = strict_json(event["content"])["cardPrivateData"]
            params = {name: str(one) for name, one in private["params"].items()}
            verb, _, reason = params["act"].partition(REASON)
            matter, proof = params["card"], params["seal"]
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
            return MALFORMED
        if event.get("corpId") != self._corp_id or not seal.ours(proof, user, matter):
            return _NOT_FOR_YOU
        button = parse_button_id(f"{matter}/{verb}")
        if button is None:
            return MALFORMED
        object_id, version, verb = button
        # DingTalk gives a click no id of its own: who, where, what and the signed time are its own.
        parts = "\0".join((stamp, user, track, params["act"]))
        return Inbound(
            channel=self.name,
            actor_ref=f"{self._corp_id}/{user}",
            object_id=object_id,
            verb=verb,
            version=version,
            event_id=f"dingtalk:{sha256(parts.encode()).hexdigest()}",
            reason=reason,
            reply={"user": user, "seal": given},
        )

    def _deliver(self, track: str, data: Mapping[str, Any], user: str) -> None:
        """Make the card and show it; one that was made before is shown, so that it arrives."""
        where = {
            "openSpaceId": f"dtv1.card//IM_ROBOT.{user}",
            "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT", "robotCode": self._web.robot},
            "userIdType": 1,
            "outTrackId": track,
        }
        made = {
            **where,
            "cardTemplateId": self._template,
            "cardData": data,
            "imRobotOpenSpaceModel": {"supportForward": False},
        }
        if self.interactive:
            made |= {"callbackType": "HTTP", "callbackRouteKey": self._route_key}
        try:
            said = self._web.call("POST", f"{_CARDS}/createAndDeliver", made).get("result")
            shown = said.get("deliverResults") if isinstance(said, dict) else None
        except ChannelFailed as fault:
            if fault.code != _EXISTS:
                raise
            shown = self._web.call("POST", f"{_CARDS}/deliver", where).get("result")
        _arrived(shown)

    def _data(self, card: Card, user: str) -> dict[str, Any]:
        shown = variables(self._faces.of(card), card, interactive=self.interactive)
        if self._seal is not None:
            matter = f"{card.object_id}/{card.version}"
            shown |= {"card": matter, "seal": self._seal.of(user, matter)}
        return {"cardParamMap": shown}


def _arrived(shown: object) -> None:
    """Refuse what DingTalk did not show to the person."""
    if not (isinstance(shown, list) and shown and all(isinstance(one, dict) for one in shown)):
        raise ChannelRetry(_LATER_S, "an answer without a delivery")
    failed = [one for one in shown if one.get("success") is not True]
    if any(one.get("errorMsg") == _PASSING for one in failed):
        raise ChannelRetry(_LATER_S, "DingTalk did not show the card")
    if failed:
        raise ChannelFailed("DINGTALK_NOT_SHOWN")


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False)


def _short(text: str) -> str:
    """The same for the same text, and fit for an id."""
    return sha256(text.encode()).hexdigest()[:40]
