"""Incidents from a file in the form that `docs/en/incidents.md` describes.

Of an incident only `setup` makes the product's directory and book; `expected` serves the comparison
that is printed, and nothing that detects or decides reads it. Whatever cannot be used is told and
left out; the rest is played.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

from auditlog.events import Event
from book.write import Dated
from directory import Account, Directory
from service.demo import group
from service.demo.incident_events import EventReader
from service.demo.incident_expected import read_expected
from service.demo.incident_fields import IncidentReader, Node
from service.demo.incident_setup import Opening, read_setup
from service.demo.incident_text import ONE, Element, take_apart
from store.problems import Problem, shorten

FIELDS: Final = ("id", "title", "setup", "events", "expected", "commentary")


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident of a file, in values that directory, book and log take as they are.

    Attributes:
        id: its name.
        title: for people.
        setup: as the file has it, checked.
        opening: directory and book made of it.
        events: what arrives, in the order of the file.
        expected: what the comparison looks for, checked.
        doubtful: something of `expected` could not be read, so nothing can be affirmed.
    """

    id: str
    title: str
    setup: Mapping[str, Any]
    opening: Opening
    events: tuple[Event, ...]
    expected: Mapping[str, Any]
    doubtful: bool = False

    @property
    def org(self) -> str:
        """Where it happens."""
        return str(self.setup["org"]).strip()

    @property
    def first(self) -> datetime:
        """The earliest event time."""
        return min(event.event_time for event in self.events)

    @property
    def last_arrival(self) -> datetime:
        """When its last event arrives."""
        return max(event.arrival_time for event in self.events)


class Loaded(NamedTuple):
    """What a file holds.

    Attributes:
        incidents: those that can be played.
        problems: what is wrong with the file.
        usable: whether it is a list of incidents at all.
    """

    incidents: tuple[Incident, ...]
    problems: tuple[Problem, ...]
    usable: bool


def shipped() -> Path:
    """The file that ships."""
    return Path(str(files("service.demo"))) / "data" / "incidents.json"


def load_incidents(path: Path) -> Loaded:
    """The incidents of a file, and what is wrong with it; good incidents are kept."""
    taken = take_apart(path)
    shelf = _Shelf(path.name)
    for number, element in enumerate(taken.elements, 1):
        shelf.add(element, number)
    return Loaded(tuple(shelf.incidents), (*taken.problems, *shelf.problems), taken.usable)


def read_incidents(path: Path) -> tuple[list[Incident], list[Problem]]:
    """As `load_incidents`, for callers who look at incidents and problems alone."""
    found = load_incidents(path)
    return list(found.incidents), list(found.problems)


class _Shelf:
    """The incidents read so far: no two share an id, a place or a person."""

    def __init__(self, file: str) -> None:
        self.incidents: list[Incident] = []
        self.problems: list[Problem] = []
        self._file = file
        self._ids: set[str] = set()
        self._events = EventReader()
        self._people = {person.id: group.GROUP for person in group.directory().people}

    def add(self, element: Element, number: int) -> None:
        """Read one element of the list."""
        reader = IncidentReader(self._file, f"#{number}", element.line, element.lines)
        found = self._incident(reader, element.value)
        if found is None:
            reader.fault("INCIDENT_LEFT_OUT", "", reader.entry)
        else:
            self.incidents.append(found)
        self.problems += reader.problems

    def _incident(self, reader: IncidentReader, value: object) -> Incident | None:
        told = reader.as_node(value, "")
        if not told:
            if not reader.errors:
                reader.fault("INCIDENT_NOT_AN_INCIDENT", "", value, ONE)
            return None
        reader.known(told, FIELDS, "")
        number = self._id(reader, told)
        if not number:
            return None
        title = reader.text(told, "title", "title")
        _prose(reader, told.get("commentary"), "commentary")
        for name in ("setup", "events", "expected"):
            if told.get(name) is None:
                reader.fault("INCIDENT_FIELD_MISSING", name, allowed=", ".join(FIELDS[2:5]))
        setup = reader.node(told, "setup", "setup")
        _prose(reader, setup.get("note"), "setup.note")
        opening = read_setup(reader, setup, number) if setup else None
        if opening is None or not self._place(reader, setup, opening):
            return None
        org = str(setup["org"]).strip()
        events = self._events.read(reader, told.get("events"), org, opening.product)
        before = reader.errors
        expected = read_expected(reader, reader.node(told, "expected", "expected"))
        doubtful = reader.errors > before or told.get("expected") is None
        if not events:
            reader.fault("INCIDENT_NO_EVENTS", "events")
            return None
        return Incident(number, title, setup, opening, tuple(events), expected, doubtful)

    def _id(self, reader: IncidentReader, told: Node) -> str:
        number = reader.text(told, "id", "id", needed=True)
        if number in self._ids:
            reader.entry = number
            reader.fault("INCIDENT_ID_REPEATED", "id", number)
            return ""
        if number:
            reader.entry = number
            self._ids.add(number)
        return number

    def _place(self, reader: IncidentReader, setup: Node, opening: Opening) -> bool:
        """Whether nobody else has this organisation, nor one of these people."""
        before = reader.errors
        org = str(setup["org"]).strip()
        taken = {one.org: one.id for one in self.incidents} | {group.GROUP: group.GROUP}
        if org in taken:
            reader.fault("INCIDENT_ORG_TAKEN", "setup.org", org, taken[org])
        for index, person in enumerate(opening.directory.people):
            other = self._people.get(person.id)
            if other is not None:
                reader.fault("INCIDENT_PERSON_TAKEN", f"setup.people[{index}].id", person.id, other)
        if reader.errors > before:
            return False
        self._people |= {person.id: reader.entry for person in opening.directory.people}
        return True


def _prose(reader: IncidentReader, value: object, path: str) -> None:
    """A text for people, or an object of such: nothing in it may be endless."""
    if isinstance(value, str):
        reader.as_prose(value, path)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            _prose(reader, inner, f"{path}.{shorten(name)}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _prose(reader, inner, f"{path}[{index}]")


def book_of(incident: Incident) -> Iterator[Dated]:
    """The book's opening rows, true since the day before the first event."""
    return incident.opening.dated(incident.org, incident.first)


def directory_of_all(known: Directory, incidents: Sequence[Incident]) -> Directory:
    """`known` with the incidents' organisations and people.

    A node that one set-up only names keeps what the set-up of its own says.
    """
    nodes = {node.path: node for node in known.organisations}
    for incident in incidents:
        for node in incident.opening.directory.organisations:
            if node.path == incident.org or node.path not in nodes:
                nodes[node.path] = node
    people = [person for one in incidents for person in one.opening.directory.people]
    return replace(known, organisations=tuple(nodes.values()), people=(*known.people, *people))


def reachable(directory: Directory, team: str) -> Directory:
    """The directory with an address on each of the demo's channels for everybody."""
    people = tuple(
        replace(
            person,
            email=person.email or f"{number:03d}@demo.invalid",
            accounts=person.accounts or (Account("slack", team, f"U{number:05d}"),),
        )
        for number, person in enumerate(directory.people, 1)
    )
    return replace(directory, people=people)
