"""The exposure page: the map, the bridge that adds up, documents, earlier times; the stream."""

import io
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
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
    # the month has no limit of its own: its share is grey, and the legend says why
    assert "no colour: share of the limit on all months" in page
    west = text_of(home.signed_in("zhao"), "/exposure")
    assert "no colour" not in west


def test_every_document_of_a_cell_can_be_paged_to(tmp_path: Path) -> None:
    with house(tmp_path) as made:
        numbers = [f"P-{number:03d}" for number in range(95)]
        rows = [
            {
                "contract_id": number, "org": EAST, "product": "cu", "side": "buy",
                "quantity": "10", "month": "2406", "price": "71250",
            }
            for number in numbers
        ]  # fmt: skip
        answer = made.client("chen").post("/api/v1/book/contracts", json={"rows": rows})
        assert answer.status_code == 200, answer.text
        chen, found, pages = made.signed_in("chen"), [], 0
        url = f"/exposure?{PLACE}&month=2406"
        while url:
            page = chen.get(url).text
            found += re.findall(r">(P-\d{3})<", page)
            pages += 1
            ahead = re.search(r'href="([^"]*)" rel="next"', page)
            url = unescape(ahead.group(1)) if ahead else ""
        assert (sorted(found), pages) == (numbers, 3)
        assert "15 of 95 rows" in text_of(chen, f"/exposure?{PLACE}&month=2406&start=80")


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


def test_without_a_price_money_falls_back_to_the_quantity_and_says_its_unit(home: House) -> None:
    page = text_of(home.signed_in("chen"), "/exposure?unit=money")
    assert re.search(r"Copper t 1,300 130 % 1,300 130 % R", page)


def test_in_money_a_quantity_counts_at_the_last_price(tmp_path: Path) -> None:
    with house(tmp_path) as made:
        assert made.limit(1000).status_code == 200
        assert made.buy(1300).status_code == 200
        rows = [
            {
                "org": EAST,
                "product": "cu",
                "kind": "settle",
                "price": price,
                "at": at,
                "month": "2406",
            }
            for price, at in (("70000", "2024-05-13T07:00:00Z"), ("71250", "2024-05-14T01:00:00Z"))
        ]
        answer = made.client("chen").post("/api/v1/book/prices", json={"rows": rows})
        assert answer.status_code == 200, answer.text
        made.pass_time(hours=1)
        page = text_of(made.signed_in("chen"), "/exposure?unit=money")
        # 1,300 t at 71,250 are 92.6 m, or 9,262.5 times ten thousand
        assert re.search(r"Copper CNY 10k 9,262.5 130 % 9,262.5 130 % R", page)


def test_a_hedge_is_suggested_where_a_work_order_says_how(home: House) -> None:
    chen = home.signed_in("chen")
    order = next(one for one in home.orders() if one.org == EAST)
    page = chen.get(f"/exposure?{PLACE}&month=*").text
    assert f'<a class="act" href="/orders/{order.id}">Suggest hedge</a>' in page
    west = text_of(home.signed_in("zhao"), f"/exposure?org={quote(WEST)}&product=cu&month=*")
    assert "Suggest hedge No limit is set here." in west


def test_another_time_keeps_measure_unit_and_the_open_cell(home: House) -> None:
    page = home.signed_in("chen").get(f"/exposure?measure=gross&unit=lots&{PLACE}&month=2406").text
    kept = re.findall(
        r'<input type="hidden" name="(measure|unit|org|product|month)" value="(.*?)"', page
    )
    assert dict(kept) == {
        "measure": "gross", "unit": "lots", "org": EAST, "product": "cu", "month": "2406",
    }  # fmt: skip


def test_what_was_known_earlier_is_shown_as_it_was(home: House) -> None:
    chen = home.signed_in("chen")
    page = text_of(chen, "/exposure?as_of=2024-05-14T10:30&known_at=2024-05-14T10:30")
    assert "historical view" in page
    assert re.search(r"Copper t 700 70 % 700 70 % B", page)
    # the second contract holds from later on, whatever is known of it now
    assert "1,300" not in text_of(chen, "/exposure?as_of=2024-05-14T10:30")
    assert "Copper" not in text_of(chen, "/exposure?known_at=2024-05-13T10:30")


def test_a_time_that_is_none_is_said_and_the_page_is_of_now(home: House) -> None:
    chen = home.signed_in("chen")
    told = chen.get("/exposure?as_of=yesterday&measure=odd", follow_redirects=True)
    assert (told.status_code, "1,300" in told.text) == (200, True)
    assert "yesterday" not in str(told.url)
    assert len(told.history) == 2  # each of the two values is said


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
