"""D3, 预警收件箱: from alerts and their matches to the triage page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from urllib.parse import quote, urlencode

from sqlalchemy import Connection

from service.exempting import ASKING
from service.web.rooms import alert_findings, alert_rows
from service.web.rooms.alert_rows import AlertFilter, Pile
from service.web.rooms.evidence import figure, label_of, rule_lines, rule_of, shown
from service.web.rooms.exemptions import form_for
from service.web.rooms.here import Here
from service.web.rooms.order_lines import happened
from service.web.rooms.today import PERIOD, interval
from service.web.views.alerts import AlertDetail, AlertGroup, AlertLine, Similar, TriagePage
from service.web.views.orders import Pair
from service.web.views.parts import Act, Choice, Facet, Filter, FormField, Link, Pager
from workorders import reads
from workorders.model import Alert, AlertState
from workorders.silencing import PERMISSION as SILENCING
from workorders.states import TRIAGE
from workorders.triage import Reason

_SOURCES = ("rule", "model", "robot", "person")
_LEVELS = ("red", "orange", "yellow", "blue")
_RANK = {code: number for number, code in enumerate(_LEVELS)}


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters as they stand in the address; `alert` is the picked one."""

    pile: Pile = Pile.WAITING
    source: str = ""
    level: str = ""
    unit: str = ""
    alert: str = ""
    offset: int = 0

    @property
    def wanted(self) -> AlertFilter:
        """As the rows are asked for."""
        return AlertFilter(self.pile, self.source, self.level, self.unit)

    def address(self, path: str = "/alerts", /, **changed: str | int) -> str:
        """The address with these filters, some of them changed."""
        values: dict[str, str | int] = {
            "pile": "" if self.pile is Pile.WAITING else self.pile.value,
            "source": self.source,
            "level": self.level,
            "unit": self.unit,
            "alert": self.alert,
            "offset": self.offset,
        }
        values |= changed
        kept = {name: value for name, value in values.items() if value}
        return f"{path}?{urlencode(kept)}" if kept else path


def triage_page(here: Here, connection: Connection, asked: Asked) -> TriagePage:
    """The page."""
    alerts = alert_rows.list_alerts(connection, here.scopes, asked.wanted, asked.offset)
    total = alert_rows.count(connection, here.scopes, asked.wanted)
    picked = _picked(here, connection, asked, alerts)
    chosen = picked is not None and bool(asked.alert)
    asked = replace(asked, alert=picked.id if picked is not None else "")
    after = asked.offset + alert_rows.PAGE
    return TriagePage(
        budget_text=budget_text(here, connection),
        filters=tuple(_filters(here, connection, asked)),
        groups=tuple(_groups(here, asked, alerts)),
        total=total,
        pager=Pager(
            len(alerts),
            total,
            next_url=asked.address(offset=after, alert="") if after < total else "",
            previous_url=asked.address(offset=max(asked.offset - alert_rows.PAGE, 0), alert="")
            if asked.offset
            else "",
        ),
        picked=None if picked is None else detail_of(here, connection, asked, picked, alerts),
        chosen=chosen,
        bulk_dismiss=_bulk(here) if asked.pile is Pile.WAITING and alerts else None,
        export_url=asked.address("/alerts.xlsx", alert="", offset=0) if alerts else "",
    )


def _picked(
    here: Here, connection: Connection, asked: Asked, alerts: Sequence[Alert]
) -> Alert | None:
    if asked.alert:
        return reads.get_alert(connection, asked.alert, here.scopes)
    return alerts[0] if alerts else None


def budget_text(here: Here, connection: Connection) -> str:
    """How many alerts there were today, and how many of the last thirty days proved real."""
    midnight = here.reader.format.local(here.now).replace(hour=0, minute=0, second=0, microsecond=0)
    today = alert_rows.raised_since(connection, here.scopes, midnight)
    confirmed, dismissed = alert_rows.decided_since(connection, here.scopes, here.now - PERIOD)
    if not confirmed + dismissed:
        return here.text("ui.alerts.today", today=today)
    low, high = interval(confirmed, confirmed + dismissed)
    rate = round(confirmed / (confirmed + dismissed) * 100)
    return here.text("ui.alerts.today_rate", today=today, rate=rate, low=low, high=high)


# --- filters and list ---------------------------------------------------------------------------


def _filters(here: Here, connection: Connection, asked: Asked) -> Iterable[Filter]:
    text = here.text
    counts = alert_rows.facet_counts(connection, here.scopes, asked.wanted)
    yield Filter(
        text("ui.filters.state"),
        tuple(
            Facet(
                text(f"ui.pile.{pile.value}"),
                Asked(pile, asked.source, asked.level, asked.unit).address(),
                counts.piles[pile.value],
                pile is asked.pile,
            )
            for pile in Pile
        ),
    )
    yield _facets(here, asked, "source", _SOURCES, counts.sources)
    yield _facets(here, asked, "level", _LEVELS, counts.levels)
    units = sorted({*counts.orgs, *([asked.unit] if asked.unit else [])})
    if len(units) > 1 or asked.unit:
        yield _facets(here, asked, "unit", units, counts.orgs)


