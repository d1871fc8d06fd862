"""`import --full` at the terminal: looked at, confirmed, refused, said in both languages."""

from typing import Any

import pytest

ORG = "华东钢铁/铜贸易部"
HEAD = "org,account,contract,lots,as_of\n"


def _rows(day: str, *rows: str) -> str:
    return "".join(f"{ORG},880009,{one.split()[0]},{one.split()[1]},{day}\n" for one in rows)


@pytest.fixture
def opened(house: Any) -> Any:
    text = HEAD + _rows("2024-05-14", "cu2407 -10", "cu2408 -5", "cu2409 -2", "cu2410 1")
    assert house("import", "positions", house.file("a.csv", text)).code == 0
    return house


def _held(house: Any) -> list[str]:
    return [one["month"] for one in house("exposure", "--json").json["rows"]]


def test_the_dry_run_shows_and_the_import_closes(opened: Any) -> None:
    text = HEAD + _rows("2024-05-15", "cu2407 -10", "cu2408 -5")
    file = opened.file("b.csv", text)
    looked = opened("import", "positions", file, "--full", "--dry-run", lang="en_US.UTF-8")
    assert looked.code == 0
    assert "2 rows would be closed:" in looked.out
    assert "cu2409/880009" in looked.out
    assert _held(opened) == ["2407", "2408", "2409", "2410"]
    done = opened("import", "positions", file, "--full", "--json")
    assert [(one["id"], one["amount"]) for one in done.json["closed"]] == [
        ("cu2409/880009", "-2"), ("cu2410/880009", "1"),
    ]  # fmt: skip
    assert (done.code, done.json["unmentioned"]) == (0, 0)
    assert _held(opened) == ["2407", "2408"]
    before = opened("exposure", "--as-of", "2024-05-14", "--json").json["rows"]
    assert [one["month"] for one in before] == ["2407", "2408", "2409", "2410"]


def test_more_than_half_is_refused_until_its_number_is_confirmed(opened: Any) -> None:
    file = opened.file("b.csv", HEAD + _rows("2024-05-15", "cu2407 -11"))
    for more in ((), ("--confirm-closing", "2")):
        answer = opened("import", "positions", file, "--full", *more)
        assert answer.code == 1
        assert "已拒绝，未写入任何数据。" in answer.out
        assert _held(opened) == ["2407", "2408", "2409", "2410"]
    assert "超过一半" in opened("import", "positions", file, "--full").err
    done = opened("import", "positions", file, "--full", "--confirm-closing", "3")
    assert (done.code, "已移出 3 行：" in done.out) == (0, True)
    assert _held(opened) == ["2407"]


def test_an_emptied_account_is_named(opened: Any) -> None:
    file = opened.file("b.csv", HEAD)
    covers = ("--covers", f"{ORG}:880009", "--as-of", "2024-05-15")
    assert opened("import", "positions", file, "--full").code == 1
    assert _held(opened) == ["2407", "2408", "2409", "2410"]
    done = opened("import", "positions", file, "--full", *covers, "--confirm-closing", "4")
    assert (done.code, _held(opened)) == (0, [])


@pytest.mark.parametrize(
    ("kind", "more", "told"),
    [
        ("contracts", ["--full"], "positions, inventory"),
        ("positions", ["--confirm-closing", "1"], "--confirm-closing"),
        ("positions", ["--covers", f"{ORG}:1"], "--covers"),
        ("positions", ["--full", "--covers", f"{ORG}:1"], "--as-of"),
        ("positions", ["--full", "--covers", ORG, "--as-of", "2024-05-15"], "组织:账户"),
        (
            "positions",
            ["--full", "--covers", "华东钢铁/铜贸易:1", "--as-of", "2024-05-15"],
            "华东钢铁/铜贸易部",
        ),
    ],
)
def test_options_that_do_not_go_together_are_wrong_calls(
    opened: Any, kind: str, more: list[str], told: str
) -> None:
    file = opened.file("b.csv", HEAD + _rows("2024-05-15", "cu2407 -10"))
    answer = opened("import", kind, file, *more)
    assert (answer.code, told in answer.err) == (2, True), answer.err
    assert _held(opened) == ["2407", "2408", "2409", "2410"]
