"""Test calls (拨测) as every surface starts, confirms and lists them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from directory import Directory, Role, ancestors, coverage
from directory.coverage import rosters
from service.application import Application, address_of
from service.approval_refresh import queue_refresh
from service.channels import channel_names_of
from service.on_call import seen, unit_of
from service.settings import Settings
from store import UnitOfWork
from workorders import Answer
from workorders.channel import Inbound
from workorders.levels import Level
from workorders.probe import CONFIRM, Probe, ProbeOutcome, Reach
from workorders.probes import confirm, reaches, start_probes

#: The coming week of the rosters, in which somebody must be known to be reached.
AHEAD = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Reached:
    """One person on one channel.

    Attributes:
        channel: empty for somebody who has an address on none.
        status: ``confirmed``, ``failed``, ``waiting``, ``unconfirmed``, ``told`` (sent, where
            nothing comes back), ``moved`` (to another address than the person's own now), ``never``
            (no test yet) or ``no_address``.
        last: the last test; None for none.
        confirmed: the last that was confirmed, at the address of now.
    """

    person: str
    channel: str
    status: str
    last: Probe | None = None
    confirmed: Probe | None = None


def start(uow: UnitOfWork, app: Application, person: str, channel: str = "") -> ProbeOutcome:
    """Test a person on one channel, or on each on which that one has an address.

    Args:
        uow: the transaction; its actor starts it.
        app: the application.
        person: somebody whom the actor sees.
        channel: one of those in use; empty for all.
    """
    around = app.directories.around(uow.connection)
    known = around.directory.person(person)
    return start_probes(
        uow,
        app.context(around),
        person,
        known.unit if known is not None else "",
        _addresses(around.directory, app.channel_names, person, app.settings),
        silent=[name for name, one in app.channels.items() if not one.interactive],
        asked=channel,
        active=known is not None and known.active,
    )


def press(uow: UnitOfWork, inbound: Inbound) -> Answer:
    """What a verified click, key or code on the card of a test call leads to."""
    number = inbound.object_id
    if inbound.verb != CONFIRM:
        return Answer(ok=False, code="UNKNOWN_VERB", object_id=number)
    outcome = confirm(uow, number, inbound.channel)
    if outcome.code == "TEST_CONFIRMED":
        queue_refresh(uow, number)
    return Answer(outcome.ok, outcome.code, number, inbound.version, dict(outcome.params))


def overview(
    connection: Connection, app: Application, people: Iterable[str], now: datetime
) -> list[Reached]:
    """What is known of these people, in their order: a line for each channel with an address."""
    directory = app.directories.around(connection).directory
    wanted = list(dict.fromkeys(people))
    known = reaches(connection, wanted)
    lines: list[Reached] = []
    for person in wanted:
        has = _addresses(directory, app.channel_names, person, app.settings)
        lines += _lines(person, has, known, now)
    return lines


def on_rosters(
    directory: Directory, now: datetime, kept: Collection[tuple[str, Role]] | None = None
) -> dict[tuple[str, Role], tuple[str, ...]]:
    """Who answers in the coming week, by roster; `kept` are the rosters that are asked for."""
    wanted = rosters(directory) if kept is None else kept
    return {(org, role): tuple(_answering(directory, org, role, now)) for org, role in wanted}


def people_on(directory: Directory, scopes: Sequence[str], now: datetime) -> list[str]:
    """Who answers in these units in the coming week, of the people inside them.

    Where no roster stands for a unit, who is told of a red order there now.
    """
    inside = [one for one in rosters(directory) if seen(one[0], scopes)]
    people = [one for week in on_rosters(directory, now, inside).values() for one in week]
    kept = {org for org, _ in rosters(directory)}
    for org in directory.nodes:
        if seen(org, scopes) and kept.isdisjoint(ancestors(org)):
            people += directory.assignees(org, Level.RED.value, now).people
    return [one for one in dict.fromkeys(people) if seen(unit_of(directory, one), scopes)]


def unreached(
    connection: Connection, directory: Directory, settings: Settings, now: datetime
) -> list[tuple[str, Role | None]]:
    """The rosters of whose coming week nobody has confirmed a test in the last `test_call_days`.

    A unit for which no roster stands is asked for those whom a red order there would be sent to; it
    has no role. A roster that names nobody at all is another fault, and told as one.
    """
    asked = _without_roster(directory, now)
    asked.update({(org, role): week for (org, role), week in on_rosters(directory, now).items()})
    people = {one for each in asked.values() for one in each}
    known, since = reaches(connection, people), now - timedelta(days=settings.test_call_days)
    fresh = {one for one in people if _reached_since(directory, settings, one, known, since)}
    return [where for where, each in asked.items() if each and fresh.isdisjoint(each)]


def _without_roster(
    directory: Directory, now: datetime
) -> dict[tuple[str, Role | None], tuple[str, ...]]:
    """Whom a red order goes to in units without a roster; those below who say the same left out."""
    kept = {org for org, _ in rosters(directory)}
    found: dict[tuple[str, Role | None], tuple[str, ...]] = {}
    for org in sorted(directory.nodes):
        above = ancestors(org)
        people = directory.assignees(org, Level.RED.value, now).people
        if kept.isdisjoint(above) and not any(found.get((one, None)) == people for one in above):
            found[org, None] = people
    return found


def _reached_since(
    directory: Directory,
    settings: Settings,
    person: str,
    known: Mapping[tuple[str, str], Reach],
    since: datetime,
) -> bool:
    has = _addresses(directory, channel_names_of(settings), person, settings)
    found = (
        _confirmed_at(known[person, channel], address)
        for channel, address in has.items()
        if (person, channel) in known
    )
    return any(one is not None and (one.confirmed_at or since) >= since for one in found)


def reached_document(directory: Directory, one: Reached) -> dict[str, Any]:
    """A line of `overview` for ``--json`` and the API, without any address."""
    known = directory.person(one.person)
    last, confirmed = one.last, one.confirmed
    return {
        "person": one.person,
        "name": known.name if known is not None else one.person,
        "channel": one.channel,
        "status": one.status,
        "test": None if last is None else probe_document(last),
        "last_confirmed_at": None if confirmed is None else confirmed.confirmed_at,
        "last_seconds": None if confirmed is None else confirmed.seconds,
    }


def probe_document(one: Probe) -> dict[str, Any]:
    """A test call for ``--json`` and the API."""
    return {
        "id": one.id,
        "person": one.person,
        "channel": one.channel,
        "state": one.state,
        "error": one.error,
        "started_by": one.started_by,
        "started_at": one.started_at,
        "ends_at": one.ends_at,
        "sent_at": one.sent_at,
        "confirmed_at": one.confirmed_at,
        "seconds": one.seconds,
    }


def _addresses(
    directory: Directory, channels: Iterable[str], person: str, settings: Settings
) -> dict[str, str]:
    found = {one: address_of(directory, person, one, settings) for one in channels}
    return {channel: address for channel, address in found.items() if address}


def _lines(
    person: str, has: Mapping[str, str], known: Mapping[tuple[str, str], Reach], now: datetime
) -> Iterator[Reached]:
    for channel, address in has.items():
        one = known.get((person, channel))
        if one is None:
            yield Reached(person, channel, "never")
        else:
            status = one.last.status(now) if one.last.went_to(address) else "moved"
            yield Reached(person, channel, status, one.last, _confirmed_at(one, address))
    if not has:
        yield Reached(person, "", "no_address")


def _confirmed_at(one: Reach, address: str) -> Probe | None:
    """The last confirmation, where it came from this address."""
    known = one.confirmed
    return known if known is not None and known.went_to(address) else None


def _answering(directory: Directory, org: str, role: Role, now: datetime) -> Iterator[str]:
    found = coverage(directory, org, role, now, now + AHEAD)
    # Who answers only because the roster names nobody is not on it.
    people = (answer.person for one in found if not one.gap for answer in one.answers)
    yield from dict.fromkeys(people)
