"""手工建单: an order that a person opens by hand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from agents.world import root_of
from book.read import read_state
from service.web.rooms.entered import NOTHING_ENTERED, Entered
from service.web.rooms.here import Here
from service.web.views.parts import Act, Choice, FormField
from store.problems import shorten
from workorders.levels import Level

CODE: Final = "BY_HAND"
OPEN: Final = "open"
_NOTE_LIMIT: Final = 4000
_EXAMPLES: Final = ("cu", "al", "rb", "sc")
_PRODUCT: Final = "product."


def units(here: Here) -> list[str]:
    """The units that the person sees, each with those below it."""
    return sorted(
        path
        for path in here.directory.nodes
        if any(path == one or path.startswith(f"{one}/") for one in here.scopes)
    )


def open_act(here: Here, entered: Entered = NOTHING_ENTERED) -> Act | None:
    """The button, with what it asks; None for who may open no order.

    `entered` is its form that was sent and not taken: the dialog stands open with it.
    """
    places = [path for path in units(here) if here.may("order.open", path)]
    if not places:
        return None
    text = here.text
    levels = ("orange", "red", "yellow", "blue")
    fields = (
        FormField(
            "org",
            text("ui.column.unit"),
            "select",
            required=True,
            choices=tuple(Choice(path, here.names.unit(path)) for path in places),
        ),
        FormField(
            "level",
            text("ui.column.level"),
            "select",
            required=True,
            choices=tuple(Choice(one, text(f"ui.level.{one}")) for one in levels),
        ),
        FormField("product", text("ui.field.product"), hint=text("ui.field.product_hint")),
        FormField("text", text("ui.field.what"), "textarea", required=True),
    )
    values, errors = entered.values, entered.errors
    return Act(
        text("ui.act.open_order"),
        "/orders/new",
        OPEN,
        fields=tuple(
            replace(one, value=values.get(one.name, ""), error=errors.get(one.name, ""))
            for one in fields
        ),
        failed=entered.verb == OPEN,
    )


def faults_of(
    here: Here, connection: Connection, form: Mapping[str, str]
) -> tuple[dict[str, str], str]:
    """What is wrong with the form, as a sentence by field; and the product that is meant."""
    errors: dict[str, str] = {}
    org, text = form["org"], form["text"].strip()
    if org not in units(here):
        errors["org"] = here.text("ui.order.hand.org")
    if form["level"] not in set(Level):
        errors["level"] = here.text("ui.order.hand.level")
    if not text:
        errors["text"] = here.text("ui.order.hand.text")
    elif len(text) > _NOTE_LIMIT:
        errors["text"] = here.text(
            "ui.order.hand.text_long", most=_NOTE_LIMIT, count=here.reader.format.number(len(text))
        )
    typed = form["product"].strip()
    if not typed or "org" in errors:
        return errors, ""
    # A company may have products of its own beside those of the exchanges.
    book = read_state(
        connection,
        as_of=here.now,
        known_at=here.now,
        orgs=[root_of(org)],
        prices_since=here.now,
    )
    product = book.specs.match(typed) or book.specs.match(_named(here, typed))
    if not product:
        errors["product"] = _unknown(here, typed, book.specs.near(typed))
    return errors, product


def _named(here: Here, typed: str) -> str:
    """The code of the product that is called so; empty for none."""
    entries = here.reader.words.entries
    return next(
        (
            key.removeprefix(_PRODUCT)
            for key, name in entries.items()
            if key.startswith(_PRODUCT) and name.casefold() == typed.casefold()
        ),
        "",
    )


def _unknown(here: Here, typed: str, near: str) -> str:
    found = shorten(typed)
    if near:
        name = here.names.product(near)
        return here.text("ui.order.hand.product_near", found=found, hint=near, name=name)
    examples = here.text("ui.list_comma").join(_EXAMPLES)
    return here.text("ui.order.hand.product", found=found, examples=examples)
