"""A card as WeCom shows it: with buttons a template card, without them markdown."""

from typing import Any, Final

from integrations.card_face import Face
from integrations.wecom_inbound import NO_REASON
from integrations.wording import CardText
from workorders.card import Card
from workorders.levels import Level

#: WeCom cuts longer markdown, in bytes.
_MARKDOWN_LIMIT: Final = 2048
_MOST_ROWS: Final = 6
_RED: Final = 2
_GREY: Final = 0
#: What WeCom reads as markup; there is no way to escape it, so it is shown as its wide double.
_WIDE: Final = str.maketrans({"<": "＜", "[": "［", "*": "＊", "`": "｀", "#": "＃", ">": "＞"})


def template(face: Face, card: Card, task: str, *, interactive: bool) -> dict[str, Any]:
    """The template card.

    Args:
        face: the card for its reader; without buttons it needs a page that a tap opens.
        card: for its level.
        task: its task id.
        interactive: whether buttons can be shown.
    """
    text, words, url = face.text, face.words, face.url
    rows = text.figures[:_MOST_ROWS]
    below = [*text.words, *(f"{name} {change}" for name, change in text.figures[_MOST_ROWS:])]
    shown: dict[str, Any] = {
        "source": {
            "desc": words.text("wecom.source"),
            "desc_color": _RED if card.level is Level.RED else _GREY,
        },
        "main_title": {"title": text.title, "desc": text.deadline},
        "sub_title_text": "\n".join(below),
        "horizontal_content_list": [{"keyname": name, "value": change} for name, change in rows],
        "task_id": task,
    }
    if url:
        shown["card_action"] = {"type": 1, "url": url}
        shown["quote_area"] = {"type": 1, "url": url, "quote_text": text.link}
    if not (text.buttons and interactive):
        return {**shown, "card_type": "text_notice"}
    if text.reasons:
        none = {"id": NO_REASON, "text": words.text("wecom.no_reason")}
        offered = [{"id": code, "text": label} for code, label in text.reasons]
        shown["button_selection"] = {
            "question_key": "reason",
            "title": text.reasons_label,
            # The first entry is chosen until somebody chooses: it must not be a reason.
            "option_list": [none, *offered],
            "selected_id": NO_REASON,
        }
    shown["button_list"] = [
        {"text": button.label, "style": 1 if number == 0 else 4, "key": button.id}
        for number, button in enumerate(text.buttons)
    ]
    return {**shown, "card_type": "button_interaction"}


def markdown(text: CardText, card: Card, url: str) -> str:
    """The card as markdown, cut after whole lines; the link keeps its place at the end."""
    colour = "warning" if card.level in {Level.RED, Level.ORANGE} else "comment"
    title = f'**<font color="{colour}">{_bare(text.title)}</font>**'
    lines = [_bare(line) for line in (*text.lines, *filter(None, (text.deadline,)))]
    foot = [f"[{_bare(text.link)}]({url})"] if url else []
    while lines and _size([title, *lines, *foot]) > _MARKDOWN_LIMIT:
        lines = [*lines[:-2], "…"] if len(lines) > 1 else []
    return "\n".join([title, *lines, *foot])


def _size(lines: list[str]) -> int:
    return len("\n".join(lines).encode())


def _bare(line: str) -> str:
    """A line in which no name from the data becomes markup."""
    return line.translate(_WIDE)
