"""The names under which a field of an event may arrive: our own, the incident form's, and ECS's.

ECS is the Elastic Common Schema (``@timestamp``, ``event.id``, ``user.name`` …); its nested objects
are read as dotted names.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final


class EventKind(StrEnum):
    """The class of an event: what the incident form calls ``log_class``."""

    BUSINESS = "business"
    SYSTEM = "system"
    RISK = "risk"
    EXCEPTION = "exception"
    MARKET = "market"


# In order of preference; the losers of two that arrive together stay as attributes.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "event_id": ("event_id", "event.id", "id"),
    "event_time": ("event_time", "ts", "@timestamp", "timestamp", "time"),
    "arrival_time": ("arrival_time", "arrival_ts", "event.ingested"),
    "seq": ("seq", "event.sequence"),
    "kind": ("kind", "log_class"),
    "type": ("type", "event.action", "action"),
    "source": ("source", "event.provider"),
    "org": ("org", "organization.name", "organisation"),
    "actor": ("actor", "user.name"),
    "role": ("role", "user.roles"),
    "account": ("account", "account_id"),
    "product": ("product",),
    "month": ("month",),
    "object_type": ("object_type",),
    "object_id": ("object_id", "object"),
    "order": ("order", "order_id", "order_no"),
    "voucher": ("voucher", "voucher_id", "voucher_no"),
    "receipt": ("receipt", "receipt_id", "receipt_no"),
    "alert": ("alert", "alert_id"),
    "outcome": ("outcome", "event.outcome"),
    "latency_ms": ("latency_ms",),
    "amount": ("amount",),
    "currency": ("currency",),
    # qty_t (tonnes) also stays an attribute: its unit stands in its name
    "qty": ("qty", "qty_t"),
    "source_system": ("source_system", "system", "service.name"),
    "region": ("region", "cloud.region"),
    "address": ("address", "ip", "source.ip", "client.ip", "source.address"),
    "message": ("message", "msg"),
}

TARGET: Final[Mapping[str, tuple[str, int]]] = {
    name: (field, rank) for field, names in NAMES.items() for rank, name in enumerate(names)
}

TEXT_FIELDS: Final = (
    "source",
    "event_id",
    "type",
    "org",
    "actor",
    "role",
    "account",
    "product",
    "month",
    "object_type",
    "object_id",
    "order",
    "voucher",
    "receipt",
    "alert",
    "outcome",
    "currency",
    "source_system",
    "region",
    "address",
    "message",
)

LEVELS: Final[Mapping[str, str]] = {
    "红": "red",
    "橙": "orange",
    "黄": "yellow",
    "蓝": "blue",
    "红色": "red",
    "橙色": "orange",
    "黄色": "yellow",
    "蓝色": "blue",
    "red": "red",
    "orange": "orange",
    "yellow": "yellow",
    "blue": "blue",
}

_KIND_WORDS: Final[Mapping[str, EventKind]] = {
    **{kind.value: kind for kind in EventKind},
    "业务": EventKind.BUSINESS,
    "系统": EventKind.SYSTEM,
    "风控": EventKind.RISK,
    "风险": EventKind.RISK,
    "异常": EventKind.EXCEPTION,
    "市场": EventKind.MARKET,
    "行情": EventKind.MARKET,
}

_ECS_KIND: Final[Mapping[str, EventKind]] = {
    "alert": EventKind.RISK,
    "signal": EventKind.RISK,
    "pipeline_error": EventKind.EXCEPTION,
}

_ECS_CATEGORY: Final[Mapping[str, EventKind]] = {
    **dict.fromkeys(("intrusion_detection", "threat", "vulnerability", "malware"), EventKind.RISK),
    **dict.fromkeys(
        (
            "api",
            "authentication",
            "configuration",
            "database",
            "driver",
            "email",
            "file",
            "host",
            "iam",
            "library",
            "network",
            "package",
            "process",
            "registry",
            "session",
            "web",
        ),
        EventKind.SYSTEM,
    ),
}


def kind_of(word: str) -> EventKind | None:
    """The kind that `word` names in English or Chinese."""
    return _KIND_WORDS.get(word) or _KIND_WORDS.get(word.lower())


def ecs_kind(flat: Mapping[str, Any]) -> EventKind | None:
    """The kind of an ECS event: `event.kind` when it says so, else its first known category."""
    word = flat.get("event.kind")
    if isinstance(word, str) and (kind := kind_of(word) or _ECS_KIND.get(word.lower())):
        return kind
    categories = flat.get("event.category")
    for category in categories if isinstance(categories, (list, tuple)) else (categories,):
        if isinstance(category, str):
            kind = kind_of(category) or _ECS_CATEGORY.get(category.lower())
            if kind:
                return kind
    return None


def flatten(mapping: Mapping[Any, Any]) -> dict[Any, Any]:
    """Nested objects under dotted names, up to eight deep; `attributes` is left as it stands."""
    flat: dict[Any, Any] = {}
    waiting: list[tuple[str, Mapping[Any, Any], int]] = [("", mapping, 0)]
    while waiting:
        prefix, level, depth = waiting.pop()
        for key, value in level.items():
            name = f"{prefix}{key}" if prefix else key
            if isinstance(value, Mapping) and depth < _DEPTH and name != "attributes":
                waiting.append((f"{name}.", value, depth + 1))
            else:
                flat.setdefault(name, value)
    return flat


_DEPTH = 8
