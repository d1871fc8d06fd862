"""Runs incidents from set-up to report, on a simulated clock, with real mail and chat servers."""

import json
from pathlib import Path
from typing import Any

from main import compose
from service.demo.incidents import read_incidents
from service.demo.report import report
from service.demo.simulation import Simulation
from service.demo.stage import staged


def run(
    folder: Path, incidents: list[dict[str, Any]], *, seed: int | None = None, child: bool = False
) -> dict[str, Any]:
    """The demo's report on these incidents; `seed` adds the trading group's ordinary days."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "incidents.json"
    file.write_text(json.dumps(incidents, ensure_ascii=False), encoding="utf-8")
    read, problems = read_incidents(file)
    assert problems == []
    with staged(compose, folder / "data", read, seed=seed, use_child=child) as stage:
        Simulation(stage.app, stage.clock, stage.events).run()
        return report(stage, 0)
