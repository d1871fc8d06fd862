"""What crosses the socket: Arrow rows, whole or not at all, from callers of any kind."""

import http.client
import io
import json
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_port_suite import NOON, B, event

from auditlog.arrow_rows import BATCH_ROWS, EVENTS, REJECTS, RowsRefusedError
from auditlog.client import SocketLog, open_log
from auditlog.errors import LogFailedError, LogUnavailableError, LogVersionError
from auditlog.events import Event
from auditlog.owner import OwnedLog, own_log, serve_log
from auditlog.port import FactRow, Query, Receipt, Reject, fact_row
from auditlog.wire import OPERATIONS, ROWS_TYPE, VERSION
from store.problems import Problem

APPEND = OPERATIONS["append"]


@pytest.fixture(name="owned")
def _owned(tmp_path: Path) -> Iterator[OwnedLog]:
    log = own_log(tmp_path, role="serve")
    server = serve_log(tmp_path, log)
    yield log
    server.stop()
    log.close()


def connected(folder: Path) -> socket.socket:
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(30)
    handle = os.open(folder, os.O_RDONLY)
    raw.connect(f"/proc/self/fd/{handle}/log.sock")
    os.close(handle)
    return raw


def send(folder: Path, body: bytes, path: str = f"{VERSION}append") -> tuple[int, bytes]:
    """One call with these bytes; the status and the body of the answer."""
    with connected(folder) as raw:
        raw.sendall(f"POST {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = http.client.HTTPResponse(raw, method="POST")
        answer.begin()
        return answer.status, answer.read()


def call(events: Sequence[Event], rejects: Sequence[Reject] = ()) -> bytes:
    return APPEND.call((), (events, rejects))


# --- rows go as Arrow ---------------------------------------------------------------------------


def test_a_batch_goes_as_arrow_streams_behind_one_line_of_json():
    line, _, rest = call([event(1), event(2)], [Reject("{", (Problem("EVENT_JSON"),))]).partition(
        b"\n"
    )
    assert json.loads(line) == [[2, 1], []]
    source = pa.BufferReader(rest)
    first = pa.ipc.open_stream(source).read_all()
    assert first.schema == EVENTS.schema
    assert first["event_id"].to_pylist() == ["E-1", "E-2"]
    assert pa.ipc.open_stream(source).read_all()["raw"].to_pylist() == ["{"]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("search", (Query(limit=10_000),)),
        ("read_after", (0, 10_000)),
        ("history", (Query(),)),
        ("timeline", ("u_liu", None, 10_000)),
    ],
)
def test_a_large_answer_comes_in_batches_as_it_is_made(
    owned: OwnedLog, tmp_path: Path, name: str, arguments: tuple[object, ...]
):
    sent = [event(number, message="长" * 700) for number in range(1, 10_001)]
    owned.append(sent)
    body = OPERATIONS[name].call(arguments)
    with connected(tmp_path) as raw:
        raw.sendall(
            f"POST {VERSION}{name} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )
        answer = http.client.HTTPResponse(raw, method="POST")
        answer.begin()
        assert answer.getheader("Content-Type") == ROWS_TYPE
        assert answer.getheader("Transfer-Encoding") == "chunked"
        answer.readline()
        sizes = [batch.num_rows for batch in pa.ipc.open_stream(answer)]
    assert sizes == [BATCH_ROWS] * (10_000 // BATCH_ROWS)
    with_client = SocketLog(tmp_path)
    assert [row.event for row in with_client.read_after(0, 10_000)] == sent
    with_client.close()


def test_many_facts_cross_the_socket_as_they_are(owned: OwnedLog, tmp_path: Path):
    rows = [
        fact_row("basis", {"n": n, "text": "沪铜"}, event_time=NOON, org=B) for n in range(2_500)
    ]
    client = SocketLog(tmp_path)
    assert client.append_facts("basis", rows, recorded_at=NOON) == (2_500, 0)
    assert client.facts("basis", limit=10_000) == owned.facts("basis", limit=10_000)
    assert [FactRow(*one[1:3], *one[4:]) for one in client.facts("basis", limit=10_000)] == rows
    client.close()


# --- nothing by halves --------------------------------------------------------------------------


def _events_stream(**changed: pa.Array) -> bytes:
    """One event whose columns are replaced: a call of a client with a fault in it."""
    batch = EVENTS.batch([event(1)])
    columns = [changed.get(name, batch.column(name)) for name in batch.schema.names]
    out = io.BytesIO()
    fields = [pa.field(n, c.type) for n, c in zip(batch.schema.names, columns, strict=True)]
    with pa.ipc.new_stream(out, pa.schema(fields)) as stream:
        stream.write_batch(pa.record_batch(columns, schema=pa.schema(fields)))
    REJECTS.write(out, iter(()))
    return b"[[1,0],[]]\n" + out.getvalue()


def _broken_utf8() -> pa.Array:
    offsets = pa.py_buffer((0).to_bytes(4, "little") + (2).to_bytes(4, "little"))
    return pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff\xfe")])


WHOLE = call([event(1), event(2)])
HOSTILE = {
    "nothing": b"",
    "no json": b"\xff" * 500,
    "json alone": b"[[1,0],[]]",
    "rows that are none": b"[[1,0],[]]\n" + b"ARROW1\0\0" * 40,
    "a length beyond all": b"[[1,0],[]]\n\xff\xff\xff\xff\xff\xff\xff\x7f" + b"x" * 64,
    "fewer rows than announced": b"[[3,0],[]]" + WHOLE[WHOLE.index(b"\n") :],
    "more rows than announced": b"[[1,0],[]]" + WHOLE[WHOLE.index(b"\n") :],
    "cut": WHOLE[:-300],
    "cut between two batches": WHOLE[: WHOLE.index(b"\n") + 1],
    "more behind": WHOLE + b"x",
    "an unknown kind": _events_stream(kind=pa.array(["gossip"])),
    "no source": _events_stream(source=pa.array([None], pa.string())),
    "no json attributes": _events_stream(attributes=pa.array(["{"])),
    "attributes that are a list": _events_stream(attributes=pa.array(["[]"])),
    "a time beyond the calendar": _events_stream(event_time=pa.array([2**62], pa.timestamp("us"))),
    "text that is no utf-8": _events_stream(actor=_broken_utf8()),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_are_refused_and_the_owner_goes_on(
    owned: OwnedLog, tmp_path: Path, body: bytes
):
    status, answer = send(tmp_path, body)
    assert status == 400, answer
    assert json.loads(answer)["code"] == "LOG_CALL_WRONG"
    assert owned.stats().events == 0
    assert send(tmp_path, WHOLE)[0] == 200
    assert owned.stats().events == 2


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_call_is_read_whole_or_refused(data: st.DataObject):
    body = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        _, (events, rejects) = APPEND.read_call(bytes(body))
    except (ValueError, LogVersionError):
        return
    assert [len(events), len(rejects)] == json.loads(bytes(body).partition(b"\n")[0])[0]
    assert all(isinstance(one, Event) for one in events)


@pytest.mark.parametrize(
    "head",
    [
        b"\x00\xff\x16\x03\x01" * 100 + b"\r\n\r\n",
        b"POST /v3/append HTTP/1.1\r\n\r\n",
        b"POST /v3/append HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v3/append HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n",
        b"POST /v3/" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /v3/append HTTP/1.1\r\n\r\n",
        b"POST /v3/append HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
)
def test_what_is_no_call_at_all_does_not_stop_the_owner(
    owned: OwnedLog, tmp_path: Path, head: bytes
):
    with connected(tmp_path) as raw:
        raw.sendall(head)
        raw.recv(65_536)
    assert send(tmp_path, WHOLE)[0] == 200
    assert owned.stats().events == 2


def test_a_client_that_dies_while_it_reads_does_not_stop_the_owner(owned: OwnedLog, tmp_path: Path):
    owned.append([event(number, message="x" * 2_000) for number in range(1, 5_001)])
    body = OPERATIONS["history"].call((Query(),))
    raw = connected(tmp_path)
    raw.sendall(
        f"POST {VERSION}history HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )
    raw.recv(1_000)
    raw.close()
    client = SocketLog(tmp_path)
    assert len(list(client.history(Query()))) == 5_000
    client.close()


@contextmanager
def _answering(folder: Path, answer: bytes) -> Iterator[None]:
    """An owner that gives every caller these bytes and goes away."""
    listener = socket.socket(socket.AF_UNIX)
    handle = os.open(folder, os.O_RDONLY)
    listener.bind(f"/proc/self/fd/{handle}/log.sock")
    os.close(handle)
    listener.listen()

    def serve() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller:
                # To the end of it: who hangs up on a request half read breaks the caller's pipe.
                with caller.makefile("rb") as request:
                    request.readline()
                    headers = http.client.parse_headers(request)
                    request.read(int(headers["Content-Length"]))
                caller.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(30)


def _answer(owned: OwnedLog, folder: Path) -> bytes:
    """The very bytes of a real answer to `history`."""
    owned.append([event(number) for number in range(1, 1_201)])
    body = OPERATIONS["history"].call((Query(),))
    with connected(folder) as raw:
        raw.sendall(
            f"POST {VERSION}history HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )
        return b"".join(iter(lambda: raw.recv(65_536), b""))


@pytest.mark.parametrize("missing", [5, 6, 400, 100_000])
def test_an_owner_that_dies_in_its_answer_is_never_taken_for_the_end(
    owned: OwnedLog, tmp_path: Path, missing: int
):
    whole = _answer(owned, tmp_path)
    elsewhere = tmp_path / "dying"
    elsewhere.mkdir()
    client = SocketLog(elsewhere, patience=0.1)
    with _answering(elsewhere, whole):
        assert len(list(client.history(Query()))) == 1_200
        assert len(client.read_after(0)) == 1_200
    (elsewhere / "log.sock").unlink()
    with _answering(elsewhere, whole[:-missing]):
        with pytest.raises(LogUnavailableError):
            list(client.history(Query()))
        with pytest.raises(LogUnavailableError):
            client.read_after(0)
    client.close()


def test_an_answer_that_makes_no_sense_is_a_fault_of_the_log(tmp_path: Path):
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nnot arrow"
    with _answering(tmp_path, body):
        client = SocketLog(tmp_path, patience=30)
        for ask in (client.stats, lambda: client.read_after(0), lambda: client.append([event(1)])):
            with pytest.raises(LogFailedError):
                ask()
        client.close()


# --- releases -----------------------------------------------------------------------------------


def test_a_client_of_another_release_is_told_so(owned: OwnedLog, tmp_path: Path):
    for path in ("/v1/append", "/v2/append", f"{VERSION}unheard_of"):
        status, answer = send(tmp_path, WHOLE, path)
        assert (status, json.loads(answer)["code"]) == (404, "LOG_VERSION")
    assert owned.stats().events == 0


def test_other_columns_name_the_release_not_the_rows(owned: OwnedLog, tmp_path: Path):
    status, answer = send(tmp_path, _events_stream(seq=pa.array(["1"])))
    assert (status, json.loads(answer)["code"]) == (404, "LOG_VERSION")
    assert "seq" in json.loads(answer)["message"]
    assert owned.stats().events == 0


def test_an_owner_of_the_first_release_is_named_and_its_file_left_alone(tmp_path: Path):
    refusal = json.dumps({"code": "LOG_OPERATION_UNKNOWN", "message": "/v3/ping"}).encode()
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%b" % (len(refusal), refusal)
    with _answering(tmp_path, answer):
        with pytest.raises(LogVersionError, match="/v3/ping"):
            open_log(tmp_path, role="cli")
        client = SocketLog(tmp_path, patience=30)
        with pytest.raises(LogVersionError):
            client.append([event(1)])
        client.close()
    assert not (tmp_path / "log.duckdb").exists()


def test_rows_of_a_wrong_type_fail_as_they_are_written(owned: OwnedLog, tmp_path: Path):
    client = SocketLog(tmp_path)
    with pytest.raises((TypeError, ValueError)):
        client.append([event(1, seq="one")])
    with pytest.raises(RowsRefusedError):
        list(EVENTS.batches(pa.BufferReader(b"")))
    assert client.append([event(1)]) == Receipt(1, 0, 0, 1)
    assert owned.stats().events == 1
    client.close()
