"""The manual's walk from a mapping file to an empty quarantine, and its codes of products."""

import re
import shlex
from datetime import date
from itertools import groupby

import pytest

from book.products import shipped_specs
from book.units import shipped_units
from service.i18n.catalogue import load_words
from tests.unit.cli.conftest import Terminal
from tests.unit.test_docs import blocks, page

LANGUAGES = ("en", "zh")
#: The names that the page gives to its files, in the order in which it shows them.
FILES = {"yaml": ("directory.yaml", "mapping.yaml", "more.yaml"), "csv": ("contracts.csv",)}


def commands(language: str) -> list[tuple[list[str], int]]:
    """Each command of the page with the exit code that stands behind it."""
    found = []
    for block in blocks(page(language, "quarantine"), "sh"):
        for line in block.splitlines():
            said = re.fullmatch(r"hedgewarden (.+?) +# (\d)", line)
            assert said is not None, line
            found.append((shlex.split(said[1]), int(said[2])))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_walk_through_quarantine_ends_as_the_page_says(
    language: str, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(terminal.folder)
    text = page(language, "quarantine")
    for kind, names in FILES.items():
        for name, content in zip(names, blocks(text, kind), strict=True):
            assert f"`{name}`" in text
            (terminal.folder / name).write_text(content, encoding="utf-8")
    lists = []
    for words, code in commands(language):
        answer = terminal("--json", *words)
        assert answer.code == code, (words, answer.out, answer.err)
        if words[:2] == ["quarantine", "list"]:
            lists.append(answer.json)
    waiting, mended, every, again = lists
    table = re.findall(r"^\| (\d) \| (\d) \| `([A-Z_]+)` \|", text, re.MULTILINE)
    assert table == [
        (str(one["number"]), str(one["line"]), one["errors"][0]["code"]) for one in waiting
    ]
    assert (len(waiting), mended, again) == (3, [], [])
    assert [one["state"] for one in every] == ["replayed", "replayed", "dismissed"]
    assert {one["state"] for one in [*waiting, *every]} <= set(re.findall(r"`(\w+)`", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_product_and_unit_that_ships_is_listed(language: str) -> None:
    words, text = load_words(language), page(language, "products")
    rows = re.findall(
        r"^\| (\w+) \| `(\w+)` \| (.+?) \| (\S+) \| `(\w+)` \| ([A-Z]{3}) \|$", text, re.MULTILINE
    )
    today = date(2024, 6, 3)
    specs = [one for one in shipped_specs().specs if one.from_date <= today]
    specs.sort(key=lambda one: (one.exchange, one.product, one.from_date))
    wanted = set()
    for _, group in groupby(specs, key=lambda one: (one.exchange, one.product)):
        spec = list(group)[-1]
        name = words.text(f"product.{spec.product}")
        lot = format(spec.quantity(1).normalize(), "f")
        wanted.add((spec.exchange, spec.product, name, lot, spec.base_unit, spec.currency))
    assert set(rows) == wanted
    assert len(rows) == len(wanted)
    units = re.findall(r"^\| `(\w+)` \| ([\d.]+) \| `(\w+)` \| (.+?) \|$", text, re.MULTILINE)
    any_product = {"en": "any", "zh": "通用"}[language]
    assert units == [
        (
            one.from_unit,
            str(one.factor),
            one.to_unit,
            f"`{one.product}`" if one.product else any_product,
        )
        for one in shipped_units().conversions
    ]
