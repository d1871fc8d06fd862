"""What comes late: judged again within its source's lateness, left to look-backs beyond it."""

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy

from agents.facts import is_late
from auditlog.events import Event
from tests.unit.agents.agents_house import (
    House,
    alert,
    event,
    order,
    quote,
    surroundings,
    timeout,
)


def vouchers(late: float = 0) -> list[Event]:
    common = {"order": "SO-1", "amount": "100.00", "debit": "1122", "credit": "6001", "late": late}
    return [
        event("voucher.post", -7200, voucher="V-1", **common),
        event("voucher.post", -7100, voucher="V-2", **common),
    ]


def recon(after: float = 0) -> Event:
    return event("recon.run", after, kind="risk", actor="system", as_of="2024-05-14")


# --- the basis ----------------------------------------------------------------------------------


def test_a_jump_between_two_quotes_is_told(house: House):
    house.arrive(quote("70120", 0), quote("70720", 60))
    (match,) = house.records(kind="match")
    assert match.body["code"] == "BASIS_JUMP"
    assert Decimal(match.body["evidence"]["jump"]) == 600


def test_quotes_that_arrive_the_other_way_round_tell_the_same_jump(house: House):
    house.arrive(quote("70120", 0, late=200), quote("70720", 60))
    (match,) = house.records(kind="match")
    assert Decimal(match.body["evidence"]["jump"]) == 600
    assert match.body["event_time"] == "2024-05-14T02:01:00Z"


def test_a_quote_in_between_that_comes_late_decides_its_neighbour_anew(house: House):
    """120 → 720 became 120 → 130 → 720: the neighbour's jump is 590 now."""
    house.arrive(quote("70120", 0), quote("70720", 60), quote("70130", 30, late=100))
    told = [one.body["evidence"]["jump"] for one in house.records(kind="match")]
    assert [Decimal(one) for one in told] == [600, 590]


def test_a_quote_beyond_its_lateness_changes_the_book_and_tells_nothing(house: House):
    house.arrive(quote("70120", 0), quote("70720", 60, late=301))
    assert house.codes() == []
    house.arrive(quote("71400", 400))
    (match,) = house.records(kind="match")
    assert Decimal(match.body["evidence"]["jump"]) == 680  # from the quote that came late


# --- correlations -------------------------------------------------------------------------------


def test_a_correlation_that_a_late_event_makes_greater_names_the_one_before(house: House):
    for number in range(5):
        house.arrive(timeout(f"RK{number}", 10 * number))
    house.arrive(timeout("RK5", 5, late=120))
    (found,) = house.records(kind="decision", action="correlation.supersede")
    assert found.reason == "LATE_EVENT"
    assert found.body["rule"] == "INBOUND_TIMEOUT_CLUSTER"
    assert found.body["supersedes"] != found.object_id


def test_a_correlation_that_grows_as_events_come_is_no_late_verdict(house: House):
    house.arrive(*(timeout(f"RK{number}", 8 * number) for number in range(6)))
    found = house.records(kind="decision", action="correlation.supersede")
    assert {one.reason for one in found} == {"MORE_EVIDENCE"}


def test_an_absence_is_taken_back_when_the_awaited_event_comes_within_its_lateness(house: House):
    around = surroundings()
    created = [order(f"SO-{number}", 30 * number) for number in range(4)]
    synced = [event("erp.sync", 30 * number + 10, order=f"SO-{number}") for number in range(4)]
    assert not any(is_late(one, around) for one in [*created, *synced])
    house.arrive(*created, *synced)
    house.wait_for_absences()
    assert "ERP_UNSYNCED" not in house.codes()


def test_beyond_its_lateness_an_event_is_judged_by_no_live_rule(house: House):
    house.arrive(
        *(timeout(f"RK{number}", 8 * number, qty=1, late=301) for number in range(5)),
        alert("A1", "red", 0, arrival_time="2024-05-14T02:05:01Z"),
        event("fund.transfer.request", 0, late=301, order="T", amount="1", actor="lin"),
        event("fund.transfer.failed", 1, late=301, kind="exception", order="T"),
        order("SO-1", 0, actor="tmp", late=301),
    )
    assert house.codes() == []
    assert house.decisions("order.submit") == []


