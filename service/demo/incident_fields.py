"""Reads the fields of one incident strictly; what is wrong with one becomes a `Problem`.

A problem's `field` is the path inside the incident (``setup.limits.net_t``, ``events[3].qty_t``);
the incident stands in its `params`. A reader answers a faulty field with its default.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from book.state import LOTS_BOUND, QUANTITY_BOUND
from service.demo.incident_text import Repeated
from store.problems import Problem, did_you_mean, shorten

TEXT_MOST: Final = 500
_OWN: Final = "INCIDENT_"
ANY_TEXT: Final = '"…"'
PROSE_MOST: Final = 64 * 1024
_PLACES: Final = 9
_NUMBER_MOST: Final = 60
_NUMBER: Final = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", re.ASCII)
_FORBIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

Node = Mapping[str, Any]


class IncidentReader:
    """Reads one incident.

    Args:
        file: the file's name as the user gave it.
        entry: what names the incident in a problem: its id, or its place in the list.
        line: where it begins.
        lines: the lines of its parts by path.

    Attributes:
        problems: what was found so far.
    """

    def __init__(self, file: str, entry: str, line: int, lines: Mapping[str, int]) -> None:
        self.problems: list[Problem] = []
        self.entry = entry
        self._file = file
        self._line = line
        self._lines = lines

    @property
    def errors(self) -> int:
        """How many of the problems are errors."""
        return sum(one.severity == "error" for one in self.problems)

    def place(self, path: str) -> dict[str, Any]:
        """Where `path` stands, as a problem has it: file, and line of the nearest part."""
        found = path
        while found and found not in self._lines:
            found = found[: max(found.rfind("."), found.rfind("["), 0)]
        line = self._lines.get(found, self._line)
        return {"file": self._file, "line": line}

    def fault(  # noqa: PLR0917 - the fields of a problem, in their order
        self,
        code: str,
        path: str,
        found: object = "",
        allowed: str = "",
        hint: str = "",
        severity: str = "error",
    ) -> None:
        """Keep one problem; the same of one field is kept once."""
        if any((one.code, one.field) == (code, path) for one in self.problems):
            return
        shown = shorten(_plain(found)) if found != "" else ""
        # our own sentences name the field; those of other rooms leave it to the place
        entry = self.entry if code.startswith(_OWN) else f"{self.entry} {path}"
        params = {"entry": entry, "incident": self.entry}
        self.problems.append(
            Problem(code, field=path, found=shown, allowed=allowed, hint=hint, severity=severity,
                    params=params, **self.place(path))
        )  # fmt: skip

    # --- structure ------------------------------------------------------------------------------

    def node(self, holder: Node, key: str, path: str) -> Node:
        """The object at `key`; empty when it is absent or no object."""
        value = holder.get(key)
        if value is None:
            return {}
        return self.as_node(value, path)

    def as_node(self, value: object, path: str) -> Node:
        """`value` as an object whose names each stand once."""
        if not isinstance(value, Mapping):
            self.fault("INCIDENT_NOT_AN_OBJECT", path, value, "{…}")
            return {}
        if isinstance(value, Repeated):
            for name in value.names:
                self.fault("INCIDENT_FIELD_REPEATED", f"{path}.{shorten(name)}", name)
        return value

    def items(self, holder: Node, key: str, path: str) -> Iterator[tuple[str, Any]]:
        """The elements of the list at `key`, each with its path."""
        value = holder.get(key)
        if value is None:
            return
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.fault("INCIDENT_NOT_A_LIST", path, value, "[…]")
            return
        for index, one in enumerate(value):
            yield f"{path}[{index}]", one

    def known(self, holder: Node, names: Sequence[str], path: str) -> None:
        """Warn of names that nothing reads: most often a slip of the pen."""
        for name in holder:
            if name not in names:
                hint = did_you_mean(str(name), names)
                where = f"{path}.{shorten(name)}" if path else shorten(name)
                self.fault("INCIDENT_FIELD_UNKNOWN", where, name, hint=hint, severity="warning")

    # --- values ---------------------------------------------------------------------------------

    def text(self, holder: Node, key: str, path: str, *, needed: bool = False) -> str:
        """A trimmed text, or a whole number taken as an id."""
        value = holder.get(key)
        if value is None or value == "":
            if needed:
                self.fault("INCIDENT_FIELD_MISSING", path, holder.get(key, ""), ANY_TEXT)
            return ""
        return self.as_text(value, path)

    def as_text(self, value: object, path: str) -> str:
        """`value` as a trimmed text that is not empty and holds nothing invisible."""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            self.fault("INCIDENT_NOT_TEXT", path, value, ANY_TEXT)
            return ""
        text = value.strip()
        if len(text) > TEXT_MOST:
            self.fault("INCIDENT_TEXT_TOO_LONG", path, text, f"{TEXT_MOST:,}")
            return ""
        if not text:
            self.fault("INCIDENT_FIELD_MISSING", path, value, ANY_TEXT)
        elif any(unicodedata.category(one) in _FORBIDDEN for one in text):
            self.fault("INCIDENT_CONTROL_CHARACTER", path, text)
            return ""
        return text

    def as_prose(self, value: object, path: str) -> None:
        """A text for people: any text that is not endless."""
        if not isinstance(value, str):
            self.fault("INCIDENT_NOT_TEXT", path, value, ANY_TEXT)
        elif len(value) > PROSE_MOST:
            self.fault("INCIDENT_TEXT_TOO_LONG", path, value, f"{PROSE_MOST:,}")

    def texts(self, holder: Node, key: str, path: str) -> list[str]:
        """A list of texts."""
        found = [self.as_text(value, where) for where, value in self.items(holder, key, path)]
        return [text for text in found if text]

    def choice(self, holder: Node, key: str, path: str, allowed: Sequence[str]) -> str:
        """One of the allowed words, or nothing where the field is absent."""
        text = self.text(holder, key, path)
        if text and text not in allowed:
            hint = did_you_mean(text, allowed)
            self.fault("INCIDENT_NOT_A_CHOICE", path, text, ", ".join(allowed), hint)
            return ""
        return text

    def number(
        self,
        holder: Node,
        key: str,
        path: str,
        *,
        least: int | None = None,
        above: int | None = None,
    ) -> Decimal | None:
        """An exact, finite number; text may group thousands with commas."""
        value = holder.get(key)
        if value is None:
            return None
        number = _decimal(value)
        allowed = _bounds(least, above)
        if number is None:
            self.fault("INCIDENT_NOT_A_NUMBER", path, value, allowed or "1286400.00")
            return None
        low = least is not None and number < least
        if low or (above is not None and number <= above):
            self.fault("INCIDENT_NUMBER_RANGE", path, value, allowed)
            return None
        exponent = number.as_tuple().exponent
        if abs(number) >= QUANTITY_BOUND or (isinstance(exponent, int) and -exponent > _PLACES):
            self.fault("INCIDENT_NUMBER_RANGE", path, value, f"< 10^15, 0.{'0' * (_PLACES - 1)}1")
            return None
        return number

    def whole(
        self,
        holder: Node,
        key: str,
        path: str,
        *,
        least: int | None = None,
        most: int = LOTS_BOUND,
    ) -> int | None:
        """A whole number of an absolute value under `most`."""
        value = holder.get(key)
        if value is None:
            return None
        number = _decimal(value)
        allowed = _bounds(least, None) or "-20, 0, 35"
        if number is None or number != number.to_integral_value():
            self.fault("INCIDENT_NOT_WHOLE", path, value, allowed)
            return None
        if (least is not None and number < least) or abs(number) >= most:
            self.fault("INCIDENT_NUMBER_RANGE", path, value, f"{allowed}, < {most:,}")
            return None
        return int(number)

    def flag(self, holder: Node, key: str, path: str) -> bool | None:
        """``true`` or ``false``."""
        value = holder.get(key)
        if value is None or isinstance(value, bool):
            return value
        self.fault("INCIDENT_NOT_A_CHOICE", path, value, "true, false")
        return None

    def day(self, holder: Node, key: str, path: str) -> str:
        """A day, written as ``2024-05-14``."""
        text = self.text(holder, key, path)
        try:
            return date.fromisoformat(text).isoformat() if text else ""
        except ValueError:
            self.fault("INCIDENT_NOT_A_DAY", path, text, "2024-05-14")
            return ""


def _decimal(value: object) -> Decimal | None:
    """The finite number that a value of JSON stands for."""
    if isinstance(value, str):
        text = unicodedata.normalize("NFKC", value[: _NUMBER_MOST + 1]).strip()
        if len(value) > _NUMBER_MOST or not _NUMBER.fullmatch(text):
            return None
        return Decimal(text.replace(",", ""))
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    return number if number.is_finite() else None


def _bounds(least: int | None, above: int | None) -> str:
    if above is not None:
        return f"> {above}"
    return "" if least is None else f"≥ {least}"


def _plain(found: object) -> str:
    """What stood there as JSON writes it, where that is short to say."""
    if found is None:
        return "null"
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, list):
        return "[…]" if found else "[]"
    if isinstance(found, Mapping):
        return "{…}" if found else "{}"
    return str(found)
