"""A form that was sent in Slack: carried out before the answer, which says what is wrong with it.

Unlike a click it is not put off: the answer must come within Slack's three seconds and name the
field. Where the transaction fails, Slack shows the form still, and it can be sent again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integrations.slack_forms import FIELDS, Submission
from service.application import Application
from service.inbound import clicks, order_form
from store import UnitOfWork, inbox
from workorders import Answer
from workorders.channel import Inbound
from workorders.plain import plain


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a form.

    Attributes:
        new: false when this very request came before; then nothing was done again.
        body: what Slack is told; empty closes the form.
        say: what the person is told privately afterwards; empty for nothing.
    """

    new: bool
    body: Mapping[str, Any]
    say: str = ""


def submit(app: Application, sent: Submission) -> Answered:
    """Carry out a form, once."""
    inbound = sent.inbound

    def consume(uow: UnitOfWork, answer: Answer) -> bool:
        outcome = {"answer": answer.code, **plain(dict(answer.params)), "ok": answer.ok}
        payload = clicks.payload_of(inbound)
        return inbox.settle(uow, inbound.channel, inbound.event_id, payload, outcome)

    worked = clicks.carry_out(app, inbound, consume)
    if worked is None:
        return Answered(new=False, body=_recorded(app, inbound))
    if not worked.answer.ok:
        return Answered(new=True, body=_refusal(app, inbound, worked.answer, worked.say))
    said = worked.say if worked.answer.code == order_form.OPENED else ""
    return Answered(new=True, body={}, say=said)


def _recorded(app: Application, inbound: Inbound) -> Mapping[str, Any]:
    """The answer that this request had: it may have been lost on its way."""
    with app.store.reader() as connection:
        kept = inbox.outcome(connection, inbound.channel, inbound.event_id) or {}
    if kept.get("ok"):
        return {}
    code = str(kept.pop("answer", clicks.FAILED))
    answer = Answer(ok=False, code=code, object_id="", params=kept)
    person = clicks.person_of(app, inbound)
    say = clicks.sentence(app, person, answer) if person is not None else ""
    return _refusal(app, inbound, answer, say)


def _refusal(app: Application, inbound: Inbound, answer: Answer, say: str) -> Mapping[str, Any]:
    """Each fault at its field; what concerns none stands at the first."""
    person = clicks.person_of(app, inbound)
    language = (person.language if person is not None else "") or app.settings.language
    spoken = app.catalogues.words(language)
    told = {
        field: spoken.text(
            str(fault["say"]),
            **{name: one for name, one in fault.items() if name not in {"say", "field"}},
        )
        for field, fault in order_form.faults(answer).items()
    }
    return {"response_action": "errors", "errors": told or {FIELDS[0]: say}}
