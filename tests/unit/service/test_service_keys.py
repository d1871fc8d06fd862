"""Keys that are put together or handed on have words: a page never shows a raw one."""

import re
from pathlib import Path

import pytest

import service
from agents.facts import HEDGE_ORDER_TYPES
from approvals import Status
from rules import load_rulebook
from service.i18n import load_words
from service.web.rooms.approvals import _ASKING, _SIGNING
from service.web.rooms.order_buttons import OFFERED
from service.web.rooms.order_forms import ROOT_CAUSES
from workorders.guard import DISPOSITIONS
from workorders.model import OrderKind, SourceKind, State
from workorders.states import Verb

ROOM = Path(service.__file__).parent
ROOMS = (
    "today",
    "alerts",
    "orders",
    "approvals",
    "exposure",
    "rules",
    "log",
    "trail",
    "figures",
    "reviews",
    "roster",
    "silences",
    "inbox",
)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_an_act_says_has_words(language: str) -> None:
    words = load_words(language)
    said: set[str] = set()
    for path in ROOM.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        said |= set(re.findall(r'(?:\.done\([^"]*?, |Said\(\s*)"([a-z_]+(?:\.[a-z_]+)+)"', text))
    assert len(said) > 5
    assert {key for key in said if key not in words} == set()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_room_has_a_long_and_a_short_name(language: str) -> None:
    words = load_words(language)
    keys = {f"ui.{kind}.{room}" for kind in ("nav", "nav_short") for room in ROOMS}
    assert {key for key in keys if key not in words} == set()


# --- vocabularies -------------------------------------------------------------------------------


def event_types() -> set[str]:
    """The event types that the house itself knows: rules, the book, the agents and the demo."""
    root = ROOM.parent
    rules = "\n".join(one.read_text("utf-8") for one in sorted((root / "rulebook").rglob("*.yaml")))
    compared = re.findall(r"\btype\b\s*(?:==|!=|in)\s*(\[[^\]]*\]|\"[^\"]*\")", rules)
    found = {one for text in compared for one in re.findall(r'"([a-z_.]+)"', text)}
    demo = (ROOM / "demo" / "incident_events.py").read_text("utf-8")
    data = ROOM / "demo" / "data"
    told = ("incidents.json", "last_morning.json")
    story = "\n".join((data / name).read_text("utf-8") for name in told)
    verb = r'"((?:order|inbound|receipt|payment|voucher|fund|hedge|alert)\.[a-z_.]+|login|logout)"'
    return found | set(re.findall(verb, demo + story)) | HEDGE_ORDER_TYPES


def compared_values() -> set[str]:
    """The values of the rules' own enumerations."""
    rulebook, problems = load_rulebook(ROOM.parent / "rulebook")
    assert problems == []
    kinds = rulebook.schema.kinds.values()
    return {value for kind in kinds for one in kind.fields.values() for value in one.type.values}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_event_type_has_words(language: str) -> None:
    words, types = load_words(language), event_types()
    assert {"voucher.post", "receipt.post", "login", "hedge.order.queued"} <= types
    assert {one for one in types if f"ui.event.{one}" not in words} == set()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_value_of_an_enumeration_has_words(language: str) -> None:
    words, values = load_words(language), compared_values()
    assert "not_assessable" in values
    assert {one for one in values if f"ui.value.{one}" not in words} == set()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_act_says_what_it_is_does_did_and_what_comes_next(language: str) -> None:
    words = load_words(language)
    by_level = {Verb.RESOLVE, Verb.CLOSE}
    keys = {f"ui.act.{verb}" for verb in OFFERED} | {f"ui.said.{verb}" for verb in OFFERED}
    keys |= {f"ui.does.{verb}" for verb in OFFERED if verb not in by_level}
    keys |= {f"ui.does.{verb}_{who}" for verb in by_level for who in ("red", "alone")}
    keys |= {f"ui.next.{state}" for state in State if state is not State.RESOLVED}
    keys |= {f"ui.next.{State.RESOLVED}_{who}" for who in ("red", "alone")}
    acting = (State.OPEN, State.ACKNOWLEDGED, State.IN_WORK)
    keys |= {f"ui.next.{state}_untimed" for state in acting}
    keys |= {f"ui.state.{state}" for state in State}
    keys |= {f"ui.said.approval.{verb}" for verb in (*_SIGNING, *_ASKING)}
    keys |= {f"approvals.verb.{verb}" for verb in (*_SIGNING, *_ASKING)}
    keys |= {f"ui.next.approval.{status}" for status in Status}
    keys |= {f"disposition.{one}" for one in DISPOSITIONS}
    keys |= {f"root_cause.{one}" for one in ROOT_CAUSES}
    keys |= {f"ui.order_kind.{kind}" for kind in OrderKind}
    keys |= {f"ui.alert_source.{kind}" for kind in SourceKind}
    assert {key for key in keys if key not in words} == set()


def test_events_are_called_alike_in_english() -> None:
    entries = load_words("en").entries
    names = {key: str(name) for key, name in entries.items() if key.startswith("ui.event.")}
    assert len(names) > 40
    assert {key: name for key, name in names.items() if not name[0].isupper()} == {}
