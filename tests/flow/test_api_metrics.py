"""The figures over HTTP: in the caller's scope, with rows that add up to them."""

from collections.abc import Iterator
from typing import Any

import pytest
from flow_house import EAST, WEST, House, house

from workorders.figures import Figure

MAY = {"from": "2024-05-14", "to": "2024-05-15"}


@pytest.fixture(name="town", scope="module")
def _town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("metrics")) as made:
        made.breach(EAST)
        made.breach(WEST)
        yield made


def get(town: House, person: str, path: str = "", **asked: Any) -> Any:
    answer = town.client(person).get(f"/api/v1/metrics{path}", params={**MAY, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


def pages(town: House, person: str, figure: str, limit: int = 1) -> list[Any]:
    found, cursor = [], ""
    while True:
        page = get(town, person, f"/{figure}/rows", cursor=cursor, limit=limit)
        found += page["items"]
        cursor = page["cursor"]
        if not cursor:
            return found


def test_a_person_sees_the_figures_of_the_own_units_only(town: House) -> None:
    east, west, both = (get(town, one) for one in ("chen", "zhao", "boss"))
    assert east["orders"] >= 1
    assert west["orders"] >= 1
    assert both["orders"] == east["orders"] + west["orders"]
    assert {one["org"] for one in west["breaches_by"]} <= {WEST}
    for figure in Figure:
        assert {one["org"] for one in pages(town, "zhao", figure.value)} <= {WEST}
    assert get(town, "zhao", org=EAST)["orders"] == 0
    assert get(town, "boss", org=EAST)["orders"] == east["orders"]


def test_rows_page_by_page_are_those_that_the_figure_counts(town: House) -> None:
    whole = get(town, "boss")
    rows = pages(town, "boss", "arrival_rate")
    assert len({one["id"] for one in rows}) == len(rows) > 1
    assert sum(one["counts"] for one in rows) == whole["notices"]
    orders = pages(town, "boss", "closed_loop_rate")
    assert len(orders) == whole["orders"]


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({"from": "2024-05-15"}, "PERIOD_EMPTY", "to"),
        ({"from": "2024-05-16"}, "PERIOD_EMPTY", "to"),
        ({"to": "garbage"}, "TIME_INVALID", "to"),
        ({"from": "9999-12-31"}, "TIME_OUT_OF_RANGE", "from"),
    ],
)
def test_a_period_that_nobody_can_mean(
    town: House, asked: dict[str, str], code: str, field: str
) -> None:
    for path in ("", "/response_rate/rows"):
        answer = town.client("boss").get(f"/api/v1/metrics{path}", params={**MAY, **asked})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert answer.json()["problems"][0]["field"] == field


def test_a_cursor_of_somebody_elses_making_is_refused(town: House) -> None:
    client = town.client("boss")
    answer = client.get("/api/v1/metrics/response_rate/rows", params={**MAY, "cursor": "abcd"})
    assert (answer.status_code, answer.json()["code"]) == (422, "CURSOR_UNKNOWN")
    assert client.get("/api/v1/metrics/no_such/rows").status_code in {404, 422}
