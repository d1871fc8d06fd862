"""Sample view models of the other rooms' pages."""

# ruff: noqa: E501 - one sample a line, both languages side by side

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from service.web.reader import Reader
from service.web.rooms.exposure_units import UNITS
from service.web.views.access import DemoPerson, SignInPage
from service.web.views.alerts import (
    AlertDetail,
    AlertGroup,
    AlertLine,
    BulkDismissPage,
    Similar,
    TriagePage,
)
from service.web.views.exposure import BridgeItem, ExposureDrawer, ExposurePage, ExposureRow
from service.web.views.inbox import InboxPage, MessageDetail, MessageLine
from service.web.views.log import LogLine, LogPage, QuarantineLine, QuarantinePage, TimelineDrawer
from service.web.views.orders import Pair
from service.web.views.parts import (
    Act,
    Chart,
    Choice,
    Facet,
    Filter,
    FormField,
    Link,
    Pager,
    Series,
    StreamEntry,
)
from service.web.views.rules import (
    Chapter,
    LiveProblem,
    RuleDetail,
    RuleEntry,
    RulesPage,
    TestLine,
    TierLine,
)
from service.web.views.trail import (
    AnchorLine,
    ProofStep,
    RecordLine,
    RecordPage,
    ReplayResult,
    TrailPage,
    VerifyResult,
)
from tests.browser.samples import NOW, ago, ahead, heat, leaves, number, rule_line, sayer, tonnes

SOURCE = """\
id: CU-NET-EXPOSURE
title: {zh: 净敞口限额, en: Net exposure limit}
clause: "12.3"
fact: exposure
tiers:
  - {when: use >= 1.2, level: red, code: EXPOSURE_CRITICAL}
  - {when: use >= 1.0, level: orange, code: EXPOSURE_EXCESS}
  - {when: use >= 0.8, level: yellow, code: EXPOSURE_BASE}
  - {when: use >= 0.6, level: blue, code: EXPOSURE_BASE}
"""


