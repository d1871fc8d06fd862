"""Sample view models, so that every page can be looked at without data. All names are made up."""

# ruff: noqa: E501 - one sample a line, both languages side by side

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from service.web.frame import INBOX_ROOM, ROOMS, Frame, Room, SourceChip
from service.web.reader import Reader
from service.web.views.merging import MergePage, MergeTarget
from service.web.views.orders import (
    BoardCard,
    BoardColumn,
    CardActs,
    DecisionLine,
    Leaf,
    OrderLine,
    OrderList,
    OrderPage,
    Pair,
    Remedy,
    RuleLine,
    Step,
)
from service.web.views.parts import (
    Act,
    Choice,
    Facet,
    Figure,
    Filter,
    FormField,
    HeatCell,
    HeatMap,
    HeatRow,
    Link,
    Pager,
    Spark,
    StreamEntry,
)
from service.web.views.today import (
    CalendarLine,
    LevelCount,
    NearLimit,
    QualityLine,
    TodayPage,
    WaitingLine,
)

NOW = datetime(2026, 11, 22, 6, 31, 5, tzinfo=UTC)
Say = Callable[[str, str], str]


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def ahead(**span: float) -> datetime:
    return NOW + timedelta(**span)


def sayer(reader: Reader) -> Say:
    return lambda zh, en: zh if reader.language == "zh" else en


def number(text: str) -> Decimal:
    return Decimal(text)


def tonnes(text: str, url: str = "/exposure?cell=cu-2405") -> Figure:
    return Figure(number(text), "t", url)


def frame(reader: Reader, active: str) -> Frame:
    say = sayer(reader)
    rooms = tuple(
        Room(room.code, room.url, {"alerts": 4, "orders": 7}.get(room.code, 0)) for room in ROOMS
    )
    return Frame(
        active=active,
        rooms=(*rooms, INBOX_ROOM),
        organisation=say("示例集团", "Sample Group"),
        organisations=(
            Choice("1", say("示例集团", "Sample Group"), chosen=True),
            Choice("2", say("华东业务部", "East China")),
            Choice("3", say("能源贸易", "Energy Trading")),
        ),
        trading_day=date(2026, 11, 23),
        session="night",
        data_as_of=NOW,
        data_state="late",
        on_call=say("值班：风控一组", "On call: Risk team 1"),
        person=say("陈芳", "Chen Fang"),
        roles=("risk_officer",),
        sources=(
            SourceChip(say("行情", "Prices"), "current", 12),
            SourceChip(say("期货持仓", "Futures"), "current"),
            SourceChip(say("ERP 采购", "ERP purchasing"), "late", 720, "/log?q=erp"),
            SourceChip(say("仓储", "Warehouse"), "current", 180),
            SourceChip(say("资金", "Treasury"), "current", 60),
        ),
        source_note=say(
            "ERP 采购恢复前，沪铜 2405 敞口标记为不可评估",
            "Until ERP purchasing is back, copper 2405 is marked not assessable",
        ),
        demo=True,
        version="0.1.0",
    )


def take(reader: Reader, order: str) -> Act:
    return Act(
        reader.words.text("ui.act.take_over"),
        f"/orders/{order}/take_over",
        "take",
        fields=(FormField("version", kind="hidden", value="3"),),
    )


