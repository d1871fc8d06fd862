"""A form that cannot be meant: its page comes back and names the field in the reader's words."""

from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from fastapi.params import Form
from fastapi.routing import APIRoute
from flow_house import House, house

from service.assembly import console_router
from service.i18n import load_words

#: These are sent without a page of ours, or before anybody is signed in.
APART = {"/login"}
TOO_LONG = "x" * 100_000


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("forms")) as made:
        yield made


def forms(home: House) -> dict[str, dict[str, bool]]:
    """The fields of every form of the console, by address, and whether each is required."""
    found: dict[str, dict[str, bool]] = {}
    for router in console_router(home.app):
        for route in router.routes:
            if isinstance(route, APIRoute) and "POST" in (route.methods or set()):
                found[route.path] = {
                    one.alias: one.field_info.is_required()
                    for one in route.dependant.body_params
                    if isinstance(one.field_info, Form)
                }
    return found


def address(path: str) -> str:
    numbers = {"{handover_id}": "HO-20240514-001", "{verb}": "approve"}
    for name, value in numbers.items():
        path = path.replace(name, value)
    return path.replace("{number}", "WO-20240514-001")


def sent_from(home: House, page: str, path: str, form: dict[str, Any], lang: str) -> Any:
    client = home.signed_in("chen")
    client.cookies.set("hedgewarden_language", lang)
    headers = {"referer": f"{client.base_url}{page}"}
    return client, client.post(path, data=form, headers=headers)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_field_of_every_form_has_a_name_in_words(home: House, language: str) -> None:
    words = load_words(language)
    names = {name for fields in forms(home).values() for name in fields}
    assert len(names) > 40
    assert {name for name in names if f"form.{name}" not in words} == set()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_left_out_or_too_long_is_named_on_the_page_that_it_came_from(
    home: House, language: str
) -> None:
    """It was once a bare page with the names of the code, and what was typed was gone."""
    words, tried = load_words(language), 0
    for path, fields in forms(home).items():
        if path in APART:
            continue
        for name, required in fields.items():
            given = {other: "1" for other in fields if other != name}
            wrong: list[dict[str, str]] = [given | {name: TOO_LONG}]
            wrong += [given, given | {name: ""}] if required else []
            for form in wrong:
                client, answer = sent_from(home, "/log", address(path), form, language)
                assert answer.status_code in {200, 303, 403, 404, 422}, (path, name)
                assert f"“{name}”" not in answer.text, (path, name)
                # others are judged by their room, which answers in words of its own
                if answer.headers.get("location") == "/log":
                    page = unescape(client.get("/log").text)
                    assert words.text(f"form.{name}") in page, (path, name)
                    tried += 1
    assert tried > 60, tried


def test_without_a_page_of_ours_it_is_a_page_of_its_own_that_says_the_same(home: House) -> None:
    client = home.signed_in("chen")
    path = "/orders/WO-20240514-001/reassign"
    for referer in ("", "http://elsewhere.example/log", f"{client.base_url}/orders/1/no-such"):
        answer = client.post(path, data={}, headers={"referer": referer} if referer else {})
        assert answer.status_code == 422, referer
        assert "Person" in answer.text
        assert "“person”" not in answer.text
