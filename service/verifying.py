"""Verifying the trail: with the copies kept outside, at once or as a job beside the requests.

A job goes on when its caller is gone. How far it is stands in this process alone, for console and
API alike; what came of it is a record of the trail.
"""

import logging
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from threading import Lock, Thread
from time import perf_counter
from typing import Any, Final

from sqlalchemy import Connection

import trail
from service.application import Application
from service.settings import Settings
from trail import Fault, Record, VerifyReport

VERIFIED: Final = "trail.verify"
_MOST_FAULTS: Final = 50
_PROCESSES: Final = 2
_LOG = logging.getLogger(__name__)


def anchors_folder(settings: Settings) -> Path | None:
    """The folder of the second owner; None while it is not set or not there."""
    folder = settings.anchors
    return folder if folder is not None and folder.is_dir() else None


def verify_trail(
    app: Application, connection: Connection, *, anchors: Path | None = None, **wanted: Any
) -> VerifyReport:
    """Recompute everything and compare with the copies outside.

    Args:
        app: its settings name the folder of copies, its keys the signer.
        connection: sees the moment that is verified.
        anchors: another folder of copies than that of the settings.
        wanted: as `trail.verify` has them.
    """
    return trail.verify(
        connection,
        verifiers=[app.keys.trail.verifier],
        anchors_dir=anchors if anchors is not None else anchors_folder(app.settings),
        **wanted,
    )


@dataclass(slots=True)
class Verification:
    """The one verification that may be under way, or how the last one failed to end.

    Attributes:
        person: who began it.
        done: records gone over.
        total: records in all; 0 until that is known.
        running: it has not ended.
        failed: the last one broke off.
    """

    person: str = ""
    done: int = 0
    total: int = 0
    running: bool = False
    failed: bool = False
    _begin: Lock = field(default_factory=Lock, repr=False)

    def told(self, done: int, total: int) -> None:
        """How far it is."""
        self.done, self.total = done, total

    def begin(self, app: Application, person: str) -> bool:
        """Start one in the background; False when one is under way already."""
        with self._begin:
            if self.running:
                return False
            self.person, self.running, self.failed = person, True, False
            self.told(0, 0)
        Thread(target=self._run, args=(app,), name="trail-verification", daemon=True).start()
        return True

    def _run(self, app: Application) -> None:
        try:
            self._verify(app)
        except Exception:  # noqa: BLE001 - reported below, in the log and to who asks
            # Nobody waits for this thread: the page says that it broke off, the log says why.
            _LOG.exception("the verification of the trail broke off")
            self.failed = True
        finally:
            self.running = False

    def _verify(self, app: Application) -> None:
        """Leave a record of what was found, in the person's name."""
        started = perf_counter()
        with app.store.reader() as connection:
            report = verify_trail(app, connection, processes=_PROCESSES, progress=self.told)
        body: dict[str, Any] = {
            "size": report.size,
            "root": report.root,
            "checkpoints": report.checkpoints,
            "anchored": report.anchored,
            "anchor_size": report.anchor_size,
            "seconds": Decimal(str(round(perf_counter() - started, 1))),
            "fault_count": len(report.faults),
            "faults": [_fault(one) for one in report.faults[:_MOST_FAULTS]],
        }
        with app.store.unit_of_work(self.person) as uow:
            trail.record(
                uow,
                kind="access",
                action=VERIFIED,
                object_type="trail",
                object_id="trail",
                outcome="ok" if report.ok else "broken",
                body=body,
            )


def last_verified(connection: Connection) -> Record | None:
    """The record that the last job left."""
    found = trail.find(connection, object_type="trail", object_id="trail", action=VERIFIED, limit=1)
    return found[0] if found else None


def _fault(fault: Fault) -> dict[str, Any]:
    # Without the detail: it may quote what somebody put into the tables.
    return {"seq": fault.seq, "last": fault.last, "code": fault.code}
