import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from fastapi import APIRouter, Depends
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlmodel import SQLModel

import service.tables
import trail
from directory import Directory, Organisation, Person, Role
from service.security import Gate, SignedIn, require, set_password, signed_in, verify_password
from service.security.errors import WeakPassword
from service.security.origin import forged
from service.security.passwords import hash_password
from service.security.sessions import COOKIE, IDLE, LONGEST
from service.web import Assets, Look, Pages, make_web_app
from service.web.entry import sign_in_router
from service.web.reader import Said, local_path, unpack_said
from service.web.views.access import DemoPerson
from store import Store, open_engine
from store.schema import table
from trail.notes import Signer

START = datetime(2026, 11, 22, 6, tzinfo=UTC)
PASSWORD = "correct horse battery"
ASSETS = Assets(files={name: name for name in ("app.js", "app.css", "theme.js")})


class House:
    """The service around a few people, with a clock that stands still until it is moved."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.now = START
        engine = open_engine(f"sqlite:///{folder / 'service.db'}")
        SQLModel.metadata.create_all(engine)
        keeper = trail.TrailKeeper(Signer("test.example/trail", bytes(32)))
        self.store = Store(engine, clock=lambda: self.now, before_commit=[keeper])
        self.directory = Directory(
            organisations=(Organisation("集团"), Organisation("集团/铜业")),
            people=(
                Person("chen", "陈芳", (Role.RISK_OFFICER,), "集团", login="chen.fang"),
                Person("liu", "刘某", (Role.TRADER,), "集团/铜业"),
                Person("gone", "离职", (Role.RISK_OFFICER,), "集团", active=False),
            ),
        )
        self.gate = Gate(self.store, lambda: self.directory)
        with self.store.unit_of_work("cli:test") as uow:
            for person in ("chen", "liu", "gone"):
                set_password(uow, person, PASSWORD)
        zone = ZoneInfo("Asia/Shanghai")
        pages = Pages(ASSETS, Look(lambda: self.now, zone, language="en", strict=True))
        routers = [_routes(), sign_in_router(pages, self.gate, **options)]
        self.app = make_web_app(pages, self.gate, routers)

    def client(self) -> TestClient:
        headers = {"Sec-Fetch-Site": "same-origin"}
        return TestClient(self.app, headers=headers, follow_redirects=False)

    def signed(self, login: str = "chen.fang") -> TestClient:
        client = self.client()
        answer = client.post("/login", data={"login": login, "password": PASSWORD})
        assert answer.status_code == 303
        return client

    def records(self) -> list[tuple[str, str]]:
        with self.store.reader() as connection:
            rows = table("trail_record")
            return [
                (row.action, row.object_id)
                for row in connection.execute(select(rows.c.action, rows.c.object_id))
            ]


def _routes() -> APIRouter:
    router = APIRouter()

    @router.get("/me")
    def me(signed: Annotated[SignedIn, Depends(signed_in)]) -> str:
        return signed.person.id

    @router.get("/officers")
    def officers(signed: Annotated[SignedIn, Depends(require("order.close"))]) -> str:
        return signed.person.id

    @router.post("/act")
    def act(signed: Annotated[SignedIn, Depends(signed_in)]) -> str:
        raise AssertionError(signed.person.id)

    @router.post("/echo")
    def echo(body: dict[str, str]) -> dict[str, str]:
        return body

    @router.get("/api/v1/me")
    def api(signed: Annotated[SignedIn, Depends(require("order.close"))]) -> str:
        return signed.person.id

    @router.get("/broken")
    def broken() -> None:
        raise RuntimeError("the password is swordfish")

    return router


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_person_signs_in_and_out(house: House) -> None:
    client = house.signed()
    assert client.get("/me").json() == "chen"
    assert client.post("/logout").headers["location"] == "/login"
    assert client.get("/me").headers["location"] == "/login?next=/me"
    actions = [action for action, _ in house.records()]
    assert actions[-2:] == ["session.begin", "session.end"]


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/orders?state=all&level=red", "/orders?state=all&level=red"),
        ("http://elsewhere.example/orders", ""),
        ("http://testserver//elsewhere.example/x", ""),
        ("", ""),
    ],
)
def test_an_act_without_a_session_is_not_done_and_leads_back_to_its_page(
    house: House, referer: str, back: str
) -> None:
    client = house.client()
    answer = client.post("/act", headers={"Referer": referer} if referer else {})
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    assert query == {"why": ["undone"]} | ({"next": [back]} if back else {})
    page = client.get(answer.headers["location"])
    assert "was not done" in page.text
    form = {"login": "chen.fang", "password": PASSWORD, "next": query.get("next", ["/"])[0]}
    assert client.post("/login", data=form).headers["location"] == (back or "/")
    actions = [action for action, _ in house.records() if action != "password.set"]
    assert actions == ["session.begin"]


def test_a_stolen_cookie_is_dead_after_signing_out(house: House) -> None:
    client = house.signed()
    stolen = client.cookies[COOKIE]
    client.post("/logout")
    assert house.gate.who(stolen) is None


def test_the_database_never_holds_the_cookie(house: House) -> None:
    token = house.signed().cookies[COOKIE]
    with house.store.reader() as connection:
        (row,) = connection.execute(select(table("service_session"))).mappings().all()
    assert token not in str(dict(row))


@pytest.mark.parametrize("login", ["chen.fang", "nobody", "gone"])
def test_a_wrong_password_says_the_same_for_everybody(house: House, login: str) -> None:
    answer = house.client().post("/login", data={"login": login, "password": "wrong password"})
    assert answer.status_code == 401
    assert "Login or password is not right." in answer.text
    assert COOKIE not in answer.cookies


def test_someone_who_left_cannot_sign_in_even_with_the_password(house: House) -> None:
    answer = house.client().post("/login", data={"login": "gone", "password": PASSWORD})
    assert answer.status_code == 401


def test_someone_who_is_removed_is_out_at_the_next_click(house: House) -> None:
    client = house.signed()
    house.directory = Directory(people=(Person("chen", active=False),))
    assert client.get("/me").status_code == 303


def test_guessing_closes_the_door_for_a_while(house: House) -> None:
    client = house.client()
    wrong = {"login": "chen.fang", "password": "guess"}
    assert [client.post("/login", data=wrong).status_code for _ in range(6)] == [401] * 5 + [429]
    right = {"login": "chen.fang", "password": PASSWORD}
    assert client.post("/login", data=right).status_code == 429
    house.now += timedelta(minutes=16)
    assert client.post("/login", data=right).status_code == 303


def test_a_refused_attempt_is_recorded_without_what_was_typed(house: House) -> None:
    house.client().post("/login", data={"login": "my secret", "password": "another secret"})
    assert house.records()[-1] == ("session.refuse", "")


@pytest.mark.parametrize("pause", [IDLE, LONGEST])
def test_a_session_ends_by_idleness(house: House, pause: timedelta) -> None:
    client = house.signed()
    house.now += pause
    assert client.get("/me").status_code == 303


def test_a_session_in_use_lives_on_but_not_for_ever(house: House) -> None:
    client = house.signed()
    seen = []
    for _ in range(13):
        house.now += timedelta(hours=1)
        seen.append(client.get("/me").status_code)
    assert seen == [200] * 11 + [303] * 2


@pytest.mark.parametrize(
    ("wish", "tag", "title", "help_"),
    [
        ("zh-CN,zh;q=0.9", "zh-CN", "登录", "没有账号或忘记密码"),
        ("en", "en", "Sign in", "No account, or a lost password?"),
    ],
)
def test_the_sign_in_page_is_in_the_browsers_language_and_says_who_helps(
    house: House, wish: str, tag: str, title: str, help_: str
) -> None:
    page = house.client().get("/login", headers={"Accept-Language": wish}).text
    assert f'<html lang="{tag}"' in page
    assert f"<title>{title} · " in page
    assert help_ in page


def test_where_nobody_needs_a_password_none_can_be_lost(tmp_path: Path) -> None:
    person = DemoPerson("chen", "陈芳", ("risk_officer",), "集团")
    demo = House(tmp_path / "demo", demo_people=lambda: (person,))
    assert "lost password" not in demo.client().get("/login").text
    first = House(tmp_path / "first", has_logins=lambda: False)
    page = first.client().get("/login").text
    assert "hedgewarden user create" in page
    assert "lost password" not in page


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(house: House) -> None:
    answer = house.client().post("/login", data={"login": "chen.fang", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


def test_a_permission_is_asked_of_the_directory(house: House) -> None:
    assert house.signed().get("/officers").json() == "chen"
    refused = house.signed("liu").get("/officers")
    assert refused.status_code == 403
    assert "You may not do this" in refused.text


def test_a_program_gets_problem_json(house: House) -> None:
    nobody = house.client().get("/api/v1/me")
    assert nobody.status_code == 401
    assert nobody.headers["content-type"] == "application/problem+json"
    assert nobody.json()["code"] == "SIGN_IN_NEEDED"
    assert house.signed("liu").get("/api/v1/me").json()["code"] == "FORBIDDEN"


def test_htmx_is_sent_to_the_sign_in_page_as_a_whole(house: House) -> None:
    answer = house.client().get("/me", headers={"HX-Request": "true"})
    assert answer.headers["hx-redirect"] == "/login?next=/me"


def test_passwords_are_hashed_with_argon2id_and_a_salt() -> None:
    first, second = hash_password(PASSWORD), hash_password(PASSWORD)
    assert first.startswith("$argon2id$")
    assert first != second
    assert verify_password(first, PASSWORD)
    assert not verify_password(first, PASSWORD + "x")
    assert not verify_password(None, "nobody has this password")
    assert not verify_password("damaged", PASSWORD)
    assert not verify_password(first, "x" * 100_000)


def test_a_hash_costs_what_the_standard_asks() -> None:
    asked = "from service.security import hash_password; print(hash_password('x' * 10))"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    # RFC 9106, section 4: the second recommended option
    assert said.stdout.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_password_is_the_same_on_every_keyboard() -> None:
    assert verify_password(hash_password("ｐａｓｓｗｏｒｄ１２３"), "password123")


def test_a_short_password_is_refused() -> None:
    with pytest.raises(WeakPassword):
        hash_password("short")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"sec-fetch-site": "same-origin"}, ""),
        ({"sec-fetch-site": "none"}, ""),
        ({"sec-fetch-site": "cross-site"}, "OTHER_SITE"),
        ({"sec-fetch-site": "same-site"}, "OTHER_SITE"),
        ({"sec-fetch-site": "cross-site", "origin": "http://desk:8600"}, "OTHER_SITE"),
        ({"origin": "http://desk:8600"}, ""),
        ({"origin": "https://desk:8600"}, "OTHER_ORIGIN"),
        ({"origin": "http://desk:8601"}, "OTHER_ORIGIN"),
        ({"origin": "http://evil.example"}, "OTHER_ORIGIN"),
        ({"origin": "null"}, "OTHER_ORIGIN"),
        ({"origin": "https://risk.example.com"}, ""),
        ({"cookie": "a=b"}, "NO_ORIGIN"),
        ({}, ""),
    ],
)
def test_where_a_changing_request_may_come_from(headers: dict[str, str], code: str) -> None:
    sent = {"host": "desk:8600", **headers}
    assert forged("POST", sent, "http", "https://risk.example.com/x") == code
    assert forged("GET", sent, "http") == ""


def test_another_site_cannot_act(house: House) -> None:
    client = house.signed()
    refused = client.post("/logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.status_code == 403
    assert "another site" in refused.text
    assert client.get("/me").json() == "chen"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_refused(house: House, chunked: bool) -> None:
    piece = b" " * 1_000_000
    body = (piece for _ in range(17)) if chunked else piece * 17
    refused = house.client().post("/echo", content=body, headers={"Content-Type": "a/json"})
    assert refused.status_code == 413
    assert house.client().post("/echo", json={"a": "b"}).json() == {"a": "b"}


@pytest.mark.parametrize("path", ["/login", "/nowhere", "/broken", "/me", "/static/icon.svg"])
def test_every_answer_carries_the_headers(house: House, path: str) -> None:
    headers = house.client().get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    expected = "no-cache" if path.startswith("/static") else "no-store"
    assert headers["cache-control"] == expected


@pytest.mark.parametrize(("language", "words"), [("zh", "系统出现故障"), ("en", "went wrong")])
def test_no_traceback_reaches_a_reader(house: House, language: str, words: str) -> None:
    answer = house.client().get("/broken", headers={"Accept-Language": language})
    assert answer.status_code == 500
    assert words in answer.text
    assert "swordfish" not in answer.text
    assert "Traceback" not in answer.text


def test_the_demo_lets_a_visitor_in_as_anybody_and_only_there(tmp_path: Path) -> None:
    people = (DemoPerson("liu", "刘某", ("trader",)), DemoPerson("chen", "陈芳", ("risk_officer",)))
    demo = House(tmp_path, demo_people=lambda: people, demo_key="k" * 20)
    client = demo.client()
    assert "陈芳" in client.get("/login").text
    assert client.post("/login/as", data={"person": "gone"}).status_code == 404
    assert client.post("/login/as", data={"person": "chen"}).status_code == 303
    assert client.get("/me").json() == "chen"
    other = demo.client()
    assert other.get("/login/demo?key=wrong").status_code == 404
    other.get(f"/login/demo?key={'k' * 20}")
    assert other.get("/me").json() == "liu"


def test_outside_the_demo_a_password_is_needed(house: House) -> None:
    client = house.client()
    assert client.post("/login/as", data={"person": "chen"}).status_code == 404
    assert client.get("/login/demo?key=").status_code == 404


def test_nobody_is_sent_to_another_site_after_signing_in(house: House) -> None:
    form = {"login": "chen.fang", "password": PASSWORD, "next": "//evil.example/"}
    assert house.client().post("/login", data=form).headers["location"] == "/"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("/orders?x=1", "/orders?x=1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("orders", "/"),
        ("/a\nb", "/"),
        ("", "/"),
    ],
)
def test_only_our_own_paths_are_followed(url: str, kept: str) -> None:
    assert local_path(url) == kept


def test_what_an_act_says_travels_to_the_next_page() -> None:
    said = Said("ui.said.note", {"n": "铜"}, "good", "/orders/1/undo")
    assert unpack_said(said.packed()) == said
    assert unpack_said("rubbish") is None
    assert unpack_said("") is None
    away = Said("ui.said.note", {}, "shout", "//evil.example")
    assert unpack_said(away.packed()) == Said("ui.said.note", {}, "note", "")


def test_preferences_are_kept_in_cookies_and_nothing_else_is(house: House) -> None:
    client = house.client()
    form = {"language": "zh", "theme": "dark", "money": "7", "next": "//evil.example"}
    answer = client.post("/preferences", data=form)
    assert answer.headers["location"] == "/"
    page = client.get("/login").text
    assert 'lang="zh-CN"' in page
    assert 'data-bs-theme="dark"' in page
    assert "hedgewarden_money" not in client.cookies


def test_the_tables_are_the_ones_that_main_hands_to_the_migration_runner() -> None:
    names = {getattr(service.tables, name).__tablename__ for name in service.tables.__all__}
    assert names >= {"service_credential", "service_session", "service_login_attempt"}
