"""The page behind a private link: the person signed in ties the own chat account."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from directory import SlackAccountTaken
from service.application import Application
from service.inbound import clicks, linking
from service.inbound.views import LinkPage
from service.security import SignedIn, signed_in
from service.web.frame import Frame
from service.web.pages import Pages

Signed = Annotated[SignedIn, Depends(signed_in)]


def link_router(app: Application, pages: Pages) -> APIRouter:
    """`/link/slack/<token>`."""
    router = APIRouter(include_in_schema=False)

    def show(request: Request, signed: SignedIn, page: LinkPage, status: int = 200) -> Response:
        reader = pages.reader(request, language=signed.person.language)
        frame = Frame(person=signed.person.name)
        return pages.respond(request, "link_slack.html", page, frame, reader=reader, status=status)

    @router.get("/link/slack/{token}")
    def ask(request: Request, token: str, signed: Signed) -> Response:
        with app.store.reader() as connection:
            link = linking.find(connection, token, app.clock())
        if link is None:
            return show(request, signed, LinkPage("gone"), 410)
        account = f"{link.team}/{link.user}"
        return show(request, signed, LinkPage("ask", signed.person.name, account))

    @router.post("/link/slack/{token}")
    def tie(request: Request, token: str, signed: Signed) -> Response:
        now = app.clock()
        with app.store.reader() as connection:
            link = linking.find(connection, token, now)
            waiting = linking.waiting(connection, link) if link is not None else None
        if link is None:
            return show(request, signed, LinkPage("gone"), 410)
        try:
            # The first action completes by itself, with the rights of now and with the tie itself:
            # a link that is used up must not leave it behind.
            with app.store.unit_of_work(signed.person.id) as uow:
                tied = linking.use(uow, link, signed.person.id)
                acts = tied and waiting is not None and bool(waiting.verb)
                answer = clicks.act_on(uow, app, waiting) if acts and waiting is not None else None
        except SlackAccountTaken:
            return show(request, signed, LinkPage("taken"), 409)
        if not tied:
            return show(request, signed, LinkPage("gone"), 410)
        said = ""
        if waiting is not None and answer is not None:
            said = clicks.sentence(app, signed.person, answer)
            clicks.whisper(app, waiting, said)
            clicks.show_anew(app)
        account = f"{link.team}/{link.user}"
        return show(request, signed, LinkPage("done", signed.person.name, account, said))

    return router
