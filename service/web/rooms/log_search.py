"""What a search of the audit log asks for: its address, and the log's query behind the words."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from urllib.parse import urlencode

from auditlog.errors import LogError
from auditlog.events import EventKind
from auditlog.port import PAGE_LIMIT, Query, Scope, StoredEvent
from service.web.rooms.here import Here
from store.clock import parse_rfc3339

#: The longest timeline that is drawn; what is beyond stands in the list.
TIMELINE = 400
#: As a unit in the address: the events that belong to none.
NO_UNIT = "-"


@dataclass(frozen=True, slots=True)
class Asked:
    """The search as it stands in the address.

    Attributes:
        q: what was typed or scanned.
        object: a number that each event must carry; its timeline is open.
        pick: a number whose timeline is open beside the list as it is.
        kind, unit, actor, outcome, source: filters.
        since, until: times of the event, ``from`` and ``to`` in the address.
        cursor: of the page before.
    """

    q: str = ""
    object: str = ""
    pick: str = ""
    kind: str = ""
    unit: str = ""
    actor: str = ""
    outcome: str = ""
    source: str = ""
    since: str = ""
    until: str = ""
    cursor: str = ""

    def address(self, path: str = "/log", **changed: str) -> str:
        """The address of `path` with this search, parts of it changed."""
        values = {one.name: getattr(self, one.name) for one in fields(self)} | changed
        kept = {_NAMES.get(name, name): value for name, value in values.items() if value}
        return f"{path}?{urlencode(kept)}" if kept else path

    @property
    def number(self) -> str:
        """The number that was asked for, if the search names one."""
        return self.pick or self.object or self.q.strip()


_NAMES = {"since": "from", "until": "to"}


def whole_scope(here: Here) -> bool:
    """Whether the person looks at every unit: then rows that name none, or a strange one, too."""
    roots = {path.partition("/")[0] for path in here.directory.nodes}
    return bool(roots) and roots <= set(here.scopes)


def scope_of(here: Here) -> Scope:
    """Whose rows are shown. A row of no known unit is for those who see every unit."""
    return None if whole_scope(here) else here.scopes


def known_unit(here: Here, org: str) -> str:
    """The unit, or empty when the directory has none of this path and none above it."""
    return org if org.partition("/")[0] in here.directory.nodes else ""


def strays(here: Here) -> tuple[str, ...]:
    """The paths of events that belong to no known unit; nothing for who does not see every unit."""
    if not whole_scope(here):
        return ()
    groups = here.app.log.group_by(Query(), "org", PAGE_LIMIT)
    return ("", *(one.value for one in groups if one.value and not known_unit(here, one.value)))


def query_of(here: Here, asked: Asked) -> Query:
    """The log's query: inside the visible scopes whatever else is asked."""
    meant, words = _meant(here, asked.q)
    return Query(
        text=" ".join(words),
        orgs=strays(here) if asked.unit == NO_UNIT else scope_of(here),
        org="" if asked.unit == NO_UNIT else asked.unit,
        kinds=(EventKind(asked.kind),) if asked.kind in set(EventKind) else (),
        actors=(asked.actor,) if asked.actor else meant["actors"],
        products=meant["products"],
        types=meant["types"],
        object=asked.object,
        outcomes=(asked.outcome,) if asked.outcome else meant["outcomes"],
        sources=(asked.source,) if asked.source else (),
        since=moment(here, asked.since),
        until=moment(here, asked.until),
    )


_CALLED = {
    "ui.feed.": "actors", "product.": "products", "ui.event.": "types",
    "ui.event_outcome.": "outcomes",
}  # fmt: skip


def _meant(here: Here, text: str) -> tuple[Mapping[str, tuple[str, ...]], list[str]]:
    """What words name (people, products, types and outcomes of events), and those that name none.

    The log holds ids and codes; a reader types what the pages show.
    """
    found: dict[str, dict[str, None]] = {name: {} for name in _CALLED.values()}
    words: list[str] = []
    whole = text.strip()
    for word in [whole, *text.split()] if " " in whole else text.split():
        named = _named(here, word)
        for name, codes in named.items():
            found[name] |= dict.fromkeys(codes)
        if word == whole and named:
            words = []
            break
        if not named and " " not in word:
            words.append(word)
    return {name: tuple(codes) for name, codes in found.items()}, words


def _named(here: Here, word: str) -> dict[str, list[str]]:
    """The codes that a word of the pages stands for, by what they are codes of.

    A word that is itself an outcome is left to the text search, which reads the outcome and the
    message alike.
    """
    found: dict[str, list[str]] = {}
    if people := [one.id for one in here.directory.people if word == one.name]:
        found["actors"] = people
    plain = f"ui.event_outcome.{word.casefold()}" in here.reader.words
    for key, name in here.reader.words.entries.items():
        if name.casefold() != word.casefold():
            continue
        for prefix, kind in _CALLED.items():
            if key.startswith(prefix) and not (kind == "outcomes" and plain):
                found.setdefault(kind, []).append(key.removeprefix(prefix))
    return found


def moment(here: Here, text: str) -> datetime | None:
    """A time of the address; one without an offset is the reader's; None for what is no time."""
    try:
        # a plus sign in an address is a space
        return parse_rfc3339(text.replace(" ", "+"))
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).replace(tzinfo=here.reader.format.zone)
    except ValueError:
        return None


def timeline_of(here: Here, asked: Asked) -> tuple[str, tuple[StoredEvent, ...]]:
    """The number of the open timeline and its events, oldest first; nothing when there is none.

    What was typed opens a timeline when it is exactly the number, the person or the account.
    """
    number = asked.number
    if asked.pick or asked.object or not number:
        return number, _timeline(here, number)
    named = [one.id for one in here.directory.people if number == one.name]
    number = named[0] if len(named) == 1 else number
    found = _timeline(here, number)
    return (number, found) if found else ("", ())


def _timeline(here: Here, number: str) -> tuple[StoredEvent, ...]:
    if not number:
        return ()
    try:
        return tuple(here.app.log.timeline(number, orgs=scope_of(here), limit=TIMELINE))
    except LogError:
        return ()
