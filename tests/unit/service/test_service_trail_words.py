"""Every act and outcome that a room writes into the trail by name has words in both languages."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import service
from approvals import Status
from service.i18n import load_words
from workorders.handover import HandoverState

ROOT = Path(service.__file__).parent.parent
ROOMS = (
    "agents", "approvals", "book", "directory", "integrations", "rules", "service", "trail",
    "workorders",
)  # fmt: skip
_LEVELS = {"red", "orange", "yellow", "blue", "none"}


def recorded(argument: str) -> set[str]:
    """The texts that stand for `argument` in calls of `record` (`trail.record`, a room's own)."""
    return {
        text
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and _name(call.func) == "record"
        for given in call.keywords
        if given.arg == argument
        for text in _texts(given.value)
    }


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_recorded_by_name_has_words(language: str) -> None:
    words = load_words(language)
    acts = recorded("action")
    assert len(acts) > 30
    assert {one for one in acts if f"ui.did.{one}" not in words} == set()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_came_of_it_has_words(language: str) -> None:
    words = load_words(language)
    outcomes = recorded("outcome") | {*Status} | {*HandoverState}
    assert len(outcomes) > 20
    places = ("record_outcome", "outcome", "state")
    raw = {one for one in outcomes if not any(f"ui.{place}.{one}" in words for place in places)}
    assert raw - _LEVELS == set()
