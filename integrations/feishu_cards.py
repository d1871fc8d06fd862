"""A card as Feishu shows it: plain text throughout, so that no name in the data becomes markup."""

from typing import Any, Final

from integrations.card_face import Face
from integrations.wording import ButtonText, CardText
from workorders.card import Card
from workorders.levels import Level

_COLOUR: Final = {
    Level.RED: "red",
    Level.ORANGE: "orange",
    Level.YELLOW: "yellow",
    Level.BLUE: "blue",
}


def card_of(face: Face, card: Card, *, interactive: bool) -> Any:
    """The card.

    Args:
        face: the card for its reader.
        card: for its level.
        interactive: whether buttons can be shown.
    """
    text, words, url = face.text, face.words, face.url
    elements: list[dict[str, Any]] = []
    if text.words:
        elements.append({"tag": "div", "text": _plain("\n".join(text.words))})
    if text.figures:
        fields = [
            {"is_short": True, "text": _plain(f"{name}\n{change}")} for name, change in text.figures
        ]
        elements.append({"tag": "div", "fields": fields})
    if text.deadline:
        elements.append({"tag": "div", "text": _plain(text.deadline)})
    if text.buttons and interactive:
        elements.append(_acts(text))
    if url:
        page = {"tag": "button", "text": _plain(words.text("feishu.page")), "url": url}
        elements.append({"tag": "action", "actions": [page]})
        elements.append({"tag": "note", "elements": [_plain(text.link)]})
    return {
        # Without `update_multi` a card cannot be edited; a forwarded one would still be pressed.
        "config": {"wide_screen_mode": True, "update_multi": True, "enable_forward": False},
        "header": {
            "title": _plain(text.title),
            "template": "grey" if card.level is None else _COLOUR[card.level],
        },
        "elements": elements,
    }


def _acts(text: CardText) -> dict[str, Any]:
    buttons = [_button(one, primary=number == 0) for number, one in enumerate(text.buttons)]
    if not text.reasons:
        return {"tag": "action", "actions": buttons}
    # In a form, what is chosen comes along with the button that is pressed afterwards.
    choice = {
        "tag": "select_static",
        "name": "reason",
        "placeholder": _plain(text.reasons_label),
        "options": [{"text": _plain(label), "value": code} for code, label in text.reasons],
    }
    sent = [{**one, "action_type": "form_submit", "name": one["value"]["verb"]} for one in buttons]
    return {"tag": "form", "name": "act", "elements": [choice, *sent]}


def _button(button: ButtonText, *, primary: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "tag": "button",
        "text": _plain(button.label),
        "type": "primary" if primary else "default",
        "value": {"id": button.id, "verb": button.verb},
    }
    if button.confirm:
        shown["confirm"] = {"title": _plain(button.label), "text": _plain(button.confirm)}
    return shown


def _plain(text: str) -> dict[str, str]:
    return {"tag": "plain_text", "content": text}
