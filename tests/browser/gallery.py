"""Every page from sample view models, through the real application.

``python -m tests.browser.gallery`` serves it on 127.0.0.1:8601 to look at.
"""

import dataclasses
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from service.web import Assets, Look, Pages, make_web_app
from service.web.frame import Frame
from service.web.reader import Reader, Said
from service.web.views.orders import BoardCard
from service.web.views.parts import HeatMap, Pager
from tests.browser import samples, samples_rooms

Make = Callable[[Reader], Any]


def _empty_today(reader: Reader) -> Any:
    page = samples.today(reader)
    return dataclasses.replace(page, waiting=(), waiting_total=0, near=(), calendar=(), heat=None)


def _empty_orders(reader: Reader) -> Any:
    return dataclasses.replace(samples.orders(reader), lines=(), pager=Pager(0, 0))


def _board(reader: Reader) -> Any:
    return dataclasses.replace(samples.orders(reader), lines=(), board=samples.board(reader))


def _long_board(reader: Reader) -> Any:
    def long(card: BoardCard) -> BoardCard:
        line = dataclasses.replace(card.line, unit=LONG, subject=LONG, value=HUGE, owner=LONG)
        return dataclasses.replace(card, line=line)

    columns = tuple(
        dataclasses.replace(one, cards=tuple(map(long, one.cards))) for one in samples.board(reader)
    )
    return dataclasses.replace(samples.orders(reader), lines=(), board=columns)


def _event_order(reader: Reader) -> Any:
    page = samples.order(reader)
    say = samples.sayer(reader)
    return dataclasses.replace(
        page, level="orange", value=samples.Figure(), limit=samples.Figure(), use=None, spark=None,
        broke_text=say("同一订单两张凭证，间隔 6 分钟", "Two vouchers for one order in 6 minutes"),
        remedies=(), fault="", fault_decisions=(), acts=(), note_url="",
    )  # fmt: skip


LONG = "华东有色金属及能源化工供应链一体化风险管理与套期保值事业总部" * 3
HUGE = samples.Figure(samples.number("-987654321012344.999999"), "t")


def _long_today(reader: Reader) -> Any:
    page = samples.today(reader)
    lines = tuple(dataclasses.replace(one, unit=LONG, value=HUGE) for one in page.waiting)
    near = tuple(dataclasses.replace(one, name=LONG) for one in page.near)
    return dataclasses.replace(page, waiting=lines, near=near)


def _long_order(reader: Reader) -> Any:
    page = samples.order(reader)
    people = (*page.people, samples.Pair(LONG[:40], "10:00"), samples.Pair("A", LONG))
    return dataclasses.replace(page, unit=LONG, value=HUGE, people=people)


def _long_frame(frame: Frame) -> Frame:
    return dataclasses.replace(frame, organisation=LONG, person=LONG, on_call=LONG)


PAGES: dict[str, tuple[str, str, Make]] = {
    "/": ("today.html", "today", samples.today),
    "/today-empty": ("today.html", "today", _empty_today),
    "/today-long": ("today.html", "today", _long_today),
    "/order-long": ("order.html", "orders", _long_order),
    "/orders": ("orders.html", "orders", samples.orders),
    "/orders-board": ("orders.html", "orders", _board),
    "/orders-board-long": ("orders.html", "orders", _long_board),
    "/orders-acts": ("order_acts.html", "orders", samples.card_acts),
    "/orders-merge": ("order_merge.html", "orders", lambda r: samples.merging(r, "choice")),
    "/orders-merge-preview": (
        "order_merge.html", "orders", lambda r: samples.merging(r, "preview"),
    ),
    "/orders-merge-refused": (
        "order_merge.html", "orders", lambda r: samples.merging(r, "refused"),
    ),
    "/orders-empty": ("orders.html", "orders", _empty_orders),
    "/orders/WO-20261122-017": ("order.html", "orders", samples.order),
    "/orders/WO-20261122-015": ("order.html", "orders", _event_order),
    "/alerts": ("alerts.html", "alerts", samples_rooms.alerts),
    "/alerts-chosen": (
        "alerts.html", "alerts",
        lambda reader: dataclasses.replace(samples_rooms.alerts(reader), chosen=True),
    ),
    "/alerts-empty": (
        "alerts.html", "alerts",
        lambda reader: dataclasses.replace(samples_rooms.alerts(reader), groups=(), picked=None),
    ),
    "/alerts-dismiss": ("alerts_dismiss.html", "alerts", samples_rooms.dismiss),
    "/exposure": ("exposure.html", "exposure", samples_rooms.exposure),
    "/exposure-plain": (
        "exposure.html", "exposure",
        lambda reader: dataclasses.replace(samples_rooms.exposure(reader), drawer=None),
    ),
    "/exposure-empty": (
        "exposure.html", "exposure",
        lambda reader: dataclasses.replace(
            samples_rooms.exposure(reader), drawer=None, heat=HeatMap((), ())
        ),
    ),
    "/rules": ("rules.html", "rules", samples_rooms.rules),
    "/rules-grid": ("rules.html", "rules", lambda reader: samples_rooms.rules(reader, "grid")),
    "/log": ("log.html", "log", lambda reader: samples_rooms.log(reader, drawer=False)),
    "/log-timeline": ("log.html", "log", samples_rooms.log),
    "/log/quarantine": ("quarantine.html", "log", samples_rooms.quarantine),
    "/trail": ("trail.html", "trail", samples_rooms.trail),
    "/trail-broken": ("trail.html", "trail", lambda r: samples_rooms.trail(r, "broken")),
    "/trail-anchors": (
        "trail.html", "trail", lambda r: samples_rooms.trail(r, "unanchored", "anchors"),
    ),
    "/trail/records/128431": ("record.html", "trail", samples_rooms.record),
    "/inbox": ("inbox.html", "inbox", samples_rooms.inbox),
    "/inbox-mail": ("inbox.html", "inbox", lambda r: samples_rooms.inbox(r, "mail")),
    "/sign-in": ("sign_in.html", "", samples_rooms.sign_in),
    "/sign-in-wrong": ("sign_in.html", "", lambda r: samples_rooms.sign_in(r, "WRONG_LOGIN")),
}  # fmt: skip
FAULTS = ("/fault/404", "/fault/403", "/fault/500")


def make_gallery(*, finalize: Callable[[Any], Any] | None = None) -> FastAPI:
    look = Look(
        clock=lambda: samples.NOW, zone=ZoneInfo("Asia/Shanghai"), demo=True, strict=True,
        pseudo=True, version="0.1.0",
    )  # fmt: skip
    pages = Pages(Assets(), look, finalize=finalize)
    router = APIRouter()

    def route(path: str, template: str, active: str, make: Make) -> None:
        @router.get(path)
        def show(request: Request) -> Response:
            reader = pages.reader(request)
            frame = samples.frame(reader, active) if active else Frame()
            frame = _long_frame(frame) if path.endswith("-long") else frame
            return pages.respond(request, template, make(reader), frame)

    for path, (template, active, make) in PAGES.items():
        route(path, template, active, make)

    @router.get("/fault/{status}")
    def fault(status: int) -> Response:
        if status == 500:
            raise RuntimeError("a secret detail that no reader may see")
        raise HTTPException(status)

    @router.post("/orders/{number}/take_over")
    def take_over(number: str) -> Response:
        said = Said("ui.said.take_over", {"number": number}, undo_url=f"/orders/{number}/undo")
        return pages.redirect("/", said)

    return make_web_app(pages, None, [router])


if __name__ == "__main__":
    uvicorn.run(make_gallery(), host="127.0.0.1", port=8601, log_level="warning")
