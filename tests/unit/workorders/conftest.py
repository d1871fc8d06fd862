from pathlib import Path

import pytest
from workorders_house import House, build

import trail
from workorders import Policy


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> trail.Signer:
    return trail.open_keys(tmp_path_factory.mktemp("keys") / "keys").trail


@pytest.fixture
def house(tmp_path: Path, signer: trail.Signer) -> House:
    return build(tmp_path, signer, Policy(last_resort=("boss",)))
