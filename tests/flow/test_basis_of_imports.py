"""Prices that a file or a program brings make basis facts, as those of events do."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from flow_house import EAST, House, house

from book.basis import BasisStats
from book.write import put
from integrations.files import Entry, Kind, Terms
from integrations.files.facts import FactReader
from service.assessing import assess_in
from workorders import reads


@pytest.fixture(name="town")
def _town(tmp_path: Any) -> Iterator[House]:
    with house(tmp_path) as made:
        stats = BasisStats(
            org=EAST, product="cu", month="2406", mean=Decimal(-10), sd=Decimal(60), n=250
        )
        with made.app.store.unit_of_work("system:test") as uow:
            before = made.clock() - timedelta(days=30)
            put(uow, [stats], valid_from=before, source="test")
        yield made


def price(kind: str, amount: int, at: str, **more: str) -> dict[str, str]:
    month = {"month": "2406"} if kind == "settle" else {}
    return {"org": EAST, "product": "cu", "kind": kind, "price": str(amount), "at": at,
            **month, **more}  # fmt: skip


def bring(town: House, *rows: dict[str, str]) -> dict[str, Any]:
    answer = town.client("chen").post("/api/v1/book/prices", json={"rows": list(rows)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["quarantined"] == 0, answer.text
    return found


def basis(town: House) -> list[tuple[str, str]]:
    rows = town.app.log.facts("basis")
    return [(row.body["spot"], row.body["basis"]) for row in rows]


def alerts(town: House) -> list[str]:
    with town.app.store.reader() as connection:
        return [one.code for one in reads.list_alerts(connection, ["Group"]).items]


def test_a_jump_that_a_program_brings_is_an_alert(town: House) -> None:
    bring(town, price("settle", 71000, "2024-05-13"))
    assert basis(town) == []
    bring(town, price("spot", 70990, "2024-05-14T09:00:00+08:00", quote_id="Q1"))
    assert alerts(town) == []
    bring(town, price("spot", 71600, "2024-05-14T09:30:00+08:00", quote_id="Q2"))
    assert [one for one, _ in basis(town)] == ["70990", "71600"]
    assert alerts(town) == ["BASIS_JUMP"]
    with town.app.store.reader() as connection:
        (alert,) = reads.list_alerts(connection, ["Group"]).items
    assert (alert.value, alert.unit) == (Decimal(610), "CNY/t")
    page = unescape(town.signed_in("chen").get("/alerts").text).replace("\u00a0", " ")
    assert "610 CNY/t" in page


def test_the_trail_calls_a_price_what_people_call_it(town: House) -> None:
    bring(town, price("settle", 71000, "2024-05-13"))
    bring(town, price("spot", 70990, "2024-05-14T09:00:00+08:00", quote_id="Q1"))
    page = town.signed_in("chen").get("/trail?kind=change").text
    main = re.sub(r"<[^>]+>|\s", " ", page[page.index("<main") :])
    assert "Copper cu2406 · Settlement · " in main
    assert "Copper · Spot · " in main
    assert "spot · spot" not in main
    assert "+00:00" not in main


def test_a_settlement_changes_the_basis_of_the_quotes_after_it(town: House) -> None:
    bring(town, price("spot", 70990, "2024-05-14T09:00:00+08:00", quote_id="Q1"))
    assert basis(town) == []
    bring(town, price("settle", 71000, "2024-05-13"))
    assert basis(town) == [("70990", "-10")]


def test_what_was_brought_before_makes_nothing_twice(town: House) -> None:
    rows = (price("settle", 71000, "2024-05-13"),
            price("spot", 70990, "2024-05-14T09:00:00+08:00", quote_id="Q1"))  # fmt: skip
    bring(town, *rows)
    assert bring(town, *rows)["duplicates"] == 2
    assert len(basis(town)) == 1


def test_a_history_that_is_loaded_alarms_nobody(town: House) -> None:
    bring(
        town,
        price("settle", 71000, "2024-05-10"),
        price("spot", 70990, "2024-05-13T09:00:00+08:00", quote_id="Q1"),
        price("spot", 71600, "2024-05-13T09:30:00+08:00", quote_id="Q2"),
        price("spot", 70990, "2024-05-14T09:00:00+08:00", quote_id="Q3"),
        price("spot", 70985, "2024-05-14T09:10:00+08:00", quote_id="Q4"),
    )
    assert len(basis(town)) == 4
    assert alerts(town) == []


def test_a_common_price_concerns_every_unit_that_has_a_history(town: House) -> None:
    """Only who may write for a whole group brings one; the command does so for the machine."""
    rows = [price("settle", 71000, "2024-05-13"),
            price("spot", 70990, "2024-05-14T09:00:00+08:00", quote_id="Q1")]  # fmt: skip
    reader = FactReader(Kind.PRICES, Terms(town.clock()))
    read = [reader.read({**row, "org": ""}, file="p.csv", line=2) for row in rows]
    facts = [one.fact for one in read if isinstance(one, Entry)]
    assert len(facts) == 2
    with town.app.store.unit_of_work("cli:test") as uow:
        for fact in facts:
            put(uow, [fact], valid_from=fact.at, source="file")  # type: ignore[union-attr]
        assess_in(uow, town.app, [("", "cu")], facts)  # type: ignore[arg-type]
    assert basis(town) == [("70990", "-10")]
