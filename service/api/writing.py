"""Changing requests: one transaction of the caller, done once for each Idempotency-Key.

The key and the answer stand in the inbox in the same transaction as the act; the same request again
gets the same answer and changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request
from fastapi.responses import Response
from sqlalchemy import select

from service.api.access import App, Caller, Who
from service.api.faults import MEDIA_TYPE, ApiFault, Fault, language_of, problem_document
from service.application import Application
from service.retrying import retried
from store import UnitOfWork, inbox
from store.schema import table

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key with the same request is carried out once.",
    ),
]
REPLAYED = "Idempotent-Replayed"
_INBOX = table("store_inbox")


@dataclass(frozen=True, slots=True)
class Done:
    """What an act came to: a body with its status, or a refusal that is recorded all the same."""

    status: int
    body: Mapping[str, Any] | None = None
    refused: Fault | None = None


Act = Callable[[UnitOfWork], Done]


@dataclass(frozen=True, slots=True)
class Call:
    """A changing request.

    Attributes:
        who: for whom it is made.
        key: of idempotency; None without one.
        body: as it came, so that the fingerprint covers it.
    """

    request: Request
    app: Application
    who: Caller
    key: str | None
    body: bytes

    @property
    def source(self) -> str:
        """The inbox's name for this caller's keys."""
        return f"api:{self.who.person.id}"

    @property
    def fingerprint(self) -> str:
        """What tells one request from another."""
        at = self.request
        said = f"{at.method} {at.url.path}?{at.url.query}\n".encode()
        return sha256(said + self.body).hexdigest()


async def _call(request: Request, app: App, who: Who, key: IdempotencyKey = None) -> Call:
    return Call(request, app, who, key, await request.body())


Writing = Annotated[Call, Depends(_call)]


def write(call: Call, act: Act) -> Response:
    """Run `act` as the caller and answer with what it came to.

    Raises:
        ApiFault: what `act` raises, or a key that was used for another request.
    """
    return retried(lambda: _once(call, act))


def _once(call: Call, act: Act) -> Response:
    with call.app.store.unit_of_work(call.who.person.id) as uow:
        if call.key is not None:
            payload = {"fingerprint": call.fingerprint}
            if not inbox.accept(uow, call.source, call.key, payload):
                return _again(uow, call)
        answer = _answer(call.app, act(uow))
        if call.key is not None:
            inbox.consume(uow, _row(uow, call).id, answer)
    return _respond(call.request, answer)


def remember(call: Call) -> Response | None:
    """The answer that a key has had; None for a new one. For acts outside the database."""
    if call.key is None:
        return None
    with call.app.store.unit_of_work(call.who.person.id) as uow:
        return None if _row(uow, call) is None else _again(uow, call)


def _again(uow: UnitOfWork, call: Call) -> Response:
    row = _row(uow, call)
    if row is None or row.payload.get("fingerprint") != call.fingerprint:
        raise ApiFault(422, "IDEMPOTENCY_KEY_REUSED")
    if row.outcome is None:
        raise ApiFault(409, "IDEMPOTENCY_KEY_BUSY")
    return _respond(call.request, row.outcome, replayed=True)


def _row(uow: UnitOfWork, call: Call) -> Any:
    c = _INBOX.c
    wanted = select(_INBOX).where(c.source == call.source, c.message_key == call.key)
    return uow.execute(wanted).one_or_none()


def _answer(app: Application, done: Done) -> dict[str, Any]:
    if done.refused is None:
        return {"status": done.status, "body": dict(done.body or {}), "problem": False}
    document = problem_document(app.catalogues, done.refused, "en")
    return {"status": done.refused.status, "body": document, "problem": True}


def _respond(request: Request, answer: Mapping[str, Any], *, replayed: bool = False) -> Response:
    body = dict(answer["body"])
    if answer["problem"]:
        body["title"] = body["titles"][language_of(request)]
    media = MEDIA_TYPE if answer["problem"] else "application/json"
    headers = {REPLAYED: "true"} if replayed else {}
    return Response(orjson.dumps(body), answer["status"], media_type=media, headers=headers)
