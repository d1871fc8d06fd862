"""A card as the variables of the company's card template in DingTalk: plain text throughout.

The template is the company's own (docs: operator, DingTalk); every value is text of at most 1 KB.
"""

import json
from collections.abc import Iterator
from typing import Final

from integrations.card_face import Face
from workorders.card import Card

#: DingTalk takes a kilobyte for each variable.
LIMIT: Final = 1024
#: Between the verb and the reason that goes with it.
REASON: Final = "."


def variables(face: Face, card: Card, *, interactive: bool) -> dict[str, str]:
    """The template's variables, without what proves a button.

    Args:
        face: the card for its reader.
        card: for its level, and which buttons ask for a reason.
        interactive: whether buttons can be shown.
    """
    text = face.text
    offered = list(_offered(face, card)) if interactive else []
    return {
        "title": _fitting([text.title]),
        "level": "none" if card.level is None else card.level.value,
        "body": _fitting(list(text.lines)),
        "deadline": _fitting([text.deadline]),
        "link": _fitting([text.link]),
        "url": face.url,
        "buttons": _as_list(offered),
    }


def _offered(face: Face, card: Card) -> Iterator[dict[str, str]]:
    """The buttons; one that asks for a reason is there once for each: there is no list to open."""
    for button, shown in zip(card.buttons, face.text.buttons, strict=True):
        if not button.reason:
            yield {"text": shown.label, "act": shown.verb}
            continue
        for code, label in face.text.reasons:
            words = face.words.text("dingtalk.with_reason", verb=shown.label, reason=label)
            yield {"text": words, "act": f"{shown.verb}{REASON}{code}"}


def _as_list(offered: list[dict[str, str]]) -> str:
    """As many as there is room for; the page behind the card has them all."""
    shown = json.dumps(offered, ensure_ascii=False, separators=(",", ":"))
    while len(shown.encode()) > LIMIT:
        offered = offered[:-1]
        shown = json.dumps(offered, ensure_ascii=False, separators=(",", ":"))
    return shown


def _fitting(lines: list[str]) -> str:
    """The lines, cut after whole ones; a line that is too long by itself is cut within."""
    shown = "\n".join(lines)
    while len(shown.encode()) > LIMIT and len(lines) > 1:
        lines = [*lines[:-2], "…"]
        shown = "\n".join(lines)
    return shown.encode()[:LIMIT].decode(errors="ignore")
