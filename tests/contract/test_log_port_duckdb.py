"""The log's contract on DuckDB in this process."""

from pathlib import Path

import pytest
from log_port_suite import LogPortSuite

from auditlog.owner import OwnedLog, own_log


class InProcess:
    """A log in this process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.log: OwnedLog = own_log(folder, role="test")

    def reopen(self) -> OwnedLog:
        self.log.close()
        self.log = own_log(self._folder, role="test")
        return self.log


class TestDuckDbLog(LogPortSuite):
    """DuckDB, in-process."""

    @pytest.fixture
    def house(self, tmp_path: Path):
        house = InProcess(tmp_path)
        yield house
        house.log.close()
