"""Clicks that wait in the inbox, carried out one by one as the people who pressed.

A click is accepted with its answer of 200 and carried out afterwards; who died in between finds it
in the inbox. Whether the person may, and whether the card was still true, is found out here.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import structlog

import trail
from agents.delivery import back_off
from agents.delivery import refresh as refresh_cards
from agents.reading import PASSING
from directory import CHATS, Person
from integrations import slack_forms
from service import approval_refresh
from service.api.faults import said
from service.application import Application
from service.inbound import linking, order_form
from service.inbound.acting import act_on
from service.retrying import retried
from store import UnitOfWork, inbox
from store.inbox import InboxRow
from store.problems import shorten
from workorders import Answer
from workorders.channel import Chat, Inbound
from workorders.errors import ChannelError
from workorders.plain import plain

#: A click that fails so often is given up: after some ten minutes.
MAX_TRIES = 8
FAILED = "CLICK_FAILED"
_HOUSE_WAIT = timedelta(seconds=15)
_LINK = "chat.link"
#: Where what was pressed cannot be completed by itself.
_LINK_FIRST = "chat.link_first"
#: Codes after which nothing needs to be said: the card itself shows it.
_PLAIN = frozenset({"DONE", "SIGNED", "APPROVED", "REJECTED", "RETURNED"})

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of one click: who is told what, privately."""

    person: str
    answer: Answer
    say: str = ""


def keep(uow: UnitOfWork, inbound: Inbound) -> bool:
    """Put a verified click into the inbox; False when this very request came before."""
    return inbox.accept(uow, inbound.channel, inbound.event_id, payload_of(inbound))


def payload_of(inbound: Inbound) -> dict[str, Any]:
    """A click as it stands in the inbox; `inbound_from` reads it."""
    parts = {"reply": dict(inbound.reply), "matter": dict(inbound.matter)}
    payload: dict[str, Any] = plain({**asdict(inbound), **parts})
    return payload


def accept(app: Application, inbound: Inbound) -> bool:
    """As `keep`, in a transaction of its own: it stands when this returns."""
    with app.store.unit_of_work(actor_of(inbound.channel)) as uow:
        return keep(uow, inbound)


def actor_of(channel: str) -> str:
    """Who acts while nobody is known yet."""
    return f"channel:{channel}"


def work_off(app: Application) -> int:
    """Carry out every click that waits; returns how many. A failing one is put off."""
    now = app.clock()
    with app.store.reader() as connection:
        waiting = [row for one in CHATS for row in inbox.pending(connection, source=one, now=now)]
    done = 0
    for row in waiting:
        try:
            done += _work(app, row)
        except Exception as fault:  # noqa: BLE001 - one click must not hold back the others
            _put_off(app, row, fault)
    if done:
        show_anew(app)
    return done


def _put_off(app: Application, row: InboxRow, fault: Exception) -> None:
    """Try a failed click again later, and in the end give it up: whoever pressed is told so.

    A fault of the house passes and costs the click no try.
    """
    passing = isinstance(fault, PASSING)
    error = f"{type(fault).__name__}: {shorten(str(fault))}"
    _log.error("a click failed", key=row.key, tries=row.tries + 1, fault=error)
    try:
        with app.store.unit_of_work(actor_of(row.source)) as uow:
            if passing or row.tries + 1 < MAX_TRIES:
                wait = _HOUSE_WAIT if passing else back_off(row.tries + 1, 0)
                inbox.put_off(uow, row.id, error, uow.now + wait, count=not passing)
                return
            told = _give_up(uow, row, fault)
    except Exception as worse:  # noqa: BLE001 - it stays in the inbox as it is
        _log.error("a failed click was not put off", key=row.key, fault=repr(worse))
        return
    if told is not None:
        person = person_of(app, told)
        language = person.language if person is not None else ""
        spoken = app.catalogues.words(language or app.settings.language)
        whisper(app, told, said(spoken, FAILED, {}))


def _give_up(uow: UnitOfWork, row: InboxRow, fault: Exception) -> Inbound | None:
    """Make a dead letter of a click, on record; None when somebody else was first."""
    object_id = str(row.payload.get("object_id", ""))
    answer = Answer(ok=False, code=FAILED, object_id=object_id)
    if not inbox.dead(uow, row.id, type(fault).__name__, plain(asdict(answer))):
        return None
    trail.record(
        uow,
        kind="access",
        action=f"{row.source}.give_up",
        object_type="click",
        object_id=row.key,
        outcome="failed",
        reason=FAILED,
        body={
            "object": object_id,
            "verb": str(row.payload.get("verb", "")),
            "user": str(row.payload.get("actor_ref", "")),
            "fault": type(fault).__name__,
            "tries": row.tries + 1,
        },
    )
    try:
        return inbound_from(row.payload)
    except TypeError:  # a click that cannot even be read
        return None


def show_anew(app: Application) -> None:
    """Show the cards that an act has made untrue; what cannot be shown now is tried again later."""
    try:
        refresh_cards(app.store, app.channels, CHATS)
        approval_refresh.refresh(app)
    except Exception:  # noqa: BLE001 - the act is done, whatever becomes of its cards
        _log.exception("cards were not shown anew")


