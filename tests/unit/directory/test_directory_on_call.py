"""Who is on call at an instant, what changes next, gaps, and changes of the roster by people."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel

import trail
from directory import (
    Absence,
    Directory,
    DutyOverride,
    Role,
    RosterOutcome,
    SwapSide,
    add_absence,
    add_override,
    agree_swap,
    conflicts,
    coverage,
    directory_from_mapping,
    dump_directory,
    escalates,
    propose_swap,
    read_directory,
    save_directory,
    who_is_on_call,
    withdraw,
)
from scripts.make_migration import load_tables
from store import Store, open_engine
from trail.notes import Signer

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
NOON = datetime(2024, 5, 14, 12, tzinfo=SHANGHAI)
HOUR = timedelta(hours=1)


def house(**more: Any) -> Directory:
    """`G` with a boss, `G/E` with three officers on two shifts: ann by day, bob by night."""
    document: dict[str, Any] = {
        "organisations": [{"path": "G"}, {"path": "G/E"}],
        "people": [
            {"id": "boss", "role": "manager", "unit": "G"},
            {"id": "mia", "role": "manager", "unit": "G/E"},
            {"id": "ann", "role": "risk_officer", "unit": "G/E"},
            {"id": "bob", "role": "risk_officer", "unit": "G/E"},
            {"id": "cat", "role": "risk_officer", "unit": "G/E"},
            {"id": "aud", "role": "auditor", "unit": "G"},
        ],
        "roster": [
            {"org": "G/E", "people": ["ann"], "shift": "08:00-20:00"},
            {"org": "G/E", "people": ["bob"], "deputies": ["cat"], "shift": "20:00-08:00"},
        ],
        **more,
    }
    found, problems = directory_from_mapping(document)
    assert problems == []
    return found


def names(known: Directory, at: datetime, org: str = "G/E") -> list[tuple[str, str, str]]:
    found = who_is_on_call(known, org, at).people
    return [(one.person, one.reason.value, one.deputy_for) for one in found]


def test_a_shift_holds_its_start_and_not_its_end() -> None:
    known = house()
    evening = NOON.replace(hour=20)
    assert names(known, evening - timedelta(microseconds=1)) == [("ann", "ON_CALL", "")]
    assert names(known, evening) == [("bob", "ON_CALL", "")]
    assert who_is_on_call(known, "G/E", NOON).next_change == evening
    assert who_is_on_call(known, "G/E", evening).next_change == evening + 12 * HOUR


def test_a_shift_across_midnight_belongs_to_the_day_on_which_it_started() -> None:
    roster = [{"org": "G/E", "people": ["bob"], "shift": "20:00-08:00", "weekdays": [5]}]
    known = house(roster=roster)
    saturday = datetime(2024, 5, 18, 3, tzinfo=SHANGHAI)
    assert names(known, saturday) == [("bob", "ON_CALL", "")]
    assert escalates(who_is_on_call(known, "G/E", saturday - 24 * HOUR))
    turns = [
        {"org": "G/E", "people": ["ann", "bob"], "shift": "20:00-08:00", "rotate": "daily",
         "from": "2024-05-13"}
    ]  # fmt: skip
    known = house(roster=turns)
    for hour, day, person in ((21, 13, "ann"), (7, 14, "ann"), (21, 14, "bob"), (7, 15, "bob")):
        assert names(known, datetime(2024, 5, day, hour, tzinfo=SHANGHAI))[0][0] == person


@pytest.mark.parametrize("day", [date(2024, 3, 10), date(2024, 11, 3)])
def test_across_a_change_of_clocks_somebody_is_always_on_call_and_each_instant_has_one(
    day: date,
) -> None:
    known = house(
        organisations=[
            {"path": "G"},
            {"path": "G/E", "settings": {"timezone": "America/New_York"}},
        ],
        roster=[
            {"org": "G/E", "people": ["ann"], "shift": "01:30-02:30"},
            {"org": "G/E", "people": ["bob"], "shift": "02:30-01:30"},
        ],
    )
    start = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).astimezone(UTC)
    found = coverage(known, "G/E", Role.RISK_OFFICER, start, start + 12 * HOUR)
    assert [len(one.answers) for one in found] == [1, 1, 1]
    assert [one.answers[0].person for one in found] == ["bob", "ann", "bob"]
    assert not any(one.gap for one in found)


moments = st.datetimes(
    datetime(2024, 3, 1),  # noqa: DTZ001 - the strategy adds the zone
    datetime(2024, 3, 20),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@settings(deadline=None, max_examples=60)
@given(at=moments, zone=st.sampled_from(["Asia/Shanghai", "America/New_York", "Europe/London"]))
def test_next_change_is_the_first_instant_with_another_answer(at: datetime, zone: str) -> None:
    known = house(
        organisations=[{"path": "G"}, {"path": "G/E", "settings": {"timezone": zone}}],
        absences=[
            {"person": "bob", "from": "2024-03-10T02:17:00Z", "to": "2024-03-11T19:00:00Z"},
        ],
    )
    now = who_is_on_call(known, "G/E", at)
    assert now.next_change is not None
    assert at < now.next_change
    for step in range(1, 20):
        between = at + (now.next_change - at) * step / 20
        if between < now.next_change:
            assert who_is_on_call(known, "G/E", between).people == now.people
    assert who_is_on_call(known, "G/E", now.next_change).people != now.people


def test_who_is_away_is_replaced_by_the_own_deputy_then_by_the_dutys() -> None:
    night = datetime(2024, 5, 14, 23, tzinfo=SHANGHAI)
    away = {"person": "bob", "from": "2024-05-14T22:00:00+08:00", "to": "2024-05-15T00:00:00+08:00"}
    assert names(house(absences=[away]), night) == [("cat", "DEPUTY", "bob")]
    named = {**away, "deputy": "ann"}
    assert names(house(absences=[named]), night) == [("ann", "DEPUTY", "bob")]
    both = [named, {**away, "person": "ann"}]
    assert names(house(absences=both), night) == [("cat", "DEPUTY", "bob")]
    circle = [named, {**away, "person": "ann", "deputy": "bob"}, {**away, "person": "cat"}]
    found = who_is_on_call(house(absences=circle), "G/E", night)
    assert escalates(found)
    assert [one.reason.value for one in found.people] == ["ROLE_HOLDERS"]
    assert found.people[0].person == "mia"


def test_an_empty_roster_goes_upward_and_is_marked_as_a_gap() -> None:
    known = house(
        roster=[
            {"org": "G/E", "people": ["ann"], "shift": "08:00-20:00"},
            {"org": "G", "people": ["boss"]},
        ]
    )
    night = NOON.replace(hour=21)
    found = who_is_on_call(known, "G/E", night)
    assert (found.people[0].person, found.answered_by) == ("boss", "G")
    assert (found.gaps[0].start, found.gaps[0].end) == (night, night + 11 * HOUR)
    assert len(found.gaps) == 15
    assert not escalates(who_is_on_call(known, "G/E", NOON))
    assert not escalates(who_is_on_call(known, "G", night))
    nobody = who_is_on_call(Directory(), "X", NOON)
    assert (nobody.people, nobody.next_change, len(nobody.gaps)) == ((), None, 1)


def test_the_changes_survive_a_file() -> None:
    known = house(
        overrides=[
            {"org": "G/E", "role": "risk_officer", "person": "cat", "instead_of": "ann",
             "from": "2024-05-14T00:00:00Z", "to": "2024-05-15T00:00:00Z", "by": "mia",
             "reason": "training", "id": "OV-1"}
        ],
        swaps=[
            {"id": "SW-1", "org": "G/E", "role": "risk_officer", "by": "ann", "consents": ["ann"],
             "first": {"person": "ann", "from": "2024-05-14T00:00:00Z",
                       "to": "2024-05-14T12:00:00Z"},
             "second": {"person": "bob", "from": "2024-05-14T12:00:00Z",
                        "to": "2024-05-15T00:00:00Z"}}
        ],
        absences=[
            {"person": "bob", "from": "2024-05-16T00:00:00Z", "to": "2024-05-17T00:00:00Z",
             "deputy": "cat", "by": "bob", "reason": "leave", "id": "AB-1"}
        ],
    )  # fmt: skip
    again, problems = directory_from_mapping(dump_directory(known))
    assert (again, problems) == (known, [])


@pytest.mark.parametrize(
    ("section", "line", "code"),
    [
        ("overrides", {"person": "cat", "instead_of": "cat"}, "SAME_PERSON"),
        ("absences", {"person": "cat", "deputy": "nobody"}, "UNKNOWN_PERSON"),
        ("absences", {"person": "cat", "deputy": "cat"}, "SAME_PERSON"),
        ("swaps", {"id": "S", "by": "ann", "first": None, "second": None}, "NOT_A_MAPPING"),
    ],
)
def test_a_faulty_line_is_reported(section: str, line: dict[str, Any], code: str) -> None:
    window = {"from": "2024-05-14T00:00:00Z", "to": "2024-05-15T00:00:00Z"}
    document = dump_directory(house())
    place = {} if section == "absences" else {"org": "G/E"}
    given = {**place, **({} if section == "swaps" else window), **line}
    _, problems = directory_from_mapping({**document, section: [given]})
    assert code in {one.code for one in problems}


# --- acts of people -----------------------------------------------------------------------------


class Desk:
    """A database whose clock stands at noon."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def does(self, person: str, act: Any, *args: Any, **more: Any) -> RosterOutcome:
        with self.store.unit_of_work(person) as uow:
            found = act(uow, *args, **more)
        assert isinstance(found, RosterOutcome)
        return found

    @property
    def known(self) -> Directory:
        with self.store.reader() as connection:
            return read_directory(connection)

    def records(self) -> list[tuple[str, str, str, str]]:
        with self.store.reader() as connection:
            found = trail.find(connection, object_type="roster", limit=100)
        ordered = sorted(found, key=lambda one: one.seq)
        return [(one.actor, one.action, one.outcome, one.reason) for one in ordered]


