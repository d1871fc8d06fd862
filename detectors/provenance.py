"""What a fitted model says of its origin, the same way for every detector."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from detectors.protocol import CellView, Description, Family


def without_bad(events: Sequence[CellView], labels: Sequence[bool] | None) -> list[CellView]:
    """The events that are not labelled bad."""
    if labels is None:
        return list(events)
    return [one for one, bad in zip(events, labels, strict=True) if not bad]


def schema_hash(*parts: Any) -> str:
    """SHA-256 of what the features mean: names, versions, constants."""
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()


def describe_fit(
    name: str,
    family: Family,
    *,
    version: int,
    seed: int,
    schema: str,
    events: Sequence[CellView],
    row: Callable[[CellView], Any],
) -> Description:
    """The description of a model fitted on `events`, of which it reads `row`."""
    blank = Description(name, family, version, seed, schema)
    return describe_more(blank, events, row)


def describe_more(
    old: Description, events: Sequence[CellView], row: Callable[[CellView], Any]
) -> Description:
    """The description after more events; the data hash chains onto the old one."""
    digest = hashlib.sha256(old.data_sha256.encode())
    for one in events:
        digest.update(orjson.dumps([one.uid, one.at, row(one)]))
    times = [one.at for one in events]
    times += [at for at in (old.trained_from, old.trained_to) if at is not None]
    return replace(
        old,
        trained_from=min(times),
        trained_to=max(times),
        n=old.n + len(events),
        data_sha256=digest.hexdigest(),
    )
