"""One correlation file into a `CorrelationRule`."""

from rules.expression import Names
from rules.literals import read_duration
from rules.model import CorrelationRule, Expect, Expression, RuleTest, Step
from rules.read_heading import check_explain, read_clearing, read_heading
from rules.reader import Pairs, Reader
from rules.schema import FactKind
from rules.source import Entry
from rules.tree import Literal, Node, Span
from rules.values import DURATION, Encoded, ValueType, words
from store.problems import did_you_mean

CORRELATION_KEYS = (
    *("correlation", "version", "owner", "title", "policy", "why", "on", "of", "mode", "steps"),
    *("by", "within", "ordered", "none_between", "absent", "count", "distinct", "having"),
    *("collect", "cap", "code", "level", "outcome", "decide", "observe", "effective"),
    *("clears_when", "needs_disposition", "explain", "evidence", "tests"),
)
_STEP_KEYS = ("as", "where")
_ABSENT_KEYS = (*_STEP_KEYS, "source")
_TEST_KEYS = ("name", "events", "expect")
_DEFAULT_CAP = 1000
_MAX_STEPS = 3
#: Event time at which the events of tests begin when they say only `at: 30s`.
_TEST_EPOCH = 1_772_413_200_000_000  # 2026-03-02T01:00:00Z, a Monday


def load_correlation(reader: Reader, root: Entry, pairs: Pairs) -> CorrelationRule | None:
    """The correlation of a file; None when its fact kind is unknown. Faults are in the reader."""
    reader.mapping(root, "correlation", CORRELATION_KEYS)
    heading = read_heading(reader, pairs, "correlation", root)
    kind = reader.kind(pairs, root)
    within = reader.duration(pairs, "within", root)
    if kind is None:
        return None
    if "event_time" not in kind.fields:
        reader.fault("KIND_WITHOUT_TIME", pairs["on"].value, field="on")
    lets: dict[str, Node] = {"within": Literal(within, DURATION, Span(0, 0))}
    steps, aliases = _steps(reader, pairs, root, kind)
    last = Names(kind.types, lets, aliases)
    full = Names(kind.types, lets, aliases, aggregates=True)
    clears_when, needs_disposition = read_clearing(reader, pairs, root, Names(kind.types))
    level, outcome, decide = reader.result(pairs, root, full)
    distinct, distinct_at_least = _distinct(reader, pairs, root, kind)
    count = reader.number(pairs, "count", root, default=0) if "count" in pairs else 0
    correlation = CorrelationRule(
        heading=heading,
        kind=kind.name,
        source=reader.word(pairs, "of", root, required=False),
        steps=steps,
        by=_fields(reader, pairs, "by", root, kind, required=True),
        within=within,
        ordered=reader.flag(pairs, "ordered", root, default=True),
        none_between=_none_between(reader, pairs, root, last),
        absent=_absent(reader, pairs, root, kind, last),
        count=count,
        distinct=distinct,
        distinct_at_least=distinct_at_least,
        having=reader.expression(
            reader.value(pairs, "having", root, required=False), "having", full
        ),
        collect=_fields(reader, pairs, "collect", root, kind, required=False),
        cap=reader.number(pairs, "cap", root, default=_DEFAULT_CAP),
        code=reader.word(pairs, "code", root, required=False) or heading.id,
        level=level,
        outcome=outcome,
        decide=decide,
        clears_when=clears_when,
        needs_disposition=needs_disposition,
        evidence=reader.expressions(pairs, "evidence", root, full),
        tests=_tests(reader, pairs, root, kind),
    )
    check_explain(reader, pairs, heading.explain, [*kind.fields, *correlation.evidence])
    if not reader.failed:  # a step that could not be read would only seem to be missing
        _check_form(reader, correlation, root, pairs)
    return correlation


def _steps(
    reader: Reader, pairs: Pairs, root: Entry, kind: FactKind
) -> tuple[tuple[Step, ...], dict[str, dict[str, ValueType]]]:
    aliases: dict[str, dict[str, ValueType]] = {}
    steps: list[Step] = []
    entry = reader.value(pairs, "steps", root)
    items = reader.items(entry, "steps") if entry is not None else []
    for item in items:
        step = _step(reader, item, kind, Names(kind.types, {}, dict(aliases)), "steps")
        if step is None:
            continue
        if step.alias in aliases or step.alias in kind.fields:
            reader.fault("DUPLICATE_ALIAS", item, field="as", found=step.alias)
        aliases[step.alias] = kind.types
        steps.append(step)
    if entry is not None and not 1 <= len(items) <= _MAX_STEPS:
        reader.fault("STEP_COUNT", entry, field="steps", allowed=f"1 … {_MAX_STEPS}")
    return tuple(steps), aliases


def _step(reader: Reader, item: Entry, kind: FactKind, names: Names, field: str) -> Step | None:
    inner = reader.mapping(item, field, _ABSENT_KEYS if field == "absent" else _STEP_KEYS)
    if inner is None:
        return None
    alias = reader.word(inner, "as", item)
    if alias and not alias.isidentifier():
        reader.fault("BAD_NAME", inner["as"].value, field="as")
    where = reader.expression(reader.value(inner, "where", item), "where", names)
    source = reader.word(inner, "source", item, required=False)
    return Step(alias, kind.name, where, source) if where is not None else None


def _absent(reader: Reader, pairs: Pairs, root: Entry, kind: FactKind, names: Names) -> Step | None:
    entry = reader.value(pairs, "absent", root, required=False)
    return _step(reader, entry, kind, names, "absent") if entry is not None else None


