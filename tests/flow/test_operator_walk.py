"""The operator's page is walked on an empty folder: its commands in order, and what it claims."""

import fcntl
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import openpyxl
import pytest

from service.settings import Settings

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
PASSWORD = "correct horse battery"
COMMAND = ".venv/bin/hedgewarden "
LOCALES = {"en": "en_US.UTF-8", "zh": "zh_CN.UTF-8"}


class Said(NamedTuple):
    """How a command ended, and all that it said."""

    code: int
    text: str


class Machine:
    """A machine whose ``/srv`` is a folder of the test; a person sits at its keyboard."""

    def __init__(self, folder: Path, language: str) -> None:
        self.folder = folder
        self.page = (ROOT / "docs" / language / "operator.md").read_text(encoding="utf-8")
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT),
            "LANG": LOCALES[language], "HEDGEWARDEN_PORT": "0", "COLUMNS": "300",
        }  # fmt: skip

    def block(self, start: str) -> list[str]:
        """The lines of the page's block that holds a line beginning with `start`."""
        blocks = re.findall(r"^```\w*\n(.*?)^```$", self.page, re.DOTALL | re.MULTILINE)
        (found,) = (one for one in blocks if f"\n{start}" in f"\n{one}")
        return [line.partition(" #")[0].strip() for line in found.splitlines()]

    def argv(self, line: str) -> list[str]:
        words = line.replace("/srv", str(self.folder)).split()
        if line.startswith(COMMAND):
            return [sys.executable, "-c", "import main; main.run()", *words[1:]]
        return words

    def do(self, line: str) -> Said:
        """Type a line of the page at a terminal; a password where one is asked for."""
        master, slave = os.openpty()
        child = subprocess.Popen(
            self.argv(line), cwd=self.folder, env=self.environment,
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one call
        )  # fmt: skip
        os.close(slave)
        try:
            text = self._type(master, line)
            return Said(child.wait(timeout=PATIENCE_S), text)
        finally:
            os.close(master)
            child.kill()
            child.wait()

    def _type(self, terminal: int, line: str) -> str:
        text, answered, deadline = "", 0, time.monotonic() + PATIENCE_S
        while True:
            assert select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0], line
            try:
                read = os.read(terminal, 65536)
            except OSError:  # what Linux says once the other side has ended
                return text.replace("\r\n", "\n")
            if not read:
                return text.replace("\r\n", "\n")
            text += read.decode()
            while answered < text.count("Password:"):
                answered += 1
                os.write(terminal, f"{PASSWORD}\n".encode())

    def good(self, line: str) -> str:
        said = self.do(line)
        assert said.code == 0, (line, said.text)
        return said.text

    @contextmanager
    def serving(self, line: str) -> Iterator[str]:
        """The command runs as a service until the end; gives what it says when it is up."""
        errors = self.folder / "errors.txt"
        with errors.open("w", encoding="utf-8") as told:
            child = subprocess.Popen(
                self.argv(line), cwd=self.folder, env=self.environment, text=True,
                stdout=subprocess.PIPE, stderr=told,
            )  # fmt: skip
            try:
                assert child.stdout is not None
                said = child.stdout.readline().strip()
                assert said, errors.read_text(encoding="utf-8")
                yield said
            finally:
                child.send_signal(signal.SIGTERM)
                child.communicate(timeout=PATIENCE_S)
        said_last = errors.read_text(encoding="utf-8")
        assert child.returncode == 0, said_last
        assert "leaked" not in said_last  # an orderly end lets go of everything


@pytest.fixture(name="machine", params=["en", "zh"])
def _machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return Machine(tmp_path, str(request.param))


def fill_in(workbook: Path) -> None:
    """One limit, as a person would write it under the template's headers."""
    book = openpyxl.load_workbook(workbook)
    sheet = book.worksheets[0]
    heads = {str(cell.value): cell.column for cell in sheet[1]}
    row = {"org": "示例集团/铜贸易部", "product": "cu", "amount": "800"}
    assert set(row) <= set(heads)
    for name, value in row.items():
        sheet.cell(row=2, column=heads[name], value=value)
    book.save(workbook)


