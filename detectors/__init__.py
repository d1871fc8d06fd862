"""Anomaly detectors that score audit-log events."""

from typing import TYPE_CHECKING, Any

from detectors.budget import AlertBudget, Policy
from detectors.conformance import Chain
from detectors.features import History, Lookups
from detectors.models import ModelFile, ModelSet, dump, load, read, save
from detectors.scorer import Anomaly, Scorer
from detectors.training import NotEnough, Trained, train

if TYPE_CHECKING:
    from detectors.frames import TableResult, run_table

__all__ = [
    "AlertBudget",
    "Anomaly",
    "Chain",
    "History",
    "Lookups",
    "ModelFile",
    "ModelSet",
    "NotEnough",
    "Policy",
    "Scorer",
    "TableResult",
    "Trained",
    "dump",
    "load",
    "read",
    "run_table",
    "save",
    "train",
]


def __getattr__(name: str) -> Any:
    """`run_table` on first use: pandas and scikit-learn take a second to import."""
    if name in {"TableResult", "run_table"}:
        from detectors import frames  # noqa: PLC0415 - see above

        return getattr(frames, name)
    raise AttributeError(name)