def _none_between(reader: Reader, pairs: Pairs, root: Entry, names: Names) -> Expression | None:
    entry = reader.value(pairs, "none_between", root, required=False)
    if entry is None:
        return None
    inner = reader.mapping(entry, "none_between", ("where",))
    if inner is None:
        return None
    return reader.expression(reader.value(inner, "where", entry), "none_between.where", names)


def _fields(
    reader: Reader, pairs: Pairs, key: str, root: Entry, kind: FactKind, *, required: bool
) -> tuple[str, ...]:
    entry = reader.value(pairs, key, root, required=required)
    if entry is None:
        return ()
    names: list[str] = []
    for item in reader.items(entry, key):
        if item.text not in kind.fields:
            hint = did_you_mean(item.text, kind.fields)
            reader.fault(
                "UNKNOWN_FIELD", item, field=key, allowed=words(list(kind.fields)), hint=hint
            )
            continue
        names.append(item.text)
    if required and not names:
        reader.fault("BY_EMPTY", entry, field=key)
    return tuple(names)


def _distinct(reader: Reader, pairs: Pairs, root: Entry, kind: FactKind) -> tuple[str, int]:
    entry = reader.value(pairs, "distinct", root, required=False)
    if entry is None:
        return "", 0
    inner = reader.mapping(entry, "distinct", ("field", "at_least"))
    if inner is None:
        return "", 0
    name = reader.word(inner, "field", entry)
    if name and name not in kind.fields:
        hint = did_you_mean(name, kind.fields)
        allowed = words(list(kind.fields))
        reader.fault(
            "UNKNOWN_FIELD", inner["field"].value, field="distinct", allowed=allowed, hint=hint
        )
    return name, reader.number(inner, "at_least", entry)


def _check_form(reader: Reader, rule: CorrelationRule, root: Entry, pairs: Pairs) -> None:
    """A correlation counts, joins or waits; one step that does none of them is a plain rule."""
    if rule.count and len(rule.steps) != 1:
        reader.fault("COUNT_NEEDS_ONE_STEP", pairs["count"].key, field="count")
    if rule.count == 1:
        reader.fault("COUNT_OF_ONE", pairs["count"].value, field="count", allowed="2, 3, …")
    if not rule.count and len(rule.steps) == 1 and rule.absent is None:
        reader.fault("NOT_A_CORRELATION", root, field="steps", found="")
    if rule.distinct and not rule.count:
        reader.fault("DISTINCT_NEEDS_COUNT", pairs["distinct"].key, field="distinct")
    for field, waits in (("absent", rule.absent), ("none_between", rule.none_between)):
        if waits is not None and rule.count:
            reader.fault("COUNT_CANNOT_WAIT", pairs[field].key, field=field)
        elif waits is not None and rule.source:
            reader.fault("SECOND_LEVEL_CANNOT_WAIT", pairs[field].key, field=field)
    least = max(rule.count, rule.distinct_at_least, len(rule.steps))
    if rule.cap < least:
        entry = pairs["cap"].value if "cap" in pairs else root
        reader.fault("CAP_TOO_SMALL", entry, field="cap", allowed=f"{least}, {least + 1}, …")


def _tests(reader: Reader, pairs: Pairs, root: Entry, kind: FactKind) -> tuple[RuleTest, ...]:
    entry = reader.value(pairs, "tests", root, required=False)
    tests: list[RuleTest] = []
    for item in reader.items(entry, "tests") if entry is not None else []:
        inner = reader.mapping(item, "tests", _TEST_KEYS)
        if inner is None:
            continue
        events = reader.value(inner, "events", item)
        facts = [
            _event(reader, one, kind, number)
            for number, one in enumerate(reader.items(events, "events") if events else [], 1)
        ]
        expected = reader.value(inner, "expect", item)
        count = 0
        if expected is not None:
            if isinstance(expected.value, bool) or not isinstance(expected.value, int):
                reader.fault("EXPECTED_NUMBER", expected, field="expect", allowed="0, 1, 2, …")
            else:
                count = expected.value
        name = reader.word(inner, "name", item)
        tests.append(RuleTest(name, tuple(facts), Expect(count=count), item.place.line))
    hits = any(test.expect.count for test in tests)
    misses = any(not test.expect.count for test in tests)
    if not (hits and misses):
        reader.fault("TEST_MISSING", root, field="tests", found="", severity="warning")
    return tuple(tests)


def _event(reader: Reader, item: Entry, kind: FactKind, number: int) -> dict[str, Encoded]:
    """A test's event: `at: 30s` counts from the tests' own beginning; ids are made when absent."""
    if not isinstance(item.value, dict):
        reader.fault("EXPECTED_MAPPING", item, field="events")
        return {}
    written = dict(item.value)
    at = written.pop("at", None)
    fact = reader.fact(Entry(written, item.place, item.index, item.end), kind, "events")
    if at is not None:
        offset = read_duration(at.value.text)
        if offset is None:
            reader.fault("EXPECTED_DURATION", at.value, field="at", allowed="0s, 30s, 2h")
        fact["event_time"] = _TEST_EPOCH + (offset or 0)
    elif "event_time" not in fact:
        reader.fault("MISSING_KEY", item, field="at", found="at", allowed="at, event_time")
    if "event_id" in kind.fields:
        fact.setdefault("event_id", f"T-{number}")
    return fact
