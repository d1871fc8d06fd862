"""One place that turns exceptions into what a person or a program reads. No traceback leaves."""

import logging
import secrets
from collections.abc import Collection, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import cast
from urllib.parse import urlencode, urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.callbacks import is_text
from service.api.faults import Fault, problem_response
from service.api.validation import problems_of
from service.i18n import Words, problem_text
from service.security import Forbidden, SignInNeeded
from service.security.gate import signed_in
from service.web.frame import Frame
from service.web.pages import Pages, send_to
from service.web.reader import local_path
from service.web.rooms.asking import NotMeant
from service.web.rooms.here import Here, here
from service.web.views.access import FaultPage
from store.problems import Problem
from workorders.errors import ConcurrentChange

_FORM = "application/x-www-form-urlencoded"
#: Requests that are read as they came, because they or their addresses are signed.
_SIGNED = ("/integrations/", "/m/", "/link/")
_TOLD = 5
"""Faulty fields that a page names; a form has seldom more."""
_LOG = logging.getLogger("hedgewarden.web")
_CODES = {
    400: "BAD_REQUEST",
    401: "SIGN_IN_NEEDED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "BODY_TOO_LARGE",
    422: "BAD_REQUEST",
    429: "TOO_MANY_REQUESTS",
    503: "UNAVAILABLE",
}
_API = "/api/"
#: What is fetched by itself, with no page to lead back to.
_FILES = (".xlsx", "/live")


def install_faults(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(SignInNeeded, _sign_in)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NotMeant, _not_meant)
    app.add_exception_handler(ConcurrentChange, _overtaken)


async def plain_form(request: Request) -> None:
    """A form holds text that can be kept; a dependency of every room.

    Raises:
        RequestValidationError: for a field with a NUL or half of a character in it.
    """
    typed = request.headers.get("content-type", "").startswith(_FORM)
    if not typed or request.url.path.startswith(_SIGNED):
        return
    form = await request.form()
    broken = [
        {"type": "string_unicode", "loc": ("body", name), "input": name, "msg": ""}
        for name, value in form.multi_items()
        if isinstance(value, str) and not is_text(value)
    ]
    if broken:
        raise RequestValidationError(broken)


async def refusal(scope: Scope, status: int, code: str) -> ASGIApp:
    """The answer of a middleware that refuses before any route is reached."""
    return fault(Request(scope), status, code, framed=False)


def fault(
    request: Request,
    status: int,
    code: str,
    *,
    detail: str = "",
    reference: str = "",
    framed: bool = True,
) -> Response:
    """A fault as a page, or as problem+json for a program.

    Args:
        request: what could not be done.
        status: the HTTP status.
        code: the fault's code.
        detail: what exactly, in the reader's language.
        reference: under which it stands in the service's log.
        framed: whether the page keeps the rooms of whoever is signed in; a fault of the service
            itself never does, since what the frame reads may be what is broken.
    """
    if request.url.path.startswith(_API):
        application = getattr(request.app.state, "application", None)
        if application is not None:
            found = Fault(status, code)
            return problem_response(request, application.catalogues, found, reference=reference)
        body = {"type": f"urn:hedgewarden:{code}", "status": status, "code": code}
        body |= {"detail": detail} if detail else {}
        body |= {"instance": reference} if reference else {}
        return JSONResponse(body, status, media_type="application/problem+json")
    pages = cast("Pages", request.app.state.pages)
    page = FaultPage(status, code, detail, reference, _back(request))
    around = _around(request) if framed and status < HTTPStatus.INTERNAL_SERVER_ERROR else None
    if around is None:
        return pages.respond(request, "fault.html", page, Frame(), status=status)
    return around.show("fault.html", page, "", live=False, status=status)


def _around(request: Request) -> Here | None:
    """The request of the person who is signed in; None when nobody is, or there are no rooms."""
    if getattr(request.app.state, "application", None) is None:
        return None
    try:
        return here(request, signed_in(request))
    except SignInNeeded:
        return None


def _sign_in(request: Request, fault_: Exception) -> Response:
    """To the sign-in page, and from there back: to the page asked for, or that of the act.

    An act is not done then: the person finds its page, looks once more and presses again.
    """
    del fault_
    if request.url.path.startswith(_API):
        return fault(request, 401, "SIGN_IN_NEEDED")
    asked = {}
    if request.method == "GET":
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    else:
        here, asked = _came_from(request), {"why": "undone"}
    query = urlencode(({} if here == "/" else {"next": here}) | asked, safe="/")
    return send_to(request, f"/login?{query}" if query else "/login")


