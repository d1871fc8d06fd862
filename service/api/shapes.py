"""What goes over the wire. Requests refuse fields that they do not know; answers hold nothing else.

Times are RFC 3339 with ``Z``, decimals plain strings, so that no client rounds money.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Number = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?$")]
#: Decimals that come in; 20 digits hold every figure of the book.
NumberIn = Annotated[
    str, StringConstraints(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,8})?$", max_length=26)
]
#: No control characters: what is typed stands in the trail and in mails.
_TYPED = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
_LINE = r"^[^\x00-\x1f\x7f]*$"
Text = Annotated[str, StringConstraints(max_length=4000, pattern=_TYPED)]
Line = Annotated[str, StringConstraints(max_length=200, pattern=_LINE)]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Code = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
LevelName = Literal["red", "orange", "yellow", "blue"]


class In(BaseModel):
    """The base of what comes in."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Out(BaseModel):
    """The base of what goes out."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ProblemOut(Out):
    """One fault in the data."""

    code: str
    file: str
    line: int
    column: int
    cell: str
    field: str
    found: str
    allowed: str
    hint: str
    severity: str
    params: dict[str, str]
    titles: dict[str, str]


class ProblemDocument(Out):
    """A refusal or fault (RFC 9457)."""

    type: str
    title: str
    titles: dict[str, str]
    status: int
    code: str
    params: dict[str, Any]
    problems: list[ProblemOut]
    instance: str | None = None


class ClearOut(Out):
    """A condition that must no longer hold before an order may close."""

    rule: str
    fact_key: str


class OrderOut(Out):
    """A work order."""

    id: str
    version: int
    kind: str
    level: LevelName
    state: str
    org: str
    account: str
    product: str
    month: str
    code: str
    measure: str
    value: Number | None
    limit: Number | None
    use: Number | None
    unit: str
    count: int
    opened_at: Time
    first_seen: Time
    last_seen: Time
    acknowledged_at: Time | None
    acknowledged_by: str
    resolved_at: Time | None
    resolved_by: str
    closed_at: Time | None
    closed_by: str
    acknowledge_due: Time | None
    resolve_due: Time | None
    assignees: list[str]
    owner: str
    rung: int
    tags: list[str]
    clears: list[ClearOut]
    needs_disposition: bool
    merged_into: str
    reopened_from: str
    drill: bool


class OrderPageOut(Out):
    """One page of orders, newest first."""

    items: list[OrderOut]
    cursor: str = Field(description="hand it back to go on; empty at the end")


class EntryOut(Out):
    """One line of the stream under an order."""

    seq: int
    at: Time
    actor: str
    kind: str
    code: str
    params: dict[str, Any]
    text: str


class LineOut(Out):
    """A sentence as its code, its parameters, and its words in both languages."""

    code: str
    params: dict[str, Any]
    titles: dict[str, str]


class OrderDetailOut(Out):
    """A work order with its three lines, its matches and its stream."""

    order: OrderOut
    broke: LineOut
    since: LineOut
    back: list[LineOut]
    matches: list[dict[str, Any]]
    stream: list[EntryOut]
    approvals: list[str]
    merged_in: list[str]


class ActOut(Out):
    """What became of an act."""

    code: str = Field(description="`DONE`, or `ALREADY_DONE` for the same act again")
    params: dict[str, Any]
    order: OrderOut | None = None
    new_order: str = ""
    approval: str = ""


class VersionIn(In):
    """The version that the caller saw; without it the act runs on whatever stands now."""

    version: Annotated[int, Field(ge=0, le=10**9)] | None = None


class ResolveIn(VersionIn):
    """What was done."""

    text: Text = ""


class NoteIn(In):
    """A note, kept verbatim."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000, pattern=_TYPED)]


class TagIn(In):
    """Tags that are added, and tags that are taken away."""

    add: Annotated[list[Name], Field(max_length=20)] = []
    remove: Annotated[list[Name], Field(max_length=100)] = []


class MergeIn(VersionIn):
    """The order that goes on, and why; `into_version` as `version`, of that order."""

    into: Annotated[str, StringConstraints(max_length=64, pattern=r"^WO-[0-9]{8}-[0-9]{1,9}$")]
    text: Text = ""
    into_version: Annotated[int, Field(ge=0, le=10**9)] | None = None


class HoldIn(In):
    """Instructions that are held, and why."""

    objects: Annotated[list[Name], Field(min_length=1, max_length=100)]
    reason: Text


class EscalateIn(In):
    """Why the next rung is climbed now."""

    reason: Text = ""


