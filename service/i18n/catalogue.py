"""The catalogues: every room's `.po` file merged into one dictionary per language.

Keys are codes (``reason.DATA_GATE``, ``problem.UNKNOWN_PRODUCT``, ``ui.today.waiting``), words hold
``{name}`` placeholders. The files are parsed once per process; nothing is compiled beforehand.

What counts something has gettext's plural forms (`service.i18n.plural`). A sentence with several
counts names the words of each behind its placeholder: ``{events:n.event}, {alerts:n.alert}``.

The language ``xx`` is made from English by `service.i18n.pseudo` and serves the tests: what a page
shows in it without the brackets was never translated.
"""

import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import repeat, starmap
from pathlib import Path
from typing import Any

from babel.messages.pofile import PoFileError, read_po
from markupsafe import Markup, escape

from service.i18n import problem_names
from service.i18n.errors import BrokenCatalogue, DoubleKey, MissingWords
from service.i18n.plural import Counted, each_form, entry_of, plural_rule, same
from service.i18n.pseudo import PSEUDO, accented, pseudo_text
from store.problems import Problem

LOCALE_DIR = Path(__file__).parent / "locale"
LANGUAGES = ("zh", "en")
#: How the keys begin whose words count something inside another sentence.
COUNTS = "n."


@dataclass(frozen=True)
class Words:
    """The words of one language.

    Attributes:
        language: ``zh``, ``en`` or the pseudo-language ``xx``.
        entries: key to text with ``{name}`` placeholders.
        strict: True in tests: a missing key raises. Otherwise the key itself is shown, because a
            page with one raw code serves an officer better than an error page.
    """

    language: str
    entries: Mapping[str, str]
    strict: bool = False
    missed: set[str] = field(default_factory=set, compare=False)

    def __contains__(self, key: object) -> bool:
        return key in self.entries

    def text(self, key: str, /, **params: Any) -> str:
        """The words of `key` with its placeholders filled; an absent parameter shows as ``…``.

        Raises:
            MissingWords: when the key is unknown and the words are strict.
        """
        template = self._template(key, params)
        if "{" not in template:
            return template
        return _Filling(self.text).vformat(template, (), _Lenient(params))

    def markup(self, key: str, /, **params: Any) -> Markup:
        """As `text`, for parameters that are markup: words and plain parameters are escaped."""
        template = str(escape(self._template(key, params)))
        safe = {name: escape(value) for name, value in params.items()}
        return Markup(_Filling(self.markup).vformat(template, (), _Lenient(safe)))  # noqa: S704 - every part was escaped

    def reason(self, code: str) -> str:
        """The words of a reason code, for example ``DATA_GATE``."""
        return self.text(f"reason.{code}")

    def first(self, *keys: str, **params: Any) -> str:
        """The words of the first key that exists; the last key decides what a miss shows."""
        for key in keys[:-1]:
            if key in self.entries:
                return self.text(key, **params)
        return self.text(keys[-1], **params)

    def _template(self, key: str, params: Mapping[str, Any]) -> str:
        found = self.entries.get(key)
        if found:
            return found.form_for(params) if isinstance(found, Counted) else found
        if self.strict:
            raise MissingWords(f"{self.language}: {key}")
        self.missed.add(key)
        return key.replace("{", "{{").replace("}", "}}")


class _Filling(string.Formatter):
    """Fills placeholders; what stands behind a colon is the key of the words of a count."""

    def __init__(self, counted: Callable[..., str]) -> None:
        self._counted = counted

    def format_field(self, value: Any, format_spec: str) -> str:
        """The value, or the words that count it."""
        return self._counted(format_spec, n=value) if format_spec else str(value)


class _Lenient(dict[str, Any]):
    """Parameters that a sentence may name; one that is absent must not break a page."""

    def __missing__(self, key: str) -> str:
        return "…"


@cache
def load_words(language: str, *, strict: bool = False) -> Words:
    """The merged words of `language`, read once per process.

    Raises:
        BrokenCatalogue: when a file is no catalogue.
        DoubleKey: when two domains disagree about a key.
    """
    if language == PSEUDO:
        english = load_words("en")
        return Words(PSEUDO, dict(starmap(_in_pseudo, english.entries.items())), strict)
    return Words(language, merge(read_domains(LOCALE_DIR, language)), strict)


def _in_pseudo(key: str, text: str) -> tuple[str, str]:
    inside = key.startswith(COUNTS)
    return key, each_form(text, accented if inside else pseudo_text)


def read_domains(folder: Path, language: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each domain (a room's name) of `language` with its entries, in order of name."""
    for path in sorted((folder / language / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            try:
                catalogue = read_po(file, locale=language, abort_invalid=True)
            except (PoFileError, UnicodeDecodeError) as fault:
                raise BrokenCatalogue(f"{language}/{path.name}: {fault}") from fault
        try:
            entries = dict(map(entry_of, repeat(plural_rule(catalogue)), catalogue))
        except ValueError as fault:
            raise BrokenCatalogue(f"{language}/{path.name}: {fault}") from fault
        yield path.stem, {key: text for key, text in entries.items() if key}


def merge(domains: Iterable[tuple[str, Mapping[str, str]]]) -> dict[str, str]:
    """All domains in one dictionary.

    Raises:
        DoubleKey: when two domains give one key different words.
    """
    merged: dict[str, str] = {}
    for domain, entries in domains:
        for key, text in entries.items():
            if not same(merged.get(key, text), text):
                raise DoubleKey(f"{domain}: {key}")
            merged[key] = text
    return merged


def placeholders(text: str) -> frozenset[str]:
    """The names in braces; used to compare two languages."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def problem_text(words: Words, problem: Problem) -> str:
    """One sentence for a fault in data: place, what is wrong, and the near match if any."""
    field_name = problem_names.field_shown(words, words.text, problem)
    params = {**problem.params, "field": field_name, "found": problem.found}
    allowed = problem_names.allowed_shown(words.text, problem.allowed)
    params |= {"allowed": allowed, "hint": problem.hint}
    if why := problem.params.get("yaml"):
        params["found"] = words.text(f"yaml.{why}", **params)
    parts = [words.text(f"problem.{problem.code}", **params)]
    if problem.hint:
        hint = problem_names.hint_shown(words, words.text, problem)
        parts.append(words.text("ui.problem.hint", hint=hint))
    where = problem_place(words, problem)
    return (
        words.text("ui.problem.at", place=where, text=" ".join(parts)) if where else " ".join(parts)
    )


def problem_place(words: Words, problem: Problem) -> str:
    """Where a fault stands: file, cell or line and column, entry, as far as known."""
    parts = [problem.file] if problem.file else []
    if problem.cell:
        parts.append(problem.cell)
    elif problem.line and problem.column:
        parts.append(words.text("ui.problem.line_column", line=problem.line, column=problem.column))
    elif problem.line:
        parts.append(words.text("ui.problem.line", line=problem.line))
    if entry := problem.params.get("entry"):  # what names the entry in which it stands
        parts.append(entry)
    return " ".join(parts)
