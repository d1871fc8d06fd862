"""Parts that several pages share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead somewhere."""

    text: str
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that leads to its rows.

    Attributes:
        value: None is shown as a dash.
        unit: ``t``, ``手``, ``bbl``; for money the currency.
        url: its rows; empty when there are none.
        kind: ``quantity``, ``money``, ``percent``, ``ratio`` (a limit's use), ``points`` (the
            difference of two ratios) or ``text``.
        text: what to show for ``text``; for others shown in place of a missing value.
        places: digits after the point; None keeps what is there without trailing zeros.
    """

    value: Decimal | None = None
    unit: str = ""
    url: str = ""
    kind: str = "quantity"
    text: str = ""
    places: int | None = None


NO_FIGURE = Figure()


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a select."""

    value: str
    text: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form.

    Attributes:
        name: of the form value.
        label: words.
        kind: ``text``, ``textarea``, ``select``, ``date``, ``number``, ``password``, ``hidden``.
        error: what is wrong with it, as a sentence; empty when nothing is.
        hint: one line below it.
    """

    name: str
    label: str = ""
    kind: str = "text"
    value: str = ""
    required: bool = False
    choices: tuple[Choice, ...] = ()
    error: str = ""
    hint: str = ""
    autocomplete: str = "off"


@dataclass(frozen=True, slots=True)
class Act:
    """A button that does something; it posts to `url` and is recorded in the trail.

    Attributes:
        label: words of the button.
        url: where it posts to.
        code: names the act on the page (``acknowledge``); ids of dialogs are made from it.
        tone: ``plain``, ``primary`` or ``danger``.
        why_not: why it is not possible now; then the button is greyed and says so.
        fields: asked in a dialog before; hidden fields alone open none.
        confirm: a sentence that is asked before; empty for acts that need no second thought.
        key: one-letter shortcut.
        method: ``post``, or ``get`` for a plain link.
        does: one sentence below the button: what pressing it will do.
        failed: its form came back with faults; the dialog stands open.
    """

    label: str
    url: str
    code: str = ""
    tone: str = "plain"
    why_not: str = ""
    fields: tuple[FormField, ...] = ()
    confirm: str = ""
    key: str = ""
    method: str = "post"
    does: str = ""
    failed: bool = False

    @property
    def asks(self) -> bool:
        """Whether a dialog comes first."""
        return bool(self.confirm) or any(field.kind != "hidden" for field in self.fields)


@dataclass(frozen=True, slots=True)
class Filter:
    """One group of a facet list: a head and its links."""

    title: str
    links: tuple["Facet", ...]


@dataclass(frozen=True, slots=True)
class Facet:
    """One value to filter by, with how many rows it would leave."""

    text: str
    url: str
    count: int | None = None
    current: bool = False


@dataclass(frozen=True, slots=True)
class Pager:
    """Cursor pages.

    Attributes:
        shown: rows on this page; `total` None when counting would cost too much.
    """

    shown: int
    total: int | None = None
    next_url: str = ""
    previous_url: str = ""


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One line of a timeline.

    Attributes:
        at: when it happened.
        kind: ``business``, ``system``, ``risk``, ``exception``, ``market`` (the log's kinds),
            ``decision``, ``note``, ``message``, ``approval`` or ``file``.
        text: the sentence; `detail` follows it, quieter.
        level: a match's colour, or empty.
        actor: who did it, as read by people.
        links: to the document, the record, the object's timeline.
    """

    at: datetime
    kind: str
    text: str
    detail: str = ""
    level: str = ""
    actor: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell of an exposure map.

    Attributes:
        state: ``ok``, ``late``, ``not_assessable`` or ``empty``.
        value: the measure; `use` its share of the limit.
        level: ``red`` … ``blue``, or empty below the first tier.
        of_whole: whether `use` is the share of the limit on all months, which colours the total
            alone: nets of different months may cancel.
    """

    state: str = "empty"
    value: Decimal | None = None
    use: Decimal | None = None
    level: str = ""
    url: str = ""
    picked: bool = False
    of_whole: bool = False


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One product of an exposure map.

    Attributes:
        unit: the unit of its values.
        place: name of the organisation unit, where the map shows several.
    """

    name: str
    cells: tuple[HeatCell, ...]
    unit: str = ""
    url: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Products by delivery months.

    Attributes:
        columns: heads, oldest month first.
        show: ``use`` for the share of the limit alone, ``both`` for value and share.
        total: the last column is the total; on a phone it stands first.
    """

    columns: tuple[str, ...]
    rows: tuple[HeatRow, ...]
    show: str = "use"
    total: bool = False

    @property
    def states(self) -> frozenset[str]:
        """The states of its cells: what the legend has to explain."""
        return frozenset(cell.state for row in self.rows for cell in row.cells)

    @property
    def shares(self) -> bool:
        """Whether some cell shows its share of the limit on all months."""
        return any(cell.of_whole for row in self.rows for cell in row.cells)


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart; `code` names its colour (a token of tokens.css)."""

    code: str
    name: str
    values: tuple[Decimal | int | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What `front/chart.js` draws.

    Attributes:
        kind: ``histogram`` (stacked bars), ``steps`` (step lines) or ``shares`` (per cent, each
            value with a mark of its own, so that one between two gaps is seen).
        labels: of the horizontal axis.
        summary: one sentence that says what the picture shows, for those who do not see it.
        from_times, to_times: bounds of each bar; given, a drag narrows the search to them.
        limit: drawn at plus and minus it.
        marks: the places of the axis that have words, when not all labels do.
        times: when each value began, on the reader's clock; the axis is then one of time, on which
            eight seconds are narrower than an hour.
    """

    kind: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    summary: str
    from_times: tuple[str, ...] = ()
    to_times: tuple[str, ...] = ()
    limit: Decimal | None = None
    marks: Mapping[int, str] | None = None
    times: tuple[datetime, ...] = ()

    def as_json(self) -> dict[str, object]:
        """For the data block; pixels need no more than a float's digits."""
        return {
            "kind": self.kind,
            "labels": list(self.labels),
            "series": [
                {
                    "code": line.code,
                    "name": line.name,
                    "values": [None if value is None else float(value) for value in line.values],
                }
                for line in self.series
            ],
            "from": list(self.from_times) or None,
            "to": list(self.to_times) or None,
            "limit": None if self.limit is None else float(self.limit),
            # The reader's wall clock as if it were UTC: a browser elsewhere shows the same hours.
            "times": [int(one.replace(tzinfo=UTC).timestamp() * 1000) for one in self.times]
            or None,
            "marks": None if self.marks is None else {str(at): s for at, s in self.marks.items()},
        }


@dataclass(frozen=True, slots=True)
class Spark:
    """A small step line, at most 20 points, drawn as SVG by `spark_paths`."""

    points: tuple[tuple[datetime, Decimal], ...]
    limit: Decimal | None = None


SPARK_WIDTH, SPARK_HEIGHT = 300, 52


def spark_paths(spark: Spark) -> dict[str, str]:
    """SVG path data: ``line``, ``area`` to the zero line, ``limit`` (dashed); empty without points.

    The limit is drawn on the side on which the line runs.
    """
    if len(spark.points) < 2:  # noqa: PLR2004 - one point is no line
        return {"line": "", "area": "", "limit": ""}
    times = [at.timestamp() for at, _ in spark.points]
    values = [float(value) for _, value in spark.points]
    limit = None if spark.limit is None else float(spark.limit)
    if limit is not None and abs(min(values)) > abs(max(values)):
        limit = -limit
    low, high = _bounds([*values, 0.0, *([limit] if limit is not None else [])])
    span = times[-1] - times[0] or 1.0

    def x(at: float) -> float:
        return round((at - times[0]) / span * SPARK_WIDTH, 1)

    def y(value: float) -> float:
        return round(3 + (high - value) / (high - low) * (SPARK_HEIGHT - 6), 1)

    line = f"M{x(times[0])} {y(values[0])}" + "".join(
        f"H{x(at)}V{y(value)}" for at, value in zip(times[1:], values[1:], strict=True)
    )
    zero = y(0.0)
    area = f"{line}V{zero}H0Z"
    return {
        "line": line,
        "area": area,
        "limit": "" if limit is None else f"M0 {y(limit)}H{SPARK_WIDTH}",
    }


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 1, high + 1)
