"""Slack's message shortcut and the form that it opens: making a work order from a message.

The shortcut brings the message and a trigger that is good for three seconds; `views.open` shows the
form under it. What was filled in comes as `view_submission`, whose answer says what is wrong at
which field (Slack: "Shortcuts", "Modals", "views.open").
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from integrations.callbacks import strict_json
from integrations.wording import Words
from store.clock import rfc3339
from workorders.channel import Inbound

#: What the shortcut is called in the app's settings, and the form after it.
CALLBACK: Final = "open_order"
SHOW_FORM: Final = "show_form"
OPEN_ORDER: Final = "open_order"
FIELDS: Final = ("org", "level", "product", "text")
TEXT_LIMIT: Final = 3000
_LEVELS: Final = ("red", "orange", "yellow", "blue")
_NAME_LIMIT: Final = 75
_OPTIONS_LIMIT: Final = 100
_PRODUCT_LIMIT: Final = 60
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_STAMP = re.compile(r"\d{9,12}\.\d{6}")


@dataclass(frozen=True, slots=True)
class Submission:
    """A form that was sent.

    Attributes:
        view: the form's id: the same when it is sent once more.
        inbound: who asks for what; its `matter` holds the fields as they were filled in.
    """

    view: str
    inbound: Inbound


def unit_code(path: str) -> str:
    """A unit as an option of the form: Slack's values are short, paths need not be."""
    return sha256(path.encode()).hexdigest()[:24]


def read_shortcut(payload: Mapping[str, Any], event_id: str) -> Inbound:
    """The message for which somebody used the shortcut.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not in Slack's form.
    """
    _ours(payload["callback_id"])
    message, team = payload["message"], payload["team"]
    conversation, user = str(payload["channel"]["id"]), str(payload["user"]["id"])
    stamp = _matching(_STAMP, str(message["ts"]))
    return Inbound(
        channel="slack",
        actor_ref=f"{team['id']}/{user}",
        object_id="",
        verb=SHOW_FORM,
        version=0,
        event_id=event_id,
        reply={"channel": conversation, "user": user},
        matter={
            "trigger": str(payload["trigger_id"]),
            "message": {
                "id": f"{team['id']}/{conversation}/{stamp}",
                "sender": _sender(message),
                "sent_at": rfc3339(datetime.fromtimestamp(float(stamp), UTC)),
                "link": _permalink(str(team.get("domain", "")), conversation, stamp, message),
                "text": _plain(message),
            },
        },
    )


def read_submission(payload: Mapping[str, Any], event_id: str) -> Submission:
    """The form that was sent.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not in Slack's form.
    """
    view = payload["view"]
    _ours(view["callback_id"])
    user, number = str(payload["user"]["id"]), str(view["id"])
    kept = strict_json(view["private_metadata"])
    filled = {name: _filled(view["state"]["values"][name][name]) for name in FIELDS}
    inbound = Inbound(
        channel="slack",
        actor_ref=f"{payload['team']['id']}/{user}",
        object_id="",
        verb=OPEN_ORDER,
        version=0,
        event_id=event_id,
        reply={"channel": str(kept["conversation"]), "user": user},
        matter={**filled, "view": number, "shortcut": str(kept["shortcut"])},
    )
    return Submission(number, inbound)


def form(words: Words, units: Sequence[tuple[str, str]], asked: Inbound) -> dict[str, Any]:
    """The form as `views.open` takes it.

    Args:
        words: of the reader's language.
        units: path and name of those where the reader may open orders.
        asked: the shortcut.
    """
    levels = [_option(words.text(f"level.{one}"), one) for one in _LEVELS]
    written = str(asked.matter["message"]["text"])[:TEXT_LIMIT]
    kept = {"shortcut": asked.event_id, "conversation": asked.reply["channel"]}
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": json.dumps(kept),
        "title": _text(words.text("order_form.title")),
        "submit": _text(words.text("order_form.submit")),
        "close": _text(words.text("order_form.close")),
        "blocks": [
            _input("org", words, {"type": "static_select", **_unit_options(units)}),
            _input("level", words, {"type": "static_select", "options": levels}),
            _input("product", words, _line(_PRODUCT_LIMIT), optional=True),
            _input("text", words, _lines(written)),
        ],
    }


