"""Patterns as durable_rules rulesets, with every guard that its traps call for.

durable_rules only proposes: a proposal says that facts of one key fit the steps, and lie close
enough together. So nothing of a fact enters it but whole numbers made here: a marker for pattern
and step, a number for the key, and the time. That closes most traps at once: texts that equal
numbers, colliding names, saturating integers, missing fields, 65 conditions on one fact.

What each guard is for (all measured on durable_rules 2.0.28):

* the marker `_k` comes first in every condition: a condition without a positive field also matches
  the engine's own state and loops for ever;
* every join ends with the equality of the key: one that ends with a range reads past an array;
* at most 50 patterns a host: more than 64 conditions that match lose the fact, more than 511 hang;
* no `$nex`, `$not`, `$or`, `id`: they loop, fire at once, or fire twice;
* ids are small numbers whose 32-bit hashes differ from those of all live ids: ids that collide
  are taken for the same fact.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rules.errors import RulesError
from rules.groups import microseconds
from rules.patterns import Pattern

MAX_PATTERNS = 50
#: Whole numbers beyond this never enter: the engine's saturate at 2**63.
MAX_NUMBER = 2**62
#: The action that every rule runs.
ACTION = "propose"
#: Marker, key, time, end of the window, own id, and the id of an earlier fact of the key.
FIELDS = ("_k", "k", "t", "u", "i", "r")
_FNV_OFFSET, _FNV_PRIME, _FNV_MASK = 0x811C9DC5, 0x01000193, 0xFFFFFFFF
_COMPARISONS = frozenset({"$gte", "$lte"})

Ruleset = dict[str, dict[str, Any]]
Message = dict[str, int | str]


class UnsafeRuleset(RulesError):  # noqa: N818 - named as the field says it
    """A ruleset or a message that could crash, hang or silently lose facts in durable_rules."""


def fnv1a(text: str) -> int:
    """The 32-bit FNV-1a hash by which durable_rules tells ids and names apart."""
    value = _FNV_OFFSET
    for byte in text.encode():
        value = ((value ^ byte) * _FNV_PRIME) & _FNV_MASK
    return value


class SmallIds:
    """Small whole numbers as ids; no two live ones share a hash."""

    def __init__(self) -> None:
        self._last = 0
        self._live: dict[int, int] = {}

    def take(self) -> int:
        """A number whose text hashes unlike that of every live one and of the engine's fields."""
        while True:
            self._last += 1
            hashed = fnv1a(str(self._last))
            if hashed not in self._live and hashed not in _RESERVED:
                self._live[hashed] = self._last
                return self._last

    def release(self, number: int) -> None:
        """The number is no longer live."""
        self._live.pop(fnv1a(str(number)), None)


_NAMES = (*FIELDS, "id", "sid", "$s", "sid-0", "0")
_RESERVED = frozenset(fnv1a(name) for name in _NAMES)
if len(_RESERVED) != len(_NAMES):  # pragma: no cover - a fixed set of names
    raise UnsafeRuleset("field names share a hash")


@dataclass(frozen=True, slots=True)
class Plan:
    """What durable_rules proposes for one pattern.

    Attributes:
        index: the pattern's place in the reference.
        host: the host that holds its rule.
        name: its rule's name there.
        markers: one marker a step.
        need: for clusters, how many facts of the key are needed; 0 for joins.
        within: the window in microseconds.
    """

    index: int
    host: int
    name: str
    markers: tuple[int, ...]
    need: int
    within: int


def compile_patterns(
    patterns: Sequence[Pattern], alone: Collection[str] = ()
) -> tuple[list[Plan], list[Ruleset]]:
    """Plans and one ruleset a host.

    Left to the reference alone are single steps (they join nothing), correlations of correlations
    (the reference makes their facts), and windows too long for the engine's numbers.

    Args:
        patterns: the reference's patterns, in its order.
        alone: rules that are left to the reference alone as well.

    Raises:
        UnsafeRuleset: when a pattern has no key to join by.
    """
    plans: list[Plan] = []
    rulesets: list[Ruleset] = []
    marker = 0
    for index, pattern in enumerate(patterns):
        need = max(pattern.count or 1, pattern.distinct[1] if pattern.distinct else 1)
        joins = need > 1 if pattern.clustered else len(pattern.steps) > 1
        within = microseconds(pattern.within)
        if pattern.batch or pattern.derived or not joins or within > MAX_NUMBER // 2:
            continue
        if pattern.rule in alone:
            continue
        if not pattern.by:
            raise UnsafeRuleset(f"{pattern.rule!r} joins without a key")
        host, place = divmod(len(plans), MAX_PATTERNS)
        if place == 0:
            rulesets.append({})
        markers = tuple(range(marker + 1, marker + 1 + len(pattern.steps)))
        marker = markers[-1]
        plan = Plan(index, host, f"p{index}", markers, need if pattern.clustered else 0, within)
        plans.append(plan)
        conditions = _cluster(plan) if pattern.clustered else _joins(plan, ordered=pattern.ordered)
        rulesets[host][plan.name] = {"all": conditions, "run": ACTION}
    for ruleset in rulesets:
        check_ruleset(ruleset)
    return plans, rulesets


