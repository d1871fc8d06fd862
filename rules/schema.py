"""Fact kinds: which fields a fact has, their types, units, labels and an example.

They are declared once, in ``rulebook/schema/<kind>.yaml``; rules are checked against them and
facts are encoded by them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rules.errors import UnknownFactKind
from rules.source import Entry, Pair, read_yaml, written
from rules.values import (
    DEFAULT_SCALE,
    MAX_SCALE,
    SCALED,
    Base,
    Encoded,
    ValueFault,
    ValueType,
    encode_value,
    words,
)
from store.problems import Problem, did_you_mean, shorten

_FIELD_KEYS = (
    "type",
    "scale",
    "unit",
    "currency",
    "values",
    "item",
    "zh",
    "en",
    "example",
    "shown",
)
#: How a number may be written for people.
_SHOWN = ("percent",)
#: Names that the language or an engine uses itself.
RESERVED = frozenset({"and", "or", "not", "in", "true", "false", "null", "has", "within", "id"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a fact kind.

    Attributes:
        name: as expressions write it.
        type: its value type.
        zh: the Chinese label.
        en: the English label.
        example: an example value, as text.
        percent: whether people read it in percent: 1.2 is 120 %. Rules write the number itself.
    """

    name: str
    type: ValueType
    zh: str
    en: str
    example: str = ""
    percent: bool = False


@dataclass(frozen=True, slots=True)
class FactKind:
    """One kind of fact.

    Attributes:
        name: the kind (``exposure``).
        fields: field name to `Field`, in the order of the file.
    """

    name: str
    fields: Mapping[str, Field]
    zh: str = ""
    en: str = ""

    @property
    def types(self) -> dict[str, ValueType]:
        """Field name to value type."""
        return {name: declared.type for name, declared in self.fields.items()}

    def encode(self, fact: Mapping[str, object]) -> tuple[dict[str, Encoded], list[Problem]]:
        """The canonical form of a fact; see `Schema.encode`."""
        encoded: dict[str, Encoded] = {}
        problems: list[Problem] = []
        fields = self.fields
        for name, value in fact.items():
            declared = fields.get(name)
            if declared is None:
                hint = did_you_mean(name, fields)
                problems.append(
                    Problem(
                        "UNKNOWN_FIELD",
                        field=name,
                        found=shorten(name),
                        allowed=words(list(fields)),
                        hint=hint,
                        params={"kind": self.name},
                    )
                )
                continue
            if value is None:
                continue
            try:
                encoded[name] = encode_value(value, declared.type)
            except ValueFault as fault:
                problems.append(
                    Problem(
                        fault.code,
                        field=name,
                        found=shorten(value),
                        allowed=fault.allowed,
                        params={"kind": self.name},
                    )
                )
        return encoded, problems


@dataclass(frozen=True, slots=True)
class Schema:
    """All fact kinds."""

    kinds: Mapping[str, FactKind] = field(default_factory=dict)

    def kind(self, name: str) -> FactKind:
        """The fact kind `name`.

        Raises:
            UnknownFactKind: when the schema does not declare it.
        """
        found = self.kinds.get(name)
        if found is None:
            raise UnknownFactKind(name)
        return found

    def encode(
        self, kind: str, fact: Mapping[str, object]
    ) -> tuple[dict[str, Encoded], list[Problem]]:
        """A fact in canonical form.

        Args:
            kind: the fact kind.
            fact: field name to Decimal, int, str, bool, aware datetime, timedelta, list, or None
                (missing). Money may be an (amount, currency) pair.

        Returns:
            The canonical values that fit (missing ones are absent), and a problem for every field
            that is unknown, of another type, too large or too fine for its scale, or a binary
            float. A value with a problem counts as missing.

        Raises:
            UnknownFactKind: when the schema does not declare the kind.
        """
        return self.kind(kind).encode(fact)


