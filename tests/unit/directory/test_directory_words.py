"""Every code of the directory has words in both languages."""

import re
from pathlib import Path

import pytest

import directory
from directory import PERMISSIONS, ROSTER_EMPTY, AccessReason, GrantReason, Role
from directory.roster import RoutingReason
from service.i18n.catalogue import load_words

CODE = re.compile(r'(?:report|Problem)\(\s*"([A-Z_]+)"|"(BAD_[A-Z]+)"')


@pytest.mark.parametrize("language", ["zh", "en"])
def test_words_for_problems_reasons_and_labels(language: str):
    words = load_words(language, strict=True)
    found = set()
    for path in Path(directory.__file__).parent.glob("*.py"):
        for pair in CODE.findall(path.read_text(encoding="utf-8")):
            found |= {f"problem.{code}" for code in pair if code}
    assert len(found) > 20
    reasons = {*AccessReason, *GrantReason, *RoutingReason, ROSTER_EMPTY}
    found |= {f"reason.{reason}" for reason in reasons}
    found |= {f"directory.role.{role}" for role in Role}
    found |= {f"directory.permission.{permission}" for permission in PERMISSIONS}
    assert sorted(key for key in found if key not in words) == []