def test_within_its_own_source_s_lateness_a_replica_is_judged(house: House):
    common = {"key": "cu2406/8", "version": 7}
    house.arrive(
        event("position.update", 0, site="CN", qty=10, **common),
        event("replica.apply", 100, late=890, kind="system", site="DE", **common),
    )
    assert "REPLICA_LAG" in house.codes()


# --- look-backs ---------------------------------------------------------------------------------


def test_events_beyond_their_lateness_are_seen_by_a_look_back(house: House):
    house.arrive(*vouchers(late=7200), recon(200))
    assert house.codes() == ["DUP_VOUCHER"]
    assert [one[1] for one in house.decisions("lookback.run")] == ["found"]


def test_a_look_back_that_found_nothing_is_on_record(house: House):
    house.arrive(recon(0))
    assert [one[1] for one in house.decisions("lookback.run")] == ["none"]


def test_a_voucher_that_comes_while_the_look_back_is_open_makes_it_run_again(house: House):
    first, second = vouchers()
    house.arrive(first, recon(0))
    assert house.codes() == []
    house.append(event("voucher.post", -7100, late=7300, **_same(second)))
    house.look()
    assert house.codes() == ["DUP_VOUCHER"]
    one, other = house.records(kind="decision", action="lookback.run")
    assert (one.outcome, other.outcome) == ("none", "found")
    assert other.body["supersedes"] == one.uid


def test_a_voucher_that_comes_after_the_look_back_has_closed_waits_for_the_next(house: House):
    first, second = vouchers()
    house.arrive(first, recon(0))
    house.append(event("voucher.post", -7100, late=7500, **_same(second)))
    house.look()
    assert house.codes() == []
    house.arrive(recon(600))
    assert house.codes() == ["DUP_VOUCHER"]


@pytest.mark.parametrize(
    ("first", "asked"), [(recon(0), 3), (alert("A-0", "yellow", 0), 1)], ids=["recon", "alert"]
)
def test_a_round_asks_once_for_open_look_backs_and_anew_when_it_ran_one(
    house: House, first: Event, asked: int
):
    """Each question is paid for by every event behind it; none that the round ran is missed."""
    questions: list[str] = []
    sqlalchemy.event.listen(
        house.store._writing,
        "before_cursor_execute",
        lambda *args: questions.append(args[2]) if "open_until >=" in args[2] else None,
    )
    for one in (first, alert("A-1", "yellow", 10), alert("A-2", "yellow", 20)):
        house.append(one)
    house.look()
    assert len(questions) == asked


def test_a_backlog_runs_the_look_back_again_as_it_was_run_live(house: House):
    """The voucher came while the look-back was open; both are read hours later, one by one."""
    first, second = vouchers()
    late = event("voucher.post", -7100, late=7300, **_same(second))
    house.append(first)
    house.append(recon(0))
    house.at(4 * 3600)
    house.look()
    assert house.codes() == []
    house.append(late)
    house.look()
    assert house.codes() == ["DUP_VOUCHER"]


def test_the_same_look_back_finds_the_same_once(house: House):
    house.arrive(*vouchers(), recon(0), recon(100))
    assert house.codes() == ["DUP_VOUCHER", "DUP_VOUCHER"]
    assert len(house.orders()) == 1


def test_a_look_back_sees_its_own_organisation_and_no_later_day(house: House):
    first, second = vouchers()
    other = {**_same(second), "org": "Group/West"}
    house.arrive(first, event("voucher.post", -7100, **other), recon(0))
    house.arrive(event("voucher.post", 24 * 3600, **_same(second)))
    assert house.codes() == []


def _same(voucher: Event) -> dict[str, Any]:
    names = ("order", "voucher")
    return {
        **{name: getattr(voucher, name) for name in names},
        "amount": str(voucher.amount),
        "debit": "1122",
        "credit": "6001",
    }


@pytest.mark.parametrize(("late", "expected"), [(300, False), (301, True)])
def test_late_is_beyond_the_lateness(late: int, expected: bool):
    assert is_late(quote("1", 0, late=late), surroundings()) is expected
