"""One request of a signed-in person: who asks, which rows may be seen, how they are written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast
from urllib.parse import unquote

from fastapi import Depends, Request
from fastapi.responses import Response
from sqlalchemy import select
from starlette.exceptions import HTTPException

from agents.facts import Surroundings
from directory import Directory, Scopes
from service.application import Application
from service.i18n.titles import rule_titles
from service.i18n.wording import Spoken
from service.security import SignedIn
from service.security.gate import signed_in
from service.web.frame import Frame
from service.web.pages import Pages
from service.web.reader import ORG_COOKIE, Reader, Said
from service.web.rooms.framing import make_frame
from service.web.rooms.names import Names
from trail.tables import HEAD


@dataclass(frozen=True, slots=True)
class Here:
    """The request at hand.

    Attributes:
        app: the application's ports.
        signed: the person.
        org: the unit that the person chose to look at; empty for all that is visible.
        scopes: paths whose rows this request may show, within `org`.
        reader: language, figures, theme.
        names: how codes and people are called.
        around: directory and calendar as they are now.
        trail_size: records that the trail had before anything was read for the page; what comes
            after them, the page does not show yet.
    """

    app: Application
    pages: Pages
    request: Request
    signed: SignedIn
    org: str
    scopes: Scopes
    reader: Reader
    names: Names
    around: Surroundings
    trail_size: int

    @property
    def now(self) -> datetime:
        """The time of the request."""
        return self.signed.at

    @property
    def directory(self) -> Directory:
        """People and organisations."""
        return self.signed.directory

    @property
    def person(self) -> str:
        """The id of who asks."""
        return self.signed.person.id

    def text(self, key: str, **params: object) -> str:
        """Words of the catalogue."""
        return self.reader.words.text(key, **params)

    @property
    def spoken(self) -> Spoken:
        """The words of cards and messages, which also say codes and times."""
        return self.app.catalogues.words("zh" if self.names.zh else "en")

    def may(self, permission: str, org: str = "") -> bool:
        """Whether the person may act with `permission` at `org`."""
        return self.signed.may(permission, org)

    def why_not(self, permission: str, org: str = "") -> str:
        """Why the person may not, as a sentence; empty when nothing forbids it."""
        where = org or self.signed.person.unit
        verdict = self.directory.may(self.person, permission, where, self.now)
        if verdict.allowed:
            return ""
        return self.text(
            "ui.why.permission",
            permission=self.names.permission(permission),
            why=self.names.reason(verdict.reason.value),
        )

    def show(
        self, template: str, page: object, active: str, *, live: bool = True, status: int = 200
    ) -> Response:
        """The page in its frame."""
        frame = self.frame(active, live=live)
        return self.pages.respond(
            self.request, template, page, frame, reader=self.reader, status=status
        )

    def frame(self, active: str, *, live: bool = True) -> Frame:
        """What stands around the page."""
        return make_frame(
            self.app,
            self.signed,
            self.names,
            self.reader,
            org=self.org,
            scopes=self.scopes,
            active=active,
            live_url=f"/live?since={self.trail_size}" if live else "",
            search=self.request.query_params.get("q", ""),
        )

    def done(self, url: str, key: str, undo_url: str = "", **params: str) -> Response:
        """After an act: to `url`, where the sentence `key` is shown once."""
        return self.pages.redirect(url, Said(key, params, undo_url=undo_url))

    def refused(self, url: str, why: str) -> Response:
        """After a refusal: to `url`, which says why."""
        return self.pages.redirect(url, Said("ui.said.refused", {"why": why}, "bad"))


def here(request: Request, signed: Annotated[SignedIn, Depends(signed_in)]) -> Here:
    """A FastAPI dependency; raises `SignInNeeded` through `signed_in`."""
    app = cast("Application", request.app.state.application)
    pages = cast("Pages", request.app.state.pages)
    trail_size = size_of_trail(app)
    around = app.directories.now()
    visible = signed.directory.visible_scopes(signed.person.id, signed.at)
    org = unquote(request.cookies.get(ORG_COOKIE, ""))
    chosen = org if org and signed.sees(org) else ""
    zone = signed.directory.timezone(signed.person.unit) if signed.person.unit else None
    reader = pages.reader(request, language=signed.person.language, zone=zone)
    return Here(
        app=app,
        pages=pages,
        request=request,
        signed=signed,
        org=chosen,
        scopes=visible.narrowed(chosen) if chosen else visible,
        reader=reader,
        names=Names(reader.words, signed.directory, _titles(app)),
        around=around,
        trail_size=trail_size,
    )


def size_of_trail(app: Application) -> int:
    """How many records the trail has."""
    with app.store.reader() as connection:
        return connection.scalar(select(HEAD.c.size)) or 0


def _reading(permission: str) -> Callable[..., Here]:
    """A dependency: the request of somebody who may read such rows."""

    def checked(found: Annotated[Here, Depends(here)]) -> Here:
        found.signed.check(permission)
        return found

    return checked


Anyone = Annotated[Here, Depends(here)]
Viewer = Annotated[Here, Depends(_reading("view"))]
BookReader = Annotated[Here, Depends(_reading("book.read"))]
LogReader = Annotated[Here, Depends(_reading("log.read"))]
RulesReader = Annotated[Here, Depends(_reading("rules.read"))]
TrailReader = Annotated[Here, Depends(_reading("trail.read"))]


def not_found() -> HTTPException:
    """The same answer for what is not there and for what must not be seen."""
    return HTTPException(404)


def _titles(app: Application) -> Mapping[str, Mapping[str, str]]:
    return rule_titles(app.rulebook)
