"""What a rule file may say at a place, and what stood there, told in the language of its reader."""

import ast
import re
from pathlib import Path

import pytest

import rules
from rules import load_rulebook, load_schema, read_rule
from rules.allowances import ENGLISH, allowance
from rules.schema import read_kind
from service.i18n import load_words, problem_text
from service.i18n.catalogue import LANGUAGES, placeholders
from service.i18n.problem_names import allowed_shown, hint_shown
from store.problems import Problem

SCHEMA = load_schema(Path(rules.__file__).parents[1] / "rulebook" / "schema")[0]
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
  - {name: a, fact: {use: 0.9}, expect: PROBE}
  - {name: b, fact: {use: 0.1}, expect: none}
"""
WHEN = "use >= 0.8"
SAID = [
    # (what is replaced, by what, the problem's code, what is allowed in English and in Chinese)
    (WHEN, "net", "NOT_BOOLEAN", "a condition that is true or false", "成立或不成立的条件"),
    (WHEN, "product + 1 > 2", "NOT_NUMERIC", "a number", "数字"),
    (WHEN, "product < 3", "TYPE_MISMATCH", "string", "文本"),
    (WHEN, "net == 5 CNY", "TYPE_MISMATCH", "quantity with quantity", "数量与数量"),
    (WHEN, "net * 5 t > 0 t", "UNIT_PRODUCT", "quantity * number", "数量 * 数字"),
    (WHEN, "5 t * net > 0", "UNIT_PRODUCT", "quantity in t * number", "以 t 计的数量 * 数字"),
    (
        WHEN,
        "net >= 5 t",
        "UNIT_MISMATCH",
        "a quantity in the product's own unit",
        "以品种自身单位计的数量",
    ),
    (
        WHEN,
        "use > 0.1234567891",
        "SCALE_EXCEEDED",
        "9 digits behind the point",
        "小数点后不超过 9 位",
    ),
    (WHEN, f"use > {2**64}", "VALUE_OVERFLOW", "64 bits", "64 位以内"),
    ("use: 0.9", "use: 0.90001", "SCALE_EXCEEDED", "scale 4", "小数点后不超过 4 位"),
    ("use: 0.9", "use: high", "VALUE_TYPE", "decimal", "小数"),
    (WHEN, "has(use, net)", "BAD_ARGUMENTS", "has(field)", "has(field)"),
]


def only(text: str, code: str) -> Problem:
    return next(one for one in read_rule(text, "probe.yaml", SCHEMA)[1] if one.code == code)


@pytest.mark.parametrize(("old", "new", "code", "english", "chinese"), SAID)
def test_what_is_allowed_is_said_in_the_readers_language(
    *, old: str, new: str, code: str, english: str, chinese: str
) -> None:
    problem = only(GOOD.replace(old, new, 1), code)
    assert problem.allowed == english
    assert allowed_shown(load_words("en", strict=True).text, problem.allowed) == english
    assert allowed_shown(load_words("zh", strict=True).text, problem.allowed) == chinese


def test_what_can_stand_at_a_place_is_listed_in_the_readers_language() -> None:
    problem = only(GOOD.replace(WHEN, "use >= 0.8 and", 1), "SYNTAX_END")
    assert "a field" in problem.allowed.split(", ")
    shown = allowed_shown(load_words("zh", strict=True).text, problem.allowed).split(", ")
    assert {"字段", "数字", "时长（60s）", "文本", "(", "not"} <= set(shown)
    assert not re.search("[a-z]+ [a-z]+", "".join(shown))


def test_the_near_match_of_a_quoted_number_is_in_the_readers_language() -> None:
    problem = only(GOOD.replace(WHEN, 'use >= "0.8"', 1), "TYPE_MISMATCH")
    zh, en = load_words("zh", strict=True), load_words("en", strict=True)
    assert hint_shown(zh, zh.text, problem) == "数字不加引号"
    assert hint_shown(en, en.text, problem) == "no quotes around a number"
    assert "应为：小数。 是否想写“数字不加引号”？" in problem_text(zh, problem)


@pytest.mark.parametrize("code", sorted(ENGLISH))
def test_the_catalogues_know_every_phrase_and_english_says_what_json_says(code: str) -> None:
    named = dict.fromkeys(placeholders(ENGLISH[code]), "9")
    phrase = allowance(code, **named)
    assert allowed_shown(load_words("en", strict=True).text, phrase) == phrase
    chinese = allowed_shown(load_words("zh", strict=True).text, phrase)
    assert chinese.count("9") == phrase.count("9")
    assert re.search("[\u4e00-\u9fff]", chinese)


def test_no_english_words_are_told_as_allowed_past_the_catalogues() -> None:
    english = re.compile(
        r"\b(an?|the|no) [a-z]{2,}|\b(with|of|in|digits|bits|bytes|number)\b [a-z]"
    )
    told = {"fault", "Fault", "ValueFault", "SyntaxFault", "Problem"}
    seen, bare = 0, []
    for path in sorted(Path(rules.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            if isinstance(called, ast.Name):
                called = called.id
            if called not in told:
                continue
            seen += 1
            for given in [*node.args, *(one.value for one in node.keywords)]:
                parts = given.values if isinstance(given, ast.JoinedStr) else [given]
                texts = [one.value for one in parts if isinstance(one, ast.Constant)]
                bare += [(path.name, one) for one in texts if english.search(str(one))]
    assert seen > 100
    assert bare == []


# --- what stood there ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "code", "found"),
    [
        ("on: exposure", "on: [exposure]", "UNKNOWN_KIND", "[exposure]"),
        ("on: exposure", "on:\n  - exposure\n  - event", "UNKNOWN_KIND", "- exposure - event"),
        ("on: exposure", "on: {a: b}", "UNKNOWN_KIND", "{a: b}"),
        ("expect: PROBE", "expect: [PROBE]", "UNKNOWN_CODE", "[PROBE]"),
        ("level: red", "level: [red, orange]", "UNKNOWN_WORD", "[red, orange]"),
        ("version: 1", "version: [1]", "EXPECTED_NUMBER", "[1]"),
        ("owner: risk", "owner: risk\nobserve: []", "EXPECTED_FLAG", "[]"),
        ("owner: risk", 'owner: risk\nmode: "fast"', "UNKNOWN_WORD", "fast"),
    ],
)
def test_a_list_or_mapping_is_told_as_it_stands(old: str, new: str, code: str, found: str) -> None:
    problem = only(GOOD.replace(old, new, 1), code)
    assert problem.found == found
    for language in LANGUAGES:
        assert found in problem_text(load_words(language, strict=True), problem)


def test_a_long_list_is_told_by_its_beginning() -> None:
    problem = only(
        GOOD.replace("on: exposure", f"on: [{'exposure, ' * 5000}event]"), "UNKNOWN_KIND"
    )
    assert problem.found.startswith("[exposure, exposure, ")
    assert len(problem.found) == 80


def test_a_list_in_a_schema_is_told_as_it_stands() -> None:
    text = "kind: k\nzh: k\nen: k\nfields:\n  a: {type: decimal, zh: a, en: a, scale: [4]}\n"
    problems = read_kind(text, "k.yaml")[1]
    assert [(one.code, one.found) for one in problems] == [("BAD_SCALE", "[4]")]


FIELDS = [
    ("level: red", "level: red\non_missing: {zzz: data_issue}"),
    (WHEN, "zzz >= 0.8"),
    ("use: 0.9", "zzz: 0.9"),
]


@pytest.mark.parametrize(("old", "new"), FIELDS)
def test_who_names_a_field_that_is_not_there_is_told_which_are(old: str, new: str) -> None:
    problem = only(GOOD.replace(old, new, 1), "UNKNOWN_FIELD")
    assert "net" in problem.allowed.split(", ")
    said = problem_text(load_words("zh", strict=True), problem)
    assert f"没有字段“zzz”。可用：{problem.allowed}。" in said


def test_a_fact_with_a_field_that_is_not_there_names_it_and_which_are() -> None:
    ((problem,)) = SCHEMA.encode("exposure", {"zzz": 1})[1]
    assert (problem.code, problem.found) == ("UNKNOWN_FIELD", "zzz")
    assert problem.allowed.startswith("org, account, product")


# --- files of another encoding ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "line", "column", "found"),
    [
        ("rule: A\nowner: 风控 无\n".encode("gbk"), 2, 8, "0xB7 0xE7 0xBF 0xD8"),
        ("rule: A\n".encode("utf-16"), 1, 1, "0xFF 0xFE 0x72 0x00"),
        ("rule: 甲\nzh: 乙".encode() + b"\xff\nen: x\n", 2, 6, "0xFF"),
        ("rule: 甲".encode()[:-1], 1, 7, "0xE7 0x94"),
    ],
)
def test_a_file_of_another_encoding_tells_its_bytes_by_number_and_place(
    tmp_path: Path, content: bytes, line: int, column: int, found: str
) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    (problem,) = load_rulebook(path, SCHEMA)[1]
    assert (problem.code, problem.line, problem.column) == ("NOT_UTF8", line, column)
    assert problem.found == found
    assert f"此处的字节为 {found}。" in problem_text(load_words("zh", strict=True), problem)