def alerts(reader: Reader) -> TriagePage:
    say, text = sayer(reader), reader.words.text
    reason = FormField(
        "reason", text("ui.field.reason"), "select", required=True,
        choices=(Choice("false", say("误报", "False alarm")), Choice("data", say("数据问题", "Data fault"))),
    )  # fmt: skip
    spike = AlertLine("042", "orange", say("甲醇 MA501 夜间异常下单 4 笔", "Methanol MA501, 4 odd orders at night"), say("子公司 B", "Subsidiary B"), "model", "new", "/alerts?alert=042", 4, ago(minutes=8), ahead(minutes=38), current=True)  # fmt: skip
    other = AlertLine("043", "yellow", say("同一操作人 15 分钟内改单 9 次", "Same person amended 9 orders in 15 min"), say("子公司 B", "Subsidiary B"), "rule", "new", "/alerts?alert=043", 1, ago(minutes=6))  # fmt: skip
    basis = AlertLine("044", "yellow", say("原油 CL2406 市场基差偏离 2.4σ", "Crude CL2406, market basis off by 2.4σ"), say("能源贸易", "Energy Trading"), "rule", "new", "/alerts?alert=044", 2, ago(minutes=41))  # fmt: skip
    robot = AlertLine("045", "red", say("机器人：铜敞口越限", "Robot: copper exposure over its limit"), say("华东业务部", "East China"), "robot", "confirmed", "/alerts?alert=045", 1, ago(hours=2))  # fmt: skip
    detail = AlertDetail(
        spike,
        say(
            "刘某在 22:10–22:24 连续卖出 4 笔共 10,000 t，远高于其平时夜盘一笔、900 t 的节奏；其中 2 笔超出本人班次。",
            "Between 22:10 and 22:24 one person sold four times, 10,000 t in all, far from the usual one "
            "order of 900 t in a night session; two of them lie outside the person's shift.",
        ),
        normal=say("夜盘 1 笔 / 900 t", "1 order / 900 t a night"),
        now=say("14 分钟 4 笔 / 10,000 t", "4 orders / 10,000 t in 14 min"),
        rules=(rule_line(reader),),
        leaves=leaves(reader)[:1],
        evidence=(Pair(say("惊异度", "Surprise"), "6.4"), Pair(say("序列", "Order ids"), "SO-771 · SO-772 · SO-774 · SO-775", "/log?q=SO-771")),
        similar=(
            Similar(say("夜盘连续下单 3 笔", "3 orders in a night session"), say("属实，误操作", "real, mistake"), ago(days=40), "/orders/WO-20261013-002"),
            Similar(say("夜盘连续下单 4 笔", "4 orders in a night session"), say("已知良性", "known benign"), ago(days=71)),
        ),
        acts=(
            Act(text("ui.act.confirm"), "/alerts/042/confirm", "confirm", "primary", key="c"),
            Act(text("ui.act.dismiss"), "/alerts/042/dismiss", "dismiss", fields=(reason,), key="d"),
            Act(text("ui.act.merge"), "/alerts/042/merge", "merge", fields=(FormField("into", say("并入", "Into"), required=True),), key="m"),
            Act(text("ui.act.next"), "/alerts?alert=043", "next", method="get", key="n"),
        ),
    )  # fmt: skip
    return TriagePage(
        budget_text=text("ui.alerts.today_rate", today=4, rate=58, low=41, high=74),
        filters=(
            Filter(text("ui.filters.source"), tuple(
                [Facet(text("ui.filters.all"), "/alerts", 4, current=True)]
                + [Facet(text(f"ui.alert_source.{code}"), f"/alerts?source={code}", count) for code, count in (("rule", 2), ("model", 1), ("robot", 1))]
            )),
            Filter(text("ui.filters.level"), tuple(Facet(text(f"ui.level.{code}"), f"/alerts?level={code}", 1) for code in ("red", "orange", "yellow", "blue"))),
            Filter(text("ui.filters.unit"), (Facet(say("子公司 B", "Subsidiary B"), "/alerts?unit=b", 2), Facet(say("能源贸易", "Energy Trading"), "/alerts?unit=e", 1))),
        ),
        groups=(
            AlertGroup(say("甲醇 · 子公司 B · 22:10 起", "Methanol · Subsidiary B · since 22:10"), (spike, other)),
            AlertGroup(say("原油 · 能源贸易", "Crude · Energy Trading"), (basis,)),
            AlertGroup(say("沪铜 · 华东业务部", "Copper · East China"), (robot,), Link("WO-20261122-017", "/orders/WO-20261122-017")),
        ),
        total=4,
        pager=Pager(4, 4),
        picked=detail,
        bulk_dismiss=Act(text("ui.act.dismiss_picked"), "/alerts/dismiss", "bulk"),
        export_url="/alerts.xlsx",
    )  # fmt: skip


def dismiss(reader: Reader) -> BulkDismissPage:
    text, say = reader.words.text, sayer(reader)
    listed = tuple(alert for group in alerts(reader).groups for alert in group.alerts)
    choices = (Choice("", text("ui.choose")), Choice("false", say("误报", "False alarm")))
    fields = (
        FormField("reason", text("ui.field.reason"), "select", required=True, choices=choices),
        FormField("text", text("ui.field.note"), "textarea"),
    )
    return BulkDismissPage(
        listed,
        Act(text("ui.act.dismiss_picked"), "/alerts/dismiss/all", "bulk", "danger", fields=fields),
        "/alerts",
    )


def exposure(reader: Reader) -> ExposurePage:
    say, text = sayer(reader), reader.words.text
    return ExposurePage(
        measures=tuple(Link(text(f"ui.measure.{code}"), f"/exposure?measure={code}", code == "net") for code in ("net", "gross", "spread", "theoretical")),
        units=tuple(Link(text(words), f"/exposure?unit={code}", code == "base") for code, words in UNITS.items()),
        views=(),
        heat=heat("both", (1, 1), reader=reader),
        drawer=ExposureDrawer(
            title=say("沪铜 cu2405 · 华东业务部", "Copper cu2405 · East China"),
            level="red",
            net=tonnes("-7500"),
            limit=tonnes("500"),
            use=number("15"),
            state="not_assessable",
            state_text=say("数据异常：5 笔入库超时，敞口不可评估，机器对冲已暂缓。", "Data fault: 5 receipts timed out; the exposure is not assessable and machine hedging is on hold."),
            bridge=(
                BridgeItem("purchases", tonnes("0")),
                BridgeItem("inventory", tonnes("0")),
                BridgeItem("sales", tonnes("-7500"), say("7 份合同", "7 contracts")),
                BridgeItem("futures", tonnes("0")),
            ),
            apart=(
                BridgeItem("unpriced", tonnes("600")),
                BridgeItem("unsynced", tonnes("2500")),
                BridgeItem("unposted", tonnes("7500")),
            ),
            rows=tuple(
                [ExposureRow("contract", f"XS-240{n}", tonnes(str(-1000 - 25 * n)), "posted", ago(days=n), log_url=f"/log?q=XS-240{n}") for n in range(1, 6)]
                + [ExposureRow("receipt", f"RK8800{n}", tonnes("1500"), "timeout", ago(minutes=20), log_url=f"/log?q=RK8800{n}") for n in range(1, 4)]
            ),
            suggest=Act(text("ui.act.suggest"), "/suggest", "suggest", why_not=say("数据异常期间不生成建议单", "No suggestions while the data are at fault")),
            close_url="/exposure",
            export_url="/exposure/rows.xlsx",
        ),
        export_url="/exposure.xlsx",
        measure_note=say("净敞口 / 限额使用率 · 斜纹为不可评估", "net exposure and use of the limit · hatched is not assessable"),
    )  # fmt: skip