def heat(show: str = "use", picked: tuple[int, int] | None = None, *, reader: Reader) -> HeatMap:
    say = sayer(reader)
    names = [
        ("原油", "Crude", "bbl"), ("沪铜", "Copper", "t"), ("沪铝", "Aluminium", "t"),
        ("螺纹", "Rebar", "t"), ("甲醇", "Methanol", "t"), ("豆粕", "Soymeal", "t"),
    ]  # fmt: skip
    uses = [
        [38, 62, 96, 71, 40, 22], [61, None, 58, 42, 30, 25], [84, 52, 47, 13, 20, 8],
        [44, 91, 38, 27, 33, 41], [30, 51, 167, 22, 18, 9], [22, 35, 18, 44, 12, 73],
    ]  # fmt: skip

    def cell(row: int, column: int) -> HeatCell:
        use = uses[row][column]
        here = f"/exposure?cell={row}-{column}"
        if use is None:
            return HeatCell(
                "not_assessable", number("-7500"), None, "", here, picked == (row, column)
            )
        late = (row, column) == (3, 4)
        level = next(
            (name for floor, name in ((120, "red"), (100, "orange"), (80, "yellow"), (60, "blue"))
             if use >= floor), ""
        )  # fmt: skip
        return HeatCell(
            "late" if late else "ok", number(use * 12 * (-1) ** column), number(use) / 100, level, here,
            picked == (row, column),
        )  # fmt: skip

    return HeatMap(
        columns=(say("现货", "Spot"), "2405", "2406", "2407", "2409", say("合计", "Total")),
        rows=tuple(
            HeatRow(say(zh, en), tuple(cell(row, column) for column in range(6)), unit)
            for row, (zh, en, unit) in enumerate(names)
        ),
        show=show,
        total=True,
    )


def today(reader: Reader) -> TodayPage:
    say, text = sayer(reader), reader.words.text
    lines = [
        WaitingLine(
            "red", "order", "017", say("沪铜 cu2405 净敞口越限", "Copper cu2405 net exposure"),
            say("华东业务部", "East China"), "/orders/WO-20261122-017", tonnes("-7500"),
            tonnes("500"), number("15"), since=ago(minutes=18), due=ahead(minutes=4, seconds=12),
            take=take(reader, "WO-20261122-017"),
        ),
        WaitingLine(
            "orange", "approval", "233", say("对冲申请待会签 1/2", "Hedge request, 1 of 2 signed"),
            say("子公司 B", "Subsidiary B"), "/approvals/233", tonnes("1240"), tonnes("1200"),
            number("1.03"), since=ago(minutes=26), due=ahead(minutes=11),
        ),
        WaitingLine(
            "orange", "order", "015",
            say("重复凭证 PZ-0417 / 0418", "Duplicate vouchers PZ-0417 / 0418"),
            say("财务部", "Finance"), "/orders/WO-20261122-015",
            Figure(number("1286400"), "CNY", "/log?q=PZ-0417", "money"), note=say("规则 V-02", "rule V-02"),
            since=ago(minutes=65), due=ahead(minutes=25), take=take(reader, "WO-20261122-015"),
        ),
        WaitingLine(
            "orange", "alert", "042",
            say("甲醇 MA501 夜间异常下单 4 笔", "Methanol MA501, 4 odd orders at night"),
            say("子公司 B", "Subsidiary B"), "/alerts?alert=042", tonnes("-10000"), tonnes("6000"),
            number("1.67"), since=ago(minutes=8), due=ahead(minutes=38),
        ),
        WaitingLine(
            "yellow", "alert", "044",
            say("原油 CL2406 市场基差偏离 2.4σ", "Crude CL2406, market basis off by 2.4σ"),
            say("能源贸易", "Energy Trading"), "/alerts?alert=044", Figure(number("-1.87"), places=2),
            Figure(number("1.6"), places=2), number("0.72"), since=ago(minutes=41), due=ago(minutes=3),
        ),
    ]  # fmt: skip
    return TodayPage(
        counts=(
            LevelCount("red", 1, "/orders?level=red", ahead(minutes=4, seconds=12)),
            LevelCount("orange", 3, "/orders?level=orange", ahead(minutes=11), "acknowledge"),
            LevelCount("yellow", 6, "/alerts?level=yellow"),
            LevelCount("blue", 0, "/alerts?level=blue"),
        ),
        waiting=tuple(lines),
        waiting_total=7,
        near=(
            NearLimit(say("原油 · 能源贸易", "Crude · Energy Trading"), number("0.96"), "yellow", "/exposure?cell=0-2"),
            NearLimit(say("螺纹 · 华东", "Rebar · East China"), number("0.91"), "yellow", "/exposure?cell=3-1"),
            NearLimit(say("沪铝 · 子公司 A", "Aluminium · Subsidiary A"), number("0.84"), "yellow", "/exposure?cell=2-0"),
            NearLimit(say("热卷 · 华东", "Hot coil · East China"), number("0.78"), "blue", "/exposure?cell=3-2"),
            NearLimit(say("豆粕 · 油脂线", "Soymeal · Oilseeds"), number("0.73"), "blue", "/exposure?cell=5-5"),
        ),
        calendar=(
            CalendarLine(text("ui.today.today"), say("sc2412 最后交易日，持仓 12 手", "sc2412 last trading day, 12 lots held"), "/exposure"),
            CalendarLine(text("ui.today.tomorrow"), say("螺纹 RB2501 移仓窗口开始", "Rebar RB2501 roll window opens")),
            CalendarLine("11-26", say("沪铜套保额度到期（剩余 22 手）", "Copper hedging quota ends (22 lots left)")),
            CalendarLine("11-27", say("节前，无夜盘", "Before a holiday: no night session")),
        ),
        quality=(
            QualityLine(text("ui.quality.today"), "4"),
            QualityLine(text("ui.quality.confirmed"), "58 %", text("ui.quality.interval", low=41, high=74)),
            QualityLine(text("ui.quality.arrival"), "100 %"),
            QualityLine(text("ui.quality.latency"), say("0.8 秒", "0.8 s")),
            QualityLine(text("ui.quality.closed_loop"), "97 %"),
        ),
        heat=heat(reader=reader),
        heat_url="/exposure",
        export_url="/today.xlsx",
        acts=(
            Act(text("ui.act.handover"), "/handover", "handover", tone="primary", method="get"),
            Act(text("ui.act.drill"), "/drill", "drill", method="get"),
            Act(text("ui.act.open_order"), "/orders/new", "open", method="get"),
        ),
    )  # fmt: skip


