"""A broken rule file is told where and what, in one run, and never replaces a good one."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import Rulebook, load_rulebook, load_schema, read_rule
from rules.expression import Names, parse_expression
from rules.model import Rule
from rules.schema import read_kind
from store.problems import Problem

FOLDER = Path(__file__).parents[3] / "rulebook"
SCHEMA, _ = load_schema(FOLDER / "schema")

GOOD = """\
rule: PROBE
version: 1
owner: risk
title: {zh: 探, en: probe}
policy: {document: d, clause: c}
on: exposure
when: use >= 0.8
level: red
clears_when: use < 0.7
tests:
  - {name: hit, fact: {use: 0.9}, expect: PROBE}
  - {name: miss, fact: {use: 0.1}, expect: none}
"""
GOOD_CORRELATION = """\
correlation: CHAIN
version: 1
owner: risk
title: {zh: 链, en: chain}
policy: {document: d, clause: c}
on: event
steps:
  - {as: ask, where: type == "a"}
  - {as: answer, where: type == "b" and order == ask.order}
by: [org]
within: 60s
level: red
needs_disposition: true
tests:
  - {name: hit, events: [{at: 0s, type: a, order: x}, {at: 1s, type: b, order: x}], expect: 1}
  - {name: miss, events: [{at: 0s, type: a}], expect: 0}
