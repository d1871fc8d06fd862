"""The whole service as one ASGI application: console, API, channels' endpoints, health."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from zoneinfo import ZoneInfo

from fastapi import APIRouter, FastAPI
from sqlalchemy import select

from service.api import health
from service.api.application import PREFIX, make_api
from service.application import Application
from service.inbound.dingtalk import dingtalk_router
from service.inbound.feishu import feishu_router
from service.inbound.link_page import link_router
from service.inbound.mail import mail_router
from service.inbound.phone import phone_router
from service.inbound.slack import slack_router
from service.inbound.wecom import wecom_router
from service.security import Gate
from service.security.hosts import Hosts
from service.security.tables import CredentialRow
from service.web.assets import Assets
from service.web.console import console_router
from service.web.entry import DemoPeople, sign_in_router
from service.web.factory import make_web_app
from service.web.pages import Look, Pages
from store.schema import table

ZONE = ZoneInfo("Asia/Shanghai")
_CREDENTIALS = table(str(CredentialRow.__tablename__))


@dataclass(frozen=True, slots=True)
class DemoDoor:
    """What only the demo has.

    Attributes:
        people: who may sign in without a password.
        key: random per run; the link that the demo opens carries it.
        router: the inbox in which its mails and chat messages land.
    """

    people: DemoPeople
    key: str
    router: APIRouter


def make_pages(app: Application, assets: Assets | None = None) -> Pages:
    """What makes the pages of an application.

    Raises:
        FrontEndMissing: when the front end was not built and no `assets` are handed in.
    """
    look = Look(app.clock, ZONE, language=app.settings.language, demo=app.demo, version=_version())
    return Pages(assets or Assets(), look)


def make_gate(app: Application) -> Gate:
    """The door of an application."""
    return Gate(app.store, lambda: app.directory, secure=_is_secure(app))


def make_app(
    app: Application,
    *,
    pages: Pages | None = None,
    routers: Iterable[APIRouter] | None = None,
    demo: DemoDoor | None = None,
) -> FastAPI:
    """Everything around one application.

    Args:
        app: the ports.
        pages: makes the pages; default: with the built front end.
        routers: the console's rooms; None for all of them.
        demo: what only the demo has; None outside of it.
    """
    pages = pages or make_pages(app)
    gate = make_gate(app)

    def has_logins() -> bool:
        with app.store.reader() as connection:
            return connection.execute(select(_CREDENTIALS.c.person).limit(1)).first() is not None

    entrance = sign_in_router(
        pages,
        gate,
        demo_people=demo.people if demo is not None else None,
        demo_key=demo.key if demo is not None else "",
        has_logins=has_logins,
    )
    web = make_web_app(
        pages,
        gate,
        [
            entrance,
            slack_router(app),
            wecom_router(app),
            feishu_router(app),
            dingtalk_router(app),
            phone_router(app),
            mail_router(app, pages),
            link_router(app, pages),
            health.router,
            *(console_router(app) if routers is None else routers),
            *([demo.router] if demo is not None else ()),
        ],
        public_url=app.settings.public_url,
        hsts=_is_secure(app),
        hosts=Hosts(app.settings.public_url, app.settings.host, app.settings.hosts),
    )
    web.state.application = app
    api = make_api(app, gate)
    web.state.verification = api.state.verification  # one for both
    web.mount(PREFIX, api, name="api")
    return web


def _is_secure(app: Application) -> bool:
    """Whether people reach the service by https."""
    return app.settings.public_url.startswith("https://")


def _version() -> str:
    try:
        return version("hedgewarden")
    except PackageNotFoundError:
        return ""
