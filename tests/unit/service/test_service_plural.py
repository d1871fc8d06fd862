"""Words that change with a number: the mechanism, and that no English entry forgets the one."""

import re
import unicodedata
from decimal import Decimal
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from markupsafe import Markup

from rules import load_rulebook
from service.i18n import load_words
from service.i18n.catalogue import LOCALE_DIR, Words, merge, placeholders, read_domains
from service.i18n.errors import BrokenCatalogue, DoubleKey
from service.i18n.plural import Counted, forms_of

FILES = sorted(LOCALE_DIR.glob("*/LC_MESSAGES/*.po"))
RULES = {"en": "(n != 1)", "zh": "0"}
COUNTING = re.compile(r"\{(\w+)\}((?: (?!of |to |and |or |in |for )[\w×-]+){1,3})")
#: Words in -s behind a placeholder that is no count: verbs, and nouns of another word.
NO_PLURAL = re.compile(
    r"(is|was|has|holds|needs|lies|does|stands|gives|says|exists|ends|its|this|as|orders|s|rules|import)"
)
#: Placeholders that are names, units or seconds, whatever the sentence goes on with.
NO_COUNT = {"command", "order", "user", "folder", "why", "field", "p50", "seconds", "limit_s"}
PO = """msgid ""
msgstr ""
"Language: en\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"{header}"

msgid "rows"
msgid_plural "{counting}"
msgstr[0] "{{shown}} row"
msgstr[1] "{{shown}} rows"

msgid "n.event"
msgid_plural "{{n}}"
msgstr[0] "{{n}} <event>"
msgstr[1] "{{n}} <events>"

msgid "sum"
msgstr "{{made:n.event}}, {{shown}}"
"""
HEADER = "Plural-Forms: nplurals=2; plural=(n != 1);\\n"


def written(
    folder: Path, *, header: str = HEADER, counting: str = "{shown}", name: str = "web"
) -> Path:
    path = folder / "en" / "LC_MESSAGES" / f"{name}.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PO.format(header=header, counting=counting))
    return folder


@pytest.fixture(name="words")
def _words(tmp_path: Path) -> Words:
    return Words("en", merge(read_domains(written(tmp_path), "en")), strict=True)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (1, "1 row"),
        ("1", "1 row"),
        (Decimal(1), "1 row"),
        (0, "0 rows"),
        (2, "2 rows"),
        ("1,001", "1,001 rows"),
        ("21", "21 rows"),
        ("1.0", "1.0 rows"),
        ("1 to 5", "1 to 5 rows"),
        (Markup(1), "1 row"),
    ],
)
def test_the_number_chooses_the_form(words: Words, shown: object, said: str) -> None:
    assert words.text("rows", shown=shown) == said
    assert words.markup("rows", shown=shown) == said


def test_without_its_number_an_entry_takes_the_general_form(words: Words) -> None:
    assert words.text("rows") == "… rows"


def test_a_sentence_with_several_counts_takes_each_from_its_own_words(words: Words) -> None:
    assert words.text("sum", made=1, shown=7) == "1 <event>, 7"
    assert words.text("sum", made="1,200", shown=7) == "1,200 <events>, 7"
    assert words.markup("sum", made=1, shown="<") == "1 &lt;event&gt;, &lt;"


def test_chinese_has_one_form_and_the_pseudo_language_has_the_english_ones() -> None:
    assert load_words("zh").text("n.event", n=1).startswith("1 ")
    made = load_words("xx")
    assert made.text("ui.pager.shown", shown=1).startswith("⟦1 röw öñ ")
    assert made.text("ui.pager.shown", shown=2).startswith("⟦2 röws öñ ")


@pytest.mark.parametrize(
    "broken", [{"counting": "rows"}, {"header": "Plural-Forms: plural=(n?);\\n"}]
)
def test_an_entry_that_does_not_say_what_counts_is_named(
    tmp_path: Path, broken: dict[str, str]
) -> None:
    with pytest.raises(BrokenCatalogue, match=r"en/web\.po"):
        list(read_domains(written(tmp_path, **broken), "en"))


def test_two_domains_may_not_disagree_about_a_form(tmp_path: Path) -> None:
    written(tmp_path)
    path = written(tmp_path, name="book") / "en" / "LC_MESSAGES" / "book.po"
    assert merge(read_domains(tmp_path, "en"))
    path.write_text(path.read_text().replace('"{shown} row"', '"{shown} line"'))
    with pytest.raises(DoubleKey, match="rows"):
        merge(read_domains(tmp_path, "en"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_every_file_says_its_rule_and_every_entry_has_all_forms(path: Path) -> None:
    language = path.parts[-3]
    assert "Plural-Forms: nplurals" in path.read_text().partition("\n\n")[0]
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    assert catalogue.plural_expr == RULES[language]
    for entry in catalogue:
        if entry.pluralizable:
            forms = tuple(entry.string or ())
            assert len(forms) == catalogue.num_plurals
            assert all(forms), entry.id
            assert len({placeholders(form) for form in forms}) == 1, entry.id
            assert entry.id[1].strip("{}") in placeholders(forms[-1]), entry.id


def test_both_languages_agree_on_what_counts() -> None:
    english, chinese = (load_words(one).entries for one in ("en", "zh"))
    counted = {key: text.counts for key, text in english.items() if isinstance(text, Counted)}
    assert len(counted) > 50
    assert counted == {
        key: text.counts for key, text in chinese.items() if isinstance(text, Counted)
    }


def plain_plurals(key: str, text: str) -> list[str]:
    """Numbers before a word in the plural that has no singular."""
    if isinstance(text, Counted):
        return []
    return [
        f"{key}: {text}"
        for name, words in COUNTING.findall(text)
        if name not in NO_COUNT
        for word in words.split()
        if word == "people" or (word.endswith("s") and not NO_PLURAL.fullmatch(word))
    ]


def test_no_english_entry_writes_a_number_before_a_word_that_is_always_in_the_plural() -> None:
    assert plain_plurals("a", "{count} bad items")
    assert not plain_plurals("a", "{count:n.item}, {name} is late")
    entries = load_words("en").entries
    assert [one for key, text in entries.items() for one in plain_plurals(key, text)] == []
    assert [key for key, text in entries.items() if "(s)" in text] == []


def test_every_count_in_a_sentence_has_words() -> None:
    for language in ("en", "zh"):
        entries = load_words(language).entries
        named = {
            key
            for text in entries.values()
            for form in forms_of(text)
            for key in re.findall(r"\{\w+:([^}]+)\}", form)
        }
        assert sorted(key for key in named if not isinstance(entries.get(key), Counted)) == []


def foreign(text: str) -> list[str]:
    """What is as wide as a Chinese character, or a quotation mark that some fonts make so."""
    return [one for one in text if unicodedata.east_asian_width(one) in "WF" or one in "“”‘’"]


def test_english_words_hold_no_chinese_punctuation() -> None:
    assert foreign("【a】、：“b”（c）")
    entries = load_words("en").entries
    named = {
        key: found for key, text in entries.items() for form in forms_of(text)
        if (found := foreign(form))
    }  # fmt: skip
    assert named.keys() == {"ui.other_language"}  # calls each language by its own name


def test_english_titles_and_messages_of_rules_hold_no_chinese_punctuation() -> None:
    book, problems = load_rulebook([LOCALE_DIR.parents[2] / "rulebook"])
    assert not problems
    headings = [rule.heading for rule in (*book.rules, *book.correlations)]
    assert len(headings) > 10
    assert [one.title.en for one in headings if foreign(one.title.en)] == []
