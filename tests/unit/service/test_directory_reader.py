"""The directory that every thread of a process asks for: each gets the one of its own moment."""

from pathlib import Path
from typing import Any

from directory.loading import directory_from_mapping
from directory.writing import save_directory
from service.application import DirectoryReader
from store import Store, open_engine, system_clock
from store.schema import metadata


class Overtaken(DirectoryReader):
    """Whatever it keeps, another thread that sees the moment before keeps its own right after."""

    before: Any = None

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name == "_known" and self.before is not None:
            object.__setattr__(self, name, self.before)


def test_a_thread_with_an_older_moment_takes_the_newer_directory_from_nobody(tmp_path: Path):
    engine = open_engine(f"sqlite:///{tmp_path / 'here.db'}")
    metadata.create_all(engine)
    store = Store(engine, clock=system_clock, before_commit=[lambda _uow: 1])

    def save(name: str) -> None:
        person = {"id": "chen", "name": name, "role": "risk_officer", "unit": "east"}
        mapping = {"organisations": [{"path": "east", "routing": ["chen"]}], "people": [person]}
        known, problems = directory_from_mapping(mapping)
        assert not problems
        with store.unit_of_work("cli:test") as uow:
            save_directory(uow, known)

    def name_of_chen(reader: DirectoryReader) -> str:
        chen = reader.now().directory.person("chen")
        assert chen is not None
        return chen.name

    save("Chen")
    reader = Overtaken(store)
    assert name_of_chen(reader) == "Chen"
    reader.before = reader._known
    save("Chen Fang")
    assert name_of_chen(reader) == "Chen Fang"
    engine.dispose()
