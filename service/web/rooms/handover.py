"""交接班: from what stands now, or from a sheet, to the page."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlencode

from sqlalchemy import Connection

from agents.feed_states import feeds_at_fault
from service.handover_words import what_of
from service.matters import kept_from
from service.web.rooms.here import Here
from service.web.rooms.manual_orders import units
from service.web.views.handover import (
    HandoverLine,
    HandoverPage,
    HandoverSection,
    SheetLine,
)
from service.web.views.orders import Pair
from service.web.views.parts import Act, Choice, FormField, Link
from workorders.context import Context
from workorders.handing_over import (
    PERMISSION,
    in_hand,
    list_handovers,
    moved_since,
    waiting_sheet,
)
from workorders.handover import (
    Handover,
    HandoverState,
    Item,
    Move,
    Section,
    Thing,
    digest_of_moves,
)
from workorders.handover_items import items_of

_EARLIER = 20


def unit_of(here: Here, org: str) -> str:
    """The unit to look at: the wanted one, else the chosen, else the person's own if it is seen."""
    seen = units(here)
    for path in (org, here.org, here.signed.person.unit):
        if path in seen:
            return path
    return seen[0] if seen else ""


def now_page(here: Here, connection: Connection, context: Context, org: str) -> HandoverPage:
    """What would be handed over now, with the button that does it."""
    items = lines_now(here, connection, context, org)
    waiting = waiting_sheet(connection, org)
    seen = units(here)
    return HandoverPage(
        title=here.names.unit(org),
        unit=here.names.unit(org),
        state="now",
        at=here.now,
        sections=_sections(here, items),
        empty=_empty(here, items),
        acts=(_give(here, org, waiting),),
        waiting=None
        if waiting is None
        else Link(
            here.text(
                "ui.handover.waiting",
                number=waiting.id,
                person=here.names.person(waiting.given_by),
                at=here.reader.format.minute(waiting.given_at),
            ),
            sheet_url(waiting),
        ),
        units=tuple(Choice(one, here.names.unit(one), one == org) for one in seen)
        if len(seen) > 1
        else (),
        sheets=tuple(_earlier(here, connection)),
        export_url=f"/handover.xlsx?{urlencode({'org': org})}" if items else "",
    )


def lines_now(here: Here, connection: Connection, context: Context, org: str) -> tuple[Item, ...]:
    """What would be handed over now, as far as the reader may see it."""
    items = items_of(connection, context, org, here.now, feeds_at_fault(connection))
    return kept_from(connection, here.scopes).lines(items)


def sheet_page(
    here: Here, connection: Connection, context: Context, sheet: Handover
) -> HandoverPage:
    """One sheet as it was signed, and what moved since."""
    found = moved_since(connection, context, sheet, here.now, feeds_at_fault(connection))
    kept = kept_from(connection, here.scopes)
    sheet = kept.sheet(sheet)
    return HandoverPage(
        title=sheet.id,
        unit=here.names.unit(sheet.org),
        state=sheet.state.value,
        at=sheet.given_at,
        sections=_sections(here, sheet.items),
        empty=_empty(here, sheet.items),
        moved=tuple(_moved(here, one) for one in kept.moved(found)),
        signed=tuple(_signed(here, sheet)),
        acts=tuple(_second(here, sheet, found)) if sheet.state is HandoverState.GIVEN else (),
        sheets=tuple(_earlier(here, connection)),
        export_url=f"/handover.xlsx?{urlencode({'sheet': sheet.id})}" if sheet.items else "",
    )


def sheet_url(sheet: Handover) -> str:
    """The page of a sheet."""
    return f"/handover/{quote(sheet.id)}"


def lines_of(here: Here, items: Iterable[Item]) -> list[HandoverLine]:
    """The lines of these matters, in their order."""
    return [_line(here, item) for item in items]


def waiting_links(here: Here, connection: Connection) -> tuple[Link, ...]:
    """The sheets that this person could take over now, for the first page."""
    found = list_handovers(connection, here.scopes, state=HandoverState.GIVEN)
    return tuple(
        Link(
            here.text(
                "ui.handover.to_take",
                person=here.names.person(one.given_by),
                unit=here.names.unit(one.org),
                at=here.reader.format.minute(one.given_at),
            ),
            sheet_url(one),
        )
        for one in found
        if one.given_by != here.person and here.may(PERMISSION, one.org)
    )


# --- lines --------------------------------------------------------------------------------------


def _sections(here: Here, items: Sequence[Item]) -> tuple[HandoverSection, ...]:
    return tuple(
        HandoverSection(
            section.value, tuple(lines_of(here, (one for one in items if one.section is section)))
        )
        for section in Section
    )


def _empty(here: Here, items: Sequence[Item]) -> str:
    """Nothing there is told too: whoever signs has looked at it."""
    there = {item.section for item in items}
    names = [here.text(f"handover_section.{one.value}") for one in Section if one not in there]
    if not names:
        return ""
    return here.text("ui.handover.none", sections=here.text("ui.list_comma").join(names))


def _line(here: Here, item: Item, move: str = "", was: str = "") -> HandoverLine:
    return HandoverLine(
        level=item.level,
        thing=item.thing.value,
        number=here.names.actor(item.id) if item.thing is Thing.FEED else item.id,
        url=_url(item),
        subject=_subject(here, item),
        unit=here.names.unit(item.org),
        state=_state(here, item),
        owner=here.names.person(item.owner) if item.owner else "",
        due=item.due,
        move=move,
        was=was,
    )


