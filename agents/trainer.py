"""The trainer: fits the detectors on the log, and puts a model to work.

The first model is put to work at once, on record. Later ones are trained beside it; an officer
approves the switch. A model file that was changed is refused, and the detectors stay silent:
silence is reported, never guessed away.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

import trail
from agents.facts import Surroundings
from auditlog.events import Event
from auditlog.port import LogPort, Query
from detectors.errors import ModelRefused
from detectors.features import Lookups
from detectors.models import ModelSet, read, save
from detectors.scorer import Scorer
from detectors.training import NotEnough, train
from directory import Directory
from store import Store, positions

ACTOR = "system:trainer"
IN_SERVICE = "trainer.in_service"
HISTORY = timedelta(days=90)
SEED = 20240101
_REPLAYED = timedelta(days=8)
_NAME = re.compile(r"[^A-Za-z0-9]+")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the detectors say of one event: a fact, and the sentence that explains it."""

    kind: str
    fact: dict[str, Any]
    event: Event
    explanation: dict[str, Any]


class Scoring:
    """The watcher's view of the detectors: events in, findings out."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def __call__(self, events: Sequence[Event], around: Surroundings) -> list[Finding]:
        """The findings that these events bring."""
        del around  # the look-ups ask the directory themselves
        return [
            Finding("anomaly", one.fact(), one.event, one.explanation.as_dict())
            for one in self._scorer.observe(events)
        ]


class Trainer:
    """The agent.

    Args:
        store: for the record of what is put to work.
        log: the history to learn from.
        folder: where model files are kept.
        key: authenticates them.
        directory: people and calendars, as of now.
        put_to_work: takes the new scoring.
    """

    def __init__(
        self,
        store: Store,
        log: LogPort,
        *,
        folder: Path,
        key: bytes,
        directory: Callable[[], Directory],
        put_to_work: Callable[[Scoring], None],
    ) -> None:
        self._store = store
        self._log = log
        self._folder = folder
        self._key = key
        self._lookups = Lookups.from_directory(directory)
        self._put_to_work = put_to_work
        self._working = ""

    def run_once(self, now: datetime) -> str:
        """Put the model on record to work, or train a first one; returns its id, if any."""
        if self._working:
            return self._working
        with self._store.reader() as connection:
            name = positions.read(connection, IN_SERVICE) or ""
        models = self._kept(name) if name else self._first(now)
        if models is None:
            return ""
        scorer = Scorer(models, lookups=self._lookups)
        recent = Query(since=now - _REPLAYED, until=now, limit=5_000)
        scorer.replay(stored.event for stored in self._log.history(recent))
        self._put_to_work(Scoring(scorer))
        self._working = models.id
        return models.id

    def _kept(self, name: str) -> ModelSet | None:
        try:
            return read(self._folder, name, self._key)
        except ModelRefused as fault:
            _log.error("model refused", model=name, fault=str(fault))
            return None

    def _first(self, now: datetime) -> ModelSet | None:
        history = Query(since=now - HISTORY, until=now, limit=5_000)
        events = [stored.event for stored in self._log.history(history)]
        trained = train(events, seed=SEED, lookups=self._lookups)
        if isinstance(trained, NotEnough):
            _log.info("no model yet", code=trained.code, found=trained.found, needed=trained.needed)
            return None
        name = _NAME.sub("-", trained.models.id)[:64]
        save(trained.models, self._folder, name, self._key)
        report = trained.report
        with self._store.unit_of_work(ACTOR) as uow:
            trail.record(
                uow,
                kind="decision",
                action="model.put_to_work",
                object_type="model",
                object_id=trained.models.id,
                outcome="in_service",
                reason="FIRST_MODEL",
                body={
                    "name": name,
                    "seed": SEED,
                    "taught": report.taught,
                    "calibrated": report.calibrated,
                    "first": report.first,
                    "last": report.last,
                },
            )
            positions.write(uow, IN_SERVICE, name)
        return trained.models
