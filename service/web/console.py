"""The console's routes, for `service.assembly.make_app`."""

from fastapi import APIRouter

from service.application import Application
from service.web.rooms import (
    alert_routes,
    approvals,
    approvals_inbox_routes,
    case_tests,
    drills,
    exemption_routes,
    exposure_routes,
    figure_routes,
    handover_routes,
    live,
    log_routes,
    order_acts,
    order_board,
    order_merging,
    order_routes,
    orders,
    quarantine_routes,
    reach,
    reviews,
    roster_routes,
    rules,
    silence_routes,
    today,
    trail_routes,
)


def console_router(app: Application) -> list[APIRouter]:
    """The rooms of the console; the routes find `app` as ``request.app.state.application``."""
    del app
    return [
        today.router,
        orders.router,
        order_acts.router,
        case_tests.router,
        order_board.router,
        order_merging.router,
        order_routes.router,
        alert_routes.router,
        approvals_inbox_routes.router,
        approvals.router,
        exposure_routes.router,
        figure_routes.router,
        roster_routes.router,
        reach.router,
        silence_routes.router,
        exemption_routes.router,
        handover_routes.router,
        drills.router,
        reviews.router,
        rules.router,
        log_routes.router,
        quarantine_routes.router,
        trail_routes.router,
        live.router,
    ]
