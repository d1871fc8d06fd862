"""The directory file: faults with their place, good entries kept, the database as a second home."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trail
from directory import (
    Absence,
    Account,
    AccountTaken,
    Directory,
    Duty,
    DutyOverride,
    Grant,
    GrantReason,
    InvalidDirectory,
    Organisation,
    Person,
    Role,
    SettingsPatch,
    UnknownPerson,
    directory_from_mapping,
    directory_from_setup,
    directory_version,
    dump_directory,
    grant,
    link_account,
    load_directory,
    merge,
    read_directory,
    revoke,
    save_directory,
    set_active,
)
from store import Store, open_engine
from store.schema import metadata

FILE = """\
organisations:
  - path: 集团/甲
    name_en: Division A
    routing: [u_chen]
    settings:
      product: cu
      month: "2406"
      submit_limit: 1000.50
      status_map: {order.create: commitment}
      sessions: {cu: ["09:00-10:15", "21:00-01:00"]}
people:
  - {id: u_chen, role: risk_officer, unit: 集团/甲, slack: {team: T1, user: U1}}
  - id: u_liu
    roles: [trader]
    unit: 集团/甲
    grants:
      - {grant: fund.transfer.cross_dept, from: 2024-05-14T19:05:00+08:00, approved_by: u_chen}
