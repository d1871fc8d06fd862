"""Settling a row in quarantine: wherever a process dies, log and trail say the same in the end."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from flow_house import EAST, House, house

import trail
from auditlog.errors import LogUnavailableError
from auditlog.port import Reject
from service.serving import schedulers_of
from service.settling_rows import SOURCE, finish
from store import inbox
from store.problems import Problem

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
MENDED = {"field.event_time": "2024-05-14T09:30:00"}
REASON = {"reason": "sent by the test system"}
ACTS = [("replay", MENDED, "replayed"), ("dismiss", REASON, "dismissed")]


class Died(BaseException):
    """As if the process had been killed here."""


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def row(home: House) -> int:
    raw = json.dumps(
        {"source": "erp", "event_id": "E1", "kind": "business", "type": "login", "org": EAST,
         "actor": "liu", "order": "SO-1", "event_time": "2024-05-14 09:30"}
    )  # fmt: skip
    fault = Problem("EVENT_TIME_NAIVE", field="event_time", found="2024-05-14 09:30")
    home.app.log.append([], [Reject(raw, (fault,), "x.csv", 3, EAST)])
    return int(home.app.log.quarantine()[0].number)


def recorded(home: House, verb: str) -> list[tuple[str, str]]:
    with home.app.store.reader() as connection:
        found = trail.find(connection, action=f"quarantine.{verb}", limit=10)
    return [(one.actor, one.outcome) for one in found]


def waiting(home: House) -> int:
    with home.app.store.reader() as connection:
        return len(inbox.pending(connection, source=SOURCE))


def killed(home: House, number: int, verb: str, form: dict[str, str], *, after: bool) -> None:
    """The request of a process that dies right before, or right after, the log is written."""
    real = getattr(home.app.log, f"quarantine_{verb}")
    reached = []

    def dies(*given: Any, **named: Any) -> Any:
        reached.append(verb)
        if after:
            real(*given, **named)
        raise Died

    client = home.signed_in("chen")
    with pytest.MonkeyPatch.context() as patch, suppress(Died):
        patch.setattr(home.app.log, f"quarantine_{verb}", dies)
        client.post(f"/log/quarantine/{number}/{verb}", data=form)
    assert reached == [verb]


@pytest.mark.parametrize("after", [False, True], ids=["before the log", "after the log"])
@pytest.mark.parametrize(("verb", "form", "outcome"), ACTS)
def test_what_a_killed_process_left_is_carried_to_its_end_once(
    home: House, verb: str, form: dict[str, str], outcome: str, *, after: bool
) -> None:
    number = row(home)
    killed(home, number, verb, form, after=after)
    kept = home.app.log.quarantine_read(number)
    assert kept is not None
    assert kept.state == (outcome if after else "open")
    assert recorded(home, verb) == []
    assert waiting(home) == 1

    assert finish(home.app) == 1
    assert finish(home.app) == 0
    settled = home.app.log.quarantine_read(number)
    assert settled is not None
    assert (settled.state, settled.settled_by) == (outcome, "chen")
    assert recorded(home, verb) == [("chen", outcome)]
    assert len(home.app.log.timeline("SO-1")) == (1 if verb == "replay" else 0)


def test_the_service_carries_it_to_its_end_by_itself(home: House) -> None:
    number = row(home)
    killed(home, number, "dismiss", REASON, after=True)
    every = [job for one in schedulers_of(home.app) for job in one._jobs]
    (job,) = [one for one in every if one.name == "quarantine"]
    job.run(home.clock())
    assert recorded(home, "dismiss") == [("chen", "dismissed")]


def test_a_wish_that_comes_too_late_changes_nothing_and_does_not_wait(home: House) -> None:
    number = row(home)
    killed(home, number, "replay", MENDED, after=False)
    home.signed_in("chen").post(f"/log/quarantine/{number}/dismiss", data=REASON)
    assert recorded(home, "dismiss") == [("chen", "dismissed")]
    finish(home.app)
    assert waiting(home) == 0
    assert recorded(home, "replay") == []
    assert home.app.log.timeline("SO-1") == []


@pytest.mark.parametrize(("verb", "form", "outcome"), ACTS)
def test_while_the_log_does_not_answer_the_wish_is_kept_and_the_person_told(
    home: House, verb: str, form: dict[str, str], outcome: str
) -> None:
    number = row(home)
    client = home.signed_in("chen")

    def away(*_: Any, **__: Any) -> Any:
        raise LogUnavailableError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(home.app.log, f"quarantine_{verb}", away)
        answer = client.post(f"/log/quarantine/{number}/{verb}", data=form)
        assert answer.status_code == 303
        assert "as soon as the audit log answers" in client.get("/log/quarantine").text
        assert finish(home.app) == 0
    assert recorded(home, verb) == []
    assert finish(home.app) == 1
    assert recorded(home, verb) == [("chen", outcome)]
