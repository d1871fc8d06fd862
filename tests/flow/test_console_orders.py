"""Today, the list of work orders and the page of one, as officers and managers use them."""

import io
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, WEST, House, house

from service.i18n import load_words
from service.i18n.formats import Format
from service.web.reader import LANGUAGE_COOKIE, Reader
from service.web.rooms.names import Names
from service.web.rooms.order_conditions import condition_text
from service.web.rooms.speaking import Speaker
from workorders import Level, ManualOrder, WorkOrder, merge, open_by_hand
from workorders.guard import Condition, Holding
from workorders.model import Clear

CLOSING = {
    "disposition": "fixed",
    "root_cause": "PROCESS_GAP",
    "corrective": "Watch the limit before buying",
    "owner": "lin",
    "due": "2024-06-01",
}


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("orders")) as made:
        yield made


@pytest.fixture(name="order")
def _order(home: House) -> WorkOrder:
    return home.breach()


def text_of(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    main = answer.text[answer.text.index("<main") :]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main)))


def after(client: TestClient, path: str, **form: str) -> str:
    """The page to which an act leads; redirects are followed by hand, as the browser does."""
    answer = client.post(path, data=form)
    assert answer.status_code == 303, (path, answer.status_code, answer.text[:300])
    return text_of(client, answer.headers["location"])


# --- today ----------------------------------------------------------------------------------------


def test_today_shows_what_waits_with_figures_and_deadlines(home: House, order: WorkOrder) -> None:
    page = text_of(home.signed_in("chen"), "/")
    assert re.search(
        r"RED · critical 1 orders 1 · Acknowledge by \d\d:\d\d \( 5 min 00 s left \)", page
    )
    assert f"Copper net exposure over its limit Work order {order.id} East 1,300 t 1,000 t" in page
    assert "130 %" in page
    assert "Near limit top 1 Copper · East 130 %" in page


def test_nothing_waits_for_a_newcomer_and_the_page_says_what_to_do(home: House) -> None:
    page = text_of(home.signed_in("new"), "/")
    assert "Nothing waits for you" in page
    assert "See the exposure" in page


def test_what_was_taken_over_by_mistake_is_given_back(home: House, order: WorkOrder) -> None:
    chen = home.signed_in("chen")
    page = after(chen, f"/orders/{order.id}/take_over", version=str(order.version), next="/")
    assert f"You have taken over {order.id}." in page
    assert home.order(order.id).owner == "chen"
    after(chen, f"/orders/{order.id}/undo")
    given = home.order(order.id)
    assert (given.owner, set(given.assignees)) == ("", {"chen", "lin"})


