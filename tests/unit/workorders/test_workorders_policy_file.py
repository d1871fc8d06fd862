"""The company's policy file: what it sets, and what is told about each fault in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.i18n import load_words, problem_text
from workorders.errors import BadPolicy
from workorders.levels import Level
from workorders.policy import ClockKind, LevelPolicy, Policy, ResolveBy, policy_from_json
from workorders.policy_file import LEVEL_NUMBERS, NUMBERS, Known, load_policy, strangers

KNOWN = Known(people=("wang", "chen"), channels=("slack", "email"))


def load(text: str) -> tuple[Policy | None, list[Any]]:
    return load_policy(text, "policy.yaml", KNOWN)


def test_what_the_file_does_not_name_is_built_in() -> None:
    assert load("{}") == (Policy(), [])
    policy, problems = load("lead_minutes: 45\nlevels:\n  orange: {step_minutes: 20}\n")
    assert problems == []
    assert policy is not None
    assert (policy.lead_minutes, policy.cool_down_s) == (45, Policy().cool_down_s)
    orange = Policy().levels[Level.ORANGE]
    assert policy.levels[Level.ORANGE] == LevelPolicy(
        step_minutes=20,
        resolve_minutes=orange.resolve_minutes,
        clock=orange.clock,
        group_wait_s=orange.group_wait_s,
    )
    assert policy.levels[Level.RED] == Policy().levels[Level.RED]


def test_a_file_can_set_everything() -> None:
    policy, problems = load("""\
levels:
  红: {step_minutes: 3, rungs: 2, resolve_minutes: 20, group_wait_s: 5, channels: [slack, email]}
  yellow: {clock: wall, resolve_by: minutes, resolve_minutes: 90, channels: email}
