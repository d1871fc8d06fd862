"""The wheel holds what runs: code, words, rule files, data, and the built front end."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = (
    "main.py",
    "rulebook/schema/exposure.yaml",
    "rulebook/exposure/exposure-tiers.yaml",
    "book/data/contract_specs.csv",
    "directory/sessions.yaml",
    "directory/holidays.yaml",
    "approvals/plans.yaml",
    "store/migrations/versions/0001_initial.py",
    "service/demo/data/incidents.json",
    "service/demo/data/last_morning.json",
    "service/demo/data/spot_wti_brent_hh_daily_to_2026.csv",
    "service/i18n/locale/zh/LC_MESSAGES/workorders.po",
    "service/i18n/locale/en/LC_MESSAGES/workorders.po",
    "service/web/templates/base.html",
    "service/web/static/build/manifest.json",
)


@pytest.fixture(scope="module", name="names")
def _names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    if not (ROOT / "service/web/static/build/manifest.json").exists():
        pytest.fail("the front end is not built: make setup")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--no-index", "--wheel-dir", str(folder), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = folder.glob("hedgewarden-*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize("name", NEEDED)
def test_the_wheel_holds(name: str, names: set[str]) -> None:
    assert name in names


def test_the_wheel_holds_nothing_of_the_tests_nor_of_other_people(names: set[str]) -> None:
    strange = {
        name for name in names if name.split("/")[0] in {"tests", "docs", "front", "scripts"}
    }
    assert strange == set()
    assert not {name for name in names if "node_modules" in name}
