"""`hedgewarden demo`: the incidents replayed, then the console; `--once` ends with the report."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from service.demo import folder as demo_folder
from service.demo.doors import Doors, listen, port_of, serving
from service.demo.incidents import Incident, Loaded, load_incidents, shipped
from service.demo.last_morning import last_morning
from service.demo.officers import Officers
from service.demo.progress import Tell, Tenths, quiet
from service.demo.report import nothing_played, report
from service.demo.simulation import Simulation
from service.demo.stage import Compose, Stage, staged
from service.settings import Settings
from service.web.assets import Assets

SEED: Final = 20240514
FOLDER: Final = Path("demo-data")
_TICK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line asks for.

    Attributes:
        once: replay at full speed, report, and end.
        incidents: another file of incidents; None for the one that ships.
        seed: of the trading group's ordinary days.
    """

    once: bool = False
    incidents: Path | None = None
    seed: int = SEED


def folder_of(settings: Settings) -> Path:
    """The folder that was asked for, else one of the demo's own beside the caller."""
    return settings.data if "data" in settings.model_fields_set else FOLDER


def load(options: DemoOptions) -> Loaded:
    """The incidents to replay, and what is wrong with their file."""
    return load_incidents(options.incidents or shipped())


def run_once(
    compose: Compose,
    settings: Settings,
    options: DemoOptions,
    incidents: Sequence[Incident],
    *,
    tell: Tell = quiet,
) -> dict[str, Any]:
    """Replay everything with scripted officers; returns the report.

    Args:
        compose: wires the application.
        settings: the data folder.
        options: what to replay.
        incidents: as `load` read them.
        tell: how far it is: a catalogue key and its parameters.

    Raises:
        WrongFolder: when the folder is not a demo's.
        store.errors.FolderHeld: when another process uses it.
        FrontEndMissing: when the front end was not built.
        Whatever is raised before the replay has touched nothing in the folder.
    """
    began = time.perf_counter()
    folder = folder_of(settings)
    if not incidents:
        return nothing_played(time.perf_counter() - began)
    tell("demo.progress.folder", {"folder": folder})
    with (
        ready(folder, 0) as listening,
        on_stage(compose, folder, incidents, options, listening) as stage,
        serving(stage, listening) as doors,
    ):
        tell("demo.replaying", {"count": len(incidents)})
        replay(stage, doors, leave=(), tell=tell)
        tell("demo.progress.report", {})
        return report(stage, time.perf_counter() - began)


def run_served(
    compose: Compose,
    settings: Settings,
    options: DemoOptions,
    incidents: Sequence[Incident],
    *,
    say: Tell,
    tell: Tell = quiet,
    stop: threading.Event,
) -> None:
    """Replay, then serve until `stop` is set. The last incident is left for the visitor.

    Args:
        compose: wires the application.
        settings: the data folder, and the port when one was asked for.
        options: what to replay.
        incidents: as `load` read them.
        say: called with a catalogue key and its parameters: the address, the report.
        tell: likewise, how far it is.
        stop: set when the demo is to end.

    Raises:
        As `run_once`; OSError when the port that was asked for is taken.
    """
    folder = folder_of(settings)
    port = settings.port if "port" in settings.model_fields_set else 0
    began = time.perf_counter()
    tell("demo.progress.folder", {"folder": folder})
    with (
        ready(folder, port) as listening,
        on_stage(compose, folder, incidents, options, listening) as stage,
        serving(stage, listening) as doors,
    ):
        say("demo.replaying", {"count": len(incidents)})
        simulation = replay(stage, doors, leave=(stage.last_incident.org,), tell=tell)
        tell("demo.progress.report", {})
        told = report(stage, time.perf_counter() - began)
        say("demo.report", told)
        say("demo.address", {"address": doors.address, "sign_in": doors.sign_in})
        live(stage, simulation, stop)


def on_stage(
    compose: Compose,
    folder: Path,
    incidents: Sequence[Incident],
    options: DemoOptions,
    listening: socket.socket,
) -> AbstractContextManager[Stage]:
    """The stage as the command line asks for it; what is ours stays out of another's file."""
    return staged(
        compose,
        folder,
        incidents,
        seed=options.seed,
        port=port_of(listening),
        beside=last_morning() if options.incidents is None else (),
    )


@contextmanager
def ready(folder: Path, port: int) -> Iterator[socket.socket]:
    """The console's door, opened before the folder of an earlier demo is emptied.

    Raises:
        As `run_served`.
    """
    Assets()
    demo_folder.check(folder)
    with listen(port) as listening:
        yield listening


def replay(stage: Stage, doors: Doors, leave: Sequence[str], *, tell: Tell) -> Simulation:
    """Run the clock over all events; officers act on the incidents' orders but those of `leave`."""
    officers = Officers(stage, doors.address, leave)
    far = Tenths(tell)
    simulation = Simulation(
        stage.app, stage.clock, stage.events, officers.look, progress=far.reached
    )
    officers.join(simulation)

    def learn(now: datetime) -> None:
        tell("demo.progress.learning", {})
        stage.app.trainer.run_once(now)

    # The detectors learn from the group's days before the first incident arrives.
    simulation.at(stage.first_arrival - timedelta(hours=1), learn)
    simulation.run()
    officers.retire()
    return simulation


def live(stage: Stage, simulation: Simulation, stop: threading.Event) -> None:
    """Let the demo's clock run on at the machine's pace, and the agents with it."""
    while not stop.wait(_TICK_S):
        stage.clock.advance(_TICK_S)
        simulation.settle_now()
