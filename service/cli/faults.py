"""Exceptions as one clear line and an exit code; a traceback only with `--debug`."""

import errno
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from pydantic import ValidationError
from sqlalchemy.exc import DatabaseError

from auditlog.errors import BadQueryError, DiskFullError, LogError
from directory.errors import DirectoryError, InvalidDirectory
from integrations.errors import IntegrationsError
from rules.errors import RulesError
from service.cli.desk import PROBLEMS, WRONG_CALL, Desk, WrongCall
from service.errors import (
    BrokenRulebook,
    FrontEndMissing,
    UnplayableFile,
    UnsafeAddress,
    WrongFolder,
)
from store.clock import system_clock
from store.errors import DiskFull, FolderHeld, StoreError
from store.problems import Problem, shorten
from trail.errors import KeyFault, TrailError, UnknownRecord, VerificationFailed

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class Told(NamedTuple):
    """What the user reads: a code for programs, sentences, and the exit code."""

    code: str
    lines: tuple[str, ...]
    exit_code: int
    problems: tuple[Problem, ...] = ()


def tell(desk: Desk, error: Exception) -> Told:
    """The fault in the reader's words."""
    for kinds, words in _TELLERS:
        if isinstance(error, kinds):
            return words(desk, error)
    detail = f"{type(error).__name__}: {error}"
    return _line(desk, "UNEXPECTED", "cli.fault.unexpected", PROBLEMS, detail=detail)


def _line(desk: Desk, code: str, key: str, exit_code: int, **params: str) -> Told:
    return Told(code, (desk.words.text(key, **params),), exit_code)


def _called(desk: Desk, error: WrongCall) -> Told:
    text = desk.words.text(error.key, **error.params)
    if hint := error.params.get("hint"):
        text = f"{text} {desk.words.text('ui.problem.hint', hint=hint)}"
    return Told(error.key, (text,), WRONG_CALL)


def _listed(desk: Desk, key: str, problems: Sequence[Problem], exit_code: int = PROBLEMS) -> Told:
    lines = (desk.words.text(key), *(desk.sentence(problem) for problem in problems))
    return Told(key, lines, exit_code, tuple(problems))


def _unplayable(desk: Desk, error: UnplayableFile) -> Told:
    exit_code = PROBLEMS if error.usable else WRONG_CALL
    return _listed(desk, "cli.fault.incidents", error.problems, exit_code)


def _settings(desk: Desk, error: ValidationError) -> Told:
    found = [
        desk.words.text(
            "cli.fault.setting", name=".".join(map(str, one["loc"])), detail=str(one["msg"])
        )
        for one in error.errors(include_url=False, include_input=False)
    ]
    first = desk.words.text("cli.fault.settings")
    return Told("SETTINGS", (first, *found), WRONG_CALL)


def _held(desk: Desk, error: FolderHeld) -> Told:
    """Who holds it and since when, so that nobody ends the wrong process."""
    shape = desk.format(system_clock())
    holders = "; ".join(
        desk.words.text(
            "cli.fault.holder", role=one.role, pid=str(one.pid), since=shape.moment(one.since)
        )
        for one in error.holding
    )
    folder = shorten(error.folder)
    return _line(
        desk, "FOLDER_HELD", "cli.fault.held", WRONG_CALL, holders=holders or "—", folder=folder
    )


def _key(desk: Desk, error: KeyFault) -> Told:
    if not error.code:
        return _line(desk, "KEY_FAULT", "cli.fault.keys", WRONG_CALL, detail=str(error))
    key = f"cli.code.{error.code}"
    return _line(desk, error.code, key, WRONG_CALL, file=error.file)


def _coded(desk: Desk, error: LogError | IntegrationsError) -> Told:
    wrong = isinstance(error, BadQueryError)
    return _line(
        desk,
        error.code,
        f"problem.{error.code}",
        WRONG_CALL if wrong else PROBLEMS,
        found=str(error),
    )


def _full(desk: Desk, _error: Exception) -> Told:
    return _line(desk, "DISK_FULL", "problem.DISK_FULL", WRONG_CALL)


def _system(desk: Desk, error: OSError) -> Told:
    if error.errno in _NO_ROOM:
        return _full(desk, error)
    detail = f"{error.filename or ''} {error.strerror or error}".strip()
    return _line(desk, "SYSTEM", "cli.fault.system", WRONG_CALL, detail=detail)


def _plain(code: str, key: str, exit_code: int) -> Callable[[Desk, Any], Told]:
    return lambda desk, error: _line(desk, code, key, exit_code, detail=str(error))


_TELLERS: Final[Sequence[tuple[Any, Callable[[Desk, Any], Told]]]] = (
    (WrongCall, _called),
    (BrokenRulebook, lambda desk, error: _listed(desk, "cli.fault.rulebook", error.problems)),
    (InvalidDirectory, lambda desk, error: _listed(desk, "cli.fault.directory", error.problems)),
    (WrongFolder, lambda desk, error: _line(desk, error.code, f"cli.{error.code}", WRONG_CALL)),
    (
        UnsafeAddress,
        lambda desk, error: _line(
            desk, "UNSAFE_ADDRESS", "cli.fault.address", WRONG_CALL, host=error.host
        ),
    ),
    (
        FrontEndMissing,
        lambda desk, _: _line(desk, "FRONT_END_MISSING", "ui.front_missing", WRONG_CALL),
    ),
    (UnplayableFile, _unplayable),
    (ValidationError, _settings),
    (FolderHeld, _held),
    ((DiskFull, DiskFullError), _full),
    ((LogError, IntegrationsError), _coded),
    (
        VerificationFailed,
        lambda desk, error: _line(desk, error.code, f"problem.{error.code}", WRONG_CALL),
    ),
    (KeyFault, _key),
    (UnknownRecord, _plain("UNKNOWN_RECORD", "cli.fault.record", WRONG_CALL)),
    (OSError, _system),
    (
        DatabaseError,
        lambda desk, error: _line(
            desk, "DATABASE", "cli.fault.database", PROBLEMS, detail=str(error.orig)
        ),
    ),
    (
        (DirectoryError, StoreError, TrailError, RulesError),
        _plain("REFUSED", "cli.fault.refused", PROBLEMS),
    ),
)
