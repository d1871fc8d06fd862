"""`metrics`: figures with the agreed names, and the rows that they are made of."""

from typing import Any

import pytest

CONTRACTS = "contract_id,org,product,side,quantity,price\nP-1,华东钢铁/铜贸易部,cu,buy,1000,71250\n"
AGREED = {
    "arrival_rate", "response_rate", "time_to_notify_p50_s", "time_to_notify_p99_s",
    "time_to_acknowledge_p50_s", "time_to_resolve_p50_s", "closed_loop_rate", "alerts_per_day",
    "confirmed_share", "breaches",
}  # fmt: skip
JUNE = ("--from", "2024-06-01", "--to", "2024-07-01")


@pytest.fixture(name="order")
def _order(house: Any) -> str:
    file = house.file("c.csv", CONTRACTS)
    (order,) = house("import", "contracts", file, "--json").json["orders"]
    return str(order)


def test_the_agreed_names_and_kinds_of_values(house: Any, order: str) -> None:
    found = house("metrics", *JUNE, "--json").json
    assert found.keys() >= AGREED | {"per_level", "override_rate", "breaches_by",
                                     "approvals_by_pair", "silent_detectors"}  # fmt: skip
    assert (found["orders"], found["breaches"]) == (1, 1)
    assert found["closed_loop_rate"] == "0"
    assert found["response_rate"] is None
    assert found["time_to_acknowledge_p50_s"] is None
    token = house.token("chen")
    assert house("orders", "ack", order, "--as", "chen", token=token).code == 0
    found = house("metrics", *JUNE, "--json").json
    assert found["response_rate"] == "1"
    assert isinstance(found["time_to_acknowledge_p50_s"], float)
    assert found["per_level"]["red"]["orders"] == 1
    assert "EXPOSURE" not in str(found["silent_detectors"]) or found["breaches_by"]


def test_days_begin_at_midnight_in_the_house_and_the_end_is_outside(house: Any, order: str) -> None:
    del order  # opened on 3 June, 10:00 in Shanghai
    for since, until, orders in (
        ("2024-06-03", "2024-06-04", 1),
        ("2024-06-02", "2024-06-03", 0),
        ("2024-06-04", "2024-06-05", 0),
        ("2024-06-03T09:59:00+08:00", "2024-06-03T10:59:00+08:00", 1),
    ):
        found = house("metrics", "--from", since, "--to", until, "--json").json
        assert found["orders"] == orders, (since, until)
    found = house("metrics", "--from", "2024-06-03", "--to", "2024-06-04", "--json").json
    assert (found["from"], found["to"]) == ("2024-06-02T16:00:00Z", "2024-06-03T16:00:00Z")


def test_the_rows_are_listed_page_by_page(house: Any, order: str) -> None:
    found = house("metrics", *JUNE, "--rows", "response_rate", "--json").json
    assert [one["id"] for one in found["rows"]] == [order]
    assert found["rows"][0]["verdict"] == "WAITING"
    assert found["cursor"] == ""
    shown = house("metrics", *JUNE, "--rows", "closed_loop_rate")
    assert order in shown.out


def test_what_nobody_can_mean_is_refused(house: Any) -> None:
    for wrong in (
        ["--from", "2024-06-02", "--to", "2024-06-01"],
        ["--from", "2024-06-01", "--to", "2024-06-01"],
        ["--from", "yesterday-ish"],
        ["--rows", "respons_rate"],
        ["--org", "华东钢"],
        ["--rows", "response_rate", "--cursor", "x"],
    ):
        answer = house("metrics", *wrong, "--json")
        assert answer.code == 2, wrong
    assert "response_rate" in house("metrics", "--rows", "respons_rate").err


def test_only_what_the_person_sees_is_counted(house: Any, order: str) -> None:
    del order
    token = house.token("zhao")
    found = house("metrics", *JUNE, "--as", "zhao", "--json", token=token).json
    whole = house("metrics", *JUNE, "--org", "华东钢铁", "--json").json
    unit = house("metrics", *JUNE, "--org", "华东钢铁/铜贸易部", "--json").json
    assert whole["orders"] == 1
    assert found["orders"] == unit["orders"]


def test_the_table_names_every_figure_in_both_languages(house: Any, order: str) -> None:
    del order
    assert "闭环率" in house("metrics", *JUNE).out
    assert "Closed-loop rate" in house("metrics", *JUNE, lang="en_US.UTF-8").out
