import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from store import FolderHeld, locks

HOLD = """
import sys
from store import locks
with locks.hold(sys.argv[1], sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_process(folder: Path, role: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), role],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("held", locks.ROLES)
@pytest.mark.parametrize("wanted", locks.ROLES)
def test_which_roles_run_beside_each_other(tmp_path: Path, held: str, wanted: str) -> None:
    beside = "serve" not in (held, wanted) and (held, wanted) != ("log", "log")
    with locks.hold(tmp_path, held):
        if beside:
            with locks.hold(tmp_path, wanted):
                pass
        else:
            with (
                pytest.raises(FolderHeld, match=rf"{held} \(process {os.getpid()}\)"),
                locks.hold(tmp_path, wanted),
            ):
                pass
    with locks.hold(tmp_path, wanted):  # free again
        pass


def test_another_process_is_named_and_its_death_frees_the_folder(tmp_path: Path) -> None:
    with other_process(tmp_path, "serve") as process:
        assert locks.holders(tmp_path) == (f"serve (process {process.pid})",)
        with (
            pytest.raises(FolderHeld, match=rf"serve \(process {process.pid}\)") as refused,
            locks.hold(tmp_path, "web"),
        ):
            pass
        assert refused.value.holders == (f"serve (process {process.pid})",)
    assert locks.holders(tmp_path) == ()  # killed: its sheet is still there, and not believed
    with locks.hold(tmp_path, "serve"):
        pass


SIGN = """
import sys
from store import locks
with locks.hold(sys.argv[1], sys.argv[2]):
    print(locks.lease_holder(sys.argv[1]), flush=True)
    sys.stdin.read()
"""


def test_who_signed_a_lease_and_died_is_known_to_be_gone(tmp_path: Path) -> None:
    folder, other = tmp_path / "one", tmp_path / "other"
    process = subprocess.Popen(
        [sys.executable, "-c", SIGN, str(folder), "agents"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        signed = process.stdout.readline().strip()
        (tmp_path / "path").symlink_to(folder)
        with locks.hold(other, "agents"):
            assert not locks.is_gone(folder, signed)
            process.kill()
            process.communicate()
            assert locks.is_gone(folder, signed)
            assert locks.is_gone(tmp_path / "path", signed)
            # of whom nothing can be known: another folder's, another machine's, a command's
            assert not locks.is_gone(other, signed)
            machine, number, mark = signed.split(":")
            for strange in (f"elsewhere:{number}:{mark}", f"{machine}:{number}",
                            f"{machine}:{number}:command", f"{machine}:x:{mark}", ""):  # fmt: skip
                assert not locks.is_gone(folder, strange)
    finally:
        process.kill()
        process.communicate()


def test_an_unknown_role_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown role"), locks.hold(tmp_path, "root"):
        pass
