"""The course of an exemption: given or refused, brought to mind, revoked, or over by its time.

What still stands when it ends raises its alert in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from store import outbox, timers
from store.clock import rfc3339
from store.types import decimal_text
from store.unit_of_work import UnitOfWork
from workorders.card import Card, CardKind, Line
from workorders.context import Context
from workorders.exempting import causers_of, keep_standing, release, waiting
from workorders.exemption_rows import (
    find_exemption,
    note_subjects,
    record,
    save,
    subjects_of_exemption,
)
from workorders.exemptions import REMIND, Exemption, ExemptionState
from workorders.ingest import ingest_match

EXEMPTION = "workorders.exemption"
#: The timers of an exemption: it begins, it is brought to mind, it ends.
BEGIN, REMINDER, END = "begin", "remind", "end"
#: Who may sign may revoke; and who asked may give it back.
PERMISSION = "approval.sign"


@dataclass(frozen=True, slots=True)
class ExemptionOutcome:
    """What became of an act on an exemption.

    Attributes:
        ok: false when it was refused.
        code: ``DONE``, ``ALREADY_DONE`` or the reason of the refusal.
        exemption: as it now stands; None when there is none.
        params: what the sentence names.
        raised: alerts that are raised now because of it.
    """

    ok: bool
    code: str
    exemption: Exemption | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    raised: tuple[str, ...] = ()


def grant(uow: UnitOfWork, exemption_id: str, *, approved_by: str) -> None:
    """The last signer agreed: from now on it counts, unless its window is over already."""
    asked = find_exemption(uow.connection, exemption_id)
    if asked is None or asked.state is not ExemptionState.ASKED:
        return
    given = replace(asked, state=ExemptionState.GRANTED, decided_by=approved_by, decided_at=uow.now)
    if uow.now >= given.terms.ends_at:
        given = replace(given, state=ExemptionState.ENDED, ended_at=uow.now)
        save(uow, given)
        record(uow, "exemption.end", given, late=True)
        return
    save(uow, given)
    note_subjects(uow, given.id, causers_of(uow.connection, given.terms))
    _arm(uow, given)
    if given.terms.starts_at <= uow.now:
        keep_standing(uow, given)
    record(uow, "exemption.grant", given)


def refuse(uow: UnitOfWork, exemption_id: str, *, decided_by: str, why: str) -> None:
    """The signers did not agree, or did not in time, or the asker took it back; `why` is a code."""
    asked = find_exemption(uow.connection, exemption_id)
    if asked is None or asked.state is not ExemptionState.ASKED:
        return
    refused = replace(
        asked, state=ExemptionState.REFUSED, decided_by=decided_by, decided_at=uow.now,
        end_reason=why,
    )  # fmt: skip
    save(uow, refused)
    record(uow, "exemption.refuse", refused)


def revoke(uow: UnitOfWork, ctx: Context, exemption_id: str, *, reason: str) -> ExemptionOutcome:
    """End it before its time, as a signer or as who asked; what still stands is told at once."""
    given = find_exemption(uow.connection, exemption_id)
    if given is None:
        return ExemptionOutcome(False, "UNKNOWN_EXEMPTION")
    if given.state in {ExemptionState.REVOKED, ExemptionState.ENDED}:
        return ExemptionOutcome(True, "ALREADY_DONE", given)
    allowed = ctx.may(uow.actor, PERMISSION, given.terms.org, uow.now)
    if not allowed.allowed and uow.actor != given.requested_by:
        return _refused(uow, given, "FORBIDDEN", permission=PERMISSION, why=str(allowed.reason))
    if given.state is not ExemptionState.GRANTED:
        return _refused(uow, given, "EXEMPTION_NOT_GIVEN", number=given.id)
    if not reason.strip():
        return _refused(uow, given, "NEEDS_REASON")
    ended = replace(
        given, state=ExemptionState.REVOKED, ended_by=uow.actor, ended_at=uow.now,
        end_reason=reason.strip(),
    )  # fmt: skip
    timers.cancel(uow, prefix=f"{given.id}/")
    return ExemptionOutcome(True, "DONE", ended, raised=_end(uow, ctx, ended, "exemption.revoke"))


def due(uow: UnitOfWork, ctx: Context, exemption_id: str, what: str) -> tuple[str, tuple[str, ...]]:
    """A timer is due: a code of `fire.Fired`, and who was told or what was raised."""
    given = find_exemption(uow.connection, exemption_id)
    if given is None or given.state is not ExemptionState.GRANTED:
        return "NOTHING_TO_DO", ()
    if what == BEGIN:
        keep_standing(uow, given)
        record(uow, "exemption.begin", given)
        return "EXEMPTION_BEGUN", ()
    if what == REMINDER:
        return "EXEMPTION_REMINDED", _remind(uow, ctx, given)
    ended = replace(given, state=ExemptionState.ENDED, ended_by=uow.actor, ended_at=uow.now)
    return "EXEMPTION_ENDED", _end(uow, ctx, ended, "exemption.end")


def _arm(uow: UnitOfWork, given: Exemption) -> None:
    terms = given.terms
    times = (
        (BEGIN, terms.starts_at),
        (REMINDER, terms.ends_at - REMIND),
        (END, terms.ends_at),
    )
    for what, due_at in times:
        if due_at > uow.now:
            timers.set_timer(
                uow,
                key=f"{given.id}/{what}",
                kind=EXEMPTION,
                due_at=due_at,
                payload={"exemption": given.id, "what": what},
            )


def _end(uow: UnitOfWork, ctx: Context, ended: Exemption, action: str) -> tuple[str, ...]:
    save(uow, ended)
    standing = waiting(uow.connection, ended.id)
    release(uow, ended.id)
    raised = []
    for match in standing:
        # It is found anew: until now it was permitted. Another exemption may still cover it.
        found = replace(match, event_time=uow.now)
        told = ingest_match(uow, found, ctx, released=True)
        if not told.exemption:
            raised.append(told.alert_id)
    record(uow, action, ended, raised=raised)
    return tuple(raised)


def _remind(uow: UnitOfWork, ctx: Context, given: Exemption) -> tuple[str, ...]:
    """Who asked and who is on call hear of the end; never whom the exemption is about."""
    terms = given.terms
    about = subjects_of_exemption(uow.connection, given.id)
    on_call = ctx.people.assignees(terms.org, "orange", uow.now, about=about).people
    people = tuple(dict.fromkeys((given.requested_by, *on_call)))
    standing = len(waiting(uow.connection, given.id))
    what = {
        "place": terms.org,
        "commodity": terms.product,
        "rule": terms.rule,
        "value": decimal_text(terms.cap),
        "unit": terms.unit,
    }
    ends = {"number": given.id, "at": rfc3339(terms.ends_at)}
    for person in people:
        for channel in ctx.channels:
            key = f"{given.id}/remind/{person}/{channel}"
            card = Card(
                kind=CardKind.RESULT,
                notice_id=key,
                object_id=given.id,
                version=1,
                person=person,
                level=None,
                title=Line("exemption.card.ends", ends),
                lines=(
                    Line("exemption.card.what", what),
                    Line("exemption.card.standing", {"count": standing}),
                ),
                path="/exemptions",
            )
            payload = card.as_json()
            outbox.put(
                uow, channel=channel, target=person, payload=payload, key=key, group=given.id
            )
    record(uow, "exemption.remind", given, people=list(people))
    return people


def _refused(uow: UnitOfWork, given: Exemption, code: str, **params: Any) -> ExemptionOutcome:
    record(uow, "exemption.revoke", given, refusal=code, **params)
    return ExemptionOutcome(False, code, given, params)