def rules(reader: Reader, tab: str = "source") -> RulesPage:
    say, text = sayer(reader), reader.words.text
    entries = (
        RuleEntry("CU-NET-EXPOSURE", say("净敞口限额", "Net exposure limit"), "live", "/rules?rule=a", current=True),
        RuleEntry("BASIS-JUMP", say("基差跳升", "Basis jump"), "live", "/rules?rule=b"),
        RuleEntry("DATA-GATE", say("数据闸门", "Data gate"), "observe", "/rules?rule=c"),
    )  # fmt: skip
    return RulesPage(
        rulebook="3f9c2a71e0b4",
        chapters=(
            Chapter(say("§12 限额管理", "§12 Limits"), entries),
            Chapter(say("§15 凭证与核算", "§15 Vouchers and accounting"), (
                RuleEntry("DUP-VOUCHER", say("重复凭证", "Duplicate voucher"), "live", "/rules?rule=d"),
                RuleEntry("MISPOST", say("套期损益误记科目", "Hedge result on a wrong account"), "in_review", "/rules?rule=e"),
            )),
            Chapter(say("§18 权限与账号", "§18 Permissions"), (RuleEntry("TEMP", say("临时账号非工作时间下单", "Temporary account after hours"), "draft", "/rules?rule=f"),)),
        ),
        total=14,
        picked=RuleDetail(
            "CU-NET-EXPOSURE", say("净敞口限额", "Net exposure limit"), "live", "v4", say("制度 §12.3", "policy §12.3"), "exposure.yaml", SOURCE,
            (rule_line(reader).words, say("达到 100 % 为橙，80 % 为黄，60 % 为蓝。", "From 100 % it is orange, from 80 % yellow, from 60 % blue.")),
            tiers=(
                TierLine("use ≥ 1.2", "red", "EXPOSURE_CRITICAL"), TierLine("use ≥ 1.0", "orange", "EXPOSURE_EXCESS"),
                TierLine("use ≥ 0.8", "yellow", "EXPOSURE_BASE"), TierLine("use ≥ 0.6", "blue", "EXPOSURE_BASE"),
            ),
            tests=(
                TestLine(say("铜净敞口 15 倍限额为红", "15 times the limit is red"), passed=True),
                TestLine(say("恰好 100 % 为橙", "exactly 100 % is orange"), passed=True),
                TestLine(say("59.99 % 无色", "59.99 % has no colour"), passed=False, expected="none", found="blue"),
            ),
            problems=(
                LiveProblem(6, 18, say("未知字段 uses；是否想写“use”？", 'Unknown field uses. Did you mean "use"?')),
                LiveProblem(9, 5, say("该档与上一档颜色不同、代码相同", "This tier has another colour but the same code as the one above"), "warning"),
            ),
            checked=True,
            facts=(Pair(text("ui.rules.fact_kind"), "exposure"), Pair(text("ui.rules.hits"), "37", "/alerts?rule=a")),
            editable=True,
            check_url="/rules/check",
            tab=tab,
            grid_url="/rules?rule=a&tab=grid",
            source_url="/rules?rule=a",
            acts=(
                Act(text("ui.act.test"), "/rules/a/test", "test"),
                Act(text("ui.act.submit"), "/rules/a/submit", "submit", fields=(FormField("reason", text("ui.field.reason"), required=True),)),
            ),
        ),
        export_url="/rules.xlsx",
    )  # fmt: skip


