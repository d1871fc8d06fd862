"""`handover` from the command line, in the reader's language."""

from typing import Any


def test_a_shift_is_handed_over_and_taken(house: Any) -> None:
    chen, wang = house.token("chen"), house.token("wang")
    assert "没有未结" in house("handover", "now", "--org", "华东钢铁").out
    given = house("handover", "give", "--org", "华东钢铁", "--note", "平稳", "--as", "chen",
                 token=chen)  # fmt: skip
    assert given.code == 0, given.err
    number = house("handover", "list", "--state", "given", "--json").json["rows"][0]["id"]
    assert f"{number}：待接班签字" in given.out
    shown = house("handover", "show", number)
    assert "平稳" in shown.out
    assert "chen" in shown.out
    own = house("handover", "take", number, "--as", "chen", token=chen)
    assert (own.code, "须由另一人接班签字" in own.err) == (1, True)
    taken = house("handover", "take", number, "--as", "wang", "--json", token=wang)
    assert (taken.code, taken.json["handover"]["state"]) == (0, "taken")
    assert "wang" in house("handover", "show", number).out
    late = house("handover", "withdraw", number, "--as", "chen", "--json", token=chen)
    assert (late.code, late.json["code"]) == (1, "HANDOVER_OVER")


def test_what_there_is_none_of_is_a_wrong_call(house: Any) -> None:
    token = house.token("chen")
    for call in (
        ("show", "HO-1"),
        ("show", "HO-20240603-009"),
        ("take", "nonsense", "--as", "chen"),
        ("now", "--org", "华北钢铁"),
        ("give", "--org", "华北钢铁", "--as", "chen"),
        ("list", "--state", "open"),
    ):
        answer = house("handover", *call, token=token)
        assert answer.code == 2, (call, answer.out, answer.err)
        assert answer.err.strip()
    unknown = house("handover", "take", "HO-20240603-009", "--as", "chen", "--json", token=token)
    assert (unknown.code, unknown.json["code"]) == (1, "UNKNOWN_HANDOVER")
