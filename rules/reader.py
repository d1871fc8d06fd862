"""Reads the parts that rules and correlations share, and collects every fault with its place."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from rules.errors import UnknownFactKind
from rules.expression import Names, parse_expression
from rules.faults import Fault
from rules.literals import read_duration
from rules.model import (
    Decide,
    Expression,
    Level,
    Outcome,
    Title,
)
from rules.schema import FactKind, Schema
from rules.source import Entry, Pair, place_in, written
from rules.values import SCALED, Base, Encoded, ValueFault, ValueType, encode_value, words
from store.clock import parse_rfc3339
from store.problems import Problem, did_you_mean, shorten

_Word = TypeVar("_Word", bound=StrEnum)
Pairs = Mapping[str, Pair]
DECIDE_OUTCOMES = ("hold", "deny", "stale")


class Reader:
    """One file while it is read.

    Attributes:
        file: the name that problems show.
        text: the file's content.
        schema: the fact kinds.
        problems: what was found so far.
    """

    def __init__(self, file: str, text: str, schema: Schema) -> None:
        self.file = file
        self.text = text
        self.schema = schema
        self.problems: list[Problem] = []

    @property
    def failed(self) -> bool:
        """Whether an error, not only a warning, was found."""
        return any(problem.severity == "error" for problem in self.problems)

    def fault(
        self,
        code: str,
        entry: Entry,
        *,
        field: str = "",
        allowed: str = "",
        hint: str = "",
        found: str | None = None,
        severity: str = "error",
        params: Mapping[str, str] | None = None,
    ) -> None:
        """Notes a fault at an entry."""
        self.problems.append(
            Problem(
                code,
                self.file,
                entry.place.line,
                entry.place.column,
                field=field,
                found=written(self.text, entry) if found is None else shorten(found),
                allowed=allowed,
                hint=hint,
                severity=severity,
                params=params or {},
            )
        )

    # Structure

    def mapping(self, entry: Entry, field: str, keys: Iterable[str] | None = None) -> Pairs | None:
        """The pairs of a mapping; unknown keys are faults."""
        if not isinstance(entry.value, dict):
            self.fault("EXPECTED_MAPPING", entry, field=field)
            return None
        if keys is not None:
            known = list(keys)
            for key, pair in entry.value.items():
                if key not in known:
                    hint = did_you_mean(key, known)
                    self.fault(
                        "UNKNOWN_KEY", pair.key, field=field, allowed=words(known, 30), hint=hint
                    )
        return entry.value

    def items(self, entry: Entry, field: str) -> list[Entry]:
        """The items of a list."""
        if not isinstance(entry.value, list):
            self.fault("EXPECTED_LIST", entry, field=field)
            return []
        return entry.value

    def value(self, pairs: Pairs, key: str, owner: Entry, *, required: bool = True) -> Entry | None:
        """The entry of a key; a required one that is missing is a fault at its owner."""
        pair = pairs.get(key)
        if pair is None or pair.value.value is None:
            if required:
                self.fault("MISSING_KEY", owner, field=key, found=key)
            return None
        return pair.value

    def word(self, pairs: Pairs, key: str, owner: Entry, *, required: bool = True) -> str:
        """A short text."""
        entry = self.value(pairs, key, owner, required=required)
        if entry is None:
            return ""
        if isinstance(entry.value, list | dict):
            self.fault("EXPECTED_TEXT", entry, field=key)
            return ""
        return entry.text

    def number(self, pairs: Pairs, key: str, owner: Entry, *, default: int | None = None) -> int:
        """A positive whole number."""
        entry = self.value(pairs, key, owner, required=default is None)
        if entry is None:
            return default or 0
        if isinstance(entry.value, bool) or not isinstance(entry.value, int) or entry.value < 1:
            self.fault("EXPECTED_NUMBER", entry, field=key, allowed="1, 2, 3, …")
            return default or 0
        return entry.value

    def flag(self, pairs: Pairs, key: str, owner: Entry, *, default: bool = False) -> bool:
        """True or false."""
        entry = self.value(pairs, key, owner, required=False)
        if entry is None:
            return default
        if not isinstance(entry.value, bool):
            self.fault("EXPECTED_FLAG", entry, field=key, allowed="true, false")
            return default
        return entry.value

    def choice(
        self, pairs: Pairs, key: str, owner: Entry, of: type[_Word], default: _Word | None
    ) -> _Word | None:
        """One word of an enumeration."""
        entry = self.value(pairs, key, owner, required=False)
        if entry is None:
            return default
        try:
            return of(entry.text)
        except ValueError:
            allowed = [str(word) for word in of]
            hint = did_you_mean(entry.text, allowed)
            self.fault("UNKNOWN_WORD", entry, field=key, allowed=words(allowed), hint=hint)
            return default

    def title(self, pairs: Pairs, key: str, owner: Entry, *, required: bool = True) -> Title:
        """A text in both languages."""
        entry = self.value(pairs, key, owner, required=required)
        if entry is None:
            return Title("", "")
        both = self.mapping(entry, key, ("zh", "en"))
        if both is None:
            return Title("", "")
        return Title(self.word(both, "zh", entry), self.word(both, "en", entry))

    def duration(self, pairs: Pairs, key: str, owner: Entry) -> int:
        """Microseconds of a required duration."""
        entry = self.value(pairs, key, owner)
        if entry is None:
            return 0
        microseconds = read_duration(entry.text)
        if not microseconds:
            self.fault("EXPECTED_DURATION", entry, field=key, allowed="60s, 15m, 2h, 1d")
            return 0
        return microseconds

    # Names and expressions

    def kind(self, pairs: Pairs, owner: Entry) -> FactKind | None:
        """The fact kind under `on`."""
        entry = self.value(pairs, "on", owner)
        if entry is None:
            return None
        try:
            return self.schema.kind(entry.text)
        except UnknownFactKind:
            known = list(self.schema.kinds)
            hint = did_you_mean(entry.text, known)
            self.fault("UNKNOWN_KIND", entry, field="on", allowed=words(known), hint=hint)
            return None

    def expression(
        self, entry: Entry | None, field: str, names: Names, *, boolean: bool = True
    ) -> Expression | None:
        """A checked expression; every fault gets its line and column in the file."""
        if entry is None:
            return None
        if isinstance(entry.value, list | dict):
            self.fault("EXPECTED_EXPRESSION", entry, field=field)
            return None
        node, faults = parse_expression(entry.text, names, boolean=boolean)
        for fault in faults:
            self._expression_fault(fault, entry, field)
        if node is None:
            return None
        return Expression(entry.text, node, entry.place.line, entry.place.column)

    def _expression_fault(self, fault: Fault, entry: Entry, field: str) -> None:
        place = place_in(self.text, entry, fault.span.start)
        self.problems.append(
            Problem(
                fault.code,
                self.file,
                place.line,
                place.column,
                field=field,
                found=shorten(fault.found),
                allowed=fault.allowed,
                hint=fault.hint,
            )
        )

    def expressions(
        self, pairs: Pairs, key: str, owner: Entry, names: Names
    ) -> dict[str, Expression]:
        """A mapping of names to expressions of any type."""
        entry = self.value(pairs, key, owner, required=False)
        both = self.mapping(entry, key) if entry is not None else None
        found: dict[str, Expression] = {}
        for name, pair in (both or {}).items():
            made = self.expression(pair.value, f"{key}.{name}", names, boolean=False)
            if made is not None:
                found[name] = made
        return found

    def decide(self, pairs: Pairs, owner: Entry, names: Names) -> Decide | None:
        """The decision on an object."""
        entry = self.value(pairs, "decide", owner, required=False)
        if entry is None:
            return None
        inner = self.mapping(entry, "decide", ("object", "outcome", "reason"))
        if inner is None:
            return None
        target = self.expression(
            self.value(inner, "object", entry), "decide.object", names, boolean=False
        )
        outcome = self.word(inner, "outcome", entry)
        if outcome and outcome not in DECIDE_OUTCOMES:
            hint = did_you_mean(outcome, DECIDE_OUTCOMES)
            self.fault(
                "UNKNOWN_WORD",
                inner["outcome"].value,
                field="decide.outcome",
                allowed=words(DECIDE_OUTCOMES),
                hint=hint,
            )
        reason = self.word(inner, "reason", entry)
        return Decide(target, outcome, reason) if target is not None else None

    def result(
        self, pairs: Pairs, owner: Entry, names: Names
    ) -> tuple[str, Outcome, Decide | None]:
        """Level, outcome and decision; an outcome that is not written follows from them."""
        level = self.choice(pairs, "level", owner, Level, None)
        decide = self.decide(pairs, owner, names)
        implied = Outcome.NONE
        if decide is not None and decide.outcome in {"hold", "deny"}:
            implied = Outcome(decide.outcome)
        elif level is not None:
            worst = level in {Level.RED, Level.ORANGE}
            implied = Outcome.OPEN_ORDER if worst else Outcome.INFORM
        outcome = self.choice(pairs, "outcome", owner, Outcome, implied) or implied
        return (level.value if level else ""), outcome, decide

    # Facts of tests

    def fact(self, entry: Entry, kind: FactKind, field: str) -> dict[str, Encoded]:
        """A test's fact in canonical form."""
        encoded: dict[str, Encoded] = {}
        for name, pair in (self.mapping(entry, field) or {}).items():
            declared = kind.fields.get(name)
            if declared is None:
                hint = did_you_mean(name, kind.fields)
                allowed = words(list(kind.fields))
                self.fault("UNKNOWN_FIELD", pair.key, field=field, allowed=allowed, hint=hint)
                continue
            try:
                value = encode_value(read_value(pair.value, declared.type), declared.type)
            except ValueFault as fault:
                self.fault(fault.code, pair.value, field=name, allowed=fault.allowed)
                continue
            if value is not None:
                encoded[name] = value
        return encoded


def read_time(text: str) -> datetime | None:
    """A date (midnight UTC) or an RFC 3339 time; None when it is neither."""
    try:
        if len(text) == 10:  # noqa: PLR2004 - YYYY-MM-DD
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        return parse_rfc3339(text)
    except ValueError:
        return None


def read_value(  # noqa: PLR0911 - one way out a base
    entry: Entry, value_type: ValueType
) -> object:
    """The Python value that a YAML scalar means for a field of this type."""
    value = entry.value
    if isinstance(value, list):
        item = value_type.item or ValueType(Base.STRING)
        return [read_value(one, item) for one in value]
    if value_type.base in {Base.STRING, Base.ENUM} and value is not None:
        return entry.text
    if not isinstance(value, str):
        return value
    if value_type.base in SCALED:
        try:
            return Decimal(value)
        except InvalidOperation:
            return value
    if value_type.base is Base.TIMESTAMP:
        return read_time(value) or value
    return value
