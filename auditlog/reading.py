"""What the file readers share: the terms of one reading, and a row that becomes event or reject."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from auditlog.events import Event, parse_event
from auditlog.fields import NAMES, TARGET
from auditlog.mapping import EventMapping
from auditlog.port import RAW_BYTES, Reject
from store.problems import Problem, shorten


@dataclass(frozen=True, slots=True)
class Reading:
    """The terms of one reading.

    Attributes:
        name: the file's name as the user gave it.
        now: a day after it events are refused.
        default_arrival: the arrival of rows that name none; None takes their event time.
        zone: the zone of times without an offset (spreadsheets have no other); None refuses them.
        mapping: what the company's own names and words mean; what it does not name goes by its
            own name.
        told: hears of each event the line in which it stood, and its cells in a workbook.
    """

    name: str
    now: datetime
    default_arrival: datetime | None = None
    zone: tzinfo | None = None
    mapping: EventMapping | None = None
    told: Callable[[Event, int, Mapping[str, str]], None] | None = None

    def problem(self, code: str, line: int = 0, *, found: str = "", **parts: Any) -> Problem:
        """A problem of this file; `found` may hold bytes that are no text, and is made readable."""
        return Problem(code, file=self.name, line=line, found=shorten(found), **parts)

    def reject(self, code: str, line: int = 0, raw: str = "", **parts: Any) -> Reject:
        """A row, or what is left of the file, that cannot be read."""
        return Reject(raw, (self.problem(code, line, **parts),), file=self.name, line=line)

    def row(
        self,
        values: object,
        line: int,
        raw: str | None = None,
        cells: Mapping[str, str] | None = None,
    ) -> Event | Reject:
        """The event that a row is, or the row with everything that is wrong with it."""
        mapped = values
        # under our own names too: a fault may speak of the field, not of the column
        cells = (
            {**{self.target(name) or name: at for name, at in cells.items()}, **cells}
            if cells
            else {}
        )
        if self.mapping is not None and isinstance(values, Mapping):
            mapped = self.mapping.apply(values)
        found = parse_event(
            mapped,
            default_arrival=self.default_arrival,
            now=self.now,
            file=self.name,
            line=line,
            cells=cells,
            zone=self.zone,
        )
        if isinstance(found, Event):
            if self.told is not None:
                self.told(found, line, cells)
            return found
        text = raw if raw is not None else _text(values)
        return Reject(text, tuple(found), file=self.name, line=line, org=_org(mapped))

    def target(self, name: object) -> str:
        """The field of ours that a name of an object, or its column, means; empty for none."""
        target = TARGET.get(self.field(name))
        return target[0] if target else ""

    def field(self, header: object) -> str:
        """The field that a column's header names."""
        name = shorten(str(header).strip()) if header is not None else ""
        if self.mapping and name in self.mapping.headers:
            return self.mapping.headers[name]
        return HEADERS.get(name, name)


def _text(values: object) -> str:
    return json.dumps(values, ensure_ascii=False, default=str)[:RAW_BYTES]


def _org(values: object) -> str:
    """The organisation that a faulty row names, for the scope of who may see it."""
    if isinstance(values, Mapping):
        for name in NAMES["org"]:
            if isinstance(org := values.get(name), str):
                return org.strip("/")
    return ""


HEADERS: Final[Mapping[str, str]] = {
    "事件编号": "event_id",
    "事件时间": "event_time",
    "到达时间": "arrival_time",
    "序号": "seq",
    "日志类别": "kind",
    "类别": "kind",
    "事件类型": "type",
    "操作": "type",
    "来源": "source",
    "组织": "org",
    "机构": "org",
    "操作人": "actor",
    "操作员": "actor",
    "角色": "role",
    "账户": "account",
    "账号": "account",
    "品种": "product",
    "合约月份": "month",
    "对象类型": "object_type",
    "对象编号": "object_id",
    "订单号": "order",
    "凭证号": "voucher",
    "入库单号": "receipt",
    "预警编号": "alert",
    "结果": "outcome",
    "耗时毫秒": "latency_ms",
    "金额": "amount",
    "币种": "currency",
    "数量": "qty",
    "来源系统": "source_system",
    "地区": "region",
    "地址": "address",
    "说明": "message",
    "备注": "message",
    "级别": "level",
}
