"""The console as an ASGI application: static files, protection, faults, sign-in, the rooms."""

import threading
from collections.abc import Iterable
from pathlib import Path

from fastapi import APIRouter, Depends, FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from service.security import Gate
from service.security.hosts import Hosts
from service.security.middleware import BodyLimit, KnownHosts, OwnPagesOnly, SecurityHeaders
from service.web.entry import preference_router
from service.web.faults import NoTraceback, install_faults, plain_form, refusal
from service.web.pages import Pages

STATIC_DIR = Path(__file__).parent / "static"


class HashedFiles(StaticFiles):
    """Built files carry a hash of their content in their name and may be kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with its lifetime."""
        response = await super().get_response(path, scope)
        for_ever = path.startswith("build/") and response.status_code in {200, 304}
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if for_ever else "no-cache"
        )
        return response


def make_web_app(
    pages: Pages,
    gate: Gate | None,
    routers: Iterable[APIRouter] = (),
    *,
    public_url: str = "",
    hsts: bool = False,
    hosts: Hosts | None = None,
    app: FastAPI | None = None,
) -> FastAPI:
    """The application with everything around the routes.

    Args:
        pages: makes the pages; routes find it as ``request.app.state.pages``.
        gate: found by `service.security.require` as ``request.app.state.gate``.
        routers: the rooms' routes and `entry.sign_in_router`.
        public_url: the address by which people reach the service, when a proxy changes the host.
        hsts: tell browsers to come by https only.
        hosts: the names by which it may be reached; None for any, where no port is open.
        app: add to this application instead of making one.
    """
    app = app or FastAPI(title="hedgewarden", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.pages = pages
    app.state.gate = gate
    # Set by whoever ends the service, so that open streams do not hold it back.
    app.state.ending = threading.Event()
    install_faults(app)
    app.mount("/static", HashedFiles(directory=STATIC_DIR), name="static")
    app.include_router(preference_router(pages))
    for router in routers:
        app.include_router(router, dependencies=[Depends(plain_form)])
    # The last one added is the outermost.
    app.add_middleware(NoTraceback)
    app.add_middleware(OwnPagesOnly, public_url=public_url, refuse=refusal)
    app.add_middleware(BodyLimit, refuse=refusal)
    if hosts is not None:
        app.add_middleware(KnownHosts, hosts=hosts, refuse=refusal)
    app.add_middleware(SecurityHeaders, hsts=hsts)
    return app
