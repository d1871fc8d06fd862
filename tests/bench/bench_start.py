"""What it costs to start a command, beside the import of a web framework alone."""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from tests.bench.table import BenchRow

ROUNDS = 7
ROOT = Path(__file__).parents[2]
CALLS = (("--help",), ("--json", "alerts", "list"), ("trail", "verify"))
_RUN = "import main; main.run()"


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _processor_ms(code: str, folder: str, *args: str) -> float:
    """Processor time of one call in a process of its own: the wall shows who else is at work."""
    before = _spent()
    subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HEDGEWARDEN_DATA": folder},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return (_spent() - before) * 1_000


def run(calls: Sequence[tuple[str, ...]] = CALLS) -> list[BenchRow]:
    """Help, a short list, and a verification of an empty trail."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("HEDGEWARDEN_BENCH_DIR")) as folder:
        _processor_ms(_RUN, folder, "init")
        peer = median(_processor_ms("import fastapi", folder) for _ in range(ROUNDS))
        rows = []
        for call in calls:
            ours = median(_processor_ms(_RUN, folder, *call) for _ in range(ROUNDS))
            rows.append(
                BenchRow(
                    f"start of `{' '.join(call)}`, processor time",
                    ours,
                    "ms",
                    f"import fastapi {version('fastapi')}",
                    peer,
                    ours / peer,
                )
            )
        return rows