def test_the_workbook_of_today_says_when_and_for_whom(home: House, order: WorkOrder) -> None:
    answer = home.signed_in("chen").get("/today.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    assert "Chen Fang" in str(sheet["A2"].value)
    row = [cell.value for cell in sheet[5]]
    assert row[2] == order.id
    assert row[5:9] == [1300, 1000, "t", 1.3]


# --- the list -------------------------------------------------------------------------------------


def test_the_list_is_filtered_by_state_level_and_text(home: House, order: WorkOrder) -> None:
    chen = home.signed_in("chen")
    for query in ("", "?level=red", "?q=Copper", "?q=cu", f"?q={order.id[-3:]}", "?state=open"):
        assert order.id in text_of(chen, f"/orders{query}"), query
    for query in ("?level=blue", "?q=Rebar", "?state=closed", "?unit=Group/West"):
        assert order.id not in text_of(chen, f"/orders{query}"), query


def test_each_filter_is_a_link_that_keeps_the_others(home: House, order: WorkOrder) -> None:
    chen = home.signed_in("chen")
    html = chen.get("/orders?level=red&kind=risk&whose=mine&unit=Group/East").text
    assert order.id in html
    links = [
        parse_qs(urlsplit(unescape(url)).query)
        for url in re.findall(r'href="(/orders\?[^"]*)', html)
    ]
    kept = {"level": ["red"], "kind": ["risk"], "whose": ["mine"], "unit": ["Group/East"]}
    for changed in ({"level": ["blue"]}, {"kind": ["data"]}, {"state": ["closed"]}):
        assert {**kept, **changed} in links
    for dropped in ("level", "kind", "whose"):
        assert {name: value for name, value in kept.items() if name != dropped} in links
    for name, value in (("level", "red"), ("kind", "risk"), ("whose", "mine")):
        assert f'<input type="hidden" name="{name}" value="{value}">' in html  # the form keeps them


@pytest.mark.parametrize("query", ["?kind=data", "?kind=data&q=cu", "?level=blue&whose=mine"])
def test_an_empty_list_leads_to_a_wider_one(home: House, order: WorkOrder, query: str) -> None:
    chen = home.signed_in("chen")
    html = chen.get(f"/orders{query}").text
    assert order.id not in html
    main = html[html.index('class="blank"') :]
    ways = [unescape(url) for url in re.findall(r'href="(/orders[^"]*)', main)]
    assert any(order.id in chen.get(way).text for way in ways), ways


def test_mine_are_those_on_my_list(home: House, order: WorkOrder) -> None:
    assert order.id in text_of(home.signed_in("chen"), "/orders?whose=mine")
    assert order.id not in text_of(home.signed_in("wang"), "/orders?whose=mine")
    assert order.id in text_of(home.signed_in("wang"), "/orders")


def test_red_stands_first_over_all_pages_of_the_active_ones(home: House) -> None:
    levels = [Level.ORANGE, Level.YELLOW, Level.RED, Level.BLUE]
    with home.app.store.unit_of_work("chen") as uow:
        context = home.app.context(home.app.directories.around(uow.connection))
        for number in range(60):
            wanted = ManualOrder("MANUAL", levels[number % 4], EAST, text=f"Odd invoice {number}")
            assert open_by_hand(uow, context, wanted).ok
    chen = home.signed_in("chen")
    shown: list[str] = []
    path = "/orders"
    while path:
        html = chen.get(path).text
        shown += re.findall(r'data-main href="/orders/([^"]+)"', html)
        following = re.search(r'href="([^"]+)" rel="next"', html)
        path = unescape(following.group(1)) if following else ""
    assert len(shown) == len(set(shown)) == 60
    ranks = [home.order(one).level.rank for one in shown]
    assert ranks == sorted(ranks, reverse=True)


def test_an_order_opened_by_hand_is_there_at_once(home: House) -> None:
    chen = home.signed_in("chen")
    page = after(chen, "/orders/new", org=EAST, level="orange", product="cu", text="Odd invoice")
    assert "Copper opened by hand · East" in page
    assert "Odd invoice" in page


# --- the page -------------------------------------------------------------------------------------


def test_the_page_says_what_broke_why_and_what_brings_it_back(
    home: House, order: WorkOrder
) -> None:
    page = text_of(home.signed_in("chen"), f"/orders/{order.id}")
    assert "What broke 1,300 t limit 1,000 t · 130 %" in page
    assert "Sell 61 lots of Copper → 995 t" in page
    assert "套期保值业务管理制度 第四章 敞口限额" in page
    assert "limit use at least 130 % 120 % 10 percentage points net 1,300 t, limit 1,000 t" in page
    assert "Match: net exposure over its limit" in page
    # the row that decided stands in front, the table that it is of behind it
    decided, _, table = page.partition("The whole rule")
    assert "if limit use is at least 120 %, red" in decided
    assert "orange" not in decided[decided.index("Evidence") :]
    assert "if limit use is at least 100 %, orange" in table
    assert "chen, lin" not in page  # people are called by name
    assert "Chen Fang, Lin Hao told" in page


def test_an_act_that_a_person_may_not_do_is_greyed_with_the_reason(
    home: House, order: WorkOrder
) -> None:
    page = home.signed_in("liu").get(f"/orders/{order.id}").text
    resolve = re.search(r'<button[^>]*aria-describedby="ask-resolve-why"[^>]*>', page)
    assert resolve
    assert "disabled" in resolve[0]
    assert 'Needs the permission "Resolve a work order".' in unescape(page)
    assert f'action="/orders/{order.id}/acknowledge"' in page


def test_who_may_do_nothing_sees_no_buttons(home: House, order: WorkOrder) -> None:
    page = text_of(home.signed_in("shen"), f"/orders/{order.id}")
    assert "You may read this order, not act on it." in page


def test_a_post_without_the_permission_is_refused_and_recorded(
    home: House, order: WorkOrder
) -> None:
    page = after(home.signed_in("liu"), f"/orders/{order.id}/resolve", text="done")
    assert "Refused: You may not do this." in page
    assert home.order(order.id).state == "open"
    assert home.actions()[-1] == "order.resolve"


def test_the_work_from_acknowledging_to_closing(home: House, order: WorkOrder) -> None:
    chen, lin = home.signed_in("chen"), home.signed_in("lin")
    base = f"/orders/{order.id}"
    after(chen, f"{base}/acknowledge", version=str(order.version))
    assert "Refused: Give a reason." in after(chen, f"{base}/escalate", reason=" ")
    assert "The note was added." in after(chen, f"{base}/note", text="Called the warehouse")
    after(chen, f"{base}/hold", objects="H-1, H-2", reason="wait for the count")
    page = after(chen, f"{base}/resolve", text="Sold the surplus")
    assert "Instructions held: H-1, H-2" in page
    assert "Called the warehouse" in page
    refused = after(lin, f"{base}/close", **CLOSING)
    assert "Refused: It still holds: now 1,300 t, limit 1,000 t." in refused
    assert home.order(order.id).state == "resolved"
    assert home.buy(400).status_code == 200
    # who resolved a red order does not close it
    assert "neither acknowledged nor resolved" in after(chen, f"{base}/close", **CLOSING)
    closed = after(lin, f"{base}/close", **CLOSING)
    assert f"You have closed {order.id}. If it comes back, reopen it." in closed
    assert "Watch the limit before buying" in closed
    assert home.order(order.id).state == "closed"
    reopened = after(lin, f"{base}/reopen", reason="came back")
    (new,) = (one for one in home.orders() if one.reopened_from == order.id)
    assert f"{new.id} is open; it points at {order.id}, which stays closed." in reopened


def test_closing_is_greyed_with_the_live_figure_while_the_condition_holds(
    home: House, order: WorkOrder
) -> None:
    chen = home.signed_in("chen")
    page = f"/orders/{order.id}"
    assert "Still over the limit: 1,300 t of 1,000 t" in text_of(chen, page)
    assert home.buy(1150).status_code == 200
    assert "Still over the limit: 1,150 t of 1,000 t" in text_of(chen, page)


@pytest.mark.parametrize(
    ("language", "told", "clears"),
    [
        (
            "en",
            "Back within the limit (970 t of 1,000 t), but not cleared yet.",
            " It clears once limit use is less than 95 % and data state is",
        ),
        (
            "zh",
            "已回到限额以内（当前 970 t，限额 1,000 t），但尚未解除，暂不可关闭。",
            "须限额使用率小于95 %且数据状态等于",
        ),
    ],
)
def test_a_figure_within_its_limit_that_has_not_cleared_says_where_it_does(
    home: House, order: WorkOrder, language: str, told: str, clears: str
) -> None:
    chen = home.signed_in("chen")
    chen.cookies.set(LANGUAGE_COOKIE, language)
    assert home.buy(970).status_code == 200
    assert told + clears in text_of(chen, f"/orders/{order.id}")
    assert home.buy(940).status_code == 200
    assert told not in text_of(chen, f"/orders/{order.id}")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", 'It still holds. It clears once state is "current".'),
        ("zh", "条件仍然成立，暂不可关闭。须状态等于“最新”才解除。"),
    ],
)
def test_a_condition_without_a_figure_does_not_speak_of_a_limit(
    home: House, language: str, told: str
) -> None:
    words, directory = load_words(language, strict=True), home.app.directory
    shape = Format(language, ZoneInfo("Asia/Shanghai"), home.app.clock())
    names = Names(words, directory, {})
    speaker = Speaker(home.app, Reader(words, shape), names, directory)
    late = Condition(Clear("FEED_LATE", "erp"), Holding.HOLDS)
    assert condition_text(speaker, late) == told


