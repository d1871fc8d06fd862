"""Exemptions as every surface does them: asked for, put before the signers, carried out.

The approvals decide whether one is given; `workorders.exemption_ending` what follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

import approvals
from agents.world import root_of
from approvals import NoPlan, Subject
from book.buckets import ANY
from book.errors import BookError
from book.read import read_state
from service.application import Application
from service.approving import announce
from service.exemptable import exemptable_rules
from service.exemption_effect import KIND
from service.missing_signers import missing_signers
from service.moments import DELIVERY
from store import UnitOfWork
from store.clock import rfc3339
from store.types import decimal_text
from workorders import rows
from workorders.context import Context
from workorders.exempting import causers_of
from workorders.exemption_ending import ExemptionOutcome
from workorders.exemption_rows import enter, find_exemption, list_exemptions, refuse_ask
from workorders.exemptions import Exemption, ExemptionState, Judged, Terms, judge

ASKING = "approval.request"
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Wish:
    """An exemption as somebody asks for it, nothing in it believed yet.

    Attributes:
        starts_at: None begins with the last signature.
        renews: the exemption that it carries on; empty for none.
    """

    org: str
    product: str
    rule: str
    cap: Decimal
    ends_at: datetime
    reason: str
    clause: str
    month: str = ""
    account: str = ""
    starts_at: datetime | None = None
    renews: str = ""


@dataclass(frozen=True, slots=True)
class Renewal:
    """How an exemption is carried on: until when and why; without a cap up to the same one."""

    ends_at: datetime
    reason: str
    cap: Decimal | None = None


def ask(uow: UnitOfWork, app: Application, ctx: Context, wish: Wish) -> ExemptionOutcome:
    """Ask for an exemption as the unit's actor; it counts once its signers have agreed."""
    allowed = ctx.may(uow.actor, ASKING, wish.org, uow.now)
    if not allowed.allowed:
        params = {"permission": ASKING, "why": str(allowed.reason)}
        return _refused(uow, wish, "FORBIDDEN", params)
    judged, terms = judged_wish(uow.connection, app, wish, uow.now, uow.actor)
    if judged.code:
        return _refused(uow, wish, judged.code, judged.params)
    return _submit(uow, app, ctx, wish, terms)


def judged_wish(
    connection: Connection, app: Application, wish: Wish, now: datetime, person: str
) -> tuple[Judged, Terms]:
    """Whether a wish of `person` may be put before its signers, and the terms of it."""
    unit = unit_of(connection, wish.org, wish.product, now)
    terms = _terms(wish, unit, now)
    directory = app.directories.around(connection).directory
    if wish.org not in directory.nodes:
        return Judged("UNKNOWN_UNIT"), terms
    if not unit:
        return Judged("UNKNOWN_PRODUCT", {"product": wish.product}), terms
    if wish.month not in {"", ANY} and not DELIVERY.fullmatch(wish.month):
        return Judged("MONTH_INVALID", {"found": wish.month}), terms
    rules = exemptable_rules(app.rulebook, now)
    judged = judge(terms, reason=wish.reason, clause=wish.clause, now=now, exemptable_rules=rules)
    former = find_exemption(connection, wish.renews) if wish.renews else None
    if wish.renews and (former is None or not _same_place(former.terms, terms)):
        return Judged("EXEMPTION_ELSEWHERE", {"exemption": wish.renews}), terms
    scopes = directory.visible_scopes(person, now)
    other = "" if judged.code else _asked_already(connection, terms, scopes, person)
    if other:
        return Judged("EXEMPTION_ASKED_ALREADY", {"exemption": other}), terms
    return judged, terms


def renew(
    uow: UnitOfWork, app: Application, ctx: Context, former_id: str, wanted: Renewal
) -> ExemptionOutcome:
    """Ask that an exemption be carried on from its end; it is signed anew."""
    former = find_exemption(uow.connection, former_id)
    if former is None:
        return ExemptionOutcome(False, "UNKNOWN_EXEMPTION")
    return ask(uow, app, ctx, renewal_of(former, wanted, uow.now))


