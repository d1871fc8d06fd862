"""What a verification finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was written.

    Attributes:
        seq: the record concerned, or the first of a range; 0 when no record is concerned.
        code: ``MISSING`` ``UNEXPECTED`` ``BODY`` ``COLUMN`` ``FORM`` ``NODES`` ``HEAD``
            ``CHECKPOINT`` ``UNLINKED`` ``SIGNATURE`` ``TRUNCATED`` ``ANCHOR`` ``BLOB`` ``PERSONAL``
            ``LOST`` ``UNREADABLE``.
        detail: what is wrong, for an expert.
        last: the last record of the range; `seq` when it is one record.
    """

    seq: int
    code: str
    detail: str
    last: int = 0


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What verification found.

    Attributes:
        ok: nothing contradicts anything; see `anchored` for what that is worth.
        size: records found.
        root: the recomputed root in hexadecimal; over what is left when records are missing.
        anchored: at least one copy of a checkpoint kept outside was checked and agrees. Without
            one, who owns database and key could have written everything anew.
        anchor_size: records covered by the newest such copy.
        checkpoints: how many stored checkpoints were checked.
        unsealed: the newest records, which no signed checkpoint covers yet: who writes to the
            database could change them without a key.
        faults: in the order in which they were found.
    """

    ok: bool
    size: int
    root: str
    anchored: bool
    anchor_size: int
    checkpoints: int
    faults: tuple[Fault, ...]
    unsealed: int = 0
