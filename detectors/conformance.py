"""Conformance: findings that need no statistics, each with the code of its rule.

`CHAIN_SKIPPED`, `CHAIN_ORDER`: a step of a document came without, or before, a step that it needs.
Which steps need which is declared by document type, or learned: a need without any exception in
300 documents is as hard as a declared one, else the share of exceptions is the p-value.
`SAME_PERSON`: who entered a document also approved it. `OUT_OF_SCOPE`: the verb is not among what
the account may do. `AFTER_HOURS`: a trading verb outside the product's session or the account's
shift. `DUPLICATE`: the same booking stood in the books before, however long ago.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, Self

import numpy as np
import orjson

from detectors.errors import NotFitted
from detectors.explain import ABSENT
from detectors.features import APPROVAL_VERBS, is_person, verb_of
from detectors.protocol import (
    CAP,
    Arrays,
    Cell,
    CellView,
    Description,
    Explanation,
    Family,
    Score,
)
from detectors.provenance import describe_fit, schema_hash, without_bad

VERSION = 1
LEARN_DOCUMENTS: Final = 30
LEARN_SHARE: Final = 0.99
HARD_DOCUMENTS: Final = 300
"""Without exception in so many documents, exceptions are at most 1 % (rule of three)."""

TRADING_VERBS: Final = frozenset({"order.create", "order.submit", "hedge.order.create"})


class Finding(StrEnum):
    """The rules; the codes of hard findings, strongest first."""

    DUPLICATE = "DUPLICATE"
    SAME_PERSON = "SAME_PERSON"
    CHAIN_SKIPPED = "CHAIN_SKIPPED"
    CHAIN_ORDER = "CHAIN_ORDER"
    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    AFTER_HOURS = "AFTER_HOURS"


ABOUT_OBJECT: Final = frozenset(
    {Finding.DUPLICATE, Finding.SAME_PERSON, Finding.CHAIN_SKIPPED, Finding.CHAIN_ORDER}
)
"""Findings about a document; the others are about the account."""


Need = tuple[str, str, str]
"""Kind of document, step, and the step that it needs."""


class Met(NamedTuple):
    """How far training met a need: `met` of the `reached` documents that came to the step."""

    met: int
    reached: int

    @property
    def p_value(self) -> float:
        """The share of exceptions, the new one counted; 0 for none in `HARD_DOCUMENTS`."""
        broken = self.reached - self.met
        hard = not broken and self.reached >= HARD_DOCUMENTS
        return 0.0 if hard else (broken + 1) / (self.reached + 1)


class Chain(NamedTuple):
    """Which steps of a kind of document need which earlier ones.

    Attributes:
        object_type: the kind of document (``order``, ``voucher``).
        needs: step → the steps that must have come before it.
    """

    object_type: str
    needs: Mapping[str, tuple[str, ...]]

    @classmethod
    def of_steps(cls, object_type: str, steps: Sequence[str]) -> Self:
        """The chain in which each step needs all the steps named before it."""
        return cls(object_type, {step: tuple(steps[:at]) for at, step in enumerate(steps) if at})


@dataclass(frozen=True, slots=True)
class Conformance:
    """The detector of family `conformance`. Unfitted, it holds to the declared chains alone.

    Attributes:
        declared: chains that a company prescribes; a declared kind is never learned.
        learned: step needs found in documents, by kind.
        counts: how far training met each learned need.
    """

    declared: tuple[Chain, ...] = ()
    learned: tuple[Chain, ...] = ()
    counts: Mapping[Need, Met] = field(default_factory=dict)
    description: Description | None = None
    _needs: dict[tuple[str, str], tuple[str, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _late: dict[tuple[str, str], tuple[str, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        for chain in (*self.learned, *self.declared):
            for step, needed in chain.needs.items():
                self._needs[chain.object_type, step] = needed
        for (kind, step), needed in self._needs.items():
            for one in needed:
                self._late[kind, one] = (*self._late.get((kind, one), ()), step)

    @property
    def name(self) -> str:
        """The detector's name."""
        return "conformance"

    @property
    def family(self) -> Family:
        """Rules."""
        return Family.CONFORMANCE

    def fit(
        self, events: Sequence[CellView], labels: Sequence[bool] | None = None, *, seed: int
    ) -> Self:
        """Needs that hold in at least 99 % of at least 30 documents, for kinds not declared."""
        kept = without_bad(events, labels)
        if not kept:
            return self
        declared = {chain.object_type for chain in self.declared}
        counts = _learn(one for one in kept if one.object_type not in declared)
        description = describe_fit(
            self.name,
            self.family,
            version=VERSION,
            seed=seed,
            schema=_SCHEMA,
            events=kept,
            row=_row,
        )
        return type(self)(self.declared, _chains(counts), counts, description)

    def findings(self, event: CellView) -> tuple[tuple[Finding, float], ...]:
        """The rules that the event breaks with their p-values, strongest first."""
        found: list[tuple[Finding, float]] = []
        person = is_person(event.actor)
        if event.duplicate_of:
            found.append((Finding.DUPLICATE, 0.0))
        if person and event.entered_by == event.actor and verb_of(event.type) in APPROVAL_VERBS:
            found.append((Finding.SAME_PERSON, 0.0))
        if event.object_key:
            if missing := self._missing(event):
                found.append((Finding.CHAIN_SKIPPED, self._p(event, missing)))
            if early := self._early(event):
                found.append((Finding.CHAIN_ORDER, self._p(event, early, reverse=True)))
        if event.in_scope is False:
            found.append((Finding.OUT_OF_SCOPE, 0.0))
        away = event.in_session is False or event.in_shift is False
        if person and away and event.type in TRADING_VERBS:
            found.append((Finding.AFTER_HOURS, 0.0))
        return tuple(sorted(found, key=lambda one: one[1]))

    def _missing(self, event: CellView) -> list[str]:
        """The steps that this one needs and that have not come."""
        needed = self._needs.get((event.object_type, event.type), ())
        return [one for one in needed if one not in event.done]

    def _early(self, event: CellView) -> list[str]:
        """The steps that need this one and have come already."""
        if event.type in event.done:
            return []
        return [
            one for one in self._late.get((event.object_type, event.type), ()) if one in event.done
        ]

    def _p(self, event: CellView, steps: Sequence[str], *, reverse: bool = False) -> float:
        kind, own = event.object_type, event.type
        needs = [(kind, one, own) if reverse else (kind, own, one) for one in steps]
        return min(self.counts[need].p_value if need in self.counts else 0.0 for need in needs)

    def score(self, events: Sequence[CellView]) -> list[Score]:
        """The strongest broken rule with its p-value; 1 where none is broken."""
        out = []
        for one in events:
            found = self.findings(one)
            if found:
                cells = tuple(Cell(code.value, _weight(p)) for code, p in found)
                code, p = found[0]
                out.append(Score(one.uid, self.family, _weight(p), p, code.value, cells))
            else:
                out.append(Score(one.uid, self.family, 0.0, 1.0))
        return out

    def explain(self, event: CellView) -> Explanation:
        """The broken rules, each with what would have been in order."""
        parts = tuple(self._explain(code, event) for code, _ in self.findings(event))
        if not parts:
            return Explanation("NOTHING_FOUND", {"seen": event.type})
        return Explanation(parts[0].code, parts[0].params, parts[1:])

    def _explain(self, code: Finding, event: CellView) -> Explanation:
        params = {"seen": event.type, "actor": event.actor}
        if code is Finding.CHAIN_SKIPPED:
            missing = self._missing(event)
            params["missing"] = ", ".join(missing)
            params["support"] = self._support(event.object_type, event.type, missing)
        elif code is Finding.CHAIN_ORDER:
            params["before"] = ", ".join(sorted(self._early(event)))
        elif code is Finding.DUPLICATE:
            params["earlier"] = event.duplicate_of
        elif code is Finding.AFTER_HOURS:
            params["product"] = event.product or ABSENT
            params["hours"] = event.hour_band
        elif code is Finding.OUT_OF_SCOPE:
            params["role"] = event.role or ABSENT
        return Explanation(code.value, params)

    def _support(self, kind: str, step: str, missing: Sequence[str]) -> str:
        """In how many documents the need was met; a dash for a declared chain."""
        needs = [(kind, step, one) for one in missing]
        known = [self.counts[need].met for need in needs if need in self.counts]
        return str(min(known)) if known else ABSENT

    def update(self, cleared: Sequence[CellView]) -> Self:
        """A learned need is given up when a cleared document broke it; declared ones stay."""
        excused = {
            (one.object_type, one.type, needed)
            for one in cleared
            for needed in self._needs.get((one.object_type, one.type), ())
            if one.object_key and needed not in one.done
        }
        kept = {key: count for key, count in self.counts.items() if key not in excused}
        return type(self)(self.declared, _chains(kept), kept, self.description)

    def describe(self) -> Description:
        """What this model is."""
        if self.description is None:
            raise NotFitted(self.name)
        return self.description

    def arrays(self) -> Arrays:
        """Everything declared and learned, as one JSON document."""
        document = {
            "declared": [
                [chain.object_type, {step: list(needed) for step, needed in chain.needs.items()}]
                for chain in self.declared
            ],
            "counts": [[*key, *met] for key, met in sorted(self.counts.items())],
        }
        packed = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
        return {"words": np.frombuffer(packed, np.uint8)}

    @classmethod
    def restore(cls, description: Description, arrays: Arrays) -> Self:
        """The detector that gave these."""
        document = orjson.loads(arrays["words"].tobytes())
        declared = tuple(
            Chain(kind, {step: tuple(needed) for step, needed in needs.items()})
            for kind, needs in document["declared"]
        )
        counts = {
            (kind, step, need): Met(met, reached)
            for kind, step, need, met, reached in document["counts"]
        }
        return cls(declared, _chains(counts), counts, description)