def log(reader: Reader, *, drawer: bool = True) -> LogPage:
    say, text = sayer(reader), reader.words.text
    kinds = ("business", "system", "risk", "exception", "market")
    start = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
    bins = [start + timedelta(minutes=5 * i) for i in range(24)]
    times = tuple(at.isoformat() for at in bins)
    moved = [*bins[:15], bins[14] + timedelta(seconds=8), *bins[16:]]
    counts = {"business": [3, 5, 2, 8], "system": [1, 2, 1, 1], "exception": [0, 0, 1, 5]}
    events = (
        (2, "decision", "risk", "hedge.order.queued", say("对冲指令排队：买入 1,500 手", "Hedge instruction queued: buy 1,500 lots"), "HO-88213", "robot-2", say("暂缓", "on hold"), False),
        (18, "", "exception", "inbound.timeout", say("入库确认超时 1,500 t", "Receipt confirmation timed out, 1,500 t"), "RK88001", "WMS", say("超时", "timeout"), True),
        (19, "", "exception", "fund.transfer.failed", say("资金调拨失败：缺少权限", "Fund transfer failed: lacks permission"), "19532", "u_zhang", "PERMISSION_DENIED", True),
        (20, "", "market", "quote.spot", say("现货报价 70,720", "Spot quote 70,720"), "", "SMM", "ok", False),
        (22, "", "business", "order.create", say("新建订单 卖出 1,075 t", "Order created: sell 1,075 t"), "XS-2403", "u_liu", "ok", False),
        (31, "", "system", "replica.apply", say("副本应用 版本 41", "Replica applied version 41"), "POS-cu2405", "site-B", "ok", False),
    )  # fmt: skip
    lines = tuple(
        LogLine(ago(minutes=minutes), kind, type_, said, actor, say("华东", "East") if index % 2 else "", obj, f"/log?object={obj}" if obj else "", outcome, failed, 180 if index == 2 else 0, index == 1)
        for index, (minutes, _, kind, type_, said, obj, actor, outcome, failed) in enumerate(events)
    )  # fmt: skip
    picked = TimelineDrawer(
        "RK88001",
        tuple(StreamEntry(ago(minutes=30 - 4 * i), kind, said, type_) for i, (kind, said, type_) in enumerate((
            ("business", say("采购入库单创建", "Receipt created"), "inbound.create"),
            ("system", say("仓储接口重试 3 次", "Warehouse interface retried 3 times"), "inbound.retry"),
            ("exception", say("入库确认超时", "Confirmation timed out"), "inbound.timeout"),
            ("decision", say("敞口标记为不可评估", "Exposure marked not assessable"), "DATA_GATE"),
        ))),
        Chart("steps", tuple(reader.format.minute(at) for at in bins), (Series("red", say("净敞口", "Net"), tuple(Decimal(0 if i < 14 else -1500 * min(5, i - 13)) for i in range(24))),), say("净敞口从 0 降至 −7,500 t", "The net exposure falls from 0 to −7,500 t"), limit=Decimal(500), times=tuple(reader.format.local(at) for at in moved)),
        (Pair(say("数量", "Quantity"), "1,500 t"), Pair(say("合同", "Contract"), "CG-2205", "/log?q=CG-2205")),
        (say("仓储接口", "warehouse-interface"),),
        (
            Act(text("ui.act.tag"), "/log/tag", "tag", fields=(FormField("tag", text("ui.act.tag"), required=True),)),
        ),
        "/log",
    )  # fmt: skip
    return LogPage(
        query="RK88001" if drawer else "",
        chips=(Facet(say("单位：华东业务部", "Unit: East China"), "/log"),),
        kinds=tuple(Facet(text(f"ui.kind.{kind}"), f"/log?kind={kind}", count, current=kind == "exception") for kind, count in zip(kinds, (812, 230, 44, 17, 96), strict=True)),
        lines=lines,
        pager=Pager(6, next_url="/log?cursor=x"),
        histogram=Chart("histogram", tuple(reader.format.minute(at) for at in bins), tuple(Series(code, text(f"ui.kind.{code}"), tuple(values[i % 4] for i in range(24))) for code, values in counts.items()), say("13:00 至 15:00，每 5 分钟 4 至 14 件", "13:00 to 15:00, 4 to 14 events every 5 minutes"), times, times),
        fields=(FormField("from", text("ui.field.from"), "datetime-local", "2026-11-22T13:00"), FormField("to", text("ui.field.to"), "datetime-local", "2026-11-22T15:00")),
        drawer=picked if drawer else None,
        export_url="/log.xlsx",
        save_watch=Act(text("ui.act.save_watch"), "/log/watch", "watch", fields=(FormField("name", say("名称", "Name"), required=True),)),
        tabs=log_tabs(reader, "/log"),
    )  # fmt: skip


