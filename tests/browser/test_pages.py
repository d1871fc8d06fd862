"""Every page in both languages, light and dark, wide and narrow."""

import pytest

from tests.browser.conftest import Visit
from tests.browser.gallery import FAULTS, PAGES

pytestmark = pytest.mark.browser

WIDTHS = (768, 1023, 1024)
LOOKS = [("zh", "light"), ("en", "dark")]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_a_page_is_sound(visit: Visit, path: str, language: str, theme: str) -> None:
    visitor = visit(language, theme)
    visitor.open_whole(path)
    assert visitor.overflow(1440) == []
    assert visitor.grave_findings() == []
    assert visitor.overflow(390) == []
    assert visitor.violations() == []
    assert visitor.complaints == []


@pytest.mark.parametrize("path", ["/", "/orders/WO-20261122-017", "/log-timeline"])
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_a_page_is_sound_on_a_phone(visit: Visit, path: str, language: str, theme: str) -> None:
    visitor = visit(language, theme, 390, has_touch=True, is_mobile=True)
    visitor.open_whole(path)
    assert visitor.grave_findings() == []
    assert visitor.complaints == []


@pytest.mark.parametrize("path", FAULTS)
def test_a_refusal_is_a_sound_page(visit: Visit, path: str) -> None:
    visitor = visit("en")
    visitor.open(path)
    assert visitor.grave_findings() == []
    assert visitor.violations() == []
    assert "secret detail" not in visitor.page.content()
    assert visitor.page.get_by_role("link", name="To the first page").is_visible()


@pytest.mark.parametrize("path", ["/", "/today-long", "/orders"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_wide_table_fits_a_tablet(visit: Visit, path: str, language: str) -> None:
    visitor = visit(language)
    visitor.open_whole(path)
    assert {width: visitor.overflow(width) for width in WIDTHS} == {
        width: [] for width in WIDTHS
    }  # fmt: skip
