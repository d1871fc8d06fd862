"""The process in which durable_rules runs, and the parent's end of it.

The library can crash, hang and lose its state, so it runs in a spawned child: one request at a
time, a watchdog on every answer, and nothing in it that the parent cannot make again.
"""

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from rules.durable_compile import Ruleset
from rules.errors import RulesError

Serve = Callable[[Connection], None]


class ChildDied(RulesError):  # noqa: N818 - named as the field says it
    """The child crashed, or did not answer in time and was killed.

    Attributes:
        hung: whether it was the watchdog that ended it.
    """

    def __init__(self, why: str, *, hung: bool = False) -> None:
        super().__init__(why)
        self.hung = hung


def serve(connection: Connection) -> None:
    """The child's loop: rulesets first, then lists of operations, until the parent hangs up."""
    # Loaded here only: the parent never has the library's C code in its memory.
    from rules.durable_engine import Engine  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when the child ends
    engine: Engine | None = None
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            name, payload = connection.recv()
            if name == "load":
                if engine is not None:
                    engine.close()
                engine = Engine(payload)
                connection.send(([], []))
            elif engine is not None:
                connection.send(engine.apply(payload))


class Child:
    """One child process.

    Args:
        timeout_s: how long an answer may take before the watchdog kills the child.
        start_timeout_s: how long start and load may take.
        target: the child's loop.
    """

    def __init__(
        self, *, timeout_s: float = 5.0, start_timeout_s: float = 60.0, target: Serve = serve
    ) -> None:
        self._timeout_s = timeout_s
        self._start_timeout_s = start_timeout_s
        self._target = target
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        """The process's id; None when none runs."""
        return self._process.pid if self._process else None

    def start(self, rulesets: Sequence[Ruleset]) -> None:
        """Load the rulesets into the running child, or into a fresh one when none runs.

        What a running child held is deleted with its old rulesets.

        Raises:
            ChildDied: when it does not come up.
        """
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            self._connection = ours
            self._process = context.Process(
                target=self._target, args=(theirs,), name="durable-rules", daemon=True
            )
            self._process.start()
            theirs.close()  # else the child's death would not close the pipe
        self._ask("load", list(rulesets), self._start_timeout_s)

    def apply(
        self, operations: Sequence[tuple[bool, int, dict[str, int | str]]]
    ) -> tuple[list[tuple[int, tuple[int, ...]]], list[str]]:
        """Assert and retract facts; see `rules.durable_engine.Engine.apply`.

        Raises:
            ChildDied: when it crashes or hangs.
        """
        return self._ask("apply", list(operations), self._timeout_s)

    def close(self) -> None:
        """End the process."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None

    def _ask(
        self, name: str, payload: object, timeout_s: float
    ) -> tuple[list[tuple[int, tuple[int, ...]]], list[str]]:
        if self._connection is None:
            raise ChildDied("the child does not run")
        try:
            self._connection.send((name, payload))
            if self._connection.poll(timeout_s):
                proposals, errors = self._connection.recv()
                return proposals, errors
        except (EOFError, OSError) as error:
            self.close()
            raise ChildDied(f"the child died: {type(error).__name__}") from error
        self.close()
        raise ChildDied(f"no answer within {timeout_s} s", hung=True)
