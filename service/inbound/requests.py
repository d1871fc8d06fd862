"""Requests from outside as the channels want them, and how one is refused."""

from collections.abc import Mapping

from fastapi import Request
from fastapi.responses import Response

from service.api.faults import Fault, problem_response
from service.application import Application
from workorders.channel import RawInbound


async def raw_of(
    request: Request, app: Application, query: Mapping[str, str] | None = None
) -> RawInbound:
    """The request as it came, at our clock."""
    return RawInbound(
        body=await request.body(),
        headers={name.lower(): value for name, value in request.headers.items()},
        received_at=app.clock(),
        query=query or dict(request.query_params),
        method=request.method,
    )


def refused(request: Request, app: Application, fault: Fault) -> Response:
    """The answer to a request that is not believed, in the caller's language."""
    return problem_response(request, app.catalogues, fault)
