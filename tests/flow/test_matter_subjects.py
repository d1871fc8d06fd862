"""Nobody reads an order or alert about themselves; a merely temporary account reads none."""

from collections.abc import Iterator

import pytest
from flow_house import EAST, WEST, House, house

from directory import grant
from service.web.reader import ORG_COOKIE
from workorders import Level, WorkOrder, ingest_match, reads
from workorders.model import Alert, Match

NUMBER = "A-77"
OTHER = "A-78"


@pytest.fixture(name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("subjects")) as made:
        yield made


def about(home: House, number: str, actor: str, level: Level) -> None:
    """A match about what `actor` did; a red one opens an order."""
    match = Match(
        rule="SAFE_MODE",
        code="TEMP_ACCOUNT_AFTER_HOURS",
        version="1",
        level=level,
        org=EAST,
        event_time=home.clock(),
        product="cu",
        measure="audit",
        actor=actor,
        cause=number,
        facts_hash=number,
        evidence={"alert": number},
    )
    with home.app.store.unit_of_work("system:assessor") as uow:
        context = home.app.context(home.app.directories.around(uow.connection))
        ingest_match(uow, match, context)


def alert_of(home: House, number: str) -> Alert:
    with home.app.store.reader() as connection:
        found = reads.list_alerts(connection, ["Group"], limit=50).items
    return next(one for one in found if one.evidence["alert"] == number)


@pytest.fixture(name="order")
def _order(home: House) -> WorkOrder:
    """A red order about what the trader liu did."""
    about(home, NUMBER, "liu", Level.RED)
    return home.orders()[0]


def test_the_subject_of_an_order_does_not_find_it_on_any_page(
    home: House, order: WorkOrder
) -> None:
    chen, liu = home.signed_in("chen"), home.signed_in("liu")
    assert chen.get(f"/orders/{order.id}").status_code == 200
    assert order.id in chen.get("/orders").text
    for path in (f"/orders/{order.id}", f"/orders/{order.id}.xlsx"):
        assert liu.get(path).status_code == 404, path
    for path in ("/", "/orders", "/orders?state=all", f"/orders?q={order.id}", "/alerts"):
        answer = liu.get(path)
        assert answer.status_code == 200, path
        # A search shows its own text again in the field.
        assert f'"/orders/{order.id}"' not in answer.text, path
        assert f"<td>{order.id}" not in answer.text, path


def test_the_subject_cannot_choose_a_unit_to_see_it(home: House, order: WorkOrder) -> None:
    liu = home.signed_in("liu")
    liu.cookies.set(ORG_COOKIE, EAST)
    assert liu.get(f"/orders/{order.id}").status_code == 404


def test_the_subject_of_an_order_acts_on_it_nowhere(home: House, order: WorkOrder) -> None:
    liu = home.signed_in("liu")
    assert liu.post(f"/orders/{order.id}/acknowledge").status_code == 404
    api = home.client("liu")
    assert api.post(f"/api/v1/orders/{order.id}/acknowledge", json={}).status_code == 404
    assert home.order(order.id).state == "open"


def test_the_api_shows_a_matter_to_others_alone(home: House, order: WorkOrder) -> None:
    chen, liu = home.client("chen"), home.client("liu")
    alert = alert_of(home, NUMBER).id
    for path in (f"/api/v1/orders/{order.id}", f"/api/v1/alerts/{alert}"):
        assert (chen.get(path).status_code, liu.get(path).status_code) == (200, 404), path
    for path, number in (("/api/v1/orders", order.id), ("/api/v1/alerts", alert)):
        assert number in chen.get(path).text, path
        assert number not in liu.get(path).text, path


def test_an_alert_about_oneself_is_left_out_and_others_stay(home: House) -> None:
    about(home, NUMBER, "liu", Level.YELLOW)
    about(home, OTHER, "zhou", Level.YELLOW)
    own, other = alert_of(home, NUMBER).id, alert_of(home, OTHER).id
    shown = home.client("liu").get("/api/v1/alerts").text
    assert own not in shown
    assert other in shown


def test_an_account_that_is_only_temporary_sees_no_order_whatever_it_is_granted(
    home: House, order: WorkOrder
) -> None:
    with home.app.store.unit_of_work("cli:test") as uow:
        grant(uow, "tmp", "view", EAST, approved_by="wang")
    tmp, api = home.signed_in("tmp"), home.client("tmp")
    assert tmp.get("/orders").status_code == 200
    assert order.id not in tmp.get("/orders?state=all").text
    assert tmp.get(f"/orders/{order.id}").status_code == 404
    assert api.get(f"/api/v1/orders/{order.id}").status_code == 404
    assert api.get("/api/v1/alerts").json()["items"] == []


def test_scopes_that_carry_their_reader_are_the_paths_they_were(home: House) -> None:
    directory = home.app.directory
    scopes = directory.visible_scopes("liu")
    assert tuple(scopes) == (EAST,)
    assert tuple(scopes.narrowed(WEST)) == (WEST,)
    assert (scopes.narrowed(WEST).subjects, scopes.matters) == (("liu",), True)
    assert not directory.visible_scopes("tmp").matters
    assert directory.visible_scopes("nobody") == ()
