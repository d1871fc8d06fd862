"""What every audit log must do; each adapter's test gives the `house` fixture."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import pytest

from auditlog.errors import (
    BadQueryError,
    LogClosedError,
    SqlRefusedError,
    SqlTimeoutError,
    UnknownFieldError,
    UnknownRowError,
)
from auditlog.events import Event, EventKind, parse_event
from auditlog.port import FactRow, LogPort, Query, Receipt, Reject, fact_row
from store.problems import Problem

NOON = datetime(2024, 5, 14, 12, 0, tzinfo=UTC)
A, B, GROUP = "山东化工集团/子公司A", "山东化工集团/子公司B", "山东化工集团"


class House(Protocol):
    """A log that can be closed and opened anew."""

    log: LogPort

    def reopen(self) -> LogPort: ...


def event(number: int = 1, /, **fields: object) -> Event:
    at = NOON + timedelta(seconds=number)
    values = {
        "source": "erp",
        "event_id": f"E-{number}",
        "event_time": at,
        "arrival_time": at + timedelta(seconds=1),
        "kind": EventKind.BUSINESS,
        "type": "order.create",
        "seq": number,
        "org": B,
        "actor": "u_liu",
    }
    return Event(**(values | fields))


def ids(rows: object) -> list[str]:
    return [row.event.event_id for row in rows]


class LogPortSuite:
    """Inherited by each adapter's test class."""

    @pytest.fixture
    def log(self, house: House) -> LogPort:
        return house.log

    # -- storing

    def test_what_was_acknowledged_is_there_after_the_log_is_opened_anew(self, house: House):
        sent = [event(number) for number in range(1, 501)]
        receipt = house.log.append(sent)
        assert receipt == Receipt(500, 0, 0, 500)
        assert [row.event for row in house.reopen().read_after(0)] == sent

    def test_an_event_comes_back_exactly_as_it_went_in(self, log: LogPort):
        sent = event(
            1,
            role="trader",
            account="880009",
            product="cu",
            month="2406",
            object_type="order",
            object_id="O-1",
            order="19532",
            voucher="PZ-1",
            receipt="RK88001",
            alert="A01",
            outcome="failure",
            latency_ms=30_000,
            amount=Decimal("5300000.01"),
            currency="CNY",
            qty=Decimal("-7500.123456789"),
            source_system="SAP",
            region="CN",
            address="10.8.3.77",
            message="第一行\n第二行",
            attributes={"lots": 1500, "alerts": ["A01", "A02"], "ok": True, "side": "buy"},
        )
        log.append([sent])
        assert log.read_after(0)[0].event == sent
        assert log.get(sent.uid).event == sent

    @pytest.mark.parametrize(
        "number",
        [
            "0",
            "0.000000001",
            "-0.1",
            "99999999999999999999999999999.999999999",
            "12345678901234567.89",
        ],
    )
    def test_amounts_are_exact_to_the_last_digit(self, log: LogPort, number: str):
        log.append([event(1, amount=Decimal(number), qty=Decimal(number))])
        stored = log.read_after(0)[0].event
        assert (stored.amount, stored.qty) == (Decimal(number), Decimal(number))

    @pytest.mark.parametrize(
        "text",
        [
            "'; DROP TABLE log_events; --",
            '"order"',
            "%_\\",
            "{}[]",
            "\N{ZERO WIDTH JOINER}",
            "龍𠮷🀄",
            "a" * 60_000,
            "$1 ? :x",
        ],
    )
    def test_hostile_text_is_only_text(self, log: LogPort, text: str):
        sent = event(1, actor=text, order=text, org=text, message=text, attributes={text: text})
        log.append([sent, event(2)])
        assert log.get(sent.uid).event == sent
        assert ids(log.timeline(text)) == ["E-1"]
        assert ids(log.search(Query(actors=(text,), orgs=(text,))).rows) == ["E-1"]
        assert log.stats().events == 2

    def test_a_batch_sent_twice_is_stored_once(self, log: LogPort):
        sent = [event(number) for number in range(1, 11)]
        log.append(sent)
        assert log.append(sent) == Receipt(0, 10, 0, 10)
        assert log.append([*sent, event(11)]) == Receipt(1, 10, 0, 11)
        assert len(log.read_after(0)) == 11

    def test_an_event_twice_in_one_batch_is_stored_once(self, log: LogPort):
        assert log.append([event(1), event(1)]) == Receipt(1, 1, 0, 1)

    def test_a_later_arrival_of_the_same_event_is_a_duplicate(self, log: LogPort):
        log.append([event(1)])
        again = replace(event(1), arrival_time=NOON + timedelta(hours=1))
        assert log.append([again]) == Receipt(0, 1, 0, 1)

    def test_an_id_is_its_sources_own_and_may_return_another_day(self, log: LogPort):
        other = [event(1, source="wms"), event(1, event_time=NOON + timedelta(days=1))]
        assert log.append([event(1), *other]).accepted == 3
        assert log.append(other) == Receipt(0, 2, 0, 3)

    def test_an_id_used_again_for_something_else_is_quarantined_not_dropped(self, log: LogPort):
        log.append([event(1, amount=Decimal(100))])
        changed = event(1, amount=Decimal(900))
        assert log.append([changed]) == Receipt(0, 0, 1, 1, reused=(changed.uid,))
        row = log.quarantine()[0]
        assert [problem.code for problem in row.reject.problems] == ["EVENT_ID_REUSED"]
        assert '"amount":"900"' in row.reject.raw
        assert log.read_after(0)[0].event.amount == 100
        later = replace(changed, arrival_time=NOON + timedelta(hours=2))
        again = Receipt(0, 0, 0, 1, already_quarantined=1, reused=(changed.uid,))
        assert log.append([later]) == again

    def test_vouchers_of_many_days_are_told_apart_and_known_again(self, log: LogPort):
        days = [event(n, event_time=NOON - timedelta(days=n)) for n in range(1, 101)]
        assert log.append(days).accepted == 100
        assert log.append(days) == Receipt(0, 100, 0, 100)

    def test_an_empty_batch_is_acknowledged(self, log: LogPort):
        assert log.append([]) == Receipt(0, 0, 0, 0)

    # -- the watcher's order

    def test_positions_rise_without_gap_and_never_change(self, log: LogPort):
        log.append([event(number) for number in range(1, 4)])
        first = log.read_after(0)
        log.append([event(2), event(9), event(8)])
        rows = log.read_after(0)
        assert [row.position for row in rows] == [1, 2, 3, 4, 5]
        assert rows[:3] == first
        assert ids(rows) == ["E-1", "E-2", "E-3", "E-8", "E-9"]

    def test_within_a_batch_arrival_then_number_then_order_given_counts(self, log: LogPort):
        at = NOON + timedelta(hours=1)
        log.append(
            [
                event(5, arrival_time=at, seq=2),
                event(6, arrival_time=at, seq=1),
                event(7, arrival_time=NOON),
                event(8, arrival_time=at, seq=2),
            ]
        )
        assert ids(log.read_after(0)) == ["E-7", "E-6", "E-5", "E-8"]

    def test_reading_on_from_a_position(self, log: LogPort):
        log.append([event(number) for number in range(1, 8)])
        assert [row.position for row in log.read_after(2, 3)] == [3, 4, 5]
        assert log.read_after(7) == []

    def test_lateness_is_told_by_the_source(self, log: LogPort):
        def after(number: int, seconds: int, **fields: str) -> Event:
            at = NOON + timedelta(seconds=number)
            return event(number, arrival_time=at + timedelta(seconds=seconds), **fields)

        log.append(
            [
                after(1, 300),
                after(2, 301),
                after(3, 301, type="replica.apply"),
                after(4, 901, type="replica.apply"),
            ]
        )
        assert {row.event.event_id: row.late for row in log.read_after(0)} == {
            "E-1": False,
            "E-2": True,
            "E-3": False,
            "E-4": True,
        }

    def test_readers_see_whole_batches_while_others_write(self, log: LogPort):
        seen: list[int] = []
        failures: list[BaseException] = []
        done = threading.Event()

        def read() -> None:
            try:
                position = 0
                while not (done.is_set() and position == 2000):
                    rows = log.read_after(position, 10_000)
                    seen.extend(row.position for row in rows)
                    position = rows[-1].position if rows else position
            except BaseException as error:  # noqa: BLE001 (told to the test's own thread)
                failures.append(error)

        def write(start: int) -> None:
            try:
                for batch in range(5):
                    first = start + batch * 100
                    log.append([event(number) for number in range(first, first + 100)])
            except BaseException as error:  # noqa: BLE001
                failures.append(error)

        reader = threading.Thread(target=read)
        writers = [threading.Thread(target=write, args=(start,)) for start in (1, 501, 1001, 1501)]
        for thread in (reader, *writers):
            thread.start()
        for thread in writers:
            thread.join(60)
        done.set()
        reader.join(60)
        assert failures == []
        assert seen == list(range(1, 2001))

    # -- finding

    def _stock(self, log: LogPort) -> None:
        log.append(
            [
                event(1, actor="u_liu", product="cu", order="19532", type="fund.transfer.request"),
                event(
                    2,
                    kind=EventKind.EXCEPTION,
                    type="inbound.timeout",
                    source="wms",
                    actor="wms",
                    product="cu",
                    receipt="RK88001",
                ),
                event(3, org=A, actor="u_arisk", product="MA", outcome="failure", order="19532"),
                event(4, org=GROUP, kind=EventKind.SYSTEM, type="login", account="880009"),
                event(5, org=f"{B}二", type="inbound.posted", message="Posted LATE 入库"),
            ]
        )

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            (Query(), "54321"),
            (Query(order="oldest"), "12345"),
            (Query(limit=2), "54"),
            (Query(kinds=(EventKind.EXCEPTION,)), "2"),
            (Query(kinds=(EventKind.EXCEPTION, EventKind.SYSTEM)), "42"),
            (Query(types=("login", "inbound.timeout")), "42"),
            (Query(types=("inbound.*",)), "52"),
            (Query(sources=("wms",)), "2"),
            (Query(actors=("u_liu",), products=("cu",)), "1"),
            (Query(accounts=("880009",)), "4"),
            (Query(outcomes=("failure",)), "3"),
            (Query(object="19532"), "31"),
            (Query(object="RK88001"), "2"),
            (Query(object="E-5"), "5"),
            (Query(text="late 入库"), "5"),
            (Query(text="late 出库"), ""),
            (Query(text="rk880"), "2"),
            (Query(since=NOON + timedelta(seconds=2), until=NOON + timedelta(seconds=4)), "32"),
            (Query(org=GROUP), "54321"),
            (Query(orgs=(B,)), "21"),
            (Query(orgs=(A, B)), "321"),
            (Query(orgs=(GROUP,)), "54321"),
            (Query(orgs=(A,), org=B), ""),
            (Query(orgs=(A,), object="19532"), "3"),
            (Query(orgs=()), ""),
            (Query(after_position=1, until_position=3), "32"),
        ],
    )
    def test_every_filter_and_scope(self, log: LogPort, query: Query, found: str):
        self._stock(log)
        assert ids(log.search(query).rows) == [f"E-{digit}" for digit in found]
        if query.limit == 100:
            assert log.count(query) == len(found)
            assert sorted(ids(log.history(query))) == sorted(f"E-{digit}" for digit in found)

    def test_a_sibling_organisation_sees_no_row_on_any_way(self, log: LogPort):
        sent = [event(number, order="SO-B-9101", org=B) for number in range(1, 5)]
        log.append(sent, [Reject("{}", (Problem("EVENT_TIME"),), org=B)])
        log.append_facts("exposure", [_fact("cu", 1, org=B)], recorded_at=NOON)
        scope = (A,)
        assert log.search(Query(orgs=scope)).rows == ()
        assert list(log.timeline("SO-B-9101", orgs=scope)) == []
        assert list(log.history(Query(orgs=scope))) == []
        assert log.count(Query(orgs=scope)) == 0
        assert list(log.histogram(Query(orgs=scope))) == []
        assert list(log.group_by(Query(orgs=scope), "order")) == []
        assert list(log.quarantine(orgs=scope)) == []
        assert list(log.facts("exposure", orgs=scope)) == []
        assert log.sql("SELECT count(*) FROM events", orgs=scope).rows == ((0,),)
        assert len(log.timeline("SO-B-9101", orgs=(GROUP,))) == 4

    def test_pages_join_without_loss_even_at_equal_times(self, log: LogPort):
        log.append([event(number, event_time=NOON) for number in range(1, 26)])
        for order in ("newest", "oldest"):
            seen: list[str] = []
            cursor = ""
            while True:
                page = log.search(Query(limit=4, cursor=cursor, order=order))
                seen += ids(page.rows)
                cursor = page.cursor
                if not cursor:
                    break
            assert len(seen) == len(set(seen)) == 25

    @pytest.mark.parametrize(
        "query",
        [
            Query(limit=0),
            Query(limit=10_001),
            Query(cursor="1; DROP"),
            Query(cursor="9" * 18 + ".1"),
            Query(since=datetime(2024, 5, 14)),  # noqa: DTZ001 (the fault under test)
        ],
    )
    def test_a_wrong_query_is_refused(self, log: LogPort, query: Query):
        with pytest.raises(BadQueryError):
            log.search(query)

    def test_the_timeline_of_any_number_crosses_the_kinds_oldest_first(self, log: LogPort):
        log.append(
            [
                event(3, kind=EventKind.EXCEPTION, type="fund.transfer.failed", order="19532"),
                event(1, order="19532", actor="u_liu"),
                event(2, kind=EventKind.SYSTEM, type="permission.denied", object_id="19532"),
                event(4, order="19533"),
            ]
        )
        assert ids(log.timeline("19532")) == ["E-1", "E-2", "E-3"]
        assert ids(log.timeline("u_liu")) == ["E-1", "E-2", "E-3", "E-4"]
        assert ids(log.timeline("u_liu", limit=2)) == ["E-1", "E-2"]
        assert list(log.timeline("1953")) == []

    def test_history_is_the_log_as_it_stood_and_longer_than_a_page(self, log: LogPort):
        log.append([event(number) for number in range(1, 6001)])
        log.append([event(7000 + n, event_time=NOON - timedelta(days=n)) for n in (2, 1)])
        log.append([event(8000 + n, event_time=NOON) for n in range(5200)])
        rows = log.history(Query(order="newest"))
        seen = [next(rows)]
        log.append([event(20_000), event(20_001, event_time=NOON - timedelta(days=1))])
        seen += rows
        assert [row.event.event_id for row in seen[:2]] == ["E-7002", "E-7001"]
        assert len(seen) == len({row.position for row in seen}) == 11_202
        times = [(row.event.event_time, row.position) for row in seen]
        assert times == sorted(times)
        assert "E-20000" not in ids(seen)
        assert "E-20001" not in ids(seen)

    def test_the_histogram_counts_every_event_once(self, log: LogPort):
        log.append([event(number) for number in (0, 1, 59, 60, 61, 179)])
        log.append([event(100, kind=EventKind.SYSTEM)])
        query = Query(since=NOON, until=NOON + timedelta(minutes=4))
        buckets = log.histogram(query, 4)
        assert [bucket.events for bucket in buckets] == [3, 3, 1, 0]
        assert [bucket.start for bucket in buckets] == [
            NOON + timedelta(minutes=minute) for minute in range(4)
        ]
        assert buckets[1].kinds == {"business": 2, "system": 1}
        assert sum(bucket.events for bucket in log.histogram(Query(), 7)) == 7
        with pytest.raises(BadQueryError):
            log.histogram(query, 0)

    def test_groups_largest_first(self, log: LogPort):
        log.append([event(n, actor="u_liu" if n % 3 else "u_chen") for n in range(1, 10)])
        groups = log.group_by(Query(), "actor")
        assert [(group.value, group.events) for group in groups] == [("u_liu", 6), ("u_chen", 3)]
        assert groups[1].first == NOON + timedelta(seconds=3)
        assert groups[1].last == NOON + timedelta(seconds=9)
        assert len(log.group_by(Query(), "actor", 1)) == 1
        with pytest.raises(UnknownFieldError):
            log.group_by(Query(), "message; DROP TABLE log_events")

    # -- quarantine

    def test_a_bad_row_waits_with_its_reasons_and_is_replayed_when_mended(self, log: LogPort):
        problem = Problem("EVENT_TIME_NAIVE", file="a.csv", line=7, field="ts", found="2024-05-14")
        raw = (
            '{"event_id":"X1","log_class":"business","type":"order.create","actor":"u_liu",'
            '"ts":"2024-05-14T12:00:00","order":"19532"}'
        )
        bad = Reject(raw, (problem,), file="a.csv", line=7, org=B)
        assert log.append([event(1)], [bad]) == Receipt(1, 0, 1, 1)
        assert log.append([], [bad]) == Receipt(0, 0, 0, 1, already_quarantined=1)
        row = log.quarantine()[0]
        assert (row.reject, row.state) == (bad, "open")
        still = log.quarantine_replay(row.number, {"ts": "noon"}, by="u_chen", now=NOON)
        assert [found.code for found in still] == ["EVENT_TIME"]
        mended = {"ts": "2024-05-14T12:00:00+08:00"}
        receipt = log.quarantine_replay(row.number, mended, by="u_chen", now=NOON)
        assert receipt == Receipt(1, 0, 0, 2)
        assert ids(log.timeline("19532")) == ["X1"]
        settled = log.quarantine_read(row.number)
        assert (settled.state, settled.settled_by, settled.settled_at) == (
            "replayed",
            "u_chen",
            NOON,
        )
        assert list(log.quarantine()) == []
        with pytest.raises(UnknownRowError):
            log.quarantine_replay(row.number, mended, by="u_chen", now=NOON)

    def test_a_row_is_dismissed_once_and_stays_readable(self, log: LogPort):
        log.append([], [Reject("not json", (Problem("EVENT_JSON"),))])
        number = log.quarantine()[0].number
        log.quarantine_dismiss(number, by="u_chen", reason="测试数据", now=NOON)
        assert log.quarantine_read(number).reason == "测试数据"
        assert [row.number for row in log.quarantine(state=None)] == [number]
        with pytest.raises(UnknownRowError):
            log.quarantine_dismiss(number, by="u_chen", reason="", now=NOON)
        assert log.quarantine_read(99) is None

    def test_quarantine_survives_reopening_and_is_read_on_from_a_number(self, house: House):
        rejects = [Reject(str(n), (Problem("EVENT_JSON"),), line=n) for n in range(5)]
        house.log.append([], rejects)
        log = house.reopen()
        assert log.stats().quarantined == 5
        rows = log.quarantine(limit=2)
        assert [row.reject.line for row in rows] == [0, 1]
        assert [row.reject.line for row in log.quarantine(after=rows[-1].number)] == [2, 3, 4]

    def test_a_huge_or_broken_row_is_kept_shortened(self, log: LogPort):
        log.append([], [Reject("\ud800" + "x" * 10_000_000, (Problem("EVENT_TOO_LARGE"),))])
        assert len(log.quarantine()[0].reject.raw) <= 256 * 1024

    # -- facts

    def test_facts_are_kept_once_by_content(self, house: House):
        rows = [_fact("cu", 1), _fact("cu", 2), _fact("MA", 1)]
        assert house.log.append_facts("exposure", rows, recorded_at=NOON) == (3, 0)
        assert house.log.append_facts("exposure", rows, recorded_at=NOON) == (0, 3)
        more = [rows[0], _fact("lc", 9), _fact("lc", 9)]
        later = NOON + timedelta(hours=1)
        log = house.reopen()
        assert log.append_facts("exposure", more, recorded_at=later) == (1, 2)
        found = log.facts("exposure")
        assert [(fact.position, fact.body["product"]) for fact in found] == [
            (1, "cu"),
            (2, "cu"),
            (3, "MA"),
            (4, "lc"),
        ]
        assert found[0].body == {"product": "cu", "net": "-7500.5", "at": "2024-05-14T12:00:01Z"}
        assert found[3].recorded_at == later
        assert log.stats().facts == {"exposure": 4}

    def test_facts_by_time_hash_scope_and_position(self, log: LogPort):
        rows = [_fact("cu", 1), _fact("cu", 2, org=A), _fact("cu", 3)]
        log.append_facts("basis", rows, recorded_at=NOON)

        def seconds(**filters: object) -> list[int]:
            found = log.facts("basis", **filters)
            return [(fact.event_time - NOON).seconds for fact in found]

        assert seconds(since=NOON + timedelta(seconds=2)) == [2, 3]
        assert seconds(until=NOON + timedelta(seconds=2)) == [1]
        assert seconds(hashes=[rows[2].hash, "none"]) == [3]
        assert seconds(hashes=[]) == []
        assert seconds(orgs=(B,)) == [1, 3]
        assert seconds(after=1, limit=1) == [2]
        assert log.facts("feed") == []
        assert log.append_facts("basis", [], recorded_at=NOON) == (0, 0)

    @pytest.mark.parametrize("kind", ["", "Basis", "a b", "x; DROP TABLE log_events", "a" * 41])
    def test_a_fact_kind_is_a_plain_word(self, log: LogPort, kind: str):
        with pytest.raises(UnknownFieldError):
            log.append_facts(kind, [_fact("cu", 1)], recorded_at=NOON)
        with pytest.raises(UnknownFieldError):
            log.facts(kind)

    # -- the whole

    def test_stats_name_every_source_and_the_gaps_in_its_numbers(self, log: LogPort):
        log.append([event(number) for number in (3, 4, 7)])
        log.append([event(1, source="wms", seq=0), event(2, source="wms", seq=0)])
        stats = log.stats()
        assert (stats.events, stats.last_position) == (5, 5)
        erp, wms = stats.sources
        assert (erp.source, erp.events, erp.first_seq, erp.last_seq, erp.missing) == (
            "erp",
            3,
            3,
            7,
            2,
        )
        assert erp.last_event_time == NOON + timedelta(seconds=7)
        assert erp.last_arrival_time == NOON + timedelta(seconds=8)
        assert (wms.events, wms.missing) == (2, 0)

    def test_sql_reads_the_scoped_view(self, log: LogPort):
        self._stock(log)
        result = log.sql(
            "SELECT actor, count(*) AS n FROM events WHERE order_no = '19532' GROUP BY 1 ORDER BY 1"
        )
        assert result.columns == ("actor", "n")
        assert result.rows == (("u_arisk", 1), ("u_liu", 1))
        assert log.sql("WITH e AS (FROM events) SELECT count(*) FROM e", orgs=(B,)).rows == ((2,),)
        cut = log.sql("SELECT event_id FROM events ORDER BY 1", limit=2)
        assert (cut.rows, cut.truncated) == ((("E-1",), ("E-2",)), True)

    def test_sql_knows_events_by_the_same_uid_and_exact_amounts(self, log: LogPort):
        sent = event(1, source="邮件", event_id="甲-1", amount=Decimal("0.10"))
        log.append([sent])
        assert log.sql("SELECT uid, amount FROM events").rows == ((sent.uid, "0.1"),)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "DELETE FROM events",
            "DROP TABLE log_events",
            "SELECT * FROM log_events",
            'SELECT * FROM "LOG_EVENTS"',
            "SELECT * FROM main.log_events",
            "SELECT * FROM log_quarantine",
            "SELECT * FROM facts_exposure",
            "WITH log_events AS (SELECT * FROM log_events) SELECT * FROM log_events",
            "WITH x AS (SELECT * FROM log_events) SELECT * FROM x",
            "SELECT (SELECT max(actor) FROM log_events)",
            "SELECT * FROM events WHERE actor IN (FROM log_events SELECT actor)",
            "SELECT * FROM events UNION ALL SELECT * FROM log_events",
            "SELECT * FROM events, LATERAL (SELECT * FROM log_events) t",
            "SELECT * FROM query('SELECT * FROM log_events')",
            "SELECT * FROM query_table('log_events')",
            "SELECT * FROM read_text('/etc/passwd')",
            "SELECT * FROM '/etc/passwd'",
            "SELECT * FROM glob('/*')",
            "SELECT * FROM duckdb_settings()",
            "SELECT * FROM duckdb_tables",
            "SELECT * FROM information_schema.tables",
            "SELECT * FROM (SHOW TABLES)",
            "DESCRIBE log_events",
            "SELECT current_setting('memory_limit')",
            "SELECT getenv('HOME')",
            "SELECT 1; SELECT 2",
            "SELECT 1) UNION ALL (SELECT 2",
            "SELECT 1 /*",
            "SELECT ?",
            "COPY events TO 'x.csv'",
            "ATTACH ':memory:' AS x",
            "SET memory_limit='9GB'",
            "PRAGMA database_list",
            "CALL pragma_version()",
            "SELECT nothing FROM events",
            "SELECT " + "1 + " * 10_000 + "1",
        ],
    )
    def test_sql_beyond_one_query_over_the_view_is_refused(self, log: LogPort, text: str):
        log.append_facts("exposure", [_fact("cu", 1)], recorded_at=NOON)
        log.append([event(1)])
        with pytest.raises(SqlRefusedError):
            log.sql(text)
        assert log.stats().events == 1

    def test_a_query_without_end_is_stopped(self, log: LogPort):
        endless = "SELECT count(*) FROM range(10000000000) a, range(10000000000) b"
        with pytest.raises(SqlTimeoutError):
            log.sql(endless, seconds=0.2)
        assert log.append([event(1)]).accepted == 1

    def test_the_incident_form_is_found_by_its_numbers(self, log: LogPort):
        timeout = parse_event(
            {
                "event_id": "INC-1-004",
                "org": "恒信贸易/华东业务部",
                "ts": "2024-05-14T18:56:03+08:00",
                "seq": 4,
                "log_class": "exception",
                "type": "inbound.timeout",
                "actor": "wms",
                "receipt": "RK88001",
                "qty_t": 1500,
                "timeout_ms": 30000,
                "product": "cu",
            },
            default_arrival=NOON,
            now=NOON,
        )
        log.append([timeout])
        row = log.timeline("RK88001", orgs=("恒信贸易",))[0]
        assert row.event == timeout
        assert row.event.qty == 1500
        assert row.event.attributes == {"qty_t": 1500, "timeout_ms": 30000}

    def test_a_closed_log_says_so(self, house: House):
        house.log.close()
        calls: list[Callable[[], object]] = [
            lambda: house.log.append([event(1)]),
            lambda: house.log.read_after(0),
            lambda: list(house.log.history(Query())),
        ]
        for call in calls:
            with pytest.raises(LogClosedError):
                call()
        house.log.close()


def _fact(product: str, second: int, org: str = B) -> FactRow:
    at = NOON + timedelta(seconds=second)
    body = {"product": product, "net": Decimal("-7500.50"), "at": at}
    return fact_row("exposure", body, event_time=at, org=org)