@pytest.fixture
def desk(tmp_path: Any) -> Iterator[Desk]:
    load_tables()
    engine = open_engine(f"sqlite:///{tmp_path / 'roster.db'}")
    SQLModel.metadata.create_all(engine)
    keeper = trail.TrailKeeper(Signer("roster.example/trail", bytes(32)))
    store = Store(engine, clock=lambda: NOON.astimezone(UTC), before_commit=[keeper])
    with store.unit_of_work("cli:setup") as uow:
        save_directory(uow, house())
    yield Desk(store)
    engine.dispose()


def override(person: str, **more: Any) -> DutyOverride:
    given: dict[str, Any] = {"start": NOON, "end": NOON + HOUR, "reason": "sick", **more}
    return DutyOverride("G/E", Role.RISK_OFFICER, person, **given)


def test_an_override_is_in_force_at_once_and_on_record(desk: Desk) -> None:
    done = desk.does("mia", add_override, override("cat", instead_of="ann"))
    assert (done.ok, done.warnings) == (True, ())
    assert names(desk.known, NOON) == [("cat", "OVERRIDE", "ann")]
    assert names(desk.known, NOON + HOUR) == [("ann", "ON_CALL", "")]
    (kept,) = desk.known.overrides
    assert (kept.by, kept.reason, kept.id) == ("mia", "sick", done.id)
    assert desk.records() == [("mia", "roster.override", "done", "")]