"""


def faults(text: str) -> list[Problem]:
    return read_rule(text, "probe.yaml", SCHEMA)[1]


def test_the_good_files_are_good() -> None:
    assert faults(GOOD) == []
    assert faults(GOOD_CORRELATION) == []


BROKEN = [
    # (what is replaced, by what, code, line, column, hint or part of what is allowed)
    ("use >= 0.8", "us >= 0.8", "UNKNOWN_FIELD", 7, 7, "use"),
    ("use >= 0.8", "use >= 0.8 and", "SYNTAX_END", 7, 21, "a field"),
    ("use >= 0.8", "use >= 0.8 )", "SYNTAX", 7, 18, ""),
    ("use >= 0.8", "0.5 < use < 0.8", "CHAINED_COMPARISON", 7, 17, "and"),
    ("use >= 0.8", 'data_state == "lat"', "UNKNOWN_ENUM_VALUE", 7, 21, "late"),
    ("use >= 0.8", 'use >= "0.8"', "TYPE_MISMATCH", 7, 14, "no quotes around a number"),
    ("use >= 0.8", "net >= 100", "TYPE_MISMATCH", 7, 7, "quantity"),
    ("use >= 0.8", "net >= 5 t", "UNIT_MISMATCH", 7, 7, "the product's own unit"),
    ("use >= 0.8", "net", "NOT_BOOLEAN", 7, 7, "true or false"),
    ("use >= 0.8", "not use", "NOT_BOOLEAN", 7, 11, "true or false"),
    ("use >= 0.8", "net * net > 0", "UNIT_PRODUCT", 7, 7, "number"),
    ("use >= 0.8", "absolute(net) > limit", "UNKNOWN_FUNCTION", 7, 7, "abs"),
    ("use >= 0.8", "has(use, net)", "BAD_ARGUMENTS", 7, 7, "has(field)"),
    ("use >= 0.8", "net == null", "NULL_LITERAL", 7, 14, "has(field)"),
    ("use >= 0.8", "use > 0.1234567891", "SCALE_EXCEEDED", 7, 13, "9 digits"),
    ("use >= 0.8", "div(net, limit, 4, up) > 1", "BAD_ROUNDING", 7, 26, "half_up"),
    ("use >= 0.8", "div(net, limit, 12) > 1", "BAD_SCALE", 7, 23, "9"),
    ("use >= 0.8", "product < 3", "TYPE_MISMATCH", 7, 17, "string"),
    ("use >= 0.8", "data_state in [current]", "UNKNOWN_FIELD", 7, 22, ""),
    ("use >= 0.8", "ask.use > 1", "UNKNOWN_ALIAS", 7, 7, ""),
    ("use >= 0.8", r'product == "\q"', "BAD_ESCAPE", 7, 18, ""),
    ("use >= 0.8", "count() > 3", "UNKNOWN_FUNCTION", 7, 7, ""),
    ("when: use >= 0.8", "wen: use >= 0.8", "UNKNOWN_KEY", 7, 1, "when"),
    ("level: red", "level: crimson", "UNKNOWN_WORD", 8, 8, "red"),
    ("level: red\n", "", "MISSING_KEY", 1, 1, "level"),
    ("clears_when: use < 0.7\n", "", "MISSING_KEY", 1, 1, "needs_disposition"),
    ("on: exposure", "on: exposures", "UNKNOWN_KIND", 6, 5, "exposure"),
    ("version: 1", "version: one", "EXPECTED_NUMBER", 2, 10, "1, 2, 3"),
    ("title: {zh: 探, en: probe}", "title: probe", "EXPECTED_MAPPING", 4, 8, ""),
    ("title: {zh: 探, en: probe}", "title: {zh: 探}", "MISSING_KEY", 4, 8, ""),
    ("owner: risk", "owner: risk\nowner: other", "DUPLICATE_KEY", 4, 1, ""),
    ("owner: risk", "owner: !!python/object:os.x risk", "YAML_TAG", 3, 8, ""),
    ("owner: risk", "owner: [risk", "YAML_SYNTAX", 4, 6, ""),
    ("fact: {use: 0.9}", "fact: {use: high}", "VALUE_TYPE", 11, 29, "decimal"),
    ("fact: {use: 0.9}", "fact: {use: 0.90001}", "SCALE_EXCEEDED", 11, 29, "scale 4"),
    ("fact: {use: 0.9}", "fact: {used: 0.9}", "UNKNOWN_FIELD", 11, 24, "use"),
    ("expect: PROBE", "expect: PROVE", "UNKNOWN_CODE", 11, 43, "PROBE"),
    ("level: red", "level: red\neffective: {from: soon}", "EXPECTED_TIME", 9, 19, "2026-12-01"),
    ("level: red", "level: red\non_missing: {used: data_issue}", "UNKNOWN_FIELD", 9, 14, "use"),
    ("level: red", "level: red\nexplain: {zh: '{usee}', en: x}", "UNKNOWN_FIELD", 9, 10, "use"),
    (
        "level: red",
        "level: red\ndecide: {object: account, outcome: refuse, reason: X}",
        "UNKNOWN_WORD",
        *(9, 36, "hold, deny, stale"),
    ),
]


@pytest.mark.parametrize(("old", "new", "code", "line", "column", "word"), BROKEN)
def test_a_broken_rule_names_its_place(
    *, old: str, new: str, code: str, line: int, column: int, word: str
) -> None:
    assert old in GOOD
    problems = [one for one in faults(GOOD.replace(old, new, 1)) if one.severity == "error"]
    assert (code, line, column) in [(one.code, one.line, one.column) for one in problems], problems
    told = next(one for one in problems if one.code == code)
    assert word in told.hint + "|" + told.allowed
    assert told.file == "probe.yaml"


BROKEN_CORRELATIONS = [
    ("by: [org]", "by: []", "BY_EMPTY", 10, 5, ""),
    ("by: [org]", "by: [orgs]", "UNKNOWN_FIELD", 10, 6, "org"),
    ("within: 60s", "within: 60", "EXPECTED_DURATION", 11, 9, "60s"),
    ("ask.order", "ask.orders", "UNKNOWN_FIELD", 9, 54, "order"),
    ("ask.order", "asked.order", "UNKNOWN_ALIAS", 9, 50, "ask"),
    ("as: answer", "as: ask", "DUPLICATE_ALIAS", 9, 5, ""),
    ("on: event", "on: feed", "KIND_WITHOUT_TIME", 6, 5, ""),
    ("by: [org]", "by: [org]\ncount: 3", "COUNT_NEEDS_ONE_STEP", 11, 1, ""),
    ('  - {as: ask, where: type == "a"}\n', "", "UNKNOWN_ALIAS", 8, 50, ""),
    ("{at: 0s, type: a}", "{type: a}", "MISSING_KEY", 16, 27, "event_time"),
]


@pytest.mark.parametrize(("old", "new", "code", "line", "column", "word"), BROKEN_CORRELATIONS)
def test_a_broken_correlation_names_its_place(
    *, old: str, new: str, code: str, line: int, column: int, word: str
) -> None:
    assert old in GOOD_CORRELATION
    problems = faults(GOOD_CORRELATION.replace(old, new, 1))
    assert (code, line, column) in [(one.code, one.line, one.column) for one in problems], problems
    told = next(one for one in problems if one.code == code)
    assert word in told.hint + "|" + told.allowed


@pytest.mark.parametrize(
    ("written", "line", "column"),
    [
        ('when: "us >= 0.8"', 7, 8),
        ("when: 'use >= 0.8 and nett > 0'", 7, 23),
        ("when: >-\n  use >= 0.8\n  and nett > 0", 9, 7),
        ("when: |\n  use >= 0.8 and\n  nett > 0", 9, 3),
        ("when: use >= 0.8\n  and nett > 0", 8, 7),
    ],
)
def test_the_place_is_right_in_every_way_to_write_an_expression(
    written: str, line: int, column: int
) -> None:
    (problem,) = faults(GOOD.replace("when: use >= 0.8", written))
    assert (problem.code, problem.line, problem.column) == ("UNKNOWN_FIELD", line, column)


def test_all_faults_of_all_files_come_in_one_run(tmp_path: Path) -> None:
    text = GOOD.replace("use >= 0.8", "us > 1 and nett > 0 and limt > 0").replace("red", "rd")
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(GOOD.replace("on: exposure", "on: x"), encoding="utf-8")
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe")
    (tmp_path / "d.yaml").write_text("", encoding="utf-8")
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    book, problems = load_rulebook(tmp_path, SCHEMA)
    assert [(one.file, one.code) for one in problems] == [
        *[("a.yaml", "UNKNOWN_FIELD")] * 3,
        ("a.yaml", "UNKNOWN_WORD"),
        ("b.yaml", "UNKNOWN_KIND"),
        ("c.yaml", "NOT_UTF8"),
        ("d.yaml", "FILE_EMPTY"),
    ]
    assert [rule.id for rule in book.rules] == ["PROBE"]


def test_an_invalid_file_never_replaces_a_valid_one(tmp_path: Path) -> None:
    path = tmp_path / "probe.yaml"
    path.write_text(GOOD, encoding="utf-8")
    before, problems = load_rulebook(tmp_path, SCHEMA)
    assert problems == []
    path.write_text(GOOD.replace("use >= 0.8", "us >= 0.9"), encoding="utf-8")
    after, problems = load_rulebook(tmp_path, SCHEMA, previous=before)
    assert [one.code for one in problems] == ["UNKNOWN_FIELD"]
    assert after.hash == before.hash
    assert after.evaluate("exposure", {"use": 1})


def test_two_rules_with_one_id_keep_the_first(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(GOOD, encoding="utf-8")
    book, problems = load_rulebook(tmp_path, SCHEMA)
    assert [(one.code, one.file, one.params["other"]) for one in problems] == [
        ("DUPLICATE_RULE", "b.yaml", "a.yaml")
    ]
    assert len(book.rules) == 1


def test_a_second_level_correlation_needs_its_source(tmp_path: Path) -> None:
    text = GOOD_CORRELATION.replace("on: event", "on: event\nof: CHAN")
    text = text.replace("correlation: CHAIN", "correlation: SECOND")
    (tmp_path / "a.yaml").write_text(GOOD_CORRELATION, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(text, encoding="utf-8")
    book, problems = load_rulebook(tmp_path, SCHEMA)
    assert [(one.code, one.hint) for one in problems] == [("UNKNOWN_SOURCE", "CHAIN")]
    assert [one.id for one in book.correlations] == ["CHAIN"]


def test_the_hash_follows_the_content(tmp_path: Path) -> None:
    def book_of(text: str) -> Rulebook:
        (tmp_path / "probe.yaml").write_text(text, encoding="utf-8")
        return load_rulebook(tmp_path, SCHEMA)[0]

    first, again = book_of(GOOD), book_of(GOOD)
    assert first.hash == again.hash
    assert book_of(GOOD.replace("0.8", "0.9")).hash != first.hash


def test_a_bomb_of_aliases_is_refused_in_no_time() -> None:
    text = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"
    assert "YAML_ALIAS" in {one.code for one in faults(text)}


def test_deep_nesting_and_long_expressions_are_refused() -> None:
    deep = GOOD.replace("use >= 0.8", "(" * 60 + "use >= 0.8" + ")" * 60)
    assert [one.code for one in faults(deep)] == ["EXPRESSION_TOO_DEEP"]
    long = GOOD.replace("use >= 0.8", " or ".join(["use >= 0.8"] * 400))
    assert [one.code for one in faults(long)] == ["EXPRESSION_TOO_LONG"]
    nested = "rule: " + "[" * 60 + "]" * 60
    assert "YAML_TOO_DEEP" in {one.code for one in faults(nested)}


def test_a_rule_without_tests_is_told_so_but_loads() -> None:
    rule, problems = read_rule(GOOD[: GOOD.index("tests:")], "p.yaml", SCHEMA)
    assert isinstance(rule, Rule)
    assert [(one.code, one.severity) for one in problems] == [("TEST_MISSING", "warning")]


SHIPPED = [path.read_text("utf-8") for path in sorted(FOLDER.glob("*/*.yaml"))]
_SIGNS = "{}[]:,&*!|>'\"%@`#?-\n\t \\()=<"
NOISE = st.sampled_from(
    [*_SIGNS, "\x00", "\ud800", "红", "- ", "? ", "<<: ", "null", "1e999", "and", "not "]
)


@given(data=st.data(), text=st.sampled_from(SHIPPED))
@settings(max_examples=150, deadline=None)
def test_no_damage_to_a_file_raises(data: st.DataObject, text: str) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(NOISE) + text[at + cut :]
    rule, problems = read_rule(text, "damaged.yaml", SCHEMA)
    assert rule is not None or any(one.severity == "error" for one in problems)
    assert all(one.line >= 0 and one.column >= 0 for one in problems)


@given(text=st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_no_text_at_all_raises(text: str) -> None:
    assert read_rule(text, "any.yaml", SCHEMA)[0] is None
    names = Names(SCHEMA.kind("event").types)
    node, faults_found = parse_expression(text, names, boolean=True)
    assert node is not None or faults_found


SCHEMA_TEXT = "kind: k\nzh: 类\nen: kind\nfields:\n  a: {type: decimal, scale: 4, zh: 甲, en: a}\n"


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "column"),
    [
        ("type: decimal", "type: float", "UNKNOWN_TYPE", 5, 13),
        ("scale: 4", "scale: 12", "BAD_SCALE", 5, 29),
        ("scale: 4", "scale: 4, shown: promille", "BAD_SHOWN", 5, 39),
        (", zh: 甲", "", "MISSING_KEY", 5, 6),
        ("  a:", "  id:", "BAD_NAME", 5, 3),
        ("type: decimal", "typ: decimal", "UNKNOWN_KEY", 5, 7),
        ("type: decimal", "type: quantity", "MISSING_KEY", 5, 6),
        ("type: decimal", "type: enum", "MISSING_KEY", 5, 6),
    ],
)
def test_a_broken_schema_names_its_place(
    old: str, new: str, code: str, line: int, column: int
) -> None:
    assert read_kind(SCHEMA_TEXT, "k.yaml")[1] == []
    _, problems = read_kind(SCHEMA_TEXT.replace(old, new, 1), "k.yaml")
    assert (code, line, column) in [(one.code, one.line, one.column) for one in problems], problems
