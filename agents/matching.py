"""A rule's verdict, or a confirmed correlation, as the match that work orders are made of. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from rules.model import SEVERITY, CorrelationRule, Decision, Leaf, Verdict
from rules.patterns import Correlation
from workorders.cases import external_cause
from workorders.levels import Level
from workorders.model import Clear, Match, ObjectDecision, OrderKind, SourceKind

#: Fields of a fact that name an object by which matches overlap.
OBJECT_FIELDS = ("order", "voucher", "receipt", "alert", "key", "object")
#: What tells apart matches of one rule that share organisation, product and month.
_CAUSE_FIELDS = ("voucher", "actor")
_PLACE = frozenset({"org", "account", "product", "month"})


@dataclass(frozen=True, slots=True)
class Seen:
    """What was looked at.

    Attributes:
        kind: the fact kind.
        fact: the fact's fields.
        at: event time.
        facts_hash: content hash of the fact.
        key: names what a lasting condition is about; empty for something that has happened.
        event_ids: ids of the events behind it.
        rulebook: hash of the rulebook.
        batch_run: id of the look-back, empty when live.
        series: up to 20 points for the sparkline, oldest first.
        remedies: what would bring it back, with what is possible now.
        extra: further evidence beside the rule's own, such as a model's explanation.
        unit: of the figure that the match tells, where the fact itself has no unit.
    """

    kind: str
    fact: Mapping[str, Any]
    at: datetime
    facts_hash: str
    event_ids: tuple[str, ...]
    rulebook: str
    batch_run: str = ""
    key: str = ""
    series: tuple[tuple[datetime, Decimal], ...] = ()
    remedies: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    unit: str = ""


def exposure_key(fact: Mapping[str, Any], measure: str) -> str:
    """Names the exposure that a fact is about, for the close-guard to find it again."""
    place = [str(fact.get(name, "")) for name in ("org", "account", "product", "month")]
    return "|".join([*place, measure])


def source_kind(kind: str, fact: Mapping[str, Any]) -> SourceKind:
    """A model found an anomaly, a robot raised an alert, a rule matched all else."""
    if kind == "anomaly":
        return SourceKind.MODEL
    if fact.get("alert") and fact.get("origin") == "robot":
        return SourceKind.ROBOT
    return SourceKind.RULE


def match_of(verdict: Verdict, seen: Seen) -> Match:
    """The match of a stateless rule's verdict."""
    fact = seen.fact
    found_by = source_kind(seen.kind, fact)
    lasting = bool(seen.key) and not verdict.needs_disposition
    return Match(
        rule=verdict.rule,
        code=verdict.code,
        version=str(verdict.version),
        level=_level(verdict.level),
        org=_text(fact, "org"),
        event_time=seen.at,
        account=_text(fact, "account"),
        product=_text(fact, "product"),
        month=_text(fact, "month"),
        measure=f"exposure.{seen.key.rpartition('|')[2]}" if seen.kind == "exposure" else seen.kind,
        cause=_cause(seen.kind, fact, found_by),
        actor=_text(fact, "actor"),
        objects=_objects([fact]),
        sources=_sources([fact]),
        evidence={**verdict.evidence, **seen.extra},
        leaves=tuple(_leaf(leaf) for leaf in verdict.leaves),
        facts_hash=seen.facts_hash,
        rulebook=seen.rulebook,
        clause=_clause(verdict.clause),
        source_kind=found_by,
        batch_run=seen.batch_run,
        value=_figure(seen.kind, fact, "net", "jump", "surprise"),
        limit=_figure(seen.kind, fact, "limit"),
        use=_figure(seen.kind, fact, "use"),
        unit=_text(fact, "unit") or seen.unit,
        clears=Clear(verdict.rule, seen.key) if lasting else None,
        decide=object_decision(verdict.decide, fact),
        kind=OrderKind.DATA if seen.kind == "feed" else OrderKind.RISK,
        event_ids=seen.event_ids,
        row=verdict.row,
        series=seen.series,
        remedies=seen.remedies,
        data_state=_text(fact, "data_state"),
    )


