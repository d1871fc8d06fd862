"""One stateless rule file into a `Rule`."""

from collections.abc import Mapping

from rules.expression import Names
from rules.model import (
    Expect,
    Expression,
    HitPolicy,
    Level,
    Outcome,
    Row,
    Rule,
    RuleTest,
)
from rules.read_heading import check_explain, read_clearing, read_heading
from rules.reader import Pairs, Reader
from rules.risk_guard import can_deny_risk_reduction
from rules.schema import FactKind
from rules.source import Entry
from rules.tree import Node
from rules.values import words
from store.problems import did_you_mean

RULE_KEYS = (
    *("rule", "version", "owner", "title", "policy", "why", "on", "mode", "when", "let"),
    *("code", "level", "outcome", "decide", "table", "on_missing", "observe", "effective"),
    *("clears_when", "needs_disposition", "explain", "evidence", "tests"),
)
_TABLE_KEYS = ("hit_policy", "rows")
_ROW_KEYS = ("if", "code", "level", "outcome", "decide")
_TEST_KEYS = ("name", "fact", "expect")
_EXPECT_KEYS = ("code", "level")
#: The code of a verdict that is unknown; also what a test may expect.
DATA_ISSUE = "data_issue"


def load_rule(reader: Reader, root: Entry, pairs: Pairs) -> Rule | None:
    """The rule of a file; None when its fact kind is unknown. Faults are in the reader."""
    reader.mapping(root, "rule", RULE_KEYS)
    heading = read_heading(reader, pairs, "rule", root)
    kind = reader.kind(pairs, root)
    if kind is None:
        return None
    plain = Names(kind.types)
    lets = _lets(reader, pairs, root, kind)
    names = Names(kind.types, {name: made.node for name, made in lets.items()})
    when = reader.expression(reader.value(pairs, "when", root, required=False), "when", names)
    hit_policy, rows = _rows(reader, pairs, root, names, heading.id)
    clears_when, needs_disposition = read_clearing(reader, pairs, root, plain)
    rule = Rule(
        heading=heading,
        kind=kind.name,
        when=when,
        lets=lets,
        hit_policy=hit_policy,
        rows=rows,
        on_missing=_on_missing(reader, pairs, root, kind),
        clears_when=clears_when,
        needs_disposition=needs_disposition,
        evidence=reader.expressions(pairs, "evidence", root, names),
        tests=_tests(reader, pairs, root, kind, rows),
    )
    check_explain(reader, pairs, heading.explain, [*kind.fields, *rule.evidence])
    if not reader.failed:
        _refuse_denial(reader, rule, root)
    return rule


def _lets(reader: Reader, pairs: Pairs, root: Entry, kind: FactKind) -> dict[str, Expression]:
    entry = reader.value(pairs, "let", root, required=False)
    written = reader.mapping(entry, "let") if entry is not None else None
    found: dict[str, Expression] = {}
    nodes: dict[str, Node] = {}
    for name, pair in (written or {}).items():
        if not name.isidentifier() or name in kind.fields:
            reader.fault("BAD_NAME", pair.key, field="let")
            continue
        names = Names(kind.types, dict(nodes))
        made = reader.expression(pair.value, f"let.{name}", names, boolean=False)
        if made is not None:
            found[name] = made
            nodes[name] = made.node
    return found


def _rows(
    reader: Reader, pairs: Pairs, root: Entry, names: Names, rule_id: str
) -> tuple[HitPolicy, tuple[Row, ...]]:
    table = pairs.get("table")
    if table is None:
        if not {"level", "outcome", "decide"} & set(pairs):
            allowed = "level, outcome, decide, table"
            reader.fault("MISSING_KEY", root, field="level", found="level", allowed=allowed)
        return HitPolicy.FIRST, (_row(reader, pairs, root, names, rule_id=rule_id),)
    for key in ("code", "level", "outcome", "decide"):
        if key in pairs:
            reader.fault("TABLE_AND_RESULT", pairs[key].key, field=key)
    inner = reader.mapping(table.value, "table", _TABLE_KEYS)
    if inner is None:
        return HitPolicy.FIRST, ()
    policy = reader.choice(inner, "hit_policy", table.value, HitPolicy, None)
    if "hit_policy" not in inner:
        allowed = words(list(HitPolicy))
        reader.fault("MISSING_KEY", table.value, field="hit_policy", found="", allowed=allowed)
    entry = reader.value(inner, "rows", table.value)
    rows: list[Row] = []
    for item in reader.items(entry, "rows") if entry is not None else []:
        row_pairs = reader.mapping(item, "rows", _ROW_KEYS)
        if row_pairs is None:
            continue
        written = reader.value(row_pairs, "if", item, required=False)
        condition = reader.expression(written, "if", names)
        rows.append(_row(reader, row_pairs, item, names, rule_id=rule_id, condition=condition))
    if entry is not None and not rows:
        reader.fault("TABLE_EMPTY", entry, field="rows")
    return policy or HitPolicy.FIRST, tuple(rows)


