"""What an approval request is at one moment, and the acts that can be done to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from approvals.plan import Clock, Mode, Then


class Status(StrEnum):
    """Where a request stands. ``draft``, ``pending`` and ``papers`` are open, the others final."""

    DRAFT = "draft"
    PENDING = "pending"
    PAPERS = "papers"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        """Whether no act changes it any more."""
        return self not in (Status.DRAFT, Status.PENDING, Status.PAPERS)


class Verb(StrEnum):
    """What can be done to a request."""

    SUBMIT = "submit"
    APPROVE = "approve"  # 同意
    REJECT = "reject"  # 驳回
    RETURN_FOR_PAPERS = "return_for_papers"  # 退回补充
    REASSIGN = "reassign"  # 转办
    ADD_SIGNER = "add_signer"  # 加签
    NUDGE = "nudge"  # 催办
    WITHDRAW = "withdraw"  # 撤回
    DELEGATE = "delegate"  # 委托
    TIMEOUT = "timeout"
    MATERIAL_CHANGE = "material_change"


#: The kind of a request to close an order while its condition holds.
OVERRIDE_KIND = "override"

REJECT_REASONS = (
    "PRICE",
    "QUANTITY",
    "LIMIT",
    "TIMING",
    "DATA",
    "PAPERS_MISSING",
    "NOT_NEEDED",
    "OTHER",
)
"""The reasons a rejection or return can give; free text stands beside them."""


class Code(StrEnum):
    """What came of an act."""

    SUBJECT_CHANGED = "SUBJECT_CHANGED"
    SUBMITTED = "SUBMITTED"
    SIGNED = "SIGNED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    RETURNED = "RETURNED"
    REASSIGNED = "REASSIGNED"
    SIGNER_ADDED = "SIGNER_ADDED"
    NUDGED = "NUDGED"
    WITHDRAWN = "WITHDRAWN"
    DELEGATED = "DELEGATED"
    ESCALATED = "ESCALATED"
    APPROVAL_EXPIRED = "APPROVAL_EXPIRED"
    RESTARTED = "RESTARTED"
    # the same again: accepted, nothing changed
    ALREADY_SUBMITTED = "ALREADY_SUBMITTED"
    ALREADY_SIGNED = "ALREADY_SIGNED"
    ALREADY_NUDGED = "ALREADY_NUDGED"
    ALREADY_DELEGATED = "ALREADY_DELEGATED"
    NOTHING_CHANGED = "NOTHING_CHANGED"
    # refusals
    APPROVAL_DECIDED = "APPROVAL_DECIDED"
    NOT_SUBMITTED = "NOT_SUBMITTED"
    NOT_PERMITTED = "NOT_PERMITTED"
    SELF_APPROVAL = "SELF_APPROVAL"
    CAUSER_CANNOT_SIGN = "CAUSER_CANNOT_SIGN"
    SIGNED_BEFORE = "SIGNED_BEFORE"
    NOT_A_SIGNER = "NOT_A_SIGNER"
    NOT_YOUR_TURN = "NOT_YOUR_TURN"
    NOT_THE_REQUESTER = "NOT_THE_REQUESTER"
    NOT_INVOLVED = "NOT_INVOLVED"
    NO_DELEGATION = "NO_DELEGATION"
    DELEGATION_ENDED = "DELEGATION_ENDED"
    DELEGATION_NOT_BEGUN = "DELEGATION_NOT_BEGUN"
    DELEGATION_CAP = "DELEGATION_CAP"
    DELEGATION_SCOPE = "DELEGATION_SCOPE"
    REASON_NEEDED = "REASON_NEEDED"
    TARGET_NOT_ELIGIBLE = "TARGET_NOT_ELIGIBLE"
    NO_ELIGIBLE_SIGNERS = "NO_ELIGIBLE_SIGNERS"
    NOT_DUE = "NOT_DUE"
    APPROVAL_CHANGED = "APPROVAL_CHANGED"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be approved.

    Attributes:
        kind: ``hedge_order``, ``limit_change``, ``override``, ``grant`` …
        object_id: names the object of that kind.
        org: organisation path at which it is decided.
        requester: who asks; never signs.
        causers: people whose doing made it necessary (a breach's causer, a grant's beneficiary);
            they never sign.
        amount: money that chooses the band; ``None`` when the subject has none.
        currency: of the amount.
        product: for deadlines on the session clock; empty for none.
        material: fields that the signers decide upon, as text.
    """

    kind: str
    object_id: str
    org: str
    requester: str
    causers: tuple[str, ...] = ()
    amount: Decimal | None = None
    currency: str = ""
    product: str = ""
    material: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenStep:
    """One step with the people it was resolved to.

    Attributes:
        need: how many of `signers` must sign.
        signers: who may sign.
        extra: added signers, who must all sign too.
        escalate_to: who joins `signers` when the deadline passes; `need` stays.
        mode: how the plan put it: all, any, or so many of them.
        role, permission: what signers were sought by; both are empty for a list of people.
        org: from where they were sought upward.
        escalated: whether that has happened.
    """

    name: str
    need: int
    signers: tuple[str, ...]
    extra: tuple[str, ...] = ()
    after_s: int | None = None
    clock: Clock = Clock.WALL
    then: Then = Then.EXPIRE
    escalate_to: tuple[str, ...] = ()
    escalated: bool = False
    mode: Mode = Mode.ANY
    role: str = ""
    permission: str = ""
    org: str = ""

    @property
    def seats(self) -> tuple[str, ...]:
        """Everybody who may sign here."""
        return self.signers + self.extra


