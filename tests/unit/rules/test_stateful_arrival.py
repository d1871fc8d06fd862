"""The order of arrival does not count: any shuffle within lateness gives the same correlations."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.patterns import (
    Absence,
    Correlation,
    Fact,
    Forbidden,
    Having,
    Lateness,
    Pattern,
    Status,
    Step,
)
from rules.stateful import Reference, run_batch

START = datetime(2024, 9, 3, 10, tzinfo=UTC)
LATENESS = Lateness(
    default=timedelta(seconds=20), by_source={"fast": timedelta(0), "slow": timedelta(seconds=60)}
)
SOURCES = ("fast", "usual", "slow")


def typed(*types: str):
    return lambda fact: fact.fields["type"] in types


def s(number: int) -> timedelta:
    return timedelta(seconds=number)


A, B, C = (Step(name, "event", typed(name)) for name in "abc")
AGAIN = Step("again", "event", typed("a", "b"))
ANY = Step("any", "event", typed("a", "b"))
GREW = Having(frozenset({"a", "b"}), lambda bound: bound["a"].fields["v"] < bound["b"].fields["v"])
NOT_C = Forbidden(
    "event",
    typed("c"),
    lambda fact, bound: fact.fields["v"] == next(iter(bound.values())).fields["v"],
    source="usual",
)
PATTERNS = [
    Pattern("COUNT", 1, (A,), ("key",), s(10), count=3),
    Pattern("DISTINCT", 1, (ANY,), ("key",), s(8), distinct=("v", 3)),
    Pattern("PAIR", 1, (A, B), ("key",), s(10)),
    Pattern("GREW", 1, (A, B), ("key",), s(10), having=(GREW,)),
    Pattern("TWINS", 1, (ANY, AGAIN), ("key", "v"), s(6)),
    Pattern("LOOSE", 1, (A, B, C), ("key",), s(10), ordered=False),
    Pattern("THREE", 1, (A, B, C), ("key",), s(12), having=(GREW,)),
    Pattern("BETWEEN", 1, (A, B), ("key",), s(10), none_between=NOT_C),
    Pattern("ALONE", 1, (A,), ("key",), s(0), absent=Absence(NOT_C, s(5))),
    Pattern("PAIR_ALONE", 1, (A, B), ("key",), s(9), absent=Absence(NOT_C, s(5))),
    Pattern(
        "MANY_ALONE",
        1,
        (Step("alone", "correlation", lambda fact: fact.source == "rule:ALONE"),),
        ("key",),
        s(15),
        count=2,
    ),
    Pattern(
        "ALONE_THEN_PAIR",
        1,
        (
            Step("alone", "correlation", lambda fact: fact.source == "rule:ALONE"),
            Step("pair", "correlation", lambda fact: fact.source == "rule:PAIR"),
        ),
        ("key",),
        s(15),
    ),
]


History = tuple[list[Fact], list[int]]


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Facts with event times on a coarse grid, and how long each takes to arrive."""
    facts, delays = [], []
    for number in range(draw(st.integers(0, 14))):
        at = START + s(draw(st.integers(0, 30)))
        source = draw(st.sampled_from(SOURCES))
        fields = {
            "type": draw(st.sampled_from("abc")),
            "key": draw(st.sampled_from([1, 2, None])),
            "v": draw(st.integers(0, 2)),
        }
        facts.append(Fact(f"E{number}", "event", source, at, fields))
        delays.append(draw(st.integers(0, LATENESS.of(source) // s(1))))
    return facts, delays


def told_in_order(reference: Reference, arrivals: Iterable[tuple[datetime, Fact]]):
    told: list[Correlation] = []
    for arrival, fact in arrivals:
        told += reference.advance(arrival)
        told += reference.feed(fact)
    return told + reference.advance(START + s(10_000))


def standing(told: Iterable[Correlation]) -> dict[str, tuple[str, ...]]:
    """What stands after all that was told, each with its members."""
    stands: dict[str, Correlation] = {}
    for correlation in told:
        for uid in correlation.supersedes:
            del stands[uid]  # a supersession names only what stood
        if correlation.status is Status.CONFIRMED:
            assert correlation.uid not in stands  # nothing is told twice
            stands[correlation.uid] = correlation
    return {
        uid: (c.rule, *(f"{alias}:{fact.uid}" for alias, fact in c.members), str(c.evidence))
        for uid, c in stands.items()
    }


def timed(history: History) -> list[tuple[datetime, Fact]]:
    """The facts by arrival."""
    arrivals = [(fact.event_time + s(delay), fact) for fact, delay in zip(*history, strict=True)]
    return sorted(arrivals, key=lambda pair: pair[0])


@given(histories(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100)
def test_any_arrival_within_lateness_ends_in_the_same_correlations(
    history: History, random: Random
) -> None:
    arrivals = timed(history)
    random.shuffle(arrivals)
    arrivals.sort(key=lambda pair: pair[0])  # ties stay shuffled
    assert standing(told_in_order(Reference(PATTERNS, LATENESS), arrivals)) == standing(
        run_batch(PATTERNS, history[0])
    )


@given(histories(), st.data())
@settings(deadline=None, max_examples=30)
def test_a_second_delivery_changes_nothing(history: History, data: st.DataObject) -> None:
    twice = []
    for arrival, fact in timed(history):
        twice.append((arrival, fact))
        if data.draw(st.booleans()):
            twice.append((arrival, fact))
    once = told_in_order(Reference(PATTERNS, LATENESS), timed(history))
    again = told_in_order(Reference(PATTERNS, LATENESS), twice)
    assert [c.uid for c in again] == [c.uid for c in once]


@given(histories(), st.integers(0, 14))
@settings(deadline=None, max_examples=40)
def test_a_state_made_again_from_the_log_goes_on_as_if_nothing_happened(
    history: History, cut: int
) -> None:
    arrivals = [(arrival, replace(fact, arrival_time=arrival)) for arrival, fact in timed(history)]
    before, after = arrivals[:cut], arrivals[cut:]
    whole = Reference(PATTERNS, LATENESS)
    told = []
    for arrival, fact in before:
        told += whole.advance(arrival)
        told += whole.feed(fact)
    again = Reference(PATTERNS, LATENESS)
    told_again = again.rebuild((fact for _arrival, fact in before), until=whole.watermark)
    assert {c.uid for c in told_again} >= {c.uid for c in told}
    assert standing(told_again + told_in_order(again, after)) == standing(
        told + told_in_order(whole, after)
    )
