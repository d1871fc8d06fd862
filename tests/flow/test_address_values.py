"""What stands in the address of a page and cannot be meant is told, never passed over."""

from collections.abc import Iterator
from html import unescape

import pytest
from flow_house import House, house

WRONG = [
    ("/exposure", {"as_of": "abc"}, 'As of: "abc" is no time'),
    ("/exposure", {"as_of": "2099-01-01T00:00"}, 'As of: "2099-01-01T00:00" has not come yet'),
    ("/exposure", {"known_at": "9999-99-99"}, 'Known at: "9999-99-99" is no time'),
    ("/exposure", {"known_at": "0001-01-01"}, 'Known at: "0001-01-01" lies outside'),
    ("/exposure", {"measure": "nett"}, 'Measure: "nett" is not one of the allowed words'),
    ("/log", {"from": "abc", "actor": "liu"}, 'From: "abc" is no time'),
    ("/log", {"from": "2024-05-14T10:00", "to": "2024-05-13T10:00"}, "lies before the beginning"),
    ("/log", {"kind": "busines"}, 'Kind: "busines" is not one of the allowed words'),
    ("/alerts", {"level": "purple"}, 'Level: "purple" is not one of the allowed words'),
    ("/alerts", {"source": "mole"}, 'Source: "mole" is not one of the allowed words'),
    ("/alerts", {"pile": "heap"}, 'Pile: "heap" is not one of the allowed words'),
    ("/orders", {"level": "purple"}, 'Level: "purple" is not one of the allowed words'),
    ("/orders", {"state": "opened"}, 'State: "opened" is not one of the allowed words'),
    ("/orders", {"kind": "risky"}, 'Kind: "risky" is not one of the allowed words'),
    ("/orders", {"whose": "chen"}, 'Whose: "chen" is not one of the allowed words'),
    ("/alerts", {"offset": "-1"}, "First row"),
]  # fmt: skip


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("addresses")) as made:
        yield made


@pytest.mark.parametrize(("path", "query", "said"), WRONG)
def test_it_is_said_and_the_page_is_shown_without_it(
    home: House, path: str, query: dict[str, str], said: str
) -> None:
    client = home.signed_in("chen")
    answer = client.get(path, params=query)
    assert answer.status_code == 303, answer.text[:300]
    kept = answer.headers["location"]
    assert kept.partition("?")[0] == path
    page = client.get(kept)
    assert page.status_code == 200
    assert said in unescape(page.text)
    # what could be meant is kept
    assert ("actor=liu" in kept) is ("actor" in query)
    assert said not in unescape(client.get(kept).text), "it is said once"


@pytest.mark.parametrize("path", ["/exposure.xlsx?as_of=abc", "/log.xlsx?from=abc"])
def test_a_workbook_of_what_there_cannot_be_is_none(home: House, path: str) -> None:
    answer = home.signed_in("chen").get(path)
    assert answer.status_code == 422
    assert "is no time" in unescape(answer.text)
