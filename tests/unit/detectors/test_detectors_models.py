"""Model files: what comes back is what went in, and nothing that was touched comes back."""

from pathlib import Path

import pytest
from detectors_house import LOOKUPS, ordinary_days
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import ModelFile, dump, load, read, save, train
from detectors.errors import ModelRefused
from detectors.features import History

EVENTS = ordinary_days(6)
MODELS = train(EVENTS, seed=5, lookups=LOOKUPS).models
KEY = b"k" * 32
FILE = dump(MODELS, KEY)
VIEWS = History(LOOKUPS).views(ordinary_days(2, seed=9))


def test_a_loaded_set_scores_identically():
    loaded = load(FILE, KEY)
    first, second = MODELS.score(VIEWS), loaded.score(VIEWS)
    assert first.scores == second.scores
    assert first.p_values.tobytes() == second.p_values.tobytes()
    assert [one.explain(VIEWS[3]) for one in loaded.detectors] == [
        one.explain(VIEWS[3]) for one in MODELS.detectors
    ]
    assert loaded.describe() == MODELS.describe()
    assert loaded.id == MODELS.id


def test_the_same_events_in_any_order_give_the_same_bytes():
    again = train(EVENTS[::-1], seed=5, lookups=LOOKUPS).models
    assert dump(again, KEY) == FILE


def test_each_model_says_where_it_comes_from():
    for one in MODELS.describe():
        assert one.n > 0
        assert one.seed == 5
        assert one.trained_from < one.trained_to
        assert len(one.data_sha256) == len(one.schema_hash) == 64


@given(st.booleans(), st.integers(0, 2**31), st.integers(1, 255))
@settings(deadline=None, max_examples=60)
def test_a_changed_byte_is_refused(in_manifest: bool, place: int, change: int):
    parts = [bytearray(FILE.manifest), bytearray(FILE.arrays)]
    part = parts[0 if in_manifest else 1]
    part[place % len(part)] ^= change
    with pytest.raises(ModelRefused):
        load(ModelFile(bytes(parts[0]), bytes(parts[1])), KEY)


def test_another_key_other_arrays_and_no_file_are_refused(tmp_path: Path):
    with pytest.raises(ModelRefused):
        load(FILE, b"x" * 32)
    other = dump(train(ordinary_days(5), seed=5, lookups=LOOKUPS).models, KEY)
    with pytest.raises(ModelRefused):
        load(ModelFile(FILE.manifest, other.arrays), KEY)
    with pytest.raises(ModelRefused):
        load(ModelFile(b"[1]", FILE.arrays), KEY)
    with pytest.raises(ModelRefused):
        read(tmp_path, "none", KEY)
    with pytest.raises(ValueError, match="32 bytes"):
        dump(MODELS, b"short")


def test_a_saved_set_is_read_again(tmp_path: Path):
    path = save(MODELS, tmp_path / "models", "first", KEY)
    assert path.name == "first.json"
    assert sorted(one.name for one in path.parent.iterdir()) == ["first.json", "first.npz"]
    assert read(path.parent, "first", KEY).id == MODELS.id
    save(MODELS, tmp_path / "models", "first", KEY)
    assert b"pickle" not in path.with_suffix(".npz").read_bytes()
