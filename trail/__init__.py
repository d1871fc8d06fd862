"""The decision trail: record, Merkle log, checkpoints, verify, replay."""

from trail import tables
from trail.anchors import (
    Anchored,
    anchor,
    kept_note,
    newest_note,
    note_root,
    record_anchor,
)
from trail.bundle import Exported, export, verify_export
from trail.canonical import canonical
from trail.errors import (
    KeyFault,
    RecordTooLarge,
    TrailError,
    UnknownRecord,
    VerificationFailed,
)
from trail.keeper import TrailKeeper
from trail.keys import Keys, open_keys
from trail.merkle import verify_consistency, verify_inclusion
from trail.notes import Signer, Verifier
from trail.personal import commit_personal, erase_personal, personal_values
from trail.proofs import ConsistencyProof, InclusionProof, prove, prove_consistency
from trail.reading import Record, Summary, find, has_records, names, read, read_uid, summary
from trail.records import KINDS, RecordRef, put_blob, read_blob, record
from trail.replaying import Difference, Replayer, ReplayReport, replay
from trail.verification import Fault, VerifyReport, verify

__all__ = [
    "KINDS",
    "Anchored",
    "ConsistencyProof",
    "Difference",
    "Exported",
    "Fault",
    "InclusionProof",
    "KeyFault",
    "Keys",
    "Record",
    "RecordRef",
    "RecordTooLarge",
    "ReplayReport",
    "Replayer",
    "Signer",
    "Summary",
    "TrailError",
    "TrailKeeper",
    "UnknownRecord",
    "VerificationFailed",
    "Verifier",
    "VerifyReport",
    "anchor",
    "canonical",
    "commit_personal",
    "erase_personal",
    "export",
    "find",
    "has_records",
    "kept_note",
    "names",
    "newest_note",
    "note_root",
    "open_keys",
    "personal_values",
    "prove",
    "prove_consistency",
    "put_blob",
    "read",
    "read_blob",
    "read_uid",
    "record",
    "record_anchor",
    "replay",
    "summary",
    "tables",
    "verify",
    "verify_consistency",
    "verify_export",
    "verify_inclusion",
]
