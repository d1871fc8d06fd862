"""One record of the trail: what it says, the proof that it stands there, the decision replayed."""

import json
from typing import Any

from sqlalchemy import Connection, select

import trail
from service.replaying import replayers_of
from service.web.rooms.here import Here, not_found
from service.web.rooms.trail_page import WHOLE, may_read
from service.web.rooms.trail_words import facts_of, record_title
from service.web.views.parts import Act
from service.web.views.trail import ProofStep, RecordPage, ReplayResult
from trail import InclusionProof, Record, ReplayReport, TrailError, UnknownRecord
from trail.merkle import leaf_hash
from trail.tables import CHECKPOINT


def seen_record(here: Here, connection: Connection, seq: int) -> Record:
    """The record; the same refusal for one that is not there and one that must not be seen."""
    try:
        record = trail.read(connection, seq)
    except UnknownRecord as fault:
        raise not_found() from fault
    if not may_read(here, connection, record):
        raise not_found()
    return record


def record_page(
    here: Here, connection: Connection, record: Record, report: ReplayReport | None = None
) -> RecordPage:
    """The page; with `report` then and now stand side by side."""
    proof = _proof(connection, record.seq)
    note = _note(connection, proof.size) if proof is not None else ""
    body, readable = _shown(record.raw)
    return RecordPage(
        seq=record.seq,
        title=record_title(here, record),
        at=record.at,
        kind=record.kind,
        facts=facts_of(here, record),
        body=body,
        unreadable=not readable,
        leaf=record.leaf_hash.hex(),
        root=proof.root.hex() if proof is not None else "",
        size=proof.size if proof is not None else 0,
        proof=_steps(proof) if proof is not None else (),
        proof_ok=proof is not None and proof.holds() and proof.leaf_hash == leaf_hash(record.raw),
        checkpoint=note,
        replay=_replayed(here, report) if report is not None else None,
        acts=tuple(_acts(here, connection, record, sealed=bool(note))),
    )


def _proof(connection: Connection, seq: int) -> InclusionProof | None:
    """The proof; None when the records or hashes that it needs are gone or broken."""
    try:
        return trail.prove(connection, seq)
    except (TrailError, ValueError):
        return None


def _shown(raw: bytes) -> tuple[str, bool]:
    """The record for reading, and whether it is JSON; what is not is shown as it lies there."""
    try:
        return pretty(json.loads(raw)), True
    except ValueError:
        return raw.decode("utf-8", "backslashreplace").replace("\x00", "\\x00"), False


def pretty(document: Any) -> str:
    """JSON for reading; keys in the order of the canonical form."""
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)


def _note(connection: Connection, size: int) -> str:
    """The signed checkpoint over so many records; empty when none was written there."""
    found = connection.scalar(select(CHECKPOINT.c.note).where(CHECKPOINT.c.size == size))
    return str(found or "")


def _steps(proof: InclusionProof) -> tuple[ProofStep, ...]:
    """The hashes with the side on which each stands (RFC 9162, 2.1.3.2)."""
    steps = []
    index, last = proof.seq - 1, proof.size - 1
    for one in proof.path:
        left = bool(index & 1) or index == last
        if left:
            # A right edge that stands alone climbs until it has a neighbour.
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        steps.append(ProofStep("left" if left else "right", one.hex()))
        index, last = index >> 1, last >> 1
    return tuple(steps)


def _acts(here: Here, connection: Connection, record: Record, *, sealed: bool) -> list[Act]:
    text, url = here.text, f"/trail/records/{record.seq}"
    replayable = record.action in replayers_of(here.app, connection)
    why_no_file = here.why_not(WHOLE) or ("" if sealed else text("ui.record.not_sealed"))
    return [
        Act(
            text("ui.act.replay"),
            f"{url}/replay",
            "replay",
            "primary",
            why_not="" if replayable else text("ui.record.no_replay"),
        ),
        Act(text("ui.record.proof_file"), f"{url}/proof", "proof", why_not=why_no_file),
    ]


def _replayed(here: Here, report: ReplayReport) -> ReplayResult:
    if report.now is None:
        why = here.text(
            "ui.record.no_replay" if report.reason == "NO_REPLAYER" else "ui.record.replay_failed"
        )
        return ReplayResult(False, pretty(report.then), "—", (why,))
    differences = tuple(
        f"{one.path}: {one.then or '—'} → {one.now or '—'}" for one in report.explanation
    )
    return ReplayResult(report.identical, pretty(report.then), pretty(report.now), differences)
