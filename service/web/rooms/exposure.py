"""D4, 敞口: the map, and the drawer behind one cell with its bridge and documents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from urllib.parse import quote, urlencode

from book.errors import BookError
from book.legs import FLAT, Leg, Part, legs
from book.positions import (
    Commitment,
    FuturesPosition,
    InventoryLot,
    OptionPosition,
    PhysicalContract,
    Receipt,
    ReceiptStatus,
)
from book.state import BookState
from service.exposure_rows import ExposureTable, exposure_table
from service.web.rooms.exposure_lines import (
    ANY,
    MEASURES,
    Cell,
    Shown,
    heat_of,
    line_at,
    lines_of,
)
from service.web.rooms.exposure_units import UNITS, scales
from service.web.rooms.here import Here
from service.web.rooms.order_events import timeline_url
from service.web.views.exposure import BridgeItem, ExposureDrawer, ExposurePage, ExposureRow
from service.web.views.parts import NO_FIGURE, Act, Figure, Link, Pager
from workorders.exemptions import Exemption

_BRIDGE = (
    ("purchases", "purchases"),
    ("inventory", "inventory"),
    ("floating", "floating"),
    ("sales", "sales"),
    ("futures", "futures"),
    ("options", "option_delta"),
)
_APART = ("unpriced", "unsynced", "unposted")
_ROWS = 40
_SHOWN_PARTS = FLAT | {Part.UNPRICED, Part.UNPOSTED, Part.UNKNOWN}
_KINDS = (
    (PhysicalContract, "contract"),
    (Receipt, "receipt"),
    (InventoryLot, "inventory"),
    (Commitment, "order"),
    (FuturesPosition, "futures"),
    (OptionPosition, "option"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for.

    Attributes:
        as_of: 数据时点; None is now. `known_at` is 知晓时点.
        org, product, month: the open cell; a product alone shows its lines only.
        start: the first document of the open cell that is shown, counted from 0.
    """

    measure: str = "net"
    unit: str = "base"
    as_of: datetime | None = None
    known_at: datetime | None = None
    org: str = ""
    product: str = ""
    month: str = ""
    start: int = 0

    @property
    def opened(self) -> bool:
        """Whether a cell is open."""
        return bool(self.org and self.product)

    def keep(self, here: Here) -> list[tuple[str, str]]:
        """The parameters that every link keeps."""
        local = here.reader.format.local
        found = [("measure", self.measure if self.measure != "net" else "")]
        found.append(("unit", self.unit if self.unit != "base" else ""))
        for name, at in (("as_of", self.as_of), ("known_at", self.known_at)):
            found.append((name, f"{local(at):%Y-%m-%dT%H:%M}" if at is not None else ""))
        return [(name, value) for name, value in found if value]

    def address(self, here: Here, path: str = "/exposure", **changed: str) -> str:
        """The address of `path` with all of this, some of it changed."""
        place = {"org": self.org, "product": self.product, "month": self.month}
        values = dict(self.keep(here)) | place | changed
        kept = {name: value for name, value in values.items() if value}
        return f"{path}?{urlencode(kept)}" if kept else path


@dataclass(frozen=True, slots=True)
class About:
    """What stands about the open cell: its active work orders, and what is permitted there."""

    orders: Sequence[str] = ()
    exempt: Sequence[Exemption] = ()


def exposure_page(
    here: Here, book: BookState, asked: Asked, about: About | None = None
) -> ExposurePage:
    """The page, with what stands `about` the open cell."""
    table = table_of(here, book, asked)
    lines = lines_of(table, asked.measure)
    if asked.product and not asked.org:
        lines = [one for one in lines if one.product == asked.product]
    text = here.text
    sizes = scales(book, lines, asked.as_of or here.now, asked.unit, here.names)
    picked = (asked.org, asked.product, asked.month or ANY) if asked.opened else ("", "", "")
    shown = Shown(asked.measure, sizes, picked, tuple(asked.keep(here)))
    return ExposurePage(
        measures=tuple(
            Link(
                text(f"ui.measure.{one}"),
                asked.address(here, measure="" if one == "net" else one),
                one == asked.measure,
            )
            for one in MEASURES
        ),
        units=tuple(
            Link(
                text(words),
                asked.address(here, unit="" if one == "base" else one),
                one == asked.unit,
            )
            for one, words in UNITS.items()
        ),
        views=(),
        heat=heat_of(lines, here.names, shown),
        as_of=asked.as_of,
        known_at=asked.known_at,
        drawer=_drawer(here, book, table, asked, about or About()) if asked.opened else None,
        export_url=asked.address(here, "/exposure.xlsx", org="", product="", month="")
        if table.rows
        else "",
        measure_note=text(f"ui.measure_note.{asked.measure}"),
        kept=tuple(
            (name, value)
            for name, value in (
                *asked.keep(here),
                ("org", asked.org),
                ("product", asked.product),
                ("month", asked.month),
            )
            if value and name not in {"as_of", "known_at"}
        ),
    )


def table_of(here: Here, book: BookState, asked: Asked) -> ExposureTable:
    """The exposure at the asked time."""
    as_of = asked.as_of or here.now
    return exposure_table(book, as_of, known_at=asked.known_at or here.now, scopes=here.scopes)


# --- the drawer ---------------------------------------------------------------------------------


