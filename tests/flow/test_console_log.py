"""The audit log of the console: search, scope, timelines, workbook, quarantine."""

import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import openpyxl
import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, WEST, House, house
from sqlalchemy import select

import trail
from auditlog.events import Event, parse_event
from auditlog.port import Reject
from book.read import read_state
from integrations.files import Kind, Terms, quarantined, read_batch, take_in
from store.problems import Problem
from trail.tables import RECORD

#: What an order or a receipt of the book needs; faulty ones go to quarantine.
WHOLE = {"side": "buy", "qty": "5"}
T0 = "2024-05-14T01:{minute:02d}:00Z"


def event(number: int, kind: str, type_: str, org: str = EAST, **more: Any) -> dict[str, Any]:
    return {
        "source": "erp",
        "event_id": f"E{number}",
        "event_time": T0.format(minute=number),
        "kind": kind,
        "type": type_,
        "org": org,
        "product": "cu",
        **(WHOLE if type_ in {"order.create", "inbound.timeout", "inbound.posted"} else {}),
        **more,
    }


EVENTS = [
    event(1, "business", "order.create", order="SO-1", actor="liu", outcome="ok"),
    event(2, "system", "erp.sync", order="SO-1", actor="erp-bot", outcome="ok"),
    event(3, "risk", "permission.denied", order="SO-1", actor="liu", outcome="denied"),
    event(4, "exception", "inbound.timeout", receipt="RK-9", actor="wms", outcome="timeout"),
    event(5, "business", "voucher.post", voucher="PZ-3", order="SO-1", actor="zhou", outcome="ok"),
]
WESTERN = [
    event(6, "business", "order.create", org=WEST, order="SO-1", actor="zhao", outcome="ok"),
    event(7, "business", "order.create", org=WEST, order="SO-77", actor="zhao", outcome="odd"),
]
TIMELESS = {**event(8, "business", "order.create", order="SO-2"), "event_time": "2024-05-14 09:08"}
NAMELESS = {**event(9, "business", "order.create", order="SO-5", org=WEST), "event_time": "soon"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("log") / "data") as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def _filled(company: House) -> None:
    for person, rows in (("chen", [*EVENTS, TIMELESS]), ("zhao", [*WESTERN, NAMELESS])):
        answer = company.client(person).post("/api/v1/events", json=rows)
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def chen(company: House) -> TestClient:
    return company.signed_in("chen")


@pytest.fixture(scope="module")
def zhao(company: House) -> TestClient:
    return company.signed_in("zhao")


def text_of(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    main = answer.text[answer.text.index("<main") :]
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


def rows(client: TestClient, path: str) -> int:
    answer = client.get(path)
    assert answer.status_code == 200
    return str(answer.text).count("data-line")


# --- search and scope ---------------------------------------------------------------------------


def test_the_list_holds_the_events_of_ones_own_unit_only(
    chen: TestClient, zhao: TestClient, company: House
) -> None:
    assert rows(chen, "/log") == len(EVENTS)
    assert rows(zhao, "/log") == len(WESTERN)
    assert rows(company.signed_in("boss"), "/log") == len(EVENTS) + len(WESTERN)


@pytest.mark.parametrize(
    "path",
    [
        "/log?q=SO-77", "/log?object=SO-77", "/log?actor=zhao",
        f"/log?unit={quote(WEST)}", "/log?outcome=odd", f"/log?q={quote('Zhao Min')}",
    ],
)  # fmt: skip
def test_no_filter_reaches_the_sibling(chen: TestClient, zhao: TestClient, path: str) -> None:
    assert rows(zhao, path) > 0
    assert rows(chen, path) == 0


@pytest.mark.parametrize("name", ["pick", "object"])
def test_a_timeline_holds_nothing_of_the_sibling(
    chen: TestClient, zhao: TestClient, name: str
) -> None:
    text = text_of(chen, f"/log?{name}=SO-77")
    assert "Nothing that you may see concerns this number." in text
    assert "zhao" not in text.lower()
    assert text_of(chen, f"/log?{name}=SO-1").count("SO-1 Close") == 1
    assert "Zhao Min" in text_of(zhao, f"/log?{name}=SO-77")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/log?q=SO-1", 4),
        ("/log?q=%20SO-1%20", 4),
        ("/log?q=PZ-3", 1),
        ("/log?q=RK-9", 1),
        ("/log?q=liu", 2),
        ("/log?q=inbound", 1),
        ("/log?q=warehouse", 1),  # as the page calls the feed
        ("/log?q=liu%20denied", 1),
        ("/log?kind=exception", 1),
        ("/log?outcome=ok", 3),
        ("/log?actor=liu&kind=business", 1),
        ("/log?source=erp", 5),
        ("/log?source=other", 0),
        ("/log?from=2024-05-14T01:02:00Z&to=2024-05-14T01:04:00Z", 2),
        ("/log?from=2024-05-14T09:02&to=2024-05-14T09:04:00", 2),  # the reader's clock
        ("/log?q=nothing-like-it", 0),
    ],
)
def test_the_search_takes_anything(chen: TestClient, path: str, found: int) -> None:
    assert rows(chen, path) == found


