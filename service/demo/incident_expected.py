"""What an incident's file expects, checked: only the printed comparison and the tests read it."""

from collections.abc import Mapping
from typing import Any, Final

from service.demo.incident_fields import IncidentReader, Node

_LEVELS: Final = ("red", "orange", "yellow", "blue", "红", "橙", "黄", "蓝")
_IN_CHINESE: Final = {"红": "red", "橙": "orange", "黄": "yellow", "蓝": "blue"}
_DECISION: Final = ("object", "outcome", "reason")


def read_expected(reader: IncidentReader, expected: Node) -> Mapping[str, Any]:
    """`expected` with what could be read of it; the rest is told."""
    path = "expected"
    level = reader.choice(expected, "level", f"{path}.level", _LEVELS)
    detections = [
        found
        for where, value in reader.items(expected, "detections", f"{path}.detections")
        if (found := _detection(reader, value, where))
    ]
    decisions = [
        found
        for where, value in reader.items(expected, "decisions", f"{path}.decisions")
        if (found := _decision(reader, value, where))
    ]
    return {
        **expected,
        "level": _IN_CHINESE.get(level, level) or None,
        "assignees": reader.texts(expected, "assignees", f"{path}.assignees"),
        "detections": detections,
        "decisions": decisions,
        "also": reader.texts(expected, "also", f"{path}.also"),
        "orders_opened_for": reader.texts(
            expected, "orders_opened_for", f"{path}.orders_opened_for"
        ),
    }


def _detection(reader: IncidentReader, value: object, path: str) -> dict[str, Any]:
    before = reader.errors
    told = reader.as_node(value, path)
    if not told:
        return {}
    found: dict[str, Any] = {"rule": reader.text(told, "rule", f"{path}.rule", needed=True)}
    for name in ("needs", "needs_any"):
        if name in told:
            found[name] = reader.texts(told, name, f"{path}.{name}")
    if "needs" not in told and "needs_any" not in told:
        reader.fault("INCIDENT_FIELD_MISSING", f"{path}.needs", allowed="needs, needs_any")
    if alert := reader.text(told, "alert", f"{path}.alert"):
        found["alert"] = alert
    found["evidence"] = reader.node(told, "evidence", f"{path}.evidence")
    return found if reader.errors == before else {}


def _decision(reader: IncidentReader, value: object, path: str) -> dict[str, str]:
    before = reader.errors
    told = reader.as_node(value, path)
    found = {
        name: reader.text(told, name, f"{path}.{name}", needed=bool(told)) for name in _DECISION
    }
    return found if reader.errors == before else {}
