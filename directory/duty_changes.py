"""Overrides, swaps and absences as acts of people: permitted, on record, four eyes in the data.

All take the unit of work of the acting person (`uow.actor`). A refusal is a `RosterOutcome` with a
code and is recorded; what an accepted change leaves open (a gap, two people away at once) is named
in `warnings` and stays visible in `doctor`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from itertools import count
from typing import Any

from sqlalchemy import delete, insert, select, update

import trail
from directory.coverage import conflicts
from directory.directory import Directory
from directory.dumping import absence_document, override_document, swap_document
from directory.roles import Role
from directory.roster import Absence, DutyOverride, Swap, SwapSide
from directory.tables import RosterRow
from directory.writing import new_version, read_directory
from store import UnitOfWork
from store.problems import Problem
from store.schema import table

WRITE = "roster.write"
ANSWER = "order.acknowledge"
"""What somebody must be permitted before others rely on them to answer."""
_TEXT_LIMIT = 400
_ROSTER = table(str(RosterRow.__tablename__))


@dataclass(frozen=True, slots=True)
class RosterOutcome:
    """What became of a change of the roster.

    Attributes:
        code: ``DONE``, ``SWAP_PROPOSED`` (waits for the other's consent), or why not.
        id: names the change in later commands; empty after a refusal.
        warnings: conflicts that were not there before.
    """

    ok: bool
    code: str
    id: str = ""
    warnings: tuple[Problem, ...] = ()


def add_override(uow: UnitOfWork, wanted: DutyOverride) -> RosterOutcome:
    """Put one person on call instead of the roster's (or instead of `wanted.instead_of`).

    Needs ``roster.write`` at the node. `by` and `id` are set here. Refusals: ``FORBIDDEN``,
    ``NEEDS_REASON``, ``EMPTY_PERIOD``, ``PERIOD_PAST``, ``UNKNOWN_UNIT``, ``UNKNOWN_PERSON``,
    ``SAME_PERSON``, ``CANNOT_ANSWER`` (the person may not acknowledge orders there), ``AWAY``.
    """
    before = read_directory(uow.connection)
    given = replace(wanted, by=uow.actor, reason=wanted.reason.strip()[:_TEXT_LIMIT])
    given = replace(given, id=_id_of("OV", override_document(given), uow.now, before))
    code = _may_write(uow, before, given.org) or _override_fault(uow, before, given)
    document = override_document(given)
    after = replace(before, overrides=(*before.overrides, given))
    attempt = _Attempt("roster.override", given.org, given.id, document)
    return _settle(uow, attempt, "overrides", code, (before, after))


def _override_fault(uow: UnitOfWork, known: Directory, given: DutyOverride) -> str:
    code = _period_fault(uow, given.start, given.end) or _reason_fault(given.reason)
    if code:
        return code
    if given.org not in known.nodes:
        return "UNKNOWN_UNIT"
    if given.instead_of and known.person(given.instead_of) is None:
        return "UNKNOWN_PERSON"
    if given.instead_of == given.person:
        return "SAME_PERSON"
    code = _answer_fault(known, given.person, given.org, max(given.start, uow.now))
    if code:
        return code
    gone = [one for one in known.absences if one.person == given.person]
    covered = any(one.start <= given.start and given.end <= one.end for one in gone)
    return "AWAY" if covered else ""


def add_absence(uow: UnitOfWork, wanted: Absence) -> RosterOutcome:
    """Note that a person cannot be called, and who answers meanwhile.

    People note their own; another's needs ``roster.write`` at that person's unit. Refusals: as for
    `add_override`, and ``AWAY`` when the deputy is away all the time.
    """
    before = read_directory(uow.connection)
    given = replace(wanted, by=uow.actor, reason=wanted.reason.strip()[:_TEXT_LIMIT])
    given = replace(given, id=_id_of("AB", absence_document(given), uow.now, before))
    person = before.person(given.person)
    unit = person.unit if person is not None else ""
    own = person is not None and person.active and uow.actor == given.person
    code = "" if own else _may_write(uow, before, unit)
    code = code or _absence_fault(uow, before, given, unit)
    after = replace(before, absences=(*before.absences, given))
    document = absence_document(given)
    attempt = _Attempt("roster.absence", unit, given.id, document)
    return _settle(uow, attempt, "absences", code, (before, after))


def _absence_fault(uow: UnitOfWork, known: Directory, given: Absence, unit: str) -> str:
    if known.person(given.person) is None:
        return "UNKNOWN_PERSON"
    code = _period_fault(uow, given.start, given.end)
    if code or not given.deputy:
        return code
    if given.deputy == given.person:
        return "SAME_PERSON"
    code = _answer_fault(known, given.deputy, unit, max(given.start, uow.now))
    if code:
        return code
    gone = [one for one in known.absences if one.person == given.deputy]
    covered = any(one.start <= given.start and given.end <= one.end for one in gone)
    return "AWAY" if covered else ""


def propose_swap(
    uow: UnitOfWork, *, org: str, role: Role, first: SwapSide, second: SwapSide, reason: str = ""
) -> RosterOutcome:
    """Propose that two people exchange two shifts; who is one of the two consents by proposing.

    It has no effect before `agree_swap`. Needs to be one of the two, or ``roster.write``. Refusals:
    as for `add_override`, and ``NOT_ON_DUTY`` when one gives away a period that is not theirs.
    """
    before = read_directory(uow.connection)
    both = (first.person, second.person)
    given = Swap(
        "", org, role, first, second, uow.actor, reason.strip()[:_TEXT_LIMIT],
        tuple(one for one in both if one == uow.actor),
    )  # fmt: skip
    given = replace(given, id=_id_of("SW", swap_document(given), uow.now, before))
    code = "" if uow.actor in both else _may_write(uow, before, org)
    code = code or _swap_fault(uow, before, given)
    after = replace(before, swaps=(*before.swaps, given))
    attempt = _Attempt("roster.swap_propose", org, given.id, swap_document(given))
    outcome = _settle(uow, attempt, "swaps", code, (before, after))
    return replace(outcome, code="SWAP_PROPOSED") if outcome.ok else outcome


def _swap_fault(uow: UnitOfWork, known: Directory, swap: Swap) -> str:
    if swap.org not in known.nodes:
        return "UNKNOWN_UNIT"
    if swap.first.person == swap.second.person:
        return "SAME_PERSON"
    for gives, takes in ((swap.first, swap.second), (swap.second, swap.first)):
        code = (
            _period_fault(uow, gives.start, gives.end)
            or _answer_fault(known, takes.person, swap.org, max(gives.start, uow.now))
            or ("" if _on_duty(known, swap, gives) else "NOT_ON_DUTY")
        )
        if code:
            return code
    return ""


def _on_duty(known: Directory, swap: Swap, side: SwapSide) -> bool:
    """Whether the whole period is the person's own."""
    watch = known.watch
    moments = watch.moments((swap.org,), swap.role, side.start, side.end)
    return all(
        side.person in {one.person for one in watch.answering(swap.org, swap.role, moment)}
        for moment in moments
        if moment < side.end
    )


def agree_swap(uow: UnitOfWork, swap_id: str) -> RosterOutcome:
    """Consent as one of the two, or confirm as a third who holds ``roster.write``.

    Who proposed it cannot confirm it for others: two people always stand behind a swap. Refusals:
    ``UNKNOWN_SWAP``, ``FORBIDDEN``, ``NEEDS_SECOND_PERSON``, ``ALREADY_AGREED``, ``PERIOD_PAST``,
    and what the roster has become since (``NOT_ON_DUTY``, ``CANNOT_ANSWER``).
    """
    row = _locked(uow, swap_id)
    before = read_directory(uow.connection)
    found = next((one for one in before.swaps if one.id == swap_id), None)
    if row is None or found is None:
        return _refused(uow, _Attempt("roster.swap_agree"), "UNKNOWN_SWAP")
    both = (found.first.person, found.second.person)
    code = ""
    given = found
    if found.agreed:
        code = "ALREADY_AGREED"
    elif uow.actor in both:
        given = replace(found, consents=tuple(dict.fromkeys((*found.consents, uow.actor))))
    else:
        code = _may_write(uow, before, found.org)
        given = replace(found, confirmed_by=uow.actor)
    if (not code and given == found) or (not code and uow.actor == found.by and not given.agreed):
        code = "NEEDS_SECOND_PERSON"
    code = code or _swap_fault(uow, before, found)
    if code:
        attempt = _Attempt("roster.swap_agree", found.org, found.id, swap_document(found))
        return _refused(uow, attempt, code)
    document = swap_document(given)
    uow.execute(update(_ROSTER).where(_ROSTER.c.id == row).values(document=document))
    after = replace(
        before, swaps=tuple(given if one.id == found.id else one for one in before.swaps)
    )
    attempt = _Attempt("roster.swap_agree", found.org, found.id, document)
    outcome = _done(uow, attempt, _new_conflicts(uow, before, after))
    return outcome if given.agreed else replace(outcome, code="SWAP_PROPOSED")


def withdraw(uow: UnitOfWork, change_id: str) -> RosterOutcome:
    """Take a change back from now on; what has been stays as it was.

    Its author, whom it concerns, or ``roster.write``. Refusals: ``UNKNOWN_CHANGE``, ``FORBIDDEN``,
    ``PERIOD_PAST``.
    """
    row = _locked(uow, change_id)
    before = read_directory(uow.connection)
    found = _find(before, change_id)
    if row is None or found is None:
        return _refused(uow, _Attempt("roster.withdraw"), "UNKNOWN_CHANGE")
    one, org, concerned = found
    active = (known := before.person(uow.actor)) is not None and known.active
    code = "" if active and uow.actor in concerned else _may_write(uow, before, org)
    attempt = _Attempt("roster.withdraw", org, change_id, _document(one))
    starts, ends = _bounds(one)
    if not code and ends <= uow.now:
        code = "PERIOD_PAST"
    if not code and isinstance(one, Swap) and one.agreed and starts <= uow.now:
        code = "SWAP_BEGUN"
    if code:
        return _refused(uow, attempt, code)
    if isinstance(one, Swap) or starts >= uow.now:
        uow.execute(delete(_ROSTER).where(_ROSTER.c.id == row))
    else:
        left = _document(replace(one, end=uow.now))
        uow.execute(update(_ROSTER).where(_ROSTER.c.id == row).values(document=left))
    return _done(uow, attempt, _new_conflicts(uow, before, read_directory(uow.connection)))


Change = DutyOverride | Absence | Swap


def _find(known: Directory, change_id: str) -> tuple[Change, str, tuple[str, ...]] | None:
    if not change_id:
        return None
    for override in known.overrides:
        if override.id == change_id:
            return override, override.org, (override.by,)
    for absence in known.absences:
        if absence.id == change_id:
            person = known.person(absence.person)
            unit = person.unit if person else ""
            return absence, unit, (absence.by, absence.person)
    for swap in known.swaps:
        if swap.id == change_id:
            # once agreed, one of the two alone cannot undo it
            both = (swap.by, swap.first.person, swap.second.person)
            return swap, swap.org, () if swap.agreed else both
    return None


def _bounds(one: Change) -> tuple[datetime, datetime]:
    if isinstance(one, Swap):
        return min(one.first.start, one.second.start), max(one.first.end, one.second.end)
    return one.start, one.end


def _document(one: Change) -> dict[str, Any]:
    if isinstance(one, Swap):
        return swap_document(one)
    return override_document(one) if isinstance(one, DutyOverride) else absence_document(one)


def _locked(uow: UnitOfWork, change_id: str) -> int | None:
    """The row of a change, locked until the unit ends: two consents at once are both kept."""
    wanted = select(_ROSTER.c.id, _ROSTER.c.document).where(_ROSTER.c.section != "roster")
    for row in uow.execute(wanted.with_for_update()).all():
        if change_id and row.document.get("id") == change_id:
            return int(row.id)
    return None


def _may_write(uow: UnitOfWork, known: Directory, org: str) -> str:
    return "" if known.may(uow.actor, WRITE, org, uow.now).allowed else "FORBIDDEN"


def _period_fault(uow: UnitOfWork, start: datetime, end: datetime) -> str:
    if end <= start:
        return "EMPTY_PERIOD"
    return "PERIOD_PAST" if end <= uow.now else ""


def _reason_fault(reason: str) -> str:
    return "" if reason else "NEEDS_REASON"


def _answer_fault(known: Directory, person: str, org: str, at: datetime) -> str:
    if known.person(person) is None:
        return "UNKNOWN_PERSON"
    return "" if known.may(person, ANSWER, org, at).allowed else "CANNOT_ANSWER"


def _id_of(prefix: str, document: Mapping[str, Any], now: datetime, known: Directory) -> str:
    """An id that no other change has, the same wish at the same moment included."""
    taken = {one.id for one in known.overrides} | {one.id for one in known.absences}
    taken |= {one.id for one in known.swaps}
    for number in count():
        content = trail.canonical({**document, "at": now.isoformat(), "number": number})
        found = f"{prefix}-{sha256(content).hexdigest()[:10]}"
        if found not in taken:
            return found
    raise AssertionError("count has no end")


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What somebody wanted to change, for the record."""

    action: str
    org: str = ""
    change_id: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)


def _settle(
    uow: UnitOfWork, attempt: _Attempt, section: str, code: str, after: tuple[Directory, Directory]
) -> RosterOutcome:
    """Write a new line, or refuse it; `after` is the directory before and after."""
    if code:
        return _refused(uow, replace(attempt, change_id=""), code)
    uow.execute(insert(_ROSTER).values(section=section, document=dict(attempt.document)))
    return _done(uow, attempt, _new_conflicts(uow, *after))


def _new_conflicts(uow: UnitOfWork, before: Directory, after: Directory) -> tuple[Problem, ...]:
    known = conflicts(before, uow.now)
    return tuple(one for one in conflicts(after, uow.now) if one not in known)


def _done(uow: UnitOfWork, attempt: _Attempt, warnings: tuple[Problem, ...]) -> RosterOutcome:
    new_version(uow)
    body = {"change": dict(attempt.document), "warnings": [one.code for one in warnings]}
    _record(uow, attempt, "done", "", body)
    return RosterOutcome(ok=True, code="DONE", id=attempt.change_id, warnings=warnings)


def _refused(uow: UnitOfWork, attempt: _Attempt, code: str) -> RosterOutcome:
    _record(uow, attempt, "refused", code, {"change": dict(attempt.document)})
    return RosterOutcome(ok=False, code=code)


def _record(
    uow: UnitOfWork, attempt: _Attempt, outcome: str, reason: str, body: dict[str, Any]
) -> None:
    trail.record(
        uow,
        kind="change",
        action=attempt.action,
        object_type="roster",
        object_id=attempt.change_id,
        org=attempt.org,
        outcome=outcome,
        reason=reason,
        body=body,
    )
