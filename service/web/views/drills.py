"""演练: what was practised, what it showed, and the form that begins one."""

from dataclasses import dataclass
from datetime import datetime

from service.web.views.parts import Act


@dataclass(frozen=True, slots=True)
class DrillPerson:
    """One person who was told; `seconds` from its beginning to the first card that was taken."""

    name: str
    seconds: int | None
    channels: str
    failed: str


@dataclass(frozen=True, slots=True)
class DrillLine:
    """One drill.

    Attributes:
        answered: who acknowledged it, and after how many seconds; empty and None for nobody.
        in_time: ``yes``, ``no`` or ``open``: whether that was before the first deadline.
        rungs: how many rungs of the ladder were climbed.
        end: ends it now; None when it is over or the person may not.
    """

    number: str
    url: str
    level: str
    unit: str
    state: str
    began: datetime
    ends_at: datetime | None
    answered: str
    answered_s: int | None
    in_time: str
    rungs: int
    by_itself: bool
    people: tuple[DrillPerson, ...] = ()
    end: Act | None = None


@dataclass(frozen=True, slots=True)
class DrillsPage:
    """The page; `start` asks what is to be practised and is greyed for who may not."""

    lines: tuple[DrillLine, ...]
    start: Act
    export_url: str = ""