def _cluster(plan: Plan) -> list[dict[str, Any]]:
    # A fact names the one that came need - 1 places before it under its key: when that one is
    # still live, enough facts are. One proposal a fact, however many are live.
    (marker,) = plan.markers
    return [
        {"s0": {"$and": [{"_k": marker}]}},
        {"s1": {"$and": [{"_k": marker}, {"r": {"s0": "i"}}, {"k": {"s0": "k"}}]}},
    ]


def _joins(plan: Plan, *, ordered: bool) -> list[dict[str, Any]]:
    conditions: list[dict[str, Any]] = [{"s0": {"$and": [{"_k": plan.markers[0]}]}}]
    for step, marker in enumerate(plan.markers[1:], start=1):
        terms: list[dict[str, Any]] = [{"_k": marker}]
        if ordered:
            terms.append({"$gte": {"t": {f"s{step - 1}": "t"}}})
            terms.append({"$lte": {"t": {"s0": "u"}}})
        else:
            for other in range(step):
                terms.append({"$lte": {"t": {f"s{other}": "u"}}})
                terms.append({"$gte": {"u": {f"s{other}": "t"}}})
        terms.append({"k": {f"s{step - 1}": "k"}})
        conditions.append({f"s{step}": {"$and": terms}})
    return conditions


def check_ruleset(ruleset: Mapping[str, Any]) -> None:
    """Refuse a ruleset that misses a guard.

    Raises:
        UnsafeRuleset: with the rule and the reason.
    """
    if len(ruleset) > MAX_PATTERNS:
        raise UnsafeRuleset(f"{len(ruleset)} patterns in one host, {MAX_PATTERNS} are allowed")
    for name, rule in ruleset.items():
        if set(rule) != {"all", "run"} or rule["run"] != ACTION:
            raise UnsafeRuleset(f"{name}: only a join that proposes is allowed")
        known: set[str] = set()
        for condition in rule["all"]:
            ((alias, body),) = condition.items()
            if "$" in alias:
                raise UnsafeRuleset(f"{name}: {alias} is no plain condition")
            _check_terms(name, body, known)
            known.add(alias)


def _check_terms(name: str, body: Mapping[str, Any], known: set[str]) -> None:
    if set(body) != {"$and"} or not body["$and"]:
        raise UnsafeRuleset(f"{name}: a condition is a list of terms that all hold")
    first, *rest = body["$and"]
    marker = first.get("_k") if len(first) == 1 else None
    if not _whole(marker):
        raise UnsafeRuleset(f"{name}: the marker comes first")
    for term in rest:
        ((key, value),) = term.items()
        if key in _COMPARISONS:
            ((key, value),) = value.items()
        if key not in FIELDS or not isinstance(value, dict):
            raise UnsafeRuleset(f"{name}: {key} is not allowed")
        ((alias, other),) = value.items()
        if alias not in known or other not in FIELDS:
            raise UnsafeRuleset(f"{name}: {alias}.{other} is not known here")
    if known and (not rest or "k" not in rest[-1] or set(rest[-1]["k"].values()) != {"k"}):
        raise UnsafeRuleset(f"{name}: a join ends with the equality of the key")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER


def message(number: int, **values: int) -> Message:
    """One fact for the engine.

    Args:
        number: its id, from `SmallIds`.
        values: whole numbers by field.

    Raises:
        UnsafeRuleset: when a value is no whole number, too large, or its field unknown.
    """
    for name, value in values.items():
        if name not in FIELDS or not _whole(value):
            raise UnsafeRuleset(f"{name} = {value!r} must not enter")
    return {"id": str(number), **values}