def tags(reader: Reader) -> tuple[str, ...]:
    say = sayer(reader)
    return (
        say("仓储接口", "warehouse interface"),
        "LME",
        say("夜盘复核待补充材料", "waits for papers"),
    )


def orders(reader: Reader) -> OrderList:
    say, text = sayer(reader), reader.words.text
    lines = tuple(
        OrderLine(
            line.level, f"WO-20261122-{line.number}", line.subject, line.unit, state, f"/orders/WO-20261122-{line.number}",
            line.value, line.limit, line.use, owner, count, line.since, line.due,
            tags=tags(reader) if count > 1 else (),
        )
        for line, state, owner, count in zip(
            today(reader).waiting,
            ("in_work", "open", "acknowledged", "open", "closed"),
            (say("陈芳", "Chen Fang"), "", say("李敏", "Li Min"), "", say("王强", "Wang Qiang")),
            (3, 1, 1, 12, 1),
            strict=True,
        )
    )  # fmt: skip
    return OrderList(
        lines,
        (
            Filter(text("ui.filters.level"), tuple(Facet(text(f"level.{code}"), f"/orders?level={code}") for code in ("red", "orange", "yellow", "blue"))),
            Filter(text("ui.filters.state"), tuple(Facet(text(f"ui.state.{code}"), f"/orders?state={code}", None, code == "open") for code in ("open", "acknowledged", "in_work", "resolved", "closed"))),
        ),
        (Choice("1", say("华东业务部", "East China")), Choice("2", say("财务部", "Finance"))),
        "", Pager(5, 128, next_url="/orders?cursor=x"), "/orders.xlsx",
        Act(text("ui.act.open_order"), "/orders/new", "open", method="get"),
    )  # fmt: skip


