"""豁免: from the register and what stands under it to the page, and from its form to a wish."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from urllib.parse import quote, urlencode

from sqlalchemy import Connection, select

import approvals
from book.buckets import ANY
from service.exemptable import exemptable_rules
from service.exempting import ASKING, Wish, judged_wish
from service.moments import in_utc
from service.web.rooms.approvals import sees_request
from service.web.rooms.here import Here
from service.web.rooms.log_search import moment
from service.web.rooms.manual_orders import units
from service.web.rooms.silences import clock_field, products_raised
from service.web.views.exemptions import (
    ExemptionGroup,
    ExemptionLine,
    ExemptionPreview,
    ExemptionsPage,
    StandingLine,
)
from service.web.views.parts import Act, Choice, Figure, FormField, Link
from store.schema import table
from store.types import decimal_text
from workorders.exempting import Standing, counts, standing_beside, standing_matches, standing_now
from workorders.exemption_ending import PERMISSION
from workorders.exemption_rows import list_exemptions
from workorders.exemptions import MEASURE, Exemption, ExemptionState, Terms
from workorders.model import Alert, Match, SourceKind
from workorders.reads import within

#: How long an exemption lasts unless somebody says otherwise.
USUAL: Final = timedelta(days=7)
_OVER: Final = 50
_LIMITS: Final = table("book_limit")
_GROUPS: Final = {ExemptionState.ASKED: "asked", ExemptionState.GRANTED: "given"}
_NAMES: Final = (
    "org", "product", "rule", "month", "account", "upto", "since", "until", "clause", "reason",
    "renews",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """The form as it stands in the address.

    Attributes:
        since, until: on the reader's clock, as the fields send them.
        renews: the exemption that is to be carried on; empty for none.
        look: whether a preview is wanted.
    """

    org: str = ""
    product: str = ""
    rule: str = ""
    month: str = ""
    account: str = ""
    upto: str = ""
    since: str = ""
    until: str = ""
    clause: str = ""
    reason: str = ""
    renews: str = ""
    look: bool = False

    def address(self) -> str:
        """The page with this form filled in."""
        values = [(name, value) for name in _NAMES if (value := getattr(self, name))]
        return f"/exemptions?{urlencode(values)}" if values else "/exemptions"


def wish_of(here: Here, asked: Asked) -> Wish | str:
    """What the form asks for, or the reason code of what cannot be meant."""
    start = _time(here, asked.since) if asked.since else None
    until = _time(here, asked.until)
    if until is None or (asked.since and start is None):
        return "TIME_INVALID"
    try:
        cap = Decimal(asked.upto.replace(",", "").strip())
    except InvalidOperation:
        return "CAP_INVALID"
    return Wish(
        org=asked.org,
        product=asked.product,
        rule=asked.rule,
        cap=cap,
        ends_at=until,
        reason=asked.reason,
        clause=asked.clause,
        month=asked.month.strip(),
        account=asked.account.strip(),
        starts_at=start,
        renews=asked.renews,
    )


def exemptions_page(here: Here, connection: Connection, asked: Asked) -> ExemptionsPage:
    """The page; with `asked.look` also what the exemption would permit."""
    found = list_exemptions(connection, here.scopes, person=here.person)
    covered = counts(connection, [one.id for one in found])
    standing: dict[str, list[Standing]] = defaultdict(list)
    for one in standing_now(connection, here.scopes, here.now):
        standing[one.exemption].append(one)
    piles: dict[str, list[ExemptionLine]] = {"asked": [], "given": [], "over": []}
    for each in found:
        pile = piles[_GROUPS.get(_state(here, each), "over")]
        if pile is not piles["over"] or len(pile) < _OVER:
            pile.append(_line(here, connection, each, covered, standing[each.id]))
    places = [path for path in units(here) if here.may(ASKING, path)]
    return ExemptionsPage(
        groups=tuple(ExemptionGroup(code, tuple(lines)) for code, lines in piles.items()),
        fields=tuple(_fields(here, connection, asked, places)) if places else (),
        why_not="" if places else here.why_not(ASKING),
        preview=_preview(here, connection, asked) if asked.look and places else None,
    )


def form_for(here: Here, alert: Alert) -> str:
    """The form of an exemption from what an alert found; empty where none can cover it."""
    measured = alert.measure == MEASURE and alert.source_kind is SourceKind.RULE
    if not measured or alert.rule not in exemptable_rules(here.app.rulebook, here.now):
        return ""
    month, account = ("" if one == ANY else one for one in (alert.month, alert.account))
    return Asked(alert.org, alert.product, alert.rule, month, account).address()


# --- the list -----------------------------------------------------------------------------------


def _state(here: Here, one: Exemption) -> ExemptionState:
    if one.state is ExemptionState.GRANTED and one.terms.ends_at <= here.now:
        return ExemptionState.ENDED  # its timer fires in a moment
    return one.state


def _line(
    here: Here,
    connection: Connection,
    one: Exemption,
    covered: Mapping[str, int],
    standing: Iterable[Standing],
) -> ExemptionLine:
    terms = one.terms
    return ExemptionLine(
        id=one.id,
        state=_state(here, one).value,
        unit=here.names.unit(terms.org),
        what=what_words(here, terms),
        cap=Figure(terms.cap, terms.unit),
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
        asker=here.names.actor(one.requested_by),
        reason=one.reason,
        clause=one.clause,
        covered=covered[one.id],
        ended=_ended(here, one),
        request=_request(here, connection, one),
        renews=one.renews,
        standing=tuple(_standing(here, each.match, each.seen, each.count) for each in standing),
        acts=tuple(_acts(here, one)),
    )


def what_words(here: Here, terms: Terms) -> str:
    """What is permitted within the unit, in words."""
    names = here.names
    parts = (names.contract(terms.product, terms.month), names.title(terms.rule), terms.account)
    return " · ".join(one for one in parts if one)


def _standing(here: Here, match: Match, seen: datetime, count: int) -> StandingLine:
    return StandingLine(
        what=here.names.contract(match.product, match.month),
        level=match.level.value if match.level is not None else "",
        value=Figure(match.value, match.unit),
        seen=seen,
        count=count,
    )


def _request(here: Here, connection: Connection, one: Exemption) -> Link | None:
    if not one.request_id or not sees_request(
        here, connection, approvals.read(connection, one.request_id)
    ):
        return None
    return Link(here.text("ui.exemptions.request"), f"/approvals/{quote(one.request_id)}")


def _ended(here: Here, one: Exemption) -> str:
    if one.state is ExemptionState.REVOKED and one.ended_at is not None:
        by, when = one.ended_by, one.ended_at
        key = "ui.exemptions.revoked_by"
    elif one.decided_at is not None:
        by, when = one.decided_by, one.decided_at
        refused = one.state is ExemptionState.REFUSED
        key = "ui.exemptions.refused_by" if refused else "ui.exemptions.given_by"
    else:
        return ""
    told = here.text(key, person=here.names.actor(by), at=here.reader.format.minute(when))
    why = one.end_reason if one.state is ExemptionState.REVOKED else ""
    return here.text("ui.exemptions.with_reason", told=told, reason=why) if why else told


def _acts(here: Here, one: Exemption) -> Iterable[Act]:
    text, base = here.text, f"/exemptions/{quote(one.id)}"
    state = _state(here, one)
    if state not in {ExemptionState.GRANTED, ExemptionState.ENDED}:
        return
    yield Act(
        text("ui.act.renew_exemption"), _renewal(here, one).address(), f"renew-{one.id}", "plain",
        here.why_not(ASKING, one.terms.org), method="get",
    )  # fmt: skip
    if state is ExemptionState.GRANTED:
        own = one.requested_by == here.person
        why = "" if own else here.why_not(PERMISSION, one.terms.org)
        reason = FormField("reason", text("ui.field.reason"), "textarea", required=True)
        yield Act(
            text("ui.act.revoke_exemption"), f"{base}/revoke", f"revoke-{one.id}", "danger", why,
            (reason,), confirm=text("ui.exemptions.revoke_ask"),
        )  # fmt: skip


def _renewal(here: Here, one: Exemption) -> Asked:
    terms = one.terms
    lasts = terms.ends_at > here.now
    start = terms.ends_at if lasts else here.now
    return Asked(
        org=terms.org,
        product=terms.product,
        rule=terms.rule,
        month=terms.month,
        account=terms.account,
        upto=decimal_text(terms.cap),
        since=clock_field(here, start) if lasts else "",
        until=clock_field(here, start + (terms.ends_at - terms.starts_at)),
        clause=one.clause,
        renews=one.id,
    )


# --- the form -----------------------------------------------------------------------------------


def _fields(
    here: Here, connection: Connection, asked: Asked, places: Sequence[str]
) -> Iterable[FormField]:
    text, names = here.text, here.names
    chosen = asked.org if asked.org in places else places[0]
    yield FormField(
        "org", text("ui.column.unit"), "select", chosen, required=True,
        choices=tuple(Choice(path, names.unit(path)) for path in places),
    )  # fmt: skip
    offered = sorted({*products_raised(here, connection), *_limited(here, connection)})
    yield FormField(
        "product", text("ui.field.product"), "select", asked.product, required=True,
        choices=tuple(Choice(one, names.product(one)) for one in offered),
    )  # fmt: skip
    rules = exemptable_rules(here.app.rulebook, here.now)
    yield FormField(
        "rule", text("ui.silences.rule"), "select", asked.rule, required=True,
        choices=tuple(Choice(one, names.title(one)) for one in rules),
        hint=text("ui.exemptions.rule_hint"),
    )  # fmt: skip
    yield FormField(
        "upto", text("ui.exemptions.cap"), value=asked.upto, required=True,
        hint=text("ui.exemptions.cap_hint"),
    )  # fmt: skip
    yield FormField(
        "month", text("ui.exemptions.month"), value=asked.month,
        hint=text("ui.exemptions.month_hint"),
    )  # fmt: skip
    if asked.account:
        yield FormField("account", text("ui.exemptions.account"), value=asked.account)
    yield FormField(
        "since", text("ui.silences.since"), "datetime-local", asked.since,
        hint=text("ui.exemptions.since_hint"),
    )  # fmt: skip
    until = asked.until or clock_field(here, here.now + USUAL)
    yield FormField("until", text("ui.silences.until"), "datetime-local", until, required=True)
    yield FormField(
        "clause", text("ui.exemptions.clause"), value=asked.clause, required=True,
        hint=text("ui.exemptions.clause_hint"),
    )  # fmt: skip
    yield FormField("reason", text("ui.field.reason"), "textarea", asked.reason, required=True)
    if asked.renews:
        yield FormField("renews", kind="hidden", value=asked.renews)


def _limited(here: Here, connection: Connection) -> list[str]:
    """Products that have a limit where the reader may look."""
    c = _LIMITS.c
    wanted = select(c.product).where(within(c.org, tuple(here.scopes)), c.product != "")
    return list(connection.scalars(wanted.distinct()))


# --- the preview --------------------------------------------------------------------------------


def _preview(here: Here, connection: Connection, asked: Asked) -> ExemptionPreview:
    wish = wish_of(here, asked)
    if isinstance(wish, str):
        return ExemptionPreview("", (), fault=here.names.reason(wish))
    judged, terms = judged_wish(connection, here.app, wish, here.now, here.person)
    form = here.reader.format
    sentence = here.text(
        "ui.exemptions.would",
        unit=here.names.unit(terms.org),
        what=what_words(here, terms),
        cap=form.quantity(terms.cap, terms.unit) if terms.cap.is_finite() else asked.upto,
        until=form.moment(terms.ends_at),
    )
    if judged.code:
        why = here.text(f"reason.{judged.code}", **dict(judged.params))
        return ExemptionPreview(sentence, (), fault=why)
    standing = [
        _standing(here, one, one.event_time, 0) for one in standing_matches(connection, terms)
    ]
    beside = [
        replace(
            _standing(here, one, one.event_time, 0), why=here.text(f"ui.exemptions.beside.{why}")
        )
        for one, why in standing_beside(connection, terms)
    ]
    return ExemptionPreview(sentence, tuple(standing), tuple(beside), create=_create(here, asked))


def _create(here: Here, asked: Asked) -> Act:
    hidden = tuple(FormField(one, kind="hidden", value=getattr(asked, one)) for one in _NAMES)
    return Act(
        here.text("ui.act.ask_exemption"), "/exemptions", "ask-exemption", "primary", "", hidden
    )


def _time(here: Here, text: str) -> datetime | None:
    found = moment(here, text)
    return None if found is None else in_utc(found)
