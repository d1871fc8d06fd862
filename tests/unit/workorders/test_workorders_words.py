"""Every code that a person may meet has words in both languages."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import workorders
from workorders import AlertState, EntryKind, Level, Reason, State, Verb
from workorders.guard import DISPOSITIONS
from workorders.handover import HandoverState, MoveKind, Section, Thing
from workorders.noise import Trigger
from workorders.notices import KEPT_BACK
from workorders.silences import SilenceState

ROOM = Path(workorders.__file__).parent
LOCALE = ROOM.parent / "service" / "i18n" / "locale"
QUIET = {Verb.RAISE_LEVEL, Verb.REROUTE, Verb.END_DRILL}


def words(language: str) -> dict[str, str]:
    """What this room says: its own catalogue and those of its parts."""
    found: dict[str, str] = {}
    names = ("workorders", "merging", "handover", "drills", "reviews", "test_calls", "exemptions")
    for name in names:
        with (LOCALE / language / "LC_MESSAGES" / f"{name}.po").open("rb") as file:
            catalogue = read_po(file, abort_invalid=True)
        for entry in catalogue:
            if entry.id:
                key = entry.id if isinstance(entry.id, str) else entry.id[0]
                found[key] = str(entry.string)
    return found


def codes_in_source() -> set[str]:
    """Reason codes as they stand in the room's code: after code=, reason= and in returns."""
    pattern = re.compile(
        r'(?:code=|reason=|return |False, |Fired\(|Ruling\(|Refusal\(|Muted\()"([A-Z][A-Z_]{3,})"'
    )
    return {
        code for path in ROOM.glob("*.py") for code in pattern.findall(path.read_text("utf-8"))
    } - {"ESCALATED", "WOKEN", "NOTHING_TO_DO", "FIRED_ELSEWHERE", "GROUP_TOLD", "SILENCE_EXPIRED"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_has_words(language: str):
    known = words(language)
    keys = {f"level.{level}" for level in Level}
    keys |= {f"state.{state}" for state in State}
    keys |= {f"alert_state.{state}" for state in AlertState}
    keys |= {f"triage.{reason}" for reason in Reason}
    keys |= {f"disposition.{code}" for code in DISPOSITIONS}
    keys |= {f"button.{verb}" for verb in set(Verb) - QUIET}
    keys |= {f"workorders.order.{verb}" for verb in set(Verb) - {Verb.RAISE_LEVEL}}
    keys |= {f"card.reason.{trigger}" for trigger in Trigger}
    keys |= {f"workorders.notice.{code.lower()}" for code in KEPT_BACK}
    keys |= {f"brief.kept.{code.lower()}" for code in KEPT_BACK}
    keys |= {f"silence_state.{state}" for state in SilenceState}
    keys |= {f"handover_state.{state}" for state in HandoverState}
    keys |= {f"handover_section.{section}" for section in Section}
    keys |= {f"handover_thing.{thing}" for thing in Thing}
    keys |= {f"handover_move.{kind}" for kind in MoveKind}
    keys |= {f"reason.{code}" for code in codes_in_source()}
    assert len(codes_in_source()) > 25
    assert len(EntryKind) == 7
    assert keys - known.keys() == set()
    assert [key for key, text in known.items() if not text.strip()] == []


def test_both_languages_name_the_same_things():
    english, chinese = words("en"), words("zh")
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert set(re.findall(r"{(\w+)", text)) == set(re.findall(r"{(\w+)", chinese[key])), key


def test_acknowledge_and_confirm_are_two_words_in_chinese():
    chinese = words("zh")
    assert chinese["button.acknowledge"] == "确认收到"
    assert chinese["button.confirm"] == "确认属实"


def test_snoozing_and_silencing_are_two_words_in_chinese():
    """静默 is a silence; an order that is snoozed is 暂停提醒, on cards as on the pages."""
    snoozing = {key: text for key, text in words("zh").items() if "snooze" in key.lower()}
    assert len(snoozing) >= 9
    assert [key for key, text in snoozing.items() if "静默" in text] == []
    assert [key for key, text in snoozing.items() if "暂停提醒" not in text] == []
