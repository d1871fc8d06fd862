"""委托: the delegations that a person sees, and the form of a new one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import InvalidOperation

from sqlalchemy import Connection

import approvals
from approvals import Lending, LendingState, Wish, shipped_plans
from approvals.delegations import PERMISSION
from service.moments import in_utc
from service.web.rooms.amounts import amount_of
from service.web.rooms.here import Here
from service.web.rooms.log_search import moment
from service.web.rooms.manual_orders import units
from service.web.views.approvals_inbox import DelegationLine
from service.web.views.parts import Act, Choice, FormField

_SHOWN = 20
_NAMES = ("to", "scope", "kind", "since", "until", "cap", "currency", "reason")
#: The field that a refusal is about; the others stand above the form.
_FIELD = {
    "DELEGATION_TO_SELF": "to",
    "DELEGATE_MAY_NOT_SIGN": "to",
    "DELEGATION_OVERLAPS": "until",
    "DELEGATION_CYCLE": "to",
    "DELEGATION_TIMES": "until",
    "DELEGATION_REASON": "reason",
    "DELEGATION_KIND": "kind",
    "DELEGATION_MONEY": "cap",
    "TIME_INVALID": "until",
}


@dataclass(frozen=True, slots=True)
class Form:
    """The form as it was sent.

    Attributes:
        values: by field; empty before anything was sent.
        code: why it was refused; `params` for its sentence.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    code: str = ""
    params: Mapping[str, str] = field(default_factory=dict)


def wish_of(here: Here, values: Mapping[str, str]) -> Wish | str:
    """What the form asks for, or the reason code of what cannot be meant."""
    start = _time(here, values["since"]) if values["since"] else None
    until = _time(here, values["until"])
    if until is None or (start is None and values["since"]):
        return "TIME_INVALID"
    try:
        cap = amount_of(values["cap"])
    except InvalidOperation:
        return "DELEGATION_MONEY"
    return Wish(
        values["to"], values["scope"], start, until, values["reason"], values["kind"], cap,
        values["currency"] if cap is not None else "",
    )  # fmt: skip


def _time(here: Here, text: str) -> datetime | None:
    found = moment(here, text)
    return None if found is None else in_utc(found)


def delegation_lines(here: Here, connection: Connection) -> Iterable[DelegationLine]:
    """Those in the units that the person sees and the person's own; what is over comes last."""
    found = approvals.list_delegations(connection, here.scopes, here.person)
    found.sort(key=lambda one: not one.live(here.now))
    for one in found[:_SHOWN]:
        yield _line(here, one)


def _line(here: Here, one: Lending) -> DelegationLine:
    state = one.state(here.now)
    names = here.names
    bounds = [names.unit(one.scope)]
    bounds.append(here.text(f"approvals.kind.{one.kind}" if one.kind else "ui.delegation.any"))
    if one.cap is not None:
        cap = here.reader.format.money(one.cap, one.currency)
        bounds.append(here.text("ui.delegation.up_to", amount=cap))
    second = ""
    if one.ended_by:
        second = here.text("ui.delegation.ended_by", person=names.person(one.ended_by))
    elif one.confirmed_by:
        second = here.text("ui.delegation.agreed_by", person=names.person(one.confirmed_by))
    return DelegationLine(
        one.number,
        state.value,
        f"{names.person(one.principal)} → {names.person(one.delegate)}",
        " · ".join(bounds),
        one.starts,
        one.ends,
        one.reason,
        second,
        tuple(_acts(here, one, state)),
    )


def _acts(here: Here, one: Lending, state: LendingState) -> Iterable[Act]:
    text = here.text
    if state is LendingState.WAITING and here.person != one.principal:
        yield Act(
            text("ui.delegation.confirm"),
            f"/delegations/{one.number}/confirm",
            f"confirm-{one.number}",
            "primary",
            here.why_not(PERMISSION, one.scope),
            confirm=text(
                "ui.delegation.confirm_ask",
                principal=here.names.person(one.principal),
                delegate=here.names.person(one.delegate),
            ),
        )
    if one.live(here.now) and here.person in {one.principal, one.delegate}:
        yield Act(
            text("ui.delegation.end"),
            f"/delegations/{one.number}/end",
            f"end-{one.number}",
            "danger",
            fields=(FormField("reason", text("ui.field.note"), "textarea"),),
        )


def lend_act(here: Here, form: Form) -> Act:
    """The button that asks for a new delegation; open again with what was refused."""
    text, names = here.text, here.names
    places = [path for path in units(here) if here.may(PERMISSION, path)]
    people = sorted(
        {
            one
            for path in places
            for one in here.directory.holders("approval.sign", path, here.now)
            if one != here.person
        },
        key=names.person,
    )
    kinds = [Choice("", text("ui.delegation.any"))]
    kinds += [Choice(kind, text(f"approvals.kind.{kind}")) for kind in shipped_plans()]
    chosen = here.org or here.signed.person.unit
    drawn = {
        "to": ("select", tuple(Choice(one, names.person(one)) for one in people), True),
        "scope": (
            "select",
            tuple(Choice(one, names.unit(one), one == chosen) for one in places),
            True,
        ),
        "kind": ("select", tuple(kinds), False),
        "since": ("datetime-local", (), False),
        "until": ("datetime-local", (), True),
        "cap": ("text", (), False),
        "currency": ("select", tuple(Choice(one, one) for one in ("CNY", "USD", "EUR")), False),
        "reason": ("textarea", (), True),
    }
    error = text(f"reason.{form.code}", **dict(form.params)) if form.code else ""
    at = _FIELD.get(form.code, "to")
    return Act(
        text("ui.delegation.new"),
        "/delegations",
        "lend",
        "plain",
        "" if places and people else here.why_not(PERMISSION) or text("ui.delegation.nobody"),
        tuple(
            FormField(
                name,
                text(f"ui.delegation.field.{name}"),
                kind,
                form.values.get(name, ""),
                required,
                choices,
                error if error and name == at else "",
                text("ui.delegation.since_hint") if name == "since" else "",
            )
            for name, (kind, choices, required) in drawn.items()
        ),
        text("ui.delegation.note"),
        failed=bool(form.code),
    )


def form_values(given: Mapping[str, str]) -> dict[str, str]:
    """The form's fields without the blanks around them."""
    return {name: given.get(name, "").strip() for name in _NAMES}
