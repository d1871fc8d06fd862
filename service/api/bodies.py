"""The body of a request as JSON has it: what a parser would guess about is refused.

Of two values under one name the parser keeps the last, `NaN` is no number of JSON, and a body of
another type, or one that nobody asked for, would be passed over without a word. Whoever sent it
means something by it, so it is told instead.
"""

import json
from email.message import Message as MailMessage
from typing import Any, Final, NoReturn

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.faults import ApiFault
from store.problems import Problem, shorten

#: Brackets within brackets; no request of ours nests deeper than a few.
DEEPEST: Final = 64
#: In the scope: whether a body came that says something.
SENT: Final = "hedgewarden.body"
_BODIES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
#: Batches of events are no single document; their reader judges each row for itself.
_ROWS: Final = "/events"
#: A file comes in a form; its reader judges what else stands there.
_FILES: Final = "/files"
_JSON: Final = "application/json"
FORM: Final = "multipart/form-data"


class StrictBodies:
    """The wrapper that reads a body first, checks it, and hands it on as it came."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI.

        Raises:
            ApiFault: for a body that is none of JSON, or that can be read in two ways.
        """
        if scope["type"] != "http" or scope["method"] not in _BODIES or _read_apart(scope):
            await self.app(scope, receive, send)
            return
        body = await _whole(receive)
        if body:
            check_type(Headers(scope=scope).get("content-type", ""))
            scope[SENT] = check_json(body) != {}
        given: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return given.pop() if given else await receive()

        await self.app(scope, again, send)


def check_type(content_type: str, allowed: str = _JSON) -> None:
    """Refuse what does not say that it is JSON, or the other form that is allowed.

    Raises:
        ApiFault: with the type that is expected.
    """
    message = MailMessage()
    message["content-type"] = content_type
    given = message.get_content_type()
    if given == allowed:
        return
    if allowed == _JSON and given.startswith("application/") and given.endswith("+json"):
        return
    raise _refused(
        Problem(
            "INPUT_MEDIA_TYPE",
            field="Content-Type",
            found=shorten(content_type) or "—",
            allowed=allowed,
        ),
        status=415,
        code="MEDIA_TYPE",
    )


def check_json(body: bytes) -> Any:
    """The document of a body.

    Raises:
        ApiFault: when it is no JSON, names a field twice, or holds `NaN` or an infinity.
    """
    try:
        text = body.decode()
        _check_depth(text)
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except UnicodeDecodeError as fault:
        raise _refused(_no_json(f"UTF-8, {fault.start}")) from None
    except json.JSONDecodeError as fault:
        raise _refused(_no_json(f"{fault.msg} ({fault.lineno}:{fault.colno})")) from None
    except ValueError as fault:  # a whole number of thousands of digits
        raise _refused(_no_json(shorten(str(fault)))) from None


def _no_json(detail: str) -> Problem:
    return Problem("INPUT_JSON", field="body", allowed="JSON", params={"detail": detail})


def _check_depth(text: str) -> None:
    """Count the brackets outside of texts, so that no parser runs out of its stack."""
    depth, quoted, escaped = 0, False, False
    for sign in text:
        if quoted:
            quoted, escaped = escaped or sign != '"', sign == "\\" and not escaped
        elif sign == '"':
            quoted = True
        elif sign in "[{":
            depth += 1
            if depth > DEEPEST:
                allowed = f"≤ {DEEPEST}"
                raise _refused(Problem("INPUT_TOO_DEEP", field="body", allowed=allowed))
        elif sign in "]}":
            depth -= 1


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            shown = shorten(name)
            raise _refused(Problem("DUPLICATE_KEY", field=shown, found=shown, allowed="1"))
        found[name] = value
    return found


def _no_number(constant: str) -> NoReturn:
    problem = Problem("INPUT_NOT_FINITE", field="body", found=constant, allowed="0, 1.5, -2 …")
    raise _refused(problem)


def _refused(problem: Problem, *, status: int = 422, code: str = "BAD_REQUEST") -> ApiFault:
    return ApiFault(status, code, problems=[problem])


def _read_apart(scope: Scope) -> bool:
    return str(scope["path"]).rstrip("/").endswith((_ROWS, _FILES))


async def _whole(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return b"".join(parts)
