"""Facts judged per second under 100 rules, beside zen-engine and durable_rules.

The rules are a mix of three shapes (a word and a number; a word and either of two numbers; two
numbers and a negation) over 15 fields. Every engine judges the same facts under the same rules; a
sample is compared, so that nobody is fast by being wrong.
"""

import copy
import random
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import zen
from durable import engine

from rules.loader import read_rule
from rules.rulebook import Rulebook, RuleFile, digest_of, make_rulebook
from rules.schema import FactKind, Field, Schema
from rules.values import INTEGER, STRING
from tests.bench.table import BenchRow

_NUMBERS = [f"n{index}" for index in range(10)]
_WORDS = [f"w{index}" for index in range(5)]
_VALUES = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
_RULES = 100
SECONDS = 1.0
_TEMPLATE = """\
rule: R{index}
version: 1
owner: bench
title: {{zh: 测试, en: bench}}
policy: {{document: bench, clause: "1"}}
on: bench
when: {when}
level: blue
needs_disposition: true
"""
Fact = dict[str, Any]


class _Shape:
    """One rule in the form of every engine."""

    def __init__(self, chance: random.Random, index: int) -> None:
        word, value = chance.choice(_WORDS), chance.choice(_VALUES)
        first, second = chance.sample(_NUMBERS, 2)
        low, high = chance.randrange(100, 500), chance.randrange(500, 990)
        match index % 3:
            case 0:
                self.text = f'{word} == "{value}" and {first} > {high}'
                self.tree: Any = {"$and": [{word: value}, {"$gt": {first: high}}]}
            case 1:
                self.text = f'{word} == "{value}" and ({first} > {high} or {second} < {low})'
                either = {"$or": [{"$gt": {first: high}}, {"$lt": {second: low}}]}
                self.tree = {"$and": [{word: value}, either]}
            case _:
                self.text = f'{first} > {high} and {second} > {high} and not ({word} == "{value}")'
                numbers = [{"$gt": {first: high}}, {"$gt": {second: high}}]
                self.tree = {"$and": [*numbers, {"$neq": {word: value}}]}


def _shapes() -> list[_Shape]:
    chance = random.Random(20260302)
    return [_Shape(chance, index) for index in range(_RULES)]


def _facts(count: int) -> list[Fact]:
    chance = random.Random(7)
    return [
        {name: chance.randrange(1000) for name in _NUMBERS}
        | {name: chance.choice(_VALUES) for name in _WORDS}
        for _ in range(count)
    ]


def _rulebook(shapes: list[_Shape]) -> Rulebook:
    fields = {name: Field(name, INTEGER, name, name) for name in _NUMBERS}
    fields |= {name: Field(name, STRING, name, name) for name in _WORDS}
    schema = Schema({"bench": FactKind("bench", fields)})
    files = []
    for index, shape in enumerate(shapes):
        text = _TEMPLATE.format(index=index, when=shape.text)
        rule, problems = read_rule(text, f"r{index:03}.yaml", schema)
        if rule is None:
            raise ValueError(problems)
        files.append(RuleFile(f"r{index:03}.yaml", digest_of(text), rule))
    return make_rulebook(schema, files)


def _rate(judge: Callable[[Fact], object], facts: list[Fact]) -> float:
    """Facts a second, best of three runs of about `SECONDS` in all."""
    best = 0.0
    for _ in range(3):
        start, done = time.perf_counter(), 0
        while time.perf_counter() - start < SECONDS / 3:
            for fact in facts[:200]:
                judge(fact)
            done += 200
            facts = facts[200:] + facts[:200]
        best = max(best, done / (time.perf_counter() - start))
    return best


def _ours(book: Rulebook) -> Callable[[Fact], list[str]]:
    judge, names = book.judge("bench"), [rule.id for rule in book.judged_rules("bench")]

    def run_one(fact: Fact) -> list[str]:
        return [names[number // 4096] for number in judge(fact)]

    return run_one


def _zen(shapes: list[_Shape]) -> Callable[[Fact], list[str]]:
    compiled = [zen.compile_expression(shape.text) for shape in shapes]

    def run_one(fact: Fact) -> list[str]:
        return [f"R{index}" for index, one in enumerate(compiled) if one.evaluate(fact)]

    return run_one


class _Host(engine.Host):  # type: ignore[misc]
    """A private host without background threads; its actions only collect rule names."""

    def __init__(self, hits: set[str]) -> None:
        self._hits = hits
        super().__init__()

    def _run(self) -> None:
        pass

    def get_action(self, name: str) -> Callable[[Any], None]:
        return lambda _: self._hits.add(name)


def _durable(shapes: list[_Shape]) -> Callable[[Fact], list[str]]:
    hits: set[str] = set()
    hosts: list[tuple[str, _Host]] = []
    for start in range(0, _RULES, 25):
        host, name = _Host(hits), f"bench{start}"
        rules = {
            f"R{index}": {"all": [{"m": shapes[index].tree}], "run": f"R{index}"}
            for index in range(start, start + 25)
        }
        host.set_rulesets(copy.deepcopy({name: rules}))
        hosts.append((name, host))
    number = 0

    def run_one(fact: Fact) -> list[str]:
        nonlocal number
        number += 1
        hits.clear()
        message = {"id": str(number), **fact}
        for name, host in hosts:
            try:
                host.assert_fact(name, message)
                host.retract_fact(name, message)
            except engine.MessageNotHandledException:
                continue
        return sorted(hits)

    return run_one


def run() -> list[BenchRow]:
    """Measures and returns the rows of the benchmark table."""
    shapes, facts = _shapes(), _facts(4000)
    book = _rulebook(shapes)
    ours, judge = _ours(book), book.judge("bench")
    rows: list[BenchRow] = []
    own_rate = _rate(judge, facts)
    full_rate = _rate(lambda fact: book.evaluate("bench", fact), facts)
    peers = {
        "zen-engine " + version("zen-engine"): _zen(shapes),
        "durable_rules " + version("durable_rules"): _durable(shapes),
    }
    for peer, run_one in peers.items():
        for fact in facts[:50]:
            if sorted(ours(fact)) != sorted(run_one(fact)):
                raise AssertionError(f"{peer} disagrees on {fact}")
        rate = _rate(run_one, facts)
        rows.append(
            BenchRow(
                "facts judged, 100 rules",
                own_rate,
                "facts/s",
                peer,
                rate,
                own_rate / rate,
                ">= 300,000",
            )
        )
    rows.append(BenchRow("facts with why-trace, 100 rules", full_rate, "facts/s"))
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)  # noqa: T201 - the bench's output
