"""D8, 留痕与审计: one sentence on the whole, the records, and the proof of one."""

from dataclasses import dataclass
from datetime import datetime

from service.web.views.orders import Pair
from service.web.views.parts import Act, Choice, Link, Pager


@dataclass(frozen=True, slots=True)
class RecordLine:
    """One record of the list; `text` says it in words, `kind` is a code.

    Attributes:
        object_name: what it is about; `object_whole` all of it where a long digest is cut.
    """

    seq: int
    at: datetime
    kind: str
    text: str
    actor: str
    object_name: str
    url: str
    object_url: str = ""
    object_whole: str = ""
    outcome: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What the last verification found.

    Attributes:
        state: ``ok``, ``unanchored`` (internally consistent, no outside anchor), ``broken`` or
            ``unknown`` (never run).
        by: who had it run.
        faults: sentences, each naming a sequence number.
    """

    state: str
    at: datetime | None = None
    checked: int = 0
    seconds: str = ""
    by: str = ""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VerifyProgress:
    """A verification under way: per cent, records so far, who began it."""

    share: int
    done: int
    by: str


@dataclass(frozen=True, slots=True)
class AnchorLine:
    """One outside anchor; `agrees` is None while its file cannot be read from here."""

    at: datetime
    size: int
    where: str
    root: str
    agrees: bool | None = None


@dataclass(frozen=True, slots=True)
class TrailPage:
    """The page.

    Attributes:
        sentence: 前 128,431 条自 2026-07-01 起未被改动，其后 12 条尚未验证；最后外部存证 ….
        part: why the list holds fewer records than the sentence; empty when it holds all.
        tabs: records, anchors …; `tab` is ``records`` or ``anchors``.
        kinds: choices of the record kind.
        running: the verification under way; None when there is none.
        broke_off: the last verification did not come to an end.
        anchor: takes a checkpoint to the folder of the second owner; `checkpoint` hands it out.
    """

    sentence: str
    result: VerifyResult
    tabs: tuple[Link, ...]
    tab: str
    records: tuple[RecordLine, ...] = ()
    pager: Pager | None = None
    kinds: tuple[Choice, ...] = ()
    query: str = ""
    anchors: tuple[AnchorLine, ...] = ()
    verify: Act | None = None
    export: Act | None = None
    export_url: str = ""
    how_url: str = ""
    running: VerifyProgress | None = None
    broke_off: bool = False
    anchor: Act | None = None
    checkpoint: Act | None = None
    part: str = ""


@dataclass(frozen=True, slots=True)
class HowStep:
    """One step of the printed page, with the command as it is typed."""

    title: str
    text: str
    command: str


@dataclass(frozen=True, slots=True)
class HowPage:
    """How to check without the vendor."""

    key: str
    steps: tuple[HowStep, ...]


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """Then and now, side by side; `differences` are empty when identical."""

    identical: bool
    then: str
    now: str
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProofStep:
    """One hash on the way to the root; `side` is ``left`` or ``right``."""

    side: str
    hash: str


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One record.

    Attributes:
        facts: who, what, why, under which rule and numbers, as label and text.
        body: the canonical JSON, indented for reading.
        unreadable: the bytes are no JSON; `body` shows them as they lie there.
        leaf, root, size, index: of the inclusion proof.
        replay: None until asked for, or when the record is none of an assessment.
    """

    seq: int
    title: str
    at: datetime
    kind: str
    facts: tuple[Pair, ...]
    body: str
    leaf: str
    root: str
    size: int
    proof: tuple[ProofStep, ...] = ()
    proof_ok: bool | None = None
    checkpoint: str = ""
    replay: ReplayResult | None = None
    acts: tuple[Act, ...] = ()
    back_url: str = "/trail"
    proof_url: str = ""
    unreadable: bool = False
