"""An approval's card in words: nothing raw, figures with their units, what signing does."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from approvals import Delegation, Mode, OpenStep, Signature, State, Status, Subject
from directory import directory_from_mapping
from integrations.wording import CardText, card_text
from service.approval_cards import Effect, approval_card
from service.i18n.wording import Catalogues
from workorders.card import Figure

AT = datetime(2024, 5, 14, 8, tzinfo=UTC)
ORG = "集团/华东"
HOUSE, _ = directory_from_mapping(
    {
        "organisations": [{"path": ORG, "name_en": "East", "name_zh": "华东业务部"}],
        "people": [
            {"id": "u_liu", "name": "刘洋", "role": "trader", "unit": ORG},
            {"id": "u_chen", "name": "陈芳", "role": "risk_officer", "unit": ORG},
            {"id": "u_li", "name": "李敏", "role": "risk_officer", "unit": ORG},
            {"id": "u_wang", "name": "王强", "role": "manager", "unit": ORG},
        ],
    }
)
CATALOGUES = Catalogues(ZoneInfo("Asia/Shanghai"), {})
RISK = OpenStep("risk", 1, ("u_chen", "u_li"), role="risk_officer", org=ORG)
HEAD = OpenStep("manager", 1, ("u_wang",), role="manager", org=ORG)


def state(kind: str, *steps: OpenStep, object_id: str = "HO-1", **more: Any) -> State:
    subject = Subject(kind, object_id, ORG, "u_liu", product="cu", **more)
    return State("AP-1", subject, "P", 1, steps or (HEAD,), status=Status.PENDING, version=1)


def told(
    asked: State, language: str, person: str = "u_wang", effect: Effect | None = None,
    lent: Delegation | None = None,
) -> CardText:  # fmt: skip
    card = approval_card(
        asked, person, notice_id="n", directory=HOUSE, effect=effect or Effect(), lent=lent
    )
    return card_text(card, CATALOGUES.words(language), "")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_grant_has_words_for_all_that_it_names(language: str):
    material = {
        "order": "WO-1", "person": "u_liu", "grant": "fund.transfer.cross_dept", "scope": ORG,
        "valid_to": "2024-05-20T08:00:00Z",
    }  # fmt: skip
    object_id = f"u_liu/fund.transfer.cross_dept/{ORG}"
    card = told(state("grant", material=material, object_id=object_id), language)
    text = card.plain
    for raw in (
        "fund.transfer",
        "grant:",
        "person:",
        "scope:",
        "grant：",
        ORG,
        "u_liu",
        "2024-05-20T",
    ):
        assert raw not in text
    wanted = {
        "zh": ("授权对象：刘洋", "权限：", "范围：华东业务部（含下级）", "刘洋 立即获得该权限"),
        "en": (
            "Who gets it: 刘洋",
            "Permission: ",
            "Scope: East",
            "刘洋 has the permission at once",
        ),
    }
    for words in wanted[language]:
        assert words in text
    assert re.search(r"\{\w+\}|…", text) is None


def test_money_is_grouped_and_has_its_unit_in_words():
    asked = state("hedge_order", amount=Decimal(1_000_000), currency="CNY")
    assert "金额 1,000,000 元" in told(asked, "zh").words
    assert "Amount 1,000,000 CNY" in told(asked, "en").words


@pytest.mark.parametrize(
    ("side", "quantity", "zh"),
    [
        ("buy", "7500", ["买入 7,500 吨"]),
        ("sell", "-7500", ["卖出 7,500 吨"]),
        ("sell", "7500", ["卖出 7,500 吨"]),
        # what contradicts itself is shown as it was written
        ("buy", "-7500", ["方向：买入", "数量：−7,500 吨"]),
    ],
)
def test_what_is_traded_is_a_side_and_a_quantity(side: str, quantity: str, zh: list[str]):
    material = {"side": side, "quantity": quantity, "unit": "t"}
    words = told(state("hedge_order", material=material), "zh").words
    assert [one for one in words if "7,500" in one or "方向" in one] == zh


def test_a_hedge_order_that_is_known_says_contract_side_and_lots():
    trade = {"contract": "cu2406", "side": "sell", "lots": "1,500"}
    figures = (Figure("approval.net", "-7500", "0", "t"),)
    effect = Effect(figures, trade=trade)
    zh = told(state("hedge_order"), "zh", effect=effect)
    assert zh.matter == "审批 · 套保指令 HO-1 · 沪铜 cu2406 卖出 1,500 手 · 华东业务部 · AP-1"
    assert "净敞口 −7,500 吨 → 0 吨" in zh.lines
    en = told(state("hedge_order"), "en", effect=effect)
    assert "Copper cu2406, sell, lots: 1,500" in en.matter.replace("Sell", "sell")


def test_a_changed_limit_is_before_and_after():
    material = {"measure": "net", "before": "12000", "after": "15000", "unit": "t"}
    card = told(state("limit_change", material=material), "zh")
    assert "调整：12,000 → 15,000 吨" in card.words
    assert "口径：净敞口" in card.words


@pytest.mark.parametrize(
    ("mode", "need", "zh", "en"),
    [
        (
            Mode.ALL,
            2,
            "会签（2 人全部签署）；还需 2 人签署：陈芳、李敏",
            "All 2 sign; 2 more needed",
        ),
        (
            Mode.ANY,
            1,
            "或签（2 人中任一）；还需 1 人签署：陈芳、李敏",
            "One of 2 is enough; 1 more",
        ),
        (
            Mode.N_OF,
            2,
            "2 人中须 2 人签署；还需 2 人签署：陈芳、李敏",
            "2 of 2 sign; 2 more needed",
        ),
    ],
)
def test_how_many_must_sign_is_said(mode: Mode, need: int, zh: str, en: str):
    asked = state("override", replace(RISK, mode=mode, need=need))
    assert zh in told(asked, "zh").words
    assert any(one.startswith(en) for one in told(asked, "en").words)


def test_one_alone_is_neither_all_nor_any():
    words = told(state("override"), "zh").words
    assert "还需 1 人签署：王强" in words
    assert "或签" not in "".join(words)


def test_what_follows_the_signature_is_said_to_who_can_sign():
    both = replace(RISK, mode=Mode.ALL, need=2)
    asked = state("limit_change", both, HEAD)
    assert "您签署之后，“风控审核”还需 1 人签署。" in told(asked, "zh", "u_chen").words
    half = replace(asked, signatures=(Signature(0, "u_chen", "u_chen", AT),))
    following = "您签署之后，进入“负责人审批”：还需负责人 1 人签署（王强）。"
    said = [one for one in told(half, "zh", "u_li").words if one.startswith("您签署之后")]
    assert [re.sub("还需.*?1 人", "还需负责人 1 人", one) for one in said] == [following]
    last = replace(half, step=1)
    assert any("限额本身由有权调整限额的人录入" in one for one in told(last, "zh").words)
    for person in ("u_liu", "u_chen"):  # asked, or has signed
        assert not [one for one in told(last, "zh", person).words if "您签署" in one]


@pytest.mark.parametrize("kind", ["hedge_order", "limit_change", "override", "grant"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_kind_says_what_its_approval_does(kind: str, language: str):
    words = told(state(kind, material={"person": "u_liu"}), language).words
    start = {"zh": "您签署之后，审批通过", "en": "With your signature it is approved"}[language]
    assert len([one for one in words if one.startswith(start)]) == 1


def test_only_a_hedge_order_on_record_is_released_by_the_signature():
    trade = {"contract": "cu2406", "side": "sell", "lots": "1"}
    known = told(state("hedge_order"), "zh", effect=Effect(trade=trade)).words
    assert "您签署之后，审批通过：套保指令视为经您确认，并立即按最新数据重新判定。" in known
    other = told(state("hedge_order"), "zh").words
    assert "您签署之后，审批通过；系统中没有编号为 HO-1 的套保指令，须由申请人自行执行。" in other


def test_a_delegation_is_printed_with_its_limit_in_its_own_money():
    lent = Delegation("u_wang", "u_li", ORG, AT, Decimal(5_000_000), currency="USD")
    words = told(state("override"), "zh", "u_li", lent=lent).words
    assert (
        "受 王强 委托代签：范围 华东业务部，金额上限 5,000,000 美元，有效期至 05-14 16:00" in words
    )