def test_a_person_is_found_by_name(zhao: TestClient) -> None:
    assert rows(zhao, f"/log?q={quote('Zhao Min')}") == 2
    assert "Zhao Min" in text_of(zhao, "/log?q=zhao")


def test_words_of_the_page_find_what_they_say(chen: TestClient) -> None:
    assert "Receipt timed out" in text_of(chen, "/log?kind=exception")
    assert rows(chen, "/log?q=receipt%20timed%20out") == 1
    assert rows(chen, "/log?q=copper%20erp.sync") == 1
    assert rows(chen, "/log?q=denied") == 1


def test_an_outcome_is_said_and_found_in_the_readers_words(company: House) -> None:
    reader = company.signed_in("chen")
    reader.cookies.set("hedgewarden_language", "zh")
    page = reader.get(f"/log?q={quote('被拒')}").text
    assert page.count("data-line") == 1
    assert "被拒" in page
    assert "denied" not in page.replace("permission.denied", "")


def test_a_timeline_tells_all_kinds_oldest_first(chen: TestClient) -> None:
    text = text_of(chen, "/log?object=SO-1")
    drawer = text[text.rindex("SO-1 Close") :]
    assert re.findall(r"09:0\d:00 (\w+)", drawer)[-4:] == [
        "Business", "System", "Risk", "Business",
    ]  # fmt: skip
    assert "PZ-3" in drawer


def test_a_scanned_number_opens_its_timeline(chen: TestClient) -> None:
    assert "RK-9 Close" in text_of(chen, "/log?q=RK-9")
    assert "inbound Close" not in text_of(chen, "/log?q=inbound")


