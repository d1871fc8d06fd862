"""Children that are killed with SIGKILL, by their own hand at a place or by ours at a moment."""

import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.flow import crash_child

# Children are forked from a server that has imported everything: hundreds fit into seconds.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["__main__", "tests.flow.crash_child"])
Said = list[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Killed:
    """What is known of a child after its death.

    Attributes:
        said: what it told as durable before it died.
        place: where it stood: a statement, ``commit``, ``committed``, or between two operations.
        done: it ended by itself, its work done, before the kill came.
    """

    said: Said
    place: str
    done: bool

    @property
    def inside(self) -> bool:
        """Whether the kill fell inside an operation."""
        return self.place != crash_child.OUTSIDE and not self.done


def run_and_kill(
    act: str, folder: Path, seed: int, *, after: float = 30.0, aim: int | str = 0, url: str = ""
) -> Killed:
    """Run an act until it kills itself at the place `aim`, or `after` seconds have passed.

    Args:
        act: one of `crash_child.ACTS`.
        folder: where it works.
        seed: of what the act draws by lot.
        after: from when the child is ready.
        aim: see `crash_child.Place`; 0: by the clock alone.
        url: of the database, for the acts that want one.
    """
    ours, theirs = PROCESSES.Pipe(duplex=False)
    child = PROCESSES.Process(target=crash_child.run, args=(act, folder, url, seed, aim, theirs))
    child.start()
    theirs.close()
    assert ours.recv() == ("ready", 0)
    if aim:
        child.join(after)
    else:
        time.sleep(after)
    child.kill()
    said: Said = []
    try:
        while True:
            said.append(ours.recv())
    except (EOFError, OSError):  # a message cut in half was not said
        child.join()
    ours.close()
    return Killed(said, crash_child.read_place(folder / "place"), child.exitcode == 0)
