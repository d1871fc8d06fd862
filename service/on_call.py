"""Who is on call, as every surface tells it: the answer, and the calendar of two weeks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from directory import (
    Answer,
    Directory,
    Gap,
    Role,
    Stretch,
    WhoIsOnCall,
    conflicts,
    coverage,
    within,
)
from directory.coverage import rosters
from store.problems import Problem

DAYS = 14


def default_org(directory: Directory, role: Role) -> str:
    """The unit that is meant when none is named: the only one with a roster, else the topmost."""
    kept = [org for org, one in rosters(directory) if one is role]
    if len(kept) == 1:
        return kept[0]
    return min(directory.nodes, key=lambda path: (path.count("/"), path), default="")


def who_document(directory: Directory, found: WhoIsOnCall) -> dict[str, Any]:
    """The pinned answer of ``oncall who``."""
    return {
        "at": found.at,
        "org": found.org,
        "role": found.role,
        "people": [person_document(directory, one) for one in found.people],
        "answered_by": found.answered_by,
        "next_change": found.next_change,
        "gaps": [gap_document(one) for one in found.gaps],
    }


def person_document(directory: Directory, answer: Answer) -> dict[str, Any]:
    """One person who answers; ``deputy_for`` only for who answers in another's place."""
    known = directory.person(answer.person)
    document = {
        "id": answer.person,
        "name": known.name if known is not None else answer.person,
        "reason": answer.reason,
    }
    return {**document, "deputy_for": answer.deputy_for} if answer.deputy_for else document


def gap_document(gap: Gap) -> dict[str, Any]:
    """A time in which the roster names nobody."""
    return {"org": gap.org, "role": gap.role, "from": gap.start, "to": gap.end}


def calendar_document(
    directory: Directory, scopes: Sequence[str], start: datetime, days: int = DAYS
) -> dict[str, Any]:
    """Every roster inside `scopes` for `days` from `start`, with what changes it."""
    end = start + timedelta(days=days)
    lines = [
        {
            "org": org,
            "role": role,
            "stretches": [
                _stretch_document(directory, one)
                for one in coverage(directory, org, role, start, end)
            ],
        }
        for org, role in rosters(directory)
        if seen(org, scopes)
    ]
    return {
        "from": start,
        "to": end,
        "rosters": lines,
        **changes_document(directory, scopes, start, end),
        "conflicts": [
            one for one in conflicts(directory, start, end - start) if _seen_problem(one, scopes)
        ],
    }


def unit_of(directory: Directory, person: str) -> str:
    """A person's unit; empty for somebody unknown."""
    known = directory.person(person)
    return known.unit if known is not None else ""


def place_of(directory: Directory, change_id: str) -> str:
    """The unit that an override, swap or absence belongs to; empty when there is none."""
    places = {one.id: one.org for one in directory.overrides}
    places |= {one.id: one.org for one in directory.swaps}
    places |= {one.id: unit_of(directory, one.person) for one in directory.absences}
    return places.get(change_id, "") if change_id else ""


def changes_document(
    directory: Directory, scopes: Sequence[str], start: datetime, end: datetime
) -> dict[str, Any]:
    """Overrides, swaps and absences that touch [start, end)."""
    units = {one.id: one.unit for one in directory.people}
    return {
        "overrides": [
            {
                "id": one.id,
                "org": one.org,
                "role": one.role,
                "person": one.person,
                "instead_of": one.instead_of,
                "from": one.start,
                "to": one.end,
                "by": one.by,
                "reason": one.reason,
            }
            for one in directory.overrides
            if seen(one.org, scopes) and one.start < end and one.end > start
        ],
        "swaps": [
            {
                "id": one.id,
                "org": one.org,
                "role": one.role,
                "first": _side_document(one.first.person, one.first.start, one.first.end),
                "second": _side_document(one.second.person, one.second.start, one.second.end),
                "by": one.by,
                "reason": one.reason,
                "consents": one.consents,
                "confirmed_by": one.confirmed_by,
                "agreed": one.agreed,
            }
            for one in directory.swaps
            if seen(one.org, scopes)
            and min(one.first.start, one.second.start) < end
            and max(one.first.end, one.second.end) > start
        ],
        "absences": [
            {
                "id": one.id,
                "person": one.person,
                "from": one.start,
                "to": one.end,
                "deputy": one.deputy,
                "by": one.by,
                "reason": one.reason,
            }
            for one in directory.absences
            if seen(units.get(one.person, ""), scopes) and one.start < end and one.end > start
        ],
    }


def _side_document(person: str, start: datetime, end: datetime) -> dict[str, Any]:
    return {"person": person, "from": start, "to": end}


def _stretch_document(directory: Directory, one: Stretch) -> dict[str, Any]:
    return {
        "from": one.start,
        "to": one.end,
        "people": [person_document(directory, answer) for answer in one.answers],
        "answered_by": one.org,
        "gap": one.gap,
    }


def seen(org: str, scopes: Sequence[str]) -> bool:
    """Whether a unit lies inside these scopes."""
    return any(within(org, scope) for scope in scopes)


def _seen_problem(problem: Problem, scopes: Sequence[str]) -> bool:
    return seen(problem.params.get("org", ""), scopes)
