"""No page shows a word that was never translated."""

import pytest
from fastapi.testclient import TestClient

from tests.browser import chromium
from tests.browser.gallery import FAULTS, PAGES, make_gallery
from tests.browser.pseudo import mark_data, untranslated


@pytest.fixture(scope="module")
def client() -> TestClient:
    if "front end" in chromium.missing():
        pytest.skip(chromium.missing())
    cookies = {"hedgewarden_language": "xx"}
    return TestClient(make_gallery(finalize=mark_data), cookies=cookies)


@pytest.mark.parametrize("path", [*PAGES, *FAULTS])
def test_every_word_comes_from_a_catalogue_or_is_data(client: TestClient, path: str) -> None:
    assert untranslated(client.get(path).text) == []


def test_an_untranslated_word_is_found() -> None:
    page = '<p title="Loose">⟦fine <b>⟦x⟧</b> too⟧ 7 % and <i lang="zh">中文</i></p><kbd>xy</kbd>'
    assert untranslated(page) == ["Loose", "and"]
    assert untranslated(page, {"and", "Loose"}) == []
