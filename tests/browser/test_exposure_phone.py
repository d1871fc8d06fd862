"""The exposure map on a phone: the total in sight, and a legend for every look of a cell."""

import pytest

from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

PHONE = 390


@pytest.mark.parametrize("path", ["/", "/exposure"])
def test_the_total_of_every_line_stands_in_sight_before_its_months(visit: Visit, path: str) -> None:
    visitor = visit("en", width=PHONE)
    visitor.open(path)
    lines: list[list[str]] = visitor.page.evaluate(
        """() => [...document.querySelectorAll(".heat tbody tr")].map((row) =>
          [...row.querySelectorAll("td")]
            .map((cell) => [cell, cell.getBoundingClientRect()])
            .filter(([, box]) => box.width > 0 && box.left >= 0 && box.right <= innerWidth)
            .sort(([, a], [, b]) => a.top - b.top || a.left - b.left)
            .map(([cell]) => cell.dataset.head))"""
    )
    assert len(lines) == 6
    for heads in lines:
        assert heads == ["Total", "Spot", "2405", "2406", "2407", "2409"]
    assert visitor.overflow(PHONE) == []


def test_the_legend_names_both_kinds_of_hatching_and_they_differ(visit: Visit) -> None:
    visitor = visit("en")
    visitor.open("/exposure")
    looks: dict[str, str] = visitor.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".key li")].map((one) =>
          [one.textContent.trim(), getComputedStyle(one.querySelector("i")).backgroundImage]))"""
    )
    assert {"data late", "not assessable"} <= set(looks)
    assert looks["data late"] != looks["not assessable"] != "none"
    visitor.open("/exposure-empty")
    assert visitor.page.locator(".key").count() == 0