@pytest.mark.parametrize(
    ("actor", "wanted", "code"),
    [
        ("ann", override("cat"), "FORBIDDEN"),
        ("aud", override("cat"), "FORBIDDEN"),
        ("mia", override("cat", reason=" "), "NEEDS_REASON"),
        ("mia", override("cat", end=NOON), "EMPTY_PERIOD"),
        ("mia", override("cat", start=NOON - 2 * HOUR, end=NOON - HOUR), "PERIOD_PAST"),
        ("mia", override("nobody"), "UNKNOWN_PERSON"),
        ("mia", override("aud"), "CANNOT_ANSWER"),
        ("mia", override("cat", instead_of="cat"), "SAME_PERSON"),
    ],
)
def test_an_override_that_cannot_be_is_refused_and_that_is_recorded(
    desk: Desk, actor: str, wanted: DutyOverride, code: str
) -> None:
    assert desk.does(actor, add_override, wanted).code == code
    assert desk.records() == [(actor, "roster.override", "refused", code)]
    assert desk.known == house()


def test_a_swap_counts_only_when_both_agreed(desk: Desk) -> None:
    day, night = NOON.replace(hour=20), NOON.replace(hour=20) + 12 * HOUR
    first, second = SwapSide("ann", NOON, day), SwapSide("bob", day, night)
    given = {"org": "G/E", "role": Role.RISK_OFFICER, "first": first, "second": second}
    proposed = desk.does("ann", propose_swap, **given)
    assert proposed.code == "SWAP_PROPOSED"
    assert [one.code for one in proposed.warnings] == ["SWAP_OPEN"]
    assert names(desk.known, NOON) == [("ann", "ON_CALL", "")]
    assert desk.does("ann", agree_swap, proposed.id).code == "NEEDS_SECOND_PERSON"
    assert desk.does("cat", agree_swap, proposed.id).code == "FORBIDDEN"
    assert desk.does("bob", agree_swap, proposed.id).code == "DONE"
    assert names(desk.known, NOON) == [("bob", "SWAP", "ann")]
    assert names(desk.known, day) == [("ann", "SWAP", "bob")]
    assert names(desk.known, night) == [("ann", "ON_CALL", "")]
    assert desk.does("mia", agree_swap, proposed.id).code == "ALREADY_AGREED"


