"""What comes back about a notice that a channel took: how far it came."""

from dataclasses import dataclass
from typing import Final

DELIVERED, ANSWERED, FAILED = "delivered", "answered", "failed"
#: Of mail alone: returned for good, not yet delivered, handed to a system that reports no further.
BOUNCED, DELAYED, RELAYED = "bounced", "delayed", "relayed"
#: What a gateway of text messages or calls may report.
OF_A_GATEWAY: Final = (DELIVERED, ANSWERED, FAILED)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was said of a notice: authentic, and fresh where that can be known.

    Attributes:
        channel: ``sms``, ``voice`` or ``email``.
        notice_id: the notice.
        status: one of the constants of this module.
        code: why: a gateway's own word, or the status code of a mail system (``5.1.1``); may be
            empty.
    """

    channel: str
    notice_id: str
    status: str
    code: str = ""
