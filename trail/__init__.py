"""The decision trail: record, Merkle log, checkpoints, verify, replay."""

from trail import tables
from trail.canonical import canonical
from trail.errors import KeyFault, RecordTooLarge, TrailError, UnknownRecord
from trail.keeper import TrailKeeper
from trail.keys import Keys, open_keys
from trail.merkle import verify_consistency, verify_inclusion
from trail.notes import Signer, Verifier
from trail.reading import Record, Summary, find, read, read_uid, summary
from trail.records import KINDS, RecordRef, put_blob, record

__all__ = [
    "KINDS",
    "KeyFault",
    "Keys",
    "Record",
    "RecordRef",
    "RecordTooLarge",
    "Signer",
    "Summary",
    "TrailError",
    "TrailKeeper",
    "UnknownRecord",
    "Verifier",
    "canonical",
    "find",
    "open_keys",
    "put_blob",
    "read",
    "read_uid",
    "record",
    "summary",
    "tables",
    "verify_consistency",
    "verify_inclusion",
]
