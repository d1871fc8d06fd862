"""Every command line and every option that the manual and the README name exists and is read."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import main
from service.cli.root import make_app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*/*.md"))]
_FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CALL = re.compile(r"(?:\$ )?(?:\S*/)?hedgewarden (.+)$")
#: Options of other programs that the manual names.
FOREIGN = {"--volume", "--user", "--help"}


def _blocks(text: str) -> Iterator[str]:
    """The calls in blocks: what somebody copies into a shell."""
    for block in _FENCED.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if found := _CALL.match(line.strip()):
                yield _full(re.split(r"\s[#|>]\s?", found[1])[0])


def _mentions(text: str) -> Iterator[str]:
    """The calls within sentences; optional parts stand in brackets."""
    for code in re.findall(r"`([^`\n]+)`", _FENCED.sub("", text)):
        if found := _CALL.match(code):
            yield from _alternatives(_full(found[1]))


def _full(line: str) -> str:
    """A synopsis without its optional parts, which stand in brackets."""
    return re.sub(r"\s*\[[^\]]*\]", "", line).strip()


def _alternatives(line: str) -> Iterator[str]:
    """``review list|open`` names two commands."""
    words = line.split(" ")
    several = next((place for place, word in enumerate(words) if "|" in word), None)
    if several is None:
        yield line
        return
    for one in words[several].split("|"):
        yield " ".join([*words[:several], one, *words[several + 1 :]])


def _parse(line: str) -> str:
    """What the parser says against a call; empty when it reads it, or when only values lack."""
    command: Any = get_command(make_app(main.compose, "en"))
    context = command.make_context("hedgewarden", shlex.split(line))
    while getattr(command, "commands", {}):
        rest = [*context._protected_args, *context.args]
        if not rest:
            return ""
        name, command, rest = command.resolve_command(context, rest)
        if not rest and getattr(command, "commands", {}):
            return ""
        context = command.make_context(name, rest, parent=context)
    return ""


def _said(line: str) -> str:
    try:
        return _parse(line)
    except Exception as refused:  # noqa: BLE001 - the parser's own faults are private to it
        return f"{type(refused).__name__}: {refused}"


@cache
def _options() -> frozenset[str]:
    """Every option of the command."""

    def of(command: Any) -> Iterator[str]:
        for parameter in command.params:
            yield from (*parameter.opts, *parameter.secondary_opts)
        for inner in getattr(command, "commands", {}):
            yield from of(command.commands[inner])

    return frozenset(of(get_command(make_app(main.compose, "en"))))


def test_the_walk_sees_calls_of_both_kinds() -> None:
    operator = (ROOT / "docs/en/operator.md").read_text(encoding="utf-8")
    assert "import limits limits.xlsx --template" in list(_blocks(operator))
    assert "doctor" in list(_mentions(operator))
    assert "No such command" in _said("ordrs list")
    assert "No such option" in _said("orders list --colour red")
    assert "unexpected" in _said("orders list red")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_every_call_of_a_page_is_read(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    wrong = {line: said for line in _blocks(text) if (said := _said(line))}
    # a sentence may name a command without what it needs
    mentioned = {line: said for line in _mentions(text) if (said := _said(line))}
    wrong |= {line: said for line, said in mentioned.items() if "MissingParameter" not in said}
    assert wrong == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_every_option_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    code = " ".join([*_FENCED.findall(text), *re.findall(r"`([^`\n]+)`", _FENCED.sub("", text))])
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", code))
    assert named - _options() - FOREIGN == set()
