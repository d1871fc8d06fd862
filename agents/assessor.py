"""Exposure against its limits: facts, verdicts, one record of the assessment.

A scope is one product in one group. Every limit on it that is in force gives one fact; a place that
no limit counts gives one without, so that a missing limit is seen.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
from sqlalchemy import delete, insert, select

import trail
from agents.facts import Surroundings, exposure_fact
from agents.feed_states import late_orgs
from agents.matching import Seen, exposure_key, match_of, worst
from agents.remedies import remedies_for
from agents.tables import ConditionRow
from auditlog.port import FactRow, fact_row
from book.buckets import ANY, Bucket, roll_up, under
from book.exposure import compute
from book.limits import (
    TIERS,
    Limit,
    Measure,
    TierState,
    assess,
    measured,
    settle,
    unlimited,
)
from book.snapshot import state_hash
from book.state import FACT_FIELDS, BookState
from rules.model import SEVERITY, Verdict
from rules.rulebook import Rulebook
from store import UnitOfWork
from store.clock import parse_rfc3339, rfc3339
from store.schema import table
from store.types import decimal_text
from workorders import dwelling, exempting
from workorders.flapping import Crossing, record_crossing
from workorders.model import Match

KIND = "exposure"
POINTS = 20
_CONDITION = table(str(ConditionRow.__tablename__))
_MEASURES = {Measure.NET, Measure.GROSS, Measure.SPREAD}


class Scope(NamedTuple):
    """What to assess: a product at a node of the tree, and every limit above it."""

    org: str
    product: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """Why a scope is assessed: the latest event time, and the events behind it."""

    at: datetime
    event_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExposureView:
    """One limit (or none) with what stands against it; `parts` are the buckets it adds up."""

    limit: Limit | None
    bucket: Bucket
    fact: Mapping[str, Any]
    parts: tuple[Bucket, ...] = ()

    @property
    def key(self) -> str:
        """Names the exposure, so that the close-guard finds it again."""
        if self.limit is None:
            return exposure_key(self.fact, Measure.NET.value)
        project = "" if self.limit.project == ANY else f":{self.limit.project}"
        return exposure_key(self.fact, self.limit.measure.value + project)


@dataclass(frozen=True, slots=True)
class Assessed:
    """What one assessment found: matches to take in, facts to keep."""

    matches: tuple[Match, ...]
    facts: tuple[FactRow, ...]


def narrowed(book: BookState, product: str) -> BookState:
    """The book with the facts of one product only; master data and limits of others fall away."""

    def concerns(fact: Any) -> bool:
        return getattr(fact, "product", product) in {product, ""}

    kept: dict[str, Any] = {
        name: tuple(fact for fact in getattr(book, name) if concerns(fact))
        for name in FACT_FIELDS
        if name != "prices"
    }
    # Prices do not move the net; the snapshot of a value limit takes them in again.
    kept["prices"] = ()
    return replace(book, **kept)


def views(
    book: BookState, scope: Scope, now: datetime, *, late: Collection[str] = ()
) -> list[ExposureView]:
    """The exposure of a scope, one view for each limit, and for each place without one.

    Of several limits on the same figure the lowest counts.
    """
    buckets = [b for b in compute(book, now, late=late) if b.product == scope.product]
    found = []
    for use in assess((one for one in book.limits if _binds(one, scope)), buckets, now):
        bucket = replace(use.total, month=use.limit.month, account=use.limit.account)
        fact = exposure_fact(bucket, limit=use.limit.amount)
        if use.limit.measure is not Measure.NET:
            fact["net"] = measured(use.total, use.limit.measure)
            fact["use"] = use.use
        found.append(ExposureView(use.limit, bucket, fact, _parts(buckets, use.limit)))
    bare = [b for b in unlimited(buckets, book.limits, now) if b.org == scope.org]
    if bare:
        whole = roll_up(bare, org=scope.org, product=scope.product)
        found.append(ExposureView(None, whole, exposure_fact(whole, limit=None), tuple(bare)))
    lowest: dict[str, ExposureView] = {}
    for view in found:
        held = lowest.setdefault(view.key, view)
        if view.limit and (held.limit is None or view.limit.amount < held.limit.amount):
            lowest[view.key] = view
    return list(lowest.values())


def _parts(buckets: Sequence[Bucket], limit: Limit) -> tuple[Bucket, ...]:
    return tuple(
        under(
            buckets,
            org=limit.org,
            product=limit.product,
            month=limit.month,
            account=limit.account,
            project=limit.project,
        )
    )


def _binds(limit: Limit, scope: Scope) -> bool:
    under = scope.org == limit.org or scope.org.startswith(limit.org + "/")
    return under and limit.product == scope.product and limit.measure in _MEASURES


def assess_scope(
    uow: UnitOfWork,
    scope: Scope,
    trigger: Trigger,
    *,
    book: BookState,
    around: Surroundings,
    rulebook: Rulebook,
) -> Assessed:
    """Assess one scope, leave the record, and return what matched.

    Where a feed is late, so is the exposure that depends on it.
    A fact that is the same as at the last look is not told again.
    """
    state = narrowed(book, scope.product)
    late = late_orgs(uow.connection)
    rows: list[FactRow] = []
    matches: list[Match] = []
    outcomes: Counter[str] = Counter()
    worst_level = ""
    for looked in views(state, scope, uow.now, late=late):
        known = _known(uow, looked.key)
        view = held_over(looked, known.held if known is not None else "", uow.now)
        row = fact_row(KIND, view.fact, event_time=trigger.at, org=view.bucket.org)
        content = content_hash(view.fact)
        if known is not None and known.facts_hash == content:
            continue
        verdicts = rulebook.evaluate(KIND, view.fact, at=uow.now)
        level = worst(verdicts)
        before = known.level if known is not None else ""
        if level != before:
            crossing = Crossing(view.key, view.bucket.org, before, level, trigger.at)
            record_crossing(uow, crossing)
        series = _remember(uow, view, content, level, known, trigger.at)
        dwelling.looked(uow, view.key, {one.rule for one in verdicts if _stands(one)})
        exempting.looked(uow, view.key, {one.rule for one in verdicts if _coloured(one)})
        rows.append(row)
        outcomes.update(_named(verdicts))
        seen = Seen(
            kind=KIND,
            fact=view.fact,
            key=view.key,
            at=trigger.at,
            facts_hash=row.hash,
            event_ids=trigger.event_ids,
            rulebook=rulebook.hash,
            series=series,
            remedies=remedies_for(view.bucket, view.limit, state, around, uow.now),
        )
        matches += [match_of(verdict, seen) for verdict in verdicts]
        worst_level = max(worst_level, level, key=lambda one: SEVERITY[one])
    if rows:
        _record(uow, scope, state, rows, outcomes, worst_level, rulebook, late)
    return Assessed(tuple(matches), tuple(rows))


def _stands(verdict: Verdict) -> bool:
    """Whether it is orange or worse, or cannot be assessed."""
    return verdict.truth is None or SEVERITY[verdict.level] >= SEVERITY["orange"]


def _coloured(verdict: Verdict) -> bool:
    """Whether it has a colour, or cannot be assessed."""
    return verdict.truth is None or bool(verdict.level)


def _named(verdicts: Iterable[Verdict]) -> list[str]:
    return [verdict.code for verdict in verdicts] or ["none"]


def _record(  # noqa: PLR0917 - one step of `assess_scope`
    uow: UnitOfWork,
    scope: Scope,
    state: BookState,
    rows: list[FactRow],
    outcomes: Counter[str],
    level: str,
    rulebook: Rulebook,
    late: Collection[str],
) -> None:
    snapshot, _ = state_hash(state, uow.now)
    hashes = sorted(row.hash for row in rows)
    trail.record(
        uow,
        kind="decision",
        action="assessment.run",
        object_type="exposure",
        object_id=f"{scope.org}|{scope.product}",
        org=scope.org,
        outcome=level or "none",
        body={
            "facts": hashes,
            "facts_hash": hashlib.sha256("".join(hashes).encode()).hexdigest(),
            "snapshot": snapshot,
            "rulebook": rulebook.hash,
            "as_of": uow.now,
            "outcomes": dict(sorted(outcomes.items())),
            **({"late": list(late)} if late else {}),
        },
    )


def content_hash(fact: Mapping[str, Any]) -> str:
    """SHA-256 over a fact's fields alone, whenever it was made."""
    plain = {
        name: decimal_text(value) if isinstance(value, Decimal) else value
        for name, value in fact.items()
    }
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()


