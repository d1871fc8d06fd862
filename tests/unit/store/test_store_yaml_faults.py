"""What a YAML parser complains about: a code and a place, and words in both languages."""

import re

import pytest

from directory.reading import parse_yaml
from rules.source import read_yaml
from service.i18n import load_words
from service.i18n.catalogue import problem_text
from store.yaml_faults import CODES

#: text, why, line, column
FAULTS = [
    ("a: 1\n\tb: 2\n", "TAB", 2, 1),
    ("a: @b\n", "CHARACTER", 1, 4),
    ("a: b: c\n", "COLON", 1, 5),
    ("a: 1\nb\nc: 2\n", "NO_COLON", 3, 1),
    ("a: - b\n", "DASH", 1, 4),
    ('a: "b\n', "OPEN_QUOTE", 2, 1),
    ("a: [b\nc: d\n", "OPEN_BRACKET", 2, 2),
    ("a: {b: c\nd: [e]\n", "OPEN_BRACE", 2, 2),
    ("a:\n  b: 1\n c: 2\n", "INDENT", 3, 2),
    ("a: {", "NOT_ENDED", 1, 5),
    ("a: [b, }\n", "NO_VALUE", 1, 8),
    ('a: "\\q"\n', "ESCAPE", 1, 6),
    ("a: |x\n  b\n", "BLOCK", 1, 5),
    ("a: 1\n---\nb: 2\n", "SEVERAL", 2, 1),
    ("a: *b\n", "ALIAS", 1, 4),
    ("a: !x!y z\n", "TAG", 1, 4),
    ("%YAML 9\na: 1\n", "DIRECTIVE", 1, 8),
    ("a: \x01\n", "CONTROL", 1, 4),
    ("[" * 5000, "TOO_DEEP", 1, 1),
]
ENGLISH = re.compile(r"[a-z]{3,}")


@pytest.mark.parametrize(("text", "why", "line", "column"), FAULTS, ids=[one[1] for one in FAULTS])
def test_a_fault_has_its_code_and_place_wherever_yaml_is_read(
    text: str, why: str, line: int, column: int
) -> None:
    found = {}
    for code, (root, problems) in {
        "YAML_SYNTAX": read_yaml(text, "a.yaml"),
        "NOT_YAML": parse_yaml(text, "a.yaml"),
    }.items():
        assert root is None
        (problem,) = problems
        assert problem.code == code
        found[code] = (problem.params["yaml"], problem.line, problem.column)
        said = problem_text(load_words("zh"), problem)
        assert not ENGLISH.search(said.removeprefix("a.yaml")), said
        assert "{" not in problem_text(load_words("en"), problem) or "brace" in said or "{" in text
    assert set(found.values()) == {(why, line, column)}


def test_a_repeated_key_is_named_where_it_stands_again() -> None:
    _, (problem,) = parse_yaml("a: 1\nb: 2\na: 3\n", "a.yaml")
    assert (problem.params["yaml"], problem.line, problem.found) == ("REPEATED_KEY", 3, "a: 3")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_has_words(language: str) -> None:
    words = load_words(language)
    assert {one for one in CODES if f"yaml.{one}" not in words} == set()


def test_what_the_parser_says_anew_is_not_handed_on_in_english() -> None:
    from store.yaml_faults import yaml_fault

    problem = yaml_fault(ValueError("some new complaint"), "a: b", "NOT_YAML", "a.yaml")
    assert problem.params["yaml"] == "OTHER"
    assert "complaint" not in problem_text(load_words("zh"), problem)


@pytest.mark.parametrize("written", ["\\u0000", "\\0", "\\x00", "\\ud800", "\\uDFFF"])
@pytest.mark.parametrize("place", ['a: "x{}"', '"x{}": 1', 'a: [1, {{b: "x{}"}}]'])
def test_an_escape_writes_no_text_that_cannot_be_kept(written: str, place: str) -> None:
    text = "first: &one ok\nsecond: *one\n" + place.format(written) + "\n"
    for read, code in ((read_yaml, "YAML_SYNTAX"), (parse_yaml, "NOT_YAML")):
        _, problems = read(text, "a.yaml")
        (problem,) = problems
        assert (problem.code, problem.line, problem.params["yaml"]) == (code, 3, "CONTROL")


@pytest.mark.parametrize("written", ["\\t", "\\n", "\\u00a0", "\\u4e2d", "\\U0001F600"])
def test_other_escapes_are_text(written: str) -> None:
    for read in (read_yaml, parse_yaml):
        assert read(f'a: "x{written}"\n', "a.yaml")[1] == []