def match_of_correlation(
    found: Correlation,
    rule: CorrelationRule,
    evidence: Mapping[str, Any],
    decision: ObjectDecision | None,
    *,
    facts_hash: str,
    rulebook: str,
    batch_run: str = "",
) -> Match:
    """The match of a confirmed correlation; `evidence` and `decision` are those of the rule."""
    facts = [fact.fields for fact in found.facts]
    last = facts[-1]
    cause = "|".join(f"{name}={value}" for name, value in found.key.items() if name not in _PLACE)
    leaves = [
        {"field": name, "op": "is", "value": str(value), "truth": True}
        for name, value in evidence.items()
    ]
    return Match(
        rule=found.rule,
        code=rule.code,
        version=str(found.version),
        level=_level(rule.level),
        org=_text(last, "org"),
        event_time=found.event_time,
        account=_common(facts, "account"),
        product=_common(facts, "product"),
        month=_common(facts, "month"),
        measure="correlation",
        cause=cause,
        actor=_common(facts, "actor"),
        objects=_objects(facts),
        sources=_sources(facts),
        evidence=dict(evidence),
        leaves=tuple(leaves),
        facts_hash=facts_hash,
        rulebook=rulebook,
        clause=_clause(rule.heading.policy),
        batch_run=batch_run,
        decide=decision,
        correlation=found.uid,
        event_ids=tuple(str(fact["event_id"]) for fact in facts if fact.get("event_id")),
    )


def object_decision(decision: Decision | None, fact: Mapping[str, Any]) -> ObjectDecision | None:
    """The verdict on one object, named with its type."""
    if decision is None:
        return None
    return ObjectDecision(
        object_type(decision.object, [fact]), decision.object, decision.outcome, decision.reason
    )


def object_type(object_id: str, facts: Sequence[Mapping[str, Any]]) -> str:
    """`order` when a fact names the object as its order, else `event`."""
    return "order" if any(fact.get("order") == object_id for fact in facts) else "event"


def worst(verdicts: Iterable[Verdict]) -> str:
    """The gravest colour among matches, or empty."""
    return max((v.level for v in verdicts if v.truth), key=lambda one: SEVERITY[one], default="")


def _level(word: str) -> Level | None:
    return Level(word) if word else None


def _text(fact: Mapping[str, Any], name: str) -> str:
    value = fact.get(name)
    return "" if value is None or value == "*" else str(value)


def _common(facts: Sequence[Mapping[str, Any]], name: str) -> str:
    values = {_text(fact, name) for fact in facts} - {""}
    return values.pop() if len(values) == 1 else ""


def _objects(facts: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    found = (_text(fact, name) for fact in facts for name in OBJECT_FIELDS)
    return tuple(dict.fromkeys(value for value in found if value))


def _sources(facts: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (_text(fact, "source") for fact in facts))))


def _cause(kind: str, fact: Mapping[str, Any], found_by: SourceKind) -> str:
    if found_by is SourceKind.ROBOT:
        return external_cause(_text(fact, "source"), _text(fact, "alert"))
    if kind == "anomaly":
        return "|".join(_text(fact, name) for name in ("family", "cause", "actor"))
    if kind == "feed":
        return _text(fact, "source")
    if kind != "event":
        return ""
    return next((_text(fact, name) for name in _CAUSE_FIELDS if _text(fact, name)), "")


def _figure(kind: str, fact: Mapping[str, Any], *names: str) -> Decimal | None:
    """The figure that broke; an event has none."""
    if kind == "event":
        return None
    for name in names:
        value = fact.get(name)
        if isinstance(value, Decimal):
            return value
    return None


def _leaf(leaf: Leaf) -> dict[str, Any]:
    return asdict(leaf)


def _clause(policy: Any) -> str:
    return " ".join(filter(None, (policy.document, policy.clause)))
