"""The generated evaluator says what the reference interpreter says, on any rule and any fact."""

import random
import string
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rules import read_rule
from rules.compile_evaluator import ROWS, compile_judge
from rules.compile_predicate import compile_predicate
from rules.errors import NotCompiled
from rules.explain import explain_unknown, judged_by_interpreter
from rules.expression import Names, parse_expression
from rules.interpreter import Scope, truth
from rules.model import Rule
from rules.rulebook import RuleFile, make_rulebook
from rules.schema import FactKind, Field, Schema
from rules.values import STRING
from tests.unit.rules.rules_random import CONDITIONS, FACTS, KIND, SCHEMA, TYPES

NAMES = Names(TYPES)


@given(text=CONDITIONS, facts=st.lists(FACTS, min_size=1, max_size=6))
@settings(max_examples=400, deadline=None)
def test_a_compiled_condition_agrees_with_the_interpreter(
    text: str, facts: list[Mapping[str, Any]]
) -> None:
    node, faults = parse_expression(text, NAMES, boolean=True)
    assume(node is not None)
    assert not faults
    assert node is not None
    predicate = compile_predicate(node)
    for fact in facts:
        assert predicate(fact) is truth(node, Scope(fact)), (text, fact)


TEMPLATE = """\
rule: PROBE
version: 1
owner: test
title: {{zh: 探, en: probe}}
policy: {{document: d, clause: c}}
on: probe
{when}let: {{x: 'div(i, j, 2, half_even)', y: d * 3, z: i > j}}
on_missing: data_issue
needs_disposition: true
table:
  hit_policy: {policy}
  rows:
{rows}
"""


def _rule(policy: str, when: str, conditions: list[str]) -> Rule | None:
    rows = [
        f"    - {{if: {_quoted(condition)}, code: R{index}, level: blue}}"
        for index, condition in enumerate(conditions)
    ]
    text = TEMPLATE.format(
        policy=policy, when=f"when: {_quoted(when)}\n" if when else "", rows="\n".join(rows)
    )
    rule, problems = read_rule(text, "probe.yaml", SCHEMA)
    assert all(one.code not in {"YAML_SYNTAX", "UNKNOWN_KEY"} for one in problems), problems
    return rule if isinstance(rule, Rule) else None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


ROW = CONDITIONS | st.sampled_from(["x > 1", "y < 3 and z", "not z", "x == y"])


@given(
    policy=st.sampled_from(["first", "unique", "collect"]),
    when=st.just("") | CONDITIONS,
    rows=st.lists(ROW, min_size=1, max_size=3),
    facts=st.lists(FACTS, min_size=1, max_size=5),
)
@settings(max_examples=250, deadline=None)
def test_a_generated_table_agrees_with_the_interpreter(
    policy: str, when: str, rows: list[str], facts: list[Mapping[str, Any]]
) -> None:
    rule = _rule(policy, when, rows)
    assume(rule is not None)
    assert rule is not None
    judge = compile_judge([rule])
    for fact in facts:
        found = judge(fact)
        matched, unknown = judged_by_interpreter(rule, fact)
        assert [number % ROWS for number in found if number >= 0] == matched
        assert (-1 in found) is unknown
        if unknown:
            assert explain_unknown(rule, KIND, fact) is not None


def _hostile(chance: random.Random) -> str:
    pool = string.printable + "\"'\\{}%$`；“”\u2028\u202e\x00é😀"
    words = [
        '"); import os',
        "__import__('os').system('x')",
        "{0.__class__}",
        "%s%n",
        "${x}",
        "'''",
    ]
    body = "".join(chance.choice(pool) for _ in range(chance.randrange(1, 24)))
    return chance.choice(words) + body if chance.random() < 0.5 else body


def _literal(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(one, one) for one in text) + '"'


def test_ten_thousand_hostile_strings_stay_strings() -> None:
    """Every string of a rule is a constant of the code; it equals itself and nothing else."""
    chance = random.Random(1)
    names = Names({"s": STRING})
    for _ in range(10_000):
        text = _hostile(chance)
        node, faults = parse_expression(f"s == {_literal(text)}", names, boolean=True)
        assert node is not None, (text, faults)
        predicate = compile_predicate(node)
        assert predicate({"s": text}) is True
        assert predicate({"s": text + "x"}) is False
        assert set(predicate.__globals__) <= {  # type: ignore[attr-defined]
            *("__builtins__", "predicate", "r_bounded", "r_divided"),
            *("r_abs", "r_min", "r_max", "r_empty"),
        }
        assert predicate.__globals__["__builtins__"] == {}  # type: ignore[attr-defined]


def test_hostile_titles_and_codes_reach_the_verdict_unchanged() -> None:
    chance = random.Random(2)
    schema = Schema({"note": FactKind("note", {"s": Field("s", STRING, "s", "s")})})
    for _ in range(200):
        hostile = "".join(one for one in _hostile(chance) if one.isprintable()).strip() or "x"
        quoted = _quoted(hostile)
        text = (
            f"rule: R\nversion: 1\nowner: {quoted}\ntitle: {{zh: {quoted}, en: {quoted}}}\n"
            f"policy: {{document: {quoted}, clause: {quoted}}}\non: note\nwhen: has(s)\n"
            f"code: {quoted}\nlevel: red\nneeds_disposition: true\n"
        )
        rule, _ = read_rule(text, "r.yaml", schema)
        assert rule is not None, hostile
        book = make_rulebook(schema, [RuleFile("r.yaml", "0", rule)])
        (verdict,) = book.evaluate("note", {"s": "x"})
        assert verdict.code == hostile
        assert verdict.clause.document == hostile


def test_an_aggregate_is_never_compiled() -> None:
    node, _ = parse_expression("count() > 3", Names(TYPES, aggregates=True), boolean=True)
    assert node is not None
    with pytest.raises(NotCompiled):
        compile_predicate(node)


def test_missing_fields_make_a_rule_unknown_not_false() -> None:
    rule = _rule("first", "", ["i > 5"])
    assert rule is not None
    book = make_rulebook(SCHEMA, [RuleFile("probe.yaml", "0", rule)])
    (verdict,) = book.evaluate("probe", {})
    assert verdict.truth is None
    assert (verdict.code, verdict.reason, verdict.missing) == (
        "DATA_ISSUE",
        "MISSING_FIELD",
        ("i",),
    )
    assert book.evaluate("probe", {"i": 5}) == []


@pytest.mark.parametrize(
    ("condition", "fact", "reason"),
    [
        ("i + j > 0", {"i": 2**63 - 1, "j": 1}, "OVERFLOW"),
        ("i * j > 0", {"i": 2**62, "j": 4}, "OVERFLOW"),
        ("abs(i) > 0", {"i": -(2**63)}, "OVERFLOW"),
        ("div(i, j, 2) > 0", {"i": 1, "j": 0}, "DIVISION_BY_ZERO"),
    ],
)
def test_overflow_and_zero_divisors_are_data_issues(
    condition: str, fact: dict[str, int], reason: str
) -> None:
    rule = _rule("first", "", [condition])
    assert rule is not None
    book = make_rulebook(SCHEMA, [RuleFile("probe.yaml", "0", rule)])
    (verdict,) = book.evaluate("probe", fact)
    assert (verdict.code, verdict.reason) == ("DATA_ISSUE", reason)


def test_the_kind_has_every_type() -> None:
    assert {one.type.base.value for one in KIND.fields.values()} == {
        *("integer", "decimal", "quantity", "money", "string", "enum", "boolean"),
        *("timestamp", "duration"),
    }
