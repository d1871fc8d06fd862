"""Exemptions (豁免): a permission, given by people for a time, to stand above a limit. Pure.

A silence keeps notices quiet and changes nothing else; an exemption is a decision: while it counts,
what it covers raises no alert at all. It names one unit, one product and one rule, perhaps a month
or an account, and a cap. What is above the cap, outside the window or not to be measured is told
as ever.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from workorders.model import Match, OrderKind, SourceKind

#: The facts that a rule may look at and still be exempted from: a position measured against its
#: limit. A rule that looks at anything else (grants, duties, data, ratios) is told as ever.
MEASURED: Final = frozenset({"use", "net", "limit", "held"})
#: What a fact says of data that can be relied on (`book.prices.DataState`).
CURRENT: Final = "current"
#: The longest window; what is needed for longer is another limit.
LONGEST: Final = timedelta(days=92)
#: How long before its end an exemption is brought to mind.
REMIND: Final = timedelta(hours=24)
#: The one measure whose figure is what the cap bounds: of a gross or spread limit, and of a
#: project's, the net says nothing.
NET: Final = "net"
MEASURE: Final = f"exposure.{NET}"


class ExemptionState(StrEnum):
    """Where an exemption stands."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    REVOKED = "revoked"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is permitted.

    Attributes:
        org: path of the one unit; units beneath and above it are not covered.
        product: code of the product.
        rule: id of the rule.
        month: the delivery month; empty is whichever.
        account: the account; empty is whichever.
        cap: the absolute value up to which it covers, cap included; in `unit`.
        unit: the unit of the cap; a figure in another unit is not covered.
        starts_at, ends_at: start included, end excluded.
    """

    org: str
    product: str
    rule: str
    cap: Decimal
    unit: str
    starts_at: datetime
    ends_at: datetime
    month: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Exemption:
    """An exemption on the register.

    Attributes:
        reason: why it is needed, as it was written.
        clause: the clause of the company's policy that allows it.
        renews: the exemption that it carries on; empty for none.
        request_id: the request of its approval.
        decided_by: the last signer; `decided_at` when.
        ended_by, ended_at: who revoked it, or the service at its end.
        end_reason: why it was revoked, as it was written; of a refused one a code.
    """

    id: str
    terms: Terms
    reason: str
    clause: str
    requested_by: str
    requested_at: datetime
    state: ExemptionState
    renews: str = ""
    request_id: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    ended_by: str = ""
    ended_at: datetime | None = None
    end_reason: str = ""

    def live(self, at: datetime) -> bool:
        """Whether it counts at `at`, as far as is on record."""
        return self.live_as_known(at, known_at=at)

    def live_as_known(self, at: datetime, *, known_at: datetime) -> bool:
        """Whether it counted at `at` by what was on record at `known_at`.

        An approval counts from when it was given, a revocation from when it was made.
        """
        if self.decided_at is None or self.state is ExemptionState.REFUSED:
            return False
        given = self.decided_at <= min(at, known_at)
        revoked = self.ended_at is not None and self.ended_at <= min(at, known_at)
        return given and not revoked and self.terms.starts_at <= at < self.terms.ends_at


def exemptable(match: Match) -> bool:
    """Whether an exemption can cover a match at all.

    It must be a rule's finding on an exposure whose data is current, by the measured figure alone,
    with a value. Never a data fault, a refusal of an act, a finding on a person, a model's or an
    outside system's alert, or what a look-back found.
    """
    fields = {str(leaf.get("field", "")) for leaf in match.leaves}
    return (
        match.source_kind is SourceKind.RULE
        and match.kind is OrderKind.RISK
        and match.level is not None
        and match.clears is not None
        and match.decide is None
        and not match.batch_run
        and match.measure == MEASURE
        and match.data_state == CURRENT
        and match.value is not None
        and match.value.is_finite()
        and match.use is not None
        and all(leaf.get("truth") is not None for leaf in match.leaves)
        and bool(fields)
        and fields <= MEASURED
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """A position as it is measured, wherever that is known from; `permits` asks no more."""

    org: str
    product: str
    rule: str
    month: str
    account: str
    unit: str
    value: Decimal | None


def permits(terms: Terms, found: Measured | Match) -> bool:
    """Whether the terms permit the position, whenever that was."""
    return (
        found.org == terms.org
        and found.product == terms.product
        and found.rule == terms.rule
        and terms.month in {"", found.month}
        and terms.account in {"", found.account}
        and found.unit == terms.unit
        and found.value is not None
        and found.value.is_finite()
        and abs(found.value) <= terms.cap
    )


class Beside(StrEnum):
    """Why an exemption would not cover what stands at its very place."""

    DATA = "data"
    KIND = "kind"
    PLACE = "place"
    ABOVE = "above"


def beside(terms: Terms, match: Match) -> Beside | None:
    """Why the terms would not permit what a rule found there; None when they would."""
    if not exemptable(match):
        return Beside.DATA if match.data_state != CURRENT else Beside.KIND
    if permits(terms, match):
        return None
    high = match.value is not None and abs(match.value) > terms.cap
    return Beside.ABOVE if high else Beside.PLACE


def covers(terms: Terms, match: Match, at: datetime) -> bool:
    """Whether the terms cover a match that is taken in at `at`.

    Both the time of the match and the time of taking it in lie inside the window.
    """
    return (
        exemptable(match)
        and permits(terms, match)
        and terms.starts_at <= match.event_time < terms.ends_at
        and terms.starts_at <= at < terms.ends_at
    )


def exempted_by(found: Iterable[Exemption], match: Match, at: datetime) -> Exemption | None:
    """The exemption under which a match raises nothing at `at`; the oldest of several."""
    fitting = (one for one in found if one.live(at) and covers(one.terms, match, at))
    return min(fitting, key=lambda one: (one.requested_at, one.id), default=None)


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether an exemption may be asked for.

    Attributes:
        code: empty when it may; else the reason of the refusal.
        params: what the sentence names.
    """

    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


def judge(
    terms: Terms, *, reason: str, clause: str, now: datetime, exemptable_rules: Collection[str]
) -> Judged:
    """Whether the exemption may be put before its signers.

    Args:
        terms: what is asked for.
        reason: why, in the asker's words.
        clause: the clause that allows it.
        now: the time of asking.
        exemptable_rules: rules in force that look at a measured exposure alone.
    """
    begins = max(now, terms.starts_at)
    checks: tuple[tuple[str, bool, Mapping[str, Any]], ...] = (
        ("NEEDS_REASON", not reason.strip(), {}),
        ("NEEDS_CLAUSE", not clause.strip(), {}),
        ("RULE_NOT_EXEMPTABLE", terms.rule not in exemptable_rules, {"rule": terms.rule}),
        ("CAP_INVALID", not terms.cap.is_finite() or terms.cap <= 0, {}),
        ("EXEMPTION_ENDS_EARLY", terms.ends_at <= begins, {}),
        ("EXEMPTION_TOO_LONG", terms.ends_at - begins > LONGEST, {"days": LONGEST.days}),
    )
    return next((Judged(code, params) for code, bad, params in checks if bad), Judged())
