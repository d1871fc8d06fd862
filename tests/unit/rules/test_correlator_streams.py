"""The correlator tells what the reference tells, on random streams, through a real child."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from test_stateful_arrival import LATENESS, PATTERNS, SOURCES, START, s

from rules.correlator import Correlator
from rules.durable_child import Child
from rules.patterns import Correlation, Fact, Pattern, Step
from rules.proposer import ChildFault, Fault
from rules.stateful import Reference

LONG = 3600


def stream(seed: int, length: int = 400) -> list[tuple[datetime, Fact]]:
    """Facts by arrival: late within (and some beyond) their lateness, shuffled, some twice."""
    dice = random.Random(seed)
    arrivals = []
    for number in range(length):
        source = dice.choice(SOURCES)
        at = START + s(dice.randint(0, length // 3))
        fields = {"type": dice.choice("abc"), "key": dice.randint(1, 3), "v": dice.randint(0, 2)}
        delay = s(dice.randint(0, LATENESS.of(source) // s(1) + dice.choice([0, 0, 0, 30])))
        fact = Fact(f"E{number}", "event", source, at, fields, at + delay)
        arrivals += [(at + delay, fact)] * dice.choice([1, 1, 1, 2])
    dice.shuffle(arrivals)
    arrivals.sort(key=lambda pair: pair[0])
    return arrivals


def batches(
    arrivals: list[tuple[datetime, Fact]], seed: int
) -> Iterator[tuple[datetime, list[Fact]]]:
    dice, rest = random.Random(seed), arrivals
    while rest:
        size = dice.choice([1, 1, 3, 20])
        yield rest[0][0], [fact for _arrival, fact in rest[:size]]
        rest = rest[size:]


def words(told: list[Correlation]) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [(c.rule, c.uid, c.status, c.supersedes) for c in told]


@pytest.fixture
def correlator() -> Iterator[Correlator]:
    made = Correlator(PATTERNS, LATENESS)
    yield made
    made.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_the_correlator_tells_what_the_reference_tells(correlator: Correlator, seed: int) -> None:
    reference = Reference(PATTERNS, LATENESS)
    for now, facts in batches(stream(seed), seed):
        assert words(correlator.advance(now)) == words(reference.advance(now))
        told = [c for fact in facts for c in reference.feed(fact)]
        assert words(correlator.feed(facts)) == words(told)
    end = START + s(LONG)
    assert words(correlator.advance(end)) == words(reference.advance(end))
    assert correlator.faults() == []
    assert correlator.missed == 0
    assert correlator.late == reference.late > 0
    # The proposals are more than what is confirmed, and are what is confirmed: the child works.
    assert correlator.figures.proposed > correlator.figures.confirmed > 200


def test_a_child_killed_in_the_stream_comes_back_and_nothing_is_lost(
    correlator: Correlator,
) -> None:
    reference = Reference(PATTERNS, LATENESS)
    killed = 0
    for number, (now, facts) in enumerate(batches(stream(7), 7)):
        if number in {5, 30}:
            pid = correlator.child_pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            killed += 1
        told = reference.advance(now) + [c for fact in facts for c in reference.feed(fact)]
        assert words(correlator.advance(now) + correlator.feed(facts)) == words(told)
    faults = correlator.faults()
    assert {fault.fault for fault in faults} == {Fault.DIED}
    assert 1 <= len(faults) <= killed
    assert correlator.missed == 0
    assert correlator.figures.confirmed > 100


def test_a_state_made_again_from_the_log_proposes_as_before(correlator: Correlator) -> None:
    reference = Reference(PATTERNS, LATENESS)
    before, after = stream(11)[:200], stream(11)[200:]
    for now, fact in before:
        reference.advance(now)
        reference.feed(fact)
    facts = [fact for _now, fact in before]
    correlator.rebuild(facts, before[-1][0])
    correlator.reload(PATTERNS, facts)
    for now, fact in after:
        reference.advance(now)
        correlator.advance(now)
        assert {c.uid for c in reference.feed(fact)} == {c.uid for c in correlator.feed([fact])}
    assert correlator.missed == 0
    assert correlator.figures.confirmed > 100


def test_without_a_child_the_reference_tells_all() -> None:
    alone = Correlator(PATTERNS, LATENESS, use_child=False)
    facts = [fact for _now, fact in stream(5)]
    assert alone.child_pid is None
    assert words(alone.feed(facts)) == words(
        [
            c
            for reference in [Reference(PATTERNS, LATENESS)]
            for f in facts
            for c in reference.feed(f)
        ]
    )
    assert (alone.missed, alone.faults()) == (0, [])


def many(count: int) -> list[Pattern]:
    """Patterns that all want the same facts."""
    steps = tuple(
        Step(name, "event", lambda fact, name=name: fact.fields["type"] == name) for name in "ab"
    )
    return [Pattern(f"SIBLING{n}", 1, steps, ("key",), s(10)) for n in range(count)]


def fact(uid: str, type_: str, at: int, key: object = "k") -> Fact:
    return Fact(uid, "event", "s", START + s(at), {"type": type_, "key": key})


def test_65_patterns_that_want_the_same_fact_all_fire() -> None:
    correlator = Correlator(many(65))
    told = correlator.feed([fact("A", "a", 0), fact("B", "b", 1)])
    assert len(told) == 65
    assert (correlator.figures.confirmed, correlator.missed, correlator.faults()) == (65, 0, [])
    correlator.close()


def test_keys_whose_32_bit_hashes_collide_do_not_share_state() -> None:
    one, other = "DEAL-45914362", "DEAL-177805307"
    correlator = Correlator(many(1))
    assert correlator.feed([fact("A", "a", 0, one), fact("B", "b", 1, other)]) == []
    assert correlator.figures.proposed == 0
    told = correlator.feed([fact("C", "b", 2, one), fact(other, "a", 0, other)])
    assert {tuple(f.uid for f in c.facts) for c in told} == {("A", "C"), (other, "B")}
    assert (correlator.figures.proposed, correlator.missed) == (2, 0)
    correlator.close()


def test_numbers_that_saturate_and_texts_that_look_like_numbers_are_different_keys() -> None:
    correlator = Correlator(many(1))
    keys = [10**31, 10**30, "5", 5, True, 1, "true"]
    facts = [fact(f"A{n}", "a", 0, key) for n, key in enumerate(keys)]
    facts += [fact("B", "b", 1, 10**31 + 1), fact("C", "b", 1, 6), fact("D", "b", 1, False)]
    assert correlator.feed(facts) == []
    assert correlator.figures.proposed == 0
    (told,) = correlator.feed([fact("E", "b", 2, 10**30)])
    assert [f.uid for f in told.facts] == ["A1", "E"]
    correlator.close()


def test_facts_outside_the_window_are_retracted_from_the_child() -> None:
    correlator = Correlator(many(1))
    for n in range(40):
        correlator.feed([fact(f"A{n}", "a", 100 * n)])
        correlator.advance(START + s(100 * n))
    assert correlator.standing() == []
    held = correlator._proposer._applied
    assert len(held) == 4  # the window of 10 s and 300 s of lateness
    told = correlator.feed([fact("B", "b", 3905)])
    assert [f.uid for f in told[0].facts] == ["A39", "B"]
    correlator.close()


def test_other_rules_go_into_the_same_child_and_the_old_facts_are_gone() -> None:
    correlator = Correlator(many(2))
    pid = correlator.child_pid
    correlator.feed([fact("A", "a", 0)])
    assert correlator.reload(many(1)) == []
    assert correlator.child_pid == pid
    assert correlator.feed([fact("B", "b", 1)]) == []
    assert correlator.figures.proposed == 0
    assert [c.rule for c in correlator.feed([fact("A", "a", 0)])] == ["SIBLING0"]
    assert (correlator.figures.confirmed, correlator.missed) == (1, 0)
    correlator.close()
    assert correlator.child_pid is None


def test_what_the_child_never_proposed_is_told_and_counted() -> None:
    deaf = Correlator(many(2), child=Child(target=answer_nothing))
    told = deaf.feed([fact("A", "a", 0), fact("B", "b", 1)])
    assert [c.rule for c in told] == ["SIBLING0", "SIBLING1"]
    assert deaf.missed == 2
    assert [(f.fault, f.rules) for f in deaf.faults()] == [
        (Fault.MISSED, ("SIBLING0",)),
        (Fault.MISSED, ("SIBLING1",)),
    ]
    deaf.close()


def test_the_watchdog_ends_a_child_that_hangs() -> None:
    child = Child(timeout_s=0.3, target=hang_on_facts)
    correlator = Correlator(many(1), child=child)
    told = correlator.feed([fact("A", "a", 0)]) + correlator.feed([fact("B", "b", 1)])
    assert len(told) == 1
    assert Fault.HUNG in {f.fault for f in correlator.faults()}
    correlator.close()


def test_a_fact_on_which_the_child_dies_twice_goes_to_quarantine() -> None:
    steps = tuple(
        Step(name, "event", lambda fact, name=name: fact.fields["type"] == name) for name in "xy"
    )
    poisoned = Pattern("POISONED", 1, steps, ("key",), timedelta(seconds=10))
    correlator = Correlator([*many(1), poisoned], child=Child(target=die_on_poison))
    told = correlator.feed(
        [fact("A", "a", 0), fact("POISON", "x", 666), fact("Y", "y", 667), fact("B", "b", 1)]
    )
    assert {c.rule for c in told} == {"SIBLING0", "POISONED"}
    faults = correlator.faults()
    assert [f.fault for f in faults if f.fact == "POISON"] == [
        Fault.DIED,
        Fault.DIED,
        Fault.QUARANTINED,
    ]
    assert faults[-1].rules == ("POISONED",)
    # The other pattern still has its child; the poisoned one goes on with the reference alone.
    more = correlator.feed(
        [fact("A2", "a", 20), fact("B2", "b", 21), fact("X", "x", 666), fact("Y2", "y", 667)]
    )
    assert {c.rule for c in more} == {"SIBLING0", "POISONED"}
    assert correlator.figures.confirmed == 2
    assert (correlator.missed, correlator.faults()) == (0, [])
    correlator.close()


def test_a_child_that_does_not_come_up_leaves_the_reference_alone() -> None:
    correlator = Correlator(many(1), child=Child(target=die_at_once))
    assert [f.fault for f in correlator.faults()] == [Fault.DOWN]
    assert len(correlator.feed([fact("A", "a", 0), fact("B", "b", 1)])) == 1
    assert (correlator.missed, correlator.child_pid) == (0, None)
    correlator.close()


def test_a_child_that_dies_again_and_again_is_given_up_for_good() -> None:
    """The real child, killed from outside after every answer: not started for ever."""
    correlator = Correlator(many(1))
    seen: list[ChildFault] = []
    for number in range(40):
        if correlator.child_pid is not None:
            os.kill(correlator.child_pid, signal.SIGKILL)
        told = correlator.feed([fact(f"A{number}", "a", 60 * number)])
        told += correlator.feed([fact(f"B{number}", "b", 60 * number + 1)])
        assert len(told) == 1  # whatever happens to the child
        seen += correlator.faults()
        if correlator.child_pid is None:
            break
    assert correlator.child_pid is None
    assert [f.fault for f in seen].count(Fault.DOWN) == 1
    assert [f.fault for f in seen].count(Fault.DIED) <= 15
    correlator.close()


def answer_nothing(connection: Connection) -> None:
    """A child that takes everything and proposes nothing."""
    while True:
        connection.recv()
        connection.send(([], []))


def hang_on_facts(connection: Connection) -> None:
    """A child that never answers once it has its rules."""
    connection.recv()
    connection.send(([], []))
    connection.recv()
    signal.pause()


def die_on_poison(connection: Connection) -> None:
    """The real engine, but dead as soon as a fact of 666 seconds past the hour enters."""
    from rules.durable_engine import Engine
    from store.types import to_microseconds

    engine = None
    poison = to_microseconds(START + s(666))
    while True:
        name, payload = connection.recv()
        if name == "load":
            engine = Engine(payload)
            connection.send(([], []))
            continue
        if any(fact.get("t") == poison for _asserted, _host, fact in payload):
            os._exit(139)
        connection.send(engine.apply(payload))


def die_at_once(connection: Connection) -> None:
    """A child that crashes while it starts."""
    os._exit(139)


def test_the_joins_hold_on_memory_that_is_not_zeroed() -> None:
    """A read past an array meets garbage under MALLOC_PERTURB_, and crashes."""
    environment = os.environ | {"MALLOC_PERTURB_": "165"}
    stream_test = test_the_correlator_tells_what_the_reference_tells.__name__
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            f"{__file__}::{stream_test}[1]",
        ],
        cwd=Path(__file__).parents[3],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
