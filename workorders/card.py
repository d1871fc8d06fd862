"""The channel-neutral card: one text for chat, mail, phone page and console.

A card holds codes and parameters; the edge (`service/i18n`) makes the sentences in the reader's
language. It survives the outbox as JSON. A button carries an opaque id (order, version, verb) and
no authority: who may press it is decided when it is pressed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from store.clock import parse_rfc3339, rfc3339
from workorders.levels import Level
from workorders.plain import plain

MINUS = "\N{MINUS SIGN}"


class CardKind(StrEnum):
    """What a card is for."""

    ORDER = "order"
    ALERT = "alert"
    APPROVAL = "approval"
    RESULT = "result"
    SUPERSEDED = "superseded"
    BRIEF = "brief"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text: a catalogue key without its room, and its parameters."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, before → after when signing changes it.

    Attributes:
        code: what it is (``card.net_exposure``).
        before: its value now, as plain text.
        after: its value after the act; empty when nothing changes it.
        unit: ``t``, ``lots``, ``CNY``, ``percent``, or empty.
    """

    code: str
    before: str
    after: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """One button.

    Attributes:
        id: opaque: object id, expected version and verb, without any authority.
        verb: what pressing it asks for; also its label (``button.<verb>``).
        confirm: whether a box asks once more (red only).
        reason: whether a reason must be given (reject, override).
    """

    id: str
    verb: str
    confirm: bool = False
    reason: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One card for one person on one channel.

    Attributes:
        notice_id: idempotency id of the delivery; the same on every attempt.
        object_id: the work order, alert or approval that it is about.
        version: the object's version that the card was drawn from.
        person: whom it is for.
        title: the first line (D5).
        lines: the following lines.
        figures: the figures, drawn as `before → after`.
        deadline: when it escalates, and `escalates_to` to whom.
        clock: which clock the deadline is of (``acknowledge``, ``resolve``, ``triage``); empty for
            a deadline that is no clock of an order or alert.
        path: the page's path in the console (the edge knows the host), for example
            ``/orders/WO-20261122-017``; it needs the intranet.
        drill: a drill (演练); shown in the first line.
    """

    kind: CardKind
    notice_id: str
    object_id: str
    version: int
    person: str
    level: Level | None
    title: Line
    lines: tuple[Line, ...] = ()
    figures: tuple[Figure, ...] = ()
    buttons: tuple[Button, ...] = ()
    deadline: datetime | None = None
    clock: str = ""
    escalates_to: tuple[str, ...] = ()
    path: str = ""
    drill: bool = False

    def as_json(self) -> dict[str, Any]:
        """The card as a JSON object (times RFC 3339, decimals as text)."""
        return {
            "kind": self.kind.value,
            "notice_id": self.notice_id,
            "object_id": self.object_id,
            "version": self.version,
            "person": self.person,
            "level": None if self.level is None else self.level.value,
            "title": _line_json(self.title),
            "lines": [_line_json(line) for line in self.lines],
            "figures": [
                {"code": f.code, "before": f.before, "after": f.after, "unit": f.unit}
                for f in self.figures
            ],
            "buttons": [
                {"id": b.id, "verb": b.verb, "confirm": b.confirm, "reason": b.reason}
                for b in self.buttons
            ],
            "deadline": None if self.deadline is None else rfc3339(self.deadline),
            "clock": self.clock,
            "escalates_to": list(self.escalates_to),
            "path": self.path,
            "drill": self.drill,
        }


def card_from_json(data: Mapping[str, Any]) -> Card:
    """The card that `Card.as_json` wrote."""
    level, deadline = data["level"], data["deadline"]
    return Card(
        kind=CardKind(data["kind"]),
        notice_id=data["notice_id"],
        object_id=data["object_id"],
        version=data["version"],
        person=data["person"],
        level=None if level is None else Level(level),
        title=_line(data["title"]),
        lines=tuple(_line(line) for line in data["lines"]),
        figures=tuple(Figure(**figure) for figure in data["figures"]),
        buttons=tuple(Button(**button) for button in data["buttons"]),
        deadline=None if deadline is None else parse_rfc3339(deadline),
        clock=data["clock"],
        escalates_to=tuple(data["escalates_to"]),
        path=data["path"],
        drill=data["drill"],
    )


def _line_json(line: Line) -> dict[str, Any]:
    return {"code": line.code, "params": plain(line.params)}


def _line(data: Mapping[str, Any]) -> Line:
    return Line(data["code"], dict(data["params"]))


def grouped(text: str) -> str:
    """A figure with its thousands apart and a real minus, as on every page.

    What is no finite number stays as it is.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return f"{number:,f}".replace("-", MINUS) if number.is_finite() else text


def button_id(object_id: str, version: int, verb: str) -> str:
    """The opaque id that a button carries, for example ``WO-20261122-017/3/acknowledge``."""
    return f"{object_id}/{version}/{verb}"


def parse_button_id(text: str) -> tuple[str, int, str] | None:
    """Object id, expected version and verb of a button id; None when it is none of ours."""
    object_id, slash, rest = text.partition("/")
    version, second, verb = rest.partition("/")
    # Only ASCII digits: a forged id must not crash the reader.
    if not (slash and second and object_id and verb and version.isascii() and version.isdigit()):
        return None
    if len(version) > 9 or "/" in verb:  # noqa: PLR2004 - nine digits never overflow a column
        return None
    return object_id, int(version), verb
