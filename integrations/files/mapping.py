"""A company's own headers: a YAML file that says which column of theirs is which field of ours.

::

    kind: contracts
    source: erp
    decimal: "."
    columns:
      contract_id: 合同编号
      quantity: 数量（吨）
    constants:
      org: 集团/子公司
    values:
      side: {进: buy, 出: sell}
    ignored: [备注]
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from directory.reading import FieldReader, parse_yaml
from integrations.files.kinds import Kind, header
from store.problems import Problem

_KEYS: Final = ("kind", "source", "zone", "columns", "constants", "values", "decimal", "ignored")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What a mapping file says.

    Attributes:
        columns: our field → their header.
        constants: our field → the value of every row.
        values: our field → their word → ours.
        source: under what name the facts are kept; empty: the file's.
        zone: IANA name of the clock of times without an offset; empty: the organisation's.
        decimal: the decimal sign of numbers in text, ``.`` or ``,``; empty: none is agreed.
        ignored: headers of columns that are left out on purpose.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source: str = ""
    zone: str = ""
    decimal: str = ""
    ignored: tuple[str, ...] = ()


def load_mapping(text: str, file: str, kind: Kind) -> tuple[ColumnMapping, list[Problem]]:
    """The mapping that a YAML text describes, and what is wrong with it."""
    root, problems = parse_yaml(text, file)
    if problems:
        return ColumnMapping(), problems
    reader = FieldReader(file)
    node = reader.mapping(root, _KEYS, "mapping")
    if node is None:
        return ColumnMapping(), reader.problems
    named = reader.text(node, "kind")
    if named and named != kind.value:
        reader.report("MAPPING_KIND", node, "kind", found=named, allowed=kind.value)
    zone = reader.text(node, "zone")
    if zone and not _is_zone(zone):
        reader.report("UNKNOWN_TIMEZONE", node, "zone", found=zone, allowed="Asia/Shanghai")
    decimal = reader.text(node, "decimal")
    if decimal not in {"", ".", ","}:
        reader.report("MAPPING_DECIMAL", node, "decimal", found=decimal, allowed='".", ","')
        decimal = ""
    mapping = ColumnMapping(
        columns=_texts(reader, node, "columns", kind),
        constants=_texts(reader, node, "constants", kind),
        values=_values(reader, node, kind),
        source=reader.text(node, "source"),
        zone=zone,
        decimal=decimal,
        ignored=reader.texts(node, "ignored"),
    )
    return mapping, reader.problems


def _texts(reader: FieldReader, node: Mapping[str, Any], key: str, kind: Kind) -> dict[str, str]:
    inner = reader.inner(node, key, header(kind))
    return {name: reader.text(inner, name) for name in inner if name in header(kind)}


def _values(reader: FieldReader, node: Mapping[str, Any], kind: Kind) -> dict[str, dict[str, str]]:
    inner = reader.inner(node, "values", header(kind))
    found: dict[str, dict[str, str]] = {}
    for name in inner:
        if not isinstance(inner[name], Mapping):
            reader.report("NOT_A_MAPPING", inner, name, found=inner[name])
        elif name in header(kind):
            words = inner[name]
            found[name] = {str(theirs): reader.text(words, theirs) for theirs in words}
    return found


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
