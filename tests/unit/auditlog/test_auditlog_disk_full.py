"""A disk without room: nothing acknowledged is lost, and the log goes on when there is room again.

The limit is the system's own on the size of a file (RLIMIT_FSIZE), so the write really fails.
"""

import contextlib
import random
import resource
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditlog.client import SocketLog
from auditlog.errors import DiskFullError
from auditlog.events import Event, EventKind
from auditlog.owner import own_log, serve_log
from auditlog.port import LogPort, Query, Reject
from store.problems import Problem

NOON = datetime(2024, 5, 14, 12, tzinfo=UTC)
MEGABYTE = 1_000_000


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process can grow beyond `size`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def batch(first: int, rows: int, letters: int) -> list[Event]:
    """Events whose messages cannot be packed any smaller."""
    source = random.Random(first)
    return [
        Event(
            source="erp",
            event_id=f"E-{number}",
            event_time=NOON + timedelta(seconds=number),
            arrival_time=NOON + timedelta(seconds=number),
            kind=EventKind.BUSINESS,
            type="voucher.post",
            message=source.randbytes(letters * 3 // 4).hex(),
        )
        for number in range(first, first + rows)
    ]


def fill(log: LogPort, rows: int, letters: int, most: int = 5_000) -> tuple[int, str]:
    """Append until the disk is full; how many events were acknowledged, and what was said."""
    kept = 0
    while kept < most:
        try:
            kept += log.append(batch(kept, rows, letters)).accepted
        except DiskFullError as error:
            return kept, str(error)
    raise AssertionError("the disk was never full")


def held(log: LogPort) -> list[str]:
    return [row.event.event_id for row in log.read_after(0, 10_000)]


def test_a_commit_without_room_leaves_nothing_and_the_next_one_with_room_goes_on(tmp_path: Path):
    log = own_log(tmp_path, role="test")
    with files_up_to(2 * MEGABYTE):
        kept, _ = fill(log, 50, 4_000)
        assert kept
        assert held(log) == [f"E-{number}" for number in range(kept)]
        with pytest.raises(DiskFullError):
            log.append(batch(kept, 50, 4_000))
    receipt = log.append(batch(kept, 50, 4_000))
    assert (receipt.accepted, receipt.last_position) == (50, kept + 50)
    log.close()
    again = own_log(tmp_path, role="test")
    assert held(again) == [f"E-{number}" for number in range(kept + 50)]
    again.close()


def test_a_log_that_could_not_be_packed_is_opened_again_by_itself(tmp_path: Path):
    # the log beside the file is written into it at 16 MB: the second time goes over the limit
    log = own_log(tmp_path, role="test")
    with files_up_to(19 * MEGABYTE):
        kept, said = fill(log, 20, 40_000)
        assert "checkpoint" in said
        assert log.count(Query()) >= kept
    receipt = log.append(batch(kept, 20, 40_000))
    # what was not acknowledged may be there all the same: the sender's second try finds it
    assert receipt.accepted + receipt.duplicates == 20
    assert receipt.last_position == kept + 20
    assert held(log) == [f"E-{number}" for number in range(kept + 20)]
    log.close()


def test_rows_for_quarantine_and_facts_are_told_in_the_same_way(tmp_path: Path):
    log = own_log(tmp_path, role="test")
    source = random.Random(1)
    rejects = [
        Reject(source.randbytes(100_000).hex(), (Problem("EVENT_JSON"),), "a.csv", line)
        for line in range(40)
    ]
    with files_up_to(2 * MEGABYTE), pytest.raises(DiskFullError):
        log.append([], rejects)
    assert list(log.quarantine()) == []
    assert log.append([], rejects).quarantined == 40
    log.close()


def test_a_client_hears_the_same_and_goes_on(tmp_path: Path):
    log = own_log(tmp_path, role="serve")
    with serve_log(tmp_path, log):
        client = SocketLog(tmp_path)
        with files_up_to(2 * MEGABYTE):
            kept, _ = fill(client, 50, 4_000)
        assert client.append(batch(kept, 50, 4_000)).accepted == 50
        assert held(client) == [f"E-{number}" for number in range(kept + 50)]
        client.close()
    log.close()
