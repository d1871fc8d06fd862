"""The stream of changes: tells open pages that the trail has moved, so that they look again."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Annotated, cast

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from service.application import Application
from service.security import Gate, sessions
from service.web.rooms.here import Anyone, size_of_trail

POLL_S = 1.0
#: After so many looks the stream ends and the browser asks for a new one, signed in or not.
LOOKS = 300

router = APIRouter(include_in_schema=False)


@router.get("/live")
async def live(
    request: Request,
    here: Anyone,
    since: Annotated[int | None, Query(ge=0)] = None,
    last_event_id: Annotated[str, Header()] = "",
) -> StreamingResponse:
    """Server-sent events: `changed` whenever the trail has grown.

    Args:
        request: of the open page.
        here: who looks.
        since: the size of the trail that the page shows; without it, the size now.
        last_event_id: what a browser says that lost its stream: the size that it was told last.
    """
    given = last_event_id.isdecimal() and len(last_event_id) < 19  # noqa: PLR2004 - fits 64 bits
    told = int(last_event_id) if given else since
    stream = changes(request, here.app, here.trail_size if told is None else told)
    return StreamingResponse(
        stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def changes(request: Request, app: Application, known: int) -> AsyncIterator[str]:
    """The events of one open page; ends when it is closed, signed out, or the service ends.

    Args:
        request: of the page.
        app: the application's ports.
        known: the size of the trail that the page shows already.
    """
    ending = cast("threading.Event", request.app.state.ending)
    gate = cast("Gate", request.app.state.gate)
    token = request.cookies.get(sessions.COOKIE, "")
    yield "retry: 2000\n\n"
    for look in range(1, LOOKS + 1):
        now = await run_in_threadpool(size_of_trail, app)
        if now != known:
            known = now
            yield f"id: {now}\nevent: changed\ndata: \n\n"
        await asyncio.sleep(POLL_S)
        if ending.is_set() or await request.is_disconnected():
            return
        if look % 30 == 0:
            if await run_in_threadpool(gate.who, token) is None:
                return
            yield ": here\n\n"
