"""D5, 审批: one request, with what signing changes and who still has to."""

from dataclasses import dataclass
from datetime import datetime

from service.web.views.orders import Pair
from service.web.views.parts import Act, Link, StreamEntry


@dataclass(frozen=True, slots=True)
class Signer:
    """One seat of one step; `state` is ``signed``, ``waiting`` or ``later``."""

    name: str
    step: str
    state: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """The card as it went out.

    Attributes:
        lines: empty when its bytes are gone or changed.
        hash: of its bytes; `url` is the record that names it, empty for who may not read it.
    """

    at: datetime
    lines: tuple[str, ...]
    hash: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalPage:
    """One request.

    Attributes:
        title: the first line of its card; `lines` the following ones, the same as in chat and mail.
        status: a code of `approvals.Status`.
        due: when the waiting step ends; `due_text` says what happens then.
        acts: what this person can do now.
        links: the work order it stands under.
        kept: of a decided request, what the signers were shown.
    """

    number: str
    title: str
    lines: tuple[str, ...]
    status: str
    level: str = ""
    due: datetime | None = None
    due_text: str = ""
    signers: tuple[Signer, ...] = ()
    facts: tuple[Pair, ...] = ()
    stream: tuple[StreamEntry, ...] = ()
    stream_how: str = "time"
    acts: tuple[Act, ...] = ()
    links: tuple[Link, ...] = ()
    kept: Kept | None = None