def test_closing_a_grave_order_asks_for_a_corrective_action(home: House, order: WorkOrder) -> None:
    after(home.signed_in("chen"), f"/orders/{order.id}/resolve")
    assert home.buy(100).status_code == 200
    bare = {name: CLOSING[name] for name in ("disposition", "root_cause")}
    page = after(home.signed_in("lin"), f"/orders/{order.id}/close", **bare)
    assert "corrective action" in page
    assert home.order(order.id).state == "resolved"


def test_closing_proposes_no_answer_of_its_own(home: House, order: WorkOrder) -> None:
    after(home.signed_in("chen"), f"/orders/{order.id}/resolve")
    assert home.buy(100).status_code == 200
    page = home.signed_in("lin").get(f"/orders/{order.id}").text
    for name in ("disposition", "root_cause", "owner"):
        select = rf'<select[^>]* name="{name}" required[^>]*>(.*?)</select>'
        asked = re.search(select, page, re.DOTALL)
        assert asked is not None, name
        nothing, *answers = asked[1].strip().split("</option>")
        assert nothing.startswith('<option value=""'), name
        assert not any(" selected" in one for one in answers), name


def test_a_manager_overrides_with_a_reason(home: House, order: WorkOrder) -> None:
    after(home.signed_in("chen"), f"/orders/{order.id}/resolve")
    page = after(
        home.signed_in("wang"), f"/orders/{order.id}/close", **CLOSING, override="Hedged outside"
    )
    assert "Hedged outside" in page
    assert home.order(order.id).state == "closed"


