"""D4, 敞口: products by delivery months, and the drawer behind a cell."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from service.web.views.parts import Act, Figure, HeatMap, Link, Pager


@dataclass(frozen=True, slots=True)
class BridgeItem:
    """One part of a net exposure.

    Attributes:
        code: ``purchases``, ``inventory``, ``sales``, ``futures``, ``options`` (added up), or
            ``unpriced``, ``unsynced``, ``unposted`` (apart).
        figure: signed; what adds up gives the net exposure.
    """

    code: str
    figure: Figure
    note: str = ""


@dataclass(frozen=True, slots=True)
class ExposureRow:
    """One document behind the figure.

    Attributes:
        kind: ``contract``, ``inventory``, ``receipt``, ``futures``, ``order`` … (key
            ``ui.document.<kind>``).
        number: of the document; `log_url` its timeline in the audit log.
        state: ``posted``, ``pending``, ``unsynced``, ``timeout``.
    """

    kind: str
    number: str
    figure: Figure
    state: str
    at: datetime | None = None
    url: str = ""
    log_url: str = ""


@dataclass(frozen=True, slots=True)
class ExposureDrawer:
    """What stands behind one cell.

    Attributes:
        title: product, month and unit.
        state: ``current``, ``late`` or ``not_assessable``; `state_text` says why.
        bridge: what adds up to `net`; `apart` what does not.
        exempt: what is permitted there above the limit now, each with its page.
        suggest: 生成对冲建议单, greyed with the reason while the data are at fault.
    """

    title: str
    level: str
    net: Figure
    limit: Figure
    use: Decimal | None
    state: str
    bridge: tuple[BridgeItem, ...]
    apart: tuple[BridgeItem, ...] = ()
    state_text: str = ""
    rows: tuple[ExposureRow, ...] = ()
    pager: Pager | None = None
    exempt: tuple[Link, ...] = ()
    suggest: Act | None = None
    close_url: str = ""
    export_url: str = ""


@dataclass(frozen=True, slots=True)
class ExposurePage:
    """The page.

    Attributes:
        measures: net, gross, spread … ; `units` t, lots, money; `views` product × month or
            unit × day.
        kept: parameters of the address that the form of the two times keeps.
        as_of: what was true then (数据时点); `known_at` what we knew then (知晓时点). None is now.
    """

    measures: tuple[Link, ...]
    units: tuple[Link, ...]
    views: tuple[Link, ...]
    heat: HeatMap
    as_of: datetime | None = None
    known_at: datetime | None = None
    drawer: ExposureDrawer | None = None
    export_url: str = ""
    measure_note: str = ""
    kept: tuple[tuple[str, str], ...] = ()
