"""A fault in somebody's data, as a value.

Bad data never raises: every reader (rule files, imports, directory files, API bodies) collects
`Problem`s and keeps the good rows. A problem carries a *code* and its parameters; the sentence a
person reads is made at the edge, from the catalogue entry ``problem.<code>`` in their language.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

_FOUND_LIMIT = 80
_BYTES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault, and where it stands.

    Attributes:
        code: what is wrong, in capitals (``UNKNOWN_PRODUCT``); a catalogue key, never shown raw.
        file: the file's name as the user gave it; empty for an API body.
        line: 1-based line or spreadsheet row; 0 when the fault is not in one line.
        column: 1-based column of text; 0 when unknown.
        cell: the spreadsheet cell (``C7``); empty for text files.
        field: the field's name as it stands in the file or schema.
        found: what stood there, shortened to 80 characters.
        allowed: what is allowed there, in one short phrase or list.
        hint: a near match ("did you mean"), or empty.
        severity: ``error`` keeps the row or file out; ``warning`` does not.
        params: further values that the catalogue's sentence may name.
    """

    code: str
    file: str = ""
    line: int = 0
    column: int = 0
    cell: str = ""
    field: str = ""
    found: str = ""
    allowed: str = ""
    hint: str = ""
    severity: str = "error"
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return {
            "code": self.code,
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "cell": self.cell,
            "field": self.field,
            "found": self.found,
            "allowed": self.allowed,
            "hint": self.hint,
            "severity": self.severity,
            "params": dict(self.params),
        }


def shorten(value: object) -> str:
    """What was found, printable and at most 80 characters, so that a 10 MB cell stays readable."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for character in text[: _FOUND_LIMIT + 1]
    )
    return text if len(text) <= _FOUND_LIMIT else text[: _FOUND_LIMIT - 1] + "…"


def code_point(character: str) -> str:
    """What cannot be shown, by its number: ``U+202E``, or ``0xFF`` for a byte that is no text."""
    number = ord(character)
    # what decoding with "surrogateescape" makes of a byte
    return f"0x{number - 0xDC00:02X}" if 0xDC80 <= number <= 0xDCFF else f"U+{number:04X}"  # noqa: PLR2004


def not_utf8(fault: UnicodeDecodeError, file: str) -> Problem:
    """A file that is no UTF-8: where its first byte of another encoding stands, and which it is.

    Args:
        fault: what decoding the whole file raised.
        file: the name that problems show.
    """
    before = fault.object[: fault.start]
    line = before[before.rfind(b"\n") + 1 :]
    # A byte is told by its number: of what character it is a part, only its encoding would say.
    strange = fault.object[fault.start :].split(b"\n", 1)[0][:_BYTES_SHOWN]
    return Problem(
        "NOT_UTF8",
        file,
        before.count(b"\n") + 1,
        len(line.decode()) + 1,
        found=" ".join(f"0x{byte:02X}" for byte in strange),
        allowed="UTF-8",
    )


def did_you_mean(found: str, allowed: Iterable[str]) -> str:
    """The allowed word nearest to `found`, or an empty string when none is near."""
    near = get_close_matches(found[:_FOUND_LIMIT], list(allowed), n=1, cutoff=0.6)
    return near[0] if near else ""
