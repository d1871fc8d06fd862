"""Today, triage, work orders, exposure and approvals on live data, in every look."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, expect

import workorders
from rules.sentence import sentence
from service.approving import Ask, act, ask_for
from service.assembly import make_app
from service.demo.group import TRADING
from service.demo.stage import Stage
from service.exempting import Wish, ask
from service.security import set_password
from service.web import Assets, Look, Pages
from service.web.rooms.order_events import number_of
from tests.browser import chromium
from tests.browser.conftest import Visitor, visiting
from tests.browser.console_data import evening
from tests.browser.pseudo import mark_data, untranslated
from workorders import Level, ManualOrder, WorkOrder, open_by_hand, reads
from workorders.handing_over import give

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
OFFICER, ROBOTS_OFFICER, GROUP_OFFICER, SIGNER = "u_chen", "u_rc1", "u_grisk", "oe_chen"


@dataclass
class Told:
    """The evening behind a real server, and its pages in the pseudo-language."""

    stage: Stage
    address: str
    pseudo: TestClient
    approval: str = ""
    handover: str = ""

    def order(self, org: str) -> WorkOrder:
        person = self.stage.app.directory.person(org)
        assert person is not None
        with self.stage.app.store.reader() as connection:
            return reads.list_orders(connection, [person.unit]).items[0]

    def sign_in(self, client: TestClient, person: str, address: str) -> None:
        client.headers["Origin"] = address
        client.post("/login", data={"login": person, "password": PASSWORD})


def asked_for(stage: Stage) -> str:
    """A trader of the group asks for an approval under an order that an officer opened."""
    app = stage.app
    with app.store.unit_of_work("oe_chen") as uow:
        wanted = ManualOrder(
            "BY_HAND", Level.ORANGE, TRADING, product="CL", text="A tanker is late"
        )
        order = open_by_hand(uow, app.context(), wanted).order
    assert order is not None
    with app.store.unit_of_work("oe_zhao") as uow:
        material = {"reason": "Until the tanker is in"}
        asked = ask_for(uow, app, app.context(), order, Ask("limit_change", material=material))
    assert asked.request is not None, asked
    return asked.request.state.id


def handed_over(stage: Stage) -> str:
    """A shift that was handed over, with an order that moved afterwards."""
    app = stage.app
    with app.store.unit_of_work("oe_chen") as uow:
        given = give(uow, app.context(), TRADING, note="The tanker is late")
        wanted = ManualOrder("BY_HAND", Level.YELLOW, TRADING, product="CL", text="Ask again")
        assert open_by_hand(uow, app.context(), wanted).ok
    assert given.sheet is not None, given
    return given.sheet.id


def exempted(stage: Stage) -> None:
    """A trader's exemption that officer and manager signed, and another that waits for them."""
    app = stage.app
    now = app.clock()
    for product, signers in (("CL", ("oe_chen", "oe_wang")), ("cu", ())):
        wish = Wish(
            org=TRADING,
            product=product,
            rule="EXPOSURE_TIERS",
            cap=Decimal(1_500_000),
            ends_at=now + timedelta(days=5),
            reason="The tanker is late",
            clause="Chapter 4, exceptions",
        )
        with app.store.unit_of_work("oe_zhao") as uow:
            asked = ask(uow, app, app.context(), wish)
        assert asked.exemption is not None, asked
        number = asked.exemption.request_id
        for version, person in enumerate(signers, 1):
            with app.store.unit_of_work(person) as uow:
                assert act(uow, app, app.context(), number, "approve", version).accepted


