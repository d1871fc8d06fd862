"""The pages behind the links of mails.

Opening a link never acts, whoever or whatever opens it. A POST needs the page's nonce, which is
tied to a cookie, and then either the six digits of the mail's text, which acknowledge and nothing
more, or the session of the person to whom the mail was written.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import parse_qs

from fastapi import APIRouter, BackgroundTasks, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

import approvals
import trail
from approvals import UnknownRequest
from integrations import mail_tokens
from integrations.callbacks import is_text
from integrations.mail import MailChannel
from integrations.mail_tokens import MailToken
from integrations.wording import CardText, card_text
from service import approval_effect
from service.application import Application
from service.approval_cards import approval_card
from service.i18n.wording import Spoken
from service.inbound import acting, clicks
from service.inbound.done import keep_done
from service.inbound.requests import raw_of
from service.inbound.tables import MailTryRow
from service.inbound.views import MailPage
from service.security import Gate, sessions
from service.web.frame import Frame
from service.web.pages import Pages
from service.web.reader import Reader
from store import UnitOfWork, inbox
from store.schema import table
from store.upsert import insert_or_replace
from workorders import Answer, reads
from workorders.card import Card
from workorders.cards import alert_card, order_card
from workorders.channel import Inbound, RawInbound, Refusal
from workorders.probe import is_probe, probe_card
from workorders.probes import find_probe
from workorders.states import recorded

SOURCE = "email"
ACTOR = "channel:email"
COOKIE = "hedgewarden_mail"
_TRIES_TABLE = table(str(MailTryRow.__tablename__))
_METHODS = ["GET", "HEAD"]


@dataclass(frozen=True, slots=True)
class _Post:
    """What came with a POST."""

    verb: str
    code: str
    nonce: str


def mail_router(app: Application, pages: Pages) -> APIRouter:
    """`/m/<token>`."""
    router = APIRouter(include_in_schema=False)
    rooms = _Rooms(app, pages)

    @router.api_route("/m/{token}", methods=_METHODS)
    def look(request: Request, token: str) -> Response:
        return rooms.look(request, token)

    @router.post("/m/{token}")
    async def act(request: Request, token: str, later: BackgroundTasks) -> Response:
        gate = cast("Gate", request.app.state.gate)
        signed = await run_in_threadpool(gate.who, request.cookies.get(sessions.COOKIE, ""))
        person = signed.person.id if signed is not None else ""
        query = {"token": token, "signed_in": person}
        raw = replace(await raw_of(request, app), query=query)
        response = await run_in_threadpool(rooms.act, request, token, raw)
        later.add_task(clicks.show_anew, app)
        response.background = later
        return response

    return router


class _Rooms:
    """The two acts of the page."""

    def __init__(self, app: Application, pages: Pages) -> None:
        self.app = app
        self.pages = pages

    def channel(self) -> MailChannel:
        found = self.app.channels.get(SOURCE)
        if not isinstance(found, MailChannel):
            raise HTTPException(404)
        return found

    # --- looking --------------------------------------------------------------------------------

    def look(self, request: Request, link: str) -> Response:
        self.channel()
        token = mail_tokens.unseal(link, self.app.keys.mail)
        if token is None:
            return self._page(request, "", MailPage("gone"), 404, say="BAD_TOKEN")
        if self.app.clock() > token.expires:
            return self._page(request, token.person, MailPage("gone"), 410, say="EXPIRED")
        return self._form(request, token, link)

    def _form(
        self,
        request: Request,
        token: MailToken,
        link: str,
        *,
        status: int = 200,
        state: str = "show",
        said: str = "",
    ) -> Response:
        """The object as it stands now, and what can still be asked."""
        spoken = self._spoken(request, token.person)
        card = self._card(token)
        text = card_text(card, spoken, "") if card is not None else None
        verbs = self._verbs(token, text)
        cookie = request.cookies.get(COOKIE, "") or secrets.token_urlsafe(24)
        page = MailPage(
            state=state,
            card=text,
            token=link,
            nonce=self._nonce(cookie, link),
            verbs=verbs,
            reasons=text.reasons if text is not None and verbs else (),
            signed_in=self._signed_name(request, token),
            said=said,
            tries_left=max(mail_tokens.TRIES - self._failures(link), 0),
        )
        response = self._page(request, token.person, page, status)
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=3600,
            path="/m/",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    def _verbs(self, token: MailToken, text: CardText | None) -> tuple[tuple[str, str], ...]:
        buttons = text.buttons if text is not None else ()
        return tuple((one.verb, one.label) for one in buttons if one.verb in token.verbs)

    def _signed_name(self, request: Request, token: MailToken) -> str:
        gate = cast("Gate", request.app.state.gate)
        signed = gate.who(request.cookies.get(sessions.COOKIE, ""))
        return signed.person.name if signed and signed.person.id == token.person else ""

    def _card(self, token: MailToken) -> Card | None:
        """The card as it would be drawn now."""
        app, number = self.app, token.object_id
        notice = f"{number}/mail"
        if number.startswith("AP-"):
            try:
                with app.store.reader() as connection:
                    state = approvals.read(connection, number)
                    effect = approval_effect.effect_of(connection, app, state)
                    known = app.directories.around(connection).directory
                    lent = approvals.delegates(connection, state, known, app.clock())
            except UnknownRequest:
                return None
            return approval_card(
                state,
                token.person,
                notice_id=notice,
                directory=app.directory,
                effect=effect,
                lent=lent.get(token.person),
            )
        if is_probe(number):
            with app.store.reader() as connection:
                tested = find_probe(connection, number)
            return None if tested is None else probe_card(tested)
        return self._matter_card(number, token.person, notice)

    def _matter_card(self, number: str, person: str, notice: str) -> Card | None:
        with self.app.store.reader() as connection:
            if number.startswith("AL-"):
                alert = reads.get_alert(connection, number)
                if alert is None:
                    return None
                return alert_card(alert, person, notice_id=notice, reason="TRIAGED")
            order = reads.get_order(connection, number)
        if order is None:
            return None
        return order_card(order, person, notice_id=notice, reason="UPDATED", params=recorded(order))

    # --- acting ---------------------------------------------------------------------------------

    def act(self, request: Request, link: str, raw: RawInbound) -> Response:
        channel = self.channel()
        token = mail_tokens.unseal(link, self.app.keys.mail)
        if token is None or raw.received_at > token.expires:
            return self.look(request, link)
        post = _post(raw.body)
        if not self._nonce_fits(request, link, post.nonce):
            return self._refused(request, token, link, "NONCE", 403)
        signed_in = raw.query.get("signed_in", "")
        if post.code or signed_in != token.person:
            # The digits count for themselves, whoever is signed in at this machine.
            raw = replace(raw, query={"token": link})
            if post.code and self._failures(link) >= mail_tokens.TRIES:
                return self._refused(request, token, link, "TRIES_USED_UP", 429)
        found = channel.verify(raw)
        if isinstance(found, Refusal):
            if found.code == "SIGN_IN_NEEDED":
                return RedirectResponse(f"/login?next=/m/{link}", 303)
            return self._refused(request, token, link, found.code, found.status)
        return self._carry_out(request, token, link, found)

    def _carry_out(
        self, request: Request, token: MailToken, link: str, inbound: Inbound
    ) -> Response:
        app = self.app
        person = app.directory.person(token.person)
        if person is None or not person.active:
            return self._refused(request, token, link, "INACTIVE_PERSON", 403)
        with app.store.reader() as connection:
            before = inbox.outcome(connection, SOURCE, inbound.event_id)
        if before is not None:
            answer = Answer(**before)
        else:
            with app.store.unit_of_work(person.id) as uow:
                answer = acting.act_on(uow, app, inbound)
                self._trace(uow, request, token, inbound.verb, answer.code)
                if answer.ok:
                    asked = {"object": inbound.object_id}
                    keep_done(uow, SOURCE, inbound.event_id, asked, answer)
        said = clicks.sentence(app, person, answer, self._reader(request, person.id).language)
        state, status = ("done", 200) if answer.ok else ("refused", 409)
        return self._form(request, token, link, status=status, state=state, said=said)

    def _refused(
        self, request: Request, token: MailToken, link: str, code: str, status: int
    ) -> Response:
        """Say why; the attempt is on record, a wrong code is counted."""
        with self.app.store.unit_of_work(ACTOR) as uow:
            if code == "BAD_CODE":
                failures = self._failures(link) + 1
                row = {"link_hash": _hash(link), "failures": failures, "last_at": uow.now}
                insert_or_replace(uow.connection, _TRIES_TABLE, row, ("link_hash",))
            self._trace(uow, request, token, "", code)
        said = self._said(self._spoken(request, token.person), code)
        return self._form(request, token, link, status=status, state="refused", said=said)

    def _trace(
        self, uow: UnitOfWork, request: Request, token: MailToken, verb: str, code: str
    ) -> None:
        person = self.app.directory.person(token.person)
        trail.record(
            uow,
            kind="access",
            action="mail.post",
            object_type="person",
            object_id=token.person,
            org=person.unit if person is not None else "",
            outcome=code,
            body={
                "object": token.object_id,
                "verb": verb,
                "address": request.client.host if request.client else "",
                "agent": request.headers.get("user-agent", "")[:200],
            },
        )

    # --- small parts ----------------------------------------------------------------------------

    def _failures(self, link: str) -> int:
        c = _TRIES_TABLE.c
        with self.app.store.reader() as connection:
            found = connection.scalar(select(c.failures).where(c.link_hash == _hash(link)))
        return int(found or 0)

    def _nonce(self, cookie: str, link: str) -> str:
        said = b"nonce\0" + cookie.encode() + b"\0" + link.encode()
        return hmac.new(self.app.keys.mail, said, hashlib.sha256).hexdigest()

    def _nonce_fits(self, request: Request, link: str, given: str) -> bool:
        cookie = request.cookies.get(COOKIE, "")
        wanted = self._nonce(cookie, link)
        return bool(cookie) and hmac.compare_digest(given.encode(), wanted.encode())

    def _reader(self, request: Request, person: str) -> Reader:
        """Who reads the page: the card, what is said and the frame are in one language."""
        known = self.app.directory.person(person)
        return self.pages.reader(request, language=known.language if known else "")

    def _spoken(self, request: Request, person: str) -> Spoken:
        return self.app.catalogues.words(self._reader(request, person).language)

    def _said(self, spoken: Spoken, code: str) -> str:
        return spoken.words.first(f"mail.refused.{code}", f"reason.{code}")

    def _page(
        self, request: Request, person: str, page: MailPage, status: int, *, say: str = ""
    ) -> Response:
        reader = self._reader(request, person)
        if say:
            page = replace(page, said=self._said(self._spoken(request, person), say))
        response = self.pages.respond(
            request, "mail_card.html", page, Frame(), reader=reader, status=status
        )
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


def _post(body: bytes) -> _Post:
    try:
        found = parse_qs(body.decode())
    except ValueError:
        return _Post("", "", "")
    fields = {name: values[0] for name, values in found.items() if is_text(values[0])}
    return _Post(fields.get("verb", ""), fields.get("code", "").strip(), fields.get("nonce", ""))


def _hash(link: str) -> str:
    return hashlib.sha256(link.encode()).hexdigest()
