"""立即验证 as a job: it goes on when the page is left, and the page finds it again.

How far it is stands in this process alone; what came of it is a record of the trail.
"""

import logging
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock, Thread
from time import perf_counter
from typing import Any, Final

import trail
from service.application import Application
from service.web.rooms.here import Here
from service.web.views.trail import VerifyProgress
from trail import Fault

VERIFIED: Final = "trail.verify"
_MOST_FAULTS = 50
_PROCESSES = 2
_WHOLE = 100
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Verification:
    """The one verification that may be under way, or how the last one failed to end."""

    person: str = ""
    done: int = 0
    total: int = 0
    running: bool = False
    failed: bool = False

    def told(self, done: int, total: int) -> None:
        """How far it is."""
        self.done, self.total = done, total


_BEGIN = Lock()


def verification_of(here: Here) -> Verification:
    """The service's verification, whoever began it."""
    state = here.request.app.state
    with _BEGIN:
        found = getattr(state, "trail_verification", None)
        if found is None:
            found = state.trail_verification = Verification()
    return found


def begin(here: Here) -> bool:
    """Start one in the background; False when one is under way already."""
    known = verification_of(here)
    with _BEGIN:
        if known.running:
            return False
        known.person, known.running, known.failed = here.person, True, False
        known.told(0, 0)
    Thread(target=_run, args=(here.app, known), name="trail-verification", daemon=True).start()
    return True


def progress_of(here: Here) -> VerifyProgress | None:
    """What the page shows of it; None while none is under way."""
    known = verification_of(here)
    if not known.running:
        return None
    share = _WHOLE * known.done // known.total if known.total else 0
    return VerifyProgress(min(share, _WHOLE), known.done, here.names.person(known.person))


def _run(app: Application, known: Verification) -> None:
    try:
        verify_now(app, known)
    except Exception:  # noqa: BLE001 - reported below, in the log and on the page
        # Nobody waits for this thread: the page says that it broke off, the log says why.
        _LOG.exception("the verification of the trail broke off")
        known.failed = True
    finally:
        known.running = False


def verify_now(app: Application, known: Verification) -> None:
    """Recompute everything and leave a record of what was found, in the person's name."""
    started, folder = perf_counter(), app.settings.anchors
    with app.store.reader() as connection:
        report = trail.verify(
            connection,
            verifiers=[app.keys.trail.verifier],
            anchors_dir=folder if folder is not None and folder.is_dir() else None,
            processes=_PROCESSES,
            progress=known.told,
        )
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
    with app.store.unit_of_work(known.person) as uow:
        trail.record(
            uow,
            kind="access",
            action=VERIFIED,
            object_type="trail",
            object_id="trail",
            outcome="ok" if report.ok else "broken",
            body=body,
        )


def _fault(fault: Fault) -> dict[str, Any]:
    return {"seq": fault.seq, "last": fault.last, "code": fault.code}
