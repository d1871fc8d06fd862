"""What stands around every page: the view model of the top bar, navigation and data strip."""

from dataclasses import dataclass, field
from datetime import date, datetime

from service.web.views.parts import Act, Choice


@dataclass(frozen=True, slots=True)
class SourceChip:
    """How current one data source is.

    Attributes:
        name: as people know it (ERP 采购).
        state: ``current``, ``late`` or ``dead``.
        lag_s: seconds behind; None when it streams.
    """

    name: str
    state: str
    lag_s: int | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class Flash:
    """A message about what was just done.

    Attributes:
        text: the sentence.
        tone: ``good``, ``warn``, ``bad`` or ``note``.
        undo: takes it back; offered for ten seconds.
    """

    text: str
    tone: str = "good"
    undo: Act | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """One entry of the navigation.

    Attributes:
        code: key ``ui.nav.<code>``.
        tally: how many wait there; 0 shows nothing.
    """

    code: str
    url: str
    tally: int = 0


ROOMS = (
    Room("today", "/"),
    Room("alerts", "/alerts"),
    Room("orders", "/orders"),
    Room("approvals", "/approvals"),
    Room("exposure", "/exposure"),
    Room("rules", "/rules"),
    Room("log", "/log"),
    Room("trail", "/trail"),
    Room("figures", "/figures"),
    Room("reviews", "/reviews"),
    Room("roster", "/roster"),
    Room("silences", "/silences"),
)
INBOX_ROOM = Room("inbox", "/inbox")


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of one page for one person.

    Attributes:
        active: code of the room the page belongs to; empty on the sign-in page.
        rooms: the navigation.
        organisation: name of the chosen organisation; `organisations` are those to choose from,
            their value is posted to ``/preferences``.
        trading_day: of the exchange calendar; None when it is not known for this year.
        session: ``day``, ``night`` or ``closed``.
        data_as_of: the time up to which all sources are complete.
        data_state: ``current``, ``late`` or ``dead``: the worst of the sources.
        on_call: the sentence that says who answers now; empty without a unit to ask for.
        person: name of who is signed in; empty when nobody is.
        roles: the person's roles, as codes ``ui.role.<code>``.
        sources: for the data strip, in any order; late ones are shown first.
        source_note: one sentence on what the late source means for the figures.
        demo: true in the demo composition; then the banner says what is synthetic.
        flashes: what was just done.
        live_url: the stream of changes; empty for none.
        version: of the product, for the foot.
    """

    active: str = ""
    rooms: tuple[Room, ...] = ROOMS
    organisation: str = ""
    organisations: tuple[Choice, ...] = ()
    trading_day: date | None = None
    session: str = ""
    data_as_of: datetime | None = None
    data_state: str = "current"
    on_call: str = ""
    person: str = ""
    roles: tuple[str, ...] = ()
    sources: tuple[SourceChip, ...] = ()
    source_note: str = ""
    demo: bool = False
    flashes: tuple[Flash, ...] = ()
    live_url: str = ""
    search: str = field(default="")
    version: str = ""

    @property
    def sources_in_order(self) -> tuple[SourceChip, ...]:
        """Dead sources, then late ones, then the others as given."""
        rank = {"dead": 0, "late": 1}
        return tuple(sorted(self.sources, key=lambda chip: rank.get(chip.state, 2)))