def _back(request: Request) -> str:
    """Where the reader came from; empty for the first page, and for the address that failed."""
    came = _came_from(request)
    query = f"?{request.url.query}" if request.url.query else ""
    return "" if came in {"/", request.url.path + query} else came


def _came_from(request: Request) -> str:
    """The page of ours with the link or form, as the browser says; else the first page."""
    parts = urlsplit(request.headers.get("referer", ""))
    if parts.netloc != request.headers.get("host", ""):
        return "/"
    return local_path(parts.path + (f"?{parts.query}" if parts.query else ""))


def _forbidden(request: Request, refused: Exception) -> Response:
    reason = refused.reason if isinstance(refused, Forbidden) else ""
    pages = cast("Pages", request.app.state.pages)
    words = pages.reader(request).words
    known = f"reason.{reason}" in words
    return fault(request, 403, "FORBIDDEN", detail=words.reason(reason) if known else reason)


def _http(request: Request, raised: Exception) -> Response:
    status = raised.status_code if isinstance(raised, HTTPException) else 500
    return fault(request, status, _CODES.get(status, "BAD_REQUEST" if status < 500 else "FAULT"))  # noqa: PLR2004 - the class of HTTP codes


def _overtaken(request: Request, raised: Exception) -> Response:
    """Others moved the order again and again while it was tried: nothing was done."""
    del raised
    return fault(request, 409, "CONFLICT")


def _invalid(request: Request, raised: Exception) -> Response:
    """Fields that cannot be meant, each named with what stood there and what is allowed.

    A form goes back to its page, where the script puts in again what was typed.
    """
    errors = cast("RequestValidationError", raised).errors()
    words = cast("Pages", request.app.state.pages).reader(request).words
    found = problems_of(errors[:_TOLD])
    if request.method == "GET" and not request.url.path.startswith(_API):
        return _without(request, [str(one["loc"][1]) for one in errors], found)
    problems = [_labelled(one, words) for one in found]
    told = " ".join(problem_text(words, one) for one in problems)
    sent = request.method == "POST" and not request.url.path.startswith(_API)
    if sent and (page := _page_of_form(request)) and (around := _around(request)):
        return around.refused(page, told)
    return fault(request, 422, "BAD_REQUEST", detail=told)


def _not_meant(request: Request, raised: Exception) -> Response:
    """A page that is asked for with what there cannot be: the page without it, which says so."""
    fault_ = cast("NotMeant", raised)
    return _without(request, [fault_.name], [fault_.problem])


def _without(request: Request, names: Collection[str], problems: Sequence[Problem]) -> Response:
    words = cast("Pages", request.app.state.pages).reader(request).words
    labelled = [_labelled(one, words, asked=True) for one in problems]
    told = " ".join(problem_text(words, one) for one in labelled)
    kept = [(name, value) for name, value in request.query_params.multi_items()
            if name not in names]  # fmt: skip
    around = _around(request) if len(kept) < len(request.query_params.multi_items()) else None
    # a preview without a part of what it is asked for would show something else
    if around is None or request.url.path.endswith(_FILES) or "look" in request.query_params:
        return fault(request, 422, "BAD_REQUEST", detail=told)
    return around.refused(
        f"{request.url.path}?{urlencode(kept)}" if kept else request.url.path, told
    )


def _labelled(problem: Problem, words: Words, *, asked: bool = False) -> Problem:
    """The problem with the field's name as its form or filter has it; `asked` in an address."""
    name = problem.field.partition(".")[0]  # of a list the element has its number
    keys = [f"filter.{name}", f"form.{name}"] if asked else [f"form.{name}"]
    key = next((one for one in keys if one in words), "")
    return replace(problem, field=words.text(key)) if key else problem


def _page_of_form(request: Request) -> str:
    """The page that the form stood on; empty when the browser names none that can be opened."""
    address = request.headers.get("referer", "")
    if urlsplit(address).netloc != request.headers.get("host", ""):
        return ""
    wanted = {**request.scope, "path": urlsplit(address).path, "method": "GET"}
    there = any(route.matches(wanted)[0] is Match.FULL for route in request.app.routes)
    return _came_from(request) if there else ""


class NoTraceback:
    """The innermost wrapper: an unexpected exception becomes a page with a reference.

    The framework's own handler for them stands outside all middleware, where the answer would go
    out without the security headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = False

        async def noted(message: Message) -> None:
            nonlocal began
            began = began or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception:
            reference = secrets.token_hex(4)
            _LOG.exception("unexpected fault %s", reference)
            if began:
                raise
            answer = fault(Request(scope), 500, "FAULT", reference=reference)
            await answer(scope, receive, send)
