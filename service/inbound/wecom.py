"""WeCom's callback: the proof of its address, buttons, and what people write to the app.

The raw bytes are verified before anything in them is believed. An accepted click stands in the
inbox before the answer goes out, within WeCom's five seconds; the work is done afterwards.
"""

from enum import Enum, auto

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from integrations.wecom import WecomChannel
from integrations.wecom_inbound import Written
from service.api.faults import Fault
from service.application import Application
from service.inbound import clicks, commands
from service.inbound.card_codes import wecom_codes
from service.inbound.requests import raw_of, refused
from store import inbox
from workorders.channel import Inbound, Refusal

CHANNEL = "wecom"
_OK = 200


class Kept(Enum):
    """What became of a verified click.

    `AGAIN` is WeCom's own repetition, sealed anew; `REPLAYED` is the very same request once more,
    which WeCom does not send.
    """

    NEW = auto()
    AGAIN = auto()
    REPLAYED = auto()


def wecom_router(app: Application) -> APIRouter:
    """The endpoint of an application that has WeCom with a callback; without it answers 404."""
    router = APIRouter(prefix="/integrations/wecom", include_in_schema=False)

    def channel() -> WecomChannel | None:
        found = app.channels.get(CHANNEL)
        return found if isinstance(found, WecomChannel) and found.interactive else None

    @router.get("/callback")
    async def prove(request: Request) -> Response:
        wecom = channel()
        if wecom is None:
            return refused(request, app, Fault(404, "NOT_FOUND"))
        said = wecom.echo(await raw_of(request, app))
        if isinstance(said, Refusal):
            return refused(request, app, Fault(said.status, said.code))
        return PlainTextResponse(said)

    @router.post("/callback")
    async def receive(request: Request, later: BackgroundTasks) -> Response:
        wecom = channel()
        if wecom is None:
            return refused(request, app, Fault(404, "NOT_FOUND"))
        found = wecom.asked(await raw_of(request, app))
        if isinstance(found, Refusal):
            if found.status == _OK:
                return Response(status_code=_OK)
            return refused(request, app, Fault(found.status, found.code))
        if not await run_in_threadpool(_take, app, later, found):
            return refused(request, app, Fault(409, "REPLAYED"))
        return Response(status_code=_OK, background=later)

    return router


def _take(app: Application, later: BackgroundTasks, found: Inbound | Written) -> bool:
    """Keep what acts, answer what asks; False for a request that is replayed."""
    if isinstance(found, Written):
        inbound = _said_by(app, found)
        said = commands.answer(app, inbound, found.text, "")
        if isinstance(said, str):
            later.add_task(clicks.whisper, app, inbound, said)
            return True
        found = said
    later.add_task(clicks.work_off, app)
    return keep(app, found) is not Kept.REPLAYED


def keep(app: Application, inbound: Inbound) -> Kept:
    """Put a click into the inbox, with the code that lets its card be edited."""
    with app.store.unit_of_work(clicks.actor_of(CHANNEL)) as uow:
        if clicks.keep(uow, inbound):
            code = inbound.reply.get("code")
            if code:
                wecom_codes(app.store).keep_in(uow, inbound.reply["notice"], code)
            return Kept.NEW
        known = inbox.payload(uow.connection, CHANNEL, inbound.event_id) or {}
    seal = known.get("reply", {}).get("seal")
    return Kept.REPLAYED if seal == inbound.reply.get("seal") else Kept.AGAIN


def _said_by(app: Application, written: Written) -> Inbound:
    return Inbound(
        channel=CHANNEL,
        actor_ref=f"{app.settings.wecom_corp_id}/{written.user}",
        object_id="",
        verb="",
        version=0,
        event_id=written.event_id,
        reply={"user": written.user, "seal": written.event_id},
    )