def board(reader: Reader) -> tuple[BoardColumn, ...]:
    lines = orders(reader).lines
    codes = ("open", "acknowledged", "in_work", "resolved", "closed")
    clocks = {"open": "acknowledge", "acknowledged": "resolve", "in_work": "resolve"}
    acts = "/orders/{}/acts?next=%2Forders"
    found = {
        code: tuple(
            BoardCard(one, acts.format(one.number), clocks.get(code, ""), ahead(minutes=4))
            for one in lines
            if one.state == code
        )
        for code in codes
    }
    return tuple(
        BoardColumn(
            code, cards, 35 if code == "open" else len(cards),
            "/orders?state=open" if code == "open" else "",
            left_out=code == "closed", show_url="/orders?state=closed" if code == "closed" else "",
        )
        for code, cards in ((code, () if code == "closed" else found[code]) for code in codes)
    )  # fmt: skip


def card_acts(reader: Reader) -> CardActs:
    return CardActs(orders(reader).lines[0], order_acts(reader), "/orders", "in_work")


def merging(reader: Reader, step: str) -> MergePage:
    """The page that merges: its `step` is ``choice``, ``preview`` or ``refused``."""
    line, *others = orders(reader).lines
    here = f"/orders/{line.number}/merge"
    if step == "choice":
        targets = tuple(MergeTarget(one, f"{here}?into={one.number}") for one in others)
        return MergePage(line, line.url, targets=targets, more=True)
    text, names = reader.words.text, {"order": line.number, "other": others[0].number}
    if step == "refused":
        why = text("reason.MERGE_TARGET_SNOOZED", other=others[0].number)
        return MergePage(line, line.url, why, chosen=others[0], change_url=here)
    told = (
        ("ends", {"at": "14:35"}),
        ("evidence", {"findings": 12, "seen": 15}),
        ("rises", {"level": text("level.red"), "before": text("level.orange")}),
        ("people", {"people": sayer(reader)("陈芳、李敏", "Chen Fang, Li Min")}),
        ("tags", {"tags": ", ".join(tags(reader))}),
        ("closing", {}),
        ("for_good", {}),
    )
    effects = tuple(
        Pair(text(f"ui.merge.{what}"), text(f"ui.merge.{what}_text", **names, **params))
        for what, params in told
    )
    kept = (("into", others[0].number), ("version", "3"), ("into_version", "1"))
    return MergePage(line, line.url, chosen=others[0], effects=effects, kept=kept, change_url=here)


def rule_line(reader: Reader) -> RuleLine:
    say = sayer(reader)
    return RuleLine(
        "CU-NET-EXPOSURE",
        say(
            "净敞口绝对值达到限额的 120 % 时为红色：立即开立工单，通知风控专员与部门主管。",
            "When the absolute net exposure reaches 120 % of its limit the level is red: a work order "
            "opens at once and the risk officer and the head of department are told.",
        ),
        say("制度 §12.3", "policy §12.3"),
        "v4",
        "3f9c2a71",
        "/rules?rule=CU-NET-EXPOSURE",
    )  # fmt: skip


def leaves(reader: Reader) -> tuple[Leaf, ...]:
    say = sayer(reader)
    return (
        Leaf(say("净敞口（定价部分）", "Net exposure (priced part)"), tonnes("-7500"), tonnes("500"), tonnes("7000"), True,
             say("销售合同 7,500 t · 库存 0 t · 期货 0 手", "sales 7,500 t · inventory 0 t · futures 0 lots")),
        Leaf(say("市场基差 z", "Market basis z"), Figure(number("10.17"), places=2), Figure(number("3"), places=2), Figure(number("7.17"), places=2), True,
             say("现货 70,720 − 期货 70,000；均值 110，标准差 60", "spot 70,720 − futures 70,000; mean 110, sd 60")),
        Leaf(say("入库超时（60 秒内）", "Receipts timed out (60 s)"), Figure(number("5"), url="/log?q=RK88001"), Figure(number("5")), Figure(number("0")), True,
             say("仓储系统", "warehouse system")),
        Leaf(say("资金调拨 #19532", "Fund transfer #19532"), Figure(kind="text", text=say("失败", "failed")), Figure(), Figure(), True,
             say("缺少权限 fund.transfer.cross_dept", "lacks fund.transfer.cross_dept")),
    )  # fmt: skip


