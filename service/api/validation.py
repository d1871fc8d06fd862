"""What pydantic finds wrong in a request, in our own codes: field, what stood there, what may.

Pydantic's sentences are English alone, so its error types are mapped to catalogue codes; a type
that the map does not know still names its field, with pydantic's sentence as technical detail.
"""

from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

import orjson
from pydantic import BaseModel

from store.problems import Problem, did_you_mean, shorten

_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "int_type": ("INPUT_INTEGER", "0, 1, 2 …"),
    "int_parsing": ("INPUT_INTEGER", "0, 1, 2 …"),
    "int_from_float": ("INPUT_INTEGER", "0, 1, 2 …"),
    "int_parsing_size": ("INPUT_INTEGER", "0, 1, 2 …"),
    "string_type": ("INPUT_TEXT", '"…"'),
    "string_unicode": ("INPUT_TEXT", "UTF-8"),
    "bool_type": ("INPUT_BOOLEAN", "true, false"),
    "bool_parsing": ("INPUT_BOOLEAN", "true, false"),
    "list_type": ("INPUT_LIST", "[…]"),
    "tuple_type": ("INPUT_LIST", "[…]"),
    "set_type": ("INPUT_LIST", "[…]"),
    "dict_type": ("INPUT_OBJECT", "{…}"),
    "mapping_type": ("INPUT_OBJECT", "{…}"),
    "model_type": ("INPUT_OBJECT", "{…}"),
    "model_attributes_type": ("INPUT_OBJECT", "{…}"),
}
_BOUNDS: Final = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
_LENGTHS: Final = frozenset({"string_too_short", "string_too_long", "too_short", "too_long"})
_CHOICES: Final = frozenset({"literal_error", "enum"})
_SOURCES: Final = frozenset({"body", "query", "path", "header", "cookie"})


def problems_of(errors: Iterable[Mapping[str, Any]], body: object = None) -> list[Problem]:
    """One problem for each error of a request.

    Args:
        errors: as `RequestValidationError.errors` gives them.
        body: the type of the request's body, which knows the fields that are allowed.
    """
    return [_problem(error, body) for error in errors]


def _problem(error: Mapping[str, Any], body: object) -> Problem:
    kind = str(error.get("type"))
    loc = tuple(error.get("loc", ()))
    path = loc[1:] if loc and loc[0] in _SOURCES else loc
    place = shorten(".".join(map(str, path)))
    context = error.get("ctx") or {}
    if kind == "json_invalid":
        detail = str(context.get("error", ""))
        return Problem("INPUT_JSON", field="body", allowed="JSON", params={"detail": detail})
    if kind == "extra_forbidden":
        names = _fields(_at(body, path[:-1]))
        name = str(path[-1]) if path else ""
        return Problem(
            "FIELD_UNKNOWN",
            field=place,
            found=shorten(name),
            allowed=", ".join(names) or "—",
            hint=did_you_mean(name, names),
        )
    if kind == "missing":
        # the body as a whole is missing when nothing was sent
        expected = _at(body, path)
        allowed = _shape(expected)
        return Problem("FIELD_MISSING", field=place or "body", allowed=allowed)
    code, allowed, hint = _judged(kind, context, error.get("input"))
    if code == "INPUT_OBJECT" and (names := _fields(_at(body, path))):
        allowed = "{" + ", ".join(names) + "}"
    return Problem(
        code,
        field=place or "body",
        found=_shown(error.get("input")),
        allowed=allowed,
        hint=hint,
        params={"detail": shorten(str(error.get("msg", "")))} if code == "FIELD_INVALID" else {},
    )


def _judged(kind: str, context: Mapping[str, Any], value: object) -> tuple[str, str, str]:
    """Code, what is allowed, and the near match."""
    if kind in _TYPES:
        return (*_TYPES[kind], "")
    if kind in _LENGTHS:
        lengths = {"min_length": "≥", "max_length": "≤"}
        allowed = [f"{sign} {context[name]}" for name, sign in lengths.items() if name in context]
        return "INPUT_LENGTH", ", ".join(allowed), ""
    if kind in _CHOICES:
        words = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
        hint = did_you_mean(value, words) if isinstance(value, str) else ""
        return "INPUT_CHOICE", ", ".join(words), hint
    if kind == "string_pattern_mismatch":
        return "INPUT_PATTERN", str(context.get("pattern", "")), ""
    bounds = [f"{sign} {context[name]}" for name, sign in _BOUNDS.items() if name in context]
    return ("INPUT_RANGE" if bounds else "FIELD_INVALID"), ", ".join(bounds) or "—", ""


def _shown(value: object) -> str:
    """What stood there as JSON writes it: `null`, never the name that Python gives it."""
    if isinstance(value, str):
        return shorten(value)
    try:
        return shorten(orjson.dumps(value, default=str).decode())
    except (TypeError, orjson.JSONEncodeError):
        return shorten(str(value))


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not None or isinstance(annotation, UnionType):
        for part in get_args(annotation):
            yield from _models(part)


def _fields(annotation: object) -> list[str]:
    """The fields that an object there may have."""
    return sorted(
        {
            field.alias or name
            for model in _models(annotation)
            for name, field in model.model_fields.items()
        }
    )


def _at(annotation: object, path: Iterable[object]) -> object:
    """The type that stands at a path; None where the path leads nowhere."""
    for part in path:
        if isinstance(part, int):
            continue  # an element of a list: `_models` looks through the list
        found = [
            field.annotation
            for model in _models(annotation)
            for name, field in model.model_fields.items()
            if part in {name, field.alias}
        ]
        if not found:
            return None
        annotation = found[0]
    return annotation


_SHAPES: Final[Mapping[object, str]] = {
    str: '"…"',
    int: "0, 1, 2 …",
    bool: "true, false",
    list: "[…]",
    tuple: "[…]",
    dict: "{…}",
}


def _shape(annotation: object) -> str:
    """What may stand in a field, in the signs of JSON."""
    if names := _fields(annotation):
        shown = "{" + ", ".join(names) + "}"
        return f"[{shown}]" if get_origin(annotation) in {list, tuple} else shown
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Union or isinstance(annotation, UnionType):
        return " | ".join(dict.fromkeys(_shape(part) for part in parts if part is not type(None)))
    if parts and all(isinstance(part, str) for part in parts):
        return ", ".join(parts)
    return _SHAPES.get(origin or annotation, "—")
