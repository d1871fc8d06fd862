"""Matches as they are kept: the why-trace, the decision on an object, the record."""

from typing import Any

from store.unit_of_work import UnitOfWork
from workorders import journal, rows
from workorders.model import Case, EntryKind, Match
from workorders.plain import plain
from workorders.rows import MATCHES


def match_body(match: Match) -> dict[str, Any]:
    """The whole match as JSON."""
    body: dict[str, Any] = plain(
        {
            "rule": match.rule,
            "code": match.code,
            "version": match.version,
            "rulebook": match.rulebook,
            "clause": match.clause,
            "level": match.level,
            "account": match.account,
            "product": match.product,
            "month": match.month,
            "measure": match.measure,
            "cause": match.cause,
            "actor": match.actor,
            "objects": match.objects,
            "sources": match.sources,
            "event_ids": match.event_ids,
            "correlation": match.correlation,
            "row": match.row,
            "event_time": match.event_time,
            "source_kind": match.source_kind,
            "batch_run": match.batch_run,
            "kind": match.kind,
            "value": match.value,
            "limit": match.limit,
            "use": match.use,
            "unit": match.unit,
            "evidence": match.evidence,
            "leaves": match.leaves,
            "facts_hash": match.facts_hash,
            "clears": None if match.clears is None else [match.clears.rule, match.clears.fact_key],
            "decide": None
            if match.decide is None
            else {
                "object_type": match.decide.object_type,
                "object_id": match.decide.object_id,
                "outcome": match.decide.outcome,
                "reason": match.decide.reason,
            },
            "series": match.series,
            "remedies": match.remedies,
            "data_state": match.data_state,
        }
    )
    return body


def record_decide(uow: UnitOfWork, match: Match) -> None:
    """Record what the match decides about one object; nothing when it decides nothing."""
    decide = match.decide
    if decide is None:
        return
    journal.record(
        uow,
        "decision",
        f"object.{decide.outcome}",
        object_type=decide.object_type,
        object_id=decide.object_id,
        org=match.org,
        outcome=decide.outcome,
        reason=decide.reason,
        body=match_body(match),
    )


def store_match(
    uow: UnitOfWork, match: Match, identity: str, alert_id: str, case: Case, *, refire: bool
) -> None:
    """Keep a match under its alert and case: row, record, line of the stream."""
    body = match_body(match)
    uow.add(
        MATCHES,
        {
            "id": identity,
            "alert_id": alert_id,
            "case_id": case.id,
            "rule": match.rule,
            "code": match.code,
            "version": match.version,
            "level": "" if match.level is None else match.level.value,
            "event_time": match.event_time,
            "recorded_at": uow.now,
            "facts_hash": match.facts_hash,
            "body": body,
        },
    )
    action = "match.refire" if refire else "match.record"
    journal.record(
        uow,
        "match",
        action,
        object_type="alert" if alert_id else "case",
        object_id=alert_id or case.id,
        org=match.org,
        outcome=match.code,
        body={**body, "match": identity, "case": case.id, "order": case.order_id},
    )
    rows.entry(
        uow,
        EntryKind.MATCH,
        action,
        {
            "match": identity,
            "rule": match.rule,
            "code": match.code,
            "level": body["level"],
            "event_time": match.event_time,
            "decide": body["decide"],
        },
        alert_id=alert_id,
        case_id=case.id,
        order_id=case.order_id,
    )
