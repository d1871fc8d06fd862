"""A full statement ends what it no longer mentions, and nothing that it did not read."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlmodel import SQLModel

import trail
from book.positions import PositionClaim
from book.read import read_state
from book.state import BookState
from book.write import put_position
from integrations.errors import NoStatementError
from integrations.files import (
    Batch,
    Entry,
    Full,
    ImportResult,
    Kind,
    Terms,
    preview,
    replay,
    take_in,
)
from store import Store, open_engine
from tests.breaking import Breaking, Broken

Read = Callable[..., Batch]
ORG = "华东钢铁"
ACCOUNT = "880009"
HEAD = "contract,org,account,lots,as_of\n"
FULL = Full()
CHINA_MIDNIGHT = timedelta(hours=8)
NOW = datetime(2024, 6, 3, 2, 0, tzinfo=UTC)  # Monday 10:00 in Shanghai


def _rows(day: str, *rows: str, account: str = ACCOUNT) -> str:
    return "".join(
        f"{contract},{ORG},{account},{lots},{day}\n"
        for contract, lots in (row.split() for row in rows)
    )


def _statement(day: str, *rows: str, account: str = ACCOUNT) -> str:
    return HEAD + _rows(day, *rows, account=account)


def _bring(store: Store, batch: Batch, full: Full | None = None) -> ImportResult:
    with store.unit_of_work("cli:tester") as uow:
        return take_in(uow, batch, full)


def _book(store: Store, as_of: datetime, known_at: datetime | None = None) -> BookState:
    with store.reader() as connection:
        return read_state(connection, as_of=as_of, known_at=known_at or store.clock())


def _lots(book: BookState) -> dict[str, int]:
    return {one.key: one.lots for one in book.futures if one.lots}


def _day(number: int, hour: int = 12) -> datetime:
    return datetime(2024, 5, number, hour, tzinfo=UTC) - CHINA_MIDNIGHT


def _ids(result: ImportResult) -> list[str]:
    return [one.id for one in result.closed]


def _codes(result: ImportResult) -> list[str]:
    return [one.code for one in result.errors]


@pytest.fixture
def opened(store: Store, read: Read) -> Store:
    """An account with four positions since the 14th."""
    _bring(store, read(Kind.POSITIONS, _statement("2024-05-14", *OPEN)))
    return store


OPEN = ("cu2406 10", "cu2407 5", "cu2408 1", "cu2409 2")


def test_what_a_full_statement_leaves_out_ends_at_its_time(
    opened: Store, read: Read, clock: list[datetime]
) -> None:
    before = clock[0]
    clock[0] += timedelta(hours=1)
    later = read(Kind.POSITIONS, _statement("2024-05-15", "cu2406 10", "cu2407 6"))
    result = _bring(opened, later, FULL)
    assert _ids(result) == ["cu2408/880009", "cu2409/880009"]
    assert (result.written, result.unmentioned, result.warnings) == (True, 0, ())
    assert _lots(_book(opened, clock[0])) == {"cu2406/880009": 10, "cu2407/880009": 6}
    everything = {"cu2406/880009": 10, "cu2407/880009": 5, "cu2408/880009": 1, "cu2409/880009": 2}
    assert _lots(_book(opened, _day(14))) == everything  # as of the day before
    assert _lots(_book(opened, _day(16), before)) == everything  # as it was known before


def test_the_dry_run_names_what_would_end_and_ends_nothing(opened: Store, read: Read) -> None:
    batch = read(Kind.POSITIONS, _statement("2024-05-15", "cu2406 10", "cu2407 6"))
    with opened.reader() as connection:
        looked = preview(connection, batch, opened.clock(), FULL)
    assert _ids(looked) == ["cu2408/880009", "cu2409/880009"]
    assert (looked.written, looked.accepted) == (False, 2)
    assert looked.closed[0].as_dict() == {
        "kind": "futures", "org": ORG, "account": ACCOUNT, "id": "cu2408/880009", "amount": "1",
        "since": _day(15, 0),
    }  # fmt: skip
    assert len(_lots(_book(opened, opened.clock()))) == 4


def test_the_same_statement_again_changes_nothing(opened: Store, read: Read) -> None:
    text = _statement("2024-05-15", "cu2406 10", "cu2407 6", "cu2408 1")
    assert len(_bring(opened, read(Kind.POSITIONS, text), FULL).closed) == 1
    with opened.reader() as connection:
        size = trail.find(connection, limit=1)[0].seq
    again = _bring(opened, read(Kind.POSITIONS, text, file="again.csv"), FULL)
    assert (again.accepted, again.duplicates, again.closed) == (0, 3, ())
    with opened.reader() as connection:
        assert trail.find(connection, limit=1)[0].seq == size


def test_a_row_that_could_not_be_read_keeps_everything_open(opened: Store, read: Read) -> None:
    text = _statement("2024-05-15", "cu2406 10", "cu2407 6", "cu2408 zwei")
    result = _bring(opened, read(Kind.POSITIONS, text), FULL)
    assert (result.closed, result.quarantined, result.accepted) == ((), 1, 2)
    assert [one.code for one in result.warnings] == [
        "IMPORT_FULL_WITHHELD", "IMPORT_ROWS_NOT_MENTIONED",
    ]  # fmt: skip
    assert result.unmentioned == 2
    assert _lots(_book(opened, opened.clock()))["cu2409/880009"] == 2
    mended = read(Kind.POSITIONS, text.replace("zwei", "2"))
    assert _ids(_bring(opened, mended, FULL)) == ["cu2409/880009"]


@pytest.mark.parametrize(
    ("confirmed", "codes"),
    [
        (None, ["IMPORT_FULL_UNCONFIRMED"]),
        (2, ["IMPORT_FULL_OTHER_COUNT"]),
        (0, ["IMPORT_FULL_OTHER_COUNT"]),
        (3, []),
    ],
)
def test_a_statement_that_ends_more_than_half_has_to_be_confirmed_by_the_count(
    opened: Store, read: Read, confirmed: int | None, codes: list[str]
) -> None:
    batch = read(Kind.POSITIONS, _statement("2024-05-15", "cu2406 11"))
    with opened.reader() as connection:
        size = trail.find(connection, limit=1)[0].seq
    result = _bring(opened, batch, Full(confirmed=confirmed))
    assert (_codes(result), len(result.closed)) == (codes, 3)
    assert (result.refused, result.written) == (bool(codes), not codes)
    standing = _lots(_book(opened, opened.clock()))
    if codes:
        assert standing == {one.split()[0] + "/880009": int(one.split()[1]) for one in OPEN}
        with opened.reader() as connection:
            assert trail.find(connection, limit=1)[0].seq == size  # nothing was written
    else:
        assert standing == {"cu2406/880009": 11}


def test_half_of_an_account_may_end_and_more_may_not(opened: Store, read: Read) -> None:
    half = read(Kind.POSITIONS, _statement("2024-05-15", "cu2406 10", "cu2407 5"))
    assert not _bring(opened, half, FULL).refused
    rolled = read(Kind.POSITIONS, _statement("2024-05-16", "cu2410 10", "cu2411 5"))
    refused = _bring(opened, rolled, FULL)
    (problem,) = refused.errors
    assert (problem.params["count"], problem.params["held"]) == ("2", "2")
    assert problem.found == "cu2406/880009, cu2407/880009"


@pytest.mark.parametrize("text", [HEAD, ""], ids=["header", "nothing"])
def test_an_empty_file_ends_nothing(opened: Store, read: Read, text: str) -> None:
    result = _bring(opened, read(Kind.POSITIONS, text), Full(confirmed=4))
    assert result.errors
    assert result.closed == ()
    assert [one.code for one in result.warnings] == ["IMPORT_FULL_WITHHELD"]
    assert len(_lots(_book(opened, opened.clock()))) == 4


def test_an_empty_statement_of_a_named_account_ends_it_once_confirmed(
    opened: Store, read: Read
) -> None:
    empty = read(Kind.POSITIONS, HEAD)
    covers = {(ORG, ACCOUNT): _day(15)}
    refused = _bring(opened, empty, Full(covers=covers))
    assert _codes(refused) == ["IMPORT_FULL_UNCONFIRMED"]
    done = _bring(opened, empty, Full(covers=covers, confirmed=4))
    assert (done.errors, len(done.closed)) == ((), 4)
    assert _lots(_book(opened, _day(15))) == {}
    assert len(_lots(_book(opened, _day(14)))) == 4
    again = _bring(opened, empty, Full(covers=covers))
    assert [one.code for one in again.warnings] == ["IMPORT_FULL_NOTHING"]


def test_a_file_that_could_not_be_read_is_no_empty_statement(opened: Store, read: Read) -> None:
    covers = Full(covers={(ORG, ACCOUNT): _day(15)}, confirmed=4)
    for content in (b"PK\x03\x04 cut off", b"\x00\x01\x02", b"", "合约;组织\n".encode()):
        result = _bring(opened, read(Kind.POSITIONS, content), covers)
        assert result.errors, content
        assert result.closed == (), content
    assert len(_lots(_book(opened, opened.clock()))) == 4


def test_only_accounts_of_the_statement_end(opened: Store, read: Read) -> None:
    other = _statement("2024-05-14", "cu2406 3", "cu2407 3", account="77")
    _bring(opened, read(Kind.POSITIONS, other))
    text = _statement("2024-05-15", "cu2406 3", account="77")
    assert _ids(_bring(opened, read(Kind.POSITIONS, text), FULL)) == ["cu2407/77"]
    assert len(_lots(_book(opened, opened.clock()))) == 5


def test_what_ended_opens_again_with_a_later_row_and_at_the_same_time(
    opened: Store, read: Read
) -> None:
    short = _statement("2024-05-15", "cu2406 10", "cu2407 5", "cu2408 1")
    _bring(opened, read(Kind.POSITIONS, short), FULL)
    assert "cu2409/880009" not in _lots(_book(opened, _day(15)))
    corrected = read(Kind.POSITIONS, short + _rows("2024-05-15", "cu2409 2"))
    assert _bring(opened, corrected, FULL).accepted == 1
    assert _lots(_book(opened, _day(15)))["cu2409/880009"] == 2
    # and the short one, said once more, is heard once more
    assert _ids(_bring(opened, read(Kind.POSITIONS, short), FULL)) == ["cu2409/880009"]
    assert "cu2409/880009" not in _lots(_book(opened, _day(15)))
    undated = HEAD.replace(",as_of", "") + f"cu2409,{ORG},{ACCOUNT},2\n"
    assert _bring(opened, read(Kind.POSITIONS, undated)).accepted == 1
    assert _lots(_book(opened, opened.clock()))["cu2409/880009"] == 2


def test_a_corrected_statement_of_the_same_time_wins_though_recorded_at_the_same_moment(
    store: Store, read: Read
) -> None:
    every = [f"cu24{month:02d} {month}" for month in range(7, 13)]
    every += [f"al24{month:02d} {month}" for month in range(7, 13)]
    _bring(store, read(Kind.POSITIONS, _statement("2024-05-15", *every)), FULL)
    kept = read(Kind.POSITIONS, _statement("2024-05-15", *every[:6]))
    assert len(_bring(store, kept, FULL).closed) == 6
    assert {one[:2] for one in _lots(_book(store, _day(15)))} == {"cu"}


def test_wherever_it_breaks_nothing_of_the_statement_stands(
    opened: Store, read: Read, signer: trail.Signer
) -> None:
    _bring(opened, read(Kind.POSITIONS, _statement("2024-05-20", *OPEN[:2])), FULL)
    breaking = Breaking()
    broken = Store(
        opened.engine,
        clock=opened.clock,
        before_commit=[trail.TrailKeeper(signer)],
        failpoint=breaking,
    )
    text = _statement("2024-05-16", *OPEN[:2], "cu2411 4")  # closes two, and ends one later

    def contents() -> list[int]:
        with opened.reader() as connection:
            tables = SQLModel.metadata.sorted_tables
            return [
                connection.execute(select(func.count()).select_from(one)).scalar_one()
                for one in tables
            ]

    before = contents()
    for place in range(1, 100):
        breaking.at, breaking.count = place, 0
        try:
            result = _bring(broken, read(Kind.POSITIONS, text), FULL)
        except Broken:
            assert contents() == before, place
        else:
            assert (len(result.closed), place > 8) == (2, True)
            return
    raise AssertionError("it never ends")


def test_a_late_statement_ends_until_what_came_after_it(opened: Store, read: Read) -> None:
    _bring(opened, read(Kind.POSITIONS, _statement("2024-05-20", "cu2409 7", "cu2410 1")))
    late = read(Kind.POSITIONS, _statement("2024-05-17", "cu2406 10", "cu2407 5", "cu2408 1"))
    assert _ids(_bring(opened, late, FULL)) == ["cu2409/880009"]
    assert "cu2409/880009" not in _lots(_book(opened, _day(18)))
    after = _lots(_book(opened, _day(21)))
    assert (after["cu2409/880009"], after["cu2410/880009"]) == (7, 1)


def test_goods_end_by_account_too(store: Store, read: Read) -> None:
    head = "lot_id,org,product,quantity,as_of\n"
    rows = [f"L-{number},{ORG},cu,{number}0.5,2024-05-14\n" for number in (1, 2, 3)]
    _bring(store, read(Kind.INVENTORY, head + "".join(rows)))
    after = read(Kind.INVENTORY, head + "".join(rows[:2]).replace("-14", "-15"))
    (closed,) = _bring(store, after, FULL).closed
    assert (closed.kind, closed.id, closed.amount) == ("lots", "L-3", Decimal("30.5"))
    assert {one.lot_id for one in _book(store, _day(16)).lots} == {"L-1", "L-2"}


@pytest.mark.parametrize(
    "kind", [one for one in Kind if one not in {Kind.POSITIONS, Kind.INVENTORY}]
)
def test_other_kinds_are_no_statement(store: Store, read: Read, kind: Kind) -> None:
    batch = read(kind, "x\n")
    with store.reader() as connection, pytest.raises(NoStatementError):
        preview(connection, batch, store.clock(), FULL)


def test_the_record_names_who_what_and_how_much(opened: Store, read: Read) -> None:
    batch = read(Kind.POSITIONS, _statement("2024-05-15", "cu2406 11"))
    _bring(opened, batch, Full(confirmed=3))
    with opened.reader() as connection:
        record = trail.find(connection, action="import.file", limit=1)[0]
        retired = trail.find(connection, action="book.retire", limit=1)[0]
    assert record.actor == retired.actor == "cli:tester"
    said = record.body["full"]
    assert (said["closed"], said["confirmed"], said["covers"]) == (3, 3, [])
    assert [one["id"] for one in said["rows"]] == [
        "cu2407/880009", "cu2408/880009", "cu2409/880009",
    ]  # fmt: skip
    assert retired.body["inserted"] == {"book.futures": 3}


def test_a_sites_own_claim_is_told_and_left(opened: Store, read: Read) -> None:
    def claim(version: int, lots: int, key: str) -> PositionClaim:
        return PositionClaim(
            org=ORG, product="cu", month="2412", account=ACCOUNT, key=key, version=version,
            site="上海", lots=lots, at=_day(14),
        )  # fmt: skip

    with opened.unit_of_work("agent:test") as uow:
        for one in (claim(1, 3, "cu2412/x"), claim(1, 3, "cu2412/y"), claim(2, 0, "cu2412/y")):
            put_position(uow, one, valid_from=_day(14), source="site")
    text = _statement("2024-05-15", "cu2406 10", "cu2407 5", "cu2408 1")
    (warning,) = _bring(opened, read(Kind.POSITIONS, text), FULL).warnings
    assert (warning.code, warning.found) == ("IMPORT_FULL_CLAIMED", "cu2412/x")
    assert warning.params["count"] == "1"
    assert {one.key for one in _book(opened, _day(16)).claims} == {"cu2412/x", "cu2412/y"}


def test_a_row_that_comes_late_ends_where_a_full_statement_left_it_out(
    opened: Store, read: Read
) -> None:
    stated = _statement("2024-05-20", "cu2406 10", "cu2407 5", "cu2408 1")
    _bring(opened, read(Kind.POSITIONS, stated), FULL)
    late = read(Kind.POSITIONS, _statement("2024-05-16", "cu2411 3", "cu2406 4"))
    with opened.reader() as connection:
        looked = preview(connection, late, opened.clock())
    brought = _bring(opened, late)
    for result in (looked, brought):
        (warning,) = [one for one in result.warnings if one.code == "IMPORT_ENDED_LATER"]
        assert (warning.found, warning.params["count"]) == ("cu2411/880009", "1")
    assert _lots(_book(opened, _day(19)))["cu2411/880009"] == 3
    after = _lots(_book(opened, _day(21)))
    assert after == {"cu2406/880009": 10, "cu2407/880009": 5, "cu2408/880009": 1}
    # the like of it on an account that nobody stated in full goes on
    other = _statement("2024-05-16", "cu2411 3", account="77")
    _bring(opened, read(Kind.POSITIONS, other))
    assert _lots(_book(opened, _day(21)))["cu2411/77"] == 3


def test_a_mended_row_of_the_quarantine_ends_there_too(
    opened: Store, read: Read, terms: Terms
) -> None:
    text = _statement("2024-05-16", "cu2411 drei")
    number = _bring(opened, read(Kind.POSITIONS, text)).quarantined
    _bring(opened, read(Kind.POSITIONS, _statement("2024-05-20", *OPEN)), FULL)
    with opened.unit_of_work("cli:tester") as uow:
        assert isinstance(replay(uow, number, {"lots": "3"}, terms), Entry)
    assert _lots(_book(opened, _day(17)))["cu2411/880009"] == 3
    assert "cu2411/880009" not in _lots(_book(opened, _day(21)))


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (f"contract,org,account,lots\ncu2406,{ORG},{ACCOUNT},1\n", "IMPORT_FULL_UNDATED", 2),
        (
            _statement("2024-05-15", "cu2406 1") + _rows("2024-05-16", "cu2407 1"),
            "IMPORT_FULL_TIMES",
            3,
        ),
        (_statement("2024-06-04", *OPEN), "IMPORT_FULL_AHEAD", 0),
    ],
)
def test_a_statement_is_true_as_of_one_time_that_has_been(
    opened: Store, read: Read, text: str, code: str, line: int
) -> None:
    result = _bring(opened, read(Kind.POSITIONS, text), Full(confirmed=3))
    assert [(one.code, one.line) for one in result.errors] == [(code, line)]
    assert (result.refused, result.written) == (True, False)
    assert len(_lots(_book(opened, _day(30)))) == 4


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.sets(st.integers(5, 12), min_size=1), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_in_whatever_order_statements_arrive_the_book_of_each_day_is_its_statement(
    signer: trail.Signer, read: Read, days: list[set[int]], order: random.Random
) -> None:
    engine = open_engine("sqlite://")
    SQLModel.metadata.create_all(engine)
    store = Store(engine, clock=lambda: NOW, before_commit=[trail.TrailKeeper(signer)])
    arrivals = list(enumerate(days, 10))
    order.shuffle(arrivals)
    for day, months in arrivals:
        text = _statement(f"2024-05-{day}", *(f"cu24{month:02d} {day}" for month in months))
        batch = read(Kind.POSITIONS, text)
        with store.reader() as connection:
            count = len(preview(connection, batch, NOW, FULL).closed)
        assert _bring(store, batch, Full(confirmed=count)).written
    for day, months in arrivals:
        wanted = {f"cu24{month:02d}/880009": day for month in months}
        assert _lots(_book(store, _day(day))) == wanted
    engine.dispose()
