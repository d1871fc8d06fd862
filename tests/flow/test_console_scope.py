"""Who sees what on the console's pages: a sibling unit no row, every role an answer."""

import io
import re
from collections.abc import Iterator
from hashlib import sha256
from html import unescape
from typing import Any
from urllib.parse import quote

import openpyxl
import pytest
from fastapi.routing import APIRoute
from flow_house import EAST, ROLES, WEST, House, house

from service.web.console import console_router

PLACE = f"org={quote(EAST)}&product=cu&month=*"
#: Pages that show what lies in the past and need an address of their own.
ADDRESSES = {
    "/orders/{number}": "/orders/{order}",
    "/orders/{number}/acts": "/orders/{order}/acts",
    "/orders/{number}/merge": "/orders/{order}/merge",
    "/orders/{number}.xlsx": "/orders/{order}.xlsx",
    "/orders/{number}/files/{digest}": "/orders/{order}/files/{digest}",
    "/approvals/{number}": "/approvals/{approval}",
    "/exposure": f"/exposure?{PLACE}",
    "/exposure/rows.xlsx": f"/exposure/rows.xlsx?{PLACE}",
    "/log": "/log?object=P-EAST",
    "/alerts": "/alerts?pile=in_order",
    "/alerts.xlsx": "/alerts.xlsx?pile=in_order",
    "/orders": "/orders?state=all",
    "/search": "/search?q={order}",
    "/figures/{figure}": "/figures/closed_loop_rate",
    "/figures/{figure}.xlsx": "/figures/closed_loop_rate.xlsx",
}
#: Streams without an end, and what no reader of rows can reach.
LEFT_OUT = {"/live"}
SECRETS = ("P-EAST", "East", "Chen Fang", "Lin Hao", "1,300", "1300")


@pytest.fixture(name="told", scope="module")
def _told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, dict[str, str]]]:
    with house(tmp_path_factory.mktemp("scope")) as made:
        assert made.limit(1000).status_code == 200
        assert made.buy(1300, contract="P-EAST").status_code == 200
        made.run_agents()
        order = made.orders()[0]
        chen = made.signed_in("chen")
        asked = {"kind": "limit_change", "text": "East wants more"}
        assert chen.post(f"/orders/{order.id}/request_approval", data=asked).status_code == 303
        link = re.search(r"/approvals/(AP-[0-9a-f]+)", chen.get(f"/orders/{order.id}").text)
        assert link
        paid = b"P-EAST is paid"
        sent = chen.post(f"/orders/{order.id}/files", files={"file": ("paid.txt", paid)})
        assert sent.status_code == 303
        digest = sha256(paid).hexdigest()
        yield made, {"order": order.id, "approval": link[1], "digest": digest}


def get_routes(home: House) -> list[str]:
    return sorted(
        route.path
        for router in console_router(home.app)
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or set())
    )


def address(path: str, known: dict[str, str]) -> str:
    filled = ADDRESSES.get(path, path)
    for name, value in known.items():
        filled = filled.replace("{" + name + "}", value)
    return re.sub(r"\{\w+\}", "1", filled)


def content_of(answer: Any) -> str:
    """What a reader sees; of a workbook every cell."""
    if "spreadsheet" not in answer.headers.get("content-type", ""):
        found = answer.text[max(answer.text.find("<main"), 0) :]
        return unescape(re.sub(r"<[^>]+>", " ", found))
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    cells = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row]
    return " ".join(str(value) for value in cells if value is not None)


def test_a_sibling_unit_sees_no_row_on_any_page(told: tuple[House, dict[str, str]]) -> None:
    home, known = told
    zhao = home.signed_in("zhao")
    zhao.cookies.set("hedgewarden_org", quote(EAST))
    seen = 0
    for path in set(get_routes(home)) - LEFT_OUT:
        answer = zhao.get(address(path, known))
        assert answer.status_code < 500, path
        if answer.status_code in {303, 404}:
            continue
        assert answer.status_code == 200, path
        seen += 1
        page = content_of(answer)
        leaks = [one for one in (*SECRETS, known["order"], known["approval"]) if one in page]
        echoed = {"P-EAST"} if path == "/log" else set()  # the number that was asked for
        assert set(leaks) <= echoed, (path, leaks)
    assert seen >= 9
    own = home.signed_in("chen")
    assert "1,300" in content_of(own.get(f"/exposure?{PLACE}"))


def test_what_a_sibling_asks_for_by_its_number_is_not_there(
    told: tuple[House, dict[str, str]],
) -> None:
    home, known = told
    zhao = home.signed_in("zhao")
    for path in (
        f"/orders/{known['order']}",
        f"/orders/{known['order']}.xlsx",
        f"/approvals/{known['approval']}",
        f"/exposure?{PLACE}",
        f"/exposure/rows.xlsx?{PLACE}",
    ):
        assert zhao.get(path).status_code == 404, path
    version = {"version": "1"}
    assert zhao.post(f"/approvals/{known['approval']}/approve", data=version).status_code == 404


@pytest.mark.parametrize("person", [*ROLES.values(), "boss"])
def test_every_page_answers_every_role(told: tuple[House, dict[str, str]], person: str) -> None:
    home, known = told
    client = home.signed_in(person)
    for path in set(get_routes(home)) - LEFT_OUT:
        answer = client.get(address(path, known))
        assert answer.status_code in {200, 303, 403, 404}, (path, answer.status_code)
        if answer.status_code == 200:
            assert "Traceback" not in answer.text


def test_the_navigation_offers_only_what_may_be_read(told: tuple[House, dict[str, str]]) -> None:
    home, _ = told
    refused = {"root": "/exposure", "tmp": "/orders"}
    for person, path in refused.items():
        client = home.signed_in(person)
        assert client.get(path).status_code == 403, person
        reachable = client.get("/rules" if person == "root" else "/").text
        assert f'href="{path}"' not in reachable, person


def test_without_a_session_every_page_leads_to_the_sign_in(
    told: tuple[House, dict[str, str]],
) -> None:
    home, known = told
    for path in get_routes(home):
        answer = home.client().get(address(path, known))
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/login"), path


def test_the_group_chooses_a_unit_to_look_at(told: tuple[House, dict[str, str]]) -> None:
    home, known = told
    boss = home.signed_in("boss")
    assert known["order"] in boss.get("/orders").text
    boss.post("/preferences", data={"org": WEST, "next": "/orders"})
    assert known["order"] not in boss.get("/orders").text
    assert boss.get(f"/orders/{known['order']}").status_code == 404
    boss.post("/preferences", data={"org": "", "next": "/orders"})
    assert known["order"] in boss.get("/orders").text


def test_a_form_from_another_site_does_nothing(told: tuple[House, dict[str, str]]) -> None:
    home, known = told
    chen = home.signed_in("chen")
    chen.headers["Origin"] = "https://elsewhere.invalid"
    before = len(home.actions())
    answer = chen.post(f"/orders/{known['order']}/note", data={"text": "x"})
    assert answer.status_code == 403
    assert len(home.actions()) == before
