"""What WeCom says when somebody presses a button or writes to the app: a sealed piece of XML."""

from collections.abc import Mapping
from hashlib import sha256
from xml.etree import ElementTree as ET

from integrations.callbacks import MALFORMED, NOT_A_BUTTON
from integrations.written import Written
from workorders.card import parse_button_id
from workorders.channel import Inbound, Refusal

#: The reasons' list needs an entry that is chosen at first; it stands for none.
NO_REASON = "-"
_TASK = "TaskId"


def elements(body: bytes) -> ET.Element | None:
    """The document in a request; None when there is none that may be read.

    A document type is refused: it has no place here, and its entities can blow up memory.
    """
    try:
        text = body.decode()
        if "<!doctype" in text.lower() or "<!entity" in text.lower():
            return None
        return ET.fromstring(text)  # noqa: S314 - no document type gets this far
    except (ValueError, ET.ParseError):
        return None


def task_of(notice: str, attempt: str) -> str:
    """The task id of one message about a notice: WeCom takes each id once."""
    return f"{notice}-{attempt}"


def notice_of(task: str) -> str:
    """The notice of a task id."""
    return task.partition("-")[0]


def asked(event: ET.Element, corp_id: str, seal: str) -> Inbound | Written | Refusal:
    """What a message asks for.

    Args:
        event: the opened message; nothing in it is taken for granted.
        corp_id: the company, for who it is.
        seal: the signature of the request that brought it.
    """
    known = {one.tag: (one.text or "").strip() for one in event}
    user, made = known.get("FromUserName", ""), known.get("CreateTime", "")
    if not user or not made:
        return MALFORMED
    match known.get("MsgType", ""), known.get("Event", ""):
        case "text", _:
            return Written(
                channel="wecom",
                actor_ref=f"{corp_id}/{user}",
                user=user,
                text=known.get("Content", ""),
                event_id=_event_id(known, "MsgId"),
                seal=seal,
            )
        case "event", "template_card_event":
            return _pressed(event, known, corp_id, seal)
        case _:
            return NOT_A_BUTTON


def _pressed(
    event: ET.Element, known: Mapping[str, str], corp_id: str, seal: str
) -> Inbound | Refusal:
    button = parse_button_id(known.get("EventKey", ""))
    if button is None or not known.get(_TASK):
        return MALFORMED
    object_id, version, verb = button
    reason = _reason(event)
    user = known["FromUserName"]
    return Inbound(
        channel="wecom",
        actor_ref=f"{corp_id}/{user}",
        object_id=object_id,
        verb=verb,
        version=version,
        event_id=_event_id({**known, "reason": reason}, _TASK, "EventKey", "reason"),
        reason=reason,
        reply={
            "user": user,
            "notice": notice_of(known[_TASK]),
            "message": known[_TASK],
            "code": known.get("ResponseCode", ""),
            "seal": seal,
        },
    )


def _reason(event: ET.Element) -> str:
    """The reason picked in the card's list, if it has one."""
    chosen = (one.text or "" for one in event.iterfind("SelectedItems/SelectedItem/OptionIds/*"))
    return next((one for one in chosen if one and one != NO_REASON), "")


def _event_id(known: Mapping[str, str], *more: str) -> str:
    """WeCom seals a repeated message anew; who, when and what of it stay the same."""
    parts = [known.get(name, "") for name in ("FromUserName", "CreateTime", *more)]
    return f"wecom:{sha256(chr(0).join(parts).encode()).hexdigest()}"
