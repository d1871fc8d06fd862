"""What `doctor` looks at. Each check is a finding of its own; none stops the others.

Looking makes no folder, key or database, and mends nothing.
"""

import errno
import json
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

import trail
from auditlog.client import open_log
from auditlog.errors import LogError
from service.cli.desk import Desk
from service.cli.doctor_channels import channel_findings
from service.cli.doctor_database import database_findings
from service.cli.findings import Finding
from service.errors import BrokenRulebook, FrontEndMissing
from service.rules_in_force import rules_in_force
from service.settings import Settings
from service.web.assets import BUILD_DIR, Assets
from store.locks import holders
from trail.errors import TrailError
from trail.keys import PURPOSES

_SPACE_LEAST: Final = 1024**3
_SPACE_NONE: Final = 100 * 1024**2
_OTHERS: Final = 0o077
_OTHERS_WRITE: Final = 0o022


def examine(desk: Desk, now: datetime | None = None) -> list[Finding]:
    """All checks; without a data folder the first says so and the rest are left out.

    Args:
        desk: whose data folder is looked at.
        now: the time against which timers, leases and anchors are judged; the machine's if None.
    """
    try:
        settings = desk.settings
    except ValidationError as fault:
        names = ", ".join(".".join(map(str, one["loc"])) for one in fault.errors())
        return [Finding("settings", "wrong", {"names": names})]
    folder = settings.data
    if not folder.is_dir():
        return [Finding("settings"), Finding("folder", "missing", {"folder": str(folder)})]
    found = [
        Finding("settings"),
        Finding("folder", params={"folder": str(folder)}),
        space(shutil.disk_usage(folder).free),
    ]
    checks: tuple[Callable[[Settings], Finding], ...] = (_front, _running, _port, _keys, _rules)
    found += [check(settings) for check in checks]
    found += database_findings(settings, now)
    return [*found, _log(settings), *channel_findings(settings)]


def space(free: int) -> Finding:
    """Whether `free` bytes of disk are enough: under 1 GB is little, under 100 MB is none."""
    shown = {"free": f"{free / 1024**3:.1f} GB"}
    if free < _SPACE_NONE:
        return Finding("space", "none", shown)
    return Finding("space", "good" if free >= _SPACE_LEAST else "little", shown)


def _front(_settings: Settings) -> Finding:
    return front(BUILD_DIR)


def front(folder: Path) -> Finding:
    """Whether the console's scripts and styles are built, and all of them are there."""
    try:
        Assets(folder)
        files = json.loads((folder / "manifest.json").read_text(encoding="utf-8")).values()
    except (FrontEndMissing, OSError, ValueError):
        return Finding("front", "missing")
    lost = sorted(str(name) for name in files if not (folder / str(name)).is_file())
    return Finding("front", "incomplete", {"names": ", ".join(lost)}) if lost else Finding("front")


def _running(settings: Settings) -> Finding:
    found = ", ".join(holders(settings.data))
    return Finding("running", "good" if found else "none", {"holders": found})


def _port(settings: Settings) -> Finding:
    """Whether the console can listen where the settings say; a service of ours may hold it."""
    if any(one.startswith(("serve ", "web ")) for one in holders(settings.data)):
        return Finding("port", "held")
    shown = {"address": f"{settings.host}:{settings.port}"}
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:  # bound alone, never heard on: it is in nobody's way
            tried.bind((settings.host, settings.port))
        except OSError as fault:
            if fault.errno == errno.EADDRINUSE:
                return Finding("port", "taken", shown)
            return Finding("port", "refused", {**shown, "detail": str(fault)})
    return Finding("port", params=shown)


def _keys(settings: Settings) -> Finding:
    folder = settings.keys_dir
    if not folder.is_dir():
        return Finding("keys", "missing")
    files = [folder / f"{purpose}.key" for purpose in PURPOSES]
    lost = [one.name for one in files if not one.exists()]
    if lost:  # opening would make new ones, and what the old ones signed would look false
        return Finding("keys", "lost", {"names": ", ".join(lost)})
    open_ = list(_open_to_others(folder, files))
    if open_:
        return Finding("keys", "open", {"names": ", ".join(open_)})
    owners = {one.stat().st_uid for one in (folder, *files)}
    if len(owners) > 1:
        shown = ", ".join(str(owner) for owner in sorted(owners))
        return Finding("keys", "owners", {"owners": shown})
    try:
        keys = trail.open_keys(folder)
    except (TrailError, OSError, UnicodeDecodeError) as fault:
        return Finding("keys", "wrong", {"detail": str(fault)})
    return Finding("keys", params={"verifier": str(keys.trail.verifier)})


def _open_to_others(folder: Path, files: list[Path]) -> Iterator[str]:
    if folder.stat().st_mode & _OTHERS_WRITE:
        yield f"{folder.name}/"
    yield from (one.name for one in files if one.stat().st_mode & _OTHERS)


def _rules(settings: Settings) -> Finding:
    try:
        rulebook = rules_in_force(settings)
    except BrokenRulebook as fault:
        return Finding("rules", "broken", {"count": str(len(fault.problems))})
    return Finding("rules", params={"count": str(len(rulebook.files)), "hash": rulebook.hash[:12]})


def _log(settings: Settings) -> Finding:
    try:
        log = open_log(settings.data, role="doctor", wait=1.0)
    except LogError as fault:
        owned = any(one.startswith(("serve ", "log ")) for one in holders(settings.data))
        # a service that should answer for it is another matter than a command that is at work
        return Finding("log", "silent" if owned else "busy", {"detail": str(fault)})
    try:
        stats = log.stats()
    except LogError as fault:
        return Finding("log", "failed", {"detail": str(fault)})
    finally:
        log.close()
    shown = {"events": str(stats.events), "quarantined": str(stats.quarantined)}
    return Finding("log", params=shown)
