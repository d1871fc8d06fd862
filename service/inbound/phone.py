"""What the gateways of text messages and calls send back: receipts, and keys that were pressed.

A key is carried out before the answer, in one transaction with its mark in the inbox; whether the
person may, and whether the number is still theirs, is found out now. The answer holds words that
the gateway can read aloud.
"""

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

import trail
from directory import PHONES, Person
from integrations.phone import PhoneChannel
from integrations.receipts import Receipt
from service.api.faults import Fault
from service.application import Application
from service.inbound import acting, clicks
from service.inbound.done import keep_done
from service.inbound.receipts import Overtaken, note, once
from service.inbound.requests import raw_of, refused
from store import UnitOfWork, inbox
from workorders import Answer
from workorders.channel import Inbound, Refusal

_STATUS = {"UNKNOWN_NOTICE": 404, "NOTICE_ON_ITS_WAY": 409}


def phone_router(app: Application) -> APIRouter:
    """The endpoints of an application that has such a gateway; without it they answer 404."""
    router = APIRouter(prefix="/integrations", include_in_schema=False)

    async def receive(request: Request, later: BackgroundTasks) -> Response:
        phone = app.channels.get(request.url.path.split("/")[-2])
        if not isinstance(phone, PhoneChannel):
            return refused(request, app, Fault(404, "NOT_FOUND"))
        found = phone.told(await raw_of(request, app))
        if isinstance(found, Refusal):
            return refused(request, app, Fault(found.status, found.code))
        if isinstance(found, Receipt):
            code = await run_in_threadpool(note, app, found)
            if code in _STATUS:
                return refused(request, app, Fault(_STATUS[code], code))
            return JSONResponse({"code": code})
        later.add_task(clicks.show_anew, app)
        said = await run_in_threadpool(once, lambda: _press(app, phone, found))
        return JSONResponse(said, background=later)

    for name in PHONES:
        router.post(f"/{name}/receipt")(receive)
    return router


def _press(app: Application, phone: PhoneChannel, inbound: Inbound) -> dict[str, object]:
    """What came of a key: a code, and words in the person's language."""
    mark, _, number = inbound.actor_ref.partition("/")
    person = app.directory.person(number)
    why = _refusal(phone, person, mark)
    if person is None or why:
        with app.store.unit_of_work(clicks.actor_of(phone.name)) as uow:
            _trace(uow, inbound, person, why)
        words = app.catalogues.words(person.language if person else app.settings.language)
        return {"ok": False, "code": why, "text": words.text(f"reason.{why}")}
    with app.store.unit_of_work(person.id) as uow:
        before = inbox.outcome(uow.connection, phone.name, inbound.event_id)
        answer = Answer(**before) if before else acting.act_on(uow, app, inbound)
        if before is None:
            _trace(uow, inbound, person, answer.code)
            if answer.ok:
                asked = {"object": inbound.object_id}
                if not keep_done(uow, phone.name, inbound.event_id, asked, answer):
                    raise Overtaken
    text = clicks.sentence(app, person, answer)
    return {"ok": answer.ok, "code": answer.code, "text": text}


def _refusal(phone: PhoneChannel, person: Person | None, mark: str) -> str:
    if person is None or not person.active:
        return "INACTIVE_PERSON"
    return "" if phone.mark(person.phone) == mark else "OTHER_NUMBER"


def _trace(uow: UnitOfWork, inbound: Inbound, person: Person | None, code: str) -> None:
    trail.record(
        uow,
        kind="access",
        action=f"{inbound.channel}.key",
        object_type="person",
        object_id=inbound.actor_ref.partition("/")[2],
        org=person.unit if person is not None else "",
        outcome=code,
        body={"object": inbound.object_id, "verb": inbound.verb},
    )
