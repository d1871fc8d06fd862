"""`make bench`: every benchmark in turn, one table, each figure beside a named peer."""

import importlib
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.table import BenchRow


def collect(names: list[str]) -> list[BenchRow]:
    """The rows of the named benchmarks, or of all."""
    found: list[BenchRow] = []
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        name = path.stem.removeprefix("bench_")
        if names and name not in names:
            continue
        found += importlib.import_module(f"tests.bench.{path.stem}").run()
    return found


def show(rows: list[BenchRow]) -> None:
    """Print the table."""
    table = Table("measured", "ours", "unit", "peer", "peer's", "ratio", "goal")
    for row in rows:
        table.add_row(
            row.name,
            f"{row.value:,.1f}",
            row.unit,
            row.peer or "—",
            f"{row.peer_value:,.1f}" if row.peer else "",
            f"{row.ratio:.2f}" if row.peer else "",
            row.goal,
        )
    Console(width=160).print(table)


if __name__ == "__main__":
    show(collect(sys.argv[1:]))
