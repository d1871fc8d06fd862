"""What a test of a peer's fault needs: that the same scenario fails once the guard is gone.

Each fault is a scenario, a function whose last assertion says the fault in a word. It runs twice:
as the product is, and with its guard taken out by a mutant, when exactly that word must be said.
"""

from collections.abc import Callable
from typing import Any

import pytest


def fails_with(fault: str, scenario: Callable[..., Any], *given: Any) -> None:
    """The scenario must end in its own assertion about `fault`, and in no other."""
    with pytest.raises(AssertionError, match=fault):
        scenario(*given)


def gives(value: Any) -> Callable[..., Any]:
    """A function that answers `value`, whatever it is asked."""
    return lambda *_given, **_named: value
