"""Parameters of an address that no route takes are refused, not passed over.

A misspelt filter that is ignored answers with everything, which the caller takes for the selection.
"""

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from service.api.faults import ApiFault
from store.problems import Problem, did_you_mean, shorten

_NEVER_EMPTY = frozenset({"org"})


def check_parameters(request: Request) -> None:
    """Refuse parameters that the route does not know, and a unit that is named but empty.

    Raises:
        ApiFault: naming each parameter and the ones that are allowed.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or not request.query_params:
        return
    known = sorted(_names(route.dependant))
    problems = []
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
