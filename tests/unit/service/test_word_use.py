"""Words that nothing says leave the catalogues.

A key is said where it stands whole in a source (Python, a template, the front end), where another
sentence counts by it, or where a source builds it: an f-string, ``"x." ~ y`` of a template, or a
``{}`` pattern, whose holes are filled with words that stand in the sources or in the data that
ships. The builders are found by reading the sources; what cannot be found so is listed below with
the place where it is built.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from jinja2 import Environment

from scripts.write_codes import coded_keys
from service.exposure_rows import FIGURES
from service.i18n.catalogue import load_words
from service.i18n.plural import Counted

ROOT = Path(__file__).parents[3]
ROOMS = (
    "agents", "approvals", "auditlog", "book", "detectors", "directory", "integrations", "rules",
    "scripts", "service", "store", "trail", "workorders",
)  # fmt: skip
HOLE = "\0"
#: Keys built from two variables, and the file that builds them.
BUILT_WHOLE = {
    "review.what.": "service/web/rooms/reviews.py",
    "disposition.": "service/web/rooms/reviews.py",
    "triage.": "service/web/rooms/reviews.py",
}
#: What a source hangs on a whole key, and where.
ENDINGS = {
    "_told": "service/web/rooms/silence_routes.py",
    "_note": "service/web/rooms/quarantine.py",
    "_untimed": "service/web/rooms/order_said.py",
    "_red": "service/web/rooms/order_said.py",
    "_alone": "service/web/rooms/order_said.py",
    "_late": "service/cli/order_evidence.py",
}
#: What a company's own systems call their events: their logs fill these, not our sources.
FROM_OUTSIDE = ("ui.event.",)
#: Begin with what was recorded: a dotted verb, itself built (``approval.{verb}``).
OF_VERBS = ("ui.did.", "ui.entry.", "workorders.")
#: What goes into holes that the words of the sources would fill too freely, or not at all.
FILLED = {
    "book.": {*FIGURES, "priced", "org", "account", "product", "month", "project", "unit"},
    "codes.do.": {code for _, _, code in coded_keys()},
}


def sources() -> Iterator[Path]:
    yield ROOT / "main.py"
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


class Reading(ast.NodeVisitor):
    """What a Python file says whole, and what it builds."""

    def __init__(self) -> None:
        self.whole: set[str] = set()
        self.built: set[str] = set()

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.whole.add(node.value)
            if re.fullmatch(r"[a-z_]+\.[\w.]*\{\w*\}[\w.]*", node.value):
                self.built.add(re.sub(r"\{\w*\}", HOLE, node.value))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        parts = (v.value if isinstance(v, ast.Constant) else HOLE for v in node.values)
        self.built.add("".join(map(str, parts)))
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        # a field's name becomes part of a key: settings, evidence
        if isinstance(node.target, ast.Name):
            self.whole.add(node.target.id)
        self.generic_visit(node)


@cache
def read() -> tuple[frozenset[str], dict[str, str]]:
    """What stands whole in the sources, and what is built (with the file that does)."""
    whole: set[str] = set()
    built: dict[str, str] = {}
    for path in sources():
        reading = Reading()
        reading.visit(ast.parse(path.read_text(encoding="utf-8")))
        whole |= reading.whole
        built |= dict.fromkeys(reading.built, path.relative_to(ROOT).as_posix())
    lexer = Environment(autoescape=True)
    for path in sorted((ROOT / "service").rglob("*.html")):
        tokens = [one for one in lexer.lex(path.read_text("utf-8")) if one[1] != "whitespace"]
        for (_, kind, value), (_, _, then) in zip(tokens, [*tokens[1:], (0, "", "")], strict=True):
            if kind == "string":
                whole.add(value[1:-1])
                if then == "~":
                    built[value[1:-1] + HOLE] = path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "front").rglob("*.js")):
        whole |= set(re.findall(r"[\"'`]([\w.]+)[\"'`]", path.read_text("utf-8")))
    return frozenset(whole), built


@cache
def vocabulary() -> frozenset[str]:
    """What may fill a hole: a text of the sources or a word of the data that ships."""
    whole, _ = read()
    words = set(whole)
    words |= {one.upper() for one in whole if re.fullmatch(r"[a-z_]+", one)}
    words |= {one.lower() for one in whole if re.fullmatch(r"[A-Z_]+", one)}
    words |= {one.removeprefix("system:") for one in whole}
    # a code before its detail: "CHANNEL_ERROR …"
    words |= {one.split(" ", 1)[0] for one in whole if re.match(r"[A-Z_]+ ", one)}
    shipped = [*(ROOT / "rulebook").rglob("*")]
    shipped += [path for room in ROOMS for path in (ROOT / room).rglob("data/*")]
    for path in shipped:
        if path.suffix in {".yaml", ".json", ".csv"}:
            words |= set(re.findall(r"[\w./%-]+", path.read_text(encoding="utf-8")))
    return frozenset(words)


def pattern(built: str) -> re.Pattern[str]:
    return re.compile("".join("(.+)" if one == HOLE else re.escape(one) for one in built))


@cache
def builders() -> dict[str, re.Pattern[str]]:
    return {one: pattern(one) for one in read()[1] if re.match(r"[a-z_]+\.", one)}


@cache
def verbs() -> dict[str, re.Pattern[str]]:
    """``approval.{verb}``, ``{channel}.refuse``: how dotted verbs are put together."""
    dotted = rf"{HOLE}\.[a-z_]+|[a-z_]+\.{HOLE}"
    return {one: pattern(one) for one in read()[1] if re.fullmatch(dotted, one)}


def fills(built: str, value: str) -> bool:
    """Whether a hole of this builder is ever filled with the value."""
    begin = built.split(HOLE, 1)[0]
    if begin in FILLED:
        return value in FILLED[begin]
    if value in vocabulary():
        return True
    return begin in OF_VERBS and any(
        (match := found.fullmatch(value)) and set(match.groups()) <= vocabulary()
        for one, found in verbs().items()
    )


def is_built(key: str) -> bool:
    if key.startswith(tuple(BUILT_WHOLE)):
        return key.rsplit(".", 1)[1] in vocabulary()
    return any(
        all(fills(built, one) for one in match.groups())
        for built, found in builders().items()
        if (match := found.fullmatch(key))
    )


def is_said(key: str) -> bool:
    if key.startswith(FROM_OUTSIDE) or key in read()[0] or is_built(key):
        return True
    stems = (key.removesuffix(ending) for ending in ENDINGS if key.endswith(ending))
    return any(stem in read()[0] or is_built(stem) for stem in stems)


@cache
def counting() -> frozenset[str]:
    """The keys by which sentences count: ``{events:n.event}``."""
    found: set[str] = set()
    for language in ("en", "zh"):
        for words in load_words(language).entries.values():
            forms = words.forms if isinstance(words, Counted) else (words,)
            found |= {key for one in forms for key in re.findall(r"\{\w+:([\w.]+)\}", one)}
    return frozenset(found)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_word_is_said_somewhere(language: str) -> None:
    entries = load_words(language).entries
    assert len(entries) > 3000
    assert sorted(key for key in entries if key not in counting() and not is_said(key)) == []


def test_a_word_that_nothing_says_would_be_found() -> None:
    for key in ("ui.act.nobody_presses", "reason.NEVER_GIVEN", "ui.did.nothing.at_all", "book.air"):
        assert not is_said(key)


def test_what_is_listed_is_still_built_there() -> None:
    for ending, path in ENDINGS.items():
        assert ending in (ROOT / path).read_text(encoding="utf-8"), ending
    for begin, path in BUILT_WHOLE.items():
        assert f'"{begin[:-1]}"' in (ROOT / path).read_text(encoding="utf-8"), begin
    built = read()[1]
    assert all(f"{begin}{HOLE}" in built for begin in (*FROM_OUTSIDE, *OF_VERBS, *FILLED))