@dataclass(frozen=True, slots=True)
class Signature:
    """One approval: `by` signed for the seat of `seat` (the same person, or who delegated)."""

    step: int
    seat: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Delegation:
    """`principal` lets `delegate` sign under `scope`, up to `cap`, from `starts` until `ends`.

    An empty `kind` is every kind of subject; a cap of ``None`` is no cap, `currency` is the cap's
    (empty: that of the subject); a start of ``None`` is at once.
    """

    principal: str
    delegate: str
    scope: str
    ends: datetime
    cap: Decimal | None = None
    kind: str = ""
    currency: str = ""
    starts: datetime | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody does.

    Attributes:
        verb: what.
        actor: who.
        permitted: why the actor may not, found out at this click; empty when nothing forbids it.
        reason: a code of `REJECT_REASONS` for reject and return.
        note: free text.
        to: the other person of reassign, add_signer and delegate.
        target_permitted: as `permitted`, for `to`.
        on_behalf_of: the principal whose delegation is used.
        delegation: the delegation to use or, with the verb delegate, to give.
        subject: the subject after a material change.
        steps: the chain resolved anew, for submit and material_change.
    """

    verb: Verb
    actor: str
    permitted: str = ""
    reason: str = ""
    note: str = ""
    to: str = ""
    target_permitted: str = ""
    on_behalf_of: str = ""
    delegation: Delegation | None = None
    subject: Subject | None = None
    steps: tuple[OpenStep, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """A request at one moment; only `transition` makes the next one.

    Attributes:
        id: the request's id.
        round: raised when a change or a resubmission starts the chain again.
        step: index of the step that waits for signatures.
        signatures: of this round.
        barred: who changed the subject and therefore cannot sign it.
        due: when the waiting step's deadline passes.
        expires: when the whole request ends undecided.
        nudges: who reminded last, and when.
        decided_by, decided_at, reason: of the final act.
        version: raised by every change.
        round_version: the version at which this round began; a card of this round or later is
            still true.
    """

    id: str
    subject: Subject
    plan: str
    plan_version: int
    steps: tuple[OpenStep, ...]
    status: Status = Status.DRAFT
    round: int = 1
    step: int = 0
    signatures: tuple[Signature, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    barred: tuple[str, ...] = ()
    due: datetime | None = None
    expires: datetime | None = None
    nudges: tuple[tuple[str, datetime], ...] = ()
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""
    version: int = 0
    round_version: int = 0

    @property
    def current(self) -> OpenStep | None:
        """The step that waits for signatures."""
        return self.steps[self.step] if self.status is Status.PENDING else None

    def involves(self, person: str) -> bool:
        """Whether the person asked, or has a seat in it or may be given one by a timeout."""
        seats = {name for step in self.steps for name in (*step.seats, *step.escalate_to)}
        return person in {*seats, self.subject.requester}

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """Who can sign now, delegates apart."""
        step = self.current
        if step is None:
            return ()
        used = {name for s in self.signatures for name in (s.seat, s.by)}
        never = {self.subject.requester, *self.subject.causers, *self.barred}
        return tuple(name for name in step.seats if name not in used and name not in never)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an act.

    Attributes:
        state: the request afterwards (unchanged when refused or repeated).
        code: why.
        accepted: False for a refusal.
        changed: whether `state` is a new one.
    """

    state: State
    code: str
    accepted: bool
    changed: bool
