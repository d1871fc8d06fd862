"""The book in the database: two times, corrections, repeatable imports, snapshots."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from sqlmodel import SQLModel

from book import latest_snapshot, read_state, snapshots
from book.basis import BasisStats
from book.codec import from_document, to_document
from book.errors import NegativeQuantityError, QuantityRangeError, TimelessError
from book.exposure import compute
from book.limits import Limit, Measure
from book.positions import (
    Commitment,
    ErpSync,
    FuturesPosition,
    InventoryLot,
    OptionPosition,
    PhysicalContract,
    PositionClaim,
    PriceType,
    PricingFixation,
    Receipt,
    ReceiptStatus,
    Side,
)
from book.prices import MarketPrice, PriceKind
from book.products import ContractSpec
from book.snapshot import freeze, state_hash
from book.state import FACT_FIELDS, BookState, Quota, field_of
from book.tables import TABLES
from book.units import UnitConversion
from book.vouchers import (
    AccountClass,
    DocumentAmount,
    HedgeRelationship,
    HedgeType,
    LedgerAccount,
)
from book.write import (
    Dated,
    put,
    put_contract,
    put_dated,
    put_limit,
    put_position,
    put_price,
    put_receipt,
    put_snapshot,
    retire,
)
from store import Store, open_engine
from tests.unit.book.test_book_exposure import books, case_ten
from trail import TrailKeeper, find, open_keys

D = Decimal
DAY1 = datetime(2024, 5, 14, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = DAY1

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    engine = open_engine(f"sqlite:///{tmp_path / 'book.db'}")
    SQLModel.metadata.create_all(engine)
    keeper = TrailKeeper(open_keys(tmp_path / "keys").trail)
    yield Store(engine, clock=clock, before_commit=[keeper])
    engine.dispose()


def position(lots: int, org: str = "G/A", key: str = "cu2406") -> FuturesPosition:
    return FuturesPosition(org=org, product="cu", key=key, lots=lots, month="2406")


def lots_at(store: Store, as_of: datetime, known_at: datetime) -> list[int]:
    with store.reader() as connection:
        return [p.lots for p in read_state(connection, as_of=as_of, known_at=known_at).futures]


def one_of_each() -> list[Any]:
    place = {"org": "G/A", "product": "cu", "month": "2406", "account": "1"}
    return [
        PhysicalContract(
            **place,
            contract_id="C",
            side=Side.BUY,
            quantity=D("1000.5"),
            price_type=PriceType.FORMULA,
            pricing_days=(date(2024, 5, 13), date(2024, 5, 15)),
        ),
        PricingFixation(
            org="G/A", fixation_id="F", contract_id="C", quantity=D(1), price=D("7E4"), at=DAY1
        ),
        Receipt(**place, receipt_id="R", quantity=D(1), status=ReceiptStatus.UNPOSTED),
        InventoryLot(**place, lot_id="L", quantity=D("0.10"), pool=True, unit_cost=D(5)),
        Commitment(**place, order_id="O", side=Side.SELL, quantity=D(3), created_at=DAY1),
        ErpSync(org="G/A", order_id="O"),
        position(5),
        PositionClaim(**place, key="k", version=41, site="CN", lots=120, at=DAY1),
        OptionPosition(**place, key="o", lots=4, delta=D("0.3923791")),
        MarketPrice(product="cu", kind=PriceKind.SPOT, price=D(70120), at=DAY1, source="smm"),
        Limit(limit_id="N", org="G", product="cu", amount=D(500), measure=Measure.GROSS),
        BasisStats(org="G", product="cu", month="2406", mean=D(110), sd=D(60), n=250),
        LedgerAccount(org="G", code="1122", account_class=AccountClass.RECEIVABLE),
        HedgeRelationship(org="G", hedge_id="H", hedge_type=HedgeType.FAIR_VALUE, effective=False),
        DocumentAmount(org="G", document_id="SO", kind="order", amount=D("1286400.00")),
        Quota(org="G", quota_id="Q", product="cu", side="sell", lots=D(100)),
        ContractSpec(product="lc", multiplier=D(1), base_unit="lots"),
        UnitConversion("t", "bbl", D("7.45"), date(2024, 5, 1), "assay", "sc"),
    ]


def test_every_kind_of_fact_comes_back_as_it_was_written(store: Store):
    facts = one_of_each()
    assert {field_of(fact) for fact in facts} == set(FACT_FIELDS) == set(TABLES)
    with store.unit_of_work("system:import") as uow:
        written = put(uow, facts, valid_from=DAY1, source="erp")
    assert (written.inserted, written.duplicates) == (len(facts), 0)
    with store.reader() as connection:
        state = read_state(connection, as_of=DAY1, known_at=DAY1)
    assert state == BookState().put(*facts)


def test_the_same_import_again_changes_nothing_and_leaves_no_record(store: Store):
    for wanted in (18, 0):
        with store.unit_of_work("system:import") as uow:
            assert put(uow, one_of_each(), valid_from=DAY1, source="erp").inserted == wanted
    with store.reader() as connection:
        (record,) = find(connection, action="book.import")
    assert record.body["given"] == 18
    assert record.body["inserted"]["book.receipt"] == 1


def test_a_correction_is_a_new_row_and_the_old_answer_can_still_be_given(
    store: Store, clock: Clock
):
    with store.unit_of_work("u_1") as uow:
        assert put_position(uow, position(100), valid_from=DAY1, source="broker")
    clock.now = DAY1 + 5 * HOUR
    with store.unit_of_work("u_1") as uow:
        assert put_position(uow, position(90), valid_from=DAY1, source="broker")
    assert lots_at(store, DAY1, DAY1) == [100]
    assert lots_at(store, DAY1, DAY1 + 5 * HOUR) == [90]


def test_what_arrives_late_does_not_push_out_what_came_after_it(store: Store, clock: Clock):
    with store.unit_of_work("u_1") as uow:
        put_position(uow, position(300), valid_from=DAY1 + 2 * HOUR, source="broker")
    clock.now = DAY1 + 3 * HOUR
    with store.unit_of_work("u_1") as uow:
        put_position(uow, position(100), valid_from=DAY1, source="broker")
    known = DAY1 + 3 * HOUR
    assert lots_at(store, DAY1 + 2 * HOUR, known) == [300]
    assert lots_at(store, DAY1 + HOUR, known) == [100]
    assert lots_at(store, DAY1 + HOUR, DAY1 + 2 * HOUR) == []


def test_back_to_an_earlier_value_is_a_change_too(store: Store):
    with store.unit_of_work("u_1") as uow:
        for hour, lots in enumerate((100, 120, 100)):
            assert put_position(uow, position(lots), valid_from=DAY1 + hour * HOUR, source="b")
    assert lots_at(store, DAY1 + 2 * HOUR, DAY1) == [100]


def test_a_correction_taken_back_needs_the_sources_next_version(store: Store):
    with store.unit_of_work("u_1") as uow:
        for version, lots in ((1, 100), (2, 90), (3, 100)):
            put(uow, [position(lots)], valid_from=DAY1, source="b", version=version)
    assert lots_at(store, DAY1, DAY1) == [100]


def test_a_retired_fact_is_gone_from_its_moment_on(store: Store):
    with store.unit_of_work("u_1") as uow:
        put_position(uow, position(100), valid_from=DAY1, source="b")
        retire(uow, position(100), valid_from=DAY1 + HOUR, source="b")
    assert lots_at(store, DAY1, DAY1) == [100]
    assert lots_at(store, DAY1 + HOUR, DAY1) == []


def test_single_facts_leave_the_fact_itself_in_the_trail(store: Store):
    with store.unit_of_work("u_1") as uow:
        limit = Limit(limit_id="N", org="G", product="cu", amount=D(500))
        assert put_limit(uow, limit, valid_from=DAY1, source="console")
    with store.reader() as connection:
        (record,) = find(connection, action="limit.set")
    assert (record.object_type, record.org, record.actor) == ("book.limit", "G", "u_1")
    assert record.body["fact"]["amount"] == "500"


def test_an_organisation_reads_its_own_and_what_binds_from_above(store: Store):
    facts = [
        position(1, "G/A"),
        position(2, "G/A/T1"),
        position(4, "G/AB"),
        position(8, "g/a/t1"),
        position(16, "G"),
        Limit(limit_id="top", org="G", product="cu", amount=D(1)),
        Limit(limit_id="other", org="G/AB", product="cu", amount=D(1)),
    ]
    with store.unit_of_work("u_1") as uow:
        put(uow, facts, valid_from=DAY1, source="b")
    with store.reader() as connection:
        state = read_state(connection, as_of=DAY1, known_at=DAY1, orgs=["G/A"])
    assert sorted(p.lots for p in state.futures) == [1, 2]
    assert [limit.limit_id for limit in state.limits] == ["top"]


def test_small_writers_and_older_prices(store: Store):
    facts = one_of_each()
    quote = MarketPrice(
        product="cu", kind=PriceKind.SPOT, price=D(1), at=DAY1 - 48 * HOUR, source="smm"
    )
    with store.unit_of_work("u_1") as uow:
        assert put_contract(uow, facts[0], valid_from=DAY1, source="erp")
        assert put_receipt(uow, facts[2], valid_from=DAY1, source="wms")
        assert put_price(uow, quote)
        assert not put_price(uow, quote)
    with store.reader() as connection:
        assert len(read_state(connection, as_of=DAY1, known_at=DAY1).prices) == 1
        since = DAY1 - HOUR
        state = read_state(connection, as_of=DAY1, known_at=DAY1, prices_since=since)
    assert state.prices == ()


def test_what_cannot_be_kept_is_refused(store: Store):
    with pytest.raises(TimelessError), store.unit_of_work("u") as uow:
        put(uow, [position(1)], valid_from=datetime(2024, 1, 1), source="x")  # noqa: DTZ001
    huge = InventoryLot(org="G", product="cu", lot_id="L", quantity=D("1e15"))
    with pytest.raises(QuantityRangeError), store.unit_of_work("u") as uow:
        put(uow, [huge], valid_from=DAY1, source="x")
    below = [
        InventoryLot(org="G", product="cu", lot_id="L", quantity=D(-1)),
        PhysicalContract(org="G", product="cu", contract_id="P", side=Side.BUY, quantity=D(-1)),
        Limit(limit_id="L", org="G", product="cu", amount=D(-1)),
    ]
    for fact in below:
        with pytest.raises(NegativeQuantityError), store.unit_of_work("u") as uow:
            put(uow, [fact], valid_from=DAY1, source="x")


def test_arrival_in_any_order_gives_the_same_book_and_hash(tmp_path: Path):
    facts = [Dated(position(n, key=f"k{n % 3}"), DAY1 + n * HOUR) for n in range(9)]
    hashes = set()
    for step in (1, 2, 4, 5):
        order = [facts[n * step % 9] for n in range(9)]
        clock = Clock()
        engine = open_engine(f"sqlite:///{tmp_path / f'{step}.db'}")
        SQLModel.metadata.create_all(engine)
        keeper = TrailKeeper(open_keys(tmp_path / "keys").trail)
        store = Store(engine, clock=clock, before_commit=[keeper])
        for dated in order:
            clock.now += HOUR
            with store.unit_of_work("u") as uow:
                put_dated(uow, [dated], source="b")
        with store.reader() as connection:
            state = read_state(connection, as_of=DAY1 + 20 * HOUR, known_at=clock.now)
        hashes.add(state_hash(state, DAY1)[0])
        engine.dispose()
    assert len(hashes) == 1


def test_the_hash_names_the_facts_and_not_their_order():
    state = case_ten()
    turned = BookState(
        contracts=state.contracts[::-1],
        lots=state.lots,
        futures=state.futures[::-1],
        options=state.options,
    )
    one = freeze(state, compute(state, DAY1), as_of=DAY1, known_at=DAY1)
    two = freeze(turned, compute(turned, DAY1)[::-1], as_of=DAY1, known_at=DAY1 + HOUR)
    assert (one.hash, one.outputs_hash) == (two.hash, two.outputs_hash)
    other = state.put(position(1))
    assert state_hash(other, DAY1)[0] != one.hash
    assert state_hash(state, DAY1 + HOUR)[0] != one.hash
    assert one.manifest["contracts"]["count"] == 4


def test_a_later_day_end_is_version_two_and_version_one_stays(store: Store, clock: Clock):
    day = date(2024, 5, 14)
    first, second = case_ten(), case_ten().put(position(1))
    for state, version in ((first, 1), (first, 1), (second, 2)):
        clock.now += HOUR
        snapshot = freeze(state, compute(state, DAY1), as_of=DAY1, known_at=clock.now)
        with store.unit_of_work("u_fin") as uow:
            signed = put_snapshot(uow, snapshot, org="G", trading_day=day, purpose="day_end")
        assert signed.version == version
    with store.reader() as connection:
        kept = snapshots(connection, org="G")
        newest = latest_snapshot(connection, org="G", purpose="day_end")
        assert latest_snapshot(connection, org="G") is None
        assert len(find(connection, action="snapshot.sign")) == 2
    assert [(day_, version) for day_, version, _ in kept] == [(day, 1), (day, 2)]
    assert newest == kept[1][2]
    assert (
        kept[0][2].outputs == freeze(first, compute(first, DAY1), as_of=DAY1, known_at=DAY1).outputs
    )


@settings(deadline=None, max_examples=40)
@given(books("a"))
def test_documents_keep_every_value(state: BookState):
    for name in FACT_FIELDS:
        for fact in getattr(state, name):
            assert from_document(type(fact), to_document(fact)) == fact
