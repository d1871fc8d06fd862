"""The rulebook: checked rules, compiled, frozen, with one content hash."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from rules.compile_evaluator import ROWS, Judge, compile_judge
from rules.errors import UnknownRule
from rules.explain import explain_match, explain_unknown, judged_by_interpreter, matching_rows
from rules.interpreter import Fact, Scope, truth
from rules.model import AnyRule, CorrelationRule, HitPolicy, Mode, Rule, Verdict
from rules.schema import Schema
from store.problems import Problem


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One valid rule file: its name, the hash of its text, and what it says."""

    name: str
    digest: str
    rule: AnyRule


@dataclass(frozen=True, slots=True)
class Assessment:
    """All verdicts on one fact, and what was wrong with the fact itself."""

    verdicts: tuple[Verdict, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rulebook:
    """The rules in force. Two rulebooks with one hash give the same verdicts.

    Attributes:
        schema: the fact kinds.
        files: the rule files, by name.
        hash: SHA-256 over the schema and all files.
        rules: stateless rules, by file name.
        correlations: rules over several facts, by file name.
    """

    schema: Schema
    files: tuple[RuleFile, ...]
    hash: str
    rules: tuple[Rule, ...]
    correlations: tuple[CorrelationRule, ...]
    _groups: Mapping[tuple[str, Mode], tuple[Rule, ...]] = field(repr=False)
    _judges: Mapping[tuple[str, Mode], Judge] = field(repr=False)

    def evaluate(
        self,
        kind: str,
        fact: Mapping[str, object],
        *,
        at: datetime | None = None,
        mode: Mode = Mode.LIVE,
    ) -> list[Verdict]:
        """The verdicts on one fact: matches and data issues, in the order of the rules.

        Args:
            kind: the fact kind.
            fact: field name to Python value (see `Schema.encode`); a value that does not fit its
                type counts as missing. `assess` also tells what did not fit.
            at: the time for which rules must be in force; None: `effective` is not looked at.
            mode: live, or the batch rules of a look-back.

        Raises:
            UnknownFactKind: when the schema does not declare the kind.
        """
        encoded, _ = self.schema.encode(kind, fact)
        return self.evaluate_encoded(kind, encoded, at=at, mode=mode)

    def assess(
        self,
        kind: str,
        fact: Mapping[str, object],
        *,
        at: datetime | None = None,
        mode: Mode = Mode.LIVE,
    ) -> Assessment:
        """Like `evaluate`, with the problems of the fact's own values."""
        encoded, problems = self.schema.encode(kind, fact)
        verdicts = self.evaluate_encoded(kind, encoded, at=at, mode=mode)
        return Assessment(tuple(verdicts), tuple(problems))

    def evaluate_encoded(
        self, kind: str, fact: Fact, *, at: datetime | None = None, mode: Mode = Mode.LIVE
    ) -> list[Verdict]:
        """Like `evaluate`, for a fact that is already in canonical form."""
        judge = self._judges.get((kind, mode))
        if judge is None:
            return []
        rules, declared = self._groups[kind, mode], self.schema.kind(kind)
        verdicts: list[Verdict] = []
        for number in judge(fact):
            rule = rules[number // ROWS if number >= 0 else -number - 1]
            if not in_force(rule, at):
                continue
            if number >= 0:
                if not rule.rows[number % ROWS].silent:
                    verdicts.append(explain_match(rule, declared, number % ROWS, fact))
                continue
            unknown = explain_unknown(rule, declared, fact)
            if unknown is not None:
                verdicts.append(unknown)
        return verdicts

    def evaluate_all(
        self,
        kind: str,
        facts: Iterable[Mapping[str, object]],
        *,
        at: datetime | None = None,
        mode: Mode = Mode.LIVE,
    ) -> list[list[Verdict]]:
        """The verdicts on many facts of one kind, one list a fact."""
        return [self.evaluate(kind, fact, at=at, mode=mode) for fact in facts]

    def codes(self, kind: str, fact: Fact, *, mode: Mode = Mode.LIVE) -> list[str]:
        """Only the codes of the matches on a canonical fact: the fast path of look-backs."""
        judge = self._judges.get((kind, mode))
        if judge is None:
            return []
        rules = self._groups[kind, mode]
        rows = [rules[number // ROWS].rows[number % ROWS] for number in judge(fact) if number >= 0]
        return [row.code for row in rows if not row.silent]

    def judge(self, kind: str, mode: Mode = Mode.LIVE) -> Judge:
        """The generated function of a fact kind (see `rules.compile_evaluator`)."""
        return self._judges.get((kind, mode)) or compile_judge(())

    def judged_rules(self, kind: str, mode: Mode = Mode.LIVE) -> tuple[Rule, ...]:
        """The rules behind the numbers that `judge` returns."""
        return self._groups.get((kind, mode), ())

    def find(self, rule_id: str) -> AnyRule:
        """The rule or correlation with this id.

        Raises:
            UnknownRule: when there is none.
        """
        for file in self.files:
            if file.rule.id == rule_id:
                return file.rule
        raise UnknownRule(rule_id)

    def still_holds(self, rule_id: str, fact: Mapping[str, object]) -> bool | None:
        """Whether the condition that a rule found still holds: the guard on closing.

        Args:
            rule_id: the rule.
            fact: the fact as it is now, of the rule's kind.

        Returns:
            True or False; None when a needed value is missing, which is no leave to close. A rule
            with `clears_when` holds until that is certainly true; another holds while it matches.

        Raises:
            UnknownRule: when the rulebook holds no such rule.
        """
        rule = self.find(rule_id)
        encoded, _ = self.schema.encode(rule.kind, fact)
        if rule.clears_when is not None:
            cleared = truth(rule.clears_when.node, Scope(encoded))
            return None if cleared is None else not cleared
        if isinstance(rule, CorrelationRule):
            return False  # an event that has happened; it needs a disposition, not a state
        rows = matching_rows(rule, encoded)
        if rows:
            counted = rows[:1] if rule.hit_policy is HitPolicy.FIRST else rows
            return any(not rule.rows[row].silent for row in counted)
        _, unknown = judged_by_interpreter(rule, encoded)
        return None if unknown else False


def in_force(rule: AnyRule, at: datetime | None) -> bool:
    """Whether the rule is in force at a time; always, when no time is given."""
    effective = rule.heading.effective
    if at is None:
        return True
    return (effective.start is None or at >= effective.start) and (
        effective.end is None or at < effective.end
    )


def digest_of(text: str) -> str:
    """SHA-256 of a file's text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _schema_document(schema: Schema) -> dict[str, Any]:
    return {
        kind.name: {
            name: [one.type.base.value, one.type.scale, one.type.unit, list(one.type.values)]
            for name, one in kind.fields.items()
        }
        for kind in schema.kinds.values()
    }


def make_rulebook(schema: Schema, files: Sequence[RuleFile]) -> Rulebook:
    """Compiles checked rule files into a rulebook."""
    ordered = tuple(sorted(files, key=lambda file: file.name))
    document = {
        "schema": _schema_document(schema),
        "files": [[file.name, file.digest] for file in ordered],
    }
    digest = hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()
    rules = tuple(file.rule for file in ordered if isinstance(file.rule, Rule))
    correlations = tuple(file.rule for file in ordered if isinstance(file.rule, CorrelationRule))
    groups: dict[tuple[str, Mode], tuple[Rule, ...]] = {}
    for rule in rules:
        key = (rule.kind, rule.heading.mode)
        groups[key] = (*groups.get(key, ()), rule)
    judges = {key: compile_judge(group) for key, group in groups.items()}
    return Rulebook(schema, ordered, digest, rules, correlations, groups, judges)