last_resort: u_chen
holidays: {CN: {2027: [2027-01-01]}}
"""


def codes(text: str) -> list[tuple[str, int]]:
    return [(problem.code, problem.line) for problem in load_directory(text, "d.yaml")[1]]


def test_a_good_file_has_no_problems():
    house, problems = load_directory(FILE, "directory.yaml")
    assert problems == []
    assert house.settings("集团/甲").submit_limit == Decimal("1000.50")
    liu = house.person("u_liu")
    assert liu is not None
    assert liu.name == "u_liu"
    assert liu.grants == (
        Grant(
            "u_liu",
            "fund.transfer.cross_dept",
            "集团/甲",
            valid_from=datetime(2024, 5, 14, 11, 5, tzinfo=UTC),
            approved_by="u_chen",
        ),
    )
    linked = house.person_by_account(Account("slack", "T1", "U1"))
    assert linked is not None
    assert linked.id == "u_chen"
    assert house.calendar.is_trading_day("cu", date(2027, 1, 4))


def test_an_unknown_key_names_its_place_and_the_nearest_one():
    house, problems = load_directory(FILE.replace("name_en:", "nam_en:"), "directory.yaml")
    assert len(house.people) == 2
    (problem,) = problems
    assert (problem.code, problem.file, problem.line) == ("FIELD_UNKNOWN", "directory.yaml", 3)
    assert (problem.found, problem.hint) == ("nam_en", "name_en")


@pytest.mark.parametrize(
    ("before", "after", "code", "line"),
    [
        ("role: risk_officer", "role: risk_oficer", "UNKNOWN_ROLE", 12),
        ("unit: 集团/甲, slack", "unit: 集团/丁, slack", "UNKNOWN_UNIT", 12),
        ("fund.transfer.cross_dept", "fund.transfer.crossdept", "UNKNOWN_PERMISSION", 17),
        ("roles: [trader]", "roles: [trader, settlement]", "ROLES_CONFLICT", 14),
        ("roles: [trader]", 'shift: "22-6"', "BAD_SHIFT", 14),
        ("roles: [trader]", "phone: 13800000000", "BAD_PHONE", 14),
        ("2024-05-14T19:05:00+08:00", "2024-05-14T19:05:00", "BAD_TIME", 17),
        ("2024-05-14T19:05:00+08:00", "9999-12-31T23:59:59-14:00", "BAD_TIME", 17),
        ("id: u_liu", "id: u_chen", "DUPLICATE_ID", 13),
        ("1000.50", "viele", "NOT_A_QUANTITY", 8),
        ("1000.50", "-1", "NOT_A_QUANTITY", 8),
        ("commitment", "comitment", "UNKNOWN_STATUS", 9),
        ('"21:00-01:00"', '"09:30-09:40"', "BAD_SESSIONS", 10),
        ("[u_chen]", "[u_chan]", "UNKNOWN_PERSON", 4),
        ("last_resort: u_chen", "last_resort: u_nobody", "UNKNOWN_PERSON", 18),
        ("[2027-01-01]", "[2028-01-03]", "BAD_DATE", 19),
        ("集团/甲\n    name", "集团//甲\n    name", "BAD_PATH", 2),
        ("roles: [trader]", "roles: trader, 7: 8", "NOT_YAML", 14),
        ("id: u_liu", "active: perhaps", "NOT_A_FLAG", 13),
        ("roles: [trader]", "login: u_chen", "HELD_BY_ANOTHER", 14),
        ("roles: [trader]", "slack: {team: T1, user: U1}", "HELD_BY_ANOTHER", 14),
        ("roles: [trader]", "wecom: {team: ww1}", "FIELD_MISSING", 14),
    ],
)
def test_every_fault_has_a_code_and_a_line(before: str, after: str, code: str, line: int):
    text = FILE.replace(before, after)
    assert text != FILE
    assert (code, line) in codes(text)


def test_good_entries_are_kept_beside_a_bad_one():
    house, problems = load_directory(FILE.replace("[trader]", "[trafer]"), "d.yaml")
    assert [person.id for person in house.people] == ["u_chen"]
    assert [problem.hint for problem in problems] == ["trader"]


def test_a_mix_of_roles_that_somebody_allowed_is_kept_and_listed():
    text = FILE.replace("[trader]", "[trader, settlement]\n    mixed_roles_by: u_chen")
    house, problems = load_directory(text, "d.yaml")
    assert [problem.severity for problem in problems] == ["warning"]
    assert list(house.mixed_roles()) == ["u_liu"]


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "a: [", "people: 3", "people: [3]", "\x00", "a: *b"]
)
def test_no_file_makes_the_reader_fail(text: str):
    house, problems = load_directory(text, "d.yaml")
    assert house == Directory()
    assert problems or not text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "path", "people", "organisations", "roster", "grants", "from", "settings"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(document=JSON)
def test_no_document_makes_the_reader_fail(document: object):
    house, _ = directory_from_mapping(document)
    assert directory_from_mapping(dump_directory(house))[0] == house


AT = datetime(2024, 5, 14, 11, 15, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    engine = open_engine(f"sqlite:///{tmp_path}/house.db")
    metadata.create_all(engine)
    keeper = trail.TrailKeeper(trail.open_keys(tmp_path / "keys").trail)
    return Store(engine, clock=lambda: AT, before_commit=[keeper])


def full_house() -> Directory:
    house, problems = load_directory(FILE, "d.yaml")
    assert problems == []
    return replace(
        house,
        duties=(
            Duty("集团/甲", Role.RISK_OFFICER, ("u_chen",), weekdays=(1, 2), shift="20:00-08:00"),
        ),
        overrides=(DutyOverride("集团", Role.MANAGER, "u_chen", AT, AT + timedelta(hours=1)),),
        absences=(Absence("u_liu", AT, AT + timedelta(hours=1)),),
    )


def test_what_is_saved_is_read_back_and_saving_again_records_nothing(store: Store):
    house = full_house()
    with store.unit_of_work("cli:root") as uow:
        assert save_directory(uow, house)
    with store.reader() as connection:
        assert read_directory(connection) == house
        version = directory_version(connection)
    with store.unit_of_work("cli:root") as uow:
        assert not save_directory(uow, house)
    with store.reader() as connection:
        assert directory_version(connection) == version
        assert trail.find(connection, action="directory.save")[0].kind == "change"


def test_a_directory_that_no_file_could_hold_is_refused(store: Store):
    stray = Directory(people=(Person("p", unit="nowhere"),))
    with pytest.raises(InvalidDirectory, match="UNKNOWN_UNIT"), store.unit_of_work("x") as uow:
        save_directory(uow, stray)


def test_a_grant_is_given_once_and_ended_not_deleted(store: Store):
    code = "order.submit"
    with store.unit_of_work("u_wang") as uow:
        save_directory(uow, full_house())
        grant(uow, "u_chen", code, approved_by="u_wang")
    with store.unit_of_work("u_wang") as uow:
        grant(uow, "u_chen", code, approved_by="u_wang")
    with store.reader() as connection:
        house = read_directory(connection)
        assert len(trail.find(connection, action="grant.give")) == 1
    assert house.may("u_chen", code, "集团/甲", AT).allowed
    assert not house.may("u_chen", code, "集团/甲", AT - timedelta(seconds=1)).allowed
    with store.unit_of_work("u_wang") as uow:
        assert revoke(uow, "u_chen", code)
        assert not revoke(uow, "u_chen", code)
    with store.reader() as connection:
        after = read_directory(connection).may("u_chen", code, "集团/甲", AT)
    assert after.reason is GrantReason.GRANT_EXPIRED
    with pytest.raises(UnknownPerson), store.unit_of_work("u_wang") as uow:
        grant(uow, "u_nobody", code, approved_by="u_wang")


def test_a_slack_account_belongs_to_one_person(store: Store):
    with store.unit_of_work("u_liu") as uow:
        save_directory(uow, full_house())
        link_account(uow, "u_liu", Account("slack", "T1", "U2"))
        with pytest.raises(AccountTaken):
            link_account(uow, "u_liu", Account("slack", "T1", "U1"))
    with store.reader() as connection:
        found = read_directory(connection).person_by_account(Account("slack", "T1", "U2"))
    assert found is not None
    assert found.id == "u_liu"


def test_a_person_has_one_account_in_each_chat_and_another_takes_its_place(store: Store):
    slack, wecom = Account("slack", "T1", "U2"), Account("wecom", "ww1", "liu")
    with store.unit_of_work("u_liu") as uow:
        save_directory(uow, full_house())
        link_account(uow, "u_liu", wecom)
        link_account(uow, "u_liu", Account("slack", "T1", "U7"))
        link_account(uow, "u_liu", slack)
        link_account(uow, "u_chen", Account("wecom", "ww2", "liu"))  # another company's liu
    with store.reader() as connection:
        known = read_directory(connection)
        assert len(trail.find(connection, action="person.link_account")) == 4
    liu = known.person("u_liu")
    assert liu is not None
    assert liu.accounts == (slack, wecom)
    assert liu.account("wecom") == wecom
    assert known.person_by_account(wecom) == liu
    assert known.person_by_account(Account("slack", "T1", "U7")) is None
    again, problems = directory_from_mapping(dump_directory(known))
    assert problems == []
    assert again.person("u_liu") == liu
    with store.unit_of_work("u_liu") as uow:
        assert not save_directory(uow, known)


def test_an_account_is_shut_at_once(store: Store):
    with store.unit_of_work("admin") as uow:
        save_directory(uow, full_house())
        assert set_active(uow, "u_liu", active=False)
        assert not set_active(uow, "u_liu", active=False)
    with store.reader() as connection:
        house = read_directory(connection)
    verdict = house.may("u_liu", "order.create", "集团/甲", AT)
    assert verdict.reason is GrantReason.INACTIVE_PERSON


def test_merging_keeps_grants_that_somebody_approved():
    first = full_house()
    second, _ = load_directory(
        "organisations: [{path: 集团/甲}]\n"
        "people: [{id: u_liu, name: 刘, unit: 集团/甲}, {id: u_new, unit: 集团/甲}]",
        "d.yaml",
    )
    both = merge(first, second)
    liu = both.person("u_liu")
    assert liu is not None
    assert (liu.name, len(liu.grants)) == ("刘", 1)
    assert [person.id for person in both.people] == ["u_chen", "u_liu", "u_new"]
    assert both.last_resort == "u_chen"
    assert both.nodes["集团/甲"] == Organisation("集团/甲", settings=SettingsPatch())


def test_an_incidents_setup_becomes_a_directory():
    setup = {
        "org": "集团/乙",
        "units": ["集团/甲", "集团/乙"],
        "product": "MA",
        "sessions": ["09:00-10:15", "21:00-23:00"],
        "submit_limit_t": 1000,
        "erp_sync_within_s": 60,
        "people": [
            {"id": "t", "role": "temporary", "unit": "集团/乙", "grants": ["view", "draft"]},
            {"id": "g", "role": "risk_officer", "unit": "集团", "grants": []},
            {"id": "a", "role": "risk_officer", "unit": "集团/甲", "grants": []},
        ],
        "assign": ["g"],
    }
    house, problems = directory_from_setup(setup)
    assert problems == []
    assert house.assignees("集团/乙", "red", AT).people == ("g",)
    assert house.settings("集团/乙").erp_expected
    assert not house.sees("a", "集团/乙").allowed
    assert not house.calendar.is_open(
        "MA", datetime.fromisoformat("2024-08-21T23:11+08:00"), "集团/乙"
    )


@pytest.mark.parametrize(
    "number", ["13800000001", "+0138000000", "+86 138", "+86138x", "+1", "+²34567890"]
)
def test_a_number_that_is_none_is_told_masked(number: str):
    document = {"people": [{"id": "chen", "phone": number}]}
    known, problems = directory_from_mapping(document)
    assert known.people == ()
    ((code, found),) = ((one.code, one.found) for one in problems)
    assert code == "BAD_PHONE"
    assert found == number[:3] + "•" * len(number[3:])


def test_a_number_is_kept_and_not_shown():
    person = {"id": "chen", "phone": "+8613800000001"}
    known, problems = directory_from_mapping({"people": [person]})
    assert problems == []
    assert known.people[0].phone == "+8613800000001"
    assert "13800000001" not in repr(known)
    again, _ = directory_from_mapping(dump_directory(known))
    assert again == known
