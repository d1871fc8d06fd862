"""The log's contract over the owner's socket, and what only the socket can get wrong."""

import http.client
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from log_port_suite import LogPortSuite, event

from auditlog.client import SocketLog, open_log
from auditlog.errors import LogBusyError, LogUnavailableError
from auditlog.owner import LogServer, OwnedLog, own_log, serve_log
from auditlog.port import LogPort, Query, Receipt
from auditlog.wire import OPERATIONS


class Served:
    """An owner and a client beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._start()

    def _start(self) -> None:
        self.owned: OwnedLog = own_log(self.folder, role="serve")
        self.server: LogServer = serve_log(self.folder, self.owned)
        self.log: LogPort = open_log(self.folder, role="test")
        assert isinstance(self.log, SocketLog)

    def stop(self) -> None:
        self.server.stop()
        self.owned.close()

    def reopen(self) -> LogPort:
        self.log.close()
        self.stop()
        self._start()
        return self.log


@pytest.fixture(name="house")
def _house(tmp_path: Path) -> Iterator[Served]:
    house = Served(tmp_path)
    yield house
    house.log.close()
    house.stop()


class TestSocketLog(LogPortSuite):
    """DuckDB behind the socket."""


def test_a_data_folder_with_a_path_of_200_bytes_works(tmp_path: Path):
    folder = tmp_path
    while len(os.fsencode(folder)) < 200:
        folder /= "d" * min(60, 199 - len(os.fsencode(folder)) or 1)
    assert len(os.fsencode(folder)) >= 200
    folder.mkdir(parents=True)
    house = Served(folder)
    here = Path.cwd()
    try:
        assert house.log.append([event(1)]).accepted == 1
        assert Path.cwd() == here
    finally:
        house.log.close()
        house.stop()


def test_only_its_user_can_open_the_socket_and_the_file(house: Served):
    for name in ("log.sock", "log.duckdb"):
        assert stat.S_IMODE((house.folder / name).stat().st_mode) == 0o600


def test_without_an_owner_the_file_is_opened_here_and_let_go_again(tmp_path: Path):
    for number in (1, 2):
        log = open_log(tmp_path, role="cli")
        assert isinstance(log, OwnedLog)
        log.append([event(number)])
        assert log.stats().events == number
        log.close()


def test_a_second_opener_is_told_who_holds_the_log(tmp_path: Path):
    log = open_log(tmp_path, role="import")
    with pytest.raises(LogBusyError, match=rf"import \(process {os.getpid()}\)"):
        open_log(tmp_path, role="cli", wait=0.2)
    log.close()


def test_who_waits_gets_the_log_when_its_holder_ends(tmp_path: Path):
    log = open_log(tmp_path, role="import")
    threading.Timer(0.3, log.close).start()
    second = open_log(tmp_path, role="cli", wait=20)
    assert second.append([event(1)]).accepted == 1
    second.close()


def test_a_dead_owners_socket_is_no_obstacle(tmp_path: Path):
    stale = socket.socket(socket.AF_UNIX)
    with_short_name = os.open(tmp_path, os.O_RDONLY)
    stale.bind(f"/proc/self/fd/{with_short_name}/log.sock")
    os.close(with_short_name)
    stale.close()
    log = open_log(tmp_path, role="cli")
    assert isinstance(log, OwnedLog)
    log.close()
    house = Served(tmp_path)
    assert house.log.append([event(1)]).accepted == 1
    house.log.close()
    house.stop()
    assert not (tmp_path / "log.sock").exists()


def test_a_client_rides_over_a_restart_of_the_owner(house: Served):
    house.log.append([event(1)])
    house.stop()
    restart = threading.Timer(0.5, house._start)
    client = house.log
    restart.start()
    assert client.append([event(2)]) == Receipt(1, 0, 0, 2)
    restart.join()
    client.close()


def test_without_an_owner_the_client_gives_up_and_says_so(house: Served):
    house.stop()
    client = SocketLog(house.folder, patience=0.2)
    with pytest.raises(LogUnavailableError):
        client.append([event(1)])
    with pytest.raises(LogUnavailableError):
        client.history(Query())
    house.owned = own_log(house.folder, role="serve")
    house.server = serve_log(house.folder, house.owned)
    assert client.append([event(1)]).accepted == 1


class _CutOff:
    """Lets the owner answer, then breaks the connection before the client reads the answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cuts = 0
        real = http.client.HTTPConnection.getresponse

        def getresponse(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
            response = real(connection)
            if self.cuts:
                self.cuts -= 1
                response.read()
                raise ConnectionResetError
            return response

        monkeypatch.setattr(http.client.HTTPConnection, "getresponse", getresponse)


def test_an_answer_lost_on_the_way_does_not_store_twice(
    house: Served, monkeypatch: pytest.MonkeyPatch
):
    cut = _CutOff(monkeypatch)
    cut.cuts = 2
    receipt = house.log.append([event(number) for number in range(1, 101)])
    assert receipt == Receipt(0, 100, 0, 100)
    assert house.owned.stats().events == 100


def test_a_lost_answer_to_settling_a_row_is_not_repeated_blindly(
    house: Served, monkeypatch: pytest.MonkeyPatch
):
    cut = _CutOff(monkeypatch)
    cut.cuts = 1
    with pytest.raises(LogUnavailableError):
        house.log.quarantine_dismiss(1, by="u_chen", reason="", now=event(1).event_time)


def test_a_client_that_dies_in_the_middle_of_a_batch_stores_nothing_of_it(house: Served):
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(str(house.folder / "log.sock"))
    whole = OPERATIONS["append"].call((), ([event(1)], []))
    raw.sendall(b"POST /v3/append HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(whole))
    raw.sendall(whole[:-1])
    raw.close()
    assert house.log.stats().events == 0


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v3/append", b"not json", 400),
        ("/v3/append", b'[[{"source": 1}], []]', 400),
        ("/v3/drop", b"[]", 404),
        ("/v3/search", b'[[], [{"limit": 0}]]', 409),
        ("/v3/read_after", b'[[], ["\xff", 1]]', 400),
    ],
)
def test_a_malformed_call_is_refused_and_the_owner_goes_on(
    house: Served, path: str, body: bytes, status: int
):
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(str(house.folder / "log.sock"))
    head = f"POST {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
    raw.sendall(head.encode() + body)
    assert raw.recv(4096).startswith(f"HTTP/1.1 {status}".encode())
    raw.close()
    assert house.log.append([event(1)]).accepted == 1


def test_stopping_does_not_wait_for_idle_clients(tmp_path: Path):
    house = Served(tmp_path)
    house.log.read_after(0)
    began = time.monotonic()
    house.stop()
    assert time.monotonic() - began < 25  # the wait for a stuck call is 30 s
    house.log.close()


def test_another_process_reads_while_this_one_writes(house: Served):
    house.log.append([event(number) for number in range(1, 11)])
    code = (
        "import sys, pathlib\n"
        "from auditlog.client import open_log\n"
        "log = open_log(pathlib.Path(sys.argv[1]), role='cli')\n"
        "print(type(log).__name__, log.stats().events)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(house.folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == ["SocketLog", "10"]
