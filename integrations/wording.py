"""A card as text in one language: the same lines in chat, in mail and on the phone page.

The catalogues stand above this room (`service/i18n`), so the words are handed in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from approvals.state import REJECT_REASONS
from workorders.card import Card, CardKind, grouped
from workorders.triage import Reason


class Words(Protocol):
    """The words of one language."""

    def text(self, key: str, /, **params: Any) -> str:
        """The sentence of a catalogue key, with its parameters filled in."""

    def when(self, at: datetime, /) -> str:
        """A time as the reader's clock shows it."""


class Wording(Protocol):
    """Words by language; `languages` names them."""

    def words(self, language: str, /) -> Words:
        """The words of `language` (``zh`` or ``en``)."""


#: The unit of figures that are shares of a limit.
_RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class ButtonText:
    """A button with its label; `id` is opaque and carries no authority."""

    id: str
    verb: str
    label: str
    confirm: str = ""


@dataclass(frozen=True, slots=True)
class CardText:
    """What a reader sees of a card.

    Attributes:
        title: the first line: level, what and where.
        matter: the same without the level.
        words: the following lines without the figures.
        figures: name and value, ``before → after`` where signing changes it.
        deadline: until when, and to whom it goes then; empty without a deadline.
        link: the console page's address; it needs the intranet, and the line says so.
        buttons: what can be pressed.
        reasons: code and label, when one of the buttons needs a reason; else empty. `reasons_label`
            heads the list.
    """

    title: str
    words: tuple[str, ...]
    figures: tuple[tuple[str, str], ...]
    deadline: str
    link: str
    buttons: tuple[ButtonText, ...]
    reasons: tuple[tuple[str, str], ...] = ()
    reasons_label: str = ""
    matter: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """All lines between title and deadline, the figures last."""
        return (*self.words, *(f"{name} {change}" for name, change in self.figures))

    @property
    def plain(self) -> str:
        """Everything but the buttons as plain text."""
        return "\n".join([self.title, *self.lines, *filter(None, (self.deadline, self.link))])


def card_text(card: Card, words: Words, public_url: str) -> CardText:
    """The card in the words' language; `public_url` is the console's address without a slash."""
    level = words.text(f"level.{card.level.value}") if card.level is not None else ""
    drill = words.text("card.drill") if card.drill else ""
    test = words.text("card.test") if card.kind is CardKind.TEST else ""
    matter = _without_gaps(words.text(card.title.code, **_filled(card.title.params, words)))
    head = "".join(words.text("card.mark", text=part) for part in (drill, test, level) if part)
    lines = [words.text(line.code, **_filled(line.params, words)) for line in card.lines]
    figures = []
    for figure in card.figures:
        values = (one for one in (figure.before, figure.after) if one)
        change = " → ".join(_measured(one, figure.unit, words) for one in values)
        figures.append((words.text(figure.code), change))
    deadline = ""
    if card.deadline is not None:
        key = "card.deadline_then" if card.escalates_to else "card.deadline"
        clock = words.text(f"ui.clock.{card.clock}" if card.clock else "card.until")
        deadline = words.text(
            key, clock=clock, at=words.when(card.deadline), to=_joined(card.escalates_to, words)
        )
    link = words.text("card.link", url=public_url + card.path) if card.path else ""
    buttons = tuple(
        ButtonText(
            button.id,
            button.verb,
            words.text(f"button.{button.verb}"),
            words.text("card.confirm", verb=words.text(f"button.{button.verb}"))
            if button.confirm
            else "",
        )
        for button in card.buttons
    )
    reasons = _reasons(card, words)
    return CardText(
        title=head + matter,
        words=tuple(lines),
        figures=tuple(figures),
        deadline=deadline,
        link=link,
        buttons=buttons,
        reasons=reasons,
        reasons_label=words.text("card.reasons") if reasons else "",
        matter=matter,
    )


def _measured(value: str, unit: str, words: Words) -> str:
    """A figure with its unit; the use of a limit is written in percent, here as everywhere."""
    if unit == _RATIO:
        return f"{Decimal(value) * 100:,.0f} {words.text('unit.percent')}"
    shown = grouped(value)
    return f"{shown} {words.text(f'unit.{unit}')}" if unit else shown


def _reasons(card: Card, words: Words) -> tuple[tuple[str, str], ...]:
    """The list to choose from: of the approvals, or of the triage."""
    if not any(button.reason for button in card.buttons):
        return ()
    if card.kind is CardKind.ALERT:
        return tuple((one.value, words.text(f"triage.{one.value}")) for one in Reason)
    return tuple((one, words.text(f"approvals.reason.{one}")) for one in REJECT_REASONS)


def _without_gaps(title: str) -> str:
    """The parts of a title that say something: not every matter has a product and a month."""
    return " · ".join(part for one in title.split("·") if (part := one.strip()))


def _joined(names: Sequence[str], words: Words) -> str:
    return words.text("card.and").join(names)


def _filled(params: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """Parameters as text; a list of names is joined as the language joins names."""
    return {
        name: _joined([str(item) for item in value], words) if _are_names(value) else value
        for name, value in params.items()
    }


def _are_names(value: object) -> bool:
    """A list; one of mappings is sentences, whose words are the catalogue's."""
    return isinstance(value, list) and not any(isinstance(item, Mapping) for item in value)
