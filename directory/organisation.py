"""The organisation tree: paths, names, and the settings that pass down it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

DEFAULT_LATENESS_S = 300
"""How late an event of a source may arrive when nobody said otherwise, in seconds."""

_REPLICA_LATENESS_S = 900


def ancestors(path: str) -> tuple[str, ...]:
    """`path` and the nodes above it, the nearest first; nothing for the empty path."""
    parts = path.split("/") if path else []
    return tuple("/".join(parts[:count]) for count in range(len(parts), 0, -1))


def within(path: str, scope: str) -> bool:
    """Whether `path` is `scope` or lies beneath it; an empty scope holds nothing."""
    return bool(scope) and (path == scope or path.startswith(f"{scope}/"))


def is_path(text: str) -> bool:
    """Whether `text` names a node: names without outer blanks, joined with ``/``."""
    return bool(text) and all(part and part == part.strip() for part in text.split("/"))


@dataclass(frozen=True, slots=True)
class SettingsPatch:
    """What one node of the tree says itself; ``None`` leaves the word to the node above.

    Mappings are merged entry by entry on the way down. Meanings: `OrgSettings`.
    """

    product: str | None = None
    month: str | None = None
    status_map: Mapping[str, str] | None = None
    submit_limit: Decimal | None = None
    erp_sync_within_s: int | None = None
    erp_expected: bool | None = None
    max_lag_s: int | None = None
    sites: tuple[str, ...] | None = None
    lateness_s: Mapping[str, int] | None = None
    feed_every_s: Mapping[str, int] | None = None
    timezone: str | None = None
    exchange: str | None = None
    sessions: Mapping[str, tuple[str, ...]] | None = None
    accounts: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class OrgSettings:
    """The settings in force at one node.

    Attributes:
        product: the product meant by an event that names none; empty for none.
        month: the delivery month meant by an event that names none (``2406``).
        status_map: event type → ``commitment``, ``pending`` or ``draft``.
        submit_limit: quantity in the product's base unit that a person may submit without a grant.
        erp_sync_within_s: seconds within which an order must be followed by its ERP entry.
        erp_expected: whether orders are followed by an ERP entry at all.
        max_lag_s: seconds by which a replica may lag behind its source; ``None`` is unlimited.
        sites: the sites between which positions are replicated.
        lateness_s: source → seconds by which its events may arrive late; see `lateness`.
        feed_every_s: source → the longest silence in open market, in seconds, of a feed that
            promises a cadence.
        timezone: IANA name, for times shown to people and for shifts.
        exchange: the exchange meant where none is named.
        sessions: product → own trading sessions (``21:00-01:00``), see `TradingCalendar`.
        accounts: ledger account code → account class (``receivable``).
    """

    product: str = ""
    month: str = ""
    status_map: Mapping[str, str] = field(default_factory=lambda: {"order.create": "commitment"})
    submit_limit: Decimal | None = None
    erp_sync_within_s: int = 60
    erp_expected: bool = False
    max_lag_s: int | None = None
    sites: tuple[str, ...] = ()
    lateness_s: Mapping[str, int] = field(default_factory=lambda: {"replica": _REPLICA_LATENESS_S})
    feed_every_s: Mapping[str, int] = field(default_factory=dict)
    timezone: str = "Asia/Shanghai"
    exchange: str = ""
    sessions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)

    def lateness(self, source: str) -> int:
        """Seconds by which an event of `source` may arrive late."""
        return self.lateness_s.get(source, DEFAULT_LATENESS_S)

    def status_of(self, event_type: str) -> str:
        """``commitment``, ``pending``, ``draft``, or ``none`` for an event that is no order."""
        return self.status_map.get(event_type, "none")

    def patched(self, patch: SettingsPatch) -> "OrgSettings":
        """These settings as a node with `patch` has them.

        Naming a time for the ERP entry says that one is expected, unless the patch denies it.
        """
        changes: dict[str, Any] = {}
        for item in fields(patch):
            value = getattr(patch, item.name)
            if isinstance(value, Mapping):
                value = {**getattr(self, item.name), **value}
            if value is not None:
                changes[item.name] = value
        if "erp_sync_within_s" in changes:
            changes.setdefault("erp_expected", True)
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Organisation:
    """One node of the tree.

    Attributes:
        path: the names from the group down, joined with ``/``.
        name_zh: the name shown in Chinese.
        name_en: the name shown in English.
        routing: level → person ids to whom its work orders go; the key ``*`` is every other level.
        settings: what the node says itself.
    """

    path: str
    name_zh: str = ""
    name_en: str = ""
    routing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: SettingsPatch = SettingsPatch()

    def routed(self, level: str) -> tuple[str, ...]:
        """The explicit list for `level`, or nothing."""
        return self.routing.get(level, self.routing.get("*", ()))
