"""A fault's page leads back to where the reader came from, and nowhere else."""

import re
from collections.abc import Iterator

import pytest
from flow_house import House, house


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("faults")) as made:
        yield made


def links(home: House, path: str, came_from: str, status: int) -> list[str]:
    """The buttons of the page about a fault at `path`."""
    client = home.signed_in("chen")
    base = str(client.base_url)
    headers = {"referer": came_from.replace("HERE", base)} if came_from else {}
    answer = client.get(path, headers=headers)
    assert answer.status_code == status
    return re.findall(r'<a class="act[^"]*" href="([^"]*)"', answer.text)


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/log/quarantine?state=lost", 422)]
)
def test_it_leads_back_to_the_page_that_the_reader_came_from(
    home: House, path: str, status: int
) -> None:
    found = links(home, path, "HERE/log?q=x&kind=risk", status)
    assert found == ["/log?q=x&amp;kind=risk", "/"]


@pytest.mark.parametrize(
    "came_from",
    ["", "HERE/", "HERE/nothing", "https://elsewhere.invalid/log", "HERE//elsewhere.invalid/x"],
)
def test_it_leads_nowhere_else(home: House, came_from: str) -> None:
    assert links(home, "/nothing", came_from, 404) == ["/"]
