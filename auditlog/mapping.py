"""A company's own form of events: a YAML file that says what its columns, words and sources mean.

::

    columns:
      event_id: 流水号
      event_time: 时间
    constants:
      kind: business
    values:
      outcome: {成功: success, 失败: failure}
    units:
      wms-east: 集团/华东业务部

``units`` names the organisation of the rows of a source that name none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from auditlog.fields import NAMES, flatten
from directory.reading import FieldReader, parse_yaml
from store.problems import Problem

_KEYS: Final = ("columns", "constants", "values", "units")
_EMPTY: Final = (None, "")


@dataclass(frozen=True)
class EventMapping:
    """What a mapping file says.

    Attributes:
        columns: our field → their name of it.
        constants: our field → its value in the rows that lack it.
        values: our field → their word → ours.
        units: source → the organisation of its rows that name none.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Their name → our field."""
        return {theirs: ours for ours, theirs in self.columns.items()}

    def apply(self, values: Mapping[Any, Any]) -> dict[Any, Any]:
        """A row under our names, with our words and what it lacks."""
        row = {self.headers.get(name, name): value for name, value in flatten(values).items()}
        for name, words in self.values.items():
            if (given := _name_in(row, name)) and str(row[given]).strip() in words:
                row[given] = words[str(row[given]).strip()]
        for name, constant in self.constants.items():
            if not _name_in(row, name):
                row[name] = constant
        source = _name_in(row, "source") or _name_in(row, "actor")
        if source and not _name_in(row, "org"):
            unit = self.units.get(str(row[source]).strip())
            if unit:
                row["org"] = unit
        return row


def _name_in(row: Mapping[Any, Any], field_: str) -> str:
    """Under which of its names a field stands in the row with a value; empty when under none."""
    return next((name for name in NAMES[field_] if row.get(name) not in _EMPTY), "")


def load_mapping(text: str, file: str) -> tuple[EventMapping, list[Problem]]:
    """The mapping that a YAML text describes, and what is wrong with it."""
    root, problems = parse_yaml(text, file)
    if problems:
        return EventMapping(), problems
    reader = FieldReader(file)
    node = reader.mapping(root, _KEYS, "mapping")
    if node is None:
        return EventMapping(), reader.problems
    mapping = EventMapping(
        columns=_texts(reader, node, "columns"),
        constants=_texts(reader, node, "constants"),
        values={
            name: {str(theirs): reader.text(words, theirs) for theirs in words}
            for name, words in reader.inner(node, "values", NAMES).items()
            if _is_mapping(reader, node, words, str(name))
        },
        units={
            str(source): reader.text(units, source).strip("/")
            for units in [reader.inner(node, "units")]
            for source in units
        },
    )
    return mapping, reader.problems


def _texts(reader: FieldReader, node: Mapping[str, Any], key: str) -> dict[str, str]:
    inner = reader.inner(node, key, NAMES)
    return {name: reader.text(inner, name) for name in inner if name in NAMES}


def _is_mapping(reader: FieldReader, node: Mapping[str, Any], words: Any, name: str) -> bool:
    if isinstance(words, Mapping):
        return name in NAMES
    reader.report("NOT_A_MAPPING", node, "values", field=name, found=words)
    return False
