"""Detectors over a table or a log that somebody hands in, with figures where labels are known.

What is in the table decides the way: with a case (or an entity) it is an event log and excess
surprise scores its rows, a case counting as its strangest row; a lone number in order of time is a
series; columns of numbers are profiled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from detectors.errors import UnknownColumn, UnusableTable
from detectors.excess_table import CellSpec, ExcessTable
from detectors.explain import explain_cell
from detectors.protocol import Explanation
from detectors.series import series_scores
from detectors.table_profile import profile
from store.problems import did_you_mean

Floats = NDArray[np.float64]

START: Final = "^"
END: Final = "$"
MOST_LEARN: Final = 750
_ACTIVITY: Final = ("activity", "concept:name", "action", "event", "type", "verb")
_FULL: Final = 0.5
_BINS: Final = 10
_BINNED: Final = 20


@dataclass(frozen=True)
class TableResult:
    """What a table's rows or cases score.

    Attributes:
        method: ``excess_surprise``, ``series`` or ``table_profile``.
        scores: one row per case (else per row of the table, by its index): ``score`` (larger is
            stranger), ``cause``, ``row`` (place of the decisive row) and, where known, ``label``.
        figures: average precision, area under the ROC curve and precision at n, where labels
            are known.
        used: the columns that were looked at.
        left_out: columns passed over because most rows have a value of their own.
    """

    method: str
    scores: Any
    figures: dict[str, float] = field(default_factory=dict)
    used: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    _table: ExcessTable | None = None
    _columns: dict[str, list[str]] = field(default_factory=dict)

    def explain(self, row: int) -> Explanation | None:
        """Why a row of an event log scores as it does; `row` as in ``scores.row``."""
        if self._table is None:
            return None
        given = {name: column[row] for name, column in self._columns.items()}
        found = [self._table.finding(at, given) for at in range(len(self._table.cells))]
        return explain_cell(max(found, key=lambda one: one.excess))


def run_table(
    frame: Any,
    *,
    label: str | None = None,
    case: str | None = None,
    order: str | None = None,
    entity: str | None = None,
    drop: Sequence[str] = (),
    seed: int = 0,
) -> TableResult:
    """Score a table without labels; labels only make the figures.

    Args:
        frame: a pandas DataFrame.
        label: column that is 1 for what is to be found; never shown to a detector.
        case: column of the case (document, session) to which a row belongs.
        order: column that orders the rows of a case, or the whole series.
        entity: column of who acted.
        drop: columns not to be looked at.
        seed: of every random choice.

    Raises:
        UnknownColumn: when a named column is not in the table.
        UnusableTable: when no column is left to look at.
    """
    named = [one for one in (label, case, order, entity, *drop) if one is not None]
    for name in named:
        if name not in frame.columns:
            raise UnknownColumn(name, did_you_mean(name, [str(c) for c in frame.columns]))
    labels = None if label is None else (frame[label].to_numpy() != 0).astype(np.int64)
    aside = {one for one in (label, case, order, *drop) if one is not None}
    columns = [name for name in frame.columns if name not in aside]
    if not columns:
        raise UnusableTable("no column is left to look at")
    numeric = [name for name in columns if pd.api.types.is_numeric_dtype(frame[name])]
    if case is not None or entity is not None:
        return _log(frame, columns, labels, case=case, order=order, entity=entity)
    if order is not None and numeric == columns and len(columns) == 1:
        return _series(frame, columns[0], order, labels)
    if not numeric:
        return _log(frame, columns, labels, case=None, order=order, entity=None)
    rows = frame[numeric].to_numpy(dtype=np.float64)
    given = profile(rows, seed=seed)
    scores = _scores(frame.index, given.surprise, given.cause, np.arange(len(frame)), labels)
    return TableResult(
        "table_profile", scores, figures_of(given.surprise, labels), tuple(map(str, numeric))
    )


def figures_of(scores: Floats, labels: NDArray[np.int64] | None) -> dict[str, float]:
    """Average precision, AUROC, precision among the n highest (n positives); empty without both."""
    if labels is None or not 0 < labels.sum() < len(labels):
        return {}
    n = int(labels.sum())
    highest = np.argsort(-scores, kind="stable")[:n]
    return {
        "average_precision": float(average_precision_score(labels, scores)),
        "auroc": float(roc_auc_score(labels, scores)),
        "precision_at_n": float(labels[highest].mean()),
        "n": float(n),
        "of": float(len(labels)),
    }


def _log(
    frame: Any,
    columns: list[str],
    labels: NDArray[np.int64] | None,
    *,
    case: str | None,
    order: str | None,
    entity: str | None,
) -> TableResult:
    keys = [name for name in (case, order) if name is not None]
    place = np.arange(len(frame))
    if keys:
        place = frame.reset_index(drop=True).sort_values(keys, kind="stable").index.to_numpy()
    ordered = frame.iloc[place]
    texts = {str(name): _texts(ordered[name]) for name in columns}
    most = max(1.0, _FULL * len(frame))
    left_out = tuple(
        name for name, values in texts.items() if name != entity and len(set(values)) > most
    )
    kept = [name for name in texts if name not in left_out]
    rest = [name for name in kept if name != entity]
    if not rest:
        raise UnusableTable("no column is left to look at")
    activity = next((name for name in rest if name.lower() in _ACTIVITY), rest[0])
    group = case if case is not None else entity
    owners = _texts(ordered[group]) if group is not None else ["" for _ in range(len(ordered))]
    acts = texts[activity]
    before, after = _neighbours(acts, owners)
    data = {**{name: texts[name] for name in kept}, "^before": before, "$after": after}
    cells = [
        CellSpec(activity, ("^before",)),
        CellSpec("$after", (activity,)),
        CellSpec(activity, ("$after",)),
        CellSpec("^before", (activity,)),
        *(CellSpec(name, (activity,)) for name in kept if name != activity),
    ]
    table = ExcessTable.fit(cells, data, np.zeros(len(ordered), np.int64))
    excess = table.excess(data)
    best, score = excess.argmax(axis=0), excess.max(axis=0)
    causes = [cells[at].name for at in best.tolist()]
    used = tuple(kept)
    sorted_labels = None if labels is None else labels[place]
    if case is None:
        scores = _scores(ordered.index, score, causes, np.arange(len(ordered)), sorted_labels)
        figures = figures_of(score, sorted_labels)
    else:
        rows = _strangest(owners, score)
        names = [owners[row] for row in rows.tolist()]
        by_case = None
        if sorted_labels is not None:
            bad = {owner for owner, is_bad in zip(owners, sorted_labels, strict=True) if is_bad}
            by_case = np.array([name in bad for name in names], np.int64)
        decisive = [causes[row] for row in rows.tolist()]
        scores = _scores(pd.Index(names, name=case), score[rows], decisive, rows, by_case)
        figures = figures_of(score[rows], by_case)
    return TableResult("excess_surprise", scores, figures, used, left_out, table, data)


def _series(frame: Any, value: str, order: str, labels: NDArray[np.int64] | None) -> TableResult:
    place = np.argsort(frame[order].to_numpy(), kind="stable")
    values = frame[value].to_numpy(dtype=np.float64)[place]
    learn = max(64, min(MOST_LEARN, int(0.15 * len(values))))
    score = series_scores(values, learn)
    sorted_labels = None if labels is None else labels[place]
    causes = [value] * len(values)
    scores = _scores(frame.index[place], score, causes, np.arange(len(values)), sorted_labels)
    return TableResult("series", scores, figures_of(score, sorted_labels), (value,))


def _scores(
    index: Any,
    score: Floats,
    causes: Sequence[str],
    rows: NDArray[np.int64],
    labels: NDArray[np.int64] | None,
) -> Any:
    out = {"score": score, "cause": list(causes), "row": rows}
    if labels is not None:
        out["label"] = labels
    return pd.DataFrame(out, index=index)


def _texts(column: Any) -> list[str]:
    """Values as text; missing ones are ``""``; numbers with many values by tenths of the sample."""
    if pd.api.types.is_float_dtype(column) and column.nunique() > _BINNED:
        edges = np.nanquantile(
            column.to_numpy(dtype=np.float64), np.linspace(0, 1, _BINS + 1)[1:-1]
        )
        bins = np.searchsorted(edges, column.to_numpy(dtype=np.float64), side="left")
        return [
            "" if missing else f"{at + 1}/{_BINS}"
            for at, missing in zip(bins.tolist(), column.isna().tolist(), strict=True)
        ]
    missing = column.isna().tolist()
    values = column.tolist()
    return ["" if gone else str(one) for one, gone in zip(values, missing, strict=True)]


def _neighbours(acts: Sequence[str], owners: Sequence[str]) -> tuple[list[str], list[str]]:
    """The activity before and after each row in the same case."""
    before, after = [START] * len(acts), [END] * len(acts)
    last: dict[str, int] = {}
    for at, owner in enumerate(owners):
        earlier = last.get(owner)
        if earlier is not None:
            before[at] = acts[earlier]
            after[earlier] = acts[at]
        last[owner] = at
    return before, after


def _strangest(owners: Sequence[str], score: Floats) -> NDArray[np.int64]:
    """For each case, in order of appearance, its highest row."""
    best: dict[str, int] = {}
    for at, owner in enumerate(owners):
        if owner not in best or score[at] > score[best[owner]]:
            best[owner] = at
    return np.fromiter(best.values(), np.int64, len(best))
