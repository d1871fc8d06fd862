"""The register of exemptions in the tables: read, entered, saved; and whom each is about.

Nothing here commits.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from directory.scopes import Scopes
from store.unit_of_work import UnitOfWork
from store.upsert import insert_new
from workorders import journal
from workorders.exemptions import Exemption, ExemptionState, Terms
from workorders.plain import plain
from workorders.reads import within
from workorders.rows import EXEMPTION_SUBJECTS, EXEMPTIONS

#: In the buffers of a unit that asked for the exemptions in force.
_KEPT = "workorders.exemptions"
_TERMS = tuple(one.name for one in fields(Terms))
_OWN = tuple(one.name for one in fields(Exemption) if one.name != "terms")
_IN_FORCE = (
    select(EXEMPTIONS)
    .where(
        EXEMPTIONS.c.state == ExemptionState.GRANTED.value,
        EXEMPTIONS.c.starts_at <= bindparam("at"),
        EXEMPTIONS.c.ends_at > bindparam("at"),
    )
    .order_by(EXEMPTIONS.c.requested_at, EXEMPTIONS.c.id)
)


def find_exemption(connection: Connection, exemption_id: str) -> Exemption | None:
    """One exemption of the register."""
    wanted = select(EXEMPTIONS).where(EXEMPTIONS.c.id == exemption_id)
    row = connection.execute(wanted).mappings().first()
    return None if row is None else _exemption_from(row)


def list_exemptions(
    connection: Connection,
    scopes: Sequence[str],
    *,
    states: Collection[ExemptionState] = (),
    person: str = "",
    limit: int = 200,
) -> list[Exemption]:
    """The exemptions of the units inside `scopes`, latest first; no scopes means no row.

    Those about the reader whom the scopes carry are left out, save what that `person` asked for.
    """
    c = EXEMPTIONS.c
    wanted = select(EXEMPTIONS).where(within(c.org, tuple(scopes)))
    if isinstance(scopes, Scopes):
        if not scopes.matters:
            return []
        about = select(EXEMPTION_SUBJECTS.c.exemption).where(
            EXEMPTION_SUBJECTS.c.actor.in_(scopes.subjects)
        )
        own = (c.requested_by == person) & (c.requested_by != "")
        wanted = wanted.where(c.id.not_in(about) | own)
    if states:
        wanted = wanted.where(c.state.in_([one.value for one in states]))
    wanted = wanted.order_by(c.requested_at.desc(), c.id.desc()).limit(limit)
    return [_exemption_from(row) for row in connection.execute(wanted).mappings()]


def seen_exemption(
    connection: Connection, exemption_id: str, scopes: Sequence[str], person: str = ""
) -> Exemption | None:
    """One exemption as the reader of `scopes` may see it; None when it is none of the reader's."""
    found = find_exemption(connection, exemption_id)
    if found is None:
        return None
    inside = any(found.terms.org == one or found.terms.org.startswith(f"{one}/") for one in scopes)
    if not inside:
        return None
    if isinstance(scopes, Scopes) and found.requested_by != (person or None):
        about = set(scopes.subjects) & set(subjects_of_exemption(connection, exemption_id))
        if about or not scopes.matters:
            return None
    return found


def subjects_of_exemption(connection: Connection, exemption_id: str) -> tuple[str, ...]:
    """What the sources call the people whom the exemption is about."""
    c = EXEMPTION_SUBJECTS.c
    wanted = select(c.actor).where(c.exemption == exemption_id).order_by(c.actor)
    return tuple(connection.scalars(wanted))


def enter(uow: UnitOfWork, exemption: Exemption, *, subjects: Iterable[str]) -> None:
    """Put an exemption that was asked for on the register, with whom it is about."""
    values = {name: getattr(exemption, name) for name in _OWN}
    terms = {name: getattr(exemption.terms, name) for name in _TERMS}
    uow.execute(insert(EXEMPTIONS).values({**values, **terms, "state": exemption.state.value}))
    note_subjects(uow, exemption.id, subjects)
    record(uow, "exemption.ask", exemption)


def note_subjects(uow: UnitOfWork, exemption_id: str, actors: Iterable[str]) -> None:
    """Keep whom an exemption is about; who is kept already is not kept twice."""
    for actor in sorted({*actors} - {""}):
        row = {"exemption": exemption_id, "actor": actor}
        insert_new(uow.connection, EXEMPTION_SUBJECTS, row)


def save(uow: UnitOfWork, exemption: Exemption) -> None:
    """Write where an exemption stands; its terms never change."""
    values = {name: getattr(exemption, name) for name in _OWN if name != "id"}
    uow.execute(
        update(EXEMPTIONS)
        .where(EXEMPTIONS.c.id == exemption.id)
        .values({**values, "state": exemption.state.value})
    )
    uow.buffers.pop(_KEPT, None)


def in_force(uow: UnitOfWork) -> list[Exemption]:
    """The exemptions in force now; read once a unit, unless it changes one itself."""
    if _KEPT not in uow.buffers:
        uow.buffers[_KEPT] = read_in_force(uow.connection, uow.now)
    kept: list[Exemption] = uow.buffers[_KEPT]
    return kept


def read_in_force(connection: Connection, at: datetime) -> list[Exemption]:
    """The exemptions in force at `at`, by what is on record; the oldest first."""
    found = connection.execute(_IN_FORCE, {"at": at}).mappings()
    return [one for one in map(_exemption_from, found) if one.live(at)]


def record(
    uow: UnitOfWork, action: str, exemption: Exemption, *, refusal: str = "", **more: Any
) -> None:
    """Leave a decision on an exemption in the trail; with `refusal` that it was not done."""
    journal.record(
        uow,
        "decision",
        action,
        object_type="exemption",
        object_id=exemption.id,
        org=exemption.terms.org,
        outcome="refused" if refusal else exemption.state.value,
        reason=refusal,
        body={**told_of(exemption), **more},
    )


def refuse_ask(uow: UnitOfWork, org: str, code: str, **asked: str) -> None:
    """Leave in the trail that an exemption was asked for and could not be put before anybody."""
    journal.record(
        uow,
        "decision",
        "exemption.ask",
        object_type="exemption",
        object_id="",
        org=org,
        outcome="refused",
        reason=code,
        body=asked,
    )


def told_of(exemption: Exemption) -> dict[str, Any]:
    """What was permitted, by whom and until when: as it was known when a decision used it."""
    terms = exemption.terms
    return {
        "exemption": exemption.id,
        "terms": plain({name: getattr(terms, name) for name in _TERMS}),
        "why": exemption.reason,
        "exemption_clause": exemption.clause,
        "renews": exemption.renews,
        "request": exemption.request_id,
        "requested_by": exemption.requested_by,
        "approved_by": exemption.decided_by,
        "approved_at": exemption.decided_at,
        "ended_by": exemption.ended_by,
        "ended_at": exemption.ended_at,
        "end_reason": exemption.end_reason,
    }


def _exemption_from(row: RowMapping) -> Exemption:
    own = {name: row[name] for name in _OWN}
    terms = Terms(**{name: row[name] for name in _TERMS})
    return Exemption(**{**own, "terms": terms, "state": ExemptionState(row["state"])})
