"""The page behind a private link: the person signed in ties the own chat account."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from directory import AccountTaken
from service.application import Application
from service.inbound import acting, clicks, linking
from service.inbound.views import LinkPage
from service.retrying import retried
from service.security import SignedIn, signed_in
from service.web.frame import Frame
from service.web.pages import Pages
from service.web.reader import Reader
from workorders import Answer
from workorders.channel import Inbound

Signed = Annotated[SignedIn, Depends(signed_in)]


def link_router(app: Application, pages: Pages) -> APIRouter:
    """`/link/<channel>/<token>`."""
    router = APIRouter(include_in_schema=False)

    def read(request: Request, signed: SignedIn) -> Reader:
        return pages.reader(request, language=signed.person.language)

    def show(request: Request, signed: SignedIn, page: LinkPage, status: int = 200) -> Response:
        frame, reader = Frame(person=signed.person.name), read(request, signed)
        template = "link_account.html"
        return pages.respond(request, template, page, frame, reader=reader, status=status)

    @router.get("/link/{channel}/{token}")
    def ask(request: Request, channel: str, token: str, signed: Signed) -> Response:
        with app.store.reader() as connection:
            link = linking.find(connection, channel, token, app.clock())
        if link is None:
            return show(request, signed, LinkPage("gone"), 410)
        account = _account(read(request, signed), link)
        return show(request, signed, LinkPage("ask", signed.person.name, account))

    @router.post("/link/{channel}/{token}")
    def tie(request: Request, channel: str, token: str, signed: Signed) -> Response:
        now = app.clock()
        with app.store.reader() as connection:
            link = linking.find(connection, channel, token, now)
            waiting = linking.waiting(connection, link) if link is not None else None
        if link is None:
            return show(request, signed, LinkPage("gone"), 410)
        try:
            tied, answer = retried(lambda: _tie(app, signed.person.id, link, waiting))
        except AccountTaken:
            return show(request, signed, LinkPage("taken"), 409)
        if not tied:
            return show(request, signed, LinkPage("gone"), 410)
        said = ""
        if waiting is not None and answer is not None:
            said = clicks.sentence(app, signed.person, answer, read(request, signed).language)
            clicks.whisper(app, waiting, clicks.sentence(app, signed.person, answer))
            clicks.show_anew(app)
        account = _account(read(request, signed), link)
        return show(request, signed, LinkPage("done", signed.person.name, account, said))

    return router


def _account(reader: Reader, link: linking.Link) -> str:
    """The account with the chat's name, as the reader of the page calls it."""
    chat = reader.words.text(f"chat.name.{link.account.channel}").strip()
    return f"{chat} {link.account.team}/{link.account.user}"


def _tie(
    app: Application, person: str, link: linking.Link, waiting: Inbound | None
) -> tuple[bool, Answer | None]:
    """Whether the link was still free, and what came of the act that waited behind it.

    The act completes by itself, with the rights of now and with the tie itself: a link that is used
    up must not leave it behind.
    """
    with app.store.unit_of_work(person) as uow:
        tied = linking.use(uow, link, person)
        if not tied or waiting is None or not waiting.verb:
            return tied, None
        return tied, acting.act_on(uow, app, waiting)
