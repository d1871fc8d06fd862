"""手工建单: an order that a person opens by hand."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from service.web.rooms.here import Here, Viewer
from service.web.views.parts import Act, Choice, FormField
from workorders.levels import Level
from workorders.manual import ManualOrder, open_by_hand

CODE = "BY_HAND"
_NOTE_LIMIT = 4000


def units(here: Here) -> list[str]:
    """The units that the person sees, each with those below it."""
    return sorted(
        path
        for path in here.directory.nodes
        if any(path == one or path.startswith(f"{one}/") for one in here.scopes)
    )


def open_act(here: Here) -> Act | None:
    """The button, with what it asks; None for who may open no order."""
    places = [path for path in units(here) if here.may("order.open", path)]
    if not places:
        return None
    text = here.text
    levels = ("orange", "red", "yellow", "blue")
    return Act(
        text("ui.act.open_order"),
        "/orders/new",
        "open",
        fields=(
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
        ),
    )


router = APIRouter(include_in_schema=False)


@router.post("/orders/new")
def open_new(
    here: Viewer,
    org: Annotated[str, Form(max_length=400)],
    level: Annotated[Level, Form()],
    text: Annotated[str, Form(max_length=_NOTE_LIMIT)],
    product: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Open it, and show it."""
    here.signed.check("order.open", org)
    wanted = ManualOrder(CODE, level, org, product=product.strip(), text=text)
    with here.app.store.unit_of_work(here.person) as uow:
        context = here.app.context(here.app.directories.around(uow.connection))
        outcome = open_by_hand(uow, context, wanted)
    if not outcome.ok:
        return here.refused("/orders", here.names.reason(outcome.code))
    return here.done(f"/orders/{outcome.new_order}", "ui.said.opened", number=outcome.new_order)