def answer(address: str, path: str, **headers: str) -> int:
    """The status of a page."""
    url = f"{address}{path}"
    return httpx.get(url, headers=headers, timeout=60, trust_env=False).status_code


def signs_in(address: str, person: str) -> bool:
    """Whether the console lets the person in with the password."""
    with httpx.Client(base_url=address, headers={"Origin": address}, trust_env=False) as client:
        sent = client.post("/login", data={"login": person, "password": PASSWORD}, timeout=60)
        return sent.status_code == 303 and client.get("/", timeout=60).status_code == 200


def test_the_installation_is_walked_from_an_empty_folder_to_a_restored_backup(
    machine: Machine,
) -> None:
    lines = machine.block("make setup")
    assert lines[0] == "make setup"  # the rest of what is typed stands in the folder's environment
    name, _, value = lines[2].removeprefix("export ").partition("=")
    machine.environment[name] = value.replace("/srv", str(machine.folder))
    walked = {line: machine.good(line) for line in (lines[1], lines[3])}
    assert "chen" in walked[lines[3]]  # who came with the file and has no password
    for line in lines[4:-1]:
        if line.endswith("--dry-run"):
            assert Settings.model_fields["port"].default == 8600
            fill_in(machine.folder / "limits.xlsx")
        walked[line] = machine.good(line)
    (listed,) = (text for line, text in walked.items() if line.endswith("user list"))
    has = {row.split()[0]: row.split()[-1] for row in listed.splitlines()[1:] if row.strip()}
    assert has["admin"] == has["chen"] != has["wang"] == has["zhao"]
    assert "✗" not in walked[f"{COMMAND}doctor"]

    with machine.serving(lines[-1]) as said:
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+", said)
        paths = set(re.findall(r"`GET (/[a-z]+)`", machine.page))
        assert paths == {"/healthz", "/readyz", "/metrics"}
        answers = {path: answer(address, path) for path in paths}
        assert answers == {"/healthz": 200, "/readyz": 200, "/metrics": 401}
        (line,) = machine.block(f"{COMMAND}user token ")
        token = machine.good(line).splitlines()[0].strip()
        assert answer(address, "/metrics", Authorization=f"Bearer {token}") == 200
        assert signs_in(address, "admin")
        assert signs_in(address, "chen")
        assert not signs_in(address, "wang")
        machine.good(f"{COMMAND}user password wang")  # commands work beside it
        assert signs_in(address, "wang")
        assert machine.do(lines[-1]).code == 2  # alone

    machine.good(machine.block("cp -a /srv/hedgewarden ")[0])
    shutil.rmtree(machine.folder / "hedgewarden")
    del machine.environment[name]
    for line in machine.block("cp -a /srv/backup "):
        machine.good(line)
    machine.environment[name] = str(machine.folder / "restored")
    with machine.serving(lines[-1]) as said:
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+", said)
        assert signs_in(address, "wang")
    shutil.rmtree(machine.folder / "restored" / "keys")
    refused = machine.do(f"{COMMAND}--json trail verify")
    assert (refused.code, "KEY_LOST" in refused.text) == (2, True)
    assert "`KEY_LOST`" in machine.page


def test_the_roles_of_the_page_run_beside_each_other_on_one_folder(machine: Machine) -> None:
    roles = re.findall(r"^\| `(serve[^`]*)` \|", machine.page, re.MULTILINE)
    assert roles == ["serve", "serve --role log", "serve --role web", "serve --role agents"]
    whole, log, web, agents = (f"{COMMAND}{one}" for one in roles)
    machine.environment["HEDGEWARDEN_DATA"] = str(machine.folder / "hedgewarden")
    machine.good(f"{COMMAND}init")
    with machine.serving(log), machine.serving(web) as said, machine.serving(agents):
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+", said)
        assert answer(address, "/readyz") == 200
        with machine.serving(web) as second, machine.serving(agents):
            assert re.findall(r"http://127\.0\.0\.1:\d+", second) != [address]
        assert machine.do(log).code == 2
        assert machine.do(whole).code == 2
