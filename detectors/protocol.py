"""What every detector offers, and the values that pass between detectors and the scorer.

A detector is fitted once on events that lie in the past and never changes afterwards: `fit` and
`update` give a new one. A row's score depends on the row alone, never on the rows scored with it;
what a row must know about the past is gathered beforehand in its `CellView`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

CAP = 99
"""The largest surprise (−log10 p) that is reported; a hard finding has exactly this one."""


NOTABLE = 0.05
"""Scores with a larger p-value name no cells."""


class Family(StrEnum):
    """The kinds of evidence. Each gives one calibrated p-value per event."""

    CONFORMANCE = "conformance"
    EXCESS = "excess"
    WINDOW = "window"
    SERIES = "series"
    TABLE = "table"


class Numbers(NamedTuple):
    """What an actor did in the time before an event, the event included.

    Attributes:
        count_hour: events in the last hour.
        count_day: events in the last 24 hours.
        failures_hour: events of the last hour whose outcome is a failure.
        new_day: share of the last 24 hours' events whose type the actor had never used before.
        after_hours_day: share of the last 24 hours' events outside the session or the shift.
        amount_ratio: the event's amount over the actor's own median so far; NaN without one.
        latency_ms: the event's latency; NaN without one.
    """

    count_hour: float = 1.0
    count_day: float = 1.0
    failures_hour: float = 0.0
    new_day: float = 0.0
    after_hours_day: float = 0.0
    amount_ratio: float = math.nan
    latency_ms: float = math.nan


NOTHING_BEFORE = Numbers()
"""The numbers of an actor's first event."""


@dataclass(frozen=True, slots=True)
class CellView:
    """An audit event as detectors see it. An absent text is ``""``; unknown answers are None.

    Attributes:
        uid: the event's identity (`auditlog.Event.uid`).
        at: the event time (UTC).
        org: the organisation path; the department of the back-off.
        actor: who acted.
        role: the actor's role; the stratum of calibration.
        type: the dotted verb.
        previous: the type of the same actor's event before; ``^`` for the first.
        object_type: the kind of object acted on.
        object_key: organisation, kind and id of the object; ``""`` without one.
        hour_band: four hours of the local clock (``08-12``).
        weekday: ``1`` (Monday) to ``7`` on the local calendar.
        product: the commodity.
        region: data centre or country.
        source: the reporting system.
        outcome: what came of it.
        numbers: what the actor did in the time before.
        done: the types seen on the same object before, in event time.
        entered_by: who entered the object; ``""`` when nobody did so far.
        duplicate_of: uid of the earlier event with the same content; ``""`` for none.
        in_session: whether the product traded; None where no calendar can say.
        in_shift: whether the actor was on shift; None for accounts without one.
        in_scope: whether the actor may use the verb; None where nobody defined it.
    """

    uid: str
    at: datetime
    org: str = ""
    actor: str = ""
    role: str = ""
    type: str = ""
    previous: str = "^"
    object_type: str = ""
    object_key: str = ""
    hour_band: str = ""
    weekday: str = ""
    product: str = ""
    region: str = ""
    source: str = ""
    outcome: str = ""
    numbers: Numbers = NOTHING_BEFORE
    done: frozenset[str] = frozenset()
    entered_by: str = ""
    duplicate_of: str = ""
    in_session: bool | None = None
    in_shift: bool | None = None
    in_scope: bool | None = None


class Cell(NamedTuple):
    """One cell of an event and its part in the score.

    Attributes:
        name: the cell (``type|actor,previous``) or the number (``count_hour``).
        weight: its evidence; nats for surprise, −ln p for numbers.
    """

    name: str
    weight: float


class Score(NamedTuple):
    """One detector's opinion of one event.

    Attributes:
        event_uid: the event.
        family: the kind of evidence.
        raw: the detector's own measure; larger is stranger. Only comparable within one model.
        p_value: probability of at least this raw score among ordinary events, from the model's own
            training; the scorer replaces it by the calibrated one. 0 for a hard finding.
        cause: what the score is about: a rule's code, or the cell or number that decided it.
        cells: the decisive cell first; empty when nothing stands out (p above `NOTABLE`).
    """

    event_uid: str
    family: Family
    raw: float
    p_value: float
    cause: str = ""
    cells: tuple[Cell, ...] = ()

    @property
    def hard(self) -> bool:
        """Whether it is a finding of a rule, outside calibration and budget."""
        return self.p_value == 0.0


@dataclass(frozen=True, slots=True)
class Explanation:
    """One sentence, as a code and what it names; words come from the catalogue.

    Attributes:
        code: the catalogue key is ``explanation.<code>``.
        params: texts that the sentence may name (seen, normal, support, first_seen, instead …).
        parts: further sentences, strongest first.
    """

    code: str
    params: Mapping[str, str] = field(default_factory=dict)
    parts: tuple["Explanation", ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Ready for JSON."""
        return {
            "code": self.code,
            "params": dict(self.params),
            "parts": [part.as_dict() for part in self.parts],
        }


@dataclass(frozen=True, slots=True)
class Description:
    """What a model is, enough to make it again.

    Attributes:
        detector: the detector's name.
        family: the kind of evidence.
        version: of the method; a change means that old scores cannot be compared.
        seed: of every random choice.
        schema_hash: SHA-256 of the feature names and their meaning.
        trained_from: event time of the first training event; None before fitting.
        trained_to: event time of the last.
        n: number of training events.
        data_sha256: of the training rows, in order.
    """

    detector: str
    family: Family
    version: int
    seed: int
    schema_hash: str
    trained_from: datetime | None = None
    trained_to: datetime | None = None
    n: int = 0
    data_sha256: str = ""


Arrays = Mapping[str, NDArray[np.generic]]


@runtime_checkable
class Detector(Protocol):
    """A detector, fitted or not. Immutable: fitting and updating give another one."""

    @property
    def name(self) -> str:
        """The detector's name, as in model files and decisions."""

    @property
    def family(self) -> Family:
        """The kind of evidence that it gives."""

    def fit(
        self, events: Sequence[CellView], labels: Sequence[bool] | None = None, *, seed: int
    ) -> Self:
        """The detector fitted on `events`.

        Args:
            events: in event time.
            labels: True for events known to be bad: they are left out. None when nobody looked.
            seed: of every random choice; the same events and seed give the same bytes.
        """

    def score(self, events: Sequence[CellView]) -> list[Score]:
        """One score per event, in order; empty input gives an empty list.

        Raises:
            NotFitted: before `fit`.
        """

    def explain(self, event: CellView) -> Explanation:
        """Why the event scores as it does.

        Raises:
            NotFitted: before `fit`.
        """

    def update(self, cleared: Sequence[CellView]) -> Self:
        """The detector that has also learned events which people found to be in order."""

    def describe(self) -> Description:
        """What this model is."""

    def arrays(self) -> Arrays:
        """Everything learned, as arrays without Python objects."""

    @classmethod
    def restore(cls, description: Description, arrays: Arrays) -> Self:
        """The detector that gave these; its scores are identical."""
