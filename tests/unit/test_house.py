"""The house itself: floors, names, locks, and what a committed file may hold."""

import ast
import re
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_ROOMS = {"tests", "docs", "front", "rulebook", "scripts", "node_modules", "build", "dist"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode().split("\0")  # fmt: skip
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def rooms() -> set[str]:
    return {
        folder.name
        for folder in ROOT.iterdir()
        if folder.is_dir() and not folder.name.startswith(".") and folder.name not in NOT_ROOMS
        and (folder / "__init__.py").exists()
    }  # fmt: skip


def test_every_top_level_package_stands_on_a_floor() -> None:
    linter = PROJECT["tool"]["importlinter"]
    (contract,) = linter["contracts"]
    on_floors = {name.strip() for layer in contract["layers"] for name in layer.split("|")}
    assert rooms() == on_floors == set(linter["root_packages"])


def test_every_top_level_package_is_type_checked_and_shipped() -> None:
    assert rooms() == set(PROJECT["tool"]["mypy"]["packages"])
    shipped = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"])
    assert rooms() | {"rulebook", "main.py"} == shipped


def test_nothing_imports_main() -> None:
    importers = []
    for path in tracked():
        if path.suffix != ".py" or path.name == "main.py" or "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names.append(node.module)
            if "main" in names:
                importers.append(path)
    assert importers == []


def test_no_room_has_a_meaningless_name() -> None:
    folders = {path.parent.name for path in tracked()}
    assert not folders & {"utils", "core", "common", "helpers"}


@pytest.mark.parametrize(
    "name", ["requirements.lock", "requirements-dev.lock", "package-lock.json"]
)
def test_no_lock_holds_an_address(name: str) -> None:
    text = (ROOT / name).read_text()
    if name == "package-lock.json":
        assert '"resolved"' not in text
    assert "registry" not in text
    assert "://" not in text, "make lock takes them out"


def test_no_file_holds_a_path_of_a_machine() -> None:
    path_of_a_machine = re.compile(rb"(^|[^A-Za-z0-9_.])/(home|work|farm|root)/[A-Za-z0-9_.-]+")
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix not in {".png", ".svg", ".lock"}
        and path_of_a_machine.search(path.read_bytes())
    ]
    assert found == []


def test_no_other_distribution_owns_our_package_names() -> None:
    ours = rooms() | {"rulebook", "main"}
    owners = {
        name: [dist for dist in dists if dist.lower() != "hedgewarden"]
        for name, dists in metadata.packages_distributions().items()
        if name in ours
    }
    assert {name: dists for name, dists in owners.items() if dists} == {}


def test_main_is_composition_under_a_hundred_lines() -> None:
    assert len((ROOT / "main.py").read_text().splitlines()) < 100