def order_acts(reader: Reader) -> tuple[Act, ...]:
    say, text = sayer(reader), reader.words.text
    version = FormField("version", kind="hidden", value="3")
    base = "/orders/WO-20261122-017/"
    note = FormField("note", text("ui.field.note"), "textarea")
    return (
        Act(text("ui.act.take_over"), base + "take_over", "take_over", "primary", fields=(version,)),
        Act(text("ui.act.hold"), base + "hold", "hold", fields=(version, note), confirm=say("暂缓全部排队的对冲指令？", "Hold all queued hedge instructions?")),
        Act(text("ui.act.request_approval"), base + "request_approval", "request_approval", fields=(version, note)),
        Act(text("ui.act.escalate"), base + "escalate", "escalate", fields=(version, FormField("reason", text("ui.field.reason"), required=True))),
        Act(
            text("ui.act.resolve"), base + "resolve", "resolve",
            fields=(
                version,
                FormField("disposition", text("ui.field.disposition"), "select", required=True, choices=(
                    Choice("mitigated", say("已对冲或已补录", "Hedged or posted")), Choice("data", say("数据问题", "Data fault")))),
                FormField("root_cause", text("ui.field.root_cause"), "select", required=True, choices=(
                    Choice("interface", say("仓储接口超时", "Warehouse interface")), Choice("process", say("流程缺陷", "Process")))),
                FormField("corrective", text("ui.field.corrective"), "textarea", error=say("请填写整改措施。", "Please say what will be changed.")),
                FormField("owner", text("ui.field.corrective_owner")),
                FormField("due", text("ui.field.corrective_due"), "date"),
            ),
        ),
        Act(text("ui.act.close"), base + "close", "close", "danger", why_not=text("ui.act.close_holds", value="−7,500 t", limit="±500 t", clears=say("须限额使用率小于95 %才解除。", "It clears once limit use is less than 95 %."))),
    )  # fmt: skip


