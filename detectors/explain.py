"""Explanations: the sentence an officer can check, as a code and what it names.

Codes end in what they say: ``CELL_NEW`` (never seen in this context), ``CELL_RARE`` (seen, rarely),
``NUMBER_HIGH``, ``CHAIN_SKIPPED`` … Their words are the catalogue entries ``explanation.<code>``.
Field names are catalogue keys too (``detectors.field.<name>``): `params` carries the bare names.
"""

import math
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from detectors.excess_table import CellFinding
from detectors.protocol import Explanation
from store.clock import rfc3339

ABSENT = "—"


def explain_cell(found: CellFinding) -> Explanation:
    """What was seen, what is usual in its context, on how much evidence, and since when."""
    code = "CELL_NEW" if not found.count else "CELL_RARE"
    if code == "CELL_NEW" and not found.elsewhere:
        code = "CELL_UNKNOWN"
    return Explanation(
        code,
        {
            "field": found.spec.value,
            "seen": found.value or ABSENT,
            "context": context_text(found.context),
            "usual": usual_text(found.usual),
            "count": str(found.count),
            "support": str(found.support),
            "elsewhere": str(found.elsewhere),
            "first_seen": moment(found.first_seen),
            "peers": ABSENT if found.peers is None else percent(found.peers),
            "instead": found.usual[0][0] or ABSENT if found.usual else ABSENT,
            "needed": str(found.needed),
            "excess": f"{found.excess:.2f}",
        },
    )


def explain_number(name: str, value: float, sample: NDArray[np.float64], role: str) -> Explanation:
    """A number beside the middle and the 99th percentile of its peers."""
    if math.isnan(value) or not len(sample):
        return Explanation("NUMBER_ABSENT", {"number": name})
    middle, high = np.percentile(sample, [50, 99], method="higher").tolist()
    code = "NUMBER_HIGH" if value > high else "NUMBER_USUAL"
    return Explanation(
        code,
        {
            "number": name,
            "seen": figure(value),
            "middle": figure(middle),
            "high": figure(high),
            "peers": role or ABSENT,
            "support": str(len(sample)),
            "largest": figure(float(sample[-1])),
        },
    )


def figure(value: float) -> str:
    """A number as people read it: whole numbers without a point, others with two digits."""
    return str(int(value)) if value == int(value) else f"{value:.2f}"


def sentence(given: Explanation, words: Callable[..., str]) -> str:
    """The sentence in somebody's language.

    Args:
        given: the explanation; `parts` are sentences of their own.
        words: (catalogue key, **params) → text.
    """
    params = dict(given.params)
    for name in ("field", "number"):
        if name in params:
            params[name] = words(f"detectors.field.{params[name]}")
    if "context" in params:
        steps = [step.partition("=") for step in params["context"].split(", ")]
        params["context"] = ", ".join(
            f"{words(f'detectors.field.{name}')} {value}" if value else name
            for name, _, value in steps
        )
    return words(f"explanation.{given.code}", **params)


def context_text(context: Sequence[tuple[str, str]]) -> str:
    """``role=trader, actor=u_1``; an empty context is written as a dash."""
    return ", ".join(f"{name}={value or ABSENT}" for name, value in context) or ABSENT


def usual_text(usual: Sequence[tuple[str, float]]) -> str:
    """``order.create 82%, login 11%``."""
    return ", ".join(f"{value or ABSENT} {percent(share)}" for value, share in usual) or ABSENT


def percent(share: float) -> str:
    """A share as per cent, with a digit after the point below 10 %."""
    return f"{share * 100:.0f}%" if share >= 0.1 else f"{share * 100:.1f}%"  # noqa: PLR2004


def moment(at: datetime | None) -> str:
    """A time, or a dash for never."""
    return ABSENT if at is None else rfc3339(at)
