"""An event is read strictly, and says what is wrong with it."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditlog.events import Event, EventKind, event_uid, parse_event
from auditlog.lateness import is_late, lateness_seconds
from auditlog.port import fact_row
from store.problems import Problem

NOW = datetime(2024, 12, 31, tzinfo=UTC)
TIMEOUT = {
    "event_id": "INC-1-004",
    "org": "恒信贸易/华东业务部",
    "ts": "2024-05-14T18:56:03+08:00",
    "seq": 4,
    "log_class": "exception",
    "type": "inbound.timeout",
    "actor": "wms",
    "receipt": "RK88001",
    "qty_t": 1500,
    "timeout_ms": 30000,
    "product": "cu",
}


def read(mapping: object, **terms: Any) -> Event | list[Problem]:
    return parse_event(mapping, **({"default_arrival": NOW, "now": NOW} | terms))


def good(**fields: object) -> Event:
    event = read(TIMEOUT | fields)
    assert isinstance(event, Event), event
    return event


def codes(**fields: object) -> list[tuple[str, str]]:
    problems = read(TIMEOUT | fields)
    assert isinstance(problems, list), problems
    return [(problem.code, problem.field) for problem in problems]


def test_the_incident_form():
    event = good()
    assert event == Event(
        source="wms",
        event_id="INC-1-004",
        event_time=datetime(2024, 5, 14, 10, 56, 3, tzinfo=UTC),
        arrival_time=NOW,
        kind=EventKind.EXCEPTION,
        type="inbound.timeout",
        seq=4,
        org="恒信贸易/华东业务部",
        actor="wms",
        receipt="RK88001",
        product="cu",
        qty=Decimal(1500),
        attributes={"qty_t": 1500, "timeout_ms": 30000},
    )
    assert event.day == date(2024, 5, 14)


def test_a_source_of_its_own_goes_before_the_actor():
    assert good(source="erp").source == "erp"


def test_ecs_names_nested_and_dotted():
    nested = {
        "@timestamp": "2024-05-14T10:56:03.123456789Z",
        "event": {
            "id": "e-1",
            "action": "login",
            "category": ["authentication"],
            "outcome": "failure",
            "provider": "sso",
            "ingested": "2024-05-14T10:56:05Z",
        },
        "user": {"name": "tmp_night_07", "id": "17", "roles": ["temporary", "trader"]},
        "source": {"ip": "10.8.3.77", "port": 4022},
        "organization": {"name": "山东化工集团/子公司B"},
        "message": "wrong password\n3 tries",
    }
    event = read(nested)
    dotted = {
        "@timestamp": nested["@timestamp"],
        **{f"event.{name}": value for name, value in nested["event"].items()},
        **{f"user.{name}": value for name, value in nested["user"].items()},
        "source.ip": "10.8.3.77",
        "source.port": 4022,
        "organization.name": "山东化工集团/子公司B",
        "message": nested["message"],
    }
    assert event == read(dotted)
    assert isinstance(event, Event)
    assert (event.kind, event.type, event.source, event.actor, event.role) == (
        EventKind.SYSTEM,
        "login",
        "sso",
        "tmp_night_07",
        "temporary,trader",
    )
    assert event.event_time == datetime(2024, 5, 14, 10, 56, 3, 123456, tzinfo=UTC)
    assert event.arrival_time == datetime(2024, 5, 14, 10, 56, 5, tzinfo=UTC)
    assert event.address == "10.8.3.77"
    assert event.attributes == {
        "user.id": "17",
        "source.port": 4022,
        "event.category": ["authentication"],
    }


@pytest.mark.parametrize(
    ("ecs", "kind"),
    [
        ({"event.kind": "alert"}, EventKind.RISK),
        ({"event.kind": "event", "event.category": ["database"]}, EventKind.SYSTEM),
        ({"event.kind": "pipeline_error"}, EventKind.EXCEPTION),
        ({"event.kind": "event", "event.category": "business"}, EventKind.BUSINESS),
    ],
)
def test_kinds_from_ecs(ecs: dict[str, Any], kind: EventKind):
    mapping = {name: value for name, value in TIMEOUT.items() if name != "log_class"}
    event = read(mapping | ecs)
    assert isinstance(event, Event)
    assert event.kind is kind


@pytest.mark.parametrize(
    ("word", "level"), [("红", "red"), ("橙色", "orange"), ("YELLOW", "yellow")]
)
def test_levels_in_chinese_and_english_are_one(word: str, level: str):
    assert good(level=word).attributes["level"] == level


def test_a_level_of_another_scale_is_left_alone():
    assert good(level="info").attributes["level"] == "info"


@pytest.mark.parametrize("kind", ["异常", "EXCEPTION", " exception "])
def test_kinds_in_both_languages(kind: str):
    assert good(log_class=kind).kind is EventKind.EXCEPTION


def test_ids_are_text_and_keep_their_zeros():
    assert good(order=19532, voucher="00417").order == "19532"
    assert good(voucher="00417").voucher == "00417"


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("1,286,400.00", "1286400"),
        ("1286400.00", "1286400"),
        ("-0.1", "-0.1"),
        (0.1, "0.1"),
        (120, "120"),
        (Decimal("5.3e6"), "5300000"),
        ("0.000000001", "0.000000001"),
        (-0.0, "0"),
        ("9" * 29 + "." + "9" * 9, "9" * 29 + "." + "9" * 9),
    ],
)
def test_amounts(written: object, amount: str):
    assert format(good(amount=written).amount, "f") == amount


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("NaN", "EVENT_NUMBER_NOT_FINITE"),
        (float("nan"), "EVENT_NUMBER_NOT_FINITE"),
        (float("-inf"), "EVENT_NUMBER_NOT_FINITE"),
        (Decimal("sNaN"), "EVENT_NUMBER_NOT_FINITE"),
        ("12,86,400", "EVENT_NUMBER"),
        ("1.286.400,00", "EVENT_NUMBER"),
        ("10²", "EVENT_NUMBER"),
        ("about 5", "EVENT_NUMBER"),
        ("1" * 100, "EVENT_NUMBER"),
        ("1e30", "EVENT_NUMBER_RANGE"),
        ("1e-10", "EVENT_NUMBER_RANGE"),
        (Decimal("1e-999999"), "EVENT_NUMBER_RANGE"),
        (Decimal("1e999999"), "EVENT_NUMBER_RANGE"),
        (10**50, "EVENT_NUMBER_RANGE"),
        (True, "EVENT_FIELD_TYPE"),
        ([1], "EVENT_FIELD_TYPE"),
    ],
)
def test_what_is_no_amount(written: object, code: str):
    assert codes(amount=written) == [(code, "amount")]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("2024-05-14T18:56:03", "EVENT_TIME_NAIVE"),
        (datetime(2024, 5, 14), "EVENT_TIME_NAIVE"),  # noqa: DTZ001 (the fault under test)
        ("2024-02-30T10:00:00Z", "EVENT_TIME"),
        ("2024-05-14T25:00:00Z", "EVENT_TIME"),
        ("2024-05-14", "EVENT_TIME"),
        ("yesterday", "EVENT_TIME"),
        ("1969-12-31T23:59:59Z", "EVENT_TIME_RANGE"),
        ("0001-01-01T00:00:00+14:00", "EVENT_TIME_RANGE"),
        ("2025-01-01T00:00:01Z", "EVENT_TIME_FUTURE"),
        ("9999-12-31T23:59:59-14:00", "EVENT_TIME_RANGE"),
        (1715683930, "EVENT_FIELD_TYPE"),
        (None, "EVENT_FIELD_MISSING"),
        ("", "EVENT_FIELD_MISSING"),
    ],
)
def test_what_is_no_time(written: object, code: str):
    field = "event_time" if code == "EVENT_FIELD_MISSING" else "ts"
    assert codes(ts=written) == [(code, field)]


def test_a_zone_for_times_without_offset():
    event = read(TIMEOUT | {"ts": "2024-05-14T18:56:03"}, zone=ZoneInfo("Asia/Shanghai"))
    assert isinstance(event, Event)
    assert event.event_time == datetime(2024, 5, 14, 10, 56, 3, tzinfo=UTC)


def test_a_day_ahead_is_the_limit():
    assert good(ts="2025-01-01T00:00:00Z").event_time == NOW + timedelta(days=1)


def test_without_an_arrival_the_event_time_stands_in_when_told():
    event = read(TIMEOUT, default_arrival=None)
    assert isinstance(event, Event)
    assert event.arrival_time == event.event_time


@pytest.mark.parametrize("missing", ["event_id", "ts", "log_class", "type", "actor"])
def test_what_an_event_needs(missing: str):
    named = {"ts": "event_time", "log_class": "kind", "actor": "source"}.get(missing, missing)
    mapping = {name: value for name, value in TIMEOUT.items() if name != missing}
    problems = read(mapping, file="a.ndjson", line=3)
    assert [(p.code, p.field, p.file, p.line) for p in problems] == [
        ("EVENT_FIELD_MISSING", named, "a.ndjson", 3)
    ]


def test_every_fault_is_told_at_once():
    found = codes(event_id=["x"], ts="noon", log_class="trade", amount="x", seq=-1)
    assert set(found) == {
        ("EVENT_FIELD_TYPE", "event_id"),
        ("EVENT_TIME", "ts"),
        ("EVENT_KIND_UNKNOWN", "log_class"),
        ("EVENT_NUMBER", "amount"),
        ("EVENT_NUMBER_RANGE", "seq"),
    }


def test_a_near_word_is_suggested():
    problems = read(TIMEOUT | {"log_class": "buisness"})
    assert [problem.hint for problem in problems] == ["business"]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("a\x00b", "actor"),
        ("a\nb", "order"),
        ("\u202eknil", "actor"),
        ("\ud800", "product"),
        ("a\x1b[31m", "message"),
    ],
)
def test_control_characters_are_refused(text: str, field: str):
    assert codes(**{field: text}) == [("EVENT_CONTROL_CHARACTER", field)]


def test_a_ten_megabyte_text_is_named_and_shortened():
    problems = read(TIMEOUT | {"message": "长" * 10_000_000})
    assert isinstance(problems, list)
    assert ("EVENT_TEXT_TOO_LONG", "message") in [(p.code, p.field) for p in problems]
    assert all(len(problem.found) <= 80 for problem in problems)


def test_the_limit_of_a_field_counts_bytes():
    assert good(message="长" * 21_845).message == "长" * 21_845
    assert codes(message="长" * 21_846) == [("EVENT_TEXT_TOO_LONG", "message")]


def test_the_limit_of_an_event_counts_all_of_it():
    assert codes(**{f"f{n}": "x" * 60_000 for n in range(5)}) == [("EVENT_TOO_LARGE", "")]
    assert codes(many=list(range(100_000))) == [("EVENT_TOO_LARGE", "")]
    assert codes(**{f"name{n}": 1 for n in range(40_000)}) == [("EVENT_TOO_LARGE", "")]


def test_deep_nesting_is_refused():
    deep: object = 1
    for _ in range(2000):
        deep = [deep]
    assert codes(deep=deep) == [("EVENT_TOO_DEEP", "deep")]


@pytest.mark.parametrize("org", ["a//b", "a/ /b"])
def test_an_organisation_path_has_no_empty_step(org: str):
    assert codes(org=org) == [("EVENT_ORG", "org")]


def test_an_organisation_path_is_trimmed():
    assert good(org="/集团/ 子公司 /").org == "集团/子公司"


def test_attributes_hold_no_binary_float():
    event = good(ratio=0.1, list=[1.5, {"x": 2.25}], big=2**60, yes=True, none=None)
    assert event.attributes == {
        "qty_t": 1500,
        "timeout_ms": 30000,
        "ratio": "0.1",
        "list": ["1.5", {"x": "2.25"}],
        "big": str(2**60),
        "yes": True,
    }


def test_two_names_of_one_field_are_both_kept():
    event = good(ts="2024-05-14T10:00:00Z", event_time="2024-05-14T11:00:00Z")
    assert event.event_time.hour == 11
    assert event.attributes["ts"] == "2024-05-14T10:00:00Z"


def test_two_attributes_that_become_one_are_refused():
    assert codes(**{"note": "a", " note": "b"}) == [("EVENT_FIELD_REPEATED", "note")]


@pytest.mark.parametrize("value", [None, [], "x", 3, [TIMEOUT]])
def test_what_is_no_object(value: object):
    assert [problem.code for problem in read(value)] == ["EVENT_NOT_AN_OBJECT"]


def test_identity_is_source_id_and_day():
    event = good()
    assert event.uid == event_uid("wms", "INC-1-004", date(2024, 5, 14))
    assert event.uid.startswith("20240514-")
    assert event_uid("ab", "c", event.day) != event_uid("a", "bc", event.day)
    assert good(ts="2024-05-14T23:59:59Z").uid == event.uid
    assert good(ts="2024-05-15T00:00:00Z").uid != event.uid


def test_lateness_by_source_then_first_word_of_the_type():
    event = good()
    assert lateness_seconds(event) == 300
    assert lateness_seconds(event, {"inbound": 60}) == 60
    assert lateness_seconds(event, {"inbound": 60, "wms": 0}) == 0
    assert is_late(good(arrival_ts="2024-05-14T19:01:04+08:00"))
    assert not is_late(good(arrival_ts="2024-05-14T19:01:03+08:00"))


def test_facts_are_keyed_by_content_alone():
    def row(**body: object) -> str:
        return fact_row("basis", body, event_time=NOW, org="a").hash

    assert row(spot=Decimal("70120.00"), n=1) == row(n=1, spot=Decimal(70120))
    assert row(spot=Decimal(70120)) != row(spot=Decimal(70121))
    with pytest.raises(TypeError):
        row(spot=0.1)


@pytest.mark.shared_data
def test_every_event_of_the_incidents_is_read(shared_data: Path):
    incidents = json.loads((shared_data / "incidents" / "incidents.json").read_text())
    events = [
        read(event, default_arrival=None) for incident in incidents for event in incident["events"]
    ]
    assert events
    assert all(isinstance(event, Event) for event in events)


_texts = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=30).map(
    str.strip
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _texts,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
_decimals = st.decimals(
    min_value=-(10**20), max_value=10**20, places=9, allow_nan=False, allow_infinity=False
)
_times = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 (hypothesis wants bounds without a zone)
    max_value=datetime(2024, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=5))]),
)
_id = _texts.filter(bool)
_attribute_names = _id.filter(lambda name: name.strip().lower() not in {"level", "attributes"})
_events = st.builds(
    Event,
    source=_id,
    event_id=_id,
    event_time=_times,
    arrival_time=_times,
    kind=st.sampled_from(EventKind),
    type=_id,
    seq=st.integers(0, 2**63 - 1),
    org=st.lists(_id.map(lambda t: t.replace("/", "-").strip()), max_size=3).map("/".join),
    actor=_texts,
    account=_texts,
    order=_texts,
    message=_texts,
    latency_ms=st.none() | st.integers(0, 2**40),
    amount=st.none() | _decimals,
    qty=st.none() | _decimals,
    attributes=st.dictionaries(_attribute_names, _json, max_size=4),
)


@settings(deadline=None)
@given(_events)
def test_the_native_form_reads_back_as_the_same_event(event: Event):
    assert parse_event(event.as_dict(), default_arrival=None, now=NOW) == event
    over_the_wire = json.loads(json.dumps(event.as_dict()))
    assert parse_event(over_the_wire, default_arrival=None, now=NOW) == event


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from([*TIMEOUT, "amount", "attributes", "x", "event"]), _anything)
)
def test_whatever_comes_gives_an_event_or_problems(fields: dict[str, Any]):
    found = read(TIMEOUT | fields)
    assert isinstance(found, Event) or (found and all(isinstance(p, Problem) for p in found))
