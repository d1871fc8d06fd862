"""How a route makes a page: one template, one view model, one frame.

``return pages.respond(request, "orders/order.html", page, frame)``. Templates see ``page`` (the
view model), ``frame``, ``t`` (words by key), ``tm`` (the same with markup parameters), ``f``
(figures and times) and ``theme``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from service.web.assets import Assets
from service.web.frame import Flash, Frame
from service.web.reader import SAID_COOKIE, Reader, Said, local_path, read_reader, unpack_said
from service.web.views.parts import Act, spark_paths
from store import Clock

TEMPLATES = Path(__file__).parent / "templates"
LEVELS = ("red", "orange", "yellow", "blue")


@dataclass(frozen=True, slots=True)
class Look:
    """What the whole service's pages have in common.

    Attributes:
        clock: the service's; simulated in the demo.
        zone: the organisation's time zone.
        language: when neither person nor browser wishes one.
        demo: the demo composition: banner, inbox.
        strict: tests: a missing word raises.
        pseudo: tests: the language ``xx`` can be chosen.
        version: of the product.
    """

    clock: Clock
    zone: ZoneInfo
    language: str = "zh"
    demo: bool = False
    strict: bool = False
    pseudo: bool = False
    version: str = ""


class Pages:
    """Makes pages out of view models."""

    def __init__(
        self, assets: Assets, look: Look, *, finalize: Callable[[Any], Any] | None = None
    ) -> None:
        self.look = look
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.do"],
            finalize=finalize,
        )
        self._templates.globals |= {
            "asset": assets.url,
            "spark_paths": spark_paths,
            "levels": LEVELS,
        }

    def reader(
        self, request: Request, *, language: str = "", zone: ZoneInfo | None = None
    ) -> Reader:
        """Who reads: `language` is the signed-in person's own, `zone` the organisation's."""
        return read_reader(
            request,
            now=self.look.clock(),
            zone=zone or self.look.zone,
            person_language=language,
            default_language=self.look.language,
            strict=self.look.strict,
            pseudo=self.look.pseudo,
        )

    def respond(
        self,
        request: Request,
        template: str,
        page: object,
        frame: Frame,
        *,
        reader: Reader | None = None,
        status: int = 200,
    ) -> HTMLResponse:
        """The page as a response; what the act before it said is shown once."""
        reader = reader or self.reader(request)
        said = unpack_said(request.cookies.get(SAID_COOKIE, ""))
        if said is not None:
            frame = replace(frame, flashes=(*frame.flashes, _flash(reader, said)))
        if self.look.demo or self.look.version:
            frame = replace(
                frame,
                demo=frame.demo or self.look.demo,
                version=frame.version or self.look.version,
            )
        response = HTMLResponse(self.html(request, template, page, frame, reader), status)
        if said is not None:
            response.delete_cookie(SAID_COOKIE, httponly=True, samesite="lax")
        return response

    def html(
        self, request: Request, template: str, page: object, frame: Frame, reader: Reader
    ) -> str:
        """The page's text."""
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return self._templates.get_template(template).render(
            page=page,
            frame=frame,
            t=reader.words.text,
            tm=reader.words.markup,
            first=reader.words.first,
            f=reader.format,
            theme=reader.theme,
            lang=reader.language,
            here=here,
        )

    def redirect(self, url: str, said: Said | None = None) -> RedirectResponse:
        """After an act: to a page of our own, where `said` is shown once."""
        response = RedirectResponse(local_path(url), 303)
        if said is not None:
            response.set_cookie(
                SAID_COOKIE, said.packed(), max_age=60, httponly=True, samesite="lax"
            )
        return response


def _flash(reader: Reader, said: Said) -> Flash:
    undo = Act(reader.words.text("ui.undo"), said.undo_url, "undo") if said.undo_url else None
    return Flash(reader.words.text(said.key, **said.params), said.tone, undo)


def is_partial(request: Request) -> bool:
    """Whether htmx asks, which follows redirects by itself."""
    return request.headers.get("hx-request") == "true"


def send_to(request: Request, url: str) -> Response:
    """A redirect that also takes a page which asks through htmx along as a whole."""
    if is_partial(request):
        return Response(status_code=204, headers={"HX-Redirect": url})
    return RedirectResponse(url, 303)
