"""One place that turns exceptions and refusals into problem+json (RFC 9457), in both languages.

`fault_of` maps what may be raised; `problem_response` writes it. Nothing of the inside, above all
no traceback, reaches a caller: an unexpected exception is a reference into the service's own log.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from approvals import NoPlan, UnknownDelegation, UnknownRequest
from auditlog.errors import (
    BadQueryError,
    DiskFullError,
    LogBusyError,
    LogClosedError,
    LogError,
    LogUnavailableError,
    LogVersionError,
    SqlRefusedError,
    SqlTimeoutError,
    UnknownFieldError,
    UnknownRowError,
)
from directory import (
    AccountTaken,
    InvalidDirectory,
    UnknownPermission,
    UnknownPerson,
    UnknownProduct,
    UnknownYear,
)
from rules.errors import UnknownRule
from service.api.validation import problems_of
from service.i18n.catalogue import problem_text
from service.i18n.choice import choose_language
from service.i18n.wording import Catalogues, Spoken
from service.security import Forbidden, SignInNeeded
from store import DiskFull
from store.problems import Problem
from trail import UnknownRecord
from workorders.errors import BadLevel, ConcurrentChange, UnknownAlert, UnknownOrder
from workorders.plain import plain

MEDIA_TYPE = "application/problem+json"
LANGUAGES = ("en", "zh")
#: Units and rows that a refusal names.
_NAMED = 20
_KEYS = ("api.{}", "reason.{}", "problem.{}", "ui.fault.{}", "approvals.reason.{}")
_STATUS_CODES = {
    400: "BAD_REQUEST",
    401: "SIGN_IN_NEEDED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    409: "CONFLICT",
    413: "BODY_TOO_LARGE",
    415: "MEDIA_TYPE",
    422: "BAD_REQUEST",
    429: "TOO_MANY_REQUESTS",
    503: "UNAVAILABLE",
}
_SERVER_FAULT = 500

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fault:
    """What the caller is told.

    Attributes:
        code: in capitals; words are made here, at the edge.
        params: what the sentence may name.
        problems: what is wrong with the data, one each.
    """

    status: int
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiFault(Exception):  # noqa: N818 - it carries a Fault
    """A refusal that ends a request and rolls its transaction back."""

    def __init__(
        self,
        status: int,
        code: str,
        *,
        params: Mapping[str, Any] | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        super().__init__(code)
        self.fault = Fault(status, code, params or {}, problems)


def out_of_scope(permission: str, orgs: Sequence[str], rows: Sequence[int]) -> ApiFault:
    """The refusal of a batch with rows of units for which the caller may not write.

    Args:
        permission: that is missing there.
        orgs: the units, in order.
        rows: the numbers of their rows, from 1.
    """
    params = {
        "permission": permission,
        "why": "GRANT_OUT_OF_SCOPE",
        "orgs": list(orgs[:_NAMED]),
        "rows": list(rows[:_NAMED]),
    }
    return ApiFault(403, "FORBIDDEN", params=params)


def not_found() -> ApiFault:
    """There is none, or it belongs to a unit that the caller does not see: the same answer."""
    return ApiFault(404, "NOT_FOUND")


def fault_of(  # noqa: C901, PLR0911, PLR0912 - one return an exception
    raised: Exception, body: object = None
) -> Fault:
    """The fault that an exception means to a caller.

    Args:
        raised: the exception.
        body: the type of the request's body, for the fields that it allows.
    """
    match raised:
        case ApiFault():
            return raised.fault
        case SignInNeeded():
            return Fault(401, "SIGN_IN_NEEDED", headers={"WWW-Authenticate": "Bearer"})
        case Forbidden():
            return Fault(403, "FORBIDDEN", {"permission": raised.permission, "why": raised.reason})
        case RequestValidationError():
            return Fault(422, "BAD_REQUEST", problems=problems_of(raised.errors(), body))
        case HTTPException():
            status = raised.status_code
            code = _STATUS_CODES.get(status, "BAD_REQUEST" if status < _SERVER_FAULT else "FAULT")
            return Fault(status, code, headers=dict(raised.headers or {}))
        case UnknownDelegation() | UnknownRequest() | UnknownRecord() | UnknownRule():
            return Fault(404, "NOT_FOUND")
        case UnknownOrder() | UnknownAlert():
            return Fault(404, "NOT_FOUND")
        case NoPlan():
            return Fault(409, "NO_PLAN", {"kind": raised.kind, "org": raised.org})
        case UnknownPerson():
            return Fault(422, "UNKNOWN_PERSON", {"person": raised.person})
        case UnknownPermission():
            return Fault(422, "UNKNOWN_PERMISSION", {"permission": raised.permission})
        case AccountTaken():
            return Fault(409, "ACCOUNT_TAKEN")
        case ConcurrentChange():
            return Fault(409, "CONFLICT")
        case BadLevel():
            return Fault(422, "BAD_REQUEST")
        case UnknownProduct():
            return Fault(422, "UNKNOWN_PRODUCT", {"found": raised.product, "hint": raised.hint})
        case UnknownYear():
            # who asks may not load it, and asking in other words does not help
            return Fault(409, "CALENDAR_MISSING", {"year": raised.year, "region": raised.region})
        case InvalidDirectory():
            # nobody sends a whole directory here: what cannot be read is what we keep
            return Fault(500, "DIRECTORY_UNREADABLE")
        case (
            LogBusyError()
            | LogClosedError()
            | LogUnavailableError()
            | LogVersionError()
            | OperationalError()
        ):
            return Fault(503, "UNAVAILABLE", headers={"Retry-After": "5"})
        case DiskFull() | DiskFullError():
            return Fault(507, raised.code, headers={"Retry-After": "60"})
        case UnknownRowError():
            return Fault(404, raised.code, {"found": str(raised)})
        case UnknownFieldError() | BadQueryError() | SqlRefusedError() | SqlTimeoutError():
            return Fault(422, raised.code, {"found": str(raised)})
        case LogError():
            return Fault(500, raised.code)
        case _:
            return Fault(500, "FAULT")


def words_of(catalogues: Catalogues, code: str, params: Mapping[str, Any]) -> dict[str, str]:
    """The sentence of a code in both languages; the code itself where no catalogue knows it."""
    return {name: said(catalogues.words(name), code, params) for name in LANGUAGES}


def said(spoken: Spoken, code: str, params: Mapping[str, Any]) -> str:
    """The sentence of a code in one language."""
    for pattern in _KEYS:
        if (key := pattern.format(code)) in spoken.words:
            return spoken.text(key, **params)
    return code


def language_of(request: Request) -> str:
    """The language that the caller asks for."""
    wished = request.headers.get("accept-language", "")
    return choose_language("", "", wished, default="en", known=LANGUAGES)


def problem_response(
    request: Request, catalogues: Catalogues, fault: Fault, *, reference: str = ""
) -> Response:
    """The fault as problem+json: `title` in the caller's language, `titles` in both."""
    body = problem_document(catalogues, fault, language_of(request), reference=reference)
    return Response(
        orjson.dumps(body), fault.status, media_type=MEDIA_TYPE, headers=dict(fault.headers)
    )


