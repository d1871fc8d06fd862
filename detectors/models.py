"""A set of fitted detectors with its calibration, and its file: npz, JSON manifest, HMAC-SHA256.

Nothing in a file is ever executed: arrays are read without pickle, classes come from `KNOWN` by
name. The manifest is signed with a key that does not lie beside the files; it names the hash of the
arrays, so neither part can be changed or exchanged alone. A loaded set scores exactly as the saved
one.
"""

import hashlib
import hmac
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple, Self
from zipfile import BadZipFile

import numpy as np
import orjson
from numpy.typing import NDArray

from detectors.calibration import Calibration
from detectors.conformance import Conformance
from detectors.errors import ModelRefused
from detectors.excess import ExcessSurprise
from detectors.latency import LatencySeries
from detectors.protocol import Arrays, CellView, Description, Detector, Family, Score
from detectors.windows import EntityWindows
from store.clock import parse_rfc3339, rfc3339

FORMAT: Final = 1
KEY_BYTES: Final = 32
KNOWN: Final[Mapping[str, type[Detector]]] = {
    "conformance": Conformance,
    "excess_surprise": ExcessSurprise,
    "entity_windows": EntityWindows,
    "latency": LatencySeries,
}


class ModelFile(NamedTuple):
    """The two parts of a model file."""

    manifest: bytes
    arrays: bytes


class Scored(NamedTuple):
    """The opinions of a model set.

    Attributes:
        scores: for each detector one score per event, with the detector's own p-values.
        p_values: the calibrated ones, shape (detectors, events).
    """

    scores: tuple[list[Score], ...]
    p_values: NDArray[np.float64]


@dataclass(frozen=True)
class ModelSet:
    """Fitted detectors and the calibration made with them."""

    detectors: tuple[Detector, ...]
    calibration: Calibration

    @cached_property
    def id(self) -> str:
        """SHA-256 of everything learned: what a decision names."""
        return hashlib.sha256(_pack(self)).hexdigest()

    def score(self, events: Sequence[CellView]) -> Scored:
        """What every detector says of every event, with calibrated p-values."""
        scores = tuple(detector.score(events) for detector in self.detectors)
        p_values = [self.calibration.p_values(events, given) for given in scores]
        return Scored(scores, np.array(p_values, np.float64).reshape(len(scores), len(events)))

    def cleared(self, events: Sequence[CellView]) -> Self:
        """The set whose calibration also knows events that people found to be in order."""
        scores = [detector.score(events) for detector in self.detectors]
        return replace(self, calibration=self.calibration.update(events, scores))

    def describe(self) -> tuple[Description, ...]:
        """What each model is."""
        return tuple(detector.describe() for detector in self.detectors)


def dump(models: ModelSet, key: bytes) -> ModelFile:
    """The signed file of a set; the same set gives the same bytes.

    Raises:
        ValueError: when the key is shorter than 32 bytes.
    """
    arrays = _pack(models)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "arrays_sha256": hashlib.sha256(arrays).hexdigest(),
        "detectors": [_as_dict(one) for one in models.describe()],
    }
    manifest["hmac"] = _sign(manifest, key)
    return ModelFile(orjson.dumps(manifest, option=_CANONICAL), arrays)


def load(file: ModelFile, key: bytes, name: str = "model") -> ModelSet:
    """The set in a file, after its signature and hashes were checked.

    Raises:
        ModelRefused: when anything was changed, or the file is none.
        ValueError: when the key is shorter than 32 bytes.
    """
    try:
        manifest = orjson.loads(file.manifest)
    except orjson.JSONDecodeError as fault:
        raise ModelRefused(name, "the manifest is no JSON") from fault
    if not isinstance(manifest, dict) or not isinstance(manifest.get("hmac"), str):
        raise ModelRefused(name, "the manifest is not signed")
    signature = manifest.pop("hmac")
    if not hmac.compare_digest(signature.encode(), _sign(manifest, key).encode()):
        raise ModelRefused(name, "the signature is not of this key")
    if manifest.get("format") != FORMAT:
        raise ModelRefused(name, "the format is not known")
    if not hmac.compare_digest(
        hashlib.sha256(file.arrays).hexdigest(), str(manifest.get("arrays_sha256"))
    ):
        raise ModelRefused(name, "the arrays do not belong to the manifest")
    try:
        with np.load(io.BytesIO(file.arrays), allow_pickle=False) as opened:
            arrays = {entry: opened[entry] for entry in opened.files}
        return _unpack(manifest["detectors"], arrays)
    except (BadZipFile, KeyError, ValueError) as fault:
        raise ModelRefused(name, "the arrays cannot be read") from fault


