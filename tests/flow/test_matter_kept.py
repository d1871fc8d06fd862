"""A matter is kept from the officer whom it is about: on no page, in no list, record or figure."""

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

import pytest
from flow_house import EAST, House, house
from test_api_access import PLACES, ROUTES
from test_console_scope import LEFT_OUT, address, content_of, get_routes
from test_matter_subjects import about

import trail
from workorders import Level
from workorders.about import about_reader

NOTE = "the officer is suspected"
EVIDENCE = b"what the officer did"
FIGURES = (
    "response_rate", "arrival_rate", "closed_loop_rate", "alerts_per_day", "breaches",
    "confirmed_share",
)  # fmt: skip


class Matter(NamedTuple):
    home: House
    order: str
    alerts: tuple[str, ...]
    request: str

    @property
    def secrets(self) -> tuple[str, ...]:
        digest = sha256(EVIDENCE).hexdigest()
        return (self.order, *self.alerts, self.request, NOTE, digest, "A-77")

    @property
    def places(self) -> dict[str, str]:
        digest = sha256(EVIDENCE).hexdigest()
        return {"order": self.order, "approval": self.request, "digest": digest}


@pytest.fixture(name="matter", scope="module")
def _matter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matter]:
    """A red order in the unit of two officers; its second match is about one of them, chen."""
    with house(tmp_path_factory.mktemp("kept")) as home:
        about(home, "A-77", "liu", Level.RED)
        (order,) = home.orders()
        lin = home.client("lin")
        place = f"/api/v1/orders/{order.id}"
        assert lin.post(f"{place}/files", files={"file": ("e.txt", EVIDENCE)}).status_code < 300
        assert lin.post(f"{place}/note", json={"text": NOTE}).status_code == 200
        home.holds(order.id)
        asked = lin.post(f"{place}/request-approval", json={"kind": "override"})
        assert asked.status_code < 300, asked.text
        home.run_agents()
        about(home, "A-77b", "chen", Level.RED)
        home.run_agents()
        assert [one.id for one in home.orders()] == [order.id]
        boss = home.client("boss")
        alerts = tuple(one["id"] for one in boss.get("/api/v1/alerts").json()["items"])
        (request,) = (one["id"] for one in boss.get("/api/v1/approvals").json()["items"])
        assert len(alerts) == 2
        yield Matter(home, order.id, alerts, request)


def shown(matter: Matter, page: str, asked: str = "") -> list[str]:
    return [one for one in matter.secrets if one in page and one != asked]


def test_no_page_shows_it(matter: Matter) -> None:
    chen, lin = (matter.home.signed_in(name) for name in ("chen", "lin"))
    seen = set()
    paths = [address(path, matter.places) for path in set(get_routes(matter.home)) - LEFT_OUT]
    paths += [f"/trail?q={matter.order}", f"/trail.xlsx?q={matter.order}", "/trail?q=A-77"]
    paths += [f"/figures/{one}{form}" for one in FIGURES for form in ("", ".xlsx")]
    for path in paths:
        answer = chen.get(path, follow_redirects=False)
        assert answer.status_code < 500, path
        asked = path.partition("?q=")[2]
        if answer.status_code == 200:
            assert shown(matter, content_of(answer), asked) == [], path
        seen |= set(shown(matter, content_of(lin.get(path)), asked))
    assert seen >= {matter.order, matter.request, NOTE, *matter.alerts}  # to the other officer


def test_no_answer_of_the_api_shows_it(matter: Matter) -> None:
    chen, lin = (matter.home.client(name) for name in ("chen", "lin"))
    filled = {
        **PLACES, "order_id": matter.order, "request_id": matter.request,
        "digest": sha256(EVIDENCE).hexdigest(),
    }  # fmt: skip
    seen = set()
    for method, path in ROUTES:
        if method != "get":
            continue
        for alert in matter.alerts if "alert_id" in path else matter.alerts[:1]:
            for figure in FIGURES if "figure" in path else FIGURES[:1]:
                known = {**filled, "alert_id": alert, "figure": figure}
                place = "/api/v1" + re.sub(r"{(\w+)}", lambda name, at=known: at[name[1]], path)
                answer = chen.get(place)
                assert answer.status_code < 500, place
                assert answer.status_code != 200 or shown(matter, answer.text) == [], place
                seen |= set(shown(matter, lin.get(place).text))
    assert seen >= {matter.order, matter.request, *matter.alerts}


def test_no_record_of_it_is_read_one_by_one(matter: Matter) -> None:
    chen, lin = (matter.home.client(name) for name in ("chen", "lin"))
    page = matter.home.signed_in("chen")
    with matter.home.app.store.reader() as connection:
        about_it = trail.find(connection, text=matter.order, org=EAST)
    assert len(about_it) > 5
    for record in about_it:
        path = f"/trail/records/{record.seq}"
        assert lin.get(f"/api/v1{path}").status_code == 200
        assert chen.get(f"/api/v1{path}").status_code == 404
        assert chen.get(f"/api/v1{path}/proof").status_code == 404
        assert chen.post(f"/api/v1{path}/replay").status_code == 404
        assert page.get(path).status_code == 404
        assert page.post(f"{path}/replay").status_code == 404


def test_nothing_is_done_on_its_request(matter: Matter) -> None:
    chen = matter.home.client("chen")
    sign = {"verb": "approve", "version": 1}
    assert chen.get(f"/api/v1/approvals/{matter.request}").status_code == 404
    assert chen.post(f"/api/v1/approvals/{matter.request}/acts", json=sign).status_code == 404
    several = {"requests": [{"id": matter.request, "version": 1}]}
    answer = chen.post("/api/v1/approvals/sign", json=several).json()
    assert [one["code"] for one in answer["items"]] == ["NOT_FOUND"]
    assert answer["items"][0]["approval"] is None


def test_other_matters_stay_in_sight(matter: Matter) -> None:
    home = matter.home
    home.pass_time(hours=2)  # further away than the matches of one case
    about(home, "A-90", "zhou", Level.YELLOW)
    everybody = [one["id"] for one in home.client("boss").get("/api/v1/alerts").json()["items"]]
    other = next(one for one in everybody if one not in matter.alerts)
    chen = home.client("chen")
    records = chen.get("/api/v1/trail/records?limit=500").text
    assert other in chen.get("/api/v1/alerts").text
    assert other in records
    with home.app.store.reader() as connection:
        kept = about_reader(connection, home.app.directory.visible_scopes("lin"))
    assert kept == frozenset()
