"""One evening in a data folder of its own, for the tests of the console's real pages.

Three of the shipped incidents are told on one day, beside the trading group's opening book; the
clock then stands a quarter of an hour after the last event.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from main import compose
from service.demo.incidents import read_incidents, shipped
from service.demo.simulation import Simulation
from service.demo.stage import Stage, staged

EVENING = date(2024, 8, 20)
CHOSEN = ("INC-1", "INC-3", "INC-5")
#: Left out, so that the robot's alerts still wait for a person.
UNTOLD = frozenset({"alert.bulk_review"})


def told_on_one_day() -> list[dict[str, Any]]:
    """The incidents, each moved by whole days to the same one."""
    found = []
    for incident in json.loads(shipped().read_text(encoding="utf-8")):
        if incident["id"] in CHOSEN:
            last = datetime.fromisoformat(incident["events"][-1]["ts"])
            by = EVENING - last.date()
            told = [one for one in incident["events"] if one["type"] not in UNTOLD]
            incident["events"] = told
            for event in incident["events"]:
                for key in ("ts", "arrival_ts"):
                    if key in event:
                        event[key] = (datetime.fromisoformat(event[key]) + by).isoformat()
            found.append(incident)
    return found


@contextmanager
def evening(folder: Path) -> Iterator[Stage]:
    """The stage after that evening; it is struck at the end."""
    file = folder / "incidents.json"
    file.write_text(json.dumps(told_on_one_day(), ensure_ascii=False), encoding="utf-8")
    incidents, problems = read_incidents(file)
    assert problems == []
    with staged(compose, folder / "data", incidents, seed=None, use_child=False) as stage:
        Simulation(stage.app, stage.clock, stage.events).run()
        yield stage
