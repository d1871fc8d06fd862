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
    main = answer.text[answer.text.index("<main") :]
    return re.findall(r'<a class="act[^"]*" href="([^"]*)"', main)


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/exposure/rows.xlsx", 422)])
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


@pytest.mark.parametrize(
    ("person", "path", "status"),
    [
        ("chen", "/nothing", 404),
        ("chen", "/exposure/rows.xlsx", 422),
        ("chen", "/orders/WO-20240514-999", 404),
        ("tmp", "/rules", 403),
    ],
)
def test_who_is_signed_in_keeps_the_rooms_on_the_page_of_a_fault(
    home: House, person: str, path: str, status: int
) -> None:
    client = home.signed_in(person)
    answer = client.get(path)
    assert answer.status_code == status
    name = home.app.directory.person(person).name
    assert f'data-person="{name}"' in answer.text
    rooms = re.findall(r'<a href="(/[a-z]*)"', client.get("/").text)
    assert rooms
    for room in rooms:
        assert f'href="{room}"' in answer.text, room
    assert 'aria-current="page"' not in answer.text


def test_a_stranger_sees_no_rooms_on_the_page_of_a_fault(home: House) -> None:
    answer = home.client().get("/nothing")
    assert answer.status_code == 404
    assert "data-person" not in answer.text
    assert '<a href="/orders"' not in answer.text
