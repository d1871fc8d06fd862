"""Which matches belong together. Pure, and independent of the order of arrival.

Two groups of one organisation join when they share a product, an actor, an object key or a data
source, and their spans in *event time* lie at most `WINDOW` apart, or when the same batch run found
them. Joining only ever widens a group, so repeating it until nothing more joins gives the same
groups whatever arrived first; a late match that lies between two cases joins them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from workorders.model import Case, Match, SourceKind

WINDOW = timedelta(minutes=30)
_BATCH = "batch:"


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where a match goes.

    Attributes:
        case: the case as it is after the match joined (its id is empty for a new case).
        absorbed: ids of other cases that the match connects with it; their matches move over.
    """

    case: Case
    absorbed: tuple[str, ...] = ()


def external_cause(source: str, alert_id: str) -> str:
    """The cause of an alert from outside: its source and its id there."""
    return f"{source}:{alert_id}"


def case_keys(match: Match) -> frozenset[str]:
    """What the match overlaps by. The system itself stands for nobody and connects nothing."""
    keys = {f"object:{key}" for key in match.objects if key}
    keys |= {f"source:{key}" for key in match.sources if _is_somebody(key)}
    if match.product:
        keys.add(f"product:{match.product}")
    if match.batch_run:
        keys.add(_BATCH + match.batch_run)
    if _is_somebody(match.actor):
        keys.add(f"actor:{match.actor}")
    return frozenset(keys)


def _is_somebody(name: str) -> bool:
    return bool(name) and name.partition(":")[0] != "system"


def _single(match: Match) -> Case:
    return Case(
        id="",
        org=match.org,
        cause=match.cause if match.source_kind is SourceKind.ROBOT else "",
        keys=case_keys(match),
        first_event=match.event_time,
        last_event=match.event_time,
        batch_run=match.batch_run,
    )


def _gap(one: Case, other: Case) -> timedelta:
    if one.first_event > other.last_event:
        return one.first_event - other.last_event
    return max(other.first_event - one.last_event, timedelta(0))


def joins(one: Case, other: Case, *, window: timedelta = WINDOW) -> bool:
    """Whether two groups are one case."""
    if one.org != other.org:
        return False
    if one.cause or other.cause:
        return one.cause == other.cause
    shared = one.keys & other.keys
    if any(key.startswith(_BATCH) for key in shared):
        return True
    return bool(shared) and _gap(one, other) <= window


def _widened(case: Case, by: Case) -> Case:
    return replace(
        case,
        keys=case.keys | by.keys,
        first_event=min(case.first_event, by.first_event),
        last_event=max(case.last_event, by.last_event),
        batch_run=case.batch_run or by.batch_run,
    )


def widen(case: Case, match: Match) -> Case:
    """`case` with `match` in it."""
    return _widened(case, _single(match))


def _seniority(case: Case) -> tuple[bool, datetime, str]:
    """The case with a work order leads, then the one that began first."""
    return (not case.order_id, case.first_event, case.id)


def assign(match: Match, open_cases: Iterable[Case], *, window: timedelta = WINDOW) -> Assignment:
    """The case that `match` joins, widened by it, and the cases that it connects with it.

    Args:
        match: the new match.
        open_cases: the organisation's cases whose order is not closed.
        window: the longest gap in event time.
    """
    group = _single(match)
    waiting = sorted(open_cases, key=_seniority)
    joined: list[Case] = []
    while near := [case for case in waiting if joins(case, group, window=window)]:
        joined += near
        waiting = [case for case in waiting if case not in near]
        for case in near:
            group = _widened(group, case)
    if not joined:
        return Assignment(group)
    joined.sort(key=_seniority)
    lead, *others = joined
    case = replace(group, id=lead.id, order_id=lead.order_id)
    return Assignment(case, tuple(other.id for other in others))
