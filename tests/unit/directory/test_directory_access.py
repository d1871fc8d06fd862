"""Who sees what, who may do what, who is asked."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from directory import (
    PERMISSIONS,
    ROSTER_EMPTY,
    Absence,
    AccessReason,
    Directory,
    Duty,
    DutyOverride,
    Grant,
    GrantReason,
    Organisation,
    Person,
    Role,
    Rotation,
    RoutingReason,
    SettingsPatch,
    UnknownPermission,
    within,
)
from directory.roles import SIGNING, conflicting

AT = datetime(2024, 5, 14, 10, 56, tzinfo=UTC)  # a Tuesday, 18:56 in Shanghai
HOUR = timedelta(hours=1)


def grant(person: str, code: str, scope: str, **times: datetime) -> Grant:
    return Grant(person, code, scope, **times)


HOUSE = Directory(
    organisations=(
        Organisation("集团", settings=SettingsPatch(max_lag_s=30, lateness_s={"erp": 0})),
        Organisation("集团/甲", settings=SettingsPatch(max_lag_s=20, erp_sync_within_s=90)),
        Organisation("集团/乙", settings=SettingsPatch(lateness_s={"feed": 5})),
        Organisation("集团/甲乙"),
    ),
    people=(
        Person("boss", roles=(Role.MANAGER,), unit="集团"),
        Person("risk_a", roles=(Role.RISK_OFFICER,), unit="集团/甲"),
        Person("risk_b", roles=(Role.RISK_OFFICER,), unit="集团/乙"),
        Person("trader_a", roles=(Role.TRADER,), unit="集团/甲/铜"),
        Person(
            "auditor",
            roles=(Role.AUDITOR,),
            unit="集团",
            grants=(
                grant("auditor", "view", "集团/甲"),
                grant("auditor", "order.close", "集团/甲"),
            ),
        ),
        Person(
            "admin",
            roles=(Role.ADMINISTRATOR,),
            unit="集团",
            grants=tuple(grant("admin", code, "集团") for code in SIGNING),
        ),
        Person("gone", roles=(Role.MANAGER,), unit="集团", active=False),
        Person(
            "temp",
            roles=(Role.TEMPORARY,),
            unit="集团/乙",
            shift="22:00-06:00",
            grants=(
                grant("temp", "draft", "集团/乙"),
                grant("temp", "order.submit", "集团/乙", valid_from=AT, valid_to=AT + HOUR),
            ),
        ),
    ),
    last_resort="boss",
)


def test_a_person_sees_the_own_unit_and_everything_beneath():
    assert HOUSE.sees("risk_a", "集团/甲").reason is AccessReason.OWN_UNIT
    assert HOUSE.sees("risk_a", "集团/甲/铜").reason is AccessReason.BENEATH_OWN_UNIT
    assert HOUSE.sees("boss", "集团/乙/班").allowed


def test_a_sibling_and_the_group_above_stay_dark():
    for org in ("集团/乙", "集团", "集团/甲乙", ""):
        assert not HOUSE.sees("risk_a", org).allowed
    assert HOUSE.sees("nobody", "集团").reason is AccessReason.UNKNOWN_PERSON
    assert HOUSE.sees("gone", "集团").reason is AccessReason.INACTIVE_PERSON


def test_auditors_and_administrators_see_by_grant_alone():
    assert HOUSE.sees("auditor", "集团/甲/铜").reason is AccessReason.VIEW_GRANTED
    assert HOUSE.sees("auditor", "集团/乙").reason is AccessReason.VIEW_BY_GRANT_ONLY
    assert HOUSE.visible_scopes("auditor") == ("集团/甲",)
    assert HOUSE.visible_scopes("admin") == ()


ORGS = st.lists(st.sampled_from("甲乙丙"), min_size=1, max_size=4).map("/".join)


@settings(deadline=None)
@given(unit=ORGS, granted=st.lists(ORGS, max_size=3), org=ORGS)
def test_the_scopes_for_sql_agree_with_sees(unit: str, granted: list[str], org: str):
    person = Person("p", unit=unit, grants=tuple(grant("p", "view", one) for one in granted))
    house = Directory(organisations=(Organisation(unit),), people=(person,))
    scopes = house.visible_scopes("p")
    assert house.sees("p", org).allowed == any(within(org, scope) for scope in scopes)
    assert not any(within(a, b) for a in scopes for b in scopes if a != b)


def test_roles_permit_in_the_own_unit_and_beneath_only():
    verdict = HOUSE.may("risk_a", "order.acknowledge", "集团/甲/铜", AT)
    assert verdict.allowed
    assert verdict.reason is GrantReason.ROLE_PERMITS
    outside = HOUSE.may("risk_a", "order.acknowledge", "集团/乙", AT)
    assert outside.reason is GrantReason.GRANT_OUT_OF_SCOPE
    assert HOUSE.may("risk_a", "rules.write", "集团/甲", AT).reason is GrantReason.NOT_GRANTED


def test_a_grant_holds_in_its_scope_and_time():
    def reason(at: datetime, org: str = "集团/乙") -> GrantReason:
        return HOUSE.grant_verdict("temp", "order.submit", org, at).reason

    assert reason(AT - HOUR) is GrantReason.GRANT_NOT_BEGUN
    assert reason(AT) is GrantReason.GRANTED
    assert reason(AT + HOUR) is GrantReason.GRANT_EXPIRED
    assert reason(AT, "集团/甲") is GrantReason.GRANT_OUT_OF_SCOPE
    assert HOUSE.may("temp", "order.create", "集团/乙", AT).reason is GrantReason.NOT_GRANTED


def test_no_grant_lets_an_administrator_sign_or_an_auditor_write():
    for code in SIGNING:
        verdict = HOUSE.may("admin", code, "集团", AT)
        assert verdict.reason is GrantReason.ADMINISTRATOR_CANNOT_SIGN
    assert HOUSE.may("auditor", "order.close", "集团/甲", AT).reason is (
        GrantReason.AUDITOR_READS_ONLY
    )


def test_nobody_absent_or_unknown_may_do_anything():
    for code in PERMISSIONS:
        assert not HOUSE.may("gone", code, "集团", AT).allowed
        assert not HOUSE.may("system:assessor", code, "集团", AT).allowed


def test_a_mistyped_permission_is_an_error_and_not_a_refusal():
    with pytest.raises(UnknownPermission) as refused:
        HOUSE.may("boss", "order.acknowlege", "集团", AT)
    assert refused.value.hint == "order.acknowledge"


def test_front_office_does_not_mix_with_middle_or_back():
    assert conflicting([Role.TRADER, Role.RISK_OFFICER]) == ((Role.RISK_OFFICER, Role.TRADER),)
    assert conflicting([Role.TRADER, Role.SETTLEMENT])
    assert conflicting([Role.AUDITOR, Role.MANAGER])
    assert not conflicting([Role.TRADER, Role.MANAGER])
    assert not conflicting([Role.RISK_OFFICER, Role.SETTLEMENT])


def test_settings_pass_down_the_tree_and_are_merged_by_name():
    assert HOUSE.settings("集团/甲/铜").max_lag_s == 20
    assert HOUSE.settings("集团/乙").max_lag_s == 30
    below = HOUSE.settings("集团/乙/班")
    assert (below.lateness("erp"), below.lateness("feed")) == (0, 5)
    assert (below.lateness("replica"), below.lateness("wms")) == (900, 300)
    assert HOUSE.settings("集团/甲").erp_expected
    assert not HOUSE.settings("别处").erp_expected
    assert HOUSE.settings("集团").status_of("order.create") == "commitment"
    assert HOUSE.settings("集团").status_of("login") == "none"


def test_a_shift_crosses_midnight():
    def at(text: str) -> datetime:
        return datetime.fromisoformat(f"2024-08-21T{text}+08:00")

    assert HOUSE.in_shift("temp", at("23:11"))
    assert HOUSE.in_shift("temp", at("05:59"))
    assert not HOUSE.in_shift("temp", at("06:00"))
    assert not HOUSE.in_shift("temp", at("21:59"))
    assert HOUSE.in_shift("risk_a", at("03:00"))
    assert not HOUSE.in_shift("nobody", at("23:11"))


def routed(**parts: object) -> Directory:
    fields = {"organisations": HOUSE.organisations, "people": HOUSE.people, "last_resort": "boss"}
    return Directory(**{**fields, **parts})  # type: ignore[arg-type]


DUTY = Duty("集团/甲", Role.RISK_OFFICER, ("risk_a",), deputies=("trader_a",))


def test_an_explicit_routing_list_wins_over_the_roster():
    node = Organisation("集团/甲", routing={"red": ("boss", "gone"), "*": ("risk_a",)})
    house = routed(organisations=(node,), duties=(DUTY,))
    red = house.assignees("集团/甲/铜", "red", AT)
    assert (red.people, red.reason) == (("boss",), RoutingReason.ROUTING_LIST)
    assert house.assignees("集团/甲", "yellow", AT).people == ("risk_a",)


def test_a_routing_list_of_people_who_left_falls_to_the_roster():
    node = Organisation("集团/甲", routing={"*": ("gone",)})
    found = routed(organisations=(node,), duties=(DUTY,)).assignees("集团/甲", "red", AT)
    assert (found.people, found.reason) == (("risk_a",), RoutingReason.ON_CALL)


def test_the_deputy_stands_in_and_an_override_swaps():
    away = Absence("risk_a", AT - HOUR, AT + HOUR)
    found = routed(duties=(DUTY,), absences=(away,)).assignees("集团/甲", "red", AT)
    assert (found.people, found.reason) == (("trader_a",), RoutingReason.DEPUTY)
    swap = DutyOverride("集团/甲", Role.RISK_OFFICER, "boss", AT, AT + HOUR)
    house = routed(duties=(DUTY,), overrides=(swap,))
    assert house.assignees("集团/甲", "red", AT).reason is RoutingReason.OVERRIDE
    assert house.assignees("集团/甲", "red", AT + HOUR).people == ("risk_a",)


def test_an_empty_roster_escalates_upward_and_reports_itself():
    group = Duty("集团", Role.RISK_OFFICER, ("boss",))
    found = routed(duties=(group,)).assignees("集团/乙", "red", AT)
    assert found.people == ("boss",)
    assert found.escalated_from == "集团/乙"
    assert found.reports == (ROSTER_EMPTY,)


def test_without_any_roster_role_holders_then_the_last_resort_are_asked():
    holders = routed().assignees("集团/乙", "red", AT)
    assert (holders.people, holders.reason) == (("risk_b",), RoutingReason.ROLE_HOLDERS)
    last = routed(people=(HOUSE.people[3],), last_resort="trader_a").assignees("别处", "red", AT)
    assert (last.people, last.reason) == (("trader_a",), RoutingReason.LAST_RESORT)
    nobody = Directory().assignees("别处", "red", AT)
    assert (nobody.people, nobody.reason) == ((), RoutingReason.NOBODY)
    assert nobody.reports == (ROSTER_EMPTY,)


def test_duties_rotate_and_a_night_belongs_to_the_evening_it_began():
    duty = Duty(
        "集团",
        Role.RISK_OFFICER,
        ("risk_a", "risk_b"),
        shift="20:00-08:00",
        from_day=date(2024, 5, 13),
        rotate=Rotation.DAILY,
    )
    house = routed(duties=(duty,))

    def who(text: str) -> tuple[str, ...]:
        found = house.on_call("集团", datetime.fromisoformat(f"{text}+08:00"))
        return found.people if found else ()

    assert who("2024-05-13T21:00") == ("risk_a",)
    assert who("2024-05-14T07:59") == ("risk_a",)
    assert who("2024-05-14T08:00") == ()
    assert who("2024-05-14T20:00") == ("risk_b",)
    assert who("2024-05-13T07:00") == ()


def test_own_sessions_reach_the_calendar():
    node = Organisation("集团/甲", settings=SettingsPatch(sessions={"xx": ("09:00-10:00",)}))
    at = datetime.fromisoformat("2024-05-14T09:30+08:00")
    assert routed(organisations=(node,)).calendar.is_open("xx", at, "集团/甲/铜")
    loaded = routed(holidays={"CN": {2027: frozenset({date(2027, 1, 1)})}}).calendar
    assert loaded.is_trading_day("cu", date(2027, 1, 4))
