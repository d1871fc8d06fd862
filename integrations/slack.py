"""Slack over HTTP: cards out through the Web API, clicks in through signed requests.

The signature is checked over the raw bytes, the timestamp may be five minutes off, and two signing
secrets are accepted while one replaces the other (Slack: "Verifying requests from Slack"). A card
is edited with `chat.update`; where that is refused, a superseding card goes into the thread.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from integrations.callbacks import strict_json
from integrations.outbound import Outbound
from integrations.slack_forms import Submission
from integrations.slack_inbound import MALFORMED, asked
from integrations.slack_web import SlackWeb
from integrations.wording import CardText, Wording, card_text
from workorders.card import Card
from workorders.channel import Handle, Inbound, RawInbound, Refusal, Updated
from workorders.errors import ChannelFailed

FRESH_S = 300
_SECTION_LIMIT = 3000
_CANNOT_EDIT = {"message_not_found", "cant_update_message", "edit_window_closed", "update_failed"}
_NO_MEMBER = {"channel_not_found", "not_in_channel", "user_not_in_channel", "is_archived"}


class SlackChannel:
    """The adapter.

    Args:
        base_url: of the Web API, ending in a slash; a local server in tests and in the demo.
        token: the bot's token.
        signing_secrets: the current one first, its predecessor while it is being replaced.
        wording: the catalogues.
        language_of: the language of a person's cards.
        public_url: the console's address, for the link line.
        outbound: the way out.
    """

    name = "slack"
    interactive = True

    def __init__(
        self,
        *,
        base_url: str,
        token: str,
        signing_secrets: Sequence[str],
        wording: Wording,
        language_of: Callable[[str], str],
        public_url: str = "",
        outbound: Outbound | None = None,
        timeout_s: float = 10,
    ) -> None:
        self._web = SlackWeb(
            base_url=base_url, token=token, outbound=outbound or Outbound(), timeout_s=timeout_s
        )
        self._secrets = tuple(signing_secrets)
        self._wording = wording
        self._language_of = language_of
        self._public_url = public_url.rstrip("/")
        self._conversations: dict[str, str] = {}

    def send(self, card: Card, address: str) -> Handle:
        """Post the card to a user (``U…``) or a channel.

        Raises:
            ChannelRetry: rate limit or outage.
            ChannelFailed: Slack refuses for good.
        """
        channel = self._conversation(address)
        answer = self._web.call("chat.postMessage", channel=channel, **self._message(card))
        return Handle(self.name, {"channel": answer["channel"], "ts": answer["ts"]})

    def update(self, handle: Handle, card: Card) -> Updated:
        """Show `card` where the delivered one stands, or supersede it in its thread."""
        where = handle.reference
        try:
            self._web.call(
                "chat.update", channel=where["channel"], ts=where["ts"], **self._message(card)
            )
        except ChannelFailed as fault:
            if fault.code.lower() not in _CANNOT_EDIT:
                raise
            self._web.call(
                "chat.postMessage",
                channel=where["channel"],
                thread_ts=where["ts"],
                **self._message(card),
            )
            return Updated.SUPERSEDED
        return Updated.UPDATED

    def whisper(self, reply: Mapping[str, Any], text: str) -> None:
        """Answer one person privately, where they pressed.

        Shortcut and commands work in conversations too of which the app is no member; there the
        answer goes to the person's own conversation with the app.
        """
        user = reply["user"]
        try:
            self._web.call("chat.postEphemeral", channel=reply["channel"], user=user, text=text)
        except ChannelFailed as fault:
            if fault.code.lower() not in _NO_MEMBER:
                raise
            self._web.call("chat.postMessage", channel=self._conversation(user), text=text)

    def open_form(self, trigger: str, form: Mapping[str, Any]) -> None:
        """Show a form to whoever caused the trigger, which is good for three seconds.

        Raises:
            ChannelRetry: rate limit or outage.
            ChannelFailed: Slack refuses; ``EXPIRED_TRIGGER_ID`` when it was too late.
        """
        self._web.call("views.open", trigger_id=trigger, view=form)

    def verify(self, raw: RawInbound) -> Inbound | Refusal:
        """Authentic, fresh, and one of our buttons or the shortcut."""
        found = self.asked(raw)
        return MALFORMED if isinstance(found, Submission) else found

    def asked(self, raw: RawInbound) -> Inbound | Submission | Refusal:
        """As `verify`, where a form can be answered too."""
        if raw.method != "POST":
            return Refusal("READ_ONLY_METHOD", 405)
        refusal = self.refusal(raw)
        if refusal is not None:
            return refusal
        try:
            payload = strict_json(parse_qs(raw.body.decode(), strict_parsing=True)["payload"][0])
        except (ValueError, KeyError):
            return MALFORMED
        # The signature covers body and time: the same request again is the same event.
        return asked(payload, raw.headers["x-slack-signature"])

    def refusal(self, raw: RawInbound) -> Refusal | None:
        """Why a request is not believed; None when signature and time are right."""
        stamp = raw.headers.get("x-slack-request-timestamp", "")
        given = raw.headers.get("x-slack-signature", "")
        if not given or not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):  # noqa: PLR2004
            return Refusal("BAD_SIGNATURE")
        if abs(raw.received_at.timestamp() - int(stamp)) > FRESH_S:
            return Refusal("STALE_TIMESTAMP")
        base = b"v0:" + stamp.encode() + b":" + raw.body
        for secret in self._secrets:
            wanted = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
            if hmac.compare_digest(wanted.encode(), given.encode()):
                return None
        return Refusal("BAD_SIGNATURE")

    def _conversation(self, address: str) -> str:
        if not address.startswith(("U", "W")):
            return address
        if address not in self._conversations:
            answer = self._web.call("conversations.open", users=address)
            self._conversations[address] = answer["channel"]["id"]
        return self._conversations[address]

    def _message(self, card: Card) -> dict[str, Any]:
        words = self._wording.words(self._language_of(card.person))
        text = card_text(card, words, self._public_url)
        return {
            "text": text.plain,
            "blocks": _blocks(text),
            "metadata": {
                "event_type": "hedgewarden_card",
                "event_payload": {"notice_id": card.notice_id, "object_id": card.object_id},
            },
        }


def _blocks(text: CardText) -> list[dict[str, Any]]:
    body = "\n".join([*text.lines, *filter(None, (text.deadline,))])
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": _cut(f"*{_escape(text.title)}*")}}
    ]
    if body:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": _cut(_escape(body))}})
    if text.reasons:
        blocks.append(_reason_list(text))
    if text.buttons:
        blocks.append(
            {
                "type": "actions",
                "block_id": "verbs",
                "elements": [
                    {
                        "type": "button",
                        "action_id": button.verb,
                        "value": button.id,
                        "text": {"type": "plain_text", "text": button.label},
                        **(_confirm(button.confirm, button.label) if button.confirm else {}),
                    }
                    for button in text.buttons
                ],
            }
        )
    if text.link:
        blocks.append(
            {"type": "context", "elements": [{"type": "mrkdwn", "text": _escape(text.link)}]}
        )
    return blocks


def _reason_list(text: CardText) -> dict[str, Any]:
    """What is chosen here comes along with the button that is pressed afterwards."""
    return {
        "type": "actions",
        "block_id": "reasons",
        "elements": [
            {
                "type": "static_select",
                "action_id": "reason",
                "placeholder": {"type": "plain_text", "text": text.reasons_label},
                "options": [
                    {"text": {"type": "plain_text", "text": label}, "value": code}
                    for code, label in text.reasons
                ],
            }
        ],
    }


def _confirm(question: str, label: str) -> dict[str, Any]:
    return {
        "confirm": {
            "title": {"type": "plain_text", "text": label},
            "text": {"type": "plain_text", "text": question},
            "confirm": {"type": "plain_text", "text": label},
            "deny": {"type": "plain_text", "text": "✕"},
        }
    }


def _escape(text: str) -> str:
    """Slack's three control characters, so that no name in the data becomes markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str) -> str:
    return text if len(text) <= _SECTION_LIMIT else text[: _SECTION_LIMIT - 1] + "…"
