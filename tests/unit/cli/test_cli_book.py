"""Bringing the book by file, and looking at the exposure."""

from pathlib import Path
from typing import Any

import pytest

from integrations.files import Kind, header

CONTRACTS = (
    "contract_id,org,product,side,quantity,price\n"
    "P-1,华东钢铁/铜贸易部,cu,buy,1000,71250\n"
    "P-2,华东钢铁/铜贸易部,cu,sell,-5,71250\n"
)


@pytest.fixture
def contracts(house: Any) -> str:
    return str(house.file("c.csv", CONTRACTS))


def test_an_import_answers_in_the_agreed_form(house: Any, contracts: str) -> None:
    answer = house("import", "contracts", contracts, "--json")
    assert answer.code == 1
    found = answer.json
    assert {name: found[name] for name in ("rows", "accepted", "duplicates", "quarantined")} == {
        "rows": 2, "accepted": 1, "duplicates": 0, "quarantined": 1,
    }  # fmt: skip
    (error,) = found["errors"]
    assert (error["file"], error["line"], error["field"], error["found"], error["allowed"]) == (
        "c.csv", 3, "quantity", "-5", "> 0",
    )  # fmt: skip
    assert {"cell", "hint", "code", "message"} <= error.keys()


def test_an_import_that_breaks_a_limit_opens_an_order_at_once(house: Any, contracts: str) -> None:
    orders = house("import", "contracts", contracts, "--json").json["orders"]
    listed = house("orders", "list", "--json").json["rows"]
    assert [one["id"] for one in listed] == orders
    assert (listed[0]["level"], listed[0]["value"], listed[0]["limit"]) == ("red", "1000", "800")


def test_the_same_import_again_counts_duplicates(house: Any, contracts: str) -> None:
    house("import", "contracts", contracts)
    again = house("import", "contracts", contracts, "--json").json
    assert (again["accepted"], again["duplicates"], again["orders"]) == (0, 1, [])


def test_a_dry_run_leaves_no_trace(house: Any, contracts: str) -> None:
    before = house("trail", "verify", "--json").json["size"]
    answer = house("import", "contracts", contracts, "--dry-run", "--json").json
    assert (answer["accepted"], answer["dry_run"]) == (1, True)
    assert house("exposure", "--json").json["rows"] == []
    assert house("trail", "verify", "--json").json["size"] == before


def test_the_exposure_answers_in_the_agreed_form(house: Any, contracts: str) -> None:
    house("import", "contracts", contracts)
    answer = house("exposure", "--json")
    assert answer.code == 0
    assert {"as_of", "known_at", "rows", "totals"} <= answer.json.keys()
    (row,) = answer.json["rows"]
    wanted = {
        "org", "account", "product", "month", "unit", "priced", "inventory", "futures",
        "option_delta", "net", "gross", "unpriced", "unsynced", "unposted", "limit", "use",
        "level", "state",
    }  # fmt: skip
    assert wanted <= row.keys()
    assert (row["net"], row["limit"], row["use"], row["level"], row["state"]) == (
        "1000", "800", "1.25", "red", "current",
    )  # fmt: skip


def test_a_hedge_in_another_account_counts_against_the_same_limit(
    house: Any, contracts: str
) -> None:
    house("import", "contracts", contracts)
    text = "org,account,contract,lots\n华东钢铁/铜贸易部,880009,cu2407,-200\n"
    house("import", "positions", house.file("p.csv", text))
    answer = house("exposure", "--json").json
    assert [row["net"] for row in answer["rows"]] == ["1000", "-1000"]
    assert {row["use"] for row in answer["rows"]} == {"0"}
    assert [row["net"] for row in answer["totals"]] == ["0"]


def test_the_exposure_of_a_day_is_that_of_its_end(house: Any) -> None:
    text = (
        "contract_id,org,product,side,quantity,as_of\n"
        "P-1,华东钢铁,cu,buy,10,2024-05-14 22:00\nP-2,华东钢铁,cu,buy,20,2024-05-15\n"
    )
    house("import", "contracts", house.file("c.csv", text))
    rows = house("exposure", "--as-of", "2024-05-14", "--json").json["rows"]
    assert [row["net"] for row in rows] == ["10"]
    rows = house("exposure", "--as-of", "2024-05-14T10:00:00Z", "--json").json["rows"]
    assert rows == []


