"""交接班: what is handed over, what moved since, and the two signatures."""

from dataclasses import dataclass
from datetime import datetime

from service.web.views.orders import Pair
from service.web.views.parts import Act, Choice, Link


@dataclass(frozen=True, slots=True)
class HandoverLine:
    """One matter on the sheet.

    Attributes:
        level: its colour; empty for what has none.
        thing: ``order``, ``alert``, ``approval``, ``silence`` or ``feed``.
        number: as people say it; `url` leads there, empty when nothing does.
        subject: what it is, as a sentence.
        state: where it stood, in words.
        owner: who has it; empty when nobody does.
        move: ``new``, ``changed`` or ``gone`` on the list of what moved; empty on the sheet.
        was: where it stood on the sheet, in words; only of a changed one.
    """

    level: str
    thing: str
    number: str
    url: str
    subject: str
    unit: str
    state: str
    owner: str = ""
    due: datetime | None = None
    move: str = ""
    was: str = ""


@dataclass(frozen=True, slots=True)
class HandoverSection:
    """One part of the sheet; `code` is one of `workorders.handover.Section`."""

    code: str
    lines: tuple[HandoverLine, ...]


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One sheet among the earlier ones."""

    number: str
    url: str
    unit: str
    state: str
    given_by: str
    given_at: datetime
    ended_by: str
    ended_at: datetime | None
    lines: int


@dataclass(frozen=True, slots=True)
class HandoverPage:
    """The page: what would be handed over now, or one sheet.

    Attributes:
        title: the unit, or the number of the sheet.
        unit: name of the unit.
        state: ``now``, or where the sheet stands.
        at: the moment the lines were read.
        sections: all five, also those without lines.
        empty: the sections that hold nothing, as a sentence; empty when each holds something.
        moved: what moved since the sheet was given; frozen with the second signature.
        signed: who signed what and when, with the notes and the digest.
        acts: give, take, withdraw.
        waiting: the sheet of this unit that waits; None on its own page.
        units: the units to choose from; empty on a sheet.
        sheets: earlier sheets, the latest first.
    """

    title: str
    unit: str
    state: str
    at: datetime
    sections: tuple[HandoverSection, ...]
    empty: str = ""
    moved: tuple[HandoverLine, ...] = ()
    signed: tuple[Pair, ...] = ()
    acts: tuple[Act, ...] = ()
    waiting: Link | None = None
    units: tuple[Choice, ...] = ()
    sheets: tuple[SheetLine, ...] = ()
    export_url: str = ""
