"""Plain ASGI wrappers around the whole service: headers, body limit, forged requests."""

from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.security.hosts import Hosts
from service.security.origin import forged

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
BODY_LIMIT = 16 * 1024 * 1024

Refuse = Callable[[Scope, int, str], Awaitable[ASGIApp]]
"""Makes the response to a refused request: scope, status, code."""


async def plain_refusal(scope: Scope, status: int, code: str) -> ASGIApp:
    """The refusal in one word, for where no page can be made."""
    del scope
    return PlainTextResponse(code, status)


class SecurityHeaders:
    """Every response carries the headers; what is not a static file is never stored."""

    def __init__(self, app: ASGIApp, *, static: str = "/static/", hsts: bool = False) -> None:
        self.app = app
        self.static = static
        self.hsts = hsts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self.hsts:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
                if not scope["path"].startswith(self.static):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


class KnownHosts:
    """A request for a host that is none of ours is refused with 421, before anything is read."""

    def __init__(self, app: ASGIApp, *, hosts: Hosts, refuse: Refuse = plain_refusal) -> None:
        self.app = app
        self.hosts = hosts
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        given = Headers(scope=scope).getlist("host") if scope["type"] == "http" else []
        if scope["type"] == "http" and not (len(given) == 1 and self.hosts.ours(given[0])):
            await (await self.refuse(scope, 421, "UNKNOWN_HOST"))(scope, receive, send)
            return
        await self.app(scope, receive, send)


class BodyLimit:
    """A body over the limit is refused before it is read, or as soon as it has grown too large."""

    def __init__(
        self, app: ASGIApp, *, limit: int = BODY_LIMIT, refuse: Refuse = plain_refusal
    ) -> None:
        self.app = app
        self.limit = limit
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdigit() or int(declared) > self.limit:
            await (await self.refuse(scope, 413, "BODY_TOO_LARGE"))(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.limit:
                raise HTTPException(413, "BODY_TOO_LARGE")
            return message

        await self.app(scope, counted, send)


class OwnPagesOnly:
    """A changing request that comes from another site is refused with 403."""

    def __init__(
        self, app: ASGIApp, *, public_url: str = "", refuse: Refuse = plain_refusal
    ) -> None:
        self.app = app
        self.public_url = public_url
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            code = forged(scope["method"], headers, scope["scheme"], self.public_url)
            if code:
                await (await self.refuse(scope, 403, code))(scope, receive, send)
                return
        await self.app(scope, receive, send)
