"""Verdicts, their why-trace, the guards, and what a fact must look like."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import Rulebook, load_schema, read_rule
from rules.errors import UnknownFactKind, UnknownRule
from rules.model import Outcome
from rules.rulebook import RuleFile, make_rulebook
from store.problems import Problem

FOLDER = Path(__file__).parents[3] / "rulebook"
SCHEMA, _ = load_schema(FOLDER / "schema")
HEAD = """\
rule: PROBE
version: 3
owner: risk
title: {zh: 探, en: probe}
policy: {document: d, clause: c}
"""


def book_of(*bodies: str) -> Rulebook:
    files = []
    for index, body in enumerate(bodies):
        text = HEAD.replace("PROBE", f"PROBE{index}" if index else "PROBE") + body
        rule, problems = read_rule(text, f"p{index}.yaml", SCHEMA)
        assert rule is not None, problems
        files.append(RuleFile(f"p{index}.yaml", str(index), rule))
    return make_rulebook(SCHEMA, files)


def warnings(body: str) -> list[Problem]:
    problems = read_rule(HEAD + body, "p.yaml", SCHEMA)[1]
    return [one for one in problems if one.code != "TEST_MISSING"]


# The why-trace


def test_a_match_tells_every_leaf_with_value_threshold_margin_and_truth() -> None:
    book = book_of(
        "on: exposure\n"
        'when: use >= 0.8 and (product == "cu" or has(limit)) and not (net > 0)\n'
        "level: red\nclears_when: use < 0.7\n"
    )
    (verdict,) = book.evaluate(
        "exposure",
        {"use": Decimal("0.95"), "product": "al", "limit": Decimal(500), "net": Decimal(-475)},
    )
    leaves = [(one.field, one.op, one.value, one.threshold, one.margin) for one in verdict.leaves]
    assert leaves == [
        ("use", ">=", "0.95", "0.8", "0.15"),
        ("product", "==", "al", "cu", ""),
        ("limit", "has", "500", None, ""),
        ("net", ">", "-475", "0", "-475"),
    ]
    assert [one.truth for one in verdict.leaves] == [True, False, True, False]
    assert (verdict.rule, verdict.version, verdict.file, verdict.line) == ("PROBE", 3, "p0.yaml", 1)
    assert verdict.clears_when == "use < 0.7"
    assert verdict.leaves[0].text == "use >= 0.8"


def test_a_verdict_can_be_stored_as_json() -> None:
    (verdict,) = SHIPPED.evaluate("exposure", {"use": Decimal("1.5"), "net": Decimal(-3)})
    stored = orjson.loads(orjson.dumps(verdict.as_dict()))
    assert stored["outcome"] == "open_order"
    assert stored["leaves"][0]["margin"] == "0.3"
    assert stored["counterfactuals"][0]["level"] == "orange"
    assert stored["clause"]["document"]
    assert stored["evidence"]["recorded_net_t"] == "-3"


def test_a_leaf_inside_a_let_is_shown_as_written_there() -> None:
    book = book_of(
        "on: exposure\nlet: {big: net > limit, twice: net * 2}\nwhen: big and twice > 0\n"
        "level: red\nclears_when: not (net > limit)\n"
    )
    (verdict,) = book.evaluate("exposure", {"net": Decimal(6), "limit": Decimal(5)})
    assert [(one.field, one.text, one.margin) for one in verdict.leaves] == [
        ("net", "net > limit", "1"),
        ("twice", "twice > 0", "12"),
    ]


def test_evidence_is_ready_for_json() -> None:
    book = book_of(
        "on: event\nwhen: has(amount)\nlevel: red\nneeds_disposition: true\n"
        "evidence: {amount: amount, half: 'div(qty, 2, 1)', at: event_time, n: version, s: side}\n"
    )
    at = datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=8)))
    (verdict,) = book.evaluate(
        "event", {"amount": Decimal(1286400), "qty": Decimal(5), "event_time": at, "version": 41}
    )
    assert verdict.evidence == {
        "amount": "1286400.00",
        "half": "2.5",
        "at": "2026-03-02T01:00:00Z",
        "n": 41,
    }


def test_the_counter_factual_is_the_smallest_change_one_colour_down() -> None:
    book = book_of(
        "on: exposure\ntable:\n  hit_policy: first\n  rows:\n"
        "    - {if: abs(net) >= limit * 1.2, level: red}\n"
        "    - {if: abs(net) >= limit, level: orange}\n"
        "clears_when: abs(net) < limit\n"
    )
    (verdict,) = book.evaluate("exposure", {"net": Decimal(-700), "limit": Decimal(500)})
    (change,) = [one for one in verdict.counterfactuals if one.field == "net"]
    assert (change.value, change.change, change.level) == ("-599.999999", "100.000001", "orange")


@given(use=st.integers(0, 40_000))
@settings(max_examples=120, deadline=None)
def test_a_counter_factual_does_lower_the_colour_and_nothing_smaller_does(use: int) -> None:
    book = TIERS
    fact = {"use": Decimal(use) / 10_000}
    verdicts = book.evaluate("exposure", fact)
    if not verdicts:
        return
    (verdict,) = verdicts
    (change,) = verdict.counterfactuals
    after = Decimal(change.value)
    lower = [one.level for one in book.evaluate("exposure", {"use": after})] or [""]
    assert lower == [change.level]
    assert lower != [verdict.level]
    closer = after + Decimal("0.0001")
    assert [one.level for one in book.evaluate("exposure", {"use": closer})] == [verdict.level]


TIERS = book_of(
    "on: exposure\ntable:\n  hit_policy: first\n  rows:\n"
    "    - {if: use >= 1.2, level: red}\n    - {if: use >= 1, level: orange}\n"
    "    - {if: use >= 0.8, level: yellow}\n    - {if: use >= 0.6, level: blue}\n"
    "clears_when: use < 0.55\n"
)


# Hit policies and findings

ROWS = (
    "on: exposure\ntable:\n  hit_policy: {policy}\n  rows:\n"
    "    - {{if: use >= 1, code: A, level: red}}\n    - {{if: use >= 0.5, code: B, level: blue}}\n"
    "clears_when: use < 0.5\n"
)


def test_first_takes_the_first_row_collect_takes_all() -> None:
    fact = {"use": Decimal(2)}
    first = book_of(ROWS.format(policy="first")).evaluate("exposure", fact)
    assert [one.code for one in first] == ["A"]
    collect = book_of(ROWS.format(policy="collect")).evaluate("exposure", fact)
    assert [one.code for one in collect] == ["A", "B"]


def test_unique_refuses_to_choose_between_two_rows() -> None:
    book = book_of(ROWS.format(policy="unique"))
    (verdict,) = book.evaluate("exposure", {"use": Decimal(2)})
    assert (verdict.truth, verdict.reason) == (None, "TABLE_NOT_UNIQUE")
    (verdict,) = book.evaluate("exposure", {"use": Decimal("0.6")})
    assert verdict.code == "B"


@pytest.mark.parametrize(
    ("policy", "rows", "expected"),
    [
        ("first", ["use >= 1", "use >= 0.5"], []),
        ("first", ["use >= 0.5", "use >= 1"], ["ROW_UNREACHABLE"]),
        ("first", ["use >= 0.5", "use < 0.5", "use == 3"], ["ROW_UNREACHABLE"]),
        ("unique", ["use >= 1", "use >= 0.5"], ["TABLE_OVERLAP"]),
        ("unique", ["use >= 1", "use >= 0.5 and use < 1"], []),
        ("unique", ["use > 1", "use >= 0.5 and use < 1"], ["TABLE_GAP"]),
        ("first", ["use > 1 and use < 0.5", "use >= 2"], ["NEVER_FIRES"]),
        ("first", ["use >= 1", 'product == "cu"'], []),
    ],
)
def test_gaps_overlaps_and_rows_that_are_never_reached(
    policy: str, rows: list[str], expected: list[str]
) -> None:
    written = "".join(f"    - {{if: '{row}', level: red}}\n" for row in rows)
    body = (
        f"on: exposure\ntable:\n  hit_policy: {policy}\n  rows:\n{written}clears_when: use < 0.5\n"
    )
    found = warnings(body)
    assert [one.code for one in found] == expected
    assert all(one.severity == "warning" for one in found)


def test_a_gap_names_its_bounds() -> None:
    body = (
        "on: exposure\ntable:\n  hit_policy: unique\n  rows:\n"
        "    - {if: use > 1, level: red}\n    - {if: use < 0.5, level: blue}\n"
        "clears_when: use < 0.5\n"
    )
    (gap,) = warnings(body)
    assert (gap.code, gap.params) == ("TABLE_GAP", {"low": "0.5", "high": "1"})


# Never block what lowers risk


def test_a_rule_that_can_deny_a_risk_reducing_order_is_refused() -> None:
    for when in ("use_after > 1", "has(object)", 'reduces_risk or data_state == "late"'):
        text = HEAD + f"on: hedge_order\nwhen: {when}\noutcome: deny\nclears_when: use_after < 1\n"
        rule, problems = read_rule(text, "p.yaml", SCHEMA)
        assert rule is None
        assert "DENIES_RISK_REDUCTION" in {one.code for one in problems}


@pytest.mark.parametrize(
    "when",
    [
        "not reduces_risk and use_after > 1",
        'data_state != "current" and use_after > 1',
        'data_state in ["late", "not_assessable"]',
        'not (reduces_risk and data_state == "current")',
    ],
)
def test_a_rule_that_cannot_is_accepted(when: str) -> None:
    body = f"on: hedge_order\nwhen: {when}\noutcome: deny\nclears_when: use_after < 1\n"
    assert warnings(body) == []


@given(
    side=st.sampled_from(["buy", "sell"]),
    origin=st.sampled_from(["person", "robot"]),
    before=st.integers(-(10**6), 10**6),
    shrink=st.integers(0, 99),
    limit=st.integers(1, 10**5),
    confirmed=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_no_shipped_rule_denies_what_lowers_exposure_on_current_data(
    side: str, origin: str, before: int, shrink: int, limit: int, *, confirmed: bool
) -> None:
    after = Decimal(before) * shrink / 100
    fact = {
        "side": side,
        "origin": origin,
        "net_before": Decimal(before),
        "net_after": after,
        "limit": Decimal(limit),
        "use_before": (abs(Decimal(before)) / limit).quantize(Decimal("0.0001")),
        "use_after": (abs(after) / limit).quantize(Decimal("0.0001")),
        "data_state": "current",
        "reduces_risk": True,
        "confirmed": confirmed,
        "object": "O",
    }
    for verdict in SHIPPED.evaluate("hedge_order", fact):
        assert verdict.outcome is not Outcome.DENY
        assert verdict.decide is None or verdict.decide.outcome != "deny"


def _shipped() -> Rulebook:
    from rules import load_rulebook

    return load_rulebook(FOLDER)[0]


SHIPPED = _shipped()


def test_the_evaluator_lifts_such_a_denial_even_if_a_rule_were_to_pass_the_loader() -> None:
    import dataclasses

    from rules.model import Rule

    body = (
        "on: hedge_order\nwhen: not reduces_risk\noutcome: deny\n"
        "decide: {object: object, outcome: deny, reason: OVER_LIMIT}\nclears_when: use_after < 1\n"
    )
    rule = book_of(body).rules[0]
    assert isinstance(rule, Rule)
    forged = dataclasses.replace(rule, when=None)
    book = make_rulebook(SCHEMA, [RuleFile("f.yaml", "f", forged)])
    fact = {"reduces_risk": True, "data_state": "current", "object": "O"}
    (verdict,) = book.evaluate("hedge_order", fact)
    assert (verdict.outcome, verdict.reason, verdict.decide) == (
        Outcome.NONE,
        "RISK_REDUCING",
        None,
    )
    (verdict,) = book.evaluate("hedge_order", fact | {"data_state": "late"})
    assert verdict.outcome is Outcome.DENY


# Being in force, observing, closing


def test_a_rule_is_in_force_from_its_first_instant_until_before_its_end() -> None:
    book = book_of(
        "on: exposure\nwhen: use > 1\nlevel: red\nclears_when: use < 1\n"
        'effective: {from: 2026-01-01, to: "2026-02-01T00:00:00+08:00"}\n'
    )
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 31, 16, tzinfo=UTC)
    step = timedelta(microseconds=1)
    found = [
        len(book.evaluate("exposure", {"use": Decimal(2)}, at=at))
        for at in (start - step, start, end - step, end)
    ]
    assert found == [0, 1, 1, 0]


def test_an_observed_rule_records_and_does_not_act() -> None:
    book = book_of(
        "on: hedge_order\nwhen: not reduces_risk\noutcome: deny\nobserve: true\n"
        "decide: {object: object, outcome: deny, reason: X}\nclears_when: reduces_risk\n"
    )
    (verdict,) = book.evaluate("hedge_order", {"reduces_risk": False, "object": "O"})
    assert (verdict.observe, verdict.outcome, verdict.decide) == (True, Outcome.OBSERVE, None)


def test_closing_is_guarded_by_the_clearing_condition_or_by_the_match_itself() -> None:
    book = book_of(
        "on: exposure\nwhen: use >= 1\nlevel: red\nclears_when: use < 0.95\n",
        "on: event\nwhen: version > 3\nlevel: red\nneeds_disposition: true\n",
    )
    assert book.still_holds("PROBE", {"use": Decimal("0.96")}) is True
    assert book.still_holds("PROBE", {"use": Decimal("0.94")}) is False
    assert book.still_holds("PROBE", {}) is None
    assert book.still_holds("PROBE1", {"version": 4}) is True
    assert book.still_holds("PROBE1", {"version": 3}) is False
    with pytest.raises(UnknownRule):
        book.still_holds("NONE", {})


def test_an_unknown_kind_is_a_wrong_call() -> None:
    with pytest.raises(UnknownFactKind):
        TIERS.evaluate("exposures", {})


# Facts


@pytest.mark.parametrize(
    ("kind", "fact", "code"),
    [
        ("exposure", {"use": 0.5}, "VALUE_TYPE"),
        ("exposure", {"use": "0.5"}, "VALUE_TYPE"),
        ("exposure", {"use": True}, "VALUE_TYPE"),
        ("exposure", {"use": Decimal("NaN")}, "VALUE_TYPE"),
        ("exposure", {"use": Decimal("Infinity")}, "VALUE_TYPE"),
        ("exposure", {"use": Decimal("0.00001")}, "SCALE_EXCEEDED"),
        ("exposure", {"use": Decimal("1e999999")}, "VALUE_OVERFLOW"),
        ("exposure", {"use": Decimal(2**63)}, "VALUE_OVERFLOW"),
        ("exposure", {"data_state": "lost"}, "UNKNOWN_ENUM_VALUE"),
        ("exposure", {"product": 5}, "VALUE_TYPE"),
        ("exposure", {"nett": Decimal(1)}, "UNKNOWN_FIELD"),
        ("event", {"version": Decimal(1)}, "VALUE_TYPE"),
        ("event", {"amount": (Decimal(1), "USD")}, "CURRENCY_MISMATCH"),
        ("event", {"event_time": datetime(2026, 1, 1)}, "VALUE_TYPE"),  # noqa: DTZ001 - refused
        ("event", {"in_shift": 1}, "VALUE_TYPE"),
    ],
)
def test_a_value_that_does_not_fit_is_a_problem_and_counts_as_missing(
    kind: str, fact: dict[str, Any], code: str
) -> None:
    encoded, problems = SCHEMA.encode(kind, fact)
    assert encoded == {}
    assert [one.code for one in problems] == [code]
    assert problems[0].field == next(iter(fact))


def test_good_values_stand_beside_bad_ones() -> None:
    at = datetime(2026, 3, 2, 1, tzinfo=UTC)
    encoded, problems = SCHEMA.encode(
        "event",
        {
            "amount": (Decimal("1.50"), "CNY"),
            "qty": 3,
            "event_time": at,
            "level": "红",
            "order": None,
        },
    )
    assert encoded == {"amount": 15_000, "qty": 3_000_000, "event_time": 1_772_413_200_000_000}
    assert [one.field for one in problems] == ["level"]
    assert [one.code for one in SHIPPED.assess("event", {"level": "x"}).problems] == [
        "UNKNOWN_ENUM_VALUE"
    ]