class _SchemaReader:
    def __init__(self, file: str, source: str) -> None:
        self.file = file
        self.source = source
        self.problems: list[Problem] = []

    def fault(self, code: str, entry: Entry, found: str = "", **more: str) -> None:
        place = entry.place
        self.problems.append(
            Problem(
                code,
                self.file,
                place.line,
                place.column,
                found=shorten(found) if found else written(self.source, entry),
                field=more.get("field", ""),
                allowed=more.get("allowed", ""),
                hint=more.get("hint", ""),
            )
        )

    def text(self, pairs: Mapping[str, Pair], key: str, owner: Entry) -> str:
        pair = pairs.get(key)
        if pair is None or not pair.value.text:
            self.fault("MISSING_KEY", owner, key, field=key)
            return ""
        return pair.value.text

    def kind(self, root: Entry) -> FactKind | None:
        if not isinstance(root.value, dict):
            self.fault("EXPECTED_MAPPING", root)
            return None
        pairs = root.value
        name = self.text(pairs, "kind", root)
        zh, en = self.text(pairs, "zh", root), self.text(pairs, "en", root)
        declared = pairs.get("fields")
        if declared is None or not isinstance(declared.value.value, dict):
            self.fault("MISSING_KEY", root, "fields", field="fields")
            return None
        fields: dict[str, Field] = {}
        for field_name, pair in declared.value.value.items():
            one = self.field(field_name, pair)
            if one is not None:
                fields[field_name] = one
        return FactKind(name, fields, zh, en) if name else None

    def field(self, name: str, pair: Pair) -> Field | None:
        if not name.isidentifier() or name.startswith("_") or name in RESERVED:
            self.fault("BAD_NAME", pair.key, name)
            return None
        if not isinstance(pair.value.value, dict):
            self.fault("EXPECTED_MAPPING", pair.value, name)
            return None
        pairs = pair.value.value
        for key, unknown in pairs.items():
            if key not in _FIELD_KEYS:
                hint = did_you_mean(key, _FIELD_KEYS)
                self.fault("UNKNOWN_KEY", unknown.key, allowed=words(_FIELD_KEYS), hint=hint)
        value_type = self.type(pairs, pair.value)
        zh, en = self.text(pairs, "zh", pair.value), self.text(pairs, "en", pair.value)
        example = pairs["example"].value.text if "example" in pairs else ""
        percent = self.percent(pairs, value_type)
        return None if value_type is None else Field(name, value_type, zh, en, example, percent)

    def percent(self, pairs: Mapping[str, Pair], value_type: ValueType | None) -> bool:
        pair = pairs.get("shown")
        if pair is None or value_type is None:
            return False
        if pair.value.text in _SHOWN and value_type.base is Base.DECIMAL:
            return True
        self.fault("BAD_SHOWN", pair.value, allowed=words(_SHOWN))
        return False

    def type(self, pairs: Mapping[str, Pair], owner: Entry) -> ValueType | None:
        written = self.text(pairs, "type", owner)
        if not written:
            return None
        try:
            base = Base(written)
        except ValueError:
            entry = pairs["type"].value
            hint = did_you_mean(written, list(Base))
            self.fault("UNKNOWN_TYPE", entry, allowed=words(list(Base)), hint=hint)
            return None
        scale = self.scale(pairs, base)
        unit_key = "currency" if base is Base.MONEY else "unit"
        unit = ""
        if base in {Base.MONEY, Base.QUANTITY}:
            unit = self.text(pairs, unit_key, owner)
        values = self.values(pairs, base, owner)
        item = None
        if base is Base.LIST:
            written = pairs["item"].value.text if "item" in pairs else "string"
            item = ValueType(Base.INTEGER if written == "integer" else Base.STRING)
        return ValueType(base, scale, unit, values, item)

    def scale(self, pairs: Mapping[str, Pair], base: Base) -> int:
        if base not in SCALED:
            return 0
        pair = pairs.get("scale")
        if pair is None:
            return DEFAULT_SCALE[base]
        value = pair.value.value
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SCALE:
            self.fault("BAD_SCALE", pair.value, allowed=f"0 … {MAX_SCALE}")
            return DEFAULT_SCALE[base]
        return value

    def values(self, pairs: Mapping[str, Pair], base: Base, owner: Entry) -> tuple[str, ...]:
        if base is not Base.ENUM:
            return ()
        pair = pairs.get("values")
        if pair is None or not isinstance(pair.value.value, list) or not pair.value.value:
            self.fault("MISSING_KEY", owner, "values", field="values")
            return ()
        return tuple(item.text for item in pair.value.value)


def read_kind(text: str, file: str) -> tuple[FactKind | None, list[Problem]]:
    """One schema file's fact kind and everything that is wrong with it."""
    root, problems = read_yaml(text, file)
    if root is None:
        return None, problems
    reader = _SchemaReader(file, text)
    kind = reader.kind(root)
    return kind, problems + reader.problems


def load_schema(folder: Path) -> tuple[Schema, list[Problem]]:
    """All fact kinds declared by the ``*.yaml`` files of a folder, and their problems."""
    kinds: dict[str, FactKind] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yaml")):
        kind, found = read_kind(path.read_text(encoding="utf-8"), path.name)
        problems += found
        if kind is not None:
            kinds[kind.name] = kind
    return Schema(kinds), problems
