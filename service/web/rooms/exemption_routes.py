"""The exemptions' routes: look, ask, revoke; carrying one on fills in the form."""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response
from sqlalchemy import Connection

from service.exempting import ask
from service.web.rooms.exemptions import Asked, exemptions_page, wish_of
from service.web.rooms.here import Here, Viewer, not_found
from service.web.rooms.manual_orders import units
from store import UnitOfWork
from workorders.context import Context
from workorders.exemption_ending import ExemptionOutcome, revoke
from workorders.exemption_rows import seen_exemption

router = APIRouter(include_in_schema=False)
ExemptionId = Annotated[str, Path(max_length=64)]
Word = Annotated[str, Query(max_length=400)]
Field = Annotated[str, Form(max_length=400)]
Text = Annotated[str, Form(max_length=4000)]


@router.get("/exemptions")
def show(  # noqa: PLR0917 - the fields of the form
    here: Viewer,
    org: Word = "",
    product: Word = "",
    rule: Word = "",
    month: Word = "",
    account: Word = "",
    upto: Word = "",
    since: Word = "",
    until: Word = "",
    clause: Word = "",
    reason: Annotated[str, Query(max_length=4000)] = "",
    renews: Word = "",
    look: Word = "",
) -> Response:
    """The register and the form; with `look` also what the exemption would permit."""
    asked = Asked(org, product, rule, month, account, upto, since, until, clause, reason, renews,
                  bool(look))  # fmt: skip
    with here.app.store.reader() as connection:
        if (org and org not in units(here)) or not _renewable(here, connection, renews):
            raise not_found()
        page = exemptions_page(here, connection, asked)
    return here.show("exemptions.html", page, "silences", live=not asked.look)


@router.post("/exemptions")
def create(  # noqa: PLR0917 - the fields of the form
    here: Viewer,
    org: Field,
    product: Field,
    rule: Field,
    upto: Field,
    until: Field,
    clause: Field = "",
    reason: Text = "",
    month: Field = "",
    account: Field = "",
    since: Field = "",
    renews: Field = "",
) -> Response:
    """豁免申请: it counts once its signers have agreed."""
    asked = Asked(org, product, rule, month, account, upto, since, until, clause, reason, renews)
    if org not in units(here):
        raise not_found()
    wish = wish_of(here, asked)
    if isinstance(wish, str):
        return here.refused(asked.address(), here.names.reason(wish))
    with here.app.store.unit_of_work(here.person) as uow:
        if not _renewable(here, uow.connection, renews):
            raise not_found()
        outcome = ask(uow, here.app, _context(here, uow), wish)
    if not outcome.ok:
        return _refused(here, outcome, asked.address())
    number = "" if outcome.exemption is None else outcome.exemption.id
    return here.done("/exemptions", "ui.said.exemption_asked", number=number)


@router.post("/exemptions/{exemption_id}/revoke")
def end(here: Viewer, exemption_id: ExemptionId, reason: Text = "") -> Response:
    """End it before its time; what still stands raises its alert at once."""
    with here.app.store.unit_of_work(here.person) as uow:
        if seen_exemption(uow.connection, exemption_id, here.scopes, here.person) is None:
            raise not_found()
        outcome = revoke(uow, _context(here, uow), exemption_id, reason=reason)
    if not outcome.ok or outcome.code == "ALREADY_DONE":
        return _refused(here, outcome, "/exemptions")
    if not outcome.raised:
        return here.done("/exemptions", "ui.said.exemption_revoked", number=exemption_id)
    which = here.text("ui.list_comma").join(outcome.raised)
    return here.done(
        "/exemptions", "ui.said.exemption_revoked_raised", number=exemption_id, which=which
    )


def _refused(here: Here, outcome: ExemptionOutcome, url: str) -> Response:
    return here.refused(url, here.spoken.text(f"reason.{outcome.code}", **dict(outcome.params)))


def _context(here: Here, uow: UnitOfWork) -> Context:
    return here.app.context(here.app.directories.around(uow.connection))


def _renewable(here: Here, connection: Connection, renews: str) -> bool:
    """Whether what is to be carried on is the person's to see; nothing to carry on is as well."""
    return not renews or seen_exemption(connection, renews, here.scopes, here.person) is not None
