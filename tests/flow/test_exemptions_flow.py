"""An exemption from its asking to its end, over the API, the console and the command line."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flow_house import EAST, WEST, House, house

import approvals
from service.approval_deadlines import run_due
from service.approving import act
from store.clock import rfc3339
from workorders import Level, reads
from workorders.exemption_rows import find_exemption, note_subjects, record

PATH = "/api/v1/exemptions"
APPROVALS = "/api/v1/approvals"


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


def body(town: House, **changed: Any) -> dict[str, Any]:
    ends = town.app.clock() + timedelta(days=3)
    wanted = {"org": EAST, "product": "cu", "rule": "EXPOSURE_TIERS", "cap": "1500"}
    said = {"ends_at": rfc3339(ends), "reason": "the vessel is late", "clause": "chapter 4"}
    return {**wanted, **said, **changed}


def asked(town: House, person: str = "lin", **changed: Any) -> dict[str, Any]:
    answer = town.client(person).post(PATH, json=body(town, **changed))
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["exemption"])


def sign(town: House, request: str, *people: str) -> Any:
    for person in people:
        version = town.client(person).get(f"{APPROVALS}/{request}").json()["version"]
        answer = town.client(person).post(
            f"{APPROVALS}/{request}/acts", json={"verb": "approve", "version": version}
        )
    return answer


def later(town: House, span: timedelta) -> None:
    town.clock.advance(span.total_seconds())


def given(town: House, **changed: Any) -> dict[str, Any]:
    one = asked(town, **changed)
    assert sign(town, one["request"], "chen", "wang").json()["code"] == "APPROVED"
    return dict(town.client("lin").get(f"{PATH}/{one['id']}").json())


def test_from_asking_over_two_signatures_to_the_end(town: House):
    one = asked(town)
    assert (one["state"], one["unit"], one["decided_by"]) == ("asked", "t", "")
    own = sign(town, one["request"], "lin")
    assert (own.status_code, own.json()["code"]) == (403, "SELF_APPROVAL")
    assert sign(town, one["request"], "chen").json()["code"] == "SIGNED"
    again = sign(town, one["request"], "chen").json()
    assert again["code"] in {"ALREADY_SIGNED", "SIGNED"}
    assert town.client("lin").get(f"{PATH}/{one['id']}").json()["state"] == "asked"
    assert sign(town, one["request"], "wang").json()["code"] == "APPROVED"
    now = town.client("lin").get(f"{PATH}/{one['id']}").json()
    assert (now["state"], now["decided_by"]) == ("granted", "wang")

    assert town.limit(1000).status_code == 200
    assert town.buy(1300).status_code == 200
    town.run_agents()
    assert town.orders() == ()
    assert town.client("lin").get(PATH).json()["items"][0]["covered"] == 1

    assert town.buy(1600).status_code == 200  # above the cap
    town.run_agents()
    (order,) = town.orders()
    assert (order.level, order.value) == (Level.RED, 1600)


def test_at_its_end_what_stands_opens_its_order(town: House):
    one = given(town)
    town.limit(1000)
    town.buy(1300)
    town.run_agents()
    assert town.orders() == ()
    later(town, timedelta(days=3, seconds=1))
    town.run_agents()
    (order,) = town.orders()
    assert (order.level, order.value) == (Level.RED, 1300)
    assert town.client("lin").get(f"{PATH}/{one['id']}").json()["state"] == "ended"


def test_an_order_that_stood_before_may_be_closed_while_it_counts(town: House):
    order = town.breach()
    chen = town.client("chen")
    one = given(town)
    for verb, more in (("acknowledge", {}), ("resolve", {"text": "exempted"})):
        version = town.order(order.id).version
        done = chen.post(f"/api/v1/orders/{order.id}/{verb}", json={"version": version, **more})
        assert done.status_code == 200, done.text
    page = town.signed_in("wang").get(f"/orders/{order.id}").text
    assert one["id"] in page
    closing = {
        "version": town.order(order.id).version,
        "disposition": "accepted",
        "root_cause": "MARKET_MOVE",
        "corrective": {
            "text": "sell", "owner": "chen",
            "due": rfc3339(town.app.clock() + timedelta(days=5)),
        },
    }  # fmt: skip
    closed = town.client("wang").post(f"/api/v1/orders/{order.id}/close", json=closing)
    assert closed.status_code == 200, closed.text
    later(town, timedelta(seconds=30))  # well inside the cool-down of the closed order
    ended = town.client("wang").post(f"{PATH}/{one['id']}/revoke", json={"reason": "vessel in"})
    assert ended.json()["exemption"]["state"] == "revoked"
    assert len(ended.json()["raised"]) == 1
    assert len(town.orders()) == 2


def test_without_an_exemption_the_same_order_stays_open(town: House):
    order = town.breach()
    given(town, cap="1200")  # the position stands above the cap
    page = town.signed_in("wang").get(f"/orders/{order.id}").text
    assert "EX-" not in page


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"rule": "COVERAGE_BAND"}, 422, "RULE_NOT_EXEMPTABLE"),
        ({"rule": "NONE"}, 422, "RULE_NOT_EXEMPTABLE"),
        ({"product": "zz"}, 422, "UNKNOWN_PRODUCT"),
        ({"month": "2413"}, 422, "MONTH_INVALID"),
        ({"cap": "-5"}, 422, "CAP_INVALID"),
        ({"cap": "0"}, 422, "CAP_INVALID"),
        ({"reason": " "}, 422, "NEEDS_REASON"),
        ({"clause": ""}, 422, "NEEDS_CLAUSE"),
        ({"ends_at": "2024-05-01T00:00:00Z"}, 422, "EXEMPTION_ENDS_EARLY"),
        ({"ends_at": "2025-05-01T00:00:00Z"}, 422, "EXEMPTION_TOO_LONG"),
        ({"ends_at": "never"}, 422, "TIME_INVALID"),
        ({"org": WEST}, 404, "NOT_FOUND"),
    ],
)
def test_what_cannot_be_asked_for(town: House, changed: dict[str, Any], status: int, code: str):
    answer = town.client("lin").post(PATH, json=body(town, **changed))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if status == 422:
        assert set(answer.json().get("titles", {"en", "zh"})) == {"en", "zh"}
    assert town.client("lin").get(PATH).json()["items"] == []


def test_who_may_not_ask_is_refused_on_record(town: House):
    answer = town.client("shen").post(PATH, json=body(town))
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert "exemption.ask" in town.actions()


def test_the_same_limit_is_asked_for_once_at_a_time(town: House):
    one = asked(town)
    again = town.client("wang").post(PATH, json=body(town, cap="1800"))
    assert (again.status_code, again.json()["code"]) == (409, "EXEMPTION_ASKED_ALREADY")
    assert again.json()["params"] == {"exemption": one["id"]}
    assert asked(town, month="2407")["state"] == "asked"


def test_whom_a_waiting_exemption_is_about_does_not_learn_of_it_by_asking(town: House):
    one = asked(town)
    concerns(town, one, "liu")
    answer = town.client("liu").post(PATH, json=body(town))
    assert answer.status_code == 201
    assert one["id"] not in answer.text


def test_no_other_request_gives_it(town: House):
    """A request of another's making that names the exemption signs nothing."""
    one = asked(town)
    directory = town.app.directory
    with town.app.store.unit_of_work("chen") as uow:
        subject = approvals.Subject("exemption", one["id"], EAST, "chen")
        other = approvals.submit(uow, subject, directory).state
    assert other.id != one["request"]
    assert sign(town, other.id, "lin", "wang").json()["code"] == "APPROVED"
    assert town.client("lin").get(f"{PATH}/{one['id']}").json()["state"] == "asked"