@pytest.fixture(name="told", scope="module")
def _told(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    del browser  # skips where there is none
    folder: Path = tmp_path_factory.mktemp("evening")
    with ExitStack() as stack:
        stage = stack.enter_context(evening(folder))
        for person in (OFFICER, ROBOTS_OFFICER, GROUP_OFFICER, SIGNER):
            with stage.app.store.unit_of_work("cli:test") as uow:
                set_password(uow, person, PASSWORD)
        look = Look(
            stage.app.clock, ZoneInfo("Asia/Shanghai"), demo=True, pseudo=True, version="0.1.0"
        )
        pages = Pages(Assets(), look, finalize=mark_data)
        pseudo = TestClient(
            make_app(stage.app, pages=pages), base_url=str(stage.app.settings.public_url)
        )
        address = stack.enter_context(chromium.serving(make_app(stage.app)))
        told = Told(stage, address, pseudo)
        told.approval = f"/approvals/{asked_for(stage)}"
        exempted(stage)
        told.handover = f"/handover/{handed_over(stage)}"
        yield told


SignIn = Callable[..., Visitor]


@pytest.fixture(name="visitor")
def _visitor(browser: Browser, told: Told) -> Iterator[SignIn]:
    """Makes signed-in visitors: ``visitor("u_chen", "zh", "dark")``."""
    with ExitStack() as stack:

        def make(person: str, language: str = "en", theme: str = "light", **more: Any) -> Visitor:
            made = stack.enter_context(visiting(browser, told.address, language, theme, **more))
            made.sign_in(person, PASSWORD)
            return made

        yield make


def pages_of(told: Told, person: str) -> list[str]:
    order = told.order(person)
    place = f"org={quote(order.org)}&product={order.product}"
    return {
        OFFICER: [
            "/",
            "/orders",
            f"/orders/{order.id}",
            f"/exposure?{place}&month=*",
            "/alerts?pile=in_order",
            "/handover",
            "/drills",
            "/reviews",
            f"/orders/{order.id}/rule-test",
            f"/silences?{place}&level=red&until=2024-08-21T20:00&reason=roll&look=1",
            f"/exemptions?{place}&rule=EXPOSURE_TIERS&upto=1&until=2024-08-21T20:00&look=1",
        ],
        ROBOTS_OFFICER: ["/", "/alerts", f"/orders/{order.id}"],
        GROUP_OFFICER: [f"/orders/{order.id}", "/exposure"],
        SIGNER: [
            "/",
            "/exposure",
            told.approval,
            told.handover,
            "/roster",
            "/roster?view=month&at=2024-08-21T02:00",
            f"/silences?{place}&level=red&until=2024-08-21T20:00&reason=roll&look=1",
            f"/exemptions?{place}&rule=EXPOSURE_TIERS&upto=9&until=2024-08-25T20:00&clause=4&look=1",
        ],
    }[person]  # fmt: skip


@pytest.mark.parametrize("person", [OFFICER, ROBOTS_OFFICER, GROUP_OFFICER, SIGNER])
@pytest.mark.parametrize(("language", "theme"), [("zh", "light"), ("en", "dark")])
def test_the_pages_are_sound(
    told: Told, visitor: SignIn, person: str, language: str, theme: str
) -> None:
    here = visitor(person, language, theme)
    for path in pages_of(told, person):
        here.page.set_viewport_size({"width": 1440, "height": 900})
        here.open_whole(path)
        assert here.grave_findings() == [], path
        assert here.overflow(1440) == [], path
        assert here.overflow(390) == [], path
        assert here.violations() == [], path
    assert here.complaints == []


def test_on_a_phone_an_alert_is_dismissed_after_a_second_look(told: Told, visitor: SignIn) -> None:
    here = visitor(ROBOTS_OFFICER)
    page = here.page
    page.set_viewport_size({"width": 390, "height": 844})
    here.open("/alerts")
    before = page.locator("#bulk [name=alert]").count()
    page.locator("#bulk [name=alert]").first.check()
    page.get_by_role("button", name="Dismiss the ticked ones").click()
    expect(page.locator("h1")).to_have_text("Dismiss alerts")
    assert here.overflow(390) == []
    assert here.grave_findings() == []
    page.locator("select[name=reason]").select_option("known_benign")
    page.get_by_role("button", name="Dismiss these 1").click()
    page.locator(".flash").wait_for()
    expect(page.locator("#bulk [name=alert]")).to_have_count(before - 1)
    assert here.complaints == []


def test_a_page_shows_what_somebody_else_did_without_a_reload(told: Told, visitor: SignIn) -> None:
    order = told.order(OFFICER)
    here = visitor(OFFICER)
    here.open(f"/orders/{order.id}")
    marker = here.page.evaluate("window.__same = 'the same page'")
    app = told.stage.app
    with app.store.unit_of_work("u_wang") as uow:
        workorders.note(uow, app.context(), order.id, "Called the warehouse")
    here.page.locator("text=Called the warehouse").wait_for()
    assert here.page.evaluate("window.__same") == marker
    assert here.violations() == []
    assert here.complaints == []


def test_taking_over_is_undone_from_the_message(told: Told, visitor: SignIn) -> None:
    here = visitor(OFFICER)
    here.stop_undo_running_out()
    here.open("/")
    here.page.get_by_role("button", name="Take over").first.click()
    undo = here.page.locator(".flash").get_by_role("button", name="Undo")
    undo.wait_for()
    assert told.order(OFFICER).owner == OFFICER
    with here.page.expect_response(lambda answer: answer.url.endswith("/undo")):
        undo.click()
    here.page.wait_for_url("**/orders/*")
    assert told.order(OFFICER).owner == ""


def data_words(told: Told) -> set[str]:
    """Words that no catalogue has: names of people and units, and the texts of the rule files."""
    app = told.stage.app
    texts = [one.id for one in app.directory.people] + list(app.directory.nodes)
    texts += [one.name_en for one in app.directory.nodes.values()]
    for file in app.rulebook.files:
        heading = file.rule.heading
        texts += [heading.title.en, heading.explain.en, heading.policy.document]
        texts += [heading.policy.clause, sentence(file.rule, app.rulebook.schema, "en")]
    for kind in app.rulebook.schema.kinds.values():
        texts += [one.en for one in kind.fields.values()]
    texts += [event.type for event in told.stage.events]
    texts += [str(event.attributes.get("reason", "")) for event in told.stage.events]
    texts += [f"{number_of(event)} {event.product} CNY" for event in told.stage.events]
    lower = [text[:1].lower() + text[1:] for text in texts]
    return {part for text in [*texts, *lower] for part in re.findall(r"[^\W\d_]{2,}", text)}


@pytest.mark.parametrize("person", [OFFICER, ROBOTS_OFFICER, GROUP_OFFICER, SIGNER])
def test_every_word_comes_from_a_catalogue_or_is_data(told: Told, person: str) -> None:
    client = told.pseudo
    client.cookies.clear()
    told.sign_in(client, person, str(client.base_url))
    client.cookies.set("hedgewarden_language", "xx")
    data = data_words(told)
    for path in pages_of(told, person):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert untranslated(answer.text, data) == [], path
