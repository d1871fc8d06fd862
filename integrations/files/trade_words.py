"""What a company's own file may call our columns: words of the trade in Chinese and English.

Our names and the labels of the catalogues are read besides. A word stands under one field of a kind
only; one that could mean two (``数量`` of a statement of positions: lots or tonnes) stands under
none and is told as unread.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from integrations.files.kinds import Kind, header

_SPACES: Final = re.compile(r"[\s_\-]+")
_MARKS: Final = "*＊:： "

_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "contract_id": ("合同号", "合同编码", "contract no", "contract number"),
    "fixation_id": ("点价号", "点价单号", "fixation no"),
    "lot_id": ("批号", "批次号", "批次", "库存编号", "lot", "lot no", "batch", "batch no"),
    "receipt_id": ("入库单", "入库单编号", "收货单号", "receipt no", "receipt number"),
    "limit_id": ("限额号", "limit no"),
    "org": (
        "组织机构", "所属组织", "组织路径", "机构", "部门", "业务部门", "子公司", "所属公司",
        "organisation", "organization", "entity", "department", "business unit",
    ),
    "product": (
        "商品", "产品", "品名", "货品", "品种代码", "品种名称", "商品名称", "commodity",
        "product code",
    ),
    "side": ("买卖", "买卖方向", "购销", "购销方向", "交易方向", "多空", "持仓方向", "direction",
             "buy/sell", "b/s"),
    "quantity": ("重量", "合同数量", "合同量", "库存数量", "库存量", "qty", "weight", "volume"),
    "unit": ("计量单位", "数量单位", "uom", "unit of measure"),
    "month": (
        "交割月", "合约月", "合约月份", "月份", "交货月", "交货月份", "到期月", "到期月份",
        "delivery month", "contract month",
    ),
    "price_type": ("计价方式", "作价方式", "点价方式", "定价类型", "计价类型", "pricing",
                   "pricing type", "pricing method"),
    "price": ("单价", "合同价", "合同价格", "合同单价", "unit price", "contract price"),
    "premium": ("升水", "贴水", "升/贴水", "升贴水价", "premium/discount", "differential"),
    "currency": ("货币", "币别", "货币单位", "ccy"),
    "delivered": ("已交货", "已交数量", "已交货量", "已发货数量", "delivered quantity",
                  "delivered qty"),
    "tolerance_pct": ("溢短装", "溢短装比例", "tolerance", "tolerance %"),
    "pricing_days": ("点价日", "计价日期", "定价日", "pricing dates"),
    "forecast": ("是否预测",),
    "account": ("账号", "资金账户", "资金账号", "交易账户", "期货账户", "account no",
                "account number", "account id"),
    "hedge_book": ("套保账本",),
    "project": ("项目名称",),
    "strategy": ("策略名称",),
    "grade": ("品级", "quality"),
    "location": ("仓库", "交货地", "交货地点", "存放地", "库点", "warehouse"),
    "counterparty": ("对手", "对手方", "交易对手方", "往来单位", "cpty"),
    "unit_cost": ("成本价", "成本单价", "单位成本价", "cost", "cost price"),
    "in_transit": ("是否在途",),
    "title_held": ("货权", "是否有货权", "title"),
    "pledged": ("质押", "是否质押"),
    "contract": ("合约代码", "合约号", "合约编号", "期货合约", "instrument", "symbol"),
    "lots": ("手", "持仓手数", "number of lots"),
    "exchange": ("交易市场",),
    "multiplier": ("合约乘数", "乘数", "contract size", "contract multiplier"),
    "source": ("数据来源", "价格来源"),
    "measure": ("口径", "限额类型", "限额类别"),
    "amount": ("限额数量", "限额值", "额度", "limit", "limit amount"),
    "valid_from": ("生效日期", "生效日", "开始日期", "起始日期", "start date"),
    "valid_to": ("失效日期", "失效日", "结束日期", "截止日期", "end date"),
    "as_of": ("日期", "业务日期", "数据日期", "数据时间", "统计日期", "时点", "date", "as of date"),
    "at": ("日期", "日期时间", "价格日期", "报价时间", "交易日", "date", "time", "timestamp"),
}  # fmt: skip
_OF_KIND: Final[Mapping[Kind, Mapping[str, tuple[str, ...]]]] = {
    Kind.CONTRACTS: {
        "contract_id": ("编号", "合同"), "status": ("合同状态",), "price_type": ("价格类型",),
    },
    Kind.INVENTORY: {"lot_id": ("编号",)},
    Kind.RECEIPTS: {"receipt_id": ("编号",), "status": ("入库状态",)},
    Kind.POSITIONS: {},
    Kind.PRICES: {"kind": ("类别", "价格类型", "报价类型", "price type", "type")},
    Kind.LIMITS: {"limit_id": ("编号",), "amount": ("数量", "quantity")},
}  # fmt: skip


def plain_header(text: str) -> str:
    """A header without what says nothing: width, case, spaces, lines, a mark that it is needed."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return _SPACES.sub("", text.strip(_MARKS))


def words_of(kind: Kind, labels: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Field of the kind → what a header may say for it, our own name first.

    Args:
        kind: the kind.
        labels: further headers → our field, such as the labels of the catalogues.
    """
    own = _OF_KIND[kind]
    return {
        name: (
            name,
            *(label for label, field in labels.items() if field == name),
            *_WORDS.get(name, ()),
            *own.get(name, ()),
        )
        for name in header(kind)
    }
