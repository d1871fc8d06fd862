"""立即验证 as the page shows it: a job that goes on when the page is left."""

from dataclasses import dataclass
from typing import Final, cast

from service.verifying import Verification
from service.web.rooms.here import Here
from service.web.views.trail import VerifyProgress

_WHOLE: Final = 100


def verification_of(here: Here) -> Verification:
    """The service's verification, whoever began it."""
    return cast("Verification", here.request.app.state.verification)


def begin(here: Here) -> bool:
    """Start one in the background; False when one is under way already."""
    return verification_of(here).begin(here.app, here.person)


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands at one moment.

    Attributes:
        progress: what the page shows of it; None while none is under way.
        broke_off: none is under way, and the last one did not come to its end.
    """

    progress: VerifyProgress | None
    broke_off: bool


def standing_of(here: Here) -> Standing:
    """How the verification stands.

    Ask before the reader of the last result is opened: one that ends in between is then shown as
    still under way, and the page is fetched again. The other way round it would be shown as ended,
    with the result of the one before it.
    """
    known = verification_of(here)
    if not known.running:
        return Standing(None, known.failed)
    share = _WHOLE * known.done // known.total if known.total else 0
    progress = VerifyProgress(min(share, _WHOLE), known.done, here.names.person(known.person))
    return Standing(progress, broke_off=False)
