import re
from functools import cache
from pathlib import Path

import pytest

from service.i18n.catalogue import (
    LOCALE_DIR,
    Words,
    load_words,
    merge,
    placeholders,
    problem_text,
    read_domains,
)
from service.i18n.errors import BrokenCatalogue, DoubleKey, MissingWords
from service.i18n.pseudo import pseudo_text
from store.problems import Problem

DOMAINS = sorted({path.stem for path in LOCALE_DIR.glob("*/LC_MESSAGES/*.po")})
TEMPLATES = Path(__file__).parents[3] / "service" / "web" / "templates"


@cache
def domain(language: str, name: str) -> dict[str, str]:
    return dict(read_domains(LOCALE_DIR, language))[name]


@pytest.mark.parametrize("name", DOMAINS)
def test_a_domain_has_the_same_keys_in_both_languages(name: str) -> None:
    assert domain("zh", name).keys() == domain("en", name).keys()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", DOMAINS)
def test_no_entry_is_empty(name: str, language: str) -> None:
    assert [key for key, text in domain(language, name).items() if not text.strip()] == []


@pytest.mark.parametrize("name", DOMAINS)
def test_both_languages_fill_in_the_same_values(name: str) -> None:
    english, chinese = domain("en", name), domain("zh", name)
    different = [
        key for key in english if placeholders(english[key]) != placeholders(chinese.get(key, ""))
    ]
    assert different == []


@pytest.mark.parametrize("name", DOMAINS)
def test_chinese_entries_are_chinese(name: str) -> None:
    # A code, a product's name or a pattern of placeholders has no letters to translate.
    untouched = [
        key
        for key, text in domain("zh", name).items()
        if text == domain("en", name)[key] and re.search(r"[a-z]{4,}", re.sub(r"\{.*?\}", "", text))
    ]
    assert untouched == []


def test_every_literal_key_of_the_templates_exists() -> None:
    words = load_words("en")
    used = {
        key
        for path in TEMPLATES.rglob("*.html")
        for key in re.findall(r"\btm?\('(ui\.[\w.]+)'\s*[,)]", path.read_text())
    }
    assert len(used) > 150
    assert sorted(key for key in used if key not in words) == []


def test_words_are_filled_and_never_break_a_page() -> None:
    words = Words("en", {"a": "{count} of {total}", "b": "plain"})
    assert words.text("a", count=3, total=9) == "3 of 9"
    assert words.text("a", count=3) == "3 of …"
    assert words.text("b", unused=1) == "plain"


def test_a_missing_key_shows_itself_and_is_noted() -> None:
    words = Words("en", {})
    assert words.text("reason.{X}", count=1) == "reason.{X}"
    assert words.missed == {"reason.{X}"}


def test_a_missing_key_raises_in_tests() -> None:
    with pytest.raises(MissingWords):
        Words("en", {}, strict=True).text("reason.X")


def test_markup_escapes_words_and_values_but_keeps_markup() -> None:
    words = Words("en", {"a": "{name} & {link}"})
    from markupsafe import Markup

    made = words.markup("a", name="<b>", link=Markup("<a>x</a>"))
    assert made == Markup("&lt;b&gt; &amp; <a>x</a>")


def test_two_domains_may_not_disagree() -> None:
    assert merge([("a", {"k": "x"}), ("b", {"k": "x"})]) == {"k": "x"}
    with pytest.raises(DoubleKey):
        merge([("a", {"k": "x"}), ("b", {"k": "y"})])


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "en" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "rules.po").write_text('msgid "a"\nrubbish\n')
    with pytest.raises(BrokenCatalogue, match=r"en/rules\.po"):
        list(read_domains(tmp_path, "en"))


def test_the_pseudo_language_keeps_placeholders() -> None:
    assert pseudo_text("{count} rows") == "⟦{count} röws~~~~⟧"
    assert load_words("xx").text("ui.pager.shown", shown=7).startswith("⟦7 ")


def test_a_problem_says_where_and_what_was_meant() -> None:
    words = Words(
        "en",
        {
            "problem.UNKNOWN": "unknown {field}: {found}",
            "ui.problem.hint": "Did you mean {hint}?",
            "ui.problem.at": "{place}: {text}",
            "ui.problem.line_column": "line {line}, column {column}",
            "ui.problem.line": "line {line}",
        },
    )
    fault = Problem("UNKNOWN", "a.csv", 7, 3, field="product", found="cuu", hint="cu")
    said = problem_text(words, fault)
    assert said == "a.csv line 7, column 3: unknown product: cuu Did you mean cu?"
    assert problem_text(words, Problem("UNKNOWN", cell="C7")).startswith("C7: ")
    assert problem_text(words, Problem("UNKNOWN", line=2)).startswith("line 2: ")
    assert problem_text(words, Problem("UNKNOWN", field="x")) == "unknown x: "