def test_a_click_on_an_outdated_page_changes_nothing(home: House, order: WorkOrder) -> None:
    chen, lin = home.signed_in("chen"), home.signed_in("lin")
    after(chen, f"/orders/{order.id}/take_over", version=str(order.version))
    page = after(lin, f"/orders/{order.id}/resolve", version=str(order.version))
    assert "Refused: The order has changed" in page
    assert home.order(order.id).owner == "chen"


def test_an_approval_is_asked_for_signed_and_shown(home: House, order: WorkOrder) -> None:
    chen, lin = home.signed_in("chen"), home.signed_in("lin")
    page = after(
        chen, f"/orders/{order.id}/request_approval", kind="limit_change", text="One week more"
    )
    link = re.search(r"/approvals/AP-[0-9a-f]+", chen.get(f"/orders/{order.id}").text)
    assert link, page
    assert "Copper Limit change, 0 of 1 signed" in text_of(lin, "/")
    shown = text_of(lin, link[0])
    assert "One week more" in shown
    assert "Value 1,300 t" in shown
    version = re.search(r'name="version" value="(\d+)"', lin.get(link[0]).text)
    assert version
    signed = after(lin, f"{link[0]}/approve", version=version[1])
    number = link[0].rpartition("/")[2]
    assert f"You have approved {number}. It waits for Wang Qiang until " in signed
    # nobody signs what they asked for
    assert "Refused: " in after(chen, f"{link[0]}/approve", version=version[1])


def test_a_reader_of_another_unit_gets_no_order_and_no_act(home: House, order: WorkOrder) -> None:
    zhao = home.signed_in("zhao")
    assert zhao.get(f"/orders/{order.id}").status_code == 404
    for verb in ("acknowledge", "take_over", "resolve", "note", "undo"):
        answer = zhao.post(f"/orders/{order.id}/{verb}", data={"text": "x"})
        assert answer.status_code == 404, verb
    assert home.order(order.id).version == order.version


def test_an_order_of_another_unit_cannot_be_opened_by_hand(home: House) -> None:
    form = {"org": WEST, "level": "red", "text": "not mine"}
    assert home.signed_in("chen").post("/orders/new", data=form).status_code == 403
    assert home.orders() == ()


def test_a_merged_order_shows_where_it_went_and_no_state_that_it_never_had(home: House) -> None:
    with home.app.store.unit_of_work("chen") as uow:
        wanted = ManualOrder("BY_HAND", Level.YELLOW, EAST, product="cu", text="an invoice")
        first, second = (open_by_hand(uow, home.app.context(), wanted).order for _ in range(2))
        assert first is not None
        assert second is not None
        assert merge(uow, home.app.context(), first.id, into=second.id).ok
    page = text_of(home.signed_in("chen"), f"/orders/{first.id}")
    assert f"It was merged into {second.id}; go on there." in page
    assert "you may not act" not in page
    stepper = page[: page.index("What was found")]
    assert "Merged" in stepper
    for never in ("Resolved", "Closed", "In work"):
        assert never not in stepper
