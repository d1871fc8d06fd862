"""A frozen book: the hash of what a decision looked at.

The hash covers the facts, the moment they are true at and the master data that shipped, in
canonical JSON with every list sorted; so the same facts in any order give the same hash.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any

from book.buckets import Bucket
from book.codec import to_document
from book.state import FACT_FIELDS, BookState
from store.clock import rfc3339
from trail import canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Hashes of inputs and outputs, and what went in.

    Attributes:
        hash: SHA-256 of the inputs, hexadecimal.
        as_of: the moment the facts are true at (数据时点).
        known_at: the moment they were known at (知晓时点); not part of the hash.
        manifest: per kind of fact its count and hash, and the hash of the shipped master data.
        outputs_hash: SHA-256 of the buckets.
        outputs: the buckets as documents, in the order of their dimensions.
    """

    hash: str
    as_of: datetime
    known_at: datetime
    manifest: dict[str, Any]
    outputs_hash: str
    outputs: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEnd:
    """A snapshot signed as the state of a trading day; a later one is a new version."""

    org: str
    trading_day: date
    snapshot_hash: str
    version: int
    recorded_at: datetime


@lru_cache(maxsize=100_000)
def _document(fact: Any) -> bytes:
    # facts are frozen values: what one looks like never changes
    return canonical(to_document(fact))


def _documents(facts: Iterable[Any]) -> list[bytes]:
    return sorted(_document(fact) for fact in facts)


def _digest(parts: Iterable[bytes]) -> str:
    digest = sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()


@cache
def _shipped_hash(specs: tuple[Any, ...], conversions: tuple[Any, ...]) -> str:
    return _digest([*_documents(specs), *_documents(conversions)])


def state_hash(state: BookState, as_of: datetime) -> tuple[str, dict[str, Any]]:
    """The hash of the inputs and the manifest behind it."""
    manifest: dict[str, Any] = {
        "as_of": rfc3339(as_of),
        "master": _shipped_hash(state.shipped.specs, state.shipped_conversions.conversions),
    }
    for name in FACT_FIELDS:
        documents = _documents(getattr(state, name))
        if documents:
            manifest[name] = {"count": len(documents), "hash": _digest(documents)}
    return sha256(canonical(manifest)).hexdigest(), manifest


def freeze(
    state: BookState, buckets: Iterable[Bucket] = (), *, as_of: datetime, known_at: datetime
) -> Snapshot:
    """The snapshot of `state` and of the exposure computed from it."""
    held = sorted(buckets, key=lambda bucket: bucket.key)
    digest, manifest = state_hash(state, as_of)
    outputs = tuple(to_document(bucket) for bucket in held)
    return Snapshot(
        hash=digest,
        as_of=as_of,
        known_at=known_at,
        manifest=manifest,
        outputs_hash=_digest(canonical(document) for document in outputs),
        outputs=outputs,
    )
