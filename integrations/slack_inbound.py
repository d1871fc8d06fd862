"""What Slack says when somebody presses, uses the shortcut or sends a form: by both ways alike."""

from collections.abc import Mapping
from typing import Any

from integrations.slack_forms import Submission, read_shortcut, read_submission
from workorders.card import parse_button_id
from workorders.channel import Inbound, Refusal

MALFORMED = Refusal("MALFORMED", 400)


def asked(payload: Any, event_id: str) -> Inbound | Submission | Refusal:
    """What a payload of Slack's interactivity asks for.

    Args:
        payload: as it came; nothing in it is taken for granted.
        event_id: the same for the same act, however often it arrives.
    """
    kind = payload.get("type") if isinstance(payload, Mapping) else None
    try:
        match kind:
            case "message_action":
                return read_shortcut(payload, event_id)
            case "view_submission":
                return read_submission(payload, event_id)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return MALFORMED
    return pressed(payload, event_id)


def pressed(payload: Any, event_id: str) -> Inbound | Refusal:
    """The click in a payload of Slack's.

    Args:
        payload: of kind `block_actions`, as it came; nothing in it is taken for granted.
        event_id: the same for the same click, however often it arrives.
    """
    try:
        (action,) = payload["actions"]
        if action.get("type", "button") != "button":
            return Refusal("NOT_A_BUTTON", 200)  # choosing from a list asks for nothing yet
        button = parse_button_id(str(action["value"]))
        actor = f"{payload['team']['id']}/{payload['user']['id']}"
        channel = str(payload["channel"]["id"])
        ts = str(payload["message"]["ts"])
        user = str(payload["user"]["id"])
        reason = _reason(payload)
    except (ValueError, KeyError, TypeError, AttributeError):
        return MALFORMED
    if button is None:
        return MALFORMED
    object_id, version, verb = button
    return Inbound(
        channel="slack",
        actor_ref=actor,
        object_id=object_id,
        verb=verb,
        version=version,
        event_id=event_id,
        reason=reason,
        reply={"channel": channel, "ts": ts, "user": user},
    )


def _reason(payload: Mapping[str, Any]) -> str:
    """The reason picked in the card's reason list, if it has one."""
    for block in payload.get("state", {}).get("values", {}).values():
        for element in block.values():
            option = element.get("selected_option") or {}
            if option.get("value"):
                return str(option["value"])
    return ""