def held_over(view: ExposureView, before: str, at: datetime) -> ExposureView:
    """The view with the colour that hysteresis lets stand, so that use may dance on a threshold.

    Args:
        view: as computed.
        before: the colour held at the last look; empty for none.
        at: the time of this look.
    """
    use = view.fact.get("use")
    if not isinstance(use, Decimal):
        return view
    step = next((one for one in TIERS if one.level == before), None)
    held = settle(TierState(step), use, at, debounce=timedelta(0)).step
    return with_held(view, held.level if held is not None else "")


def with_held(view: ExposureView, held: str) -> ExposureView:
    """The view with the colour held as its fact's field; empty leaves it out."""
    return replace(view, fact={**view.fact, "held": held}) if held else view


class Known(NamedTuple):
    """The last look at a fact; `held` is the colour that hysteresis let stand."""

    facts_hash: str
    level: str
    held: str
    series: tuple[tuple[datetime, Decimal], ...]


def _known(uow: UnitOfWork, key: str) -> Known | None:
    c = _CONDITION.c
    wanted = select(c.facts_hash, c.level, c.fact, c.series)
    found = uow.execute(wanted.where(c.fact_key == key)).first()
    if found is None:
        return None
    series = tuple((parse_rfc3339(at), Decimal(value)) for at, value in found.series)
    return Known(found.facts_hash, found.level, str(found.fact.get("held", "")), series)


def _remember(  # noqa: PLR0917 - one row
    uow: UnitOfWork,
    view: ExposureView,
    content: str,
    level: str,
    known: Known | None,
    at: datetime,
) -> tuple[tuple[datetime, Decimal], ...]:
    """Keep this look; returns the points for the sparkline, in event time."""
    fact, key = view.fact, view.key
    earlier = known.series if known is not None else ()
    series = tuple(sorted((*earlier, (at, fact["net"])), key=lambda point: point[0]))[-POINTS:]
    uow.execute(delete(_CONDITION).where(_CONDITION.c.fact_key == key))
    uow.execute(
        insert(_CONDITION).values(
            fact_key=key,
            facts_hash=content,
            level=level,
            at=uow.now,
            fact={
                name: decimal_text(value) if isinstance(value, Decimal) else value
                for name, value in fact.items()
            },
            series=[[rfc3339(when), decimal_text(value)] for when, value in series],
            note="",
        )
    )
    return series
