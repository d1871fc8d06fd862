"""Excess surprise: what is rare where other things are usual stands out, and says why."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from detectors_house import LOOKUPS, ORG, ordinary_days
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.counts import SUPPORT
from detectors.errors import NotFitted
from detectors.excess import ExcessSurprise
from detectors.excess_table import CellSpec, ExcessTable
from detectors.features import History
from detectors.protocol import CellView, Detector

AT = datetime(2024, 5, 6, 2, tzinfo=UTC)
VIEWS = History(LOOKUPS).views(ordinary_days(6))
FITTED = ExcessSurprise().fit(VIEWS, seed=3)


def one_cell(counts: dict[str, int]) -> ExcessTable:
    values = [value for value, count in counts.items() for _ in range(count)]
    columns = {"place": ["here"] * len(values), "value": values}
    return ExcessTable.fit(
        [CellSpec("value", ("place",))], columns, np.arange(1, len(values) + 1) * 1_000_000
    )


def excess_of(table: ExcessTable, value: str, place: str = "here") -> float:
    return float(table.excess({"place": [place], "value": [value]})[0, 0])


@given(st.dictionaries(st.text(max_size=4), st.integers(1, 60), min_size=1, max_size=8))
@settings(deadline=None)
def test_rarer_never_scores_lower(counts: dict[str, int]):
    table = one_cell(counts)
    ranked = sorted(counts, key=lambda value: -counts[value])
    scores = [excess_of(table, value) for value in (*ranked, "never seen")]
    assert scores == sorted(scores)
    for value, other in pairwise(ranked):
        if counts[value] == counts[other]:
            assert excess_of(table, value) == excess_of(table, other)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), min_size=1, max_size=80))
@settings(deadline=None)
def test_the_expected_surprise_is_the_entropy_of_the_shrunk_distribution(
    rows: list[tuple[str, str]],
):
    columns = {"place": [place for place, _ in rows], "value": [value for _, value in rows]}
    table = ExcessTable.fit(
        [CellSpec("value", ("place",))], columns, np.ones(len(rows), np.int64)
    ).tables[0]
    vocabulary, places = sorted(set(columns["value"])), sorted(set(columns["place"]))
    for place in places:
        known = [
            table.probabilities(np.array([places.index(place), code]))[1]
            for code in range(len(vocabulary))
        ]
        unseen = 1.0 - sum(known)
        entropy = -sum(p * math.log(p) for p in [*known, unseen])
        assert table.levels[1].entropy[places.index(place)] == pytest.approx(entropy)


@given(st.lists(st.integers(0, len(VIEWS) - 1), min_size=1, max_size=40))
@settings(deadline=None, max_examples=40)
def test_a_score_does_not_depend_on_its_batch(places: list[int]):
    batch = [VIEWS[at] for at in places]
    together = FITTED.score(batch)
    assert [FITTED.score([view])[0] for view in batch] == together


def test_the_same_data_and_seed_give_the_same_bytes():
    again = ExcessSurprise().fit(list(VIEWS), seed=3)
    first, second = FITTED.arrays(), again.arrays()
    assert sorted(first) == sorted(second)
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)
    assert again.describe() == FITTED.describe()


def test_a_stranger_is_judged_by_the_role_and_a_known_actor_by_the_past():
    stranger = replace(VIEWS[-1], actor="u_new", role="trader", type="order.create")
    findings = {one.spec.name: one for one in FITTED.findings(stranger)}
    assert findings["type|org,role,actor"].context == (("org", ORG), ("role", "trader"))
    known = replace(stranger, actor="u_trader1")
    findings = {one.spec.name: one for one in FITTED.findings(known)}
    assert findings["type|org,role,actor"].context[-1] == ("actor", "u_trader1")
    assert findings["type|org,role,actor"].support >= SUPPORT


def test_the_offending_cell_is_named_with_what_is_usual_since_when_and_on_how_much():
    night = replace(next(view for view in VIEWS if view.type == "order.create"), hour_band="00-04")
    score = FITTED.score([night])[0]
    assert score.cause.startswith("hour_band")
    told = FITTED.explain(night)
    assert told.code == "CELL_UNKNOWN"
    assert told.params["field"] == "hour_band"
    assert told.params["seen"] == "00-04"
    assert "08-12" in told.params["usual"]
    assert int(told.params["support"]) >= SUPPORT
    assert int(told.params["needed"]) >= 1


def test_what_was_seen_as_often_as_needed_is_ordinary():
    night = replace(next(view for view in VIEWS if view.type == "order.create"), hour_band="00-04")
    needed = int(FITTED.explain(night).params["needed"])
    learned = FITTED.update(
        [replace(night, uid=f"n{at}", at=AT + timedelta(minutes=at)) for at in range(3 * needed)]
    )
    before = FITTED.score([night])[0].raw
    assert learned.score([night])[0].raw < before / 2


def test_cleared_events_are_counted_as_if_they_had_been_there_from_the_start():
    half = len(VIEWS) // 2
    grown = ExcessSurprise().fit(VIEWS[:half], seed=3).update(VIEWS[half:])
    whole = FITTED.arrays()
    assert all(
        np.array_equal(array, whole[name])
        for name, array in grown.arrays().items()
        if name != "reference"
    )


def test_unknown_missing_and_empty_are_no_trouble():
    blank = CellView("x", AT)
    strange = replace(blank, actor="?", type="不曾有过", product="\N{PILE OF POO}", role="\x00")
    scores = FITTED.score([blank, strange])
    assert all(math.isfinite(score.raw) and 0 < score.p_value <= 1 for score in scores)
    assert FITTED.score([]) == []
    assert FITTED.update([]) is FITTED
    nothing = ExcessSurprise().fit([], seed=1)
    with pytest.raises(NotFitted):
        nothing.score([blank])


def test_an_absent_value_is_a_gap_and_not_behaviour():
    bare = replace(VIEWS[20], product="", source="", region="")
    assert FITTED.score([bare])[0].raw <= FITTED.score([VIEWS[20]])[0].raw
    assert "product" not in {part.params["field"] for part in [FITTED.explain(bare)]}


def test_events_labelled_bad_teach_nothing():
    bad = replace(VIEWS[0], type="wire.abroad")
    fitted = ExcessSurprise().fit([*VIEWS, bad], [False] * len(VIEWS) + [True], seed=3)
    assert "wire.abroad" not in fitted.table.vocabularies["type"]


def test_it_is_a_detector():
    assert isinstance(FITTED, Detector)
