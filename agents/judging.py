"""What an agent that judges by the rules in force works with."""

from collections.abc import Callable
from typing import ClassVar

from agents.facts import Surroundings
from agents.world import World
from auditlog.port import LogPort
from rules.rulebook import Rulebook
from store import Store
from workorders.context import Context


class JudgingAgent:
    """An agent that reads the log and puts what the rules say into orders.

    Args:
        store: for the transactions.
        log: the events.
        rulebook: gives the rules in force.
        context: what `workorders` needs, for a directory.
    """

    #: In whose name it acts.
    actor: ClassVar[str]

    def __init__(
        self,
        store: Store,
        log: LogPort,
        *,
        rulebook: Callable[[], Rulebook],
        context: Callable[[Surroundings], Context],
    ) -> None:
        self._store = store
        self._log = log
        self._rulebook = rulebook
        self._context = context
        self._world = World(self.actor)
