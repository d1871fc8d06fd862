"""The frame of a page from live data: sources, trading day, who is on call, what waits."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from auditlog.errors import LogError
from auditlog.port import Query, SourceStats
from book.positions import is_under
from directory import Directory, Role
from directory.calendar import TradingCalendar
from directory.coverage import roster_home
from directory.errors import DirectoryError
from service.application import Application
from service.i18n import Words
from service.matters import waiting_requests
from service.security import SignedIn
from service.web.frame import INBOX_ROOM, ROOMS, Frame, Room, SourceChip
from service.web.reader import Reader
from service.web.rooms.alert_rows import count_waiting
from service.web.rooms.names import Names
from service.web.views.parts import Choice
from workorders import reads

#: Older sources are history; a feed that has been silent for so long is gone, not late.
SPAN = timedelta(days=30)
#: A source is dead when it has been silent so many times as long as it may be late.
DEAD_AFTER = 12
MOST_CHIPS = 8
_PERMISSION = {
    "alerts": "view",
    "orders": "view",
    "approvals": "view",
    "exposure": "book.read",
    "rules": "rules.read",
    "log": "log.read",
    "trail": "trail.read",
    "figures": "view",
    "roster": "view",
    "silences": "view",
}


def make_frame(
    app: Application,
    signed: SignedIn,
    names: Names,
    reader: Reader,
    *,
    org: str,
    scopes: tuple[str, ...],
    active: str,
    live_url: str,
    search: str = "",
) -> Frame:
    """The frame for one person."""
    person, directory, now = signed.person, signed.directory, signed.at
    calendar = directory.calendar
    with app.store.reader() as connection:
        orders = sum(one["orders"] for one in reads.counts(connection, scopes).values())
        tallies = {
            "orders": orders,
            "alerts": count_waiting(connection, scopes),
            "approvals": len(waiting_requests(connection, scopes, person.id, now)),
        }
    place = org or person.unit
    chips = source_chips(app, directory, calendar, scopes=scopes, org=place, now=now)
    trading_day, session = trading_time(calendar, directory.settings(place).product, place, now)
    states = {chip.state for chip, _ in chips}
    state = next((one for one in ("dead", "late") if one in states), "current")
    late = [_named(chip, names).name for chip, _ in chips if chip.state in {"late", "dead"}]
    visible = directory.visible_scopes(person.id, now)
    return Frame(
        active=active,
        rooms=tuple(_rooms(signed, tallies, demo=app.demo)),
        organisation=names.unit(org) if org else _whole(names, visible),
        organisations=_organisations(directory, names, visible, org),
        trading_day=trading_day,
        session=session,
        data_as_of=complete_until(chips),
        data_state=state,
        on_call=on_call(directory, names, reader.words, place, now),
        person=person.name,
        roles=tuple(role.value for role in person.roles),
        sources=tuple(_named(chip, names) for chip, _ in chips),
        source_note=reader.words.text("ui.source.note", names=_listed(reader, late))
        if late
        else "",
        live_url=live_url,
        search=search,
        demo=app.demo,
    )


def _rooms(signed: SignedIn, tallies: dict[str, int], *, demo: bool) -> Sequence[Room]:
    found = [
        Room(room.code, room.url, tallies.get(room.code, 0))
        for room in ROOMS
        if room.code not in _PERMISSION or signed.may(_PERMISSION[room.code])
    ]
    return [*found, INBOX_ROOM] if demo else found


def _whole(names: Names, visible: tuple[str, ...]) -> str:
    if len(visible) == 1:
        return names.unit(visible[0])
    return names.words.text("ui.top.all_units") if visible else ""


def _organisations(
    directory: Directory, names: Names, visible: Collection[str], chosen: str
) -> tuple[Choice, ...]:
    """The units to choose from: all that is visible, then each node."""
    nodes = sorted(
        path
        for path in directory.nodes
        if any(path == one or path.startswith(f"{one}/") for one in visible)
    )
    if len(nodes) < 2:  # noqa: PLR2004 - one unit is no choice
        return ()
    whole = Choice("", names.words.text("ui.top.all_units"), chosen=not chosen)
    return (whole, *(Choice(path, names.unit(path), path == chosen) for path in nodes))


def on_call(directory: Directory, names: Names, words: Words, org: str, now: datetime) -> str:
    """Who answers at `org` now, as a sentence; it says so when that is not by the roster.

    Without a roster, or in a gap of it, the holders of the role answer, then the managers, then
    the last resort: that nobody is on call is said only when nobody is left.
    """
    if not org:
        return ""
    found = directory.on_call(org, now)
    if found is not None:
        return words.text("ui.top.on_call", name=names.people(list(found.people)))
    people, _ = directory.beyond_roster(org, Role.RISK_OFFICER, now)
    if not people:
        return words.text("ui.top.nobody_on_call")
    kept = roster_home(directory, org, Role.RISK_OFFICER)
    key = "ui.top.roster_gap" if kept else "ui.top.no_roster"
    return words.text(key, name=names.people(list(people)))


def _listed(reader: Reader, found: Sequence[str]) -> str:
    return reader.words.text("ui.list_comma").join(found[:3])


def _named(chip: SourceChip, names: Names) -> SourceChip:
    return SourceChip(names.actor(chip.name), chip.state, chip.lag_s, chip.url)


def trading_time(
    calendar: TradingCalendar, product: str, org: str, now: datetime
) -> tuple[date | None, str]:
    """The trading day and whether its day or night session runs; nothing for an unknown year."""
    try:
        day = calendar.trading_day(product, now, org)
        running = calendar.session_at(product, now, org)
    except DirectoryError:
        return None, ""
    if running is None:
        return day, "closed"
    return day, "night" if running.evening else "day"


# --- the sources --------------------------------------------------------------------------------


def source_chips(
    app: Application,
    directory: Directory,
    calendar: TradingCalendar,
    *,
    scopes: tuple[str, ...],
    org: str,
    now: datetime,
) -> list[tuple[SourceChip, datetime]]:
    """Each feed that has rows inside `scopes`, with the last arrival; the latest feeds first.

    A feed of which a time is agreed is late when it has been silent for longer while the market
    was open. Of any other, such as what was imported from one file, nothing is expected: it was
    heard of, and its silence says nothing. People and the service itself are no feeds.
    """
    try:
        since = Query(orgs=scopes, since=now - SPAN)
        mine = {one.value for one in app.log.group_by(since, "source", limit=100)}
        known = {one.source: one for one in app.log.stats().sources}
    except LogError:
        return []
    settings = directory.settings(org)
    agreed = expected_every(directory, scopes, org)
    found = []
    for name in sorted(mine):
        stats = known.get(name)
        if stats is None or name == "system" or directory.person(name) is not None:
            continue
        state = "heard"
        if (every := agreed.get(name)) is not None:
            silent = _open_silence(calendar, settings.product, org, stats, now)
            state = "current"
            if silent > every:
                state = "dead" if silent > every * DEAD_AFTER else "late"
        lag = max(int((now - stats.last_arrival_time).total_seconds()), 0)
        chip = SourceChip(name, state, lag, f"/log?source={name}")
        found.append((chip, stats.last_arrival_time))
    rank = {"dead": 0, "late": 1, "current": 2, "heard": 3}
    found.sort(key=lambda one: (rank[one[0].state], one[1]))
    return found[:MOST_CHIPS]


def expected_every(directory: Directory, scopes: tuple[str, ...], org: str) -> dict[str, int]:
    """Source → the seconds of silence that are agreed for it; what names none promises nothing.

    A cadence (`feed_every_s`) counts before the lateness of single events (`lateness_s`).
    """
    settings = directory.settings(org)
    found = {**settings.lateness_s, **settings.feed_every_s}
    for path, node in directory.nodes.items():
        if any(is_under(scope, path) for scope in scopes):
            found |= node.settings.feed_every_s or {}
    return found


def _open_silence(
    calendar: TradingCalendar, product: str, org: str, stats: SourceStats, now: datetime
) -> int:
    """Seconds of open market since the last arrival; of wall clock for an unknown year."""
    try:
        return calendar.open_seconds(product, stats.last_arrival_time, now, org)
    except DirectoryError:
        return int((now - stats.last_arrival_time).total_seconds())


def complete_until(chips: Sequence[tuple[SourceChip, datetime]]) -> datetime | None:
    """The time up to which the feeds have delivered.

    A dead feed no longer holds it back, nor does a source of which nothing is expected.
    """
    alive = [at for chip, at in chips if chip.state in {"current", "late"}]
    if alive:
        return min(alive)
    return max((at for _, at in chips), default=None)