lead_minutes: 15
last_resort: [wang, chen, wang]
group_interval_s: 60
repeat_interval_s: 3600
unanswered_after: 3
cards_per_hour: 40
cool_down_s: 0
case_window_s: 900
snooze_limit_s: 7200
silence_limit_s: 86400
inhibit_equal: [org, product]
flap_threshold: 4
open_dwell_s: 120
clear_dwell_s: 300
review_time: "09:30"
""")
    assert problems == []
    assert policy is not None
    assert policy.levels[Level.RED] == LevelPolicy(
        step_minutes=3, rungs=2, resolve_minutes=20, group_wait_s=5, channels=("slack", "email")
    )
    yellow = policy.levels[Level.YELLOW]
    assert (yellow.clock, yellow.resolve_by) == (ClockKind.WALL, ResolveBy.MINUTES)
    assert yellow.channels == ("email",)
    assert policy.last_resort == ("wang", "chen")
    assert policy.review_time == "09:30"
    same = Policy().as_json()
    kept = {name for name, value in policy.as_json().items() if value == same[name]}
    assert kept == set(), "this test leaves a field out"


def test_what_is_written_can_be_read_again() -> None:
    policy, _ = load(
        "last_resort: [wang]\n"
        "levels: {blue: {rungs: 0, channels: [email], rung_channels: {last_resort: [slack]}}}"
    )
    assert policy is not None
    assert load(json.dumps(policy.as_json())) == (policy, [])


FAULTS: dict[str, tuple[str, str, str, int, str]] = {
    "not YAML": ("levels: [", "NOT_YAML", "", 1, ""),
    "nothing": ("", "NOT_A_MAPPING", "file", 0, ""),
    "a list": ("- 1\n", "NOT_A_MAPPING", "file", 1, ""),
    "a misspelt field": ("\ncool_donw_s: 5\n", "FIELD_UNKNOWN", "file", 2, "cool_down_s"),
    "a misspelt field of a colour": (
        "levels:\n  red:\n    step_minute: 5\n", "FIELD_UNKNOWN", "red", 3, "step_minutes",
    ),
    "a misspelt colour": ("levels:\n  organe: {}\n", "POLICY_CHOICE", "levels", 2, "orange"),
    "a colour twice": ("levels:\n  red: {}\n  红: {}\n", "DUPLICATE_ID", "levels", 3, ""),
    "levels as a list": ("levels: [red]\n", "NOT_A_MAPPING", "levels", 1, ""),
    "a colour as a number": ("levels:\n  red: 5\n", "NOT_A_MAPPING", "red", 2, ""),
    "a fraction": ("lead_minutes: 1.5\n", "NOT_A_WHOLE_NUMBER", "lead_minutes", 1, ""),
    "a word": ("lead_minutes: soon\n", "NOT_A_WHOLE_NUMBER", "lead_minutes", 1, ""),
    "below nought": ("cool_down_s: -1\n", "NOT_A_WHOLE_NUMBER", "cool_down_s", 1, ""),
    "yes": ("cool_down_s: true\n", "NOT_A_WHOLE_NUMBER", "cool_down_s", 1, ""),
    "a number without end": (
        f"cool_down_s: '{'9' * 9000}'\n", "NOT_A_WHOLE_NUMBER", "cool_down_s", 1, "",
    ),
    "an unknown clock": (
        "levels:\n  blue: {clock: sesion}\n", "POLICY_CHOICE", "clock", 2, "session",
    ),
    "red by sessions": ("levels:\n  red: {clock: session}\n", "POLICY_CHOICE", "clock", 2, ""),
    "red until the end of a session": (
        "levels:\n  red: {resolve_by: end_of_session}\n", "POLICY_CHOICE", "resolve_by", 2, "",
    ),
    "a channel that is not there": (
        "levels:\n  blue: {channels: [slakc]}\n", "POLICY_CHANNEL", "channels", 2, "slack",
    ),
    "a rung beyond the ladder": (
        "levels:\n  red:\n    rungs: 2\n    rung_channels:\n      3: [email]\n", "POLICY_CHOICE",
        "rung_channels", 5, "",
    ),
    "a misspelt last resort": (
        "levels:\n  red:\n    rung_channels: {last_resrt: [email]}\n", "POLICY_CHOICE",
        "rung_channels", 3, "last_resort",
    ),
    "a rung twice": (
        "levels:\n  red:\n    rung_channels: {1: email, '1': slack}\n", "DUPLICATE_ID",
        "rung_channels", 3, "",
    ),
    "a rung on which nobody is told": (
        "levels:\n  red:\n    rung_channels: {1: []}\n", "POLICY_CHOICE", "rung_channels.1", 3, "",
    ),
    "a rung left empty": (
        "levels:\n  red:\n    rung_channels:\n      1:\n", "POLICY_CHOICE", "rung_channels.1", 4,
        "",
    ),
    "a channel of a rung that is not there": (
        "levels:\n  red:\n    rung_channels: {3: [emial]}\n", "POLICY_CHANNEL",
        "rung_channels.3", 3, "email",
    ),
    "rungs as a list": (
        "levels:\n  red: {rung_channels: [email]}\n", "NOT_A_MAPPING", "rung_channels", 2, "",
    ),
    "a rung as a mapping": (
        "levels:\n  red:\n    rung_channels: {0: {email: 1}}\n", "NOT_A_LIST", "0", 3, "",
    ),
    "nobody of that name": ("last_resort: [wnag]\n", "UNKNOWN_PERSON", "last_resort", 1, "wang"),
    "one name that is nobody": ("last_resort: wnag\n", "UNKNOWN_PERSON", "last_resort", 1, "wang"),
    "no list": ("last_resort: {wang: 1}\n", "NOT_A_LIST", "last_resort", 1, ""),
    "nothing in common": ("inhibit_equal: []\n", "POLICY_CHOICE", "inhibit_equal", 1, ""),
    "an unknown scope": (
        "inhibit_equal: [prodct]\n", "POLICY_CHOICE", "inhibit_equal", 1, "product",
    ),
    "no time of the day": ("review_time: '25:00'\n", "POLICY_RANGE", "review_time", 1, ""),
    "a time in words": ("review_time: ten\n", "POLICY_RANGE", "review_time", 1, ""),
    "first told when it is too late": (
        "levels:\n  red: {step_minutes: 1, group_wait_s: 60}\n", "POLICY_RANGE", "group_wait_s",
        2, "",
    ),
    "repeated faster than looked at": (
        "group_interval_s: 600\nrepeat_interval_s: 300\n", "POLICY_RANGE", "repeat_interval_s",
        2, "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_is_told_by_its_place_and_nothing_comes_into_force(name: str) -> None:
    text, code, field, line, hint = FAULTS[name]
    policy, problems = load(text)
    assert policy is None
    (problem,) = problems
    assert (problem.code, problem.field, problem.line, problem.hint) == (code, field, line, hint)
    assert problem.file == "policy.yaml"
    for language in ("zh", "en"):
        told = problem_text(load_words(language), problem)
        assert "policy.yaml" in told
        assert "{" not in told or "{" in text
        assert len(told) < 800


@pytest.mark.parametrize("field", sorted(NUMBERS))
def test_a_number_has_its_range(field: str) -> None:
    low, high = NUMBERS[field]
    low = max(low, Policy().group_interval_s) if field == "repeat_interval_s" else low
    for inside in (low, high):
        policy, problems = load(f"{field}: {inside}")
        assert problems == []
        assert getattr(policy, field) == inside
    for outside in (NUMBERS[field][0] - 1, high + 1):
        policy, problems = load(f"{field}: {outside}")
        assert policy is None
        assert [one.field for one in problems] == [field]
        expected = f"{NUMBERS[field][0]} – {high}" if outside >= 0 else "0, 1, 2, …"
        assert problems[0].allowed == expected


@pytest.mark.parametrize("field", sorted(LEVEL_NUMBERS))
def test_a_number_of_a_colour_has_its_range(field: str) -> None:
    low, high = LEVEL_NUMBERS[field]
    for value, good in ((low, True), (high, True), (low - 1, False), (high + 1, False)):
        policy, problems = load(f"levels: {{blue: {{{field}: {value}}}}}")
        assert (policy is not None) is good
        assert [one.field for one in problems] == ([] if good else [field])


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    _, problems = load("lead_minutes: 999\nlast_resort: [x]\nlevels: {red: {rungs: 99}}\n")
    assert [one.field for one in problems] == ["lead_minutes", "last_resort", "rungs"]


def test_every_number_of_the_policy_has_a_range() -> None:
    numbers = {name for name, value in Policy().as_json().items() if isinstance(value, int)}
    assert numbers == set(NUMBERS)
    of_levels = Policy().as_json()["levels"]["red"]
    assert {n for n, value in of_levels.items() if isinstance(value, int)} == set(LEVEL_NUMBERS)
    for name, (low, high) in NUMBERS.items():
        assert low <= getattr(Policy(), name) <= high
    for level in Level:
        for name, (low, high) in LEVEL_NUMBERS.items():
            assert low <= getattr(Policy().levels[level], name) <= high


def test_a_rung_has_its_own_channels_and_the_others_those_of_the_colour() -> None:
    policy, problems = load("""\
