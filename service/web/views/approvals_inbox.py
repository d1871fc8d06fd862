"""审批收件箱: what waits for a signature, what was asked for, and who signs in whose place."""

from dataclasses import dataclass
from datetime import datetime

from service.web.views.parts import NO_FIGURE, Act, Figure


@dataclass(frozen=True, slots=True)
class ApprovalLine:
    """One request.

    Attributes:
        title: kind and place, as on its card.
        status: a code of `approvals.Status`.
        progress: how many have signed, and in whose place the reader would.
        effects: what signing changes, before → after.
        pick: ``id:version`` for the tick; empty for one that is not signed among others, then
            `alone` says why.
    """

    id: str
    title: str
    status: str
    unit: str
    requester: str
    level: str = ""
    amount: Figure = NO_FIGURE
    progress: str = ""
    effects: tuple[str, ...] = ()
    due: datetime | None = None
    at: datetime | None = None
    pick: str = ""
    alone: str = ""


@dataclass(frozen=True, slots=True)
class SignedLine:
    """What came of one of the requests that were ticked; `url` is empty for an unknown one."""

    id: str
    title: str
    ok: bool
    said: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class DelegationLine:
    """One delegation; `state` is a code of `approvals.LendingState`."""

    number: str
    state: str
    who: str
    bounds: str
    starts: datetime
    ends: datetime
    reason: str
    second: str = ""
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class ApprovalsPage:
    """The page.

    Attributes:
        waiting: for the reader's signature; `mine` were asked for by the reader and are open;
            `decided` are the last of the units that the reader sees.
        signed: what came of the last bulk signing.
        summary: its result in a sentence.
        lend: asks for a new delegation; greyed with the reason for who may give none.
    """

    waiting: tuple[ApprovalLine, ...]
    mine: tuple[ApprovalLine, ...]
    decided: tuple[ApprovalLine, ...]
    delegations: tuple[DelegationLine, ...]
    lend: Act
    signed: tuple[SignedLine, ...] = ()
    summary: str = ""
    ticks: bool = False
