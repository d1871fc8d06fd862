"""What happened on the last morning beside the incident: unusual, and nobody's emergency.

A duplicated payment, an approval of one's own order, an order on a closed market, failed logins, a
quote far from its basis. They go through the log, the detectors and the rules like everything else,
and end as alerts that wait for a person's judgement. They belong to the demo's own story: a file
of somebody else's incidents is played without them.
"""

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, Final

from auditlog.events import Event, parse_event

_SECOND: Final = timedelta(seconds=1)


def last_morning() -> list[Event]:
    """The shipped events, in event time; each arrives a second after it happened."""
    told = (files("service.demo") / "data" / "last_morning.json").read_text("utf-8")
    return [_parsed(number, one) for number, one in enumerate(json.loads(told), 1)]


def _parsed(number: int, told: dict[str, Any]) -> Event:
    at = datetime.fromisoformat(told["ts"]).astimezone(UTC)
    arrival = at + _SECOND
    mapping = {
        **told,
        "event_id": f"LM-{number:04d}",
        "ts": at.isoformat(),
        "arrival_ts": arrival.isoformat(),
        "seq": number,
    }
    parsed = parse_event(mapping, default_arrival=None, now=arrival)
    if isinstance(parsed, list):  # a mistake of ours: these events are made, not read
        raise ValueError(parsed)  # noqa: TRY004
    return parsed
