"""Reads what every rule file states about itself, how it clears, and its author's sentence."""

from collections.abc import Sequence
from datetime import datetime

from rules.expression import Names
from rules.model import Effective, Expression, Heading, Mode, PolicyClause, Title
from rules.reader import Pairs, Reader, read_time
from rules.source import Entry
from rules.values import words
from rules.wording import unknown_placeholders
from store.problems import did_you_mean


def read_heading(reader: Reader, pairs: Pairs, key: str, owner: Entry) -> Heading:
    """What every rule states about itself; `key` is ``rule`` or ``correlation``."""
    policy = reader.value(pairs, "policy", owner)
    clause = PolicyClause("", "")
    if policy is not None:
        inner = reader.mapping(policy, "policy", ("document", "clause"))
        if inner is not None:
            clause = PolicyClause(
                reader.word(inner, "document", policy), reader.word(inner, "clause", policy)
            )
    identifier = reader.word(pairs, key, owner)
    if identifier and not identifier.replace("-", "_").isidentifier():
        reader.fault("BAD_NAME", pairs[key].value, field=key)
    return Heading(
        id=identifier,
        version=reader.number(pairs, "version", owner),
        owner=reader.word(pairs, "owner", owner),
        title=reader.title(pairs, "title", owner),
        policy=clause,
        why=reader.title(pairs, "why", owner, required=False),
        mode=reader.choice(pairs, "mode", owner, Mode, Mode.LIVE) or Mode.LIVE,
        observe=reader.flag(pairs, "observe", owner),
        effective=_effective(reader, pairs, owner),
        explain=reader.title(pairs, "explain", owner, required=False),
        file=reader.file,
        line=owner.place.line,
    )


def check_explain(reader: Reader, pairs: Pairs, template: Title, known: Sequence[str]) -> None:
    """Every placeholder of the author's sentence must be a field or a piece of evidence."""
    for name in unknown_placeholders(template, known):
        reader.fault(
            "UNKNOWN_FIELD",
            pairs["explain"].value,
            field="explain",
            found=name,
            allowed=words(known),
            hint=did_you_mean(name, known),
        )


def _effective(reader: Reader, pairs: Pairs, owner: Entry) -> Effective:
    entry = reader.value(pairs, "effective", owner, required=False)
    inner = reader.mapping(entry, "effective", ("from", "to")) if entry is not None else None
    if entry is None or inner is None:
        return Effective()
    effective = Effective(_time(reader, inner, "from", entry), _time(reader, inner, "to", entry))
    if effective.start and effective.end and effective.start >= effective.end:
        reader.fault("EFFECTIVE_ORDER", entry, field="effective")
    return effective


def _time(reader: Reader, pairs: Pairs, key: str, owner: Entry) -> datetime | None:
    entry = reader.value(pairs, key, owner, required=False)
    if entry is None:
        return None
    moment = read_time(entry.text)
    if moment is None:
        allowed = "2026-12-01, 2026-12-01T09:00:00+08:00"
        reader.fault("EXPECTED_TIME", entry, field=f"effective.{key}", allowed=allowed)
    return moment


def read_clearing(
    reader: Reader, pairs: Pairs, owner: Entry, names: Names
) -> tuple[Expression | None, bool]:
    """`clears_when` (a state) or `needs_disposition` (an event): one of them must be stated."""
    needs = reader.flag(pairs, "needs_disposition", owner)
    entry = reader.value(pairs, "clears_when", owner, required=False)
    if entry is None and not needs:
        reader.fault(
            "MISSING_KEY",
            owner,
            field="clears_when",
            found="clears_when",
            allowed="clears_when, needs_disposition: true",
        )
    return reader.expression(entry, "clears_when", names), needs
