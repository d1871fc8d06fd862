"""A match back from its stored body: the inverse of `matches.match_body`."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from store.clock import parse_rfc3339
from workorders.levels import Level
from workorders.model import Clear, Match, ObjectDecision, OrderKind, SourceKind

_TEXTS = (
    "rule", "code", "version", "account", "product", "month", "measure", "cause", "actor",
    "facts_hash", "rulebook", "clause", "batch_run", "unit", "correlation",
)  # fmt: skip


def match_from(body: Mapping[str, Any], org: str) -> Match:
    """The match of a body; the unit stands beside the body, not in it."""
    level, clears, decide = body["level"], body["clears"], body["decide"]
    return Match(
        **{name: body[name] for name in _TEXTS},
        org=org,
        level=Level(level) if level else None,
        event_time=_time(body["event_time"]),
        objects=tuple(body["objects"]),
        sources=tuple(body["sources"]),
        evidence=dict(body["evidence"]),
        leaves=tuple(body["leaves"]),
        source_kind=SourceKind(body["source_kind"]),
        value=_figure(body["value"]),
        limit=_figure(body["limit"]),
        use=_figure(body["use"]),
        clears=None if clears is None else Clear(*clears),
        decide=None if decide is None else ObjectDecision(**decide),
        kind=OrderKind(body["kind"]),
        event_ids=tuple(body["event_ids"]),
        row=body["row"],
        series=tuple((_time(at), Decimal(value)) for at, value in body["series"]),
        remedies=tuple((code, params) for code, params in body["remedies"]),
        data_state=str(body.get("data_state", "")),
    )


def _time(text: str) -> datetime:
    return parse_rfc3339(text)


def _figure(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
