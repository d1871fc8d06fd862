"""What a person enters to open a work order by hand, judged the same on every surface."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from agents.world import root_of
from book.read import read_state
from directory import Directory
from service.i18n.catalogue import Words
from store.problems import shorten
from workorders.levels import Level

#: The code of an order that a person opened; it is the order's title.
CODE: Final = "BY_HAND"
PERMISSION: Final = "order.open"
TEXT_LIMIT: Final = 4000
_EXAMPLES: Final = ("cu", "al", "rb", "sc")
_PRODUCT: Final = "product."


@dataclass(frozen=True, slots=True)
class Wish:
    """A form as it was filled in, nothing in it believed yet."""

    org: str
    level: str
    text: str
    product: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field: a catalogue key, and what its sentence names."""

    key: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """What is wrong, by field (empty when all is right), and the product's code."""

    faults: Mapping[str, Fault]
    product: str = ""


def places(directory: Directory, person: str, at: datetime) -> list[str]:
    """The units in which the person may open orders."""
    return sorted(
        path for path in directory.nodes if directory.may(person, PERMISSION, path, at).allowed
    )


def judge(
    connection: Connection, words: Words, wish: Wish, units: Collection[str], now: datetime
) -> Judged:
    """Whether the form can be taken.

    Args:
        connection: to read the company's own products.
        words: by which products are also known.
        wish: the form.
        units: those that it may name.
        now: of the request.
    """
    faults: dict[str, Fault] = {}
    text = wish.text.strip()
    if wish.org not in units:
        faults["org"] = Fault("ui.order.hand.org", {})
    if wish.level not in set(Level):
        faults["level"] = Fault("ui.order.hand.level", {})
    if not text:
        faults["text"] = Fault("ui.order.hand.text", {})
    elif len(text) > TEXT_LIMIT:
        params = {"most": TEXT_LIMIT, "count": len(text)}
        faults["text"] = Fault("ui.order.hand.text_long", params)
    typed = wish.product.strip()
    if not typed or "org" in faults:
        return Judged(faults)
    # A company may have products of its own beside those of the exchanges.
    orgs = [root_of(wish.org)]
    book = read_state(connection, as_of=now, known_at=now, orgs=orgs, prices_since=now)
    product = book.specs.match(typed) or book.specs.match(_named(words, typed))
    if not product:
        faults["product"] = _unknown(words, typed, book.specs.near(typed))
    return Judged(faults, product)


def _named(words: Words, typed: str) -> str:
    """The code of the product that is called so; empty for none."""
    return next(
        (
            key.removeprefix(_PRODUCT)
            for key, name in words.entries.items()
            if key.startswith(_PRODUCT) and name.casefold() == typed.casefold()
        ),
        "",
    )


def _unknown(words: Words, typed: str, near: str) -> Fault:
    found = shorten(typed)
    if near:
        name = words.entries.get(f"{_PRODUCT}{near}", near)
        params = {"found": found, "hint": near, "name": name}
        return Fault("ui.order.hand.product_near", params)
    examples = words.text("ui.list_comma").join(_EXAMPLES)
    return Fault("ui.order.hand.product", {"found": found, "examples": examples})