def _drawer(
    here: Here, book: BookState, table: ExposureTable, asked: Asked, about: About
) -> ExposureDrawer | None:
    line = line_at(table, asked.org, asked.product, asked.measure)
    cell = line.cell(asked.month or ANY)
    if cell is None:
        return None
    names, unit, month = here.names, line.unit, asked.month or ANY
    rows = documents(here, book, asked)
    limit = cell.limit if cell.limit is not None else line.total.limit
    use = cell.use if cell.limit is not None else cell.share
    return ExposureDrawer(
        title=f"{names.contract(line.product, month)} · {names.unit(line.org)}",
        level=cell.level,
        net=_figure(cell, "net", unit),
        limit=Figure(limit, unit) if limit is not None else NO_FIGURE,
        use=use,
        state=cell.data_state,
        state_text=_state_text(here, cell),
        bridge=tuple(
            BridgeItem(code, _figure(cell, name, unit))
            for code, name in _BRIDGE
            if cell.figures[name] or code in {"purchases", "inventory", "sales", "futures"}
        ),
        apart=tuple(_apart(here, cell, unit)),
        rows=tuple(rows[asked.start : asked.start + _ROWS]),
        pager=_pager(here, asked, len(rows)),
        exempt=tuple(_exempt(here, one) for one in about.exempt),
        suggest=_suggest(here, cell, limit, about.orders),
        close_url=asked.address(here, org="", product="", month=""),
        export_url=asked.address(here, "/exposure/rows.xlsx") if rows else "",
    )


def _pager(here: Here, asked: Asked, total: int) -> Pager | None:
    if total <= _ROWS:
        return None
    before, after = asked.start - _ROWS, asked.start + _ROWS
    return Pager(
        len(range(total)[asked.start : after]),
        total,
        next_url=asked.address(here, start=str(after)) if after < total else "",
        previous_url=asked.address(here, start=str(max(before, 0))) if asked.start else "",
    )


def _exempt(here: Here, one: Exemption) -> Link:
    form = here.reader.format
    return Link(
        here.text(
            "ui.exposure.exempt",
            number=one.id,
            cap=form.quantity(one.terms.cap, one.terms.unit),
            until=form.minute(one.terms.ends_at),
        ),
        "/exemptions",
    )


def _suggest(here: Here, cell: Cell, limit: Decimal | None, orders: Sequence[str]) -> Act:
    """生成对冲建议单: to the work order that says what brings it back and asks for approval."""
    text = here.text
    why = ""
    if cell.data_state == "not_assessable":
        why = text("ui.suggest.not_assessable")
    elif limit is None:
        why = text("ui.suggest.no_limit")
    elif not orders:
        within = abs(cell.figures["net"]) <= limit
        why = text("ui.suggest.within" if within else "ui.suggest.no_order")
    url = f"/orders/{quote(orders[0])}" if orders else ""
    return Act(text("ui.act.suggest"), url, "suggest", "plain", why, method="get")


def _figure(cell: Cell, name: str, unit: str) -> Figure:
    return Figure(cell.figures[name], unit)


def _apart(here: Here, cell: Cell, unit: str) -> Iterable[BridgeItem]:
    for code in _APART:
        note = here.text("ui.bridge.unsynced_note") if code == "unsynced" else ""
        if cell.figures[code] or code != "unposted":
            yield BridgeItem(code, _figure(cell, code, unit), note)
    if cell.figures["unposted"]:
        yield BridgeItem("net_if_posted", _figure(cell, "net_if_posted", unit))


def _state_text(here: Here, cell: Cell) -> str:
    if cell.data_state == "current":
        return ""
    reasons = " ".join(here.names.reason(code) for code in cell.reasons)
    return here.text(f"ui.exposure.{cell.data_state}", reasons=reasons)


# --- documents ----------------------------------------------------------------------------------


def documents(here: Here, book: BookState, asked: Asked) -> list[ExposureRow]:
    """What carries the exposure of the open cell, the largest first."""
    at = asked.as_of or here.now
    month = asked.month or ANY
    found = [
        leg
        for leg in legs(book, at)
        if leg.place.product == asked.product
        and _under(asked.org, leg.place.org)
        and any(_under(scope, leg.place.org) for scope in here.scopes)
        and month in {ANY, leg.place.month}
    ]
    unsynced = {(leg.place.org, leg.ref) for leg in found if leg.part is Part.UNSYNCED}
    units = _units(book, asked.product, at)
    shown = [leg for leg in found if leg.part in _SHOWN_PARTS and leg.quantity]
    shown.sort(key=lambda leg: (-abs(leg.quantity), leg.ref))
    return [_row(leg, units, (leg.place.org, leg.ref) in unsynced) for leg in shown]


def _row(leg: Leg, unit: str, unsynced: bool) -> ExposureRow:  # noqa: FBT001 - one of its states
    place = leg.place
    kind = next((name for known, name in _KINDS if isinstance(place, known)), "adjustment")
    state = "posted"
    if isinstance(place, Receipt):
        state = {
            ReceiptStatus.UNPOSTED: "timeout",
            ReceiptStatus.IN_PROGRESS: "pending",
        }.get(place.status, "posted")
    if unsynced:
        state = "unsynced"
    if leg.part is Part.UNPRICED:
        state = "unpriced"
    at = place.created_at if isinstance(place, Commitment) else None
    return ExposureRow(
        kind, leg.ref, Figure(leg.quantity, unit), state, at, log_url=timeline_url(leg.ref)
    )


def _units(book: BookState, product: str, at: datetime) -> str:
    try:
        return book.specs.spec(product, at.date()).base_unit
    except BookError:
        return ""


def _under(node: str, org: str) -> bool:
    return org == node or org.startswith(f"{node}/")
