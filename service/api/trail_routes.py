"""The decision trail over HTTP: records, proofs, verification, replay."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection

import trail
from agents.world import root_of
from service.api.access import App, Caller, Who
from service.api.events import when
from service.api.faults import not_found
from service.api.shapes import Out, Time
from service.replaying import replayers_of
from store.clock import rfc3339
from trail import Record
from workorders.plain import plain

router = APIRouter(prefix="/trail", tags=["trail"])

READ = "trail.read"
#: Who exports the trail also sees what belongs to no organisation, such as sign-ins.
WHOLE = "trail.export"
Seq = Annotated[int, Path(ge=1, le=2**53)]


class RecordOut(Out):
    """One record."""

    seq: int
    at: Time
    actor: str
    kind: str
    action: str
    object_type: str
    object_id: str
    org: str
    outcome: str
    reason: str
    uid: str
    leaf_hash: str
    body: dict[str, Any]


class RecordPageOut(Out):
    """Records, newest first; hand `before` back to go on; 0 at the end."""

    items: list[RecordOut]
    before: int


class ProofOut(Out):
    """The way from a record to the root, and whether it holds."""

    seq: int
    size: int
    leaf_hash: str
    path: list[str]
    root: str
    holds: bool
    record: str


class FaultOut(Out):
    """Something that is not as it was written."""

    seq: int
    last: int
    code: str
    detail: str


class VerifyOut(Out):
    """What verification found; `anchored` says whether a copy outside agrees."""

    ok: bool
    anchored: bool
    size: int
    root: str
    checkpoints: int
    faults: list[FaultOut]


class DifferenceOut(Out):
    """A place where then and now differ."""

    path: str
    then: str | None
    now: str | None


class ReplayOut(Out):
    """What deciding again gave."""

    seq: int
    identical: bool
    reason: str
    explanation: list[DifferenceOut]


def record_out(record: Record) -> RecordOut:
    """The record as it goes out."""
    names = [name for name in RecordOut.model_fields if name not in {"leaf_hash", "body"}]
    return RecordOut(
        **plain({name: getattr(record, name) for name in names}),
        leaf_hash=record.leaf_hash.hex(),
        body=record.body,
    )


def _whole(who: Caller) -> bool:
    """Whether the caller sees every organisation, and so what belongs to none."""
    if not who.may(WHOLE):
        return False
    roots = {root_of(path) for path in who.directory.nodes}
    return bool(roots) and roots <= set(who.reads(READ))


def _seen(connection: Connection, who: Caller, seq: int) -> Record:
    who.check(READ)
    record = trail.read(connection, seq)
    if not (who.sees(record.org) if record.org else _whole(who)):
        raise not_found()
    return record


@router.get("/records", summary="Records of the units that the caller sees, newest first")
def list_records(
    app: App,
    who: Who,
    *,
    before: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    kind: Annotated[str, Query(max_length=40)] = "",
    action: Annotated[str, Query(max_length=100)] = "",
    object_type: Annotated[str, Query(max_length=100)] = "",
    object_id: Annotated[str, Query(max_length=200)] = "",
    actor: Annotated[str, Query(max_length=200)] = "",
    since: Annotated[str, Query(max_length=40, json_schema_extra={"format": "date-time"})] = "",
    until: Annotated[str, Query(max_length=40, json_schema_extra={"format": "date-time"})] = "",
) -> RecordPageOut:
    """One page."""
    scopes = who.reads(READ)
    with app.store.reader() as connection:
        found = trail.find(
            connection,
            kind=kind or None,
            action=action or None,
            object_type=object_type or None,
            object_id=object_id or None,
            actor=actor or None,
            org=None if _whole(who) else list(scopes),
            since=when(since, "since"),
            until=when(until, "until"),
            before_seq=before or None,
            limit=limit,
        )
    last = found[-1].seq if len(found) == limit else 0
    return RecordPageOut(items=[record_out(one) for one in found], before=last)


@router.get("/records/{seq}", summary="One record")
def show_record(app: App, who: Who, seq: Seq) -> RecordOut:
    """One record."""
    with app.store.reader() as connection:
        return record_out(_seen(connection, who, seq))


@router.get("/records/{seq}/proof", summary="That a record stands in the trail")
def prove(app: App, who: Who, seq: Seq) -> ProofOut:
    """The inclusion proof, with the record's bytes in hexadecimal to check it by oneself."""
    with app.store.reader() as connection:
        record = _seen(connection, who, seq)
        proof = trail.prove(connection, seq)
    return ProofOut(
        seq=proof.seq,
        size=proof.size,
        leaf_hash=proof.leaf_hash.hex(),
        path=[one.hex() for one in proof.path],
        root=proof.root.hex(),
        holds=proof.holds(),
        record=record.raw.hex(),
    )


@router.post("/verify", summary="Recompute everything")
def verify(app: App, who: Who) -> VerifyOut:
    """Bodies, nodes, checkpoints; without a copy outside it cannot be more than consistent."""
    who.check(READ)
    with app.store.reader() as connection:
        found = trail.verify(connection, verifiers=[app.keys.trail.verifier])
    return VerifyOut(
        ok=found.ok,
        anchored=found.anchored,
        size=found.size,
        root=found.root,
        checkpoints=found.checkpoints,
        faults=[
            FaultOut(seq=one.seq, last=one.last, code=one.code, detail=one.detail)
            for one in found.faults
        ],
    )


@router.post("/records/{seq}/replay", summary="Decide again from the record's own inputs")
def replay(app: App, who: Who, seq: Seq) -> ReplayOut:
    """The same bytes, or every place that differs."""
    with app.store.reader() as connection:
        _seen(connection, who, seq)
        found = trail.replay(connection, seq, replayers_of(app, connection))
    return ReplayOut(
        seq=found.seq,
        identical=found.identical,
        reason=found.reason,
        explanation=[
            DifferenceOut(path=one.path, then=one.then, now=one.now) for one in found.explanation
        ],
    )


class SummaryOut(Out):
    """The trail in a few figures."""

    size: int
    since: Time | None
    until: Time | None
    root: str
    checkpoint_size: int
    anchor_size: int
    anchor_at: Time | None


@router.get("", summary="The trail in a few figures")
def summary(app: App, who: Who) -> SummaryOut:
    """Size, period, root, last checkpoint and last copy outside."""
    who.check(READ)
    with app.store.reader() as connection:
        found = trail.summary(connection)
    return SummaryOut(
        size=found.size,
        since=rfc3339(found.since) if found.since else None,
        until=rfc3339(found.until) if found.until else None,
        root=found.root,
        checkpoint_size=found.checkpoint_size,
        anchor_size=found.anchor_size,
        anchor_at=rfc3339(found.anchor_at) if found.anchor_at else None,
    )