def save(models: ModelSet, folder: Path, name: str, key: bytes) -> Path:
    """Write ``<name>.npz`` and ``<name>.json`` to `folder`; gives the manifest's path.

    The manifest is put in place last, by renaming: a torn write leaves the old set or none.
    """
    file = dump(models, key)
    folder.mkdir(parents=True, exist_ok=True)
    for part, suffix in ((file.arrays, ".npz"), (file.manifest, ".json")):
        unfinished = folder / f".{name}{suffix}.new"
        unfinished.write_bytes(part)
        unfinished.replace(folder / f"{name}{suffix}")
    return folder / f"{name}.json"


def read(folder: Path, name: str, key: bytes) -> ModelSet:
    """The set that was saved under `name`.

    Raises:
        ModelRefused: when a part is missing or was changed.
    """
    try:
        parts = [(folder / f"{name}{suffix}").read_bytes() for suffix in (".json", ".npz")]
    except OSError as fault:
        raise ModelRefused(name, "a part of it cannot be read") from fault
    return load(ModelFile(*parts), key, name)


_CANONICAL: Final = orjson.OPT_SORT_KEYS
_CALIBRATION: Final = "calibration"


def _sign(manifest: Mapping[str, Any], key: bytes) -> str:
    if len(key) < KEY_BYTES:
        raise ValueError("a model key has at least 32 bytes")
    return hmac.digest(key, orjson.dumps(manifest, option=_CANONICAL), "sha256").hex()


def _pack(models: ModelSet) -> bytes:
    parts = {str(at): detector.arrays() for at, detector in enumerate(models.detectors)}
    parts[_CALIBRATION] = models.calibration.arrays()
    out = io.BytesIO()
    named: dict[str, NDArray[np.generic]] = {
        f"{part}:{name}": array for part, arrays in parts.items() for name, array in arrays.items()
    }
    np.savez(out, allow_pickle=False, **dict(sorted(named.items())))
    return out.getvalue()


def _unpack(descriptions: Sequence[Mapping[str, Any]], arrays: Arrays) -> ModelSet:
    parts: dict[str, dict[str, NDArray[np.generic]]] = {}
    for name, array in arrays.items():
        part, _, rest = name.partition(":")
        parts.setdefault(part, {})[rest] = array
    detectors = tuple(
        KNOWN[given["detector"]].restore(_description(given), parts[str(at)])
        for at, given in enumerate(descriptions)
    )
    return ModelSet(detectors, Calibration.restore(parts[_CALIBRATION]))


def _as_dict(one: Description) -> dict[str, Any]:
    return {
        "detector": one.detector,
        "family": one.family.value,
        "version": one.version,
        "seed": one.seed,
        "schema_hash": one.schema_hash,
        "trained_from": None if one.trained_from is None else rfc3339(one.trained_from),
        "trained_to": None if one.trained_to is None else rfc3339(one.trained_to),
        "n": one.n,
        "data_sha256": one.data_sha256,
    }


def _description(given: Mapping[str, Any]) -> Description:
    times = {name: given[name] for name in ("trained_from", "trained_to")}
    read_times = {name: parse_rfc3339(at) if at else None for name, at in times.items()}
    return Description(**{**given, "family": Family(given["family"]), **read_times})