def _facets(
    here: Here, asked: Asked, name: str, values: Iterable[str], counts: dict[str, int]
) -> Filter:
    chosen = getattr(asked, name)
    links = [
        Facet(
            here.text("ui.filters.all"),
            asked.address(**_only(name, "")),
            None,
            not chosen,
        )
    ]
    for value in values:
        if value != chosen and not counts.get(value):
            continue
        links.append(
            Facet(
                _value_text(here, name, value),
                asked.address(**_only(name, value)),
                counts.get(value, 0),
                value == chosen,
            )
        )
    return Filter(here.text(f"ui.filters.{name}"), tuple(links))


def _only(name: str, value: str) -> dict[str, str | int]:
    """What a facet's link changes."""
    return {name: value, "alert": "", "offset": 0}


def _value_text(here: Here, name: str, value: str) -> str:
    if name == "unit":
        return here.names.unit(value)
    return here.text(f"ui.alert_source.{value}" if name == "source" else f"ui.level.{value}")


def _groups(here: Here, asked: Asked, alerts: Sequence[Alert]) -> Iterable[AlertGroup]:
    for _, found in groupby(alerts, key=lambda one: one.case_id):
        members = list(found)
        worst = min(members, key=lambda one: _RANK[one.level.value])
        order = next((one.order_id for one in members if one.order_id), "")
        title = f"{here.names.unit(worst.org)} · {here.reader.format.minute(worst.first_seen)}"
        yield AlertGroup(
            title,
            tuple(alert_line(here, asked, one) for one in members),
            Link(order, f"/orders/{quote(order)}") if order else None,
        )


def alert_line(here: Here, asked: Asked, alert: Alert) -> AlertLine:
    """One alert of the list."""
    return AlertLine(
        id=alert.id,
        level=alert.level.value,
        subject=alert_findings.subject_of(here, alert),
        unit=here.names.unit(alert.org),
        source=alert.source_kind.value,
        state=alert.state.value,
        url=asked.address(alert=alert.id),
        count=alert.count,
        last_seen=alert.last_seen,
        due=alert.due_at,
        current=alert.id == asked.alert,
    )


# --- the picked alert ---------------------------------------------------------------------------


def detail_of(
    here: Here, connection: Connection, asked: Asked, alert: Alert, alerts: Sequence[Alert]
) -> AlertDetail:
    """The right side."""
    matches = reads.matches_of(connection, alert_id=alert.id)
    last = matches[-1] if matches else {}
    finding = alert_findings.finding_of(here, alert)
    said = finding.sentences if finding else ()
    return AlertDetail(
        line=alert_line(here, asked, alert),
        state_text=_state(here, alert),
        explanation=said[0] if said else happened(here, last) or here.names.title(alert.code),
        further=said[1:],
        normal=finding.normal if finding else _normal(here, alert),
        now=finding.now if finding else _now(here, alert),
        rules=tuple(rule_lines(here, [last])) if last else (),
        evidence=tuple(_evidence(here, alert, finding.rows if finding else ())),
        similar=tuple(_similar(here, connection, alert)),
        acts=tuple(_acts(here, asked, alert, alerts)),
    )


def _state(here: Here, alert: Alert) -> str:
    """Where it stands: who answers for it, or who decided what, when and why."""
    if alert.state is AlertState.NEW:
        if alert.order_id:
            return here.text("ui.finding.in_order", order=alert.order_id)
        if alert.dwell_until is not None:
            until = here.reader.format.recent(alert.dwell_until)
            return here.text("ui.finding.dwells", until=until)
        return here.text("ui.alert_state.new")
    parts = [here.text(f"ui.alert_state.{alert.state.value}")]
    reason = f"triage.{alert.reason}"
    if alert.state is AlertState.DISMISSED and reason in here.reader.words:
        parts.append(here.text(reason))
    if alert.decided_by:
        parts.append(here.names.actor(alert.decided_by))
    if alert.decided_at is not None:
        parts.append(here.reader.format.minute(alert.decided_at))
    return " · ".join(parts)


def _now(here: Here, alert: Alert) -> str:
    if alert.value is None:
        return ""
    return here.reader.format.quantity(alert.value, alert.unit)


def _normal(here: Here, alert: Alert) -> str:
    if alert.value is None:
        return ""
    limit = alert.limit
    return (
        ""
        if limit is None
        else here.text("ui.alerts.within", limit=here.reader.format.quantity(limit, alert.unit))
    )