def order(reader: Reader) -> OrderPage:
    say = sayer(reader)
    start = datetime(2026, 11, 22, 6, 11, 3, tzinfo=UTC)
    level = [0] * 8 + [
        -1500,
        -1500,
        -3000,
        -3000,
        -4500,
        -6000,
        -6000,
        -7500,
        -7500,
        -7500,
        -7500,
        -7500,
    ]
    entries = (
        (0, "market", "", say("现货报价 70,120 → 70,720，基差跳升 600", "Spot quote 70,120 → 70,720, basis jumps by 600"), ""),
        (23, "exception", "yellow", say("入库超时 RK88001（1,500 t），其后 35 秒内 4 笔", "Receipt RK88001 timed out (1,500 t), 4 more within 35 s"), ""),
        (86, "exception", "orange", say("资金调拨 #19532 失败", "Fund transfer #19532 failed"), "PERMISSION_DENIED"),
        (118, "decision", "red", say("风控决策 #128,431：红 · 工单开立，指派风控专员与部门主管", "Decision #128,431: red · work order opened, officer and head assigned"), say("规则库 3f9c… · 快照 a17e… · 可重放", "rule book 3f9c… · snapshot a17e… · replayable")),
        (140, "decision", "", say("对冲指令 1,500 手：暂缓", "Hedge instruction, 1,500 lots: on hold"), "DATA_GATE"),
        (202, "message", "", say("风控专员 在即时消息确认收到", "The risk officer acknowledged in chat"), say("0.6 秒送达", "delivered in 0.6 s")),
        (260, "note", "", say("已电话联系仓储，接口重启中", "Called the warehouse; the interface is restarting"), ""),
    )  # fmt: skip
    return OrderPage(
        number="WO-20261122-017",
        title=say("沪铜 cu2405 净敞口越限", "Copper cu2405 net exposure over its limit"),
        unit=say("华东业务部", "East China"),
        level="red",
        state="in_work",
        version=3,
        count=3,
        steps=(
            Step("open", "done", ago(minutes=18)),
            Step("acknowledged", "done", ago(minutes=16), say("陈芳", "Chen Fang")),
            Step("in_work", "now", ago(minutes=10), due=ahead(minutes=4, seconds=12)),
            Step("resolved", "next"),
            Step("closed", "next"),
        ),
        resolve_due=ahead(minutes=4, seconds=12),
        value=tonnes("-7500"),
        limit=tonnes("500"),
        use=number("15"),
        broke_note=say("规则 CU-NET-EXPOSURE v4（制度 §12.3）", "rule CU-NET-EXPOSURE v4 (policy §12.3)"),
        since_text=say("14:11:03 起 95 秒内 0 → −7,500 t", "since 14:11:03, 0 → −7,500 t within 95 s"),
        spark=Spark(tuple((start + timedelta(seconds=12 * i), Decimal(v)) for i, v in enumerate(level)), Decimal(500)),
        remedies=(
            Remedy(say("补录 5 笔入库（7,500 t）→ 0 t，无色", "Post 5 receipts (7,500 t) → 0 t, no colour"), True),
            Remedy(
                say("对冲买入 1,500 手", "Buy 1,500 lots"), False,
                say("夜盘 21:00 开，且数据异常", "night session opens 21:00, and the data are at fault"),
            ),
        ),
        fault=say(
            "5 笔入库超时（RK88001–RK88005），金额与缺口相等。机器人排队的买入 1,500 手已暂缓，需人工确认。",
            "5 receipts timed out (RK88001–RK88005), equal to the gap. The robot's queued purchase of "
            "1,500 lots is on hold and needs a person.",
        ),
        fault_decisions=(
            DecisionLine("HO-88213", say("暂缓", "on hold"), say("数据闸门", "data gate"), "/trail/records/128432"),
        ),
        rules=(rule_line(reader),),
        leaves=leaves(reader),
        stream=tuple(
            StreamEntry(start + timedelta(seconds=at), kind, said, detail, colour,
                        links=(Link(say("记录", "record"), "/trail/records/128431"),) if kind == "decision" else ())
            for at, kind, colour, said, detail in entries
        ),
        acts=order_acts(reader),
        people=(
            Pair(say("风控专员 陈芳", "Officer Chen Fang"), say("14:15 确认收到", "acknowledged 14:15")),
            Pair(say("部门主管 王强", "Head Wang Qiang"), say("已通知 · 未读", "told · unread")),
            Pair(say("下一级", "Next rung"), say("14:45 升级至分管负责人", "14:45 to the director")),
            Pair(say("通知", "Notices"), say("即时消息 0.6 秒 · 邮件 1.1 秒", "chat 0.6 s · mail 1.1 s")),
        ),
        related=(
            Pair(say("合同", "Contracts"), say("7 份 · 7,500 t", "7 · 7,500 t"), "/exposure?cell=1-1"),
            Pair(say("入库单", "Receipts"), say("5 张 · 超时", "5 · timed out"), "/log?q=RK88001"),
            Pair(say("相似工单", "Similar orders"), say("2 个 · 均为仓储接口", "2 · both the warehouse interface")),
        ),
        note_url="/orders/WO-20261122-017/note",
        export_url="/orders/WO-20261122-017.xlsx",
        tags=tuple(Link(one, f"/orders?tag={one}") for one in tags(reader)),
        tag_url="/orders/WO-20261122-017/tag",
    )  # fmt: skip
