"""DingTalk's callback: the buttons of its cards.

What is signed, and what our own seal proves, is checked before anything is believed. An accepted
click stands in the inbox before the answer goes out; the work is done afterwards.
"""

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import JSONResponse, Response

from integrations.dingtalk import DingtalkChannel
from service.api.faults import Fault
from service.application import Application
from service.inbound.callback import answer
from service.inbound.requests import raw_of, refused

CHANNEL = "dingtalk"


def dingtalk_router(app: Application) -> APIRouter:
    """The endpoint of an application that has DingTalk with a callback; without it answers 404."""
    router = APIRouter(prefix="/integrations/dingtalk", include_in_schema=False)

    @router.post("/callback")
    async def receive(request: Request, later: BackgroundTasks) -> Response:
        dingtalk = app.channels.get(CHANNEL)
        if not isinstance(dingtalk, DingtalkChannel) or not dingtalk.interactive:
            return refused(request, app, Fault(404, "NOT_FOUND"))
        found = dingtalk.verify(await raw_of(request, app))
        return await answer(
            request, app, later, found, taken=lambda after: JSONResponse({}, background=after)
        )

    return router