def log_tabs(reader: Reader, current: str) -> tuple[Facet, ...]:
    tabs = (("/log", "events", None), ("/log/quarantine", "quarantine", 2),
            ("/log/quarantine/book", "quarantine_book", 1))  # fmt: skip
    text = reader.words.text
    return tuple(Facet(text(f"ui.log.{key}"), url, n, url == current) for url, key, n in tabs)


def quarantine(reader: Reader) -> QuarantinePage:
    say, text = sayer(reader), reader.words.text
    return QuarantinePage(
        tuple(
            QuarantineLine(n, "WMS", ago(minutes=50 * n), say("时间缺少时区", "The time has no offset"), '{"id": "RK8809", "ts": "2026-11-22 13:02"}',
                           Act(text("ui.act.replay_row"), f"/log/quarantine/{n}/replay", "replay", fields=(FormField("reason", text("ui.field.reason"), "textarea", '{"id": "RK8809"}'),)))
            for n in (1, 2)
        ),
        Pager(2, 2),
        tabs=log_tabs(reader, "/log/quarantine"),
        title=text("ui.log.quarantine"),
        note=text("ui.log.quarantine_note"),
    )  # fmt: skip


def trail(reader: Reader, state: str = "ok", tab: str = "records") -> TrailPage:
    say, text = sayer(reader), reader.words.text
    rows = (
        (128431, "decision", say("开立红色工单，指派 2 人", "Opened a red work order, 2 people assigned"), "system:assessor", "WO-20261122-017", "opened", "EXPOSURE_CRITICAL"),
        (128432, "decision", say("对冲指令暂缓", "Hedge instruction put on hold"), "system:watcher", "HO-88213", "hold", "DATA_GATE"),
        (128433, "notification", say("向陈芳发送卡片", "Card sent to Chen Fang"), "system:escalator", "WO-20261122-017", "delivered", ""),
        (128440, "decision", say("确认收到", "Acknowledged"), say("陈芳", "Chen Fang"), "WO-20261122-017", "done", ""),
        (128441, "access", say("登录", "Signed in"), say("李敏", "Li Min"), "li", "", ""),
        (128442, "change", say("限额由 450 t 改为 500 t", "Limit changed from 450 t to 500 t"), say("王强", "Wang Qiang"), "LIM-cu-2405", "", ""),
    )  # fmt: skip
    faults = (
        (
            say(
                "记录 128,102 的正文与其哈希不符。",
                "The body of record 128,102 does not match its hash.",
            ),
        )
        if state == "broken"
        else ()
    )
    return TrailPage(
        sentence=text("ui.trail.sentence", count="128,442", since="2026-07-01", anchor=say("昨日 18:00", "yesterday 18:00")),
        result=VerifyResult(state, ago(hours=2), 128442, "1.4", faults),
        tabs=(Link(text("ui.trail.records"), "/trail", tab == "records"), Link(text("ui.trail.anchors"), "/trail?tab=anchors", tab == "anchors")),
        tab=tab,
        records=tuple(RecordLine(seq, ago(minutes=128450 - seq), kind, said, actor, obj, f"/trail/records/{seq}", f"/log?object={obj}", outcome, reason) for seq, kind, said, actor, obj, outcome, reason in reversed(rows)),
        pager=Pager(6, 128442, "/trail?cursor=x"),
        kinds=tuple(Choice(code, text(f"ui.record_kind.{code}")) for code in ("decision", "match", "notification", "change", "access", "key")),
        anchors=(AnchorLine(ago(hours=20), 127900, say("第二保管人目录", "Folder of the second owner"), "9f0c" * 16),),
        verify=Act(text("ui.act.verify"), "/trail/verify", "verify", "primary"),
        export=Act(text("ui.act.export_bundle"), "/trail/export", "export"),
        export_url="/trail.xlsx",
        how_url="/trail/how",
    )  # fmt: skip