def _moved(here: Here, move: Move) -> HandoverLine:
    was = ""
    if move.was is not None:
        before = [_state(here, move.was)]
        if move.was.level != move.item.level:
            before.insert(0, here.text(f"ui.level.{move.was.level}"))
        if move.was.owner != move.item.owner:
            before.append(here.names.person(move.was.owner) or here.text("ui.handover.nobody"))
        was = here.text("ui.list_comma").join(before)
    return _line(here, move.item, move.kind.value, was)


def _url(item: Item) -> str:
    return {
        Thing.ORDER: f"/orders/{quote(item.id)}",
        Thing.ALERT: f"/alerts?alert={quote(item.id)}",
        Thing.APPROVAL: f"/approvals/{quote(item.id)}",
        Thing.SILENCE: "/silences",
        Thing.EXEMPTION: "/exemptions",
        Thing.FEED: f"/log?{urlencode({'source': item.id})}",
    }[item.thing]


def _subject(here: Here, item: Item) -> str:
    names = here.names
    if item.thing in {Thing.ORDER, Thing.ALERT}:
        return names.matter(
            item.code,
            item.product,
            item.month,
            cause=item.cause,
            number=item.about,
            actor=item.actor,
        )
    what = what_of(item, here.reader.words, title=names.title, person=names.person)
    return f"{names.contract(item.product)} {what}".strip()


def _state(here: Here, item: Item) -> str:
    word = item.state.partition("/")[0]
    key = {
        Thing.ORDER: "ui.state",
        Thing.ALERT: "ui.alert_state",
        Thing.APPROVAL: "approvals.status",
        Thing.SILENCE: "silence_state",
        Thing.EXEMPTION: "exemption_state",
        Thing.FEED: "handover_feed",
    }[item.thing]
    return here.text(f"{key}.{word}")


# --- signatures ---------------------------------------------------------------------------------


def _signed(here: Here, sheet: Handover) -> Iterable[Pair]:
    text, names, moment = here.text, here.names, here.reader.format.moment
    who = text(
        "ui.handover.signature", person=names.person(sheet.given_by), at=moment(sheet.given_at)
    )
    yield Pair(text("ui.handover.given"), who)
    if sheet.given_note:
        yield Pair(text("ui.handover.note"), sheet.given_note)
    if sheet.ended_at is not None:
        end = text(
            "ui.handover.signature", person=names.person(sheet.ended_by), at=moment(sheet.ended_at)
        )
        yield Pair(text(f"ui.handover.{sheet.state.value}"), end)
    if sheet.taken_note:
        yield Pair(text("ui.handover.note"), sheet.taken_note)
    if sheet.orders:
        which = text("ui.list_comma").join(sheet.orders)
        yield Pair(text("ui.handover.orders"), which)
    yield Pair(text("ui.handover.digest"), sheet.digest)


def _note(here: Here) -> FormField:
    return FormField(
        "note", here.text("ui.handover.note"), "textarea", hint=here.text("ui.handover.note_hint")
    )


def _give(here: Here, org: str, waiting: Handover | None) -> Act:
    why = here.why_not(PERMISSION, org)
    if not why and waiting is not None:
        why = here.text("ui.handover.one_waits", number=waiting.id)
    return Act(
        here.text("ui.act.handover_give"),
        "/handover",
        "give",
        "primary",
        why,
        (FormField("org", kind="hidden", value=org), _note(here)),
        confirm=here.text("ui.handover.give_ask", unit=here.names.unit(org)),
    )


def _second(here: Here, sheet: Handover, found: Sequence[Move]) -> Iterable[Act]:
    text, base = here.text, sheet_url(sheet)
    why = here.why_not(PERMISSION, sheet.org)
    own = sheet.given_by == here.person
    mine = in_hand(sheet)
    fields = [FormField("seen", kind="hidden", value=digest_of_moves(found)), _note(here)]
    if mine:
        choices = (
            Choice("", text("ui.handover.own_no")),
            Choice("1", text("ui.handover.own_yes", count=len(mine))),
        )
        which = text("ui.list_comma").join(item.id for item in mine)
        fields.append(
            FormField("own", text("ui.handover.own"), "select", choices=choices, hint=which)
        )
    yield Act(
        text("ui.act.handover_take"), f"{base}/take", "take", "primary",
        why or (text("ui.handover.not_both") if own else ""), tuple(fields),
        confirm=text("ui.handover.take_ask", number=sheet.id, count=len(found)),
    )  # fmt: skip
    if own:
        yield Act(
            text("ui.act.handover_withdraw"), f"{base}/withdraw", "withdraw", "plain", why,
            (_note(here),), confirm=text("ui.handover.withdraw_ask", number=sheet.id),
        )  # fmt: skip


def _earlier(here: Here, connection: Connection) -> Iterable[SheetLine]:
    for one in list_handovers(connection, here.scopes, limit=_EARLIER):
        yield SheetLine(
            one.id, sheet_url(one), here.names.unit(one.org), one.state.value,
            here.names.person(one.given_by), one.given_at,
            here.names.person(one.ended_by) if one.ended_by else "", one.ended_at,
            len(one.items),
        )  # fmt: skip
