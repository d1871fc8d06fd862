"""Houses for the agents' tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.agents.agents_house import (
    House,
    a_house,
    basis_history,
    in_transit,
    opening_book,
    template,
)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template that houses are copied from."""
    return template(tmp_path_factory.mktemp("agents"))


@pytest.fixture
def house(made: Path, tmp_path: Path) -> Iterator[House]:
    """East sold 7,500 t, and 7,500 t are on their way: the net is 0 under a limit of 500 t."""
    facts = [*opening_book(net="-7500"), in_transit("7500"), *basis_history()]
    with a_house(made, tmp_path / "house", facts) as found:
        yield found


@pytest.fixture
def empty(made: Path, tmp_path: Path) -> Iterator[House]:
    """A directory and nothing else."""
    with a_house(made, tmp_path / "house") as found:
        yield found


@pytest.fixture
def twin(made: Path, tmp_path: Path) -> Iterator[House]:
    """A second house like `house`, to compare with."""
    facts = [*opening_book(net="-7500"), in_transit("7500"), *basis_history()]
    with a_house(made, tmp_path / "twin", facts) as found:
        yield found