def problem_document(
    catalogues: Catalogues, fault: Fault, language: str, *, reference: str = ""
) -> dict[str, Any]:
    """The body of a problem."""
    params = plain(dict(fault.params))
    titles = words_of(catalogues, fault.code, params)
    body: dict[str, Any] = {
        "type": f"urn:hedgewarden:{fault.code}",
        "title": titles[language],
        "titles": titles,
        "status": fault.status,
        "code": fault.code,
        "params": params,
        "problems": [problem_shown(catalogues, one) for one in fault.problems],
    }
    if reference:
        body["instance"] = f"urn:hedgewarden:fault:{reference}"
    return body


def problem_shown(catalogues: Catalogues, problem: Problem) -> dict[str, Any]:
    """A problem's fields, and its sentence in both languages."""
    shown = problem.as_dict()
    return {
        **shown,
        "titles": {name: problem_text(catalogues.words(name).words, problem) for name in LANGUAGES},
    }


class NoTraceback:
    """The wrapper around the API: what nobody caught becomes a problem with a reference."""

    def __init__(self, app: ASGIApp, catalogues: Catalogues) -> None:
        self.app = app
        self.catalogues = catalogues

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

        if b"%00" in scope["query_string"] or "\0" in scope["path"]:
            # no text of ours holds it, and PostgreSQL takes none that does
            fault = Fault(422, "CONTROL_CHARACTER")
            await problem_response(Request(scope), self.catalogues, fault)(scope, receive, send)
            return
        try:
            await self.app(scope, receive, noted)
        except Exception as raised:
            fault = fault_of(raised)
            reference = ""
            if fault.status == _SERVER_FAULT:
                reference = secrets.token_hex(4)
                _log.exception("unexpected fault", reference=reference)
            if began:
                raise
            answer = problem_response(Request(scope), self.catalogues, fault, reference=reference)
            await answer(scope, receive, send)
