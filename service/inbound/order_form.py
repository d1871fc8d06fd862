"""A work order from a message: the form of Slack's shortcut, and what is done with it.

The shortcut waits in the inbox as a click does; what it brought is kept there, and the form only
names it. Who may open an order, and where, is found out when the form is sent.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import structlog

from directory import Directory, Person
from integrations.slack import SlackChannel
from integrations.slack_forms import form, unit_code
from service.application import Application
from service.by_hand import CODE, Fault, Wish, judge, places
from store import UnitOfWork, inbox
from store.clock import parse_rfc3339
from workorders import Answer, ManualOrder, open_by_hand
from workorders.channel import Inbound
from workorders.errors import ChannelError, ConcurrentChange
from workorders.levels import Level
from workorders.manual import ChatMessage, refuse_by_hand

#: Said where no form could be opened: also after an account was tied, when its trigger is over.
AGAIN = "SHORTCUT_AGAIN"
OPENED = "ORDER_OPENED"
BEFORE = "OPENED_BEFORE"
NOT_OPENED = "ORDER_NOT_OPENED"
#: In the inbox, what became of a form and of a message, so that neither makes two orders.
_MADE = "orders.by_hand"
_FORM = "form/"

_log = structlog.get_logger(__name__)


def asked(uow: UnitOfWork, app: Application) -> Answer:
    """Somebody used the shortcut: whether there is a unit in which the person may open an order."""
    around = app.directories.around(uow.connection)
    if places(around.directory, uow.actor, uow.now):
        return Answer(ok=True, code=AGAIN, object_id="")
    person = around.directory.person(uow.actor)
    org = person.unit if person is not None else ""
    refused = refuse_by_hand(uow, CODE, org)
    return Answer(ok=False, code=refused.code, object_id="")


def show(app: Application, inbound: Inbound, person: Person) -> bool:
    """Open the form; False when Slack did not, whatever it says."""
    channel = app.channels.get(inbound.channel)
    trigger = inbound.matter.get("trigger")
    if not isinstance(channel, SlackChannel) or not trigger:
        return False
    known = app.directory
    words = app.catalogues.words(person.language or app.settings.language)
    units = [
        (path, _name(known, path, words.words.language))
        for path in places(known, person.id, app.clock())
    ]
    try:
        channel.open_form(trigger, form(words, units, inbound))
    except ChannelError as fault:
        _log.warning("the form was not opened", fault=str(fault))
        return False
    return True


def _name(directory: Directory, path: str, language: str) -> str:
    """A unit by its names from the root on, so that two of one name can be told apart."""
    parts = path.split("/")
    names = []
    for count in range(1, len(parts) + 1):
        node = directory.nodes.get("/".join(parts[:count]))
        named = (node.name_zh if language == "zh" else node.name_en) if node is not None else ""
        names.append(named or parts[count - 1])
    return " / ".join(names)


def open_order(uow: UnitOfWork, app: Application, inbound: Inbound) -> Answer:
    """Open the order that a form asks for, once, as the unit's actor, with the rights of now.

    Raises:
        workorders.errors.ConcurrentChange: somebody else was opening it in this moment.
    """
    around = app.directories.around(uow.connection)
    person = around.directory.person(uow.actor)
    language = (person.language if person is not None else "") or app.settings.language
    words = app.catalogues.words(language).words
    filled, message = inbound.matter, _message(uow, inbound)
    unit = _unit(around.directory, str(filled["org"]))
    units = places(around.directory, uow.actor, uow.now)
    wish = Wish(unit, str(filled["level"]), str(filled["text"]), str(filled["product"]))
    if unit in around.directory.nodes and unit not in units:
        refused = refuse_by_hand(uow, CODE, unit)
        if around.directory.sees(uow.actor, unit, uow.now).allowed:
            return _faulty({"org": Fault(f"reason.{refused.code}", {})})
    if "shortcut" in filled and not message:
        return _faulty({"text": Fault("order_form.lost", {})})
    judged = judge(uow.connection, words, wish, units, uow.now)
    if judged.faults:
        return _faulty(judged.faults)
    claims = _claims(filled, message, unit)
    for claim in claims:
        known = inbox.outcome(uow.connection, _MADE, claim)
        if known is not None:
            return _again(known, unit, claim)
    wanted = ManualOrder(
        CODE,
        Level(wish.level),
        unit,
        product=judged.product,
        text=wish.text,
        message=_evidence(inbound.channel, message) if message else None,
    )
    opened = open_by_hand(uow, app.context(around), wanted)
    if not opened.ok or opened.order is None:
        return _faulty({"org": Fault(f"reason.{opened.code}", {})})
    number = opened.order.id
    made = {"order": number, "org": unit, "actor": uow.actor, "at": uow.now.isoformat()}
    for claim in claims:
        if not inbox.settle(uow, _MADE, claim, {}, made):
            raise ConcurrentChange(number)
    url = f"{app.settings.public_url.rstrip('/')}/orders/{number}"
    return Answer(True, OPENED, number, opened.order.version, {"number": number, "url": url})


def faults(answer: Answer) -> Mapping[str, Mapping[str, Any]]:
    """What is wrong, by field of the form: a sentence as the catalogues take it."""
    return {str(one["field"]): one for one in answer.params.get("faults", ())}


def _faulty(found: Mapping[str, Fault]) -> Answer:
    told = [{"say": one.key, "field": field, **one.params} for field, one in found.items()]
    return Answer(False, NOT_OPENED, "", 0, {"faults": told})


def _again(made: Mapping[str, Any], unit: str, claim: str) -> Answer:
    """The same form once more is answered as before; another one is told of the order."""
    number = str(made["order"])
    if claim.startswith(_FORM) and made["org"] == unit:
        return Answer(ok=True, code="DONE", object_id=number)
    params = {"number": number, "actor": made["actor"], "at": made["at"]}
    return _faulty({"org": Fault(f"reason.{BEFORE}", params)})


def _claims(filled: Mapping[str, Any], message: Mapping[str, Any], unit: str) -> list[str]:
    """What may lead to one order only: the form, and the message within a unit."""
    if not message:
        return []
    told = sha256(f"{message['id']} {unit}".encode()).hexdigest()
    return [f"{_FORM}{filled['view']}", f"message/{told}"]


def _unit(directory: Directory, named: str) -> str:
    """The unit that an option of the form, or a path, stands for; empty for none."""
    if named in directory.nodes:
        return named
    return next((path for path in directory.nodes if unit_code(path) == named), "")


def _message(uow: UnitOfWork, inbound: Inbound) -> Mapping[str, Any]:
    """The message behind a form, which stands in the inbox since the shortcut was used."""
    key = inbound.matter.get("shortcut")
    kept = inbox.payload(uow.connection, inbound.channel, str(key)) if key else None
    if kept is None or kept["actor_ref"] != inbound.actor_ref:
        return {}
    found: Mapping[str, Any] = kept["matter"]["message"]
    return found


def _evidence(channel: str, message: Mapping[str, Any]) -> ChatMessage:
    return ChatMessage(
        channel=channel,
        sender=message["sender"],
        sent_at=parse_rfc3339(message["sent_at"]),
        link=message["link"],
        text=message["text"],
    )
