"""What Feishu says when somebody presses a button or writes to the bot."""

from collections.abc import Mapping
from typing import Any

from integrations.callbacks import MALFORMED, NOT_A_BUTTON, strict_json
from integrations.written import Written
from workorders.card import parse_button_id
from workorders.channel import Inbound, Refusal


def asked(payload: Mapping[str, Any], seal: str) -> Inbound | Written | Refusal:
    """What a callback asks for.

    Args:
        payload: the opened callback; nothing in it is taken for granted.
        seal: the signature of the request that brought it.
    """
    try:
        head, event = payload["header"], payload["event"]
        known = str(head["event_id"])
        match str(head["event_type"]):
            case "card.action.trigger":
                return _pressed(event, known, seal)
            case "im.message.receive_v1":
                return _written(event, str(head["tenant_key"]), known, seal)
            case _:
                return NOT_A_BUTTON
    except (KeyError, TypeError, AttributeError, ValueError):
        return MALFORMED


def _pressed(event: Mapping[str, Any], known: str, seal: str) -> Inbound | Refusal:
    action, who = event["action"], event["operator"]
    if action.get("tag") != "button":
        return NOT_A_BUTTON  # choosing from a list asks for nothing yet
    button = parse_button_id(str(action["value"]["id"]))
    if button is None:
        return MALFORMED
    object_id, version, verb = button
    chosen = action.get("form_value") or {}
    user = str(who["open_id"])
    return Inbound(
        channel="feishu",
        actor_ref=f"{who['tenant_key']}/{user}",
        object_id=object_id,
        verb=verb,
        version=version,
        event_id=f"feishu:{known}",
        reason=str(chosen.get("reason") or ""),
        reply={"user": user, "seal": seal},
    )


def _written(event: Mapping[str, Any], tenant: str, known: str, seal: str) -> Written | Refusal:
    message = event["message"]
    if message["message_type"] != "text":
        return NOT_A_BUTTON
    user = str(event["sender"]["sender_id"]["open_id"])
    return Written(
        channel="feishu",
        actor_ref=f"{tenant}/{user}",
        user=user,
        text=str(strict_json(message["content"])["text"]),
        event_id=f"feishu:{known}",
        seal=seal,
    )
