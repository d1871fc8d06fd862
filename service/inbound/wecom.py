"""WeCom's callback: the proof of its address, buttons, and what people write to the app.

The raw bytes are verified before anything in them is believed. An accepted click stands in the
inbox before the answer goes out, within WeCom's five seconds; the work is done afterwards.
"""

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import PlainTextResponse, Response

from integrations.wecom import CODE_LIFE, WecomChannel
from service.api.faults import Fault
from service.application import Application
from service.inbound.callback import answer
from service.inbound.card_codes import keep_code
from service.inbound.requests import raw_of, refused
from store import UnitOfWork
from workorders.channel import Inbound, Refusal

CHANNEL = "wecom"


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
        return await answer(
            request, app, later, found, taken=lambda after: Response(background=after), also=_code
        )

    return router


def _code(uow: UnitOfWork, inbound: Inbound) -> None:
    """The code that came with a click lets its card be edited."""
    code = inbound.reply.get("code")
    if code:
        where = (inbound.reply["notice"], inbound.reply["message"])
        keep_code(uow, CHANNEL, where, code, CODE_LIFE)