def _evidence(here: Here, alert: Alert, found: Sequence[Pair]) -> Iterable[Pair]:
    """Of a detector's finding its own rows; else the evidence that the rule names."""
    yield from found
    rule = rule_of(here.app, alert.rule)
    for name, value in () if found else alert.evidence.items():
        seen = figure(here, name, value, alert.unit)
        yield Pair(label_of(here, name, rule), shown(here, seen), seen.url)
    if alert.actor:
        yield Pair(
            here.text("ui.column.actor"),
            here.names.actor(alert.actor),
            f"/log?{urlencode({'q': alert.actor})}",
        )


def _similar(here: Here, connection: Connection, alert: Alert) -> Iterable[Similar]:
    for past in alert_rows.similar(connection, here.scopes, alert):
        ended = here.text(f"ui.alert_state.{past.state.value}")
        reason = f"triage.{past.reason}"
        if past.state is AlertState.DISMISSED and reason in here.reader.words:
            ended = f"{ended} · {here.text(reason)}"
        pile = Pile.DISMISSED if past.state is AlertState.DISMISSED else Pile.CONFIRMED
        yield Similar(
            alert_findings.subject_of(here, past),
            ended,
            past.raised_at,
            Asked(pile, alert=past.id).address(),
        )


# --- acts ---------------------------------------------------------------------------------------


def reasons_field(here: Here) -> FormField:
    """Why an alert is put aside."""
    choices = (Choice(one.value, here.text(f"triage.{one.value}")) for one in Reason)
    # None is chosen beforehand: a hasty person would put everything aside as false alarms.
    empty = Choice("", here.text("ui.choose"))
    return FormField(
        "reason", here.text("ui.field.reason"), "select", required=True, choices=(empty, *choices)
    )


def _acts(here: Here, asked: Asked, alert: Alert, alerts: Sequence[Alert]) -> Iterable[Act]:
    text, base = here.text, f"/alerts/{quote(alert.id)}"
    back = FormField("next", kind="hidden", value=asked.address(alert=_next(alert, alerts)))
    note = FormField("text", text("ui.field.note"), "textarea")
    if alert.state is AlertState.NEW:
        why = here.why_not(TRIAGE, alert.org)
        yield Act(
            text("ui.act.confirm"), f"{base}/confirm", "confirm", "primary", why, (back,), key="c"
        )
        in_order = text("reason.ORDER_ACTIVE") if alert.order_id else ""
        yield Act(
            text("ui.act.dismiss"),
            f"{base}/dismiss",
            "dismiss",
            "plain",
            why or in_order,
            (back, reasons_field(here), note),
            key="d",
        )
        others = [one for one in alerts if one.org == alert.org and one.id != alert.id]
        if others:
            choices = tuple(
                Choice(one.id, f"{one.id} · {alert_line(here, asked, one).subject}")
                for one in others
            )
            into = FormField(
                "into", text("ui.field.into"), "select", required=True, choices=choices
            )
            yield Act(
                text("ui.act.merge"), f"{base}/merge", "merge", "plain", why or in_order,
                (back, into), key="m",
            )  # fmt: skip
    if following := _next(alert, alerts):
        url = asked.address(alert=following)
        yield Act(text("ui.act.next"), url, "next", key="n", method="get")
    if alert.state is AlertState.NEW and not here.why_not(SILENCING, alert.org):
        yield Act(text("ui.act.silence_this"), _silence_url(alert), "silence", method="get")
    if (form := form_for(here, alert)) and not here.why_not(ASKING, alert.org):
        yield Act(text("ui.act.exempt_this"), form, "exempt", method="get")
    if alert.order_id:
        yield Act(
            text("ui.act.to_order"), f"/orders/{quote(alert.order_id)}", "order", method="get"
        )


def _silence_url(alert: Alert) -> str:
    """The form of a silence that covers this alert and those like it."""
    values = {
        "org": alert.org,
        "product": alert.product,
        "measure": alert.measure,
        "account": alert.account,
        "rule": alert.rule,
        "level": alert.level.value,
    }
    return f"/silences?{urlencode({name: value for name, value in values.items() if value})}"


def _next(alert: Alert, alerts: Sequence[Alert]) -> str:
    """The alert after this one in the list; empty at the end."""
    ids = [one.id for one in alerts]
    at = ids.index(alert.id) + 1 if alert.id in ids else 0
    return ids[at] if at < len(ids) and ids[at] != alert.id else ""


def _bulk(here: Here) -> Act | None:
    if not here.may(TRIAGE):
        return None
    return Act(here.text("ui.act.dismiss_picked"), "/alerts/dismiss", "bulk")
