"""Fitting all families on a stretch of the log: the earlier part teaches, the later calibrates.

The two parts do not overlap, so that calibration sees scores of events that the models did not
learn. Events known to be bad are left out of both. Without anybody's labels the calibration part
may hold anomalies, which makes the models shy; the report says which it was.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from auditlog.events import Event, EventKind
from detectors.calibration import Calibration
from detectors.conformance import Chain, Conformance
from detectors.excess import ExcessSurprise
from detectors.features import History, Lookups
from detectors.latency import LatencySeries
from detectors.models import ModelSet
from detectors.protocol import CellView, Description, Detector
from detectors.windows import EntityWindows

LEAST_EVENTS: Final = 500
LEAST_SPAN: Final = timedelta(hours=24)
TAUGHT_SHARE: Final = 0.7


@dataclass(frozen=True, slots=True)
class NotEnough:
    """Too little to learn from; a value, not an error.

    Attributes:
        code: ``TOO_FEW_EVENTS`` or ``TOO_SHORT``; the catalogue key is ``reason.<code>``.
        found: events, or whole hours.
        needed: as many at least.
    """

    code: str
    found: int
    needed: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a training saw.

    Attributes:
        taught: events that the detectors learned.
        calibrated: events whose scores make the p-values.
        left_out: events known to be bad.
        findings: calibration events that broke a rule, left out of calibration too.
        reviewed: whether anybody had labelled events; without it p-values are shy.
        first: event time of the first event.
        last: event time of the last.
        actors: distinct actors.
        roles: distinct roles.
        models: one description per detector.
    """

    taught: int
    calibrated: int
    left_out: int
    findings: int
    reviewed: bool
    first: datetime
    last: datetime
    actors: int
    roles: int
    models: tuple[Description, ...]


@dataclass(frozen=True, slots=True)
class Trained:
    """A set of models and the report of how it came about."""

    models: ModelSet
    report: Report


def families(chains: Sequence[Chain] = ()) -> tuple[Detector, ...]:
    """The unfitted detectors, with the approval chains that a company declares."""
    return (Conformance(tuple(chains)), ExcessSurprise(), EntityWindows(), LatencySeries())


def by_event_time(event: Event) -> tuple[datetime, str, str]:
    """The order in which histories take events; ties by source and id, never by arrival."""
    return (event.event_time, event.source, event.event_id)


def train(
    events: Sequence[Event],
    *,
    seed: int,
    lookups: Lookups | None = None,
    chains: Sequence[Chain] = (),
    bad: Collection[str] | None = None,
) -> Trained | NotEnough:
    """All families fitted and calibrated on `events`, in whatever order they come.

    Args:
        events: of the log; market events are left out.
        seed: of every random choice.
        lookups: people and calendars.
        chains: declared approval chains.
        bad: uids of events that people found to be bad; None when nobody looked.
    """
    ordered = sorted((e for e in events if e.kind is not EventKind.MARKET), key=by_event_time)
    if len(ordered) < LEAST_EVENTS:
        return NotEnough("TOO_FEW_EVENTS", len(ordered), LEAST_EVENTS)
    span = ordered[-1].event_time - ordered[0].event_time
    if span < LEAST_SPAN:
        hour = timedelta(hours=1)
        return NotEnough("TOO_SHORT", span // hour, LEAST_SPAN // hour)
    return train_views(History(lookups).views(ordered), seed=seed, chains=chains, bad=bad)


def train_views(
    views: Sequence[CellView],
    *,
    seed: int,
    chains: Sequence[Chain] = (),
    bad: Collection[str] | None = None,
) -> Trained:
    """As `train`, for views in event time."""
    cut = int(len(views) * TAUGHT_SHARE)
    known = frozenset(bad or ())
    labels = [one.uid in known for one in views[:cut]]
    fitted = tuple(one.fit(views[:cut], labels, seed=seed) for one in families(chains))
    later = [one for one in views[cut:] if one.uid not in known]
    hard = {s.event_uid for one in fitted for s in one.score(later) if s.hard}
    clear = [one for one in later if one.uid not in hard]
    calibration = Calibration().update(clear, [one.score(clear) for one in fitted])
    models = ModelSet(fitted, calibration)
    report = Report(
        taught=cut - sum(labels),
        calibrated=len(clear),
        left_out=sum(one.uid in known for one in views),
        findings=len(later) - len(clear),
        reviewed=bad is not None,
        first=views[0].at,
        last=views[-1].at,
        actors=len({one.actor for one in views}),
        roles=len({one.role for one in views}),
        models=models.describe(),
    )
    return Trained(models, report)
