"""What an approval is about, in words: its title, what the signers decide upon, what signing does.

Codes stay codes here; `service.i18n.wording.Spoken` makes the words of them, in either language.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from approvals import State
from directory import Directory
from service.approval_people import name_of, names_of, still_needed, unit_named
from store.types import decimal_text
from workorders.card import Line, grouped

#: Kinds that do something of their own once they are approved, and say so.
_KINDS = frozenset({"hedge_order", "limit_change", "override", "grant", "exemption"})
#: Fields that are told in another line, or are the work order that the card leads to.
_HIDDEN = frozenset({"order", "unit"})
#: Fields of a subject that have words of their own: figures, and what stays as it was written.
_FIGURES = frozenset({"before", "after", "price"})
_TEXTS = frozenset({"reason", "note", "month", "account", "contract", "clause", "renews"})

#: What an exemption permits is read before why.
_FIRST = ("rule", "cap", "starts_at", "ends_at")


def title(state: State, directory: Directory, trade: Mapping[str, Any]) -> Line:
    """The first line; with `trade` (contract, side, lots) a hedge order says what is traded."""
    subject = state.subject
    material = subject.material
    params: dict[str, Any] = {
        "object": subject.object_id,
        "org": unit_named(directory, subject.org),
        "commodity": subject.product,
        "id": state.id,
    }
    if subject.kind == "grant":
        params["person"] = name_of(directory, material.get("person", ""))
        params["signer_permission"] = material.get("grant", "")
        params["org"] = unit_named(directory, material.get("scope", subject.org))
    if subject.kind == "hedge_order" and trade:
        return Line("approval.card.hedge_trade", {**params, **trade})
    return Line(f"approval.card.{subject.kind}", params)


def matter(state: State, directory: Directory) -> Iterator[Line]:
    """What the signers decide upon, a field a line; figures are grouped and have their unit."""
    material = {name: value for name, value in state.subject.material.items() if value}
    unit = material.get("unit", "")
    told = set(_HIDDEN)
    before, after = material.get("before", ""), material.get("after", "")
    if before and after:
        told |= {"before", "after"}
        params = {"before": grouped(before), "after": grouped(after), "unit": unit}
        yield Line("approval.material.change", params)
    side, quantity = material.get("side", ""), _decimal(material.get("quantity", ""))
    if side in {"buy", "sell"} and quantity is not None and (side == "sell" or quantity >= 0):
        told |= {"side", "quantity"}
        params = {"side": side, "quantity": grouped(str(abs(quantity))), "unit": unit}
        yield Line("approval.material.trade", params)
    for name, value in sorted(material.items(), key=lambda field: _place(field[0])):
        if name not in told:
            yield _field(name, value, unit, directory)
    if state.subject.amount is not None:
        yield Line(
            "approval.card.amount", amount_told(state.subject.amount, state.subject.currency)
        )


def _place(name: str) -> int:
    """What is read first; the others follow in their own order."""
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _field(name: str, value: str, unit: str, directory: Directory) -> Line:
    coded: Mapping[str, Callable[[], dict[str, Any]]] = {
        "person": lambda: {"person": name_of(directory, value)},
        "grant": lambda: {"signer_permission": value},
        "scope": lambda: {"org": unit_named(directory, value)},
        "side": lambda: {"side": value},
        "measure": lambda: {"measure": value},
        "product": lambda: {"commodity": value},
        "valid_to": lambda: {"until": value},
        "rule": lambda: {"rule": value},
        "cap": lambda: {"text": grouped(value), "unit": unit},
        "starts_at": lambda: {"at": value},
        "ends_at": lambda: {"until": value},
        "quantity": lambda: {"text": grouped(value), "unit": unit},
    }
    if name in coded:
        return Line(f"approval.material.{name}", coded[name]())
    if name in _FIGURES:
        return Line(f"approval.material.{name}", {"text": grouped(value)})
    if name in _TEXTS:
        return Line(f"approval.material.{name}", {"text": value})
    return Line("approval.material.other", {"name": name, "text": value})


def after_signature(state: State, directory: Directory, trade: Mapping[str, Any]) -> Iterator[Line]:
    """What follows when the reader signs: who else has to, or what is then done.

    A hedge order of which nothing is on record (`trade` is empty) cannot be released by us.
    """
    step = state.current
    if step is None:
        return
    still = still_needed(state) - 1
    if still > 0:
        wanted = {"need": still, "approval_step": step.name}
        yield Line("approval.card.then_more", wanted)
    elif state.step + 1 < len(state.steps):
        following = state.steps[state.step + 1]
        people = names_of(directory, following.seats)
        params = {"need": following.need, "approval_step": following.name, "people": people}
        if following.role:
            yield Line("approval.card.then_role", {**params, "signer_role": following.role})
        else:
            yield Line("approval.card.then_next", params)
    else:
        kind = state.subject.kind if state.subject.kind in _KINDS else "any"
        if kind == "hedge_order" and not trade:
            kind = "hedge_unknown"
        person = name_of(directory, state.subject.material.get("person", ""))
        params = {"person": person, "object": state.subject.object_id}
        yield Line(f"approval.card.then_{kind}", params)


def amount_told(amount: Decimal, currency: str) -> dict[str, str]:
    """The parameters of an amount of money: grouped, its currency as a unit."""
    return {"amount": grouped(decimal_text(amount)), "unit": currency}


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