def test_assess_tells_what_moved_once(house: Any, contracts: str) -> None:
    house("import", "contracts", contracts, "--no-assess")
    first = house("assess", "--json")
    assert first.code == 0
    (match,) = first.json["matches"]
    assert (match["code"], match["level"], match["opened"]) == ("EXPOSURE_CRITICAL", "red", True)
    again = house("assess", "--json").json
    assert (again["moved"], again["matches"]) == (0, [])
    assert [limit["use"] for limit in again["limits"]] == ["1.25"]


def test_an_assessment_can_be_replayed_to_the_same_bytes(house: Any, contracts: str) -> None:
    house("import", "contracts", contracts)
    text = "lot_id,org,product,quantity\nL-1,华东钢铁/铜贸易部,cu,50\n"
    house("import", "inventory", house.file("i.csv", text))
    answer = house("trail", "replay", "--json")
    assert answer.code == 0
    assert answer.json["replayed"] >= 2
    assert answer.json["different"] == []


@pytest.mark.parametrize("kind", list(Kind))
def test_a_template_is_the_header(terminal: Any, kind: Kind) -> None:
    answer = terminal("import", kind.value, "--template")
    assert answer.code == 0
    assert answer.out.strip().split(",") == list(header(kind))
    assert not terminal.data.exists()


def test_templates_are_written_where_they_are_asked_for(terminal: Any, tmp_path: Path) -> None:
    for name in ("t.xlsx", "t.csv"):
        assert terminal("import", "limits", str(tmp_path / name), "--template").code == 0
        answer = terminal("import", "limits", str(tmp_path / name), "--json")
        assert [one["code"] for one in answer.json["errors"]] == ["IMPORT_EMPTY"]


def test_chinese_headers_of_the_labels_are_read(house: Any) -> None:
    text = "合同编号,组织,品种,方向,数量\nP-1,华东钢铁,cu,采购,100\n"
    assert (
        house("import", "contracts", house.file("中文.csv", text), "--json").json["accepted"] == 1
    )


def test_a_mapping_file_is_used_and_its_faults_are_told(house: Any) -> None:
    file = house.file("erp.csv", "号,货,进出,量\nP-1,铜,进,100\n")
    good = house.file(
        "m.yaml",
        "columns: {contract_id: 号, product: 货, side: 进出, quantity: 量}\n"
        "constants: {org: 华东钢铁}\nvalues: {product: {铜: cu}, side: {进: buy}}\n",
    )
    bad = house.file("bad.yaml", "columns: {quantty: 量}\n")
    assert house("import", "contracts", file, "--mapping", good).code == 0
    answer = house("import", "contracts", file, "--mapping", bad, "--json")
    assert (answer.code, answer.json["errors"][0]["hint"]) == (1, "quantity")


def test_a_row_in_quarantine_is_mended(house: Any, contracts: str) -> None:
    house("import", "contracts", contracts)
    (row,) = house("quarantine", "list", "--json").json
    assert row["raw"]["quantity"] == "-5"
    wrong = house("quarantine", "replay", str(row["number"]), "--set", "quantity=-4")
    assert wrong.code == 1
    good = house("quarantine", "replay", str(row["number"]), "--set", "quantity=5", "--json")
    assert (good.code, good.json["accepted"]) == (0, True)
    assert house("exposure", "--json").json["rows"][0]["net"] == "995"
    assert house("quarantine", "dismiss", str(row["number"]), "--reason", "x").code == 1


@pytest.mark.parametrize(
    "args",
    [
        ("import", "contract", "c.csv"),
        ("import", "contracts"),
        ("import", "contracts", "nowhere.csv"),
        ("import", "contracts", "{c}", "--mapping", "nowhere.yaml"),
        ("import", "contracts", "{c}", "--as-of", "yesterday"),
        ("exposure", "--as-of", "soon"),
        ("exposures",),
        ("quarantine", "replay", "1", "--set", "quantity"),
    ],
)
def test_a_wrong_call_ends_with_two_and_one_line(
    house: Any, contracts: str, args: tuple[str, ...]
) -> None:
    answer = house(*(arg.replace("{c}", contracts) for arg in args))
    assert answer.code == 2
    assert len(answer.err.strip().splitlines()) == 1
    assert "Traceback" not in answer.err