def _learn(events: Iterable[CellView]) -> dict[Need, Met]:
    """Needs between steps: the first occurrences of a step that had the other one before."""
    reached: dict[tuple[str, str], int] = {}
    met: dict[Need, int] = {}
    for one in events:
        if not one.object_key or one.type in one.done:
            continue
        kind, step = one.object_type, one.type
        reached[kind, step] = reached.get((kind, step), 0) + 1
        for before in one.done:
            met[kind, step, before] = met.get((kind, step, before), 0) + 1
    return {
        need: Met(count, total)
        for need, count in sorted(met.items())
        if (total := reached[need[:2]]) >= LEARN_DOCUMENTS and count >= LEARN_SHARE * total
    }


def _chains(counts: Mapping[Need, Met]) -> tuple[Chain, ...]:
    needs: dict[str, dict[str, tuple[str, ...]]] = {}
    for kind, step, before in sorted(counts):
        steps = needs.setdefault(kind, {})
        steps[step] = (*steps.get(step, ()), before)
    return tuple(Chain(kind, steps) for kind, steps in needs.items())


def _weight(p_value: float) -> float:
    return -math.log(p_value) if p_value else float(CAP)


def _row(event: CellView) -> list[object]:
    return [event.type, event.object_key, sorted(event.done)]


_SCHEMA: Final = schema_hash(
    VERSION, LEARN_DOCUMENTS, HARD_DOCUMENTS, LEARN_SHARE, [one.value for one in Finding]
)
