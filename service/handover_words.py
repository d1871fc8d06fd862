"""What a line of a hand-over sheet is about, in the reader's words: page, workbook and command."""

from collections.abc import Callable

from service.i18n import Words
from workorders.handover import Item, Thing


def what_of(
    item: Item, words: Words, *, title: Callable[[str], str], person: Callable[[str], str]
) -> str:
    """An approval by its kind, a feed by its state, a silence or an exemption by what it covers.

    Args:
        item: a line that is neither an order nor an alert.
        words: of the reader's language.
        title: the title of a rule's code.
        person: the name of a person.
    """
    if item.thing is Thing.APPROVAL:
        return words.text(f"approvals.kind.{item.code}")
    if item.thing is Thing.FEED:
        return words.text(f"handover_feed.{item.code}")
    if item.thing is Thing.EXEMPTION:
        return words.text("handover.exemption", what=title(item.code), cap=item.about)
    colours = words.text("ui.list_comma").join(words.text(f"level.{one}") for one in item.levels)
    parts = (
        title(item.code) if item.code else "",
        item.about,
        words.text("ui.silences.cards_of", person=person(item.actor)) if item.actor else "",
    )
    what = " · ".join(part for part in parts if part) or words.text("ui.silences.everything")
    return words.text("handover.silence", what=what, levels=colours)
