"""手工建单: an order that a person opens by hand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from service.by_hand import PERMISSION, Wish, judge
from service.web.rooms.entered import NOTHING_ENTERED, Entered
from service.web.rooms.here import Here
from service.web.views.parts import Act, Choice, FormField

OPEN: Final = "open"


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
    places = [path for path in units(here) if here.may(PERMISSION, path)]
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
    wish = Wish(form["org"], form["level"], form["text"], form["product"])
    judged = judge(connection, here.reader.words, wish, units(here), here.now)
    number = here.reader.format.number
    errors = {
        field: here.text(
            fault.key,
            **{name: number(one) if name == "count" else one for name, one in fault.params.items()},
        )
        for field, fault in judged.faults.items()
    }
    return errors, judged.product
