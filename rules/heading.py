"""The words that rules use, and what every rule file states about itself."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Level(StrEnum):
    """The four colours, worst first."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"


#: Rank of a colour: larger is worse; 0 is no colour.
SEVERITY = {"": 0, Level.BLUE: 1, Level.YELLOW: 2, Level.ORANGE: 3, Level.RED: 4}


class Outcome(StrEnum):
    """What a match leads to."""

    NONE = "none"
    OBSERVE = "observe"
    INFORM = "inform"
    OPEN_ORDER = "open_order"
    REQUIRE_APPROVAL = "require_approval"
    HOLD = "hold"
    DENY = "deny"


class Mode(StrEnum):
    """Whether a rule judges facts as they come, or only in a look-back over the history."""

    LIVE = "live"
    BATCH = "batch"


class HitPolicy(StrEnum):
    """Which rows of a decision table count."""

    FIRST = "first"
    UNIQUE = "unique"
    COLLECT = "collect"


@dataclass(frozen=True, slots=True)
class Title:
    """A text in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class PolicyClause:
    """The written policy that a rule enforces (依据条款)."""

    document: str
    clause: str


@dataclass(frozen=True, slots=True)
class Effective:
    """When a rule is in force: from inclusive, to exclusive; None is unbounded."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """What every rule file states about itself.

    Attributes:
        id: the rule's id, unique in the rulebook.
        version: the author's version, counted up.
        owner: the unit or role that answers for the rule.
        title: its name in both languages.
        policy: the clause it enforces.
        why: why the rule exists, in both languages.
        mode: live or batch.
        observe: whether matches are recorded without acting.
        effective: when it is in force.
        explain: sentence templates with ``{field}`` placeholders.
        file: the rule file.
        line: where the rule begins.
    """

    id: str
    version: int
    owner: str
    title: Title
    policy: PolicyClause
    why: Title
    mode: Mode
    observe: bool
    effective: Effective
    explain: Title
    file: str
    line: int
