"""Corrective actions among what waits for somebody on the first page."""

import io
from collections.abc import Iterator

import openpyxl
import pytest
from flow_house import EAST, WEST, House, house
from test_console_orders import after, text_of
from test_reviews_flow import _order

from service.web.rooms.waiting_correctives import ACTS_URL, manages
from workorders import WorkOrder

__all__ = ["_order"]
ACTION = "Watch the limit"


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("waiting")) as made:
        yield made


def waits(home: House, person: str) -> bool:
    return ACTION in text_of(home.signed_in(person), "/")


def test_an_action_waits_for_its_owner_until_it_is_done(home: House, order: WorkOrder) -> None:
    lin = home.signed_in("lin")
    page = text_of(lin, "/")
    assert f"{ACTION} Corrective action {order.id}" in page
    assert f'href="{ACTS_URL}"' in lin.get("/").text
    assert "finish" in lin.get("/reviews").text
    assert not waits(home, "chen")
    assert not waits(home, "wang")
    book = openpyxl.load_workbook(io.BytesIO(lin.get("/today.xlsx").content))
    sheet = book.active
    assert sheet is not None
    assert any("Corrective action" in row for row in sheet.values)
    after(lin, f"/reviews/{order.id}/finish", text="It is watched")
    assert not waits(home, "lin")


def test_an_overdue_action_waits_for_the_units_manager_too(home: House, order: WorkOrder) -> None:
    home.pass_time(days=7)
    assert "overdue · Lin Hao" in text_of(home.signed_in("wang"), "/")
    assert waits(home, "lin")
    assert not waits(home, "chen")
    assert not waits(home, "boss")  # the unit has a manager of its own
    assert not waits(home, "zhao")
    after(home.signed_in("lin"), f"/reviews/{order.id}/finish", text="It is watched")
    assert not waits(home, "wang")


def test_it_is_counted_and_stands_by_its_deadline(home: House, order: WorkOrder) -> None:
    home.pass_time(days=7)
    assert home.buy(1300, contract="P-2").status_code == 200
    home.run_agents()
    assert any(one.id != order.id for one in home.orders())
    page = home.signed_in("lin").get("/").text
    assert page.index(ACTION) < page.index("Copper net exposure")


def test_a_unit_without_a_manager_is_managed_from_above(home: House) -> None:
    directory = home.app.directory
    assert manages(directory, "wang", EAST)
    assert not manages(directory, "boss", EAST)
    assert manages(directory, "boss", WEST)
    assert not manages(directory, "zhao", WEST)
    assert not manages(directory, "boss", "Elsewhere")
