"""The stream of changes: tells open pages that the trail has moved, so that they look again."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from service.application import Application
from service.security import Gate, sessions
from service.web.rooms.here import Anyone
from trail.tables import HEAD

POLL_S = 1.0
#: After so many looks the stream ends and the browser asks for a new one, signed in or not.
LOOKS = 300

router = APIRouter(include_in_schema=False)


@router.get("/live")
async def live(request: Request, here: Anyone) -> StreamingResponse:
    """Server-sent events: `changed` whenever the trail's head has moved."""
    stream = changes(request, here.app)
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def changes(request: Request, app: Application) -> AsyncIterator[str]:
    """The events of one open page; ends when it is closed, signed out, or the service ends."""
    ending = cast("threading.Event", request.app.state.ending)
    gate = cast("Gate", request.app.state.gate)
    token = request.cookies.get(sessions.COOKIE, "")
    known = await run_in_threadpool(head, app)
    yield "retry: 2000\n\n"
    for look in range(1, LOOKS + 1):
        await asyncio.sleep(POLL_S)
        if ending.is_set() or await request.is_disconnected():
            return
        if look % 30 == 0:
            if await run_in_threadpool(gate.who, token) is None:
                return
            yield ": here\n\n"
        now = await run_in_threadpool(head, app)
        if now != known:
            known = now
            yield "event: changed\ndata: \n\n"


def head(app: Application) -> int:
    """How many records the trail has."""
    with app.store.reader() as connection:
        return connection.scalar(select(HEAD.c.size)) or 0
