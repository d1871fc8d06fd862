"""Every code of the approvals has words in both languages."""

import re
from pathlib import Path

import pytest

import approvals
from approvals import (
    REJECT_REASONS,
    Code,
    LendingCode,
    LendingState,
    Mode,
    Status,
    Verb,
    shipped_plans,
)
from service.i18n.catalogue import load_words

CODE = re.compile(r'report\(\s*"([A-Z_]+)"')


@pytest.mark.parametrize("language", ["zh", "en"])
def test_words_for_problems_reasons_and_labels(language: str):
    words = load_words(language, strict=True)
    found = set()
    for path in Path(approvals.__file__).parent.glob("*.py"):
        found |= {f"problem.{code}" for code in CODE.findall(path.read_text(encoding="utf-8"))}
    assert len(found) > 8
    found |= {f"reason.{code}" for code in (*Code, *LendingCode)}
    found |= {f"delegation_state.{state}" for state in LendingState}
    found |= {f"approvals.reason.{reason}" for reason in REJECT_REASONS}
    found |= {f"approvals.verb.{verb}" for verb in Verb}
    found |= {f"approvals.status.{status}" for status in Status}
    found |= {f"approvals.mode.{mode}" for mode in Mode}
    for plan in shipped_plans().values():
        found.add(f"approvals.kind.{plan.kind}")
        found |= {f"approvals.step.{s.name}" for band in plan.bands for s in band.steps}
    assert sorted(key for key in found if key not in words) == []


def test_the_shipped_plans_have_no_faults():
    kinds = {"hedge_order", "limit_change", "override", "exemption", "grant"}
    assert set(shipped_plans()) == kinds
