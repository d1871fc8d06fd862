"""The hand-over sheet as a card, sent at a change of shift. Drawing only."""

from collections.abc import Sequence
from datetime import datetime

from store.clock import rfc3339
from workorders.card import Card, CardKind, Line
from workorders.handover import Item, Section, Thing
from workorders.handover_items import counts
from workorders.levels import Level

#: Lines of single matters on one card; the whole sheet stands in the console.
MOST = 12


def sheet_card(
    items: Sequence[Item],
    *,
    org: str,
    at: datetime,
    person: str,
    leaving: Sequence[str],
    coming: Sequence[str],
    notice_id: str,
) -> Card:
    """What stands at `org` when the shift changes, for one person; without buttons.

    Args:
        items: in the order of the sheet.
        org: the unit whose shift changes.
        at: the moment of the change.
        person: whom the card is for.
        leaving: who answered until now.
        coming: who answers from now on; empty where nobody follows.
        notice_id: idempotency id of the delivery.
    """
    known = counts(items)
    lines = [Line("card.shift.from", {"person": one}) for one in leaving]
    lines += [Line("card.shift.to", {"person": one}) for one in coming]
    if not coming:
        lines.append(Line("card.shift.nobody"))
    lines += [
        Line(f"card.shift.count.{section.value}", {"count": known[section]})
        for section in Section
        if known[section]
    ]
    lines += [_line(item) for item in items[:MOST]]
    if len(items) > MOST:
        lines.append(Line("brief.more", {"count": len(items) - MOST}))
    levels = [Level(item.level) for item in items if item.level]
    return Card(
        kind=CardKind.BRIEF,
        notice_id=notice_id,
        object_id=notice_id,
        version=1,
        person=person,
        level=max(levels, key=lambda level: level.rank, default=None),
        title=Line("card.shift.title", {"place": org, "at": rfc3339(at)}),
        lines=tuple(lines),
        path="/handover",
    )


def _line(item: Item) -> Line:
    """One line of the sheet: number, contract and unit, who has it."""
    contract = f"{item.product} {item.month}".strip()
    what = " · ".join(part for part in (item.id, contract) if part)
    params = {"what": what, "place": item.org}
    if item.thing is Thing.FEED:
        return Line(f"card.shift.feed.{item.state}", params)
    if item.owner and item.thing not in {Thing.SILENCE, Thing.EXEMPTION}:
        return Line("card.shift.owned", {**params, "person": item.owner})
    return Line("card.shift.item", params)
