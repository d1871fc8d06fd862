"""The author's own words about a match: `explain` templates filled with the fact and evidence."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rules.interpreter import Fact
from rules.model import Heading, Title
from rules.schema import FactKind
from rules.values import json_value

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_NOTHING = "—"


def placeholders(template: Title) -> set[str]:
    """The names that a template asks for."""
    return {*_PLACEHOLDER.findall(template.zh), *_PLACEHOLDER.findall(template.en)}


def explained(heading: Heading, kind: FactKind, fact: Fact, evidence: Mapping[str, Any]) -> Title:
    """What a match says in both languages; the title when the rule states no `explain`.

    Args:
        heading: the rule's heading.
        kind: the fact's kind.
        fact: the canonical fact that completed the match.
        evidence: the match's evidence; it goes before the fact's own fields.
    """
    template = heading.explain
    if not (template.zh and template.en):
        return heading.title
    values: dict[str, Any] = {}
    for name in placeholders(template):
        field = kind.fields.get(name)
        if name in evidence:
            values[name] = evidence[name]
        elif field is not None:
            values[name] = json_value(fact.get(name), field.type)
    return Title(_filled(template.zh, values, "、"), _filled(template.en, values, ", "))


def _filled(template: str, values: Mapping[str, Any], comma: str) -> str:
    return _PLACEHOLDER.sub(lambda match: _shown(values.get(match[1]), comma), template)


def _shown(value: Any, comma: str) -> str:
    if value is None:
        return _NOTHING
    if isinstance(value, list):
        return comma.join(_shown(one, comma) for one in value)
    return str(value)


def unknown_placeholders(template: Title, known: Iterable[str]) -> list[str]:
    """Names in a template that nothing can fill."""
    return sorted(placeholders(template) - set(known))
