"""The decision trail over HTTP: records, proofs, verification, replay."""

from typing import Annotated, Any, cast

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy import Connection

import trail
from agents.world import root_of
from service.api.access import App, Caller, Who
from service.api.events import when
from service.api.faults import not_found
from service.api.shapes import Number, Out, Time
from service.application import Application
from service.i18n.catalogue import LANGUAGES
from service.matters import find_seen, kept_from
from service.replaying import replayers_of
from service.verifying import Verification, last_verified
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
    """Something that is not as it was written, from record `seq` to `last`."""

    seq: int
    last: int
    code: str
    titles: dict[str, str]


class VerifiedOut(Out):
    """What a verification found; `anchored` says whether a copy outside agrees.

    `faults` holds the first 50 of `fault_count`.
    """

    ok: bool
    anchored: bool
    anchor_size: int
    size: int
    root: str
    checkpoints: int
    fault_count: int
    faults: list[FaultOut]
    seq: int
    at: Time
    actor: str
    seconds: Number


class VerificationOut(Out):
    """How far the verification is that is under way, and what the last one found.

    `broke_off` says that the last one ended without a result.
    """

    running: bool
    done: int
    total: int
    broke_off: bool
    last: VerifiedOut | None


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
    kept = kept_from(connection, who.reads(READ))
    if not (who.sees(record.org) if record.org else _whole(who)) or not kept.shows_record(record):
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
        found = find_seen(
            connection,
            scopes,
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


@router.post("/verify", summary="Begin to recompute everything", status_code=202)
def verify(request: Request, app: App, who: Who) -> VerificationOut:
    """Begun in the background, unless one is under way: ask GET until `running` is false.

    Bodies, nodes, checkpoints, and the copies outside; without such a copy it cannot be more than
    consistent.
    """
    who.check(READ)
    known = cast("Verification", request.app.state.verification)
    known.begin(app, who.person.id)
    return _verification(app, known)


@router.get("/verify", summary="How far verification is, and what the last one found")
def verification(request: Request, app: App, who: Who) -> VerificationOut:
    """Of this service, whoever began it, here or in the console."""
    who.check(READ)
    return _verification(app, cast("Verification", request.app.state.verification))


def _verification(app: Application, known: Verification) -> VerificationOut:
    # first how far it is: one that ends in between has left its record by then
    running, done, total = known.running, known.done, known.total
    with app.store.reader() as connection:
        record = last_verified(connection)
    return VerificationOut(
        running=running,
        done=done,
        total=total,
        broke_off=known.failed and not running,
        last=_verified(app, record) if record is not None else None,
    )


def _verified(app: Application, record: Record) -> VerifiedOut:
    body = record.body
    return VerifiedOut(
        ok=record.outcome == "ok",
        anchored=body["anchored"],
        anchor_size=body["anchor_size"],
        size=body["size"],
        root=body["root"],
        checkpoints=body["checkpoints"],
        fault_count=body["fault_count"],
        faults=[_fault(app, one) for one in body["faults"]],
        seq=record.seq,
        at=rfc3339(record.at),
        actor=record.actor,
        seconds=str(body["seconds"]),
    )


def _fault(app: Application, fault: dict[str, Any]) -> FaultOut:
    key = f"trail.fault.{fault['code']}"
    return FaultOut(
        seq=fault["seq"],
        last=fault["last"],
        code=fault["code"],
        titles={
            name: app.catalogues.words(name).text(key, seq=fault["seq"], last=fault["last"])
            for name in LANGUAGES
        },
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
