"""What a delegation is, how it stands, and what stands against a new one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from approvals.state import Delegation
from directory import within

#: Nobody lends a seat for longer at once.
LONGEST = timedelta(days=92)


class LendingCode(StrEnum):
    """What came of asking for, agreeing to or ending a delegation."""

    DELEGATION_WAITS = "DELEGATION_WAITS"
    DELEGATION_AGREED = "DELEGATION_AGREED"
    DELEGATION_OVER = "DELEGATION_OVER"
    # the same again: accepted, nothing changed
    ALREADY_LENT = "ALREADY_LENT"
    AGREED_BEFORE = "AGREED_BEFORE"
    # refusals
    DELEGATION_TO_SELF = "DELEGATION_TO_SELF"
    DELEGATION_TIMES = "DELEGATION_TIMES"
    DELEGATION_REASON = "DELEGATION_REASON"
    DELEGATION_KIND = "DELEGATION_KIND"
    DELEGATION_MONEY = "DELEGATION_MONEY"
    DELEGATE_MAY_NOT_SIGN = "DELEGATE_MAY_NOT_SIGN"
    DELEGATION_OVERLAPS = "DELEGATION_OVERLAPS"
    DELEGATION_CYCLE = "DELEGATION_CYCLE"
    DELEGATION_OWN = "DELEGATION_OWN"
    DELEGATION_ENDED = "DELEGATION_ENDED"
    DELEGATION_NOT_YOURS = "DELEGATION_NOT_YOURS"


class LendingState(StrEnum):
    """How a delegation stands at one moment."""

    WAITING = "waiting"  # for the second person
    PLANNED = "planned"
    ACTIVE = "active"
    ENDED = "ended"  # by somebody
    OVER = "over"  # by time, agreed to or not


@dataclass(frozen=True, slots=True)
class Wish:
    """A delegation as it is asked for; the one who asks is the principal.

    Attributes:
        starts: None for at once.
        kind: of subjects that it covers; empty for every kind.
        cap: the largest amount, in `currency`; None for no cap.
    """

    delegate: str
    scope: str
    starts: datetime | None
    ends: datetime
    reason: str
    kind: str = ""
    cap: Decimal | None = None
    currency: str = ""

    def begins(self, now: datetime) -> datetime:
        """When it starts, asked for `now`."""
        return now if self.starts is None else self.starts


@dataclass(frozen=True, slots=True)
class Lending:
    """A delegation on record.

    Attributes:
        number: ``DG-…``.
        confirmed_by: the second person; empty until somebody agreed.
        ended_by: who ended it before its time.
    """

    number: str
    principal: str
    delegate: str
    scope: str
    kind: str
    cap: Decimal | None
    currency: str
    starts: datetime
    ends: datetime
    reason: str
    created_at: datetime
    confirmed_by: str = ""
    confirmed_at: datetime | None = None
    ended_by: str = ""
    ended_at: datetime | None = None

    def state(self, now: datetime) -> LendingState:
        """How it stands at `now`."""
        if self.ended_at is not None:
            return LendingState.ENDED
        if self.ends <= now:
            return LendingState.OVER
        if self.confirmed_at is None:
            return LendingState.WAITING
        return LendingState.PLANNED if now < self.starts else LendingState.ACTIVE

    def live(self, now: datetime) -> bool:
        """Whether it counts, or will."""
        return self.state(now) not in {LendingState.ENDED, LendingState.OVER}

    def delegation(self) -> Delegation:
        """As the rules of signing take it; one that was ended, ended then."""
        ends = self.ends if self.ended_at is None else min(self.ends, self.ended_at)
        return Delegation(
            self.principal, self.delegate, self.scope, ends, self.cap, self.kind, self.currency,
            self.starts,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LendingOutcome:
    """What came of an act on a delegation.

    Attributes:
        code: a `LendingCode`, or why the directory forbids it.
        lending: as it stands afterwards; None when there is none.
        params: for the code's sentence.
    """

    ok: bool
    code: str
    lending: Lending | None = None
    params: dict[str, Any] = field(default_factory=dict)


def same(one: Lending, principal: str, wish: Wish) -> bool:
    """Whether this is what is asked for, already; the reason may be put in other words."""
    begins = one.created_at if wish.starts is None else wish.starts
    asked = (wish.delegate, wish.scope, wish.kind, wish.cap, wish.currency, begins, wish.ends)
    stands = (one.delegate, one.scope, one.kind, one.cap, one.currency, one.starts, one.ends)
    return one.principal == principal and asked == stands


def overlaps(one: Lending, wish: Wish, now: datetime) -> bool:
    """Whether both cover some request at some moment."""
    in_time = one.starts < wish.ends and wish.begins(now) < one.ends
    in_place = within(one.scope, wish.scope) or within(wish.scope, one.scope)
    return in_time and in_place and (not one.kind or not wish.kind or one.kind == wish.kind)


def cycle(known: Sequence[Lending], principal: str, wish: Wish, now: datetime) -> tuple[str, ...]:
    """The people around whom the seat would go, from the principal back; empty for none."""
    paths: list[tuple[str, ...]] = [(principal, wish.delegate)]
    seen = {wish.delegate}
    while paths:
        path = paths.pop()
        for one in known:
            if one.principal != path[-1] or not overlaps(one, wish, now):
                continue
            if one.delegate == principal:
                return (*path, principal)
            if one.delegate not in seen:
                seen.add(one.delegate)
                paths.append((*path, one.delegate))
    return ()
