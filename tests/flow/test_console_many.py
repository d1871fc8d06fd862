"""Pages with very many rows: as many statements as with few, and only as many rows as are shown."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, House, house
from sqlalchemy import Table, event, insert, select

from service.web.rooms.waiting_rows import first_waiting
from workorders import reads
from workorders.reads import Waiting
from workorders.rows import ALERTS, ASSIGNMENTS, ORDERS

ORDERS_MADE, ALERTS_MADE, BUCKETS = 5000, 2000, 2000
STATES: Sequence[dict[str, Any]] = (
    {"state": "open", "level": "orange"},
    {"state": "open", "acknowledge_due": None},
    {"state": "acknowledged", "owner": "chen"},
    {"state": "in_work", "owner": "lin"},
    {"state": "resolved", "resolved_by": "chen"},
    {"state": "resolved", "level": "yellow", "resolved_by": "chen"},
    {"state": "closed"},
)
PATHS = ("/", "/orders", "/orders?state=all", "/alerts", "/exposure")


@contextmanager
def counted(home: House) -> Iterator[list[str]]:
    """The statements that are sent to the database while the block runs."""
    found: list[str] = []

    def note(*sent: Any) -> None:
        found.append(str(sent[2]))

    event.listen(home.app.store.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(home.app.store.engine, "before_cursor_execute", note)


def statements(home: House, client: TestClient) -> dict[str, int]:
    """How many statements each page needs, the second time it is asked for."""
    needed = {}
    for path in PATHS:
        client.get(path)
        with counted(home) as found:
            answer = client.get(path)
        assert answer.status_code == 200, path
        needed[path] = len(found)
    return needed


def copies(home: House, table: Table, how_many: int, changed: Any) -> None:
    """Rows like the first of `table`; `changed` says what is different in the n-th."""
    with home.app.store.engine.begin() as connection:
        row: Mapping[str, Any] = dict(connection.execute(select(table)).mappings().first() or {})
        made: Sequence[dict[str, Any]] = [{**row, **changed(n)} for n in range(how_many)]
        connection.execute(insert(table), made)


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("many")) as made:
        yield made


def test_many_rows_need_no_more_statements_than_few(home: House) -> None:
    home.breach()
    client = home.signed_in("chen")
    fresh = {"state": "new", "order_id": ""}
    copies(home, ALERTS, 1, lambda _: {"id": "AL-1", "key": "k", "case_id": "c"} | fresh)
    before = statements(home, client)
    copies(home, ORDERS, ORDERS_MADE, lambda n: {"id": f"WO-20240101-{n:05d}"} | STATES[n % 7])
    copies(
        home, ASSIGNMENTS, ORDERS_MADE,
        lambda n: {"object_id": f"WO-20240101-{n:05d}", "person": "chen"},
    )  # fmt: skip
    copies(
        home, ALERTS, ALERTS_MADE,
        lambda n: {"id": f"AL-20240101-{n:05d}", "key": f"k{n}", "case_id": f"c{n // 3}"} | fresh,
    )  # fmt: skip
    rows = [
        {
            "contract_id": f"M-{n}", "org": EAST, "product": "cu", "side": "buy", "quantity": "1",
            "month": f"{24 + n // 12 % 60:02d}{n % 12 + 1:02d}", "price": "71250",
            "account": f"A{n // 700}", "project": f"P{n // 350}",
        }
        for n in range(BUCKETS)
    ]  # fmt: skip
    answer = home.client("chen").post("/api/v1/book/contracts", json={"rows": rows})
    assert answer.status_code == 200, answer.text
    after = statements(home, client)
    assert after == before
    shown = client.get("/orders").text
    assert shown.count("<tr data-line>") == 50
    assert client.get("/alerts").text.count('name="alert"') == 100
    assert client.get("/").text.count("<tr data-line>") == 12
    for limit in (1, 12, 300):
        with home.app.store.reader() as connection:
            whole = reads.waiting_for(connection, "chen", ["Group"])
            head, total = first_waiting(connection, "chen", ["Group"], limit)
        assert total == len(whole)
        assert [key(one) for one in head] == [key(one) for one in whole[:limit]]


def key(line: Waiting) -> tuple[str, datetime | None, str]:
    return line.why, line.due_at, line.level.value