def _row(
    reader: Reader,
    pairs: Pairs,
    owner: Entry,
    names: Names,
    *,
    rule_id: str,
    condition: Expression | None = None,
) -> Row:
    level, outcome, decide = reader.result(pairs, owner, names)
    code = reader.word(pairs, "code", owner, required=False) or rule_id
    return Row(condition, code, level, outcome, decide, owner.place.line)


def _on_missing(reader: Reader, pairs: Pairs, root: Entry, kind: FactKind) -> frozenset[str]:
    entry = reader.value(pairs, "on_missing", root, required=False)
    if entry is None:
        return frozenset()
    if not isinstance(entry.value, dict):
        if entry.text not in {DATA_ISSUE, "ignore"}:
            reader.fault("UNKNOWN_WORD", entry, field="on_missing", allowed="data_issue, ignore")
        return frozenset({"*"} if entry.text == DATA_ISSUE else ())
    named: set[str] = set()
    for name, pair in entry.value.items():
        if name not in kind.fields:
            hint = did_you_mean(name, kind.fields)
            allowed = words(list(kind.fields))
            reader.fault("UNKNOWN_FIELD", pair.key, field="on_missing", allowed=allowed, hint=hint)
        elif pair.value.text == DATA_ISSUE:
            named.add(name)
        elif pair.value.text != "ignore":
            reader.fault(
                "UNKNOWN_WORD", pair.value, field="on_missing", allowed="data_issue, ignore"
            )
    return frozenset(named)


def _tests(
    reader: Reader, pairs: Pairs, root: Entry, kind: FactKind, rows: tuple[Row, ...]
) -> tuple[RuleTest, ...]:
    entry = reader.value(pairs, "tests", root, required=False)
    codes = sorted({row.code for row in rows})
    tests: list[RuleTest] = []
    for item in reader.items(entry, "tests") if entry is not None else []:
        inner = reader.mapping(item, "tests", _TEST_KEYS)
        if inner is None:
            continue
        name = reader.word(inner, "name", item)
        fact = reader.value(inner, "fact", item)
        encoded: Mapping[str, object] = reader.fact(fact, kind, "fact") if fact else {}
        expect = _expect(reader, inner, item, codes)
        tests.append(RuleTest(name, (encoded,), expect, item.place.line))  # type: ignore[arg-type]
    hits = any(test.expect.code for test in tests)
    misses = any(not test.expect.code for test in tests)
    if not (hits and misses):
        reader.fault("TEST_MISSING", root, field="tests", found="", severity="warning")
    return tuple(tests)


def _expect(reader: Reader, pairs: Pairs, owner: Entry, codes: list[str]) -> Expect:
    entry = reader.value(pairs, "expect", owner)
    if entry is None:
        return Expect()
    if isinstance(entry.value, dict):
        inner = reader.mapping(entry, "expect", _EXPECT_KEYS) or {}
        level = reader.choice(inner, "level", entry, Level, None)
        code_entry = reader.value(inner, "code", entry)
        return Expect(
            _code(reader, code_entry, codes) if code_entry else "", level.value if level else ""
        )
    if entry.text == DATA_ISSUE:
        return Expect(data_issue=True)
    if entry.text == "none":
        return Expect()
    return Expect(_code(reader, entry, codes))


def _code(reader: Reader, entry: Entry, codes: list[str]) -> str:
    if entry.text not in codes:
        known = [*codes, "none", DATA_ISSUE]
        hint = did_you_mean(entry.text, known)
        reader.fault("UNKNOWN_CODE", entry, field="expect", allowed=words(known), hint=hint)
    return entry.text


def _refuse_denial(reader: Reader, rule: Rule, root: Entry) -> None:
    """Never block what lowers risk: such a rule is refused before it can act."""
    for row in rule.rows:
        denies = row.outcome is Outcome.DENY or (row.decide and row.decide.outcome == "deny")
        conditions = [part.node for part in (rule.when, row.condition) if part is not None]
        if denies and can_deny_risk_reduction(rule.kind, conditions):
            place = next(iter((row.condition, rule.when)), None)
            at = root if place is None else _at(root, place.line, place.column)
            reader.fault(
                "DENIES_RISK_REDUCTION",
                at,
                field="outcome",
                found=row.code,
                allowed='not reduces_risk or data_state != "current"',
            )


def _at(entry: Entry, line: int, column: int) -> Entry:
    place = type(entry.place)(entry.place.file, line, column)
    return Entry(None, place, entry.index, entry.end)
