"""What `doctor` reads in the database: schema, trail, people, messages, timers, leases, states."""

import os
import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, make_url, select
from sqlalchemy.exc import SQLAlchemyError

import trail
from agents.scheduler import LEASE_S
from agents.sentinel import GRACE
from directory import DirectoryError, Role, conflicts, read_directory
from directory.coverage import rosters
from integrations.files import quarantined
from service.channels import channel_names_of
from service.cli.doctor_returned_mail import returned_mail_finding
from service.cli.findings import Finding
from service.cli.recorded_states import differences
from service.demo.folder import is_demo
from service.reaching import unreached
from service.settings import Settings
from store import Store, inbox, migrate, open_engine, outbox, timers
from store.clock import rfc3339, system_clock
from store.schema import table
from workorders.company_policy import company_policy
from workorders.policy_file import Known, strangers

_SHOWN: Final = 5
_MANY: Final = 1_000
_DAY: Final = timedelta(days=1)
#: So far two clocks of one house may stand apart.
_APART: Final = timedelta(minutes=1)
_LEASE = table("store_lease")
_UNREADABLE: Final = (SQLAlchemyError, DirectoryError, ValueError)
Check = Callable[[Connection], Finding]


def database_findings(settings: Settings, now: datetime | None = None) -> list[Finding]:
    """The database's own finding first; those that need it only when it can be read."""
    file = _file_of(settings)
    if file is not None and not file.exists():  # opening would make it
        return [Finding("database", "empty")]
    engine = open_engine(settings.database_url)
    try:
        own = _schema(engine)
        if own.result in {"unreachable", "empty"}:
            return [own]
        with Store(engine, clock=system_clock).reader() as connection:
            at = now or _now(settings, connection)
            checks: tuple[tuple[str, Check], ...] = (
                ("trail", _trail),
                ("clock", partial(_clock, at)),
                ("custody", partial(_custody, settings)),
                ("anchor", partial(_anchor, settings, at)),
                ("states", _states),
                ("people", _people),
                ("roster", partial(_roster, at)),
                ("reach", partial(_reach, settings, at)),
                ("returned_mail", partial(returned_mail_finding, settings)),
                ("policy", partial(_policy, settings)),
                ("channels", partial(_channels, settings)),
                ("quarantine", _quarantine),
                ("letters", _letters),
                ("timers", partial(_timers, at)),
                ("leases", partial(_leases, at)),
            )
            return [own, *(_tried(name, check, connection) for name, check in checks)]
    except SQLAlchemyError as fault:
        return [_unreachable(fault)]
    finally:
        engine.dispose()


def _tried(name: str, check: Check, connection: Connection) -> Finding:
    try:
        return check(connection)
    except _UNREADABLE:
        return Finding(name, "unreadable")


def _file_of(settings: Settings) -> Path | None:
    """The file of an SQLite database."""
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(url.database)


def _now(settings: Settings, connection: Connection) -> datetime:
    """The machine's time; in a demo's folder, whose clock is its own, that of the last record."""
    if is_demo(settings.data):
        return trail.summary(connection).until or system_clock()
    return system_clock()


def _unreachable(fault: Exception) -> Finding:
    return Finding("database", "unreachable", {"detail": str(fault).splitlines()[0]})


def _schema(engine: Engine) -> Finding:
    try:
        revision = migrate.revision(engine)
    except (SQLAlchemyError, OSError) as fault:
        return _unreachable(fault)
    if revision is None:
        return Finding("database", "empty")
    if revision != migrate.head():
        return Finding("database", "old", {"revision": revision, "head": migrate.head() or ""})
    return Finding("database", params={"revision": revision})


def _clock(at: datetime, connection: Connection) -> Finding:
    """Whether the machine's time stands before what is on record: deadlines would come late."""
    last = trail.summary(connection).until
    if last is None or last - at <= _APART:
        return Finding("clock", params={"now": rfc3339(at)})
    return Finding("clock", "behind", {"now": rfc3339(at), "last": rfc3339(last)})


def _trail(connection: Connection) -> Finding:
    known = trail.summary(connection)
    shown = {"size": str(known.size), "anchor_size": str(known.anchor_size)}
    return Finding("trail", params=shown)


def _custody(settings: Settings, _connection: Connection) -> Finding:
    """Who owns both the trail's key and the database can rewrite the trail and sign it anew."""
    file, key = _file_of(settings), settings.keys_dir / "trail.key"
    if file is None or not key.exists():  # a server has an owner of its own; a lost key is told
        return Finding("custody")
    shared = file.stat().st_uid == key.stat().st_uid
    return Finding("custody", "shared" if shared else "good")


def _anchor(settings: Settings, now: datetime, connection: Connection) -> Finding:
    known = trail.summary(connection)
    if known.anchor_at is None:
        return Finding("anchor", "none")
    shown = {"size": str(known.anchor_size), "at": rfc3339(known.anchor_at)}
    if settings.anchors is not None:
        kept = trail.kept_note(settings.anchors, known.anchor_size)
        if kept is None:
            return Finding("anchor", "lost", {**shown, "folder": str(settings.anchors)})
        recorded = trail.find(connection, kind="key", action="trail.anchor", limit=1)
        if trail.note_root(kept) != recorded[0].body["root"]:
            return Finding("anchor", "false", {**shown, "folder": str(settings.anchors)})
    return Finding("anchor", "good" if now - known.anchor_at < _DAY else "old", shown)


