"""What `doctor` looks at. Each check is a finding of its own; none stops the others."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

import trail
from auditlog.client import open_log
from auditlog.errors import LogError
from directory import Directory, DirectoryError, Role, read_directory
from service.cli.desk import Desk
from service.errors import BrokenRulebook
from service.rules_in_force import rules_in_force
from service.settings import Settings
from store import inbox, migrate, open_engine, outbox
from store.locks import holders
from trail.errors import TrailError

_SPACE_LEAST = 1024**3
_LETTERS = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        check: its name.
        result: ``good`` or what is wrong, a word of the catalogue.
        params: for its sentence.
    """

    check: str
    result: str = "good"
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.result in {"good", "none"}


def examine(desk: Desk) -> list[Finding]:
    """All checks; without a data folder the first says so and the rest are left out."""
    try:
        settings = desk.settings
    except ValidationError as fault:
        names = ", ".join(".".join(map(str, one["loc"])) for one in fault.errors())
        return [Finding("settings", "wrong", {"names": names})]
    folder = settings.data
    if not folder.is_dir():
        return [Finding("settings"), Finding("folder", "missing", {"folder": str(folder)})]
    checks: tuple[Callable[[Settings], Finding], ...] = (
        _space,
        _running,
        _keys,
        _rules,
        _database,
        _trail,
        _people,
        _letters,
        _log,
    )
    found = [Finding("settings"), Finding("folder", params={"folder": str(folder)})]
    return [*found, *(check(settings) for check in checks)]


def _space(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data).free
    shown = {"free": f"{free / 1024**3:.1f} GB"}
    return Finding("space", "good" if free >= _SPACE_LEAST else "little", shown)


def _running(settings: Settings) -> Finding:
    found = ", ".join(holders(settings.data))
    return Finding("running", "good" if found else "none", {"holders": found})


def _keys(settings: Settings) -> Finding:
    if not settings.keys_dir.is_dir():
        return Finding("keys", "missing")
    try:
        keys = trail.open_keys(settings.keys_dir)
    except (TrailError, OSError) as fault:
        return Finding("keys", "wrong", {"detail": str(fault)})
    return Finding("keys", params={"verifier": str(keys.trail.verifier)})


def _rules(settings: Settings) -> Finding:
    try:
        rulebook = rules_in_force(settings)
    except BrokenRulebook as fault:
        return Finding("rules", "broken", {"count": str(len(fault.problems))})
    return Finding("rules", params={"count": str(len(rulebook.files)), "hash": rulebook.hash[:12]})


def _database(settings: Settings) -> Finding:
    engine = open_engine(settings.database_url)
    try:
        revision = migrate.revision(engine)
    except (SQLAlchemyError, OSError) as fault:
        return Finding("database", "unreachable", {"detail": str(fault).splitlines()[0]})
    finally:
        engine.dispose()
    if revision is None:
        return Finding("database", "empty")
    if revision != migrate.head():
        return Finding("database", "old", {"revision": revision, "head": migrate.head() or ""})
    return Finding("database", params={"revision": revision})


def _trail(settings: Settings) -> Finding:
    engine = open_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            known = trail.summary(connection)
    except SQLAlchemyError:
        return Finding("trail", "unreadable")
    finally:
        engine.dispose()
    shown = {"size": str(known.size), "anchor_size": str(known.anchor_size)}
    return Finding("trail", params=shown)


def _people(settings: Settings) -> Finding:
    engine = open_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            known: Directory = read_directory(connection)
    except (SQLAlchemyError, DirectoryError):
        return Finding("people", "unreadable")
    finally:
        engine.dispose()
    shown = {"people": str(len(known.people)), "organisations": str(len(known.organisations))}
    if not known.people:
        return Finding("people", "empty")
    if not any(Role.ADMINISTRATOR in one.roles and one.active for one in known.people):
        return Finding("people", "no_administrator", shown)
    return Finding("people", params=shown)


def _letters(settings: Settings) -> Finding:
    """Messages to people and clicks of theirs that were given up."""
    engine = open_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            messages = outbox.dead_letters(connection, _LETTERS)
            clicks = inbox.dead_letters(connection, _LETTERS)
    except SQLAlchemyError:
        return Finding("letters", "unreadable")
    finally:
        engine.dispose()
    if not messages and not clicks:
        return Finding("letters")
    newest = messages[-1].error if messages else clicks[-1].error
    shown = {"messages": str(len(messages)), "clicks": str(len(clicks)), "newest": newest}
    return Finding("letters", "dead", shown)


def _log(settings: Settings) -> Finding:
    try:
        log = open_log(settings.data, role="doctor", wait=1.0)
    except LogError as fault:
        return Finding("log", "busy", {"detail": str(fault)})
    try:
        stats = log.stats()
    except LogError as fault:
        return Finding("log", "failed", {"detail": str(fault)})
    finally:
        log.close()
    shown = {"events": str(stats.events), "quarantined": str(stats.quarantined)}
    return Finding("log", params=shown)
