"""The exposure page: the map, the bridge that adds up, documents, earlier times; the stream."""

import io
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote

import httpx
import openpyxl
import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, PATIENCE_S, WEST, House, house, over_http

from service.security import sessions

PLACE = f"org={quote(EAST)}&product=cu"


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("exposure")) as made:
        assert made.limit(1000).status_code == 200
        assert made.buy(700, contract="P-1").status_code == 200
        made.pass_time(hours=1)
        assert made.buy(600, contract="P-2").status_code == 200
        assert made.buy(77, WEST, "P-9").status_code == 200
        made.run_agents()
        yield made


def text_of(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    main = answer.text[answer.text.index("<main") :]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


def cells(content: bytes) -> list[list[object]]:
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]


def test_the_map_shows_months_and_the_total_against_the_limit(home: House) -> None:
    page = text_of(home.signed_in("chen"), "/exposure")
    assert re.search(r"2406 Total Copper t 1,300 130 % 1,300 130 % R", page)


def test_the_group_sees_one_line_a_unit(home: House) -> None:
    page = text_of(home.signed_in("boss"), "/exposure")
    assert re.search(r"Copper t East 1,300", page)
    assert re.search(r"Copper t West 77", page)


def test_the_drawer_adds_up_and_names_its_documents(home: House) -> None:
    page = text_of(home.signed_in("chen"), f"/exposure?{PLACE}&month=*")
    assert "Copper · East" in page
    assert re.search(r"Fixed-price purchases \+1,300 t .* Net exposure \+1,300 t", page)
    assert re.search(r"Contract P-1 \+700 t", page)
    assert re.search(r"Contract P-2 \+600 t", page)
    link = 'href="/log?object=P-1"'
    assert link in home.signed_in("chen").get(f"/exposure?{PLACE}&month=2406").text


def test_in_lots_a_quantity_is_divided_by_the_contract_size(home: House) -> None:
    page = text_of(home.signed_in("chen"), "/exposure?unit=lots")
    assert re.search(r"Copper lots 260 130 %", page)


def test_what_was_known_earlier_is_shown_as_it_was(home: House) -> None:
    chen = home.signed_in("chen")
    page = text_of(chen, "/exposure?as_of=2024-05-14T10:30&known_at=2024-05-14T10:30")
    assert "historical view" in page
    assert re.search(r"Copper t 700 70 % 700 70 % B", page)
    # the second contract holds from later on, whatever is known of it now
    assert "1,300" not in text_of(chen, "/exposure?as_of=2024-05-14T10:30")
    assert "Copper" not in text_of(chen, "/exposure?known_at=2024-05-13T10:30")


def test_a_time_that_is_none_is_now(home: House) -> None:
    assert "1,300" in text_of(home.signed_in("chen"), "/exposure?as_of=yesterday&measure=odd")


def test_the_workbooks_hold_places_and_documents(home: House) -> None:
    chen = home.signed_in("chen")
    head, row = cells(chen.get("/exposure.xlsx").content)
    found = dict(zip(head, row, strict=True))
    assert (found["Organisation"], found["Product"], found["Net exposure"]) == (EAST, "cu", 1300)
    documents = cells(chen.get(f"/exposure/rows.xlsx?{PLACE}&month=2406").content)[1:]
    assert [(one[1], one[2], one[3]) for one in documents] == [
        ("P-1", 700, "t"),
        ("P-2", 600, "t"),
    ]


def test_the_stream_tells_of_a_change_and_ends_with_the_service(home: House) -> None:
    chen = home.signed_in("chen")
    cookie = {sessions.COOKIE: chen.cookies[sessions.COOKIE]}
    home.web.state.ending.clear()
    with over_http(home.web) as address, httpx.Client(cookies=cookie, timeout=PATIENCE_S) as client:
        with client.stream("GET", f"{address}/live") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.iter_lines()
            assert next(lines).startswith("retry:")
            assert home.buy(701, contract="P-1").status_code == 200
            assert next(line for line in lines if line.startswith("event")) == "event: changed"
            home.web.state.ending.set()
            assert [line for line in lines if line.startswith("event")] == []
        home.web.state.ending.clear()


@pytest.mark.parametrize(("told_by", "qty"), [("the page", 702), ("the browser", 703)])
def test_a_change_between_the_page_and_its_stream_is_told(
    home: House, told_by: str, qty: int
) -> None:
    chen = home.signed_in("chen")
    cookie = {sessions.COOKIE: chen.cookies[sessions.COOKIE]}
    found = re.search(r'data-live="(/live\?since=(\d+))"', chen.get("/exposure").text)
    assert found is not None
    assert home.buy(qty, contract="P-1").status_code == 200
    url, headers = found[1], {}
    if told_by == "the browser":
        url, headers = "/live", {"Last-Event-ID": found[2]}
    home.web.state.ending.clear()
    with (
        over_http(home.web) as address,
        httpx.Client(cookies=cookie, timeout=PATIENCE_S) as client,
        client.stream("GET", f"{address}{url}", headers=headers) as stream,
    ):
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("event")) == "event: changed"
        home.web.state.ending.set()
    home.web.state.ending.clear()


def test_the_stream_needs_a_session(home: House) -> None:
    assert home.client().get("/live").status_code == 303
