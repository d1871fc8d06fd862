"""Never block what lowers risk.

An order that lowers |exposure| on assessable data must never be denied, whatever the rulebook says.
The loader refuses a rule that could; the evaluator lifts such a denial all the same.
"""

from collections.abc import Iterable, Mapping

from rules.interpreter import Scope, truth
from rules.tree import Node
from rules.values import Encoded

GUARDED_KIND = "hedge_order"
REASON = "RISK_REDUCING"
_CASE: Mapping[str, Encoded] = {"reduces_risk": True, "data_state": "current"}


def can_deny_risk_reduction(kind: str, conditions: Iterable[Node]) -> bool:
    """Whether a denial under all of `conditions` may hit a risk-reducing order on current data.

    Every other field is left open: only conditions that are false for all their values prove that
    it cannot.
    """
    if kind != GUARDED_KIND:
        return False
    return not any(
        truth(condition, Scope(_CASE, open_world=True)) is False for condition in conditions
    )


def lowers_risk(kind: str, fact: Mapping[str, Encoded]) -> bool:
    """Whether the fact is an order that lowers |exposure| on assessable data."""
    return kind == GUARDED_KIND and all(fact.get(name) == value for name, value in _CASE.items())
