"""The rulebook that ships: loads without a warning, and says what the incidents need."""

from decimal import Decimal
from pathlib import Path

import pytest

from rules import Rulebook, load_rulebook, run_tests
from rules.binding import run_correlation_test
from rules.model import CorrelationRule, Mode, Outcome

FOLDER = Path(__file__).parents[3] / "rulebook"


@pytest.fixture(scope="module")
def book() -> Rulebook:
    book, problems = load_rulebook(FOLDER)
    assert problems == []
    return book


def test_every_in_file_test_of_a_stateless_rule_passes(book: Rulebook) -> None:
    report = run_tests(book)
    assert report.failures == ()
    assert report.passed > 50


def test_every_in_file_test_of_a_correlation_passes_on_the_event_time_reference(
    book: Rulebook,
) -> None:
    report = run_tests(book, run_correlation_test)
    assert report.failures == ()
    assert report.skipped == 0


def test_every_row_is_hit_by_a_test(book: Rulebook) -> None:
    report = run_tests(book)
    assert {
        one.rule: one.rows - one.rows_hit for one in report.coverage if one.rows != one.rows_hit
    } == {}


def test_every_rule_has_titles_clause_why_and_both_kinds_of_test(book: Rulebook) -> None:
    for file in book.files:
        heading = file.rule.heading
        assert heading.title.zh
        assert heading.title.en
        assert heading.policy.document
        assert heading.policy.clause
        assert heading.why.zh
        assert heading.why.en
        expects = [bool(test.expect.code or test.expect.count) for test in file.rule.tests]
        assert True in expects
        assert False in expects


@pytest.mark.parametrize(
    ("use", "codes"),
    [
        ("0.5999", []),
        ("0.6", [("EXPOSURE_BASE", "blue")]),
        ("0.7999", [("EXPOSURE_BASE", "blue")]),
        ("0.8", [("EXPOSURE_BASE", "yellow")]),
        ("0.9999", [("EXPOSURE_BASE", "yellow")]),
        ("1", [("EXPOSURE_EXCESS", "orange")]),
        ("1.1999", [("EXPOSURE_EXCESS", "orange")]),
        ("1.2", [("EXPOSURE_CRITICAL", "red")]),
        ("15", [("EXPOSURE_CRITICAL", "red")]),
    ],
)
def test_the_tiers_of_net_exposure(book: Rulebook, use: str, codes: list[tuple[str, str]]) -> None:
    found = book.evaluate(
        "exposure", {"net": Decimal(-1), "limit": Decimal(1), "use": Decimal(use)}
    )
    assert [(one.code, one.level) for one in found] == codes


def test_receipts_that_time_out_give_a_critical_exposure_with_its_figures(book: Rulebook) -> None:
    fact = {
        "org": "恒信贸易/华东业务部",
        "product": "cu",
        "net": Decimal(-7500),
        "unposted": Decimal(7500),
        "net_if_posted": Decimal(0),
        "limit": Decimal(500),
        "use": Decimal(15),
        "data_state": "not_assessable",
    }
    (verdict,) = book.evaluate("exposure", fact)
    assert verdict.code == "EXPOSURE_CRITICAL"
    assert verdict.evidence["recorded_net_t"] == "-7500"
    assert verdict.evidence["unposted_t"] == "7500"
    assert verdict.evidence["net_if_posted_t"] == "0"
    assert verdict.title.zh == "净敞口三级限额"
    assert verdict.explain.zh == "品种 cu 净敞口 -7500，限额 500，使用率 15"
    assert verdict.explain.en == "cu net -7500 of limit 500, use 15"
    assert book.still_holds("EXPOSURE_TIERS", fact) is True
    closed = {"use": Decimal(0), "data_state": "current"}
    assert book.still_holds("EXPOSURE_TIERS", closed) is False
    assert book.still_holds("EXPOSURE_TIERS", {"use": Decimal(0), "data_state": "late"}) is True
    assert book.still_holds("EXPOSURE_TIERS", {"use": Decimal(0)}) is None


def test_a_basis_jump_shows_jump_and_z(book: Rulebook) -> None:
    (verdict,) = book.evaluate(
        "basis",
        {"product": "cu", "jump": Decimal(600), "jump_sd": Decimal(10), "z": Decimal("10.1667")},
    )
    assert (verdict.code, verdict.level) == ("BASIS_JUMP", "yellow")
    assert verdict.evidence == {"jump": "600", "z": "10.17"}


