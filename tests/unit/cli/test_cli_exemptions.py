"""`exemption`: asked, shown, carried on and revoked from a terminal, in either language."""

from typing import Any

import pytest

ASK = (
    *("exemption", "ask", "--org", "华东钢铁/铜贸易部", "--product", "CU"),
    *("--rule", "EXPOSURE_TIERS", "--cap", "1650", "--until", "2024-06-10", "--clause", "第四章"),
    *("--reason", "船期延误", "--as", "zhao"),
)


def given(house: Any) -> dict[str, Any]:
    """Zhao's exemption, signed by officer and manager."""
    one = house(*ASK, "--json", token=house.token("zhao")).json["exemption"]
    for seen, person in (("1", "chen"), ("2", "wang")):
        signing = ("approvals", "approve", one["request"], "--seen", seen, "--as", person)
        assert house(*signing, token=house.token(person)).code == 0
    return dict(one)


def test_it_is_asked_for_and_shown(house: Any) -> None:
    assert house("exemption", "list").out.strip() == "没有豁免。"
    asked = house(*ASK, token=house.token("zhao"))
    assert asked.code == 0
    assert asked.out.startswith("豁免 EX-20240603-001：待审批。\n审批单：AP-")
    shown = house("exemption", "show", "EX-20240603-001").out.splitlines()
    assert shown[0] == "豁免 EX-20240603-001：待审批"
    assert shown[1] == "华东钢铁/铜贸易部 · cu EXPOSURE_TIERS：允许至 1,650 t"
    assert "申请人 zhao：船期延误" in shown
    listed = house("exemption", "list", "--state", "asked", lang="en_GB.UTF-8").out
    assert "1,650 t" in listed
    assert "waits for signatures" in listed
    assert house("exemption", "list", "--state", "granted", "--json").json == {"rows": []}


def test_signed_it_is_carried_on_and_revoked(house: Any) -> None:
    one = given(house)
    shown = house("exemption", "show", one["id"]).out
    assert "wang 于" in shown
    more = house(
        *("exemption", "renew", one["id"], "--until", "2024-06-20", "--reason", "再延"),
        *("--cap", "1700", "--as", "zhao", "--json"), token=house.token("zhao"),
    ).json["exemption"]  # fmt: skip
    assert (more["renews"], more["cap"], more["starts_at"]) == (one["id"], "1700", one["ends_at"])
    assert f"续期自 {one['id']}" in house("exemption", "show", more["id"]).out
    ended = house(
        *("exemption", "revoke", one["id"], "--reason", "到港", "--as", "chen"),
        token=house.token("chen"),
    )
    assert (ended.code, ended.out) == (0, f"豁免 {one['id']}：已撤销。\n")
    again = house("exemption", "show", one["id"], "--json").json
    assert (again["state"], again["ended_by"], again["end_reason"]) == ("revoked", "chen", "到港")


@pytest.mark.parametrize(
    ("changed", "code", "told"),
    [
        (("--cap", "-5"), 2, "-5"),
        (("--cap", "1e3"), 2, "1e3"),
        (("--month", "2413"), 2, "2413"),
        (("--rule", "EXPOSURE_TIER"), 2, "EXPOSURE_TIERS"),
        (("--product", "cuu"), 2, "cuu"),
        (("--account", "a b"), 2, "--account"),
        (("--rule", "COVERAGE_BAND"), 1, "净敞口"),
        (("--cap", "0"), 1, "大于零"),
        (("--until", "2024-06-01"), 1, "结束时间"),
        (("--until", "2025-06-01"), 1, "92 天"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    house: Any, changed: tuple[str, str], code: int, told: str
) -> None:
    answer = house(*ASK, *changed, token=house.token("zhao"))
    assert (answer.code, told in answer.err) == (code, True), answer.err
    assert house("exemption", "list", "--json").json == {"rows": []}


def test_an_exemption_that_there_is_none_of(house: Any) -> None:
    for command in (
        ("show", "EX-9"),
        ("renew", "EX-9", "--until", "2024-06-20", "--reason", "x", "--as", "zhao"),
        ("revoke", "EX-9", "--reason", "x", "--as", "zhao"),
    ):
        answer = house("exemption", *command, token=house.token("zhao"))
        assert (answer.code, "EX-9" in answer.err) == (2, True), answer.err
