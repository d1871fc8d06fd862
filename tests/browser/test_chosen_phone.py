"""What a person chose from a list stands in sight on a phone, and beside the list on a desk."""

import pytest

from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

_TOPS = """() => [...document.querySelector(".picked-first").children]
    .filter((one) => one.matches("section") || one.querySelector("section"))
    .map((one) => Math.round(one.getBoundingClientRect().top))"""
CHOSEN = ["/inbox", "/alerts-chosen", "/exposure", "/log-timeline"]


@pytest.mark.parametrize("path", CHOSEN)
def test_on_a_phone_it_stands_above_the_list(visit: Visit, path: str) -> None:
    visitor = visit("zh", width=390)
    visitor.open(path)
    *others, chosen = visitor.page.evaluate(_TOPS)
    assert others
    assert chosen < min(others)


@pytest.mark.parametrize("path", CHOSEN)
def test_on_a_desk_it_stands_beside_the_list(visit: Visit, path: str) -> None:
    visitor = visit("en", width=1440)
    visitor.open(path)
    *others, chosen = visitor.page.evaluate(_TOPS)
    assert chosen == others[0]


def test_the_first_of_the_list_leaves_the_list_first(visit: Visit) -> None:
    visitor = visit("en", width=390)
    visitor.open("/alerts")
    assert visitor.page.locator(".picked-first").count() == 0