def _states(connection: Connection) -> Finding:
    found = differences(connection)
    if not found:
        return Finding("states")
    some = [f"{one.object_id} ({one.stored or '-'} ≠ {one.recorded or '-'})" for one in found]
    shown = {"count": str(len(found)), "names": _listed(some)}
    return Finding("states", "differ", shown)


def _people(connection: Connection) -> Finding:
    known = read_directory(connection)
    shown = {"people": str(len(known.people)), "organisations": str(len(known.organisations))}
    if not known.people:
        return Finding("people", "empty")
    if not any(Role.ADMINISTRATOR in one.roles and one.active for one in known.people):
        return Finding("people", "no_administrator", shown)
    return Finding("people", params=shown)


def _roster(now: datetime, connection: Connection) -> Finding:
    """What does not fit together on the rosters of the next two weeks."""
    directory = read_directory(connection)
    if not rosters(directory):
        return Finding("roster", "none")
    found = conflicts(directory, now)
    if not found:
        return Finding("roster")
    codes = [one.code for one in found]
    names = [f"{one.params['org']} {one.params['from']} – {one.params['to']}" for one in found]
    gaps, swaps = codes.count("ROSTER_GAP"), codes.count("SWAP_OPEN")
    shown = {
        "gaps": str(gaps),
        "swaps": str(swaps),
        "away": str(len(found) - gaps - swaps),
        "names": _listed(names),
    }
    return Finding("roster", "conflicts", shown)


def _reach(settings: Settings, now: datetime, connection: Connection) -> Finding:
    """Whether somebody who would be called has confirmed a test call lately, in each unit."""
    if not settings.test_call_days:
        return Finding("reach", "off")
    directory = read_directory(connection)
    if not any(one.active for one in directory.people):
        return Finding("reach", "nobody")
    found = unreached(connection, directory, settings, now)
    shown = {"days": str(settings.test_call_days)}
    if not found:
        return Finding("reach", params=shown)
    names = _listed([org if role is None else f"{org} ({role.value})" for org, role in found])
    return Finding("reach", "untested", {**shown, "names": names})


def _policy(settings: Settings, connection: Connection) -> Finding:
    """Whether all whom the company's policy names can still be told."""
    held = company_policy(connection)
    if held.changed_at is None:
        return Finding("policy", "built_in")
    people = [one.id for one in read_directory(connection).people if one.active]
    gone = strangers(held.policy, Known(people=people, channels=channel_names_of(settings)))
    if gone:
        return Finding("policy", "lost", {"names": _listed(gone)})
    shown = {"number": str(held.number), "by": held.set_by, "at": rfc3339(held.changed_at)}
    return Finding("policy", params=shown)


def _channels(settings: Settings, _connection: Connection) -> Finding:
    """Whether anything beside the console tells people of an order."""
    names = channel_names_of(settings)
    if names:
        return Finding("channels", params={"names": ", ".join(names)})
    return Finding("channels", "demo" if is_demo(settings.data) else "none")


def _quarantine(connection: Connection) -> Finding:
    """Rows of imported files that wait to be mended; the log has its own."""
    waiting = len(quarantined(connection, state="open", limit=_MANY))
    return Finding("quarantine", "waiting" if waiting else "good", {"count": str(waiting)})


def _letters(connection: Connection) -> Finding:
    """Messages to people and clicks of theirs that were given up."""
    messages = outbox.dead_letters(connection, _MANY)
    clicks = inbox.dead_letters(connection, _MANY)
    if not messages and not clicks:
        return Finding("letters")
    newest = messages[-1].error if messages else clicks[-1].error
    shown = {"messages": str(len(messages)), "clicks": str(len(clicks)), "newest": newest}
    return Finding("letters", "dead", shown)


def _timers(now: datetime, connection: Connection) -> Finding:
    found = timers.overdue(connection, now, by=GRACE, limit=_MANY)
    if not found:
        return Finding("timers")
    shown = {
        "count": str(len(found)),
        "names": _listed([one.key for one in found]),
        "since": rfc3339(found[0].due_at),
    }
    return Finding("timers", "overdue", shown)


def _leases(now: datetime, connection: Connection) -> Finding:
    """Leases of processes of this machine that are no more; another machine's cannot be seen."""
    c = _LEASE.c
    rows = connection.execute(
        select(c.name, c.holder, c.expires_at).where(c.holder != "", c.expires_at > now)
    ).all()
    dead = [row for row in rows if not _alive(row.holder)]
    if not dead:
        return Finding("leases")
    shown = {
        "names": _listed([f"{row.name} ({row.holder})" for row in dead]),
        "until": rfc3339(max(row.expires_at for row in dead)),
    }
    # none is ever given for that long: the clock went back, and nobody can take it over
    endless = any(row.expires_at > now + timedelta(seconds=10 * LEASE_S) for row in dead)
    return Finding("leases", "endless" if endless else "dead", shown)


def _alive(holder: str) -> bool:
    host, _, rest = holder.partition(":")
    number = rest.partition(":")[0]
    if host != socket.gethostname() or not number.isdigit():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