def test_pages_follow_each_other(company: House, zhao: TestClient) -> None:
    many = [
        event(n % 60, "market", "quote", org="Group/West/Far", message=f"m{n}") for n in range(120)
    ]
    for n, one in enumerate(many):
        one["event_id"] = f"Q{n}"
    assert company.client("zhao").post("/api/v1/events", json=many).status_code == 200
    path, seen = "/log?kind=market", []
    while path:
        page = zhao.get(path).text
        seen += re.findall(r"· m(\d+)", page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        path = html.unescape(following[1]) if following else ""
    assert sorted(set(map(int, seen))) == list(range(120))


def test_a_broken_cursor_or_time_leads_back_to_the_search(chen: TestClient) -> None:
    answer = chen.get("/log?q=SO-1&cursor=nonsense")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/log?q=SO-1"
    answer = chen.get("/log?q=SO-1&from=nonsense")
    assert (answer.status_code, answer.headers["location"]) == (303, "/log?q=SO-1")
    assert rows(chen, "/log?q=SO-1") == 4


def test_the_workbook_holds_the_search(chen: TestClient) -> None:
    answer = chen.get("/log.xlsx?q=SO-1")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    lines = list(sheet.iter_rows(min_row=5, values_only=True))
    assert [line[3] for line in lines] == [
        "voucher.post", "permission.denied", "erp.sync", "order.create",
    ]  # fmt: skip


# --- the box of the top bar ---------------------------------------------------------------------


def test_the_box_of_the_top_bar(company: House, chen: TestClient, zhao: TestClient) -> None:
    order = company.breach()
    for path in (f"/search?q={order.id}", f"/log?q={order.id.lower()}"):
        assert chen.get(path).headers["location"] == f"/orders/{order.id}"
    (alert,) = (one for one in records(company, "alert.raise") if one.org == EAST)
    assert chen.get(f"/search?q={alert.object_id}").headers["location"].endswith(alert.object_id)
    assert zhao.get(f"/search?q={alert.object_id}").headers["location"].startswith("/log")
    assert zhao.get(f"/search?q={order.id}").headers["location"] == f"/log?q={order.id}"
    assert rows(zhao, f"/log?q={order.id}") == 0
    assert chen.get("/search?q=SO-1").headers["location"] == "/log?q=SO-1"


def test_a_stranger_signs_in_first(company: House) -> None:
    for path in ("/log", "/log.xlsx", "/log/quarantine", "/search?q=x"):
        assert company.client().get(path, headers={"Accept": "text/html"}).status_code in {303, 401}


# --- quarantine ---------------------------------------------------------------------------------


def held(company: House, org: str) -> int:
    return next(one.number for one in company.app.log.quarantine() if one.reject.org == org)


def records(company: House, action: str) -> list[Any]:
    with company.app.store.reader() as connection:
        return list(connection.execute(select(RECORD).where(RECORD.c.action == action)))


def bad(company: House, person: str, number: int, org: str) -> int:
    row = {**event(number, "business", "order.create", order=f"SO-{number}", org=org)}
    row["event_time"] = "2024-05-14 09:30"
    company.client(person).post("/api/v1/events", json=[row])
    found = company.app.log.quarantine(orgs=(org,))
    return next(
        one.number for one in found if json.loads(one.reject.raw)["event_id"] == f"E{number}"
    )


def test_quarantine_says_why_and_keeps_to_the_scope(chen: TestClient, zhao: TestClient) -> None:
    text = text_of(chen, "/log/quarantine")
    assert "has no time zone" in text
    assert "SO-5" not in text
    assert "SO-5" in text_of(zhao, "/log/quarantine")
    assert "SO-2" not in text_of(zhao, "/log/quarantine")


def test_a_mended_row_is_stored_and_recorded(company: House, chen: TestClient) -> None:
    number = bad(company, "chen", 30, EAST)
    still = chen.post(f"/log/quarantine/{number}/replay", data={"field.event_time": "later"})
    assert still.status_code == 303
    assert rows(chen, "/log?q=SO-30") == 0
    done = chen.post(
        f"/log/quarantine/{number}/replay", data={"field.event_time": "2024-05-14T09:30:00"}
    )
    assert done.status_code == 303
    assert rows(chen, "/log?q=SO-30&from=2024-05-14T01:30:00Z&to=2024-05-14T01:31:00Z") == 1
    own = [one for one in records(company, "quarantine.replay") if one.object_id == str(number)]
    assert [(one.outcome, one.actor, one.org) for one in own] == [
        ("refused", "chen", EAST), ("replayed", "chen", EAST),
    ]  # fmt: skip
    again = chen.post(f"/log/quarantine/{number}/replay", data={})
    assert again.status_code == 303
    assert len(records(company, "quarantine.replay")) == len(own)


def test_a_form_mends_only_what_it_asks(company: House, chen: TestClient) -> None:
    number = bad(company, "chen", 31, EAST)
    data = {"field.event_time": "2024-05-14T01:31:00Z", "field.org": WEST, "field.order": "SO-X"}
    chen.post(f"/log/quarantine/{number}/replay", data=data)
    (stored,) = company.app.log.timeline("SO-31")
    assert stored.event.org == EAST


def test_a_row_is_dismissed_with_a_reason(company: House, chen: TestClient) -> None:
    number = bad(company, "chen", 32, EAST)
    chen.post(f"/log/quarantine/{number}/dismiss", data={"reason": " "})
    kept = company.app.log.quarantine_read(number)
    assert kept is not None
    assert kept.state == "open"
    chen.post(f"/log/quarantine/{number}/dismiss", data={"reason": "sent by the test system"})
    gone = company.app.log.quarantine_read(number)
    assert gone is not None
    assert (gone.state, gone.settled_by, gone.reason) == (
        "dismissed", "chen", "sent by the test system",
    )  # fmt: skip
    (one,) = records(company, "quarantine.dismiss")
    assert (one.actor, one.object_id, one.kind) == ("chen", str(number), "decision")


def test_acts_need_the_permission_and_the_unit(
    company: House, chen: TestClient, zhao: TestClient
) -> None:
    number = bad(company, "chen", 33, EAST)
    for verb in ("replay", "dismiss"):
        path = f"/log/quarantine/{number}/{verb}"
        assert zhao.post(path, data={"reason": "mine"}).status_code == 404
        assert company.signed_in("shen").post(path, data={"reason": "x"}).status_code == 403
    kept = company.app.log.quarantine_read(number)
    assert kept is not None
    assert kept.state == "open"


def test_a_row_without_a_unit_is_for_those_who_see_all(company: House, chen: TestClient) -> None:
    raw = json.dumps({"event_id": "E34", "type": "order.create", "order": "SO-34"})
    company.app.log.append(
        [], [Reject(raw, (Problem("EVENT_FIELD_MISSING", field="event_time"),), "x.csv", 3)]
    )
    number = held(company, "")
    assert "SO-34" not in text_of(chen, "/log/quarantine")
    assert chen.post(f"/log/quarantine/{number}/dismiss", data={"reason": "x"}).status_code == 404
    assert "SO-34" in text_of(company.signed_in("boss"), "/log/quarantine")


# --- rows of the book's files -------------------------------------------------------------------


def bad_contract(company: House, contract: str, person: str = "chen", **more: str) -> int:
    row = {
        "contract_id": contract, "org": EAST if person == "chen" else WEST, "product": "cu",
        "side": "buy", "quantity": "many", "month": "2406", "price": "71250", **more,
    }  # fmt: skip
    answer = company.client(person).post("/api/v1/book/contracts", json={"rows": [row]})
    assert answer.json()["quarantined"] == 1, answer.text
    with company.app.store.reader() as connection:
        found = quarantined(connection)
    return next(one.number for one in found if one.raw["contract_id"] == contract)


def contract_rows(company: House, contract: str) -> list[Any]:
    with company.app.store.reader() as connection:
        now = company.clock()
        state = read_state(connection, as_of=now, known_at=now)
    return [one for one in state.contracts if one.contract_id == contract]


def test_a_book_row_is_shown_as_it_was_mended_and_assessed(
    company: House, chen: TestClient, zhao: TestClient
) -> None:
    number = bad_contract(company, "P-Q1")
    path = "/log/quarantine/book"
    text = text_of(chen, path)
    assert "P-Q1" in text
    assert "many" in text
    assert "api:1" in text
    assert "P-Q1" not in text_of(zhao, path)
    wrong = chen.post(f"{path}/{number}/replay", data={"field.quantity": "-5"})
    assert wrong.status_code == 303
    assert contract_rows(company, "P-Q1") == []
    before = len(records(company, "assessment.run"))
    done = chen.post(f"{path}/{number}/replay", data={"field.quantity": "1,250"})
    assert done.headers["location"] == path
    (taken,) = contract_rows(company, "P-Q1")
    assert (str(taken.quantity), taken.org) == ("1250", EAST)
    assert len(records(company, "assessment.run")) > before
    own = [one for one in records(company, "import.row") if one.object_id == str(number)]
    assert [(one.outcome, one.actor) for one in own] == [("refused", "chen"), ("replayed", "chen")]
    assert "P-Q1" not in text_of(chen, path)
    again = chen.post(f"{path}/{number}/replay", data={"field.quantity": "9"})
    assert again.status_code == 303
    assert len(contract_rows(company, "P-Q1")) == 1


def test_a_book_row_is_dismissed_with_a_reason_and_by_its_own_unit(
    company: House, chen: TestClient, zhao: TestClient
) -> None:
    number = bad_contract(company, "P-Q2")
    path = f"/log/quarantine/book/{number}"
    for client in (zhao, chen):
        client.post(f"{path}/dismiss", data={"reason": "" if client is chen else "mine"})
        assert "P-Q2" in text_of(chen, "/log/quarantine/book")
    assert company.signed_in("shen").post(f"{path}/dismiss", data={"reason": "x"}).status_code in {
        303, 403,
    }  # fmt: skip
    assert "P-Q2" in text_of(chen, "/log/quarantine/book")
    chen.post(f"{path}/dismiss", data={"reason": "a test of the exporter"})
    assert "P-Q2" not in text_of(chen, "/log/quarantine/book")
    (one,) = (one for one in records(company, "import.row") if one.object_id == str(number))
    assert (one.outcome, one.actor) == ("dismissed", "chen")


def test_a_row_of_a_strange_unit_is_for_those_who_see_all(
    company: House, chen: TestClient, tmp_path: Path
) -> None:
    file = tmp_path / "contracts.csv"
    file.write_text("contract_id,org,product,side,quantity\nP-Q3,Group2/Nowhere,cu,buy,5\n")
    batch = read_batch(file, Kind.CONTRACTS, Terms(company.clock(), company.app.directory))
    with company.app.store.unit_of_work("cli:test") as uow:
        assert take_in(uow, batch).quarantined == 1
        number = quarantined(uow.connection)[-1].number
    assert "P-Q3" not in text_of(chen, "/log/quarantine/book")
    boss = company.signed_in("boss")
    assert "contracts.csv:2" in text_of(boss, "/log/quarantine/book")
    answer = chen.post(
        f"/log/quarantine/book/{number}/replay", data={"field.org": EAST, "field.quantity": "5"}
    )
    assert answer.status_code == 303
    assert contract_rows(company, "P-Q3") == []


def test_both_quarantines_are_counted_on_their_tabs_and_exported(
    company: House, chen: TestClient
) -> None:
    bad_contract(company, "P-Q4")
    page = chen.get("/log").text
    assert re.search(r'href="/log/quarantine/book"[^>]*>[^<]+<span class="tally">\d+<', page)
    answer = chen.get("/log/quarantine/book.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    cells = [str(cell) for line in sheet.iter_rows(values_only=True) for cell in line]
    assert any("contract_id=P-Q4" in cell for cell in cells)
    assert "P-Q4" in text_of(chen, "/log/quarantine/book")


def test_settled_rows_are_found_again_with_who_when_and_why(
    company: House, chen: TestClient, zhao: TestClient
) -> None:
    book, events = "/log/quarantine/book", "/log/quarantine"
    for path, number, name in (
        (book, bad_contract(company, "P-Q6"), "P-Q6"),
        (events, bad(company, "chen", 36, EAST), "SO-36"),
    ):
        assert f"{path}/{number}/replay" in chen.get(path).text
        chen.post(f"{path}/{number}/dismiss", data={"reason": f"sent twice {name}"})
        assert name not in text_of(chen, path)
        assert name not in text_of(chen, f"{path}?state=replayed")
        settled = text_of(chen, f"{path}?state=dismissed")
        assert name in settled
        told = company.app.directory.person("chen")
        assert told is not None
        assert f"sent twice {name}" in settled.partition(name)[2]
        assert told.name in settled.partition(name)[2].partition("sent twice")[0]
        assert f"{path}/{number}/replay" not in chen.get(f"{path}?state=dismissed").text
        assert name not in text_of(zhao, f"{path}?state=dismissed")  # the scope holds here too
        sheet = openpyxl.load_workbook(
            io.BytesIO(chen.get(f"{path}.xlsx?state=dismissed").content)
        ).active
        assert sheet is not None
        cells = [str(one) for line in sheet.iter_rows(values_only=True) for one in line]
        assert any(f"sent twice {name}" in one for one in cells)
    number = bad_contract(company, "P-Q7")
    chen.post(f"{book}/{number}/replay", data={"field.quantity": "12"})
    assert "P-Q7" in text_of(chen, f"{book}?state=replayed")
    assert "P-Q7" not in text_of(chen, f"{book}?state=dismissed")
    refused = chen.get(f"{book}?state=lost")
    assert (refused.status_code, refused.headers["location"]) == (303, book)
    assert "State: " in chen.get(book).text


# --- events of no unit --------------------------------------------------------------------------


def test_events_of_no_known_unit_are_for_those_who_see_all(
    company: House, chen: TestClient
) -> None:
    lost = [
        event(40, "system", "feed.ping", org=org, order="SO-LOST", actor="probe")
        for org in ("", "Elsewhere/Desk", "Group/East/Unlisted")
    ]
    for place, one in enumerate(lost):
        one["event_id"] = f"N{place}"
    found = [parse_event(one, default_arrival=None, now=company.clock()) for one in lost]
    company.app.log.append([one for one in found if isinstance(one, Event)])
    boss = company.signed_in("boss")
    assert rows(boss, "/log?unit=-&q=SO-LOST") == 2
    assert rows(boss, "/log?q=SO-LOST") == 3
    text = text_of(boss, "/log?unit=-")
    assert re.search(r"No unit 2\b", text)
    assert "Sources: erp" in text
    assert rows(chen, "/log?unit=-") == 0
    assert rows(chen, "/log?q=SO-LOST") == 1
    assert "No unit" not in text_of(chen, "/log")
    assert "Elsewhere" not in text_of(chen, "/log?q=SO-LOST")


def test_codes_of_accounts_are_never_written_as_numbers(company: House) -> None:
    evidence = {"debit": "6111", "a.credit": "1122", "account": "880009", "amount": "6111.00"}
    with company.app.store.unit_of_work("system:watcher") as uow:
        kept = trail.record(
            uow, kind="match", action="match.record", object_type="voucher", object_id="PZ-6111",
            org=EAST, outcome="match", body={"evidence": evidence},
        )  # fmt: skip
    text = text_of(company.signed_in("shen"), f"/trail/records/{kept.seq}")
    for code in ("6111", "1122", "880009"):
        assert re.search(rf"(?<![\d,]){code}(?![\d,.])", text), code
    assert "1,122" not in text
    assert "880,009" not in text
    assert text.count("6,111") <= 1  # the amount


def test_a_timeline_of_several_days_leaves_room_for_the_day(company: House) -> None:
    chen = company.signed_in("chen")
    days = [event(50 + n, "business", "order.amend", order="SO-DAYS") for n in range(2)]
    days[1]["event_time"] = "2024-05-13T01:00:00Z"
    assert company.client("chen").post("/api/v1/events", json=days).status_code == 200
    assert 'class="stream stream-days"' in chen.get("/log?object=SO-DAYS").text
    assert 'class="stream"' in chen.get("/log?object=SO-1").text


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("入库单", 1),
        ("RK-中", 1),
        ("沪铜 入库", 1),
        ("7700000", 1),
        ("77000001234", 1),
        ("770000012345", 0),
    ],
)  # fmt: skip
def test_prefixes_and_chinese_words_are_found(company: House, typed: str, found: int) -> None:
    one = event(55, "business", "inbound.posted", receipt="RK-中文1", voucher="77000001234",
                message="沪铜 入库单 已过账")  # fmt: skip
    assert company.client("chen").post("/api/v1/events", json=[one]).status_code == 200
    assert rows(company.signed_in("chen"), f"/log?q={quote(typed)}") == found
