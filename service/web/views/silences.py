"""静默: what is kept quiet, by whom, until when; and what a new silence would have kept back."""

from dataclasses import dataclass
from datetime import datetime

from service.web.views.parts import Act, Choice, FormField, Link


@dataclass(frozen=True, slots=True)
class SilenceLine:
    """One silence.

    Attributes:
        state: a code of `workorders.silences.SilenceState`.
        what: what it covers within its unit, in words.
        levels: the colours that it covers.
        ended: when and by whom it ended, or who confirmed it; empty for neither.
        acts: confirm, end.
    """

    id: str
    version: int
    state: str
    unit: str
    what: str
    levels: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str
    ended: str = ""
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class SilenceGroup:
    """Silences of one standing; `code` is ``active``, ``waiting`` or ``over``."""

    code: str
    lines: tuple[SilenceLine, ...]


@dataclass(frozen=True, slots=True)
class MutedCard:
    """A card that went out and would not have."""

    at: datetime
    level: str
    about: Link
    person: str


@dataclass(frozen=True, slots=True)
class SilencePreview:
    """What the silence would do.

    Attributes:
        sentence: how many cards of the last days it would have kept back.
        now: orders and alerts that it keeps quiet from now on.
        fault: why it cannot be made; then there is no `create`.
        red: whether a second person has to agree.
        create: makes it; its hidden fields are what was looked at.
    """

    sentence: str
    now: tuple[Link, ...]
    cards: tuple[MutedCard, ...]
    fault: str = ""
    red: bool = False
    create: Act | None = None


@dataclass(frozen=True, slots=True)
class SilencesPage:
    """The page.

    Attributes:
        fields: of the form; `levels` its ticks. Both are sent by GET: a look changes nothing.
        why_not: why the person may make none; then there is no form.
    """

    groups: tuple[SilenceGroup, ...]
    fields: tuple[FormField, ...] = ()
    levels: tuple[Choice, ...] = ()
    why_not: str = ""
    preview: SilencePreview | None = None