class SnoozeIn(In):
    """Until when nobody is reminded, and why."""

    until: Annotated[str, Field(json_schema_extra={"format": "date-time"}, max_length=40)]
    reason: Text


class CorrectiveIn(In):
    """A corrective action: what, by whom, until when."""

    text: Text
    owner: Name
    due: Annotated[str, Field(json_schema_extra={"format": "date-time"}, max_length=40)]


class CloseIn(VersionIn):
    """What closing asks."""

    disposition: Literal["fixed", "accepted", "false_alarm", "duplicate", "handed_over"]
    root_cause: Code
    corrective: CorrectiveIn | None = None
    override: Text = ""
    note: Text = ""


class AskIn(In):
    """An approval to ask for."""

    kind: Literal["hedge_order", "limit_change", "override", "grant"]
    object_id: Line = ""
    amount: NumberIn | None = None
    currency: Annotated[str, StringConstraints(max_length=8, pattern=r"^[A-Z]*$")] = ""
    material: Annotated[
        dict[Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")], Text],
        Field(max_length=20),
    ] = Field(default_factory=dict)


class AlertOut(Out):
    """A line of the triage inbox."""

    id: str
    rule: str
    code: str
    level: LevelName
    state: str
    reason: str
    source_kind: str
    org: str
    account: str
    product: str
    month: str
    actor: str
    order_id: str
    raised_at: Time
    first_seen: Time
    last_seen: Time
    count: int
    due_at: Time | None
    dwell_until: Time | None
    decided_by: str
    decided_at: Time | None
    value: Number | None
    limit: Number | None
    use: Number | None
    unit: str
    evidence: dict[str, Any]
    assignees: list[str]


class AlertPageOut(Out):
    """One page of alerts, newest first."""

    items: list[AlertOut]
    cursor: str


class ConfirmIn(In):
    """What was seen."""

    text: Text = ""


class DismissIn(In):
    """Why an alert is put aside."""

    reasons: Annotated[list[Name], Field(min_length=1, max_length=10)]
    text: Text = ""


class BulkDismissIn(DismissIn):
    """Many alerts put aside for the same reasons."""

    alerts: Annotated[list[Name], Field(min_length=1, max_length=200)]


class TriageOut(Out):
    """What became of an act on an alert."""

    ok: bool
    code: str
    titles: dict[str, str]
    params: dict[str, Any]
    alert: AlertOut | None
    order: str


class BulkTriageOut(Out):
    """What became of each, in the order given."""

    results: list[TriageOut]


class SignatureOut(Out):
    """Who signed."""

    step: int
    seat: str
    by: str
    at: Time


class ApprovalOut(Out):
    """A request for approval."""

    id: str
    version: int
    kind: str
    object_id: str
    org: str
    requester: str
    amount: Number | None
    currency: str
    material: dict[str, str]
    status: str
    round: int
    step: str
    waiting_for: list[str]
    mode: str = Field(description="`all`, `any` or `n_of` of the step that waits; else empty")
    still_needed: int
    signatures: list[SignatureOut]
    due: Time | None
    expires: Time | None
    decided_by: str
    decided_at: Time | None
    reason: str


class ApprovalListOut(Out):
    """Requests, newest first."""

    items: list[ApprovalOut]


class ApproveIn(In):
    """An act on a request; `version` is the one that the caller saw."""

    verb: Literal[
        "approve",
        "reject",
        "return_for_papers",
        "reassign",
        "add_signer",
        "nudge",
        "withdraw",
    ]
    version: Annotated[int, Field(ge=0, le=10**9)]
    reason: Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Z_]*$")] = ""
    note: Text = ""
    to: Line = ""


class TickedIn(In):
    """A request, in the version that the caller saw."""

    id: Annotated[str, StringConstraints(pattern=r"^AP-[0-9a-f]{16}$", max_length=19)]
    version: Annotated[int, Field(ge=0, le=10**9)]


class SignAllIn(In):
    """Requests to sign at once; each is judged on its own."""

    requests: Annotated[list[TickedIn], Field(min_length=1, max_length=50)]
    note: Text = ""


class SignedOut(Out):
    """What came of one of them; no request for one that the caller does not see."""

    id: str
    ok: bool
    code: str
    titles: dict[str, str]
    approval: ApprovalOut | None


class SignAllOut(Out):
    """What came of each, in the order asked; `signed` counts those accepted."""

    signed: int
    refused: int
    items: list[SignedOut]


class ApprovalActOut(Out):
    """What came of it."""

    code: str
    titles: dict[str, str]
    approval: ApprovalOut
