"""Routes that belong to no room: sign-in, sign-out, preferences."""

import secrets
from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from service.i18n.catalogue import LANGUAGES
from service.i18n.pseudo import PSEUDO
from service.security import Gate, sessions
from service.web.frame import Frame
from service.web.pages import Pages
from service.web.reader import (
    LANGUAGE_COOKIE,
    MONEY_COOKIE,
    MONEY_UNITS,
    ORDER_VIEWS,
    ORDERS_COOKIE,
    ORG_COOKIE,
    THEME_COOKIE,
    THEMES,
    local_path,
)
from service.web.views.access import DemoPerson, SignInPage

YEAR_S = 31_536_000

DemoPeople = Callable[[], tuple[DemoPerson, ...]]


def preference_router(pages: Pages) -> APIRouter:
    """`POST /preferences`: how pages look and what they look at; kept in cookies."""
    router = APIRouter(include_in_schema=False)
    languages = (*LANGUAGES, PSEUDO) if pages.look.pseudo else LANGUAGES
    known = {
        "language": (LANGUAGE_COOKIE, languages),
        "theme": (THEME_COOKIE, THEMES),
        "money": (MONEY_COOKIE, MONEY_UNITS),
        "orders": (ORDERS_COOKIE, ORDER_VIEWS),
    }

    @router.post("/preferences")
    async def prefer(request: Request) -> Response:
        form = await request.form()
        response = RedirectResponse(local_path(str(form.get("next", "/"))), 303)
        for name, (cookie, values) in known.items():
            value = str(form.get(name, ""))
            if value in values:
                response.set_cookie(cookie, value, max_age=YEAR_S, httponly=True, samesite="lax")
        if "org" in form:
            # Whether the person may see the unit is asked at every request, not here.
            response.set_cookie(
                ORG_COOKIE, quote(str(form["org"])[:400]), httponly=True, samesite="lax"
            )
        return response

    return router


class Entrance:
    """Opens and closes sessions for the routes below."""

    def __init__(self, pages: Pages, gate: Gate, demo_people: DemoPeople | None) -> None:
        self.pages = pages
        self.gate = gate
        self._demo_people = demo_people

    def people(self) -> tuple[DemoPerson, ...]:
        """The demo's people; none outside the demo."""
        return self._demo_people() if self._demo_people else ()

    def show(self, request: Request, page: SignInPage, status: int = 200) -> Response:
        """The sign-in page."""
        return self.pages.respond(request, "sign_in.html", page, Frame(), status=status)

    def enter(self, request: Request, token: str, next_url: str) -> Response:
        """On to the page that was asked for, with the new session and without an old one."""
        old = request.cookies.get(sessions.COOKIE, "")
        if old:
            self.gate.sign_out(old)
        response = self.pages.redirect(local_path(next_url))
        self.gate.set_cookie(response, token)
        return response

    def enter_as(self, request: Request, person_id: str, next_url: str) -> Response:
        """As one of the demo's people, without a password."""
        person = self.gate.directory().person(person_id)
        if person is None or not person.active:
            raise HTTPException(404)
        token = self.gate.begin(person, _address(request), how="demo")
        return self.enter(request, token, next_url)


def sign_in_router(
    pages: Pages,
    gate: Gate,
    *,
    demo_people: DemoPeople | None = None,
    demo_key: str = "",
    has_logins: Callable[[], bool] = lambda: True,
) -> APIRouter:
    """`/login` and `/logout`; in the demo also a sign-in as any of its people.

    Args:
        pages: makes the pages.
        gate: checks and opens sessions.
        demo_people: the demo's people; None outside the demo.
        demo_key: random per run; the link that the demo opens carries it and signs in as the first
            of the demo's people.
        has_logins: whether any password exists yet.
    """
    router = APIRouter(include_in_schema=False)
    entrance = Entrance(pages, gate, demo_people)

    @router.get("/login")
    def ask(request: Request, next: str = "/", why: str = "") -> Response:  # noqa: A002 - the parameter's name
        people = entrance.people()
        without = not people and not has_logins()
        page = SignInPage(
            next_url=local_path(next),
            people=people,
            without_people=without,
            undone=why == "undone",
        )
        return entrance.show(request, page)

    @router.post("/login")
    def check(
        request: Request,
        login: Annotated[str, Form(max_length=200)],
        password: Annotated[str, Form(max_length=1000)],
        next: Annotated[str, Form()] = "/",  # noqa: A002 - the parameter's name
    ) -> Response:
        result = gate.sign_in(login.strip(), password, _address(request))
        if result.token:
            return entrance.enter(request, result.token, next)
        page = SignInPage(login, result.code, local_path(next), entrance.people())
        return entrance.show(request, page, 429 if result.code == "TOO_MANY_ATTEMPTS" else 401)

    @router.post("/logout")
    def leave(request: Request) -> Response:
        gate.sign_out(request.cookies.get(sessions.COOKIE, ""))
        response = RedirectResponse("/login", 303)
        gate.clear_cookie(response)
        return response

    if demo_people:
        router.include_router(_demo_router(entrance, demo_key))
    return router


def _demo_router(entrance: Entrance, demo_key: str) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.post("/login/as")
    def enter_demo(
        request: Request,
        person: Annotated[str, Form()],
        next: Annotated[str, Form()] = "/",  # noqa: A002 - the parameter's name
    ) -> Response:
        if person not in {known.id for known in entrance.people()}:
            raise HTTPException(404)
        return entrance.enter_as(request, person, next)

    @router.get("/login/demo")
    def open_demo(request: Request, key: str = "") -> Response:
        if not demo_key or not secrets.compare_digest(key.encode(), demo_key.encode()):
            raise HTTPException(404)
        return entrance.enter_as(request, entrance.people()[0].id, "/")

    return router


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
