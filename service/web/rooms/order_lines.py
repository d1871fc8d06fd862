"""The order's three lines: what broke, since when, what brings it back; and its other matches."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from service.web.rooms.evidence import (
    figure,
    rule_of,
    shown,
)
from service.web.rooms.speaking import Speaking
from service.web.views.orders import (
    OtherMatch,
    Remedy,
)
from service.web.views.parts import Spark
from store.clock import parse_rfc3339
from workorders.model import WorkOrder

_UNFILLED = re.compile(r"\{\w+\}")


def happened(here: Speaking, match: Mapping[str, Any]) -> str:
    """What a match without a figure found, in the words of its rule; empty for none."""
    rule = rule_of(here.app, str(match.get("rule", "")))
    if rule is None:
        return ""
    template = rule.heading.explain.zh if here.names.zh else rule.heading.explain.en
    return fill(here, template, match)


def other_line(here: Speaking, match: Mapping[str, Any]) -> OtherMatch:
    """A further match of the order: what it is, its sentence with the values, and when."""
    return OtherMatch(
        here.names.title(match["code"]),
        happened(here, match),
        match.get("level") or "",
        parse_rfc3339(match["event_time"]),
    )


def fill(here: Speaking, template: str, match: Mapping[str, Any]) -> str:
    """A rule's sentence with the evidence of a match; what is not known shows as an ellipsis."""
    unit = str(match.get("unit") or "")
    values: dict[str, str] = {
        "product": here.names.product(str(match.get("product") or "")),
        "actor": here.names.actor(str(match.get("actor") or "")),
    }
    # The author may name a field of the fact, which the evidence holds under a name of its own.
    evidence = dict(match.get("evidence", {}))
    rule = rule_of(here.app, str(match.get("rule", "")))
    for name, expression in rule.evidence.items() if rule is not None else ():
        if name in evidence:
            evidence.setdefault(expression.text, evidence[name])
    if decided := match.get("decide"):
        evidence.setdefault("object", decided["object_id"])
    for name, value in evidence.items():
        # The sentence of a rule names the unit of its seconds itself.
        seconds = name.endswith("_s") and isinstance(value, int | str)
        values[name] = str(value) if seconds else shown(here, figure(here, name, value, unit))
    text = template
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return _UNFILLED.sub("…", text)


def since_text(
    here: Speaking, order: WorkOrder, match: Mapping[str, Any], matches: Sequence[Mapping[str, Any]]
) -> str:
    """From when to when it was seen, and how fast it moved."""
    form = here.reader.format
    points = _points(match)
    if len(points) < 2 or points[0][0] == points[-1][0]:  # noqa: PLR2004 - one point is no move
        seen = [parse_rfc3339(one["event_time"]) for one in matches]
        first_seen, last_seen = min([order.first_seen, *seen]), max([order.first_seen, *seen])
        if first_seen == last_seen:
            return here.text("ui.order.since_once", at=form.moment(first_seen))
        return here.text(
            "ui.order.from_to",
            since=form.moment(first_seen),
            until=form.moment(last_seen),
            span=form.duration(last_seen - first_seen),
        )
    first, last = points[0], points[-1]
    return here.text(
        "ui.order.moved_from_to",
        since=form.moment(first[0]),
        until=form.moment(last[0]),
        span=form.duration(last[0] - first[0]),
        before=form.quantity(first[1]),
        after=form.quantity(last[1], order.unit),
    )


def spark_of(match: Mapping[str, Any], limit: Decimal | None) -> Spark | None:
    """The figure's last points; None where they are of one moment, which has no course."""
    points = _points(match)
    return Spark(tuple(points), limit) if len({at for at, _ in points}) > 1 else None


def _points(match: Mapping[str, Any]) -> list[tuple[datetime, Decimal]]:
    return [(parse_rfc3339(at), Decimal(value)) for at, value in match.get("series", [])]


def remedies_of(here: Speaking, match: Mapping[str, Any]) -> Iterable[Remedy]:
    """What would bring it back, with what is possible now."""
    form = here.reader.format
    for code, params in match.get("remedies", []):
        unit = str(params.get("unit", ""))
        shown: dict[str, Any] = dict(params)
        for name in ("quantity", "net_after"):
            if name in shown:
                shown[name] = form.quantity(Decimal(str(shown[name])), unit)
        if "product" in shown:
            shown["product"] = here.names.product(str(shown["product"]))
        if "lots" in shown:
            shown["lots"] = form.number(int(shown["lots"]))
        side = str(params.get("side", ""))
        shown["side"] = here.text(f"book.side.{side}") if side else ""
        why = here.names.reason(str(params.get("why", ""))) if params.get("why") else ""
        if opens := params.get("opens"):
            opening = here.text("ui.remedy.opens", at=form.minute(parse_rfc3339(str(opens))))
            why = f"{why} {opening}" if why else opening
        yield Remedy(
            here.text(f"ui.remedy.{code}", **shown), bool(params.get("possible", True)), why.strip()
        )
