"""The joins under valgrind: a read past an array is a failure, never a retry."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest

from rules.durable_compile import Message, Plan, compile_patterns, message
from rules.durable_engine import Engine
from rules.patterns import Pattern, Step

INVALID = 99
FACTS = 600


def patterns() -> list[Pattern]:
    """One of each shape that the compiler makes."""

    def shape(rule: str, steps: int, **changes: object) -> Pattern:
        made = tuple(Step(f"s{n}", "event", lambda _fact: True) for n in range(steps))
        make: Callable[..., Pattern] = Pattern
        return make(rule, 1, made, ("key",), timedelta(seconds=10), **changes)

    return [
        shape("TWO", 2),
        shape("THREE", 3),
        shape("TWO_LOOSE", 2, ordered=False),
        shape("THREE_LOOSE", 3, ordered=False),
        shape("COUNT", 1, count=3),
    ]


def run_stream(seed: int) -> int:
    """Assert and retract at random; how many proposals came."""
    dice = random.Random(seed)
    plans, rulesets = compile_patterns(patterns())
    engine = Engine(rulesets)
    live: list[tuple[int, Message]] = []
    counted: list[int] = []
    proposals = 0
    for number in range(1, FACTS):
        plan = dice.choice(plans)
        values = {"_k": dice.choice(plan.markers), "k": dice.randint(1, 3)}
        values |= _time_or_order(plan, number, counted, dice)
        fact = message(number, **values)
        live.append((plan.host, fact))
        found, errors = engine.apply([(True, plan.host, fact)])
        assert errors == []
        proposals += len(found)
        if len(live) > 60:
            host, old = live.pop(dice.randrange(len(live)))
            assert engine.apply([(False, host, old)]) == ([], [])
    engine.close()
    return proposals


def _time_or_order(
    plan: Plan, number: int, counted: list[int], dice: random.Random
) -> dict[str, int]:
    if plan.need:
        before = dice.choice(counted or [0])
        counted.append(number)
        return {"i": number, "r": before}
    at = dice.randint(0, 40) * 1_000_000
    return {"t": at, "u": at + plan.within}


@pytest.mark.soak
@pytest.mark.extra
def test_the_joins_read_only_their_own_memory() -> None:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        pytest.skip("valgrind is not installed")
    options = ["-q", f"--error-exitcode={INVALID}", "--undef-value-errors=no"]
    done = subprocess.run(
        [valgrind, *options, sys.executable, __file__],
        env=os.environ | {"PYTHONMALLOC": "malloc"},
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    assert "Invalid read" not in done.stderr
    assert int(done.stdout) > 100


if __name__ == "__main__":
    sys.stdout.write(str(sum(run_stream(seed) for seed in range(3))))
