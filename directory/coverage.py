"""Who is on call when, what changes next, where nobody is, and what does not fit together."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from directory.directory import Directory
from directory.organisation import ancestors
from directory.roles import Role
from directory.watch import Answer
from store.problems import Problem

AHEAD = timedelta(days=14)
"""How far ahead gaps and conflicts are looked for: the two weeks of the calendar."""
NEXT_WITHIN = timedelta(days=62)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time with the same people on call; start inclusive, end exclusive.

    Attributes:
        answers: who; empty only when not even a last resort is named.
        org: the node whose roster answers; empty when none does (`beyond_roster`).
        gap: whether the nearest node that keeps a roster had nobody, or no node keeps one.
    """

    start: datetime
    end: datetime
    answers: tuple[Answer, ...]
    org: str
    gap: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which the roster names nobody; start inclusive, end exclusive."""

    org: str
    role: Role
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class WhoIsOnCall:
    """The answer to "who is on call".

    Attributes:
        people: who answers; beyond the roster when it is empty, so that it is never nobody while
            anybody is left.
        answered_by: the node whose roster answers; empty when none does.
        next_change: when other people answer, or the same for another reason; None when that does
            not happen within `NEXT_WITHIN`.
        gaps: within `AHEAD` of `at`.
    """

    at: datetime
    org: str
    role: Role
    people: tuple[Answer, ...]
    answered_by: str
    next_change: datetime | None
    gaps: tuple[Gap, ...]


def who_is_on_call(
    directory: Directory, org: str, at: datetime, role: Role = Role.RISK_OFFICER
) -> WhoIsOnCall:
    """Who answers for `role` at `org` at `at` (exact: a shift's start counts, its end does not)."""
    now = _answer(directory, org, role, at)
    moments = directory.watch.moments(tuple(ancestors(org)), role, at, at + NEXT_WITHIN)
    change = next(
        (one for one in moments[1:] if _answer(directory, org, role, one) != now),
        None,
    )
    return WhoIsOnCall(at, org, role, now[0], now[1], change, gaps(directory, org, role, at))


def coverage(
    directory: Directory, org: str, role: Role, start: datetime, end: datetime
) -> tuple[Stretch, ...]:
    """[start, end) as stretches without holes; neighbours differ."""
    moments = directory.watch.moments(tuple(ancestors(org)), role, start, end)
    found: list[Stretch] = []
    for position, moment in enumerate(moments[:-1]):
        answer = _answer(directory, org, role, moment)
        until = moments[position + 1]
        last = found[-1] if found else None
        if last is not None and (last.answers, last.org, last.gap) == answer:
            found[-1] = Stretch(last.start, until, *answer)
        else:
            found.append(Stretch(moment, until, *answer))
    return tuple(found)


def gaps(
    directory: Directory, org: str, role: Role, at: datetime, ahead: timedelta = AHEAD
) -> tuple[Gap, ...]:
    """When the roster that stands for `org` names nobody, from `at` on."""
    found: list[Gap] = []
    for one in coverage(directory, org, role, at, at + ahead):
        if one.gap and found and found[-1].end == one.start:
            found[-1] = Gap(org, role, found[-1].start, one.end)
        elif one.gap:
            found.append(Gap(org, role, one.start, one.end))
    return tuple(found)


def rosters(directory: Directory) -> tuple[tuple[str, Role], ...]:
    """The nodes and roles that keep a roster, in the order of the directory."""
    return tuple(dict.fromkeys((one.org, one.role) for one in directory.duties))


def roster_home(directory: Directory, org: str, role: Role) -> str:
    """The nearest node from `org` upward that keeps a roster for `role`; empty for none."""
    return next((n for n in ancestors(org) if directory.watch.has_roster(n, role)), "")


def _answer(
    directory: Directory, org: str, role: Role, at: datetime
) -> tuple[tuple[Answer, ...], str, bool]:
    home = roster_home(directory, org, role)
    for node in ancestors(org):
        found = directory.watch.answering(node, role, at)
        if found:
            # an override below the node that keeps the roster answers as well as the roster
            return found, node, len(node) < len(home)
    people, reason = directory.beyond_roster(org, role, at)
    return tuple(Answer(one, reason) for one in people), "", True


def conflicts(directory: Directory, at: datetime, ahead: timedelta = AHEAD) -> tuple[Problem, ...]:
    """What does not fit together from `at` on, each as a warning that names people and times.

    ``ROSTER_GAP``: a roster names nobody. ``BOTH_ABSENT``: a person and the deputy are away at the
    same time. ``OVERRIDE_ABSENT``: who should take a duty is away. ``SWAP_OPEN``: a swap that
    nobody agreed to begins soon or has begun.
    """
    until = at + ahead
    return (
        *_gap_problems(directory, at, until),
        *_absent_deputies(directory, at, until),
        *_absent_overrides(directory, at, until),
        *_open_swaps(directory, at, until),
    )


def _gap_problems(directory: Directory, at: datetime, until: datetime) -> Iterator[Problem]:
    for org, role in rosters(directory):
        for gap in gaps(directory, org, role, at, until - at):
            yield _warning(directory, "ROSTER_GAP", org, gap.start, gap.end, role=role.value)


def _absent_deputies(directory: Directory, at: datetime, until: datetime) -> Iterator[Problem]:
    for one in directory.absences:
        for other in directory.absences:
            if one.deputy and other.person == one.deputy:
                start, end = max(one.start, other.start, at), min(one.end, other.end, until)
                if start < end:
                    person = directory.person(one.person)
                    yield _warning(
                        directory,
                        "BOTH_ABSENT",
                        person.unit if person else "",
                        start,
                        end,
                        person=one.person,
                        deputy=one.deputy,
                    )


def _absent_overrides(directory: Directory, at: datetime, until: datetime) -> Iterator[Problem]:
    for one in directory.overrides:
        for gone in directory.absences:
            start, end = max(one.start, gone.start, at), min(one.end, gone.end, until)
            if gone.person == one.person and start < end:
                yield _warning(directory, "OVERRIDE_ABSENT", one.org, start, end, person=one.person)


def _open_swaps(directory: Directory, at: datetime, until: datetime) -> Iterator[Problem]:
    for one in directory.swaps:
        start = min(one.first.start, one.second.start)
        end = max(one.first.end, one.second.end)
        if not one.agreed and start < until and end > at:
            people = {"first": one.first.person, "second": one.second.person, "id": one.id}
            yield _warning(directory, "SWAP_OPEN", one.org, start, end, **people)


def _warning(
    directory: Directory, code: str, org: str, start: datetime, end: datetime, **params: str
) -> Problem:
    timezone = directory.timezone(org)
    shown = {
        "org": org,
        "from": f"{start.astimezone(timezone):%Y-%m-%d %H:%M}",
        "to": f"{end.astimezone(timezone):%Y-%m-%d %H:%M}",
    }
    return Problem(code, field="roster", severity="warning", params={**shown, **params})


def escalates(found: WhoIsOnCall) -> bool:
    """Whether nobody of the unit's own roster answers: it goes upward, and is a fault to report."""
    return not found.answered_by or any(g.start <= found.at < g.end for g in found.gaps)
