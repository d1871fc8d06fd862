"""Deciding again: the same inputs must give the same bytes, or the difference is explained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from trail.canonical import canonical
from trail.reading import read

Replayer = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes a record's body, evaluates again from the inputs that it names, and returns the body that
would be written today."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the two differ; a side that has no such place is None."""

    path: str
    then: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What replaying one record gave.

    Attributes:
        seq: the record.
        identical: the same bytes came out.
        reason: ``IDENTICAL``, ``DIFFERENT``, ``NO_REPLAYER`` (nothing replays such an action) or
            ``FAILED`` (the replayer raised; `explanation` names it).
        then: the body as it was written.
        now: the body of today; None when there is none.
        explanation: every place that differs, in the order of its path.
    """

    seq: int
    identical: bool
    reason: str
    then: dict[str, Any]
    now: dict[str, Any] | None
    explanation: tuple[Difference, ...]


def replay(connection: Connection, seq: int, replayers: Mapping[str, Replayer]) -> ReplayReport:
    """Evaluate record `seq` again with the replayer of its action.

    Raises:
        UnknownRecord: when there is no such record.
    """
    record = read(connection, seq)
    replayer = replayers.get(record.action)
    if replayer is None:
        return ReplayReport(seq, False, "NO_REPLAYER", record.body, None, ())
    try:
        written = canonical(replayer(record.body))
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is the explanation
        failure = Difference("", None, f"{type(fault).__name__}: {fault}")
        return ReplayReport(seq, False, "FAILED", record.body, None, (failure,))
    now: dict[str, Any] = orjson.loads(written)
    identical = written == canonical(record.body)
    differences = () if identical else tuple(_differences(record.body, now, ""))
    reason = "IDENTICAL" if identical else "DIFFERENT"
    return ReplayReport(seq, identical, reason, record.body, now, differences)


def _differences(then: Any, now: Any, path: str) -> list[Difference]:
    if isinstance(then, dict) and isinstance(now, dict):
        found = []
        for key in sorted(then.keys() | now.keys()):
            place = f"{path}.{key}" if path else key
            if key not in now:
                found.append(Difference(place, _text(then[key]), None))
            elif key not in then:
                found.append(Difference(place, None, _text(now[key])))
            else:
                found += _differences(then[key], now[key], place)
        return found
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [
            difference
            for at, (left, right) in enumerate(zip(then, now, strict=True))
            for difference in _differences(left, right, f"{path}[{at}]")
        ]
    return [] if canonical(then) == canonical(now) else [Difference(path, _text(then), _text(now))]


def _text(value: Any) -> str:
    return canonical(value).decode()
