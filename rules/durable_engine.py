"""durable_rules behind its guards. Runs in the child process only; see `rules.durable_child`."""

import copy
from collections.abc import Sequence
from typing import Any

import durable_rules_engine
from durable import engine

from rules.durable_compile import ACTION, Message, Ruleset, check_ruleset

#: (True to assert, False to retract; host; message)
Operation = tuple[bool, int, Message]
#: (marker of the first condition, ids of the joined facts in the order of the conditions)
Proposal = tuple[int, tuple[int, ...]]


class _Host(engine.Host):  # type: ignore[misc]  # the library carries no types
    """A private host: no background threads, actions from a table."""

    def __init__(self, actions: dict[str, Any]) -> None:
        self._own_actions = actions
        super().__init__()

    def _run(self) -> None:
        """No timers and no dispatch loop: they would run actions on other threads."""

    def get_action(self, action_name: str) -> Any:
        return self._own_actions[action_name]


class Engine:
    """Rulesets, one host each; facts are asserted and retracted under one sid.

    Args:
        rulesets: one a host; each is checked again here.
    """

    def __init__(self, rulesets: Sequence[Ruleset]) -> None:
        self.proposals: list[Proposal] = []
        self.errors: list[str] = []
        self._hosts = []
        for number, ruleset in enumerate(rulesets):
            check_ruleset(ruleset)
            host = _Host({ACTION: self._propose})
            # The library takes the definition apart, so it gets a copy.
            host.set_rulesets({f"host{number}": copy.deepcopy(ruleset)})
            self._hosts.append(host)

    def _propose(self, closure: Any) -> None:
        # An exception in an action vanishes in the library, so it is kept here.
        try:
            joined = closure._m  # noqa: SLF001 - the only place where the joined facts stand
            ids = tuple(int(joined[alias]["id"]) for alias in sorted(joined))
            self.proposals.append((int(joined["s0"]["_k"]), ids))
        except Exception as error:  # noqa: BLE001 - reported, never lost
            self.errors.append(repr(error))

    def apply(self, operations: Sequence[Operation]) -> tuple[list[Proposal], list[str]]:
        """Assert and retract in order.

        Returns:
            What was proposed, and every error, none of which stops the rest.
        """
        self.proposals, self.errors = [], []
        for asserted, host, fact in operations:
            call = self._hosts[host].assert_fact if asserted else self._hosts[host].retract_fact
            try:
                call(f"host{host}", dict(fact))
            except engine.MessageNotHandledException:
                continue  # the library's word for "no rule matched"
            except Exception as error:  # noqa: BLE001 - reported, never lost
                self.errors.append(repr(error))
        return self.proposals, self.errors

    def close(self) -> None:
        """Give the rulesets' memory back; the library never does so by itself."""
        for number, host in enumerate(self._hosts):
            durable_rules_engine.delete_ruleset(host.get_ruleset(f"host{number}")._handle)  # noqa: SLF001
        self._hosts = []
