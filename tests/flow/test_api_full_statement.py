"""A full statement over HTTP: what it closes, when it is refused, whose accounts it closes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flow_house import EAST, WEST, House, house

PATH = "/api/v1/book/positions"
BEFORE, NOW = "2024-05-13T15:00:00+08:00", "2024-05-14T09:00:00+08:00"


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        opened = made.client("chen").post(PATH, json={"rows": rows(BEFORE, 7, 8, 9)})
        assert opened.json()["accepted"] == 3, opened.text
        yield made


def rows(at: str, *months: int, org: str = EAST) -> list[dict[str, Any]]:
    return [
        {"org": org, "account": "8800", "contract": f"cu24{one:02d}", "lots": one, "as_of": at}
        for one in months
    ]


def months(town: House) -> list[str]:
    return [one["month"] for one in town.client("chen").get("/api/v1/exposure").json()["rows"]]


def stated(town: House, person: str = "chen", **body: Any) -> httpx.Response:
    return town.client(person).post(PATH, json={"full": True, **body})


def codes(answer: httpx.Response) -> list[str]:
    return [one["code"] for one in answer.json()["problems"]]


def test_what_the_rows_leave_out_is_closed_and_answered(town: House) -> None:
    answer = stated(town, rows=rows(NOW, 7, 8))
    assert answer.status_code == 200, answer.text
    (closed,) = answer.json()["closed"]
    assert closed == {
        "kind": "futures", "org": EAST, "account": "8800", "id": "cu2409/8800", "amount": "9",
        "since": "2024-05-14T01:00:00Z",
    }  # fmt: skip
    assert months(town) == ["2407", "2408"]
    past = town.client("chen").get("/api/v1/exposure", params={"as_of": "2024-05-13T12:00:00Z"})
    assert len(past.json()["rows"]) == 3


def test_more_than_half_takes_the_number_and_a_refusal_writes_nothing(town: House) -> None:
    records = len(town.actions())
    refused = stated(town, rows=rows(NOW, 10))
    assert (refused.status_code, refused.json()["code"]) == (409, "IMPORT_FULL_REFUSED")
    assert codes(refused) == ["IMPORT_FULL_UNCONFIRMED"]
    assert refused.json()["problems"][0]["params"]["count"] == "3"
    assert codes(stated(town, rows=rows(NOW, 10), confirm_closing=2)) == ["IMPORT_FULL_OTHER_COUNT"]
    assert (months(town), len(town.actions())) == (["2407", "2408", "2409"], records)
    assert stated(town, rows=rows(NOW, 10), confirm_closing=3).status_code == 200
    assert months(town) == ["2410"]


def test_a_bad_row_closes_nothing(town: House) -> None:
    bad = {**rows(NOW, 8)[0], "lots": "x"}
    answer = stated(town, rows=[*rows(NOW, 7), bad])
    assert (answer.status_code, answer.json()["closed"]) == (200, [])
    assert "IMPORT_FULL_WITHHELD" in codes(answer)
    assert months(town) == ["2407", "2408", "2409"]


def test_an_emptied_account_is_covered(town: House) -> None:
    other = {**rows(NOW, 7)[0], "account": "77"}
    covers = [{"org": EAST, "account": "8800", "as_of": NOW}]
    answer = stated(town, rows=[other], covers=covers, confirm_closing=3)
    assert len(answer.json()["closed"]) == 3, answer.text
    unknown = [{"org": f"{EAST}/Copper", "account": "8800", "as_of": NOW}]
    assert codes(stated(town, rows=[other], covers=unknown)) == ["ORG_UNKNOWN"]


def test_nobody_closes_what_is_of_another_unit(town: House) -> None:
    covers = [{"org": EAST, "account": "8800", "as_of": NOW}]
    theirs = rows(NOW, 7, org=WEST)
    answer = stated(town, "zhao", rows=theirs, covers=covers, confirm_closing=3)
    assert answer.status_code == 403, answer.text
    assert months(town) == ["2407", "2408", "2409"]


@pytest.mark.parametrize(
    ("kind", "body", "field"),
    [
        ("contracts", {"full": True}, "full"),
        ("positions", {"confirm_closing": 0}, "confirm_closing"),
        ("positions", {"covers": [{"org": EAST, "account": "1", "as_of": NOW}]}, "covers"),
        (
            "positions",
            {"full": True, "covers": [{"org": EAST, "account": "1", "as_of": ""}]},
            "covers.as_of",
        ),
        (
            "positions",
            {"full": True, "covers": [{"org": EAST, "account": "1", "as_of": "2024-06-14"}]},
            "covers.as_of",
        ),
    ],
)
def test_what_does_not_go_together_is_named(
    town: House, kind: str, body: dict[str, Any], field: str
) -> None:
    sent = {"rows": rows(NOW, 7), **body}
    answer = town.client("chen").post(f"/api/v1/book/{kind}", json=sent)
    assert answer.status_code == 422, answer.text
    assert [one["field"] for one in answer.json()["problems"]] == [field]
    assert months(town) == ["2407", "2408", "2409"]