def test_a_manager_confirms_but_never_the_own_proposal(desk: Desk) -> None:
    first = SwapSide("ann", NOON, NOON + HOUR)
    second = SwapSide("bob", NOON + 8 * HOUR, NOON + 9 * HOUR)
    given = {"org": "G/E", "role": Role.RISK_OFFICER, "first": first, "second": second}
    one = desk.does("mia", propose_swap, **given).id
    assert desk.does("mia", agree_swap, one).code == "NEEDS_SECOND_PERSON"
    assert names(desk.known, NOON) == [("ann", "ON_CALL", "")]
    assert desk.does("boss", agree_swap, one).code == "DONE"
    assert names(desk.known, NOON) == [("bob", "SWAP", "ann")]
    not_theirs = {**given, "second": SwapSide("cat", NOON, NOON + HOUR)}
    assert desk.does("mia", propose_swap, **not_theirs).code == "NOT_ON_DUTY"
    assert desk.does("cat", propose_swap, **given).code == "FORBIDDEN"


def test_an_absence_names_the_gap_it_tears_and_both_absent(desk: Desk) -> None:
    day = Absence("ann", NOON, NOON + 2 * HOUR, deputy="cat")
    assert desk.does("bob", add_absence, day).code == "FORBIDDEN"
    assert desk.does("ann", add_absence, day).warnings == ()
    away = Absence("cat", NOON + HOUR, NOON + 3 * HOUR)
    codes = [one.code for one in desk.does("cat", add_absence, away).warnings]
    assert codes == ["ROSTER_GAP", "BOTH_ABSENT"]
    assert {one.code for one in conflicts(desk.known, NOON)} == {"ROSTER_GAP", "BOTH_ABSENT"}
    third = Absence("ann", NOON + HOUR, NOON + 2 * HOUR, deputy="cat")
    assert desk.does("ann", add_absence, third).code == "AWAY"
    assert desk.does("mia", add_override, override("cat", start=NOON + HOUR, end=NOON + 2 * HOUR)
                     ).code == "AWAY"  # fmt: skip


def test_a_change_is_taken_back_from_now_on_only(desk: Desk) -> None:
    begun = desk.does("mia", add_override, override("cat", start=NOON - HOUR)).id
    later = desk.does("mia", add_override, override("cat", start=NOON + HOUR, end=NOON + 2 * HOUR))
    assert desk.does("ann", withdraw, begun).code == "FORBIDDEN"
    assert desk.does("mia", withdraw, begun).ok
    assert desk.does("boss", withdraw, later.id).ok
    (kept,) = desk.known.overrides
    assert (kept.id, kept.end) == (begun, NOON)
    assert desk.does("mia", withdraw, begun).code == "PERIOD_PAST"
    assert desk.does("mia", withdraw, "OV-0").code == "UNKNOWN_CHANGE"
    assert desk.does("mia", withdraw, "").code == "UNKNOWN_CHANGE"
