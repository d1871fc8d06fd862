"""Every code and label of the detectors has words in both languages."""

import ast
from pathlib import Path

import pytest
from detectors_house import LOOKUPS, ordinary_days

import detectors
from detectors import errors, train
from detectors.conformance import Finding
from detectors.excess import EVENT_CELLS
from detectors.explain import sentence
from detectors.features import History
from detectors.protocol import Family, Numbers
from detectors.scorer import told
from service.i18n.catalogue import load_words

ROOM = Path(detectors.__file__).parent
EVENTS = ordinary_days(6)


def explanation_codes() -> set[str]:
    """The codes that the room's source gives to an explanation, and the findings."""
    found = {code.value for code in Finding}
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
                if text.isupper() and text.startswith(("CELL_", "NUMBER_", "NOTHING_")):
                    found.add(text)
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_words_for_codes_and_labels(language: str):
    words = load_words(language, strict=True)
    fields = {spec.value for spec in EVENT_CELLS} | set(Numbers._fields)
    keys = {f"explanation.{code}" for code in explanation_codes()}
    keys |= {f"problem.{one.code}" for one in errors.DetectorError.__subclasses__()}
    keys |= {f"detectors.family.{one.value}" for one in Family}
    keys |= {f"detectors.field.{name}" for name in fields}
    keys |= {f"detectors.cause.{name}" for name in fields | {code.value for code in Finding}}
    keys |= {"reason.TOO_FEW_EVENTS", "reason.TOO_SHORT"}
    assert len(explanation_codes()) >= 13
    assert sorted(key for key in keys if key not in words) == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_detector_explains_in_whole_sentences(language: str):
    words = load_words(language, strict=True)
    models = train(EVENTS, seed=1, lookups=LOOKUPS).models
    for view in History(LOOKUPS).views(EVENTS)[::97]:
        for detector in models.detectors:
            given = told(detector.explain(view), view)
            for part in (given, *given.parts):
                said = sentence(part, words.text)
                assert "…" not in said
                assert "{" not in said
