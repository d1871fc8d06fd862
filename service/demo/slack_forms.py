"""Slack's shortcut and forms as its server tells of them: what was chosen, shown, filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class View:
    """A form that is shown to one user."""

    id: str
    user: str
    form: dict[str, Any]

    def options(self, name: str) -> dict[str, str]:
        """What can be chosen in a field: label and value."""
        (block,) = (one for one in self.form["blocks"] if one["block_id"] == name)
        element = block["element"]
        groups = element.get("option_groups", [element])
        return {one["text"]["text"]: one["value"] for group in groups for one in group["options"]}


def chosen(
    team: str, user: str, message: Mapping[str, Any], channel: str, trigger: str
) -> dict[str, Any]:
    """The payload of somebody who chose the shortcut at a message."""
    return {
        "type": "message_action",
        "callback_id": "open_order",
        "trigger_id": trigger,
        "message_ts": message["ts"],
        "response_url": "",
        "team": {"id": team, "domain": "group"},
        "channel": {"id": channel, "name": "talk"},
        "user": {"id": user, "team_id": team, "name": "somebody"},
        "message": {"type": "message", **message},
    }


def sent(
    team: str, view: View, user: str, trigger: str, filled: Mapping[str, str]
) -> dict[str, Any]:
    """The payload of a form that was sent; what is not in `filled` stays as it was shown."""
    kept = {name: view.form[name] for name in ("callback_id", "private_metadata")}
    values = {block["block_id"]: _state(block, filled) for block in view.form["blocks"]}
    return {
        "type": "view_submission",
        "trigger_id": trigger,
        "team": {"id": team, "domain": "group"},
        "user": {"id": user, "team_id": team},
        "view": {"id": view.id, "type": "modal", **kept, "state": {"values": values}},
    }


def _state(block: Mapping[str, Any], filled: Mapping[str, str]) -> dict[str, Any]:
    name, element = block["block_id"], block["element"]
    if element["type"] == "static_select":
        picked = filled.get(name, element.get("initial_option", {}).get("value", ""))
        option = {"value": picked} if picked else None
        return {element["action_id"]: {"type": "static_select", "selected_option": option}}
    written = filled.get(name, element.get("initial_value")) or None
    return {element["action_id"]: {"type": "plain_text_input", "value": written}}
