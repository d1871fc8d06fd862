from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from sqlmodel import SQLModel

import integrations.tables  # noqa: F401 - declares the quarantine
import trail
from directory import Directory, load_directory
from integrations.files import Batch, Kind, Terms, read_batch
from integrations.files.mapping import load_mapping
from store import Store, open_engine

NOW = datetime(2024, 6, 3, 2, 0, tzinfo=UTC)  # Monday 10:00 in Shanghai

PEOPLE = """\
organisations:
  - path: 华东钢铁
  - path: 华东钢铁/铜贸易部
  - path: 华东钢铁/螺纹部
"""


@pytest.fixture(scope="session")
def directory() -> Directory:
    found, problems = load_directory(PEOPLE, "directory.yaml")
    assert problems == []
    return found


@pytest.fixture
def terms(directory: Directory) -> Terms:
    return Terms(NOW, directory)


@pytest.fixture
def read(tmp_path: Path, terms: Terms) -> Callable[..., Batch]:
    """Reads a CSV text, or rows of a workbook, as a file of a kind."""

    def run(kind: Kind, content: str | list[list[object]] | bytes, **named: object) -> Batch:
        mapping = named.pop("mapping", None)
        if isinstance(content, list):
            path = tmp_path / str(named.pop("file", "文件.xlsx"))
            workbook = openpyxl.Workbook()
            for row in content:
                workbook.active.append(row)
            workbook.save(path)
        else:
            path = tmp_path / str(named.pop("file", "文件.csv"))
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        own = None
        if mapping is not None:
            own, problems = load_mapping(str(mapping), "对照.yaml", kind)
            assert problems == []
        return read_batch(path, kind, named.pop("terms", terms), mapping=own, **named)

    return run


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> trail.Signer:
    return trail.open_keys(tmp_path_factory.mktemp("keys") / "keys").trail


@pytest.fixture
def clock() -> list[datetime]:
    return [NOW]


@pytest.fixture
def store(tmp_path: Path, signer: trail.Signer, clock: list[datetime]) -> Store:
    engine = open_engine(f"sqlite:///{tmp_path}/hedgewarden.db")
    SQLModel.metadata.create_all(engine)
    return Store(engine, clock=lambda: clock[0], before_commit=[trail.TrailKeeper(signer)])
