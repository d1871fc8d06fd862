"""What a rule file says, parsed and checked: stateless rules and correlations."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rules.heading import (
    SEVERITY,
    Effective,
    Heading,
    HitPolicy,
    Level,
    Mode,
    Outcome,
    PolicyClause,
    Title,
)
from rules.tree import Node
from rules.values import Encoded

__all__ = [
    "SEVERITY",
    "AnyRule",
    "CorrelationRule",
    "CounterFactual",
    "Decide",
    "Decision",
    "Effective",
    "Expect",
    "Expression",
    "Heading",
    "HitPolicy",
    "Leaf",
    "Level",
    "Mode",
    "Outcome",
    "PolicyClause",
    "Row",
    "Rule",
    "RuleTest",
    "Step",
    "Title",
    "Verdict",
]


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression and where it stands."""

    text: str
    node: Node
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Decide:
    """A decision on an object that a match entails.

    Attributes:
        object: which value names the object (a field, or ``alias.field`` in a correlation).
        outcome: ``hold``, ``deny`` or ``stale``.
        reason: the reason's code.
    """

    object: Expression
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a decision table; a rule without a table has one row without a condition."""

    condition: Expression | None
    code: str
    level: str
    outcome: Outcome
    decide: Decide | None
    line: int

    @property
    def silent(self) -> bool:
        """Whether the row only says that nothing is to be done (``outcome: none``)."""
        return self.outcome is Outcome.NONE and not self.level and self.decide is None


@dataclass(frozen=True, slots=True)
class Expect:
    """What a test expects.

    Attributes:
        code: the code of the match; empty when none is expected.
        level: the level; empty when the test does not say.
        data_issue: whether an unknown verdict that raises a data issue is expected.
        count: for correlations, how many matches are expected.
    """

    code: str = ""
    level: str = ""
    data_issue: bool = False
    count: int = 0


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One test beside a rule: facts in canonical form, and what they must give.

    A stateless rule's test has one fact; a correlation's test has its events in arrival order.
    """

    name: str
    facts: tuple[Mapping[str, Encoded], ...]
    expect: Expect
    line: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A stateless rule on one fact kind.

    Attributes:
        heading: id, version, titles and the like.
        kind: the fact kind.
        when: the condition in front of all rows; None is always.
        lets: names defined for the rows, in order.
        hit_policy: which rows count.
        rows: at least one.
        on_missing: field names whose absence raises a data issue when it makes the rule unknown;
            ``*`` stands for every field.
        clears_when: the state in which the condition no longer holds; None: when it no longer
            matches.
        needs_disposition: whether a person must dispose of a match because it is an event.
        evidence: named values for the why-trace.
        tests: tests beside the rule.
    """

    heading: Heading
    kind: str
    when: Expression | None
    lets: Mapping[str, Expression]
    hit_policy: HitPolicy
    rows: tuple[Row, ...]
    on_missing: frozenset[str]
    clears_when: Expression | None
    needs_disposition: bool
    evidence: Mapping[str, Expression]
    tests: tuple[RuleTest, ...] = ()

    @property
    def id(self) -> str:
        """The rule's id."""
        return self.heading.id


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a correlation.

    Attributes:
        alias: the step's name; later steps, `having`, `evidence` and `decide` use it.
        kind: the fact kind.
        where: which facts are this step; may name fields of earlier steps (``request.order``).
        source: of an absent step, the source it is awaited from; its lateness delays the verdict.
    """

    alias: str
    kind: str
    where: Expression
    source: str = ""


@dataclass(frozen=True, slots=True)
class CorrelationRule:
    """A rule over several facts, in event time.

    Two forms:

    * **sequence** (`count` = 0, two or more steps, or one step with `absent`): for each fact that
      fits the last step, the latest earlier facts that fit the steps before it, all within
      `within` (inclusive) and equal in every `by` field. `ordered`: event times do not decrease
      along the steps. `none_between`: no fact of the same `by` key that fits lies between the
      first and the last step. `absent`: no fact of the same key fits within `within` after the
      last step (decided at that deadline plus the source's lateness).
    * **count** (`count` > 0, one step): at least `count` facts, and at least `distinct_at_least`
      different values of `distinct`, of one `by` key within `within`.

    Then `having` must be certainly true.

    Attributes:
        source: empty, or the id of the correlation whose matches this one reads (second level).
            Such a fact is the source match's last step's fact, with `event_time` the time at
            which that match was decided in event time (for an absence, its deadline).
        within: microseconds of event time.
        by: fields that must be equal; never empty.
        having: condition over all facts: fields of the completing fact, ``alias.field``,
            aggregates.
        collect: fields whose values of all facts the match carries.
        cap: live facts kept per key; reaching it is a data issue.
        evidence: named expressions over the completing fact, aliases and aggregates
            (`rules.interpreter.evidence`).
    """

    heading: Heading
    kind: str
    source: str
    steps: tuple[Step, ...]
    by: tuple[str, ...]
    within: int
    ordered: bool
    none_between: Expression | None
    absent: Step | None
    count: int
    distinct: str
    distinct_at_least: int
    having: Expression | None
    collect: tuple[str, ...]
    cap: int
    code: str
    level: str
    outcome: Outcome
    decide: Decide | None
    clears_when: Expression | None
    needs_disposition: bool
    evidence: Mapping[str, Expression]
    tests: tuple[RuleTest, ...] = ()

    @property
    def id(self) -> str:
        """The correlation's id."""
        return self.heading.id


AnyRule = Rule | CorrelationRule


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf of the why-trace.

    Attributes:
        field: the field, or the text of the computed value.
        text: the leaf as written in the rule.
        op: the operator.
        value: the value found, ready for JSON; None when missing.
        threshold: what it was compared with.
        margin: value - threshold for numbers, as plain text; empty otherwise.
        truth: True, False or None (unknown).
    """

    field: str
    text: str
    op: str
    value: Any
    threshold: Any
    margin: str
    truth: bool | None


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision on one object that a verdict entails."""

    object: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class CounterFactual:
    """The smallest change of one field that moves a verdict one colour down."""

    field: str
    value: str
    change: str
    level: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says about a fact.

    Attributes:
        rule: the rule's id.
        version: its version.
        kind: the fact kind.
        truth: True for a match; None for an unknown that raises a data issue.
        code: the row's code; ``DATA_ISSUE`` when unknown.
        level: ``red`` … ``blue``, or empty.
        outcome: what it leads to.
        reason: the decision's reason, or what made it unknown (``MISSING_FIELD``, ``OVERFLOW``,
            ``DIVISION_BY_ZERO``, ``TABLE_NOT_UNIQUE``), or ``RISK_REDUCING`` when a denial was
            lifted because the action lowers the exposure on assessable data.
        title: the rule's name in both languages.
        explain: what the match says, in both languages (the author's sentence, filled).
        row: 1-based row of the table.
        leaves: every leaf that was weighed.
        decide: the decision on an object, or None.
        evidence: named values, ready for JSON.
        file: the rule file.
        line: the row's line.
        clause: the policy clause.
        observe: whether it is only recorded.
        clears_when: text of the clearing condition; empty when it clears by no longer matching.
        needs_disposition: whether a person must dispose of it.
        missing: fields whose absence made it unknown.
        counterfactuals: smallest changes that move it one colour down.
    """

    rule: str
    version: int
    kind: str
    truth: bool | None
    code: str
    level: str
    outcome: Outcome
    reason: str
    title: Title
    explain: Title
    row: int
    leaves: tuple[Leaf, ...]
    decide: Decision | None
    evidence: Mapping[str, Any]
    file: str
    line: int
    clause: PolicyClause
    observe: bool
    clears_when: str
    needs_disposition: bool
    missing: tuple[str, ...] = ()
    counterfactuals: tuple[CounterFactual, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON: what the trail stores as the why of a decision."""
        document = dataclasses.asdict(self)
        document["outcome"] = self.outcome.value
        return document