def record(reader: Reader) -> RecordPage:
    say, text = sayer(reader), reader.words.text
    body = '{\n  "action": "order.open",\n  "actor": "system:assessor",\n  "level": "red",\n  "use": "15",\n  "value": "-7500"\n}'
    return RecordPage(
        128431, say("开立红色工单", "Opened a red work order"), NOW, "decision",
        (
            Pair(say("何人", "Who"), "system:assessor"), Pair(say("何事", "What"), "order.open"),
            Pair(say("对象", "Object"), "WO-20261122-017", "/orders/WO-20261122-017"),
            Pair(say("为何", "Why"), say("净敞口达到限额的 15.0 倍", "The net exposure is 15.0 times its limit")),
            Pair(say("规则", "Rule"), "CU-NET-EXPOSURE v4 · 3f9c2a71", "/rules?rule=a"),
            Pair(say("快照", "Snapshot"), "a17e" * 8),
        ),
        body, "c41d" * 16, "9f0c" * 16, 128442,
        tuple(ProofStep("left" if i % 2 else "right", f"{i:02x}" * 32) for i in range(1, 18)),
        True, "hedgewarden.example/trail\n128442\nnwzZBNN…\n\n— hedgewarden.example/trail Az3gr…",
        ReplayResult(identical=True, then=body, now=body),
        (Act(text("ui.act.replay"), "/trail/records/128431/replay", "replay", "primary"), Act(text("ui.act.prove"), "/trail/records/128431/verify", "verify")),
        proof_url="/trail/records/128431/proof",
    )  # fmt: skip


def inbox(reader: Reader, channel: str = "chat") -> InboxPage:
    say, text = sayer(reader), reader.words.text
    card = MessageLine("m1", "chat", say("陈芳", "Chen Fang"), say("【红】沪铜 cu2405 净敞口越限 −7,500 t / 500 t", "[RED] Copper cu2405 net exposure −7,500 t / 500 t"), ago(minutes=18), "/inbox?message=m1", "red", current=channel == "chat", unread=True)  # fmt: skip
    mail = MessageLine("m2", "mail", say("王强", "Wang Qiang"), say("工单 WO-20261122-017 已开立", "Work order WO-20261122-017 was opened"), ago(minutes=18), "/inbox?message=m2", "red", current=channel == "mail")  # fmt: skip
    lines = (
        card.subject,
        say("华东业务部 · 15.0 倍 · 制度 §12.3", "East China · 15.0 times · policy §12.3"),
        say("14:11:03 起 95 秒内 0 → −7,500 t", "Since 14:11:03, 0 → −7,500 t within 95 s"),
        say("数据异常：5 笔入库超时，敞口不可评估，机器对冲已暂缓", "Data fault: 5 receipts timed out, not assessable, machine hedging on hold"),
        say("截止 14:18 后升级至 王强", "Escalates to Wang Qiang after 14:18"),
    )  # fmt: skip
    return InboxPage(
        (Facet(text("ui.filters.all"), "/inbox", 2, current=True), Facet(card.to, "/inbox?person=chen", 1), Facet(mail.to, "/inbox?person=wang", 1)),
        (card, mail),
        MessageDetail(card if channel == "chat" else mail, "Hedgewarden", lines, (
            Act(text("ui.act.acknowledge"), "/inbox/m1/acknowledge", "acknowledge", "primary"),
            Act(text("ui.act.take_over"), "/inbox/m1/take_over", "take_over"),
        ), updates=1),
    )  # fmt: skip


def sign_in(reader: Reader, error: str = "") -> SignInPage:
    say = sayer(reader)
    return SignInPage(error=error, login="chen" if error else "", people=(
        DemoPerson("chen", say("陈芳", "Chen Fang"), ("risk_officer",), say("示例集团", "Sample Group")),
        DemoPerson("wang", say("王强", "Wang Qiang"), ("manager",), say("华东业务部", "East China")),
        DemoPerson("li", say("李敏", "Li Min"), ("auditor",), say("示例集团", "Sample Group")),
    ))  # fmt: skip
