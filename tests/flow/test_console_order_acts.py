"""The buttons and forms of a work order: what each says beforehand, keeps, and says afterwards."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient
from flow_house import EAST, House, house

from workorders import WorkOrder, reads, snooze
from workorders.card import Line
from workorders.cards import order_card

CLOSING = {
    "disposition": "fixed",
    "root_cause": "PROCESS_GAP",
    "corrective": "Watch the limit before buying",
    "owner": "lin",
    "due": "2024-06-01",
}


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("acts")) as made:
        yield made


@pytest.fixture(name="resolved")
def _resolved(home: House) -> WorkOrder:
    """A red order that chen has resolved and whose condition has cleared."""
    order = home.breach()
    home.signed_in("chen").post(f"/orders/{order.id}/resolve", data={"text": "sold"})
    assert home.buy(100).status_code == 200
    return home.order(order.id)


def plain(html: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html[html.index("<main") :])))


def after(client: TestClient, path: str, **form: str) -> str:
    answer = client.post(path, data=form)
    assert answer.status_code == 303, answer.text[:300]
    return plain(client.get(answer.headers["location"]).text)


def by_hand(home: House, level: str) -> WorkOrder:
    answer = home.signed_in("chen").post(
        "/orders/new", data={"org": EAST, "level": level, "product": "cu", "text": "Odd invoice"}
    )
    return home.order(answer.headers["location"].rpartition("/")[2])


# --- a date is never guessed ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "said"),
    [
        ("", "Choose the day by which it is to be done."),
        ("next week", '"next week" is no date'),
        ("2024-02-31", '"2024-02-31" is no date'),
        ("2024-05-13", "The day may not lie before today."),
    ],
)
def test_a_date_that_is_none_is_refused_by_its_field_and_the_words_are_kept(
    home: House, resolved: WorkOrder, due: str, said: str
) -> None:
    form = {**CLOSING, "due": due, "text": "as agreed on the phone"}
    answer = home.signed_in("lin").post(f"/orders/{resolved.id}/close", data=form)
    assert answer.status_code == 422
    dialog = answer.text[answer.text.index('<dialog class="ask" id="ask-close" open') :]
    dialog = dialog[: dialog.index("</dialog>")]
    assert said in unescape(dialog)
    field = re.search(r'<input[^>]*name="due"[^>]*>', dialog)
    assert field
    assert f'value="{due}"' in field[0]
    assert 'aria-invalid="true"' in field[0]
    assert "Watch the limit before buying</textarea>" in dialog
    assert "as agreed on the phone</textarea>" in dialog
    for chosen in ("fixed", "PROCESS_GAP", "lin"):
        assert f'<option value="{chosen}" selected>' in dialog
    assert home.order(resolved.id).state == "resolved"


def test_a_measure_without_somebody_for_it_is_refused_by_its_field(
    home: House, resolved: WorkOrder
) -> None:
    form = {**CLOSING, "owner": ""}
    answer = home.signed_in("lin").post(f"/orders/{resolved.id}/close", data=form)
    assert answer.status_code == 422
    assert "Choose who is responsible for it." in answer.text


def test_the_last_day_is_the_day_that_was_chosen(home: House, resolved: WorkOrder) -> None:
    after(home.signed_in("lin"), f"/orders/{resolved.id}/close", **CLOSING)
    # the end of 1 June in Shanghai
    assert str(home.order(resolved.id).closing["corrective"]["due"]).startswith("2024-06-01T15:59")


@pytest.mark.parametrize("amount", ["a lot", "1.2.3", "NaN", "Infinity"])
def test_an_amount_that_is_none_is_refused_by_its_field(home: House, amount: str) -> None:
    order = home.breach()
    form = {"kind": "limit_change", "amount": amount, "text": "One week more"}
    answer = home.signed_in("chen").post(f"/orders/{order.id}/request_approval", data=form)
    assert answer.status_code == 422
    assert f'value="{amount}"' in answer.text
    assert "One week more</textarea>" in answer.text


# --- a button says what it will do ----------------------------------------------------------------


def test_only_red_needs_a_second_person_and_the_buttons_say_so(
    home: House, resolved: WorkOrder
) -> None:
    page = plain(home.signed_in("lin").get(f"/orders/{resolved.id}").text)
    assert "Review & close" in page
    assert "You are the second person" in page
    own = plain(home.signed_in("chen").get(f"/orders/{resolved.id}").text)
    assert "neither acknowledged nor resolved" in own
    chen, calm = home.signed_in("chen"), by_hand(home, "orange")
    page = plain(chen.get(f"/orders/{calm.id}").text)
    assert "Review & close" not in page
    assert "It becomes resolved and can then be closed." in page
    assert "Mark it resolved first; then it can be closed." in page
    after(chen, f"/orders/{calm.id}/resolve")
    page = plain(chen.get(f"/orders/{calm.id}").text)
    assert "this level needs no second person" in page


def test_taking_over_says_from_whom(home: House) -> None:
    order = home.breach()
    after(home.signed_in("chen"), f"/orders/{order.id}/take_over")
    page = plain(home.signed_in("lin").get(f"/orders/{order.id}").text)
    assert "You become the owner in place of Chen Fang." in page


# --- what is said afterwards ----------------------------------------------------------------------


def test_every_act_says_what_happened_and_what_comes_next(home: House) -> None:
    order = home.breach()
    chen, lin, base = home.signed_in("chen"), home.signed_in("lin"), f"/orders/{order.id}"
    page = after(chen, f"{base}/acknowledge")
    assert re.search(rf"Acknowledged: {order.id}\. Paging has stopped\. Resolve it by \d", page)
    page = after(chen, f"{base}/hold", objects="H-1, H-2", reason="wait")
    assert f"{order.id}: instructions held (H-1, H-2). It is in work" in page
    page = after(chen, f"{base}/escalate", reason="too big for us")
    assert f"{order.id} is escalated to Boss." in page
    page = after(chen, f"{base}/request_approval", kind="limit_change", text="One week more")
    assert re.search(rf"Approval requested for {order.id}; it waits for [A-Z]", page)
    page = after(chen, f"{base}/request_approval", kind="limit_change", text="One week more")
    assert re.search(r"Already asked for: AP-\w+ is open and waits for [A-Z]", page)
    wang = home.signed_in("wang")
    page = after(wang, f"{base}/reassign", person="lin", reason="on leave")
    assert f"{order.id} is now with Lin Hao." in page
    page = after(lin, f"{base}/resolve", text="sold")
    assert f"You have marked {order.id} as resolved. Another person now has to review" in page
    page = after(wang, f"{base}/resume", reason="not yet")
    assert f"{order.id} is back in work." in page
    assert "Done and recorded" not in page


# --- who is told --------------------------------------------------------------------------------


def test_escalating_says_beforehand_whom_it_tells_and_tells_them(home: House) -> None:
    order = home.breach()
    chen, page = home.signed_in("chen"), f"/orders/{order.id}"
    assert "Told now, before the deadline: Boss." in plain(chen.get(page).text)
    said = after(chen, f"{page}/escalate", reason="nobody answers")
    assert f"{order.id} is escalated to Boss" in said
    # Boss stands at the top, and this company names no last resort.
    assert "Nobody further is named; told once more: Chen Fang, Lin Hao, Boss." in said
    home.pass_time(seconds=30)
    said = after(chen, f"{page}/escalate", reason="still nobody")
    assert f"{order.id} is escalated to Chen Fang, Lin Hao, Boss" in said


# --- an order opened by hand ----------------------------------------------------------------------

REASON = "The warehouse says that 300 t were never weighed"


def opening(answer_text: str) -> str:
    """The dialog of the form, standing open."""
    begun = answer_text[answer_text.index('<dialog class="ask" id="ask-open" open') :]
    return unescape(begun[: begun.index("</dialog>")])


def test_what_a_person_wrote_stands_on_the_page_and_on_the_card(home: House) -> None:
    form = {"org": EAST, "level": "orange", "product": "cu", "text": REASON}
    answer = home.signed_in("chen").post("/orders/new", data=form)
    page = home.signed_in("chen").get(answer.headers["location"]).text
    assert f'<p class="bold">{REASON}</p>' in page
    order = home.order(answer.headers["location"].rpartition("/")[2])
    card = order_card(order, "lin", notice_id="n", reason="opened")
    assert Line("card.text", {"text": REASON}) in card.lines
    assert "explain.happened" not in {one.code for one in card.lines}


def test_a_card_has_room_for_a_part_of_a_long_text(home: House) -> None:
    form = {"org": EAST, "level": "orange", "text": f"{REASON}\n" * 40}
    answer = home.signed_in("chen").post("/orders/new", data=form)
    order = home.order(answer.headers["location"].rpartition("/")[2])
    lines = order_card(order, "lin", notice_id="n", reason="opened").lines
    text = next(one.params["text"] for one in lines if one.code == "card.text")
    assert (len(text), text[-1]) == (300, "…")
    assert "\n" not in text


def test_a_card_says_who_has_it_by_name(home: House) -> None:
    """The card calls people as the console does, not by the id of their account."""
    spoken = home.app.catalogues.words("en")
    said = spoken.text("card.reason.updated", state="acknowledged", actor="chen", at="")
    assert "Chen Fang" in said
    assert "chen" not in said
    assert "u_left" in spoken.text("card.reason.updated", state="open", actor="u_left", at="")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"product": "wti"}, 'There is no product "wti".'),
        ({"product": "cuu"}, "Did you mean cu (Copper)?"),
        ({"product": "cu2406"}, "Did you mean cu (Copper)?"),
        ({"text": "  "}, "Say what happened."),
        ({"text": "x" * 4001}, "Too long: length 4,001, at most 4000."),
        ({"level": "mauve"}, "Choose a level."),
        ({"level": ""}, "Choose a level."),
        ({"org": ""}, "Choose a unit in which you may open orders."),
    ],
)
def test_a_refused_form_comes_back_filled_with_the_fault_at_its_field(
    home: House, changed: dict[str, str], said: str
) -> None:
    form = {"org": EAST, "level": "yellow", "product": "cu", "text": REASON} | changed
    answer = home.signed_in("chen").post("/orders/new", data=form)
    assert answer.status_code == 422
    dialog = opening(answer.text)
    name = next(iter(changed))
    assert re.search(rf'id="ask-open-{name}-error">[^<]*{re.escape(said)}', dialog)
    assert dialog.count("field-error") == 1
    if name != "text":
        assert REASON in dialog
    if name != "level":
        assert '<option value="yellow" selected>' in dialog
    with home.app.store.reader() as connection:
        assert reads.list_orders(connection, ["Group"]).items == ()


@pytest.mark.parametrize("typed", ["CU", " cu ", "Copper", "copper"])
def test_a_product_is_known_by_its_code_in_any_case_and_by_its_name(
    home: House, typed: str
) -> None:
    form = {"org": EAST, "level": "yellow", "product": typed, "text": REASON}
    answer = home.signed_in("chen").post("/orders/new", data=form)
    assert home.order(answer.headers["location"].rpartition("/")[2]).product == "cu"


# --- how it stands --------------------------------------------------------------------------------


def test_a_resolved_red_order_tells_the_live_figure_and_until_when_a_second_person_closes(
    home: House,
) -> None:
    order, chen = home.breach(), home.signed_in("chen")
    held = plain(chen.get(f"/orders/{order.id}").text)
    assert "It has come back" not in held
    assert "A second person closes by" not in held
    chen.post(f"/orders/{order.id}/resolve", data={"text": "sold"})
    still = plain(chen.get(f"/orders/{order.id}").text)
    assert "A second person closes by" in still
    assert "It has come back" not in still
    home.buy(400)
    page = plain(chen.get(f"/orders/{order.id}").text)
    assert "It has come back: now 400 t, limit 1,000 t." in page
    assert re.search(r"A second person closes by \S* ?10:00 \(", page), page[:400]


def test_a_snoozed_order_says_in_its_steps_until_when_nobody_is_reminded(home: House) -> None:
    order, chen = by_hand(home, "yellow"), home.signed_in("chen")
    assert "no reminders until" not in plain(chen.get(f"/orders/{order.id}").text)
    with home.app.store.unit_of_work("chen") as uow:
        context = home.app.context(home.app.directories.around(uow.connection))
        until = uow.now + timedelta(hours=1)
        assert snooze(uow, context, order.id, until=until, reason="the price is late").ok
    html = chen.get(f"/orders/{order.id}").text
    steps = plain("<main" + html[html.index('<ol class="stepper') :].split("</ol>")[0])
    assert re.search(r"no reminders until .*\d\d:\d\d", steps), steps


def test_a_closed_order_says_who_disposed_of_it(home: House, resolved: WorkOrder) -> None:
    lin = home.signed_in("lin")
    assert lin.post(f"/orders/{resolved.id}/close", data=CLOSING).status_code == 303
    page = plain(lin.get(f"/orders/{resolved.id}").text)
    assert "Owner Chen Fang" in page
    listed = plain(lin.get("/orders?state=all").text)
    assert "Chen Fang" in listed[listed.index(resolved.id) :]


def test_figures_are_said_to_open_their_rows_only_where_they_do(home: House) -> None:
    for order in (home.breach(), by_hand(home, "yellow")):
        html = home.signed_in("chen").get(f"/orders/{order.id}").text
        panel = html[html.index('id="evidence"') :].split("</section>")[0]
        cells = re.findall(
            r'<td class="num"[^>]*data-head="Value"[^>]*>(.*?)</td>', panel, re.DOTALL
        )
        opens = bool(cells) and all("<a " in one for one in cells)
        assert ("every figure opens its rows" in panel) == opens