def test_a_robots_order_is_held_while_data_is_missing_and_a_confirmed_one_passes(
    book: Rulebook,
) -> None:
    queued = {
        "origin": "robot",
        "data_state": "not_assessable",
        "confirmed": False,
        "reduces_risk": True,
        "object": "E-12",
    }
    (verdict,) = book.evaluate("hedge_order", queued)
    assert verdict.decide is not None
    assert (verdict.decide.object, verdict.decide.outcome) == ("E-12", "hold")
    assert verdict.decide.reason == "DATA_GATE"
    person = queued | {"origin": "person", "confirmed": True}
    assert book.evaluate("hedge_order", person) == []


def test_an_order_over_the_submit_limit_without_the_grant_is_denied(book: Rulebook) -> None:
    submit = {
        "type": "order.submit",
        "order": "SO-1",
        "has_grant": False,
        "qty": Decimal(3000),
        "submit_limit": Decimal(1000),
    }
    (verdict,) = book.evaluate("event", submit)
    assert verdict.outcome is Outcome.DENY
    assert verdict.decide is not None
    assert (verdict.decide.object, verdict.decide.reason) == ("SO-1", "PERMISSION")
    assert book.evaluate("event", submit | {"qty": Decimal(1000)}) == []
    assert book.evaluate("event", submit | {"has_grant": True}) == []


def test_mispostings_are_found_only_by_a_look_back(book: Rulebook) -> None:
    voucher = {
        "type": "voucher.post",
        "hedge_type": "cash_flow",
        "hedge_effective": True,
        "debit_class": "hedging_instrument",
        "credit_class": "investment_income",
        "voucher": "PZ-1",
    }
    assert book.evaluate("event", voucher) == []
    (verdict,) = book.evaluate("event", voucher, mode=Mode.BATCH)
    assert (verdict.code, verdict.level) == ("MISPOST_ACCOUNT", "orange")
    assert verdict.evidence["voucher"] == "PZ-1"


@pytest.mark.parametrize(
    ("level", "outcome"),
    [("red", "open_order"), ("orange", "inform"), ("yellow", "inform"), ("blue", "inform")],
)
def test_only_a_red_robot_alert_opens_an_order(book: Rulebook, level: str, outcome: str) -> None:
    fact = {"type": "alert.raised", "origin": "robot", "level": level, "alert": "A1"}
    (verdict,) = book.evaluate("event", fact)
    assert verdict.code == f"ROBOT_ALERT_{level.upper()}"
    assert verdict.outcome == outcome


def test_correlations_carry_levels_and_evidence_names_of_the_incidents(book: Rulebook) -> None:
    correlations = {one.id: one for one in book.correlations}
    levels = {name: one.level for name, one in correlations.items()}
    assert levels == {
        "INBOUND_TIMEOUT_CLUSTER": "yellow",
        "FUND_TRANSFER_FAILED": "orange",
        "DUP_VOUCHER": "orange",
        "EXPOSURE_SPIKE": "red",
        "ERP_ORDER_UNSYNCED": "",
        "ERP_UNSYNCED": "orange",
        "REPLICA_LAG": "orange",
        "STALE_READ_DECISION": "orange",
        "VERSION_CONFLICT": "orange",
    }
    names = {
        "INBOUND_TIMEOUT_CLUSTER": {"n", "window_s"},
        "DUP_VOUCHER": {"pair", "difference"},
        "EXPOSURE_SPIKE": {"path_t", "n", "window_min"},
        "ERP_UNSYNCED": {"n"},
        "REPLICA_LAG": {"lag_s", "max_lag_s"},
        "STALE_READ_DECISION": {"recomputed", "difference_lots"},
        "VERSION_CONFLICT": {"version"},
    }
    for rule_id, expected in names.items():
        assert expected <= set(correlations[rule_id].evidence)
    assert correlations["DUP_VOUCHER"].heading.mode is Mode.BATCH
    assert correlations["ERP_UNSYNCED"].source == "ERP_ORDER_UNSYNCED"
    conflict = correlations["VERSION_CONFLICT"].decide
    assert conflict is not None
    assert (conflict.outcome, conflict.reason) == ("deny", "VERSION_CONFLICT")


def test_no_rule_file_names_an_id_or_person_of_the_incidents(book: Rulebook) -> None:
    for file in book.files:
        assert "INC-" not in (FOLDER / file.name).read_text(encoding="utf-8")
        assert isinstance(file.rule, CorrelationRule) or file.rule.rows
