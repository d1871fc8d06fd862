"""The exposure as lines of a map: one a limit or unlimited place, its delivery months beside it.

Pure: an `ExposureTable` in, lines out. A limit on all months colours the total alone; a month is
coloured only by a limit of its own, because nets of different months may cancel.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode

from book.limits import use_of
from service.exposure_rows import ExposureTable
from service.web.rooms.names import Names
from service.web.views.parts import HeatCell, HeatMap, HeatRow

ANY = "*"
SPOT = "spot"
MEASURES = ("net", "theoretical", "gross", "spread")
_RANK = {"current": 0, "late": 1, "not_assessable": 2}
_STATES = {"current": "ok", "late": "late", "not_assessable": "not_assessable"}
_ZERO = Decimal(0)
_SUMMED = (
    "purchases",
    "sales",
    "floating",
    "inventory",
    "in_transit",
    "futures",
    "option_delta",
    "theoretical",
    "net",
    "gross",
    "unpriced",
    "unsynced",
    "unposted",
    "net_if_posted",
    "forecast",
)


class Cell(NamedTuple):
    """What stands at one month of a line, or (`*`) at all of them.

    Attributes:
        figures: added up, by the names of `exposure_rows.FIGURES`.
        limit: the limit that binds this very cell; `use` its share of it.
        share: of the line's limit on all months, for a month without a limit of its own.
    """

    month: str
    figures: dict[str, Decimal]
    data_state: str
    reasons: tuple[str, ...]
    limit: Decimal | None = None
    use: Decimal | None = None
    level: str = ""
    share: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the map: everything of a product at and below a node."""

    org: str
    product: str
    unit: str
    total: Cell
    months: tuple[Cell, ...]

    def cell(self, month: str) -> Cell | None:
        """The cell of a month, or the total for `*`."""
        if month == ANY:
            return self.total
        return next((one for one in self.months if one.month == month), None)


def lines_of(table: ExposureTable, measure: str = "net") -> list[Line]:
    """The lines: one for each node with a limit on all months, one for each place without."""
    bounds = [one for one in table.limits if one["account"] == ANY and one["project"] == ANY]
    places = dict.fromkeys(
        (one["org"], one["product"]) for one in bounds if one["measure"] in MEASURES
    )
    for row in table.rows:
        covered = any(row["product"] == p and _under(o, row["org"]) for o, p in places)
        if not covered:
            places[row["org"], row["product"]] = None
    found = [_line(org, product, table.rows, bounds, measure) for org, product in sorted(places)]
    return [one for one in found if one.months or one.total.limit is not None]


def line_at(table: ExposureTable, org: str, product: str, measure: str = "net") -> Line:
    """The line of any node, whether or not it has one of its own on the map."""
    bounds = [one for one in table.limits if one["account"] == ANY and one["project"] == ANY]
    return _line(org, product, table.rows, bounds, measure)


def _line(
    org: str,
    product: str,
    rows: Sequence[dict[str, Any]],
    bounds: Sequence[dict[str, Any]],
    measure: str,
) -> Line:
    mine = [one for one in rows if one["product"] == product and _under(org, one["org"])]
    limits = {
        one["month"]: one
        for one in bounds
        if one["org"] == org and one["product"] == product and one["measure"] == measure
    }
    whole = limits.get(ANY)
    amount = whole["limit"] if whole is not None else None
    months = sorted({one["month"] for one in mine}, key=lambda one: (one != SPOT, one))
    cells = []
    for month in months:
        cell = _cell(month, [one for one in mine if one["month"] == month], limits.get(month))
        share = use_of(_measured(cell, measure), amount) if amount is not None else None
        cells.append(cell if cell.limit is not None else cell._replace(share=share))
    total = _cell(ANY, mine, whole)
    total.figures["spread"] = sum((abs(one.figures["net"]) for one in cells), _ZERO)
    unit = next((one["unit"] for one in mine if one["unit"]), "")
    return Line(org, product, unit or (whole["unit"] if whole else ""), total, tuple(cells))