def test_an_exemption_is_no_matter_for_an_order_s_approval(town: House):
    order = town.breach()
    path = f"/api/v1/orders/{order.id}/request-approval"
    answer = town.client("chen").post(path, json={"kind": "exemption"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("verb", "person", "more"),
    [("reject", "chen", {"reason": "LIMIT"}), ("withdraw", "lin", {})],
)
def test_rejected_or_withdrawn_it_never_counts(
    town: House, verb: str, person: str, more: dict[str, str]
):
    one = asked(town)
    version = town.client(person).get(f"{APPROVALS}/{one['request']}").json()["version"]
    done = town.client(person).post(
        f"{APPROVALS}/{one['request']}/acts", json={"verb": verb, "version": version, **more}
    )
    assert done.status_code == 200, done.text
    now = town.client("lin").get(f"{PATH}/{one['id']}").json()
    assert (now["state"], now["decided_by"]) == ("refused", person)
    town.breach()  # raises its order
    revoked = town.client("lin").post(f"{PATH}/{one['id']}/revoke", json={"reason": "x"})
    assert (revoked.status_code, revoked.json()["code"]) == (409, "EXEMPTION_NOT_GIVEN")


def test_undecided_in_time_it_is_over(town: House):
    one = asked(town)
    later(town, timedelta(days=4))
    run_due(town.app, town.app.clock())
    now = town.client("lin").get(f"{PATH}/{one['id']}").json()
    assert (now["state"], now["end_reason"]) == ("refused", "expired")


def test_carried_on_it_is_signed_anew_and_no_alert_comes_between(town: House):
    one = given(town)
    town.limit(1000)
    town.buy(1300)
    town.run_agents()
    until = rfc3339(town.app.clock() + timedelta(days=6))
    lin = town.client("lin")
    more = lin.post(f"{PATH}/{one['id']}/renew", json={"ends_at": until, "reason": "later still"})
    assert more.status_code == 201, more.text
    next_one = more.json()["exemption"]
    assert (next_one["renews"], next_one["starts_at"]) == (one["id"], one["ends_at"])
    assert (next_one["cap"], next_one["clause"]) == (one["cap"], one["clause"])
    assert sign(town, next_one["request"], "chen", "wang").json()["code"] == "APPROVED"
    later(town, timedelta(days=4))
    town.run_agents()
    assert town.orders() == ()
    later(town, timedelta(days=3))
    town.run_agents()
    assert len(town.orders()) == 1


def test_the_console_previews_asks_and_revokes(town: House):
    order = town.breach()
    lin, wang = town.signed_in("lin"), town.signed_in("wang")
    form = {
        "org": EAST, "product": "cu", "rule": "EXPOSURE_TIERS", "upto": "1,500",
        "until": "2024-05-20T18:00", "clause": "chapter 4", "reason": "vessel late",
    }  # fmt: skip
    look = lin.get("/exemptions", params={**form, "look": "1"})
    assert "1,300" in look.text  # what stands now
    assert town.client("lin").get(PATH).json()["items"] == []
    made = lin.post("/exemptions", data=form, follow_redirects=True)
    (number,) = set(re.findall(r"EX-\d{8}-\d+", made.text))
    request = town.client("lin").get(f"{PATH}/{number}").json()["request"]
    assert f"/approvals/{request}" in made.text
    card = wang.get(f"/approvals/{request}").text
    assert "1,500" in card
    assert "1,300" in card
    sign(town, request, "chen", "wang")
    page = lin.get("/exemptions").text
    assert f"/exemptions/{number}/revoke" in page
    assert f"renews={number}" in page
    none = lin.post(f"/exemptions/{number}/revoke", data={"reason": ""}, follow_redirects=True)
    assert town.client("lin").get(f"{PATH}/{number}").json()["state"] == "granted"
    assert none.status_code == 200
    later(town, timedelta(seconds=30))
    lin.post(f"/exemptions/{number}/revoke", data={"reason": "vessel in"})
    assert town.client("lin").get(f"{PATH}/{number}").json()["state"] == "revoked"
    assert town.order(order.id).count == order.count + 1


def test_the_console_says_what_cannot_be_asked_for(town: House):
    lin = town.signed_in("lin")
    form = {"org": EAST, "product": "cu", "rule": "EXPOSURE_TIERS", "look": "1"}
    for cap, until in (("x", "2024-05-20T18:00"), ("5", "")):
        page = lin.get("/exemptions", params={**form, "upto": cap, "until": until})
        assert (page.status_code, "notice-bad" in page.text) == (200, True)
    assert lin.get("/exemptions", params={"org": WEST}).status_code == 404
    assert lin.get("/exemptions", params={"renews": "EX-20240514-999"}).status_code == 404
    assert town.signed_in("zhao").get("/exemptions").status_code == 200


def test_red_is_signed_by_itself(town: House):
    """What stands in red is read before it is permitted."""
    town.breach()
    one = asked(town)
    ticked = {"requests": [{"id": one["request"], "version": 1}]}
    found = town.client("chen").post(f"{APPROVALS}/sign", json=ticked).json()
    assert [each["code"] for each in found["items"]] == ["RED_SIGNED_ALONE"]


def test_another_unit_neither_sees_nor_revokes_it(town: House):
    one = given(town)
    zhao = town.client("zhao")
    assert zhao.get(PATH).json()["items"] == []
    assert zhao.get(f"{PATH}/{one['id']}").status_code == 404
    revoked = zhao.post(f"{PATH}/{one['id']}/revoke", json={"reason": "x"})
    assert revoked.status_code == 404


def concerns(town: House, one: dict[str, Any], actor: str) -> None:
    """What the exemption covers becomes the doing of `actor`."""
    with town.app.store.unit_of_work("system:assessor") as uow:
        note_subjects(uow, one["id"], [actor])
        found = find_exemption(uow.connection, one["id"])
        assert found is not None
        record(uow, "exemption.begin", found)


def click(town: House, person: str, request: str) -> str:
    """An approval by a card that is out, whoever may read the request by now; its code."""
    app = town.app
    with app.store.unit_of_work(person) as uow:
        version = approvals.read(uow.connection, request).version
        return act(uow, app, app.context(), request, "approve", version).code


def test_whose_doing_it_has_become_signs_no_more(town: House):
    one = asked(town)
    concerns(town, one, "chen")
    assert click(town, "chen", one["request"]) == "CAUSER_CANNOT_SIGN"
    assert sign(town, one["request"], "new", "wang").json()["code"] == "APPROVED"


def test_a_manager_whose_doing_it_has_become_does_not_sign_after_the_officer(town: House):
    one = asked(town)
    assert sign(town, one["request"], "chen").json()["code"] == "SIGNED"
    concerns(town, one, "wang")
    assert click(town, "wang", one["request"]) == "CAUSER_CANNOT_SIGN"
    assert town.client("lin").get(f"{PATH}/{one['id']}").json()["state"] == "asked"


def test_it_is_kept_from_whom_the_breach_is_about(town: House):
    """The exemption, its approval, its records and its line on the hand-over."""
    one = given(town)
    liu, page = town.client("liu"), town.signed_in("liu")
    assert liu.get(f"{PATH}/{one['id']}").status_code == 200
    assert one["id"] in page.get("/exemptions").text
    concerns(town, one, "liu")
    assert liu.get(f"{PATH}/{one['id']}").status_code == 404
    assert liu.get(PATH).json()["items"] == []
    for path in ("/exemptions", "/trail?q=" + one["id"], f"/exposure?org={EAST}&product=cu"):
        assert one["id"] not in re.sub(r'value="[^"]*"', "", page.get(path).text), path
    assert liu.get(f"{APPROVALS}/{one['request']}").status_code == 404
    assert page.get("/exemptions", params={"renews": one["id"]}).status_code == 404
    again = liu.post(f"{PATH}/{one['id']}/revoke", json={"reason": "x"})
    assert again.status_code == 404
    assert one["id"] in town.signed_in("wang").get(f"/handover?org={EAST}").text
    assert one["id"] not in page.get(f"/handover?org={EAST}").text


def test_an_alert_leads_to_the_form_and_the_exposure_to_the_exemption(town: House):
    town.breach()
    lin = town.signed_in("lin")
    with town.app.store.reader() as connection:
        (alert,) = reads.list_alerts(connection, [EAST]).items
    shown = lin.get(f"/alerts?pile=in_order&alert={alert.id}").text
    (address,) = set(re.findall(r'(?:href|action)="(/exemptions\?[^"]*)"', shown))
    form = lin.get(html.unescape(address)).text
    assert re.search(r'<option value="EXPOSURE_TIERS"[^>]*selected', form)
    cell = f"/exposure?org={EAST}&product=cu"
    assert "EX-" not in lin.get(cell).text
    one = given(town)
    assert one["id"] in lin.get(cell).text
    assert "EX-" not in lin.get(f"{cell}&as_of=2024-05-13T10:00").text


def test_page_and_card_say_what_stands_and_would_not_be_covered(town: House):
    town.breach()
    lin = town.signed_in("lin")
    form = {
        "org": EAST, "product": "cu", "rule": "EXPOSURE_TIERS", "upto": "1200",
        "until": "2024-05-20T18:00", "clause": "4", "reason": "late", "look": "1",
    }  # fmt: skip
    look = lin.get("/exemptions", params=form).text
    assert "above the cap" in look
    one = asked(town, cap="1200")
    card = lin.get(f"/approvals/{one['request']}").text
    assert "Stands at 1,300 t and would not be covered: above the cap." in card
