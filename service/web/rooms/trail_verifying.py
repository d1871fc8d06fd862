"""立即验证 as the page shows it: a job that goes on when the page is left."""

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


def progress_of(here: Here) -> VerifyProgress | None:
    """What the page shows of it; None while none is under way."""
    known = verification_of(here)
    if not known.running:
        return None
    share = _WHOLE * known.done // known.total if known.total else 0
    return VerifyProgress(min(share, _WHOLE), known.done, here.names.person(known.person))