def _work(app: Application, row: InboxRow) -> bool:
    inbound = inbound_from(row.payload)
    worked = carry_out(app, inbound, lambda uow, found: _consume(uow, row, found))
    if worked is None:
        return False
    if worked.answer.code == order_form.AGAIN and _form_shown(app, inbound, worked.person):
        return True
    if worked.say:
        whisper(app, inbound, worked.say)
    return True


def _form_shown(app: Application, inbound: Inbound, who: str) -> bool:
    person = app.directory.person(who)
    return person is not None and order_form.show(app, inbound, person)


def _consume(uow: UnitOfWork, row: InboxRow, answer: Answer) -> bool:
    return inbox.consume(uow, row.id, plain(asdict(answer)))


class _Taken(Exception):  # noqa: N818 - it only ends a transaction
    """Another process carried the click out first."""


def carry_out(
    app: Application, inbound: Inbound, consume: Callable[[UnitOfWork, Answer], bool]
) -> Worked | None:
    """Do what was asked, in one transaction with its mark in the inbox.

    Args:
        app: the application.
        inbound: the verified click.
        consume: marks it as done; False when that was done elsewhere, then nothing happens.

    Returns:
        What came of it; None when somebody else did it.
    """
    try:
        return retried(lambda: _once(app, inbound, consume))
    except _Taken:
        return None


def _once(
    app: Application, inbound: Inbound, consume: Callable[[UnitOfWork, Answer], bool]
) -> Worked:
    person = person_of(app, inbound)
    if person is None:
        return _unlinked(app, inbound, consume)
    if not person.active:
        return _shut_out(app, inbound, person, consume)
    with app.store.unit_of_work(person.id) as uow:
        answer = act_on(uow, app, inbound)
        if not consume(uow, answer):
            raise _Taken
    say = "" if answer.ok and answer.code in _PLAIN else sentence(app, person, answer)
    return Worked(person.id, answer, say)


def person_of(app: Application, inbound: Inbound) -> Person | None:
    """The person who pressed, by team and user id; never by a name."""
    return app.directory.person_by_account(linking.account_of(inbound))


def _unlinked(
    app: Application, inbound: Inbound, consume: Callable[[UnitOfWork, Answer], bool]
) -> Worked:
    answer = Answer(ok=False, code="LINK_OFFERED", object_id=inbound.object_id)
    with app.store.unit_of_work(actor_of(inbound.channel)) as uow:
        url = linking.offer(uow, app, inbound)
        trail.record(
            uow,
            kind="access",
            action=f"{inbound.channel}.offer_link",
            object_type=f"{inbound.channel}_user",
            object_id=inbound.actor_ref,
            outcome="offered",
            body={"object": inbound.object_id, "verb": inbound.verb},
        )
        if not consume(uow, answer):
            raise _Taken
    key = _LINK_FIRST if inbound.verb == slack_forms.SHOW_FORM else _LINK
    return Worked("", answer, link_offer(app, inbound.channel, url, key))


def link_offer(app: Application, channel: str, url: str, key: str = _LINK) -> str:
    """What a stranger is told; the language is the house's."""
    spoken = app.catalogues.words(app.settings.language)
    return spoken.text(key, chat=spoken.text(f"chat.name.{channel}"), url=url)


def _shut_out(
    app: Application,
    inbound: Inbound,
    person: Person,
    consume: Callable[[UnitOfWork, Answer], bool],
) -> Worked:
    answer = Answer(ok=False, code="INACTIVE_PERSON", object_id=inbound.object_id)
    with app.store.unit_of_work(actor_of(inbound.channel)) as uow:
        trail.record(
            uow,
            kind="access",
            action=f"{inbound.channel}.refuse",
            object_type="person",
            object_id=person.id,
            org=person.unit,
            outcome="refused",
            reason="INACTIVE_PERSON",
            body={"object": inbound.object_id, "verb": inbound.verb},
        )
        if not consume(uow, answer):
            raise _Taken
    return Worked(person.id, answer, sentence(app, person, answer))


def sentence(app: Application, person: Person, answer: Answer, language: str = "") -> str:
    """What a person is told: the outcome, and what is on record when somebody was first.

    Args:
        app: its words and people.
        person: who is told.
        answer: what came of the act.
        language: of the page on which it stands; empty for a message, in the person's own.
    """
    spoken = app.catalogues.words(language or person.language or app.settings.language)
    params = plain(dict(answer.params))
    text = said(spoken, answer.code, params)
    state, who = params.get("state"), params.get("actor")
    if not state or not who:
        return text
    known = app.directory.person(str(who))
    keys = (f"state.{state}", f"approvals.status.{state}", f"alert_state.{state}")
    shown = spoken.words.first(*keys)
    return spoken.text(
        "chat.recorded",
        text=text,
        state_words=shown,
        actor=known.name if known is not None else who,
        at=params.get("at") or "",
    )


def whisper(app: Application, inbound: Inbound, text: str) -> None:
    """Answer privately where it was pressed; that it cannot be said changes nothing."""
    channel = app.channels.get(inbound.channel)
    if not isinstance(channel, Chat) or not inbound.reply:
        return
    try:
        channel.whisper(inbound.reply, text)
    except ChannelError as fault:
        _log.warning("not answered", object=inbound.object_id, fault=str(fault))


def inbound_from(payload: Mapping[str, Any]) -> Inbound:
    """The click as `keep` wrote it."""
    return Inbound(**payload)