def renewal_of(former: Exemption, wanted: Renewal, now: datetime) -> Wish:
    """What a renewal asks for: the same terms, from the former's end or at once if that is over."""
    terms = former.terms
    lasts = former.state is ExemptionState.GRANTED and terms.ends_at > now
    return Wish(
        org=terms.org,
        product=terms.product,
        rule=terms.rule,
        cap=terms.cap if wanted.cap is None else wanted.cap,
        ends_at=wanted.ends_at,
        reason=wanted.reason,
        clause=former.clause,
        month=terms.month,
        account=terms.account,
        starts_at=terms.ends_at if lasts else None,
        renews=former.id,
    )


def unit_of(connection: Connection, org: str, product: str, at: datetime) -> str:
    """The unit in which a product's exposure is kept; empty for a product that nobody knows."""
    book = read_state(connection, as_of=at, known_at=at, orgs=[root_of(org)])
    try:
        return book.specs.spec(product, at.date()).base_unit
    except BookError:
        return ""


def _terms(wish: Wish, unit: str, now: datetime) -> Terms:
    return Terms(
        org=wish.org,
        product=wish.product,
        rule=wish.rule,
        cap=wish.cap,
        unit=unit,
        starts_at=wish.starts_at or now,
        ends_at=wish.ends_at,
        month=wish.month,
        account=wish.account,
    )


def _asked_already(connection: Connection, terms: Terms, scopes: Sequence[str], person: str) -> str:
    """The exemption of the very same limit that waits for its signers already; empty for none.

    One that is kept from the person is none: its number would tell of it.
    """
    waits = [ExemptionState.ASKED]
    found = list_exemptions(connection, scopes, states=waits, person=person, limit=_MOST)
    return next((one.id for one in found if _same_place(one.terms, terms)), "")


def _same_place(one: Terms, other: Terms) -> bool:
    """Whether two exemptions are of the same limit, whatever their caps and times."""
    names = ("org", "product", "rule", "month", "account")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _submit(
    uow: UnitOfWork, app: Application, ctx: Context, wish: Wish, terms: Terms
) -> ExemptionOutcome:
    directory = app.directories.around(uow.connection).directory
    actors = causers_of(uow.connection, terms)
    number = rows.next_id(uow, "EX", uow.now.astimezone(ctx.zone))
    subject = _subject(uow.actor, number, wish, terms, sorted(directory.called(actors)))
    try:
        decided = approvals.submit(uow, subject, directory)
    except NoPlan:
        return _refused(uow, wish, "NO_PLAN", {})
    if not decided.accepted:
        return _refused(uow, wish, decided.code, missing_signers(decided, directory, uow.now))
    asked = Exemption(
        id=number,
        terms=terms,
        reason=wish.reason.strip(),
        clause=wish.clause.strip(),
        requested_by=uow.actor,
        requested_at=uow.now,
        state=ExemptionState.ASKED,
        renews=wish.renews,
        request_id=decided.state.id,
    )
    enter(uow, asked, subjects=actors)
    announce(uow, app, ctx, decided.state)
    return ExemptionOutcome(True, "DONE", asked)


def _subject(actor: str, number: str, wish: Wish, terms: Terms, causers: list[str]) -> Subject:
    material = {
        "rule": terms.rule,
        "cap": decimal_text(terms.cap),
        "unit": terms.unit,
        "month": terms.month,
        "account": terms.account,
        "starts_at": rfc3339(terms.starts_at),
        "ends_at": rfc3339(terms.ends_at),
        "clause": wish.clause.strip(),
        "reason": wish.reason.strip(),
        "renews": wish.renews,
    }
    return Subject(
        kind=KIND,
        object_id=number,
        org=terms.org,
        requester=actor,
        causers=tuple(causers),
        product=terms.product,
        material=material,
    )


def _refused(uow: UnitOfWork, wish: Wish, code: str, params: Any) -> ExemptionOutcome:
    refuse_ask(uow, wish.org, code, by=uow.actor, product=wish.product, rule=wish.rule)
    return ExemptionOutcome(False, code, params=params)
