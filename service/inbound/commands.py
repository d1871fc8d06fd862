"""The slash command: `orders`, `show <id>`, `ack <id>`, `oncall`, `open <level> <unit> <text>`.

Looking is answered at once and privately; what acts goes the way of a click.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from directory import Person
from integrations.slack_forms import OPEN_ORDER
from service.application import Application
from service.by_hand import places
from service.i18n.wording import Spoken
from service.inbound import clicks, linking
from workorders import WorkOrder, reads
from workorders.channel import Inbound
from workorders.errors import BadLevel
from workorders.levels import parse_level

_MOST = 10
#: What may stand between a unit and the words after it.
_ENDS = " \n:：,，"


def answer(app: Application, inbound: Inbound, text: str, command: str) -> str | Inbound:
    """The text of the answer, or the act that the command asks for.

    Args:
        app: the application.
        inbound: who asked, and where to answer; it names no act yet.
        text: what was written.
        command: what stands before it in this chat; empty for nothing.
    """
    person = clicks.person_of(app, inbound)
    if person is None or not person.active:
        return _stranger(app, inbound, person)
    spoken = app.catalogues.words(person.language or app.settings.language)
    verb, _, rest = text.strip().partition(" ")
    order_id = rest.strip()
    said: str | Inbound
    match verb.lower():
        case "orders" | "工单":
            said = _orders(app, person, spoken)
        case "show" | "查看":
            said = _show(app, person, spoken, order_id)
        case "ack" | "确认":
            said = _acknowledge(app, person, spoken, inbound, order_id)
        case "oncall" | "值班":
            said = _on_call(app, person, spoken)
        case "open" | "建单":
            said = _open(app, person, spoken, inbound, rest)
        case _:
            said = spoken.text("chat.help", command=command).strip()
    return said


def _stranger(app: Application, inbound: Inbound, person: Person | None) -> str:
    spoken = app.catalogues.words(app.settings.language)
    if person is not None:
        return spoken.text("reason.INACTIVE_PERSON")
    with app.store.unit_of_work(clicks.actor_of(inbound.channel)) as uow:
        url = linking.offer(uow, app, inbound)
    return clicks.link_offer(app, inbound.channel, url)


def _scopes(app: Application, person: Person) -> tuple[str, ...]:
    return app.directory.visible_scopes(person.id, app.clock())


def _orders(app: Application, person: Person, spoken: Spoken) -> str:
    wanted = reads.Filter(states=[state.value for state in reads.ACTIVE])
    with app.store.reader() as connection:
        page = reads.list_orders(connection, _scopes(app, person), wanted, limit=_MOST)
    if not page.items:
        return spoken.text("chat.no_orders")
    return "\n".join(_line(spoken, order) for order in page.items)


def _line(spoken: Spoken, order: WorkOrder) -> str:
    return spoken.text(
        "chat.order",
        id=order.id,
        level=order.level.value,
        code=str(order.title_params.get("code", "")),
        place=order.org,
        state=order.state.value,
    )


def _found(app: Application, person: Person, order_id: str) -> WorkOrder | None:
    with app.store.reader() as connection:
        return reads.get_order(connection, order_id, _scopes(app, person))


def _show(app: Application, person: Person, spoken: Spoken, order_id: str) -> str:
    order = _found(app, person, order_id)
    if order is None:
        return spoken.text("reason.UNKNOWN_ORDER")
    with app.store.reader() as connection:
        explained = reads.explanation(connection, order)
    lines = [_line(spoken, order)]
    lines += [
        spoken.text(line.code, **line.params)
        for line in (explained.broke, explained.since, *explained.back)
    ]
    return "\n".join(lines)


def _acknowledge(
    app: Application, person: Person, spoken: Spoken, inbound: Inbound, order_id: str
) -> str | Inbound:
    order = _found(app, person, order_id)
    if order is None:
        return spoken.text("reason.UNKNOWN_ORDER")
    return Inbound(
        channel=inbound.channel,
        actor_ref=inbound.actor_ref,
        object_id=order.id,
        verb="acknowledge",
        version=order.version,
        event_id=inbound.event_id,
        reply=inbound.reply,
    )


def _on_call(app: Application, person: Person, spoken: Spoken) -> str:
    found = app.directory.on_call(person.unit, app.clock())
    if found is None:
        return spoken.text("chat.nobody_on_call")
    known = (app.directory.person(one) for one in found.people)
    names = [one.name for one in known if one is not None]
    return spoken.text("chat.on_call", people=spoken.text("card.and").join(names))


def _open(
    app: Application, person: Person, spoken: Spoken, inbound: Inbound, rest: str
) -> str | Inbound:
    """An order with what was written; the unit may be left out where there is one only."""
    word, _, said = rest.strip().partition(" ")
    try:
        level = parse_level(word)
    except BadLevel:
        return spoken.text("chat.open_level")
    units = places(app.directory, person.id, app.clock())
    unit, text = _unit_of(units, said.strip())
    others = [path for path in app.directory.nodes if path not in units]
    # Who names a unit that is not theirs does not mean their own.
    elsewhere = bool(units) and not unit and bool(_unit_of(others, said.strip())[0])
    if elsewhere or (not unit and len(units) > 1):
        return spoken.text("chat.open_unit", units=spoken.text("ui.list_comma").join(units))
    matter = {
        # Without a unit the person may open none: that is found out, and recorded, with the act.
        "org": unit or (units[0] if units else person.unit),
        "level": level.value,
        "product": "",
        "text": text,
    }
    return replace(inbound, verb=OPEN_ORDER, matter=matter)


def _unit_of(units: Sequence[str], said: str) -> tuple[str, str]:
    """The unit with which the words begin, by path or by its own name, and the words after it."""
    own = Counter(path.rpartition("/")[2].casefold() for path in units)
    for path in sorted(units, key=len, reverse=True):
        last = path.rpartition("/")[2]
        for name in (path, last) if own[last.casefold()] == 1 else (path,):
            begun, after = said[: len(name)], said[len(name) :]
            if begun.casefold() == name.casefold() and (not after or after[0] in _ENDS):
                return path, after.lstrip(_ENDS)
    return "", said
