"""Asking for an approval that too few can sign: who lacks and who can mend it, page and API."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from flow_house import House, house

from directory import set_active
from workorders import WorkOrder

SHORT_ZH = (
    "可签署的不同人员不足。“风控审核”须由 East 或其上级的风控专员签署，还缺 1 人。"
    "Chen Fang 是申请人或当事人，不能签署。"
    "如改由他人提请，且 Chen Fang 不是当事人，则 Chen Fang 可以签署。"
)


@pytest.fixture(name="town", scope="module")
def _town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Only Chen is a risk officer in the end."""
    with house(tmp_path_factory.mktemp("short")) as made:
        yield made


@pytest.fixture(name="order", scope="module")
def _order(town: House) -> WorkOrder:
    found = town.breach()
    leave(town, "lin", "new")
    return found


def leave(town: House, *people: str) -> None:
    with town.app.store.unit_of_work("cli:test") as uow:
        for person in people:
            set_active(uow, person, active=False)


@pytest.mark.parametrize("kind", ["hedge_order", "limit_change"])
def test_the_only_officer_who_asks_is_told_what_lacks(town: House, order: WorkOrder, kind: str):
    answer = town.client("chen").post(
        f"/api/v1/orders/{order.id}/request-approval",
        json={"kind": kind, "object_id": f"api-{kind}"},
    )
    assert answer.status_code == 422
    told = answer.json()
    assert told["code"] == "NO_ELIGIBLE_SIGNERS"
    first = told["params"]["missing"][0]
    assert (first["say"], first["lacks"]) == ("approvals.missing.role", 1)
    assert (first["approval_step"], first["signer_role"]) == ("risk", "risk_officer")
    zh, en = told["titles"]["zh"], told["titles"]["en"]
    assert zh == f"{SHORT_ZH}root 可在人员目录中为合适的人添加此角色。"
    assert "signed by the role Risk officer of East or above it; short of people: 1." in en
    assert "If somebody else asks, Chen Fang can sign if not concerned by it." in en
    assert en.endswith("root can give the role to somebody suitable in the directory.")


@pytest.mark.parametrize(("language", "words"), [("zh", "还缺 1 人"), ("en", "short of people: 1")])
def test_the_page_says_the_same(town: House, order: WorkOrder, language: str, words: str):
    chen = town.signed_in("chen")
    chen.cookies.set("hedgewarden_language", language)
    form = {"kind": "limit_change", "object": f"page-{language}", "text": "more room"}
    answer = chen.post(f"/orders/{order.id}/request_approval", data=form)
    assert answer.status_code == 303
    shown = unescape(chen.get(answer.headers["location"]).text)
    assert words in shown
    assert "Chen Fang" in shown
    if language == "zh":
        assert SHORT_ZH in shown


def test_where_nobody_keeps_the_directory_the_sentence_says_so(tmp_path: Path):
    with house(tmp_path) as town:
        order = town.breach()
        leave(town, "chen", "lin", "new", "root")
        told = town.client("zhou").post(
            f"/api/v1/orders/{order.id}/request-approval", json={"kind": "limit_change"}
        )
        assert told.json()["code"] == "NO_ELIGIBLE_SIGNERS", told.text
        assert told.json()["titles"]["zh"].endswith("目前该单位没有管理员。")
        assert "no administrator" in told.json()["titles"]["en"]
