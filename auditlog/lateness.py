"""How late an event may arrive after it happened, by source."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from auditlog.events import Event

DEFAULT_SECONDS: Final = 300
DEFAULT_LATENESS: Final[Mapping[str, int]] = {"replica": 900}


def lateness_seconds(event: Event, table: Mapping[str, int] = DEFAULT_LATENESS) -> int:
    """The seconds allowed: by source, else by the first word of the type, else 300."""
    seconds = table.get(event.source)
    if seconds is None:
        seconds = table.get(event.type.partition(".")[0], DEFAULT_SECONDS)
    return seconds


def is_late(event: Event, table: Mapping[str, int] = DEFAULT_LATENESS) -> bool:
    """Whether it arrived later than its source's lateness allows."""
    allowed = timedelta(seconds=lateness_seconds(event, table))
    return event.arrival_time - event.event_time > allowed