def _cell(month: str, rows: Sequence[dict[str, Any]], limit: dict[str, Any] | None) -> Cell:
    figures = {name: sum((one[name] for one in rows), _ZERO) for name in _SUMMED}
    if month != ANY:
        figures["spread"] = abs(figures["net"])
    states = [one["data_state"] for one in rows]
    reasons = tuple(sorted({code for one in rows for code in one["reasons"]}))
    cell = Cell(month, figures, max(states, key=_RANK.__getitem__, default="current"), reasons)
    if limit is None:
        return cell
    return cell._replace(limit=limit["limit"], use=limit["use"], level=limit["level"])


def _measured(cell: Cell, measure: str) -> Decimal:
    return cell.figures[measure]


def _under(node: str, org: str) -> bool:
    return org == node or org.startswith(f"{node}/")


def columns_of(lines: Iterable[Line]) -> list[str]:
    """The months that the lines have, spot first."""
    found = {cell.month for line in lines for cell in line.months}
    return sorted(found, key=lambda one: (one != SPOT, one))


class Scale(NamedTuple):
    """How the quantities of a product are shown.

    Attributes:
        unit: what stands at the line's head.
        factors: what a base unit counts, by month; ``*`` for all of them.
    """

    unit: str
    factors: Mapping[str, Decimal]

    def factor(self, month: str) -> Decimal | None:
        """Of a month; None when it has none."""
        return self.factors.get(month, self.factors.get(ANY))


class Shown(NamedTuple):
    """How a map is shown.

    Attributes:
        measure: one of `MEASURES`.
        scales: by product; one that is not in it is shown in its base unit.
        picked: organisation, product, month of the open cell.
        keep: parameters of the address that every link keeps.
        show: ``use`` or ``both``, see `HeatMap`.
    """

    measure: str = "net"
    scales: Mapping[str, Scale] = {}
    picked: tuple[str, str, str] = ("", "", "")
    keep: tuple[tuple[str, str], ...] = ()
    show: str = "both"


def heat_of(lines: Sequence[Line], names: Names, shown: Shown) -> HeatMap:
    """The view model of the map; the last column is the total against the limit."""
    months = columns_of(lines)
    several = len({one.org for one in lines}) > 1
    rows = []
    for line in lines:
        cells = [line.cell(month) for month in (*months, ANY)]
        scale = shown.scales.get(line.product)
        rows.append(
            HeatRow(
                names.product(line.product),
                tuple(_heat_cell(line, cell, scale, shown) for cell in cells),
                scale.unit if scale is not None else line.unit,
                cell_url(line, ANY, shown.keep),
                names.unit(line.org) if several else "",
            )
        )
    heads = [names.month(month) for month in months]
    heads.append(names.words.text("ui.exposure.total"))
    return HeatMap(tuple(heads), tuple(rows), shown.show, total=True)


def _heat_cell(line: Line, cell: Cell | None, scale: Scale | None, shown: Shown) -> HeatCell:
    if cell is None:
        return HeatCell()
    value = cell.figures[shown.measure]
    return HeatCell(
        _STATES[cell.data_state],
        value if scale is None else _scaled(line, cell, scale, shown.measure),
        cell.use if cell.limit is not None else cell.share,
        cell.level,
        cell_url(line, cell.month, shown.keep),
        (line.org, line.product, cell.month) == shown.picked,
        cell.limit is None and cell.share is not None,
    )


def _scaled(line: Line, cell: Cell, scale: Scale, measure: str) -> Decimal | None:
    """The figure in the scale's unit; of all months the sum, as each has a price of its own."""
    parts = line.months if cell.month == ANY and ANY not in scale.factors else (cell,)
    total = _ZERO
    for part in parts:
        if (factor := scale.factor(part.month)) is None:
            return None
        total += part.figures[measure] * factor
    return total.quantize(Decimal("0.1"))


def cell_url(line: Line, month: str, keep: Sequence[tuple[str, str]] = ()) -> str:
    """The address at which the drawer of a cell is open."""
    place = [("org", line.org), ("product", line.product), ("month", month)]
    return f"/exposure?{urlencode([*keep, *place])}"