levels:
  red:
    channels: [slack]
    rungs: 2
    rung_channels: {2: [slack, email], last_resort: email}
""")
    assert problems == []
    assert policy is not None
    red = policy.levels[Level.RED]
    assert [red.channels_at(rung) for rung in range(6)] == [
        ("slack",), ("slack",), ("slack", "email"), ("email",), ("email",), ("email",),
    ]  # fmt: skip
    assert policy.levels[Level.ORANGE].channels_at(3) == ()  # as ever: all that are set up


def test_a_channel_that_only_a_rung_names_is_missed_too() -> None:
    policy, _ = load("levels: {red: {rung_channels: {last_resort: [email]}}}")
    assert policy is not None
    assert strangers(policy, KNOWN) == ()
    assert strangers(policy, Known(people=(), channels=("slack",))) == ("email",)


@pytest.mark.parametrize(
    "wrong", [{"9": ["email"]}, {"1": []}, {"-1": ["email"]}, {"x": ["email"]}]
)
def test_a_frozen_policy_with_a_rung_that_cannot_be_is_no_policy(wrong: Any) -> None:
    document = Policy().as_json()
    document["levels"]["red"]["rung_channels"] = wrong
    with pytest.raises(BadPolicy):
        policy_from_json(document)


def test_an_older_frozen_policy_knows_no_rungs() -> None:
    document = Policy().as_json()
    for one in document["levels"].values():
        del one["rung_channels"]
    assert policy_from_json(document) == Policy()


def test_who_and_what_is_gone_is_named() -> None:
    policy, _ = load("last_resort: [wang, chen]\nlevels: {blue: {channels: [email, slack]}}")
    assert policy is not None
    assert strangers(policy, KNOWN) == ()
    assert strangers(policy, Known(people=("chen",), channels=("email",))) == ("wang", "slack")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_about_settings_names_every_field_and_range(language: str) -> None:
    folder = Path(__file__).parents[3] / "docs" / language
    page = (folder / "settings.md").read_text(encoding="utf-8")
    for name, (low, high) in {**NUMBERS, **LEVEL_NUMBERS}.items():
        assert f"| `{name}` |" in page
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        assert f"| {low:,} – {high:,} |" in row, name
    for name in (*Policy().as_json(), *Policy().as_json()["levels"]["red"]):
        assert f"`{name}`" in page
