"""Slack's two endpoints: buttons, the shortcut and its form; and slash commands.

The raw bytes are verified before anything in them is believed. An accepted click stands in the
inbox before the answer of 200 goes out, within Slack's three seconds; the work is done afterwards.
"""

from collections.abc import Mapping
from urllib.parse import parse_qs

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from integrations.callbacks import is_text
from integrations.slack import SlackChannel
from integrations.slack_forms import Submission
from service.api.faults import Fault
from service.application import Application
from service.inbound import clicks, commands, slack_forms
from service.inbound.requests import raw_of, refused
from workorders.channel import Inbound, Refusal

CHANNEL = "slack"
_RETRY = "x-slack-retry-num"
_OK = 200


def slack_router(app: Application) -> APIRouter:
    """The endpoints of an application that has Slack; without it they answer 404."""
    router = APIRouter(prefix="/integrations/slack", include_in_schema=False)

    @router.post("/interactivity")
    async def interactivity(request: Request, later: BackgroundTasks) -> Response:
        raw = await raw_of(request, app)
        channel = app.channels.get(CHANNEL)
        if not isinstance(channel, SlackChannel):
            return refused(request, app, Fault(404, "NOT_FOUND"))
        return await _answer(request, app, later, channel.asked(raw))

    @router.post("/commands")
    async def command(request: Request, later: BackgroundTasks) -> Response:
        raw = await raw_of(request, app)
        channel = app.channels.get(CHANNEL)
        if not isinstance(channel, SlackChannel):
            return refused(request, app, Fault(404, "NOT_FOUND"))
        refusal = channel.refusal(raw)
        if refusal is not None:
            return refused(request, app, Fault(refusal.status, refusal.code))
        fields = _fields(raw.body)
        if fields is None:
            return refused(request, app, Fault(400, "MALFORMED"))
        event_id = raw.headers["x-slack-signature"]
        said = await run_in_threadpool(typed, app, fields, event_id)
        if isinstance(said, Inbound):
            return await _accepted(request, app, later, said)
        return JSONResponse({"response_type": "ephemeral", "text": said})

    return router


async def _answer(
    request: Request,
    app: Application,
    later: BackgroundTasks,
    found: Inbound | Submission | Refusal,
) -> Response:
    match found:
        case Submission():
            return await _submitted(request, app, later, found)
        case Inbound():
            return await _accepted(request, app, later, found)
    if found.status == _OK:
        return Response(status_code=_OK)
    return refused(request, app, Fault(found.status, found.code))


async def _accepted(
    request: Request, app: Application, later: BackgroundTasks, inbound: Inbound
) -> Response:
    new = await run_in_threadpool(clicks.accept, app, inbound)
    if not new:
        # Slack says when it sends the same again; anybody else who does so replays it.
        if _RETRY in request.headers:
            return Response(status_code=_OK)
        return refused(request, app, Fault(409, "REPLAYED"))
    later.add_task(clicks.work_off, app)
    return Response(status_code=_OK, background=later)


async def _submitted(
    request: Request, app: Application, later: BackgroundTasks, sent: Submission
) -> Response:
    answered = await run_in_threadpool(slack_forms.submit, app, sent)
    if not answered.new and _RETRY not in request.headers:
        return refused(request, app, Fault(409, "REPLAYED"))
    if answered.say:
        later.add_task(clicks.whisper, app, sent.inbound, answered.say)
    if not answered.body:
        return Response(status_code=_OK, background=later)  # closes the form
    return JSONResponse(dict(answered.body), background=later)


def typed(app: Application, fields: Mapping[str, str], event_id: str) -> str | Inbound:
    """What a slash command is answered with, or the act that it asks for.

    Args:
        app: the application.
        fields: of Slack's form.
        event_id: of this request.
    """
    inbound = Inbound(
        channel=CHANNEL,
        actor_ref=f"{fields['team_id']}/{fields['user_id']}",
        object_id="",
        verb="",
        version=0,
        event_id=event_id,
        reply={"channel": fields.get("channel_id", ""), "user": fields["user_id"]},
    )
    command = fields.get("command", "/hedgewarden")
    return commands.answer(app, inbound, fields.get("text", ""), command)


def _fields(body: bytes) -> dict[str, str] | None:
    try:
        found = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=True)
    except ValueError:
        return None
    fields = {name: values[0] for name, values in found.items()}
    whole = fields.get("team_id") and fields.get("user_id")
    return fields if whole and all(map(is_text, fields.values())) else None
