"""Reading YAML or a plain mapping field by field; a fault becomes a `Problem` with its place."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from io import StringIO
from typing import Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import ScalarNode

from store.clock import parse_rfc3339
from store.problems import Problem, did_you_mean, shorten
from store.yaml_faults import check_scalar, yaml_fault

_T = TypeVar("_T")
_LARGEST_FILE = 4_000_000
#: More are no count of anything; thousands of them cannot be converted at all.
_DIGITS = 20


class _Constructor(RoundTripConstructor):
    """Keeps places; leaves dates and fractions as they were written, so that nothing is rounded."""

    def construct_scalar(self, node: ScalarNode) -> Any:
        """A text that can be kept."""
        check_scalar(node)
        return super().construct_scalar(node)


for _tag in ("timestamp", "float"):
    _Constructor.add_constructor(f"tag:yaml.org,2002:{_tag}", RoundTripConstructor.construct_scalar)


def parse_yaml(text: str, file: str) -> tuple[Any, list[Problem]]:
    """The document in `text` with line and column kept, or a problem when it is no YAML."""
    if len(text) > _LARGEST_FILE:
        return None, [Problem("FILE_OVERSIZE", file=file, allowed=f"{_LARGEST_FILE}")]
    yaml = YAML(typ="rt", pure=True)
    yaml.Constructor = _Constructor
    try:
        return yaml.load(StringIO(text)), []
    except (YAMLError, ValueError, RecursionError) as fault:
        return None, [yaml_fault(fault, text, "NOT_YAML", file)]


def _line_column(node: Any, key: str | int | None) -> tuple[int, int]:
    marks = getattr(node, "lc", None)
    if marks is None:
        return 0, 0
    place = None if key is None else (marks.data or {}).get(key)
    line, column = place[:2] if place else (marks.line, marks.col)
    return (line + 1, column + 1) if line is not None else (0, 0)


def _name(node: Any, key: str | int | None) -> str:
    """The field's own name: keys of a mapping may be numbers, places in a list are none."""
    return str(key) if isinstance(node, Mapping) and key is not None else ""


class FieldReader:
    """Reads fields of one file and gathers its problems.

    Attributes:
        problems: all faults so far.
        errors: how many of them keep their entry out.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.errors = 0

    def report(
        self,
        code: str,
        node: Any,
        key: str | int | None = None,
        *,
        field: str = "",
        found: object = "",
        allowed: str = "",
        hint: str = "",
        severity: str = "error",
    ) -> None:
        """Add a problem at the value of `key` in `node` (or at `node` itself)."""
        line, column = _line_column(node, key)
        self.errors += severity == "error"
        self.problems.append(
            Problem(
                code,
                file=self.file,
                line=line,
                column=column,
                field=str(field) or _name(node, key),
                found=shorten(found) if found != "" else "",
                allowed=allowed,
                hint=hint,
                severity=severity,
            )
        )

    def mapping(self, node: Any, keys: Iterable[str], where: str) -> Mapping[str, Any] | None:
        """`node` when it is a mapping; keys beyond `keys` are reported with the nearest one."""
        if not isinstance(node, Mapping):
            self.report("NOT_A_MAPPING", node, field=where, found=node)
            return None
        self._known_keys(node, tuple(keys), where)
        return node

    def inner(
        self, node: Mapping[str, Any], key: str, keys: Iterable[str] | None = None
    ) -> Mapping[str, Any]:
        """The mapping at `key`; empty when absent or none.

        Keys beyond `keys` are reported with the nearest one; with None any key may stand there.
        """
        value = node.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.report("NOT_A_MAPPING", node, key, found=value)
            return {}
        if keys is not None:
            self._known_keys(value, tuple(keys), key)
        return value

    def _known_keys(self, node: Mapping[Any, Any], allowed: Sequence[str], where: str) -> None:
        for key in node:
            if key not in allowed:
                name = str(key)
                self.report(
                    "FIELD_UNKNOWN",
                    node,
                    key,
                    field=where,
                    found=name,
                    allowed=", ".join(allowed),
                    hint=did_you_mean(name, allowed),
                )

    def items(self, node: Mapping[str, Any], key: str) -> list[tuple[Any, int, Any]]:
        """The entries of the list at `key` as (list, index, entry); nothing when absent."""
        value = node.get(key)
        if value is None:
            return []
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.report("NOT_A_LIST", node, key, found=value)
            return []
        return [(value, index, entry) for index, entry in enumerate(value)]

    def text(self, node: Mapping[str, Any], key: str, default: str = "") -> str:
        """A text or whole number at `key`, as text."""
        value = node.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int):
            self.report("NOT_A_TEXT", node, key, found=value)
            return default
        return str(value).strip()

    def needed(self, node: Mapping[str, Any], key: str) -> str:
        """A text at `key` that must be there."""
        value = self.text(node, key)
        if not value and not (key in node and self._reported(key)):
            self.report("FIELD_MISSING", node, field=key)
        return value

    def _reported(self, key: str) -> bool:
        return bool(self.problems) and self.problems[-1].field == key

    def texts(self, node: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """A list of texts at `key`; one text alone counts as a list of one."""
        value = node.get(key)
        if isinstance(value, str):
            return (value.strip(),)
        found: list[str] = []
        for holder, index, entry in self.items(node, key):
            if isinstance(entry, bool) or not isinstance(entry, str | int):
                self.report("NOT_A_TEXT", holder, index, field=key, found=entry)
            else:
                found.append(str(entry).strip())
        return tuple(found)

    def whole(self, node: Mapping[str, Any], key: str) -> int | None:
        """A whole number of at least 0 at `key`."""
        value = node.get(key)
        if value is None:
            return None
        if isinstance(value, str) and value.strip().isdecimal() and len(value) <= _DIGITS:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.report("NOT_A_WHOLE_NUMBER", node, key, found=value, allowed="0, 1, 2, …")
            return None
        return int(value)

    def quantity(self, node: Mapping[str, Any], key: str) -> Decimal | None:
        """An exact number of at least 0 at `key`."""
        value = node.get(key)
        if value is None:
            return None
        try:
            number = None if isinstance(value, bool) else Decimal(str(value))
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite() or number < 0:
            self.report("NOT_A_QUANTITY", node, key, found=value, allowed="≥ 0")
            return None
        return number

    def flag(self, node: Mapping[str, Any], key: str) -> bool | None:
        """``true`` or ``false`` at `key`."""
        value = node.get(key)
        if value is None or isinstance(value, bool):
            return value
        self.report("NOT_A_FLAG", node, key, found=value, allowed="true, false")
        return None

    def _parsed(
        self, node: Mapping[str, Any], key: str, parse: Callable[[str], _T], code: str, allowed: str
    ) -> _T | None:
        value = node.get(key)
        if value is None:
            return None
        try:
            return parse(value.isoformat() if isinstance(value, date) else str(value))
        except ValueError:
            self.report(code, node, key, found=value, allowed=allowed)
            return None

    def instant(self, node: Mapping[str, Any], key: str) -> datetime | None:
        """A time with an offset at `key`."""
        return self._parsed(node, key, parse_rfc3339, "BAD_TIME", "2024-05-14T18:56:00+08:00")

    def day(self, node: Mapping[str, Any], key: str) -> date | None:
        """A date at `key`."""
        return self._parsed(node, key, date.fromisoformat, "BAD_DATE", "2024-05-14")
