"""Parameters and bodies that a route does not take are refused, not passed over.

A misspelt filter that is ignored answers with everything, which the caller takes for the selection.
"""

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from service.api.bodies import SENT
from service.api.faults import ApiFault
from store.problems import Problem, did_you_mean, shorten

_NEVER_EMPTY = frozenset({"org"})


def check_parameters(request: Request) -> None:
    """Refuse what the route does not know, and a unit that is named but empty.

    Raises:
        ApiFault: naming each parameter and the ones that are allowed.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = sorted(_names(route.dependant))
    problems = []
    takes_body = route.body_field is not None or "requestBody" in (route.openapi_extra or {})
    if request.scope.get(SENT) and not takes_body:
        problems.append(Problem("INPUT_UNEXPECTED", field="body", allowed="{}"))
    for name, value in request.query_params.multi_items():
        if name not in known:
            problems.append(
                Problem(
                    "PARAMETER_UNKNOWN",
                    field=shorten(name),
                    found=shorten(name),
                    allowed=", ".join(known) or "—",
                    hint=did_you_mean(name, known),
                )
            )
        elif name in _NEVER_EMPTY and not value.strip():
            problems.append(Problem("PARAMETER_EMPTY", field=name, allowed="…/…"))
    if problems:
        raise ApiFault(422, "BAD_REQUEST", problems=problems)


def _names(dependant: Dependant) -> set[str]:
    """The query parameters of a route and of what it depends on."""
    names = {field.alias for field in dependant.query_params}
    return names.union(*map(_names, dependant.dependencies))
