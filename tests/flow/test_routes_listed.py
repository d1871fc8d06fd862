"""Every address that the service answers stands in the manual of the API, in both languages.

What people see in a browser is told by the pages of their roles and stands in no list of addresses:
the console's rooms, signing in, the choice of language and theme.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flow_house import House, house
from test_failpoints_routes import ways

from service.assembly import make_gate, make_pages
from service.web.console import console_router
from service.web.entry import preference_router, sign_in_router

DOCS = Path(__file__).parents[2] / "docs"
ALONE = {"HEAD", "OPTIONS"}


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path / "data") as made:
        yield made


def for_people(home: House) -> set[tuple[str, str]]:
    """The console and the ways into it."""
    pages = make_pages(home.app)
    entrances = (preference_router(pages), sign_in_router(pages, make_gate(home.app)))
    return set(ways([*console_router(home.app), *entrances]))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_address_stands_in_the_manual(home: House, language: str) -> None:
    text = (DOCS / language / "api.md").read_text(encoding="utf-8")
    answered = set(ways(home.web.routes))
    told = answered - for_people(home)
    told = {(method, path) for method, path in told if method not in ALONE}
    assert len(told) > 80
    assert ("POST", "/integrations/sms/receipt") in told
    assert ("GET", "/orders") in answered - told
    missing = {f"{method} {path}" for method, path in told if f"`{method} {path}`" not in text}
    assert missing == set()
