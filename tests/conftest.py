"""What every test shares: in CI nothing skips silently, and a floor stands under the count."""

import os
from pathlib import Path

import pytest

MAY_SKIP = ("shared_data", "extra")
FLOOR = 5500  # tests that must have run in CI; raised as the suite grows

_counts = {"passed": 0, "failed": 0, "skipped": 0}
_skipped_by_mark = dict.fromkeys(MAY_SKIP, 0)
_skipped_unduly: list[str] = []


def shared_data() -> Path | None:
    """The folder of data that may not ship: beside the checkout, or where the variable says."""
    named = os.environ.get("HEDGEWARDEN_SHARED_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    return folder if folder.is_dir() else None


@pytest.fixture(name="shared_data")
def _shared_data() -> Path:
    folder = shared_data()
    if folder is None:
        pytest.skip("the shared data folder is not here")
    return folder


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("-m"):
        return
    kept = [item for item in items if "soak" not in item.keywords]
    config.hook.pytest_deselected(items=[item for item in items if "soak" in item.keywords])
    items[:] = kept


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or (report.when == "setup" and report.outcome != "passed"):
        _counts[report.outcome] += 1
        if report.outcome == "skipped":
            mark = next((name for name in MAY_SKIP if name in report.keywords), None)
            if mark:
                _skipped_by_mark[mark] += 1
            else:
                _skipped_unduly.append(report.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    whole = not session.config.args or session.config.args == ["tests"]
    if hasattr(session.config, "workerinput") or not os.environ.get("CI") or not whole:
        return
    if session.config.getoption("-m") or session.config.getoption("-k"):
        return
    ran = _counts["passed"] + _counts["failed"]
    if _skipped_unduly or ran < FLOOR:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if hasattr(terminalreporter.config, "workerinput"):
        return
    marks = ", ".join(f"{name} {count}" for name, count in _skipped_by_mark.items())
    terminalreporter.write_line(f"skipped where allowed: {marks}; floor of tests that ran: {FLOOR}")
    if os.environ.get("CI"):
        for nodeid in _skipped_unduly:
            terminalreporter.write_line(f"SKIPPED IN CI, which is a failure: {nodeid}")
