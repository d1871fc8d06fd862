"""The slash command: `orders`, `show <id>`, `ack <id>`, `oncall`.

Looking is answered at once and privately; what acts goes the way of a click.
"""

from directory import Person
from service.application import Application
from service.i18n.wording import Spoken
from service.inbound import clicks, linking
from workorders import WorkOrder, reads
from workorders.channel import Inbound

_MOST = 10


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
    match verb.lower():
        case "orders" | "工单":
            return _orders(app, person, spoken)
        case "show" | "查看":
            return _show(app, person, spoken, order_id)
        case "ack" | "确认":
            return _acknowledge(app, person, spoken, inbound, order_id)
        case "oncall" | "值班":
            return _on_call(app, person, spoken)
        case _:
            return spoken.text("chat.help", command=command).strip()


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
