"""Each trap of durable_rules, and the guard that holds."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from rules.durable_compile import (
    FIELDS,
    MAX_NUMBER,
    MAX_PATTERNS,
    SmallIds,
    UnsafeRuleset,
    check_ruleset,
    compile_patterns,
    fnv1a,
    message,
)
from rules.durable_engine import Engine
from rules.mirror import Mirror
from rules.patterns import Absence, Fact, Forbidden, Pattern, Step


def pair(rule: str = "PAIR", **changes: Any) -> Pattern:
    steps = tuple(Step(name, "event", lambda _fact: True) for name in "ab")
    given = {"steps": steps, "by": ("key",), "within": timedelta(minutes=1)}
    return Pattern(rule, 1, **given | changes)


def steps(count: int) -> tuple[Step, ...]:
    return tuple(Step(f"s{n}", "event", lambda _fact: True) for n in range(count))


def conditions(pattern: Pattern) -> Iterator[list[dict[str, Any]]]:
    _plans, rulesets = compile_patterns([pattern])
    for ruleset in rulesets:
        for rule in ruleset.values():
            for condition in rule["all"]:
                ((_alias, body),) = condition.items()
                yield body["$and"]


PATTERNS = [
    pair(),
    pair(ordered=False),
    pair(steps=steps(3)),
    pair(steps=steps(3), ordered=False),
    pair(steps=steps(1), count=5),
    pair(steps=steps(1), distinct=("v", 3)),
    pair(none_between=Forbidden("event", lambda _fact: True)),
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_marker_is_first_and_the_key_equality_last_in_every_join(pattern: Pattern) -> None:
    terms = list(conditions(pattern))
    assert all(list(one[0]) == ["_k"] for one in terms)
    assert all(list(one[-1]) == ["k"] for one in terms[1:])
    assert len(terms) > 1


def test_a_pattern_that_joins_without_a_key_is_refused() -> None:
    pattern = pair()
    object.__setattr__(pattern, "by", ())
    with pytest.raises(UnsafeRuleset, match="without a key"):
        compile_patterns([pattern])


def test_patterns_are_spread_over_hosts_of_at_most_fifty() -> None:
    plans, rulesets = compile_patterns([pair(f"P{n}") for n in range(120)])
    assert [len(ruleset) for ruleset in rulesets] == [50, 50, 20]
    assert [plan.host for plan in plans] == [0] * 50 + [1] * 50 + [2] * 20
    markers = [marker for plan in plans for marker in plan.markers]
    assert len(set(markers)) == len(markers) == 240


def test_what_joins_nothing_and_what_is_too_long_is_left_to_the_reference() -> None:
    absent = Absence(Forbidden("event", lambda _fact: True), timedelta(minutes=1))
    derived = (Step("a", "correlation", lambda _fact: True),)
    left = [
        pair(steps=steps(1), absent=absent),
        pair(steps=derived, count=2),
        pair(within=timedelta.max),
        pair(batch=True),
    ]
    assert compile_patterns(left) == ([], [])


JOIN = {"s1": {"$and": [{"_k": 2}, {"k": {"s0": "k"}}]}}
START = {"s0": {"$and": [{"_k": 1}]}}


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ([{"s0": {"$and": [{"$nex": {"x": 1}}]}}], "marker"),
        ([{"s0": {"$and": [{"id": 5}]}}], "marker"),
        ([{"s0": {"$and": [{"_k": True}]}}], "marker"),
        ([{"s0": {"$and": [{"_k": 10**31}]}}], "marker"),
        ([{"s0": {"_k": 1}}], "list of terms"),
        ([{"s0": {"$or": [{"_k": 1}, {"_k": 2}]}}], "list of terms"),
        ([START, {"s1$not": {"$and": [{"_k": 2}]}}], "no plain condition"),
        ([START, {"s1": {"$and": [{"_k": 2}]}}], "ends with the equality"),
        ([START, {"s1": {"$and": [{"_k": 2}, {"$gt": {"t": {"s0": "t"}}}]}}], "not allowed"),
        (
            [
                START,
                {"s1": {"$and": [{"_k": 2}, {"k": {"s0": "k"}}, {"$gte": {"t": {"s0": "t"}}}]}},
            ],
            "ends with the equality",
        ),
        ([START, {"s1": {"$and": [{"_k": 2}, {"id": {"s0": "id"}}]}}], "not allowed"),
        ([START, {"s1": {"$and": [{"_k": 2}, {"k": {"s9": "k"}}]}}], "not known"),
        ([START, {"s1": {"$and": [{"_k": 2}, {"k": 7}]}}], "not allowed"),
    ],
)
def test_an_unsafe_ruleset_is_refused(rule: list[dict[str, Any]], why: str) -> None:
    with pytest.raises(UnsafeRuleset, match=why):
        check_ruleset({"p0": {"all": rule, "run": "propose"}})
    with pytest.raises(UnsafeRuleset, match=why):
        Engine([{"p0": {"all": rule, "run": "propose"}}])


def test_too_many_patterns_or_another_action_in_one_host_are_refused() -> None:
    good = {"all": [START, JOIN], "run": "propose"}
    check_ruleset({f"p{n}": good for n in range(MAX_PATTERNS)})
    with pytest.raises(UnsafeRuleset, match="51 patterns"):
        check_ruleset({f"p{n}": good for n in range(MAX_PATTERNS + 1)})
    with pytest.raises(UnsafeRuleset, match="proposes"):
        check_ruleset({"p0": good | {"run": "delete_everything"}})
    with pytest.raises(UnsafeRuleset, match="proposes"):
        check_ruleset({"p0": good | {"count": 3}})


@pytest.mark.parametrize("value", [2**63, -(2**63), MAX_NUMBER + 1, True, 1.5, "5", None])
def test_what_saturates_or_is_no_whole_number_never_enters(value: Any) -> None:
    with pytest.raises(UnsafeRuleset):
        message(1, t=value)
    assert message(1, t=MAX_NUMBER) == {"id": "1", "t": MAX_NUMBER}


def test_only_whole_numbers_made_here_enter_whatever_a_fact_holds() -> None:
    plans, _rulesets = compile_patterns(PATTERNS)
    mirror = Mirror(PATTERNS, plans, lateness=0)
    from datetime import UTC, datetime

    hostile = {"key": "'); DROP", "v": 10**40, "id": 5, "a.b": 1e22, "$nex": None, "sid": "x"}
    fact = Fact("uid", "event", "s", datetime(2024, 1, 1, tzinfo=UTC), hostile)
    places = [(index, 1, (("str", "'); DROP"),)) for index in range(len(PATTERNS))]
    operations = mirror.operations(fact, places)
    assert len(operations) == len(PATTERNS)
    for _asserted, _host, entered in operations:
        number = entered.pop("id")
        assert isinstance(number, str)
        assert number.isdigit()
        assert set(entered) <= set(FIELDS)
        assert all(type(value) is int for value in entered.values())


def test_the_hash_that_collides_is_the_engine_s_own() -> None:
    assert fnv1a("") == 0x811C9DC5
    assert fnv1a("a") == 0xE40C292C
    assert fnv1a("DEAL-45914362") == fnv1a("DEAL-177805307")


def test_ids_whose_hash_is_taken_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules.durable_compile.fnv1a", lambda text: int(text) % 3)
    monkeypatch.setattr("rules.durable_compile._RESERVED", frozenset())
    ids = SmallIds()
    assert [ids.take(), ids.take(), ids.take()] == [1, 2, 3]
    ids.release(2)
    assert ids.take() == 5  # 4 has the hash of 1


def test_an_exception_in_an_action_is_reported_and_the_next_fact_goes_on() -> None:
    _plans, rulesets = compile_patterns([pair()])
    engine = Engine(rulesets)

    class Broken(list):
        def append(self, value: object) -> None:
            raise RuntimeError("full")

    first = (True, 0, message(1, _k=1, k=7, t=0, u=60))
    second = (True, 0, message(2, _k=2, k=7, t=1, u=61))
    third = (True, 0, message(3, _k=2, k=7, t=2, u=62))
    engine.apply([first])
    sink, engine.proposals = engine.proposals, Broken()
    engine._hosts[0].assert_fact("host0", dict(second[2]))
    assert engine.errors == ["RuntimeError('full')"]
    engine.proposals = sink
    assert engine.apply([third]) == ([(1, (1, 3))], [])
    engine.close()


def test_an_id_that_comes_twice_is_an_error_and_never_silent() -> None:
    _plans, rulesets = compile_patterns([pair()])
    engine = Engine(rulesets)
    once = (True, 0, message(1, _k=1, k=7, t=0, u=60))
    other = (True, 0, message(1, _k=1, k=8, t=0, u=60))
    proposals, errors = engine.apply([once, other])
    assert proposals == []
    assert len(errors) == 1
    assert "MessageObserved" in errors[0]
    engine.close()


def test_a_retracted_fact_joins_no_more() -> None:
    _plans, rulesets = compile_patterns([pair()])
    engine = Engine(rulesets)
    first = message(1, _k=1, k=7, t=0, u=60)
    second = message(2, _k=2, k=7, t=1, u=61)
    assert engine.apply([(True, 0, first), (False, 0, first), (True, 0, second)]) == ([], [])
    assert engine.apply([(True, 0, message(3, _k=1, k=7, t=0, u=60))]) == ([(1, (3, 2))], [])
    engine.close()


def test_joins_respect_key_order_and_window() -> None:
    _plans, rulesets = compile_patterns([pair()])
    engine = Engine(rulesets)
    first = (True, 0, message(1, _k=1, k=7, t=100, u=160))
    seconds = [(7, 100), (7, 160), (7, 161), (7, 99), (8, 120)]
    rest = [
        (True, 0, message(n, _k=2, k=key, t=at, u=at + 60))
        for n, (key, at) in enumerate(seconds, start=2)
    ]
    proposals, errors = engine.apply([first, *rest])
    assert errors == []
    assert proposals == [(1, (1, 2)), (1, (1, 3))]
    engine.close()


def test_many_reloads_leave_no_rulesets_behind() -> None:
    _plans, rulesets = compile_patterns([pair(f"P{n}") for n in range(60)])
    for _reload in range(20):
        engine = Engine(rulesets)
        engine.apply([(True, 0, message(1, _k=1, k=7, t=0, u=60))])
        engine.close()
        assert engine._hosts == []
    # The definition handed in was not taken apart by the library.
    assert rulesets == compile_patterns([pair(f"P{n}") for n in range(60)])[1]
