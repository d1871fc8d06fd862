"""What a chat's verified callback leads to: a click into the inbox, a word answered.

What acts is durable before the answer goes out; the work is done afterwards.
"""

from collections.abc import Callable
from enum import Enum, auto

from fastapi import BackgroundTasks, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from integrations.written import Written
from service.api.faults import Fault
from service.application import Application
from service.inbound import clicks, commands
from service.inbound.requests import refused
from store import UnitOfWork, inbox
from workorders.channel import Inbound, Refusal

Also = Callable[[UnitOfWork, Inbound], None]
_OK = 200


class Kept(Enum):
    """What became of a verified click.

    `AGAIN` is the chat's own repetition, signed anew; `REPLAYED` is the very same request once
    more, which no chat sends.
    """

    NEW = auto()
    AGAIN = auto()
    REPLAYED = auto()


def nothing_more(_uow: UnitOfWork, _inbound: Inbound) -> None:
    """What is kept beside a click, where the chat needs nothing."""


async def answer(
    request: Request,
    app: Application,
    later: BackgroundTasks,
    found: Inbound | Written | Refusal,
    *,
    taken: Callable[[BackgroundTasks | None], Response],
    also: Also = nothing_more,
) -> Response:
    """The answer to a verified or refused callback, once what acts is durable.

    Args:
        request: for the language of a refusal.
        app: the application.
        later: what is done after the answer.
        found: what `asked` of the channel gave.
        taken: this chat's own answer of 200, with what is done after it.
        also: keeps more in the transaction of a new click.
    """
    if isinstance(found, Refusal):
        if found.status == _OK:
            return taken(None)
        return refused(request, app, Fault(found.status, found.code))
    if not await run_in_threadpool(take, app, later, found, also):
        return refused(request, app, Fault(409, "REPLAYED"))
    return taken(later)


def take(
    app: Application, later: BackgroundTasks, found: Inbound | Written, also: Also = nothing_more
) -> bool:
    """Keep what acts, answer what asks; False for a request that is replayed.

    Args:
        app: the application.
        later: what is done after the answer.
        found: what `asked` of the channel gave.
        also: keeps more in the transaction of a new click.
    """
    if isinstance(found, Written):
        inbound = _by_word(found)
        said = commands.answer(app, inbound, found.text, "")
        if isinstance(said, str):
            later.add_task(clicks.whisper, app, inbound, said)
            return True
        found = said
    later.add_task(clicks.work_off, app)
    return keep(app, found, also) is not Kept.REPLAYED


def keep(app: Application, inbound: Inbound, also: Also) -> Kept:
    """Put a click into the inbox; its `reply` holds as `seal` the signature that it came with."""
    with app.store.unit_of_work(clicks.actor_of(inbound.channel)) as uow:
        if clicks.keep(uow, inbound):
            also(uow, inbound)
            return Kept.NEW
        known = inbox.payload(uow.connection, inbound.channel, inbound.event_id) or {}
    seal = known.get("reply", {}).get("seal")
    return Kept.REPLAYED if seal == inbound.reply.get("seal") else Kept.AGAIN


def _by_word(written: Written) -> Inbound:
    return Inbound(
        channel=written.channel,
        actor_ref=written.actor_ref,
        object_id="",
        verb="",
        version=0,
        event_id=written.event_id,
        reply={"user": written.user, "seal": written.seal},
    )
