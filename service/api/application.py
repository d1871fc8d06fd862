"""The API as an ASGI application of its own, mounted at `/api/v1`."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from service.api import (
    alerts,
    approval_routes,
    book,
    case_tests,
    delegation_routes,
    drills,
    events,
    examples,
    exemptions,
    handovers,
    metric_routes,
    order_files,
    order_merging,
    orders,
    people,
    probes,
    reviews,
    roster,
    rule_routes,
    silences,
    trail_routes,
)
from service.api.bodies import StrictBodies
from service.api.faults import MEDIA_TYPE, NoTraceback, fault_of, problem_response
from service.api.shapes import ProblemDocument
from service.application import Application
from service.i18n.wording import Catalogues
from service.security import Forbidden, Gate, SignInNeeded
from service.verifying import Verification

PREFIX = "/api/v1"
_ROUTERS = (
    events.router,
    book.router,
    alerts.router,
    orders.router,
    order_files.router,
    order_merging.router,
    case_tests.router,
    metric_routes.router,
    silences.router,
    exemptions.router,
    handovers.router,
    drills.router,
    reviews.router,
    approval_routes.router,
    delegation_routes.router,
    trail_routes.router,
    rule_routes.router,
    people.router,
    roster.router,
    probes.router,
)
_SAID = {
    400: "The request cannot be read",
    401: "A token or a session is needed",
    403: "The caller may not do this",
    404: "There is none, or the caller does not see it",
    409: "The state of things forbids it; `code` and `params` tell which and the live values",
    413: "The body is too large",
    415: "The body is not JSON by its own account",
    422: "Something in the request is missing or wrong; `problems` tells what",
    429: "Too many requests",
    500: "Our fault; `instance` names it in the service's log",
    503: "Not available for a moment",
}


def make_api(app: Application, gate: Gate) -> FastAPI:
    """The API of an application.

    Args:
        app: the ports.
        gate: knows the console's sessions.
    """
    problem = {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
    api = FastAPI(
        title="hedgewarden",
        version="1",
        summary="Watches over a company's commodity hedging.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses={
            status: {"description": text, "content": {MEDIA_TYPE: problem}}
            for status, text in _SAID.items()
        },
    )
    api.state.application = app
    api.state.gate = gate
    api.state.verification = Verification()

    def answered(request: Request, raised: Exception) -> Response:
        field = getattr(request.scope.get("route"), "body_field", None)
        body = field.field_info.annotation if field is not None else None
        return problem_response(request, app.catalogues, fault_of(raised, body))

    for kind in (RequestValidationError, HTTPException, SignInNeeded, Forbidden):
        api.add_exception_handler(kind, answered)
    for router in _ROUTERS:
        api.include_router(router)
    api.add_middleware(StrictBodies)
    api.add_middleware(NoTraceback, catalogues=app.catalogues)
    api.openapi = lambda: _document(api, app.catalogues)  # type: ignore[method-assign]
    return api


def _document(api: FastAPI, catalogues: Catalogues) -> dict[str, Any]:
    """The OpenAPI document with the shape of a problem and the examples, made once."""
    if api.openapi_schema is None:
        document = get_openapi(
            title=api.title,
            version=api.version,
            summary=api.summary,
            routes=api.routes,
            servers=api.servers,
        )
        shape = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
        shapes = document.setdefault("components", {}).setdefault("schemas", {})
        shapes |= shape.pop("$defs", {})
        shapes["ProblemDocument"] = shape
        for unused in ("HTTPValidationError", "ValidationError"):
            shapes.pop(unused, None)
        examples.show(document, catalogues)
        api.openapi_schema = document
    return api.openapi_schema
