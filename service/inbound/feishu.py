"""Feishu's callback: the proof of its address, buttons, and what people write to the bot.

The raw bytes are verified before anything in them is believed. An accepted click stands in the
inbox before the answer goes out, within Feishu's three seconds; the work is done afterwards.
"""

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import JSONResponse, Response

from integrations.feishu import FeishuChannel
from service.api.faults import Fault
from service.application import Application
from service.inbound.callback import answer
from service.inbound.requests import raw_of, refused

CHANNEL = "feishu"


def feishu_router(app: Application) -> APIRouter:
    """The endpoint of an application that has Feishu with a callback; without it answers 404."""
    router = APIRouter(prefix="/integrations/feishu", include_in_schema=False)

    @router.post("/callback")
    async def receive(request: Request, later: BackgroundTasks) -> Response:
        feishu = app.channels.get(CHANNEL)
        if not isinstance(feishu, FeishuChannel) or not feishu.interactive:
            return refused(request, app, Fault(404, "NOT_FOUND"))
        found = feishu.asked(await raw_of(request, app))
        if isinstance(found, str):
            return JSONResponse({"challenge": found})
        return await answer(
            request, app, later, found, taken=lambda after: JSONResponse({}, background=after)
        )

    return router