def _input(
    name: str, words: Words, element: Mapping[str, Any], *, optional: bool = False
) -> dict[str, Any]:
    label = _text(words.text(f"order_form.{name}"))
    return {
        "type": "input",
        "block_id": name,
        "label": label,
        "optional": optional,
        "element": {**element, "action_id": name},
    }


def _line(most: int) -> dict[str, Any]:
    return {"type": "plain_text_input", "max_length": most}


def _lines(written: str) -> dict[str, Any]:
    begun = {"initial_value": written} if written else {}
    return {"type": "plain_text_input", "multiline": True, "max_length": TEXT_LIMIT, **begun}


def _unit_options(units: Sequence[tuple[str, str]]) -> dict[str, Any]:
    options = [_option(name, unit_code(path)) for path, name in units]
    if len(options) <= _OPTIONS_LIMIT:
        chosen = {"initial_option": options[0]} if len(options) == 1 else {}
        return {"options": options, **chosen}
    parts = [options[at : at + _OPTIONS_LIMIT] for at in range(0, len(options), _OPTIONS_LIMIT)]
    return {
        "option_groups": [
            {"label": _text(str(one[0]["text"]["text"])), "options": one} for one in parts
        ]
    }


def _option(name: str, value: str) -> dict[str, Any]:
    return {"text": _text(name), "value": value}


def _text(text: str) -> dict[str, str]:
    """Of a long path the end says more than the beginning."""
    short = text if len(text) <= _NAME_LIMIT else f"…{text[1 - _NAME_LIMIT :]}"
    return {"type": "plain_text", "text": short}


def _filled(element: Mapping[str, Any]) -> str:
    if element["type"] == "static_select":
        option = element.get("selected_option")
        return str(option["value"]) if option else ""
    return str(element.get("value") or "")


def _ours(callback: Any) -> None:
    if callback != CALLBACK:
        raise ValueError(callback)


def _matching(form_of: re.Pattern[str], text: str) -> str:
    if form_of.fullmatch(text) is None:
        raise ValueError(text)
    return text


def _sender(message: Mapping[str, Any]) -> str:
    """Who wrote it: a member's id, or the name under which a program did."""
    return str(message.get("user") or message.get("username") or message.get("bot_id") or "")


def _permalink(domain: str, conversation: str, stamp: str, message: Mapping[str, Any]) -> str:
    """The message's address, as Slack's own "copy link" makes it; empty without a workspace."""
    if _DOMAIN.fullmatch(domain) is None or not conversation.isalnum():
        return ""
    address = f"https://{domain}.slack.com/archives/{conversation}/p{stamp.replace('.', '')}"
    thread = str(message.get("thread_ts", ""))
    if thread in {"", stamp} or _STAMP.fullmatch(thread) is None:
        return address
    return f"{address}?thread_ts={thread}&cid={conversation}"


def _plain(message: Mapping[str, Any]) -> str:
    """What the message says; programs often say it in attachments or blocks alone."""
    said = str(message.get("text") or "").strip()
    if said:
        return said
    parts = [*_of_attachments(message), *_of_blocks(message.get("blocks") or ())]
    return "\n".join(dict.fromkeys(parts))


def _of_attachments(message: Mapping[str, Any]) -> Iterator[str]:
    for one in message.get("attachments") or ():
        said = [str(one.get(name) or "").strip() for name in ("pretext", "title", "text")]
        found = [part for part in said if part] or [str(one.get("fallback") or "").strip()]
        yield from (part for part in found if part)
        yield from _of_blocks(one.get("blocks") or ())


def _of_blocks(blocks: Any) -> Iterator[str]:
    for block in blocks:
        for text in (block.get("text"), *(block.get("fields") or ())):
            if isinstance(text, Mapping) and str(text.get("text") or "").strip():
                yield str(text["text"]).strip()
