"""What a verified click asks for, done as the person who pressed, with the rights of now."""

from typing import Any

from approvals import Outcome, UnknownDelegation, UnknownRequest
from directory import Scopes
from integrations import slack_forms
from service import approving, delegating, lending_cards, reaching
from service.application import Application
from service.inbound import order_form
from store import UnitOfWork
from workorders import Answer, Context, perform, reads
from workorders.channel import Inbound
from workorders.probe import is_probe

_APPROVAL = "AP-"
_ALERT = "AL-"
_LENDING = "DG-"


def act_on(uow: UnitOfWork, app: Application, inbound: Inbound) -> Answer:
    """The click as the unit's actor, on whatever the card was about."""
    around = app.directories.around(uow.connection)
    ctx = app.context(around)
    if inbound.object_id.startswith(_APPROVAL):
        return _approval(uow, app, ctx, inbound)
    if inbound.object_id.startswith(_LENDING):
        return _lending(uow, app, inbound)
    if is_probe(inbound.object_id):
        return reaching.press(uow, inbound)
    match inbound.verb:
        case slack_forms.SHOW_FORM:
            return order_form.asked(uow, app)
        case slack_forms.OPEN_ORDER:
            return order_form.open_order(uow, app, inbound)
    return _matter(uow, ctx, inbound, around.directory.visible_scopes(uow.actor, uow.now))


def _matter(uow: UnitOfWork, ctx: Context, inbound: Inbound, scopes: Scopes) -> Answer:
    """An order or an alert that the actor sees."""
    look = reads.get_alert if inbound.object_id.startswith(_ALERT) else reads.get_order
    if look(uow.connection, inbound.object_id, scopes) is None:
        code = "UNKNOWN_ALERT" if inbound.object_id.startswith(_ALERT) else "UNKNOWN_ORDER"
        return Answer(ok=False, code=code, object_id=inbound.object_id)
    return perform(uow, ctx, inbound)


def _approval(uow: UnitOfWork, app: Application, ctx: Any, inbound: Inbound) -> Answer:
    if not inbound.strong:
        return Answer(ok=False, code="NEEDS_SIGN_IN", object_id=inbound.object_id)
    if inbound.verb not in approving.CARD_VERBS:
        return Answer(ok=False, code="UNKNOWN_VERB", object_id=inbound.object_id)
    try:
        decided: Outcome = approving.act(
            uow,
            app,
            ctx,
            inbound.object_id,
            inbound.verb,
            inbound.version,
            reason=inbound.reason,
        )
    except UnknownRequest:
        return Answer(ok=False, code="UNKNOWN_REQUEST", object_id=inbound.object_id)
    return Answer(
        decided.accepted,
        decided.code,
        inbound.object_id,
        decided.state.version,
        approving.recorded(decided.state, app),
    )


def _lending(uow: UnitOfWork, app: Application, inbound: Inbound) -> Answer:
    """A delegation agreed to or refused; who may, and how it stands, is found out now."""
    number = inbound.object_id
    if not inbound.strong:
        return Answer(ok=False, code="NEEDS_SIGN_IN", object_id=number)
    try:
        match inbound.verb:
            case lending_cards.AGREE:
                done = delegating.confirm(uow, app, number)
            case lending_cards.REFUSE:
                done = delegating.end(uow, app, number)
            case _:
                return Answer(ok=False, code="UNKNOWN_VERB", object_id=number)
    except UnknownDelegation:
        return Answer(ok=False, code="UNKNOWN_REQUEST", object_id=number)
    return Answer(done.ok, done.code, number, inbound.version, done.params)
