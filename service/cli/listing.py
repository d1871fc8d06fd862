"""Orders and alerts as rows: the scopes of the reader, filters, JSON."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import select

from service.application import Application
from service.cli.desk import Desk, WrongCall
from store.problems import did_you_mean, shorten
from workorders import reads
from workorders.errors import BadLevel
from workorders.levels import Level, parse_level
from workorders.model import Alert, Entry, WorkOrder
from workorders.rows import ALERTS, ORDERS

_HIDDEN = frozenset({"policy", "lead_key"})


def scopes_of(desk: Desk, app: Application, user: str) -> tuple[str, ...]:
    """What the reader sees: everything from the machine, a person's own scopes with `--as`."""
    if user:
        person = desk.acting(app, user)
        return app.directory.visible_scopes(person, app.clock())
    with app.store.reader() as connection:
        found = {
            org.partition("/")[0]
            for table in (ORDERS, ALERTS)
            for org in connection.execute(select(table.c.org).distinct()).scalars()
        }
    return tuple(sorted(found))


def levels_of(words: Sequence[str] | None) -> tuple[Level, ...]:
    """Colours from the command line, in either language.

    Raises:
        WrongCall: for a word that is no colour.
    """
    try:
        return tuple(parse_level(word) for word in words or ())
    except BadLevel as fault:
        allowed = ", ".join(level.value for level in Level)
        raise WrongCall("cli.not_a_level", allowed=allowed) from fault


def states_of(words: Sequence[str] | None, allowed: Sequence[str]) -> tuple[str, ...]:
    """States from the command line.

    Raises:
        WrongCall: for a word that is no state.
    """
    for word in words or ():
        if word not in allowed:
            hint = did_you_mean(word, allowed)
            raise WrongCall("cli.not_a_state", found=word, allowed=", ".join(allowed), hint=hint)
    return tuple(words or ())


def refuse_cursor(cursor: str) -> None:
    """A cursor comes from the page before.

    Raises:
        WrongCall: for any other text.
    """
    if cursor and not reads.is_cursor(cursor):
        raise WrongCall("cli.bad_cursor", found=shorten(cursor))


def order_json(order: WorkOrder) -> dict[str, Any]:
    """A work order for `--json`; the frozen policy and inner keys stay inside."""
    return {f.name: getattr(order, f.name) for f in fields(order) if f.name not in _HIDDEN}


def alert_json(alert: Alert) -> dict[str, Any]:
    """An alert for `--json`."""
    return {f.name: getattr(alert, f.name) for f in fields(alert) if f.name != "key"}


def entry_json(entry: Entry) -> dict[str, Any]:
    """A line of the stream for `--json`."""
    return {f.name: getattr(entry, f.name) for f in fields(entry)}


def title_of(desk: Desk, app: Application, code: str) -> str:
    """The title of a rule's code in the reader's language."""
    return app.catalogues.words(desk.words.language).value("code", code) or code
