"""Findings that need no statistics."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from detectors_house import LOOKUPS, MONDAY, ORG, event, ordinary_days

from detectors.conformance import Chain, Conformance, Finding
from detectors.features import History, Lookups
from detectors.protocol import CellView
from directory import directory_from_mapping

STEPS = ("order.create", "order.approve", "order.submit")
DECLARED = Conformance((Chain.of_steps("order", STEPS),))
AT = MONDAY + timedelta(hours=2)


def codes(detector: Conformance, view: CellView) -> list[str]:
    return [code.value for code, _ in detector.findings(view)]


def document(*steps: tuple[str, str], number: str = "S1") -> list[CellView]:
    """One order's events, a minute apart, as (type, actor)."""
    history = History(LOOKUPS)
    return [
        history.view(
            event(f"{number}-{at}", AT + timedelta(minutes=at), type_, actor, order=number)
        )
        for at, (type_, actor) in enumerate(steps)
    ]


def test_a_document_in_order_breaks_nothing():
    views = document(("order.create", "u_a"), ("order.approve", "u_b"), ("order.submit", "u_a"))
    assert [codes(DECLARED, view) for view in views] == [[], [], []]
    assert [score.p_value for score in DECLARED.score(views)] == [1.0, 1.0, 1.0]


def test_a_skipped_approval_is_a_hard_finding_that_names_the_step():
    *_, last = document(("order.create", "u_a"), ("order.submit", "u_a"))
    score = DECLARED.score([last])[0]
    assert score.hard
    assert score.cause == Finding.CHAIN_SKIPPED
    assert DECLARED.explain(last).params["missing"] == "order.approve"


def test_an_approval_after_the_act_is_out_of_order():
    *_, last = document(("order.create", "u_a"), ("order.submit", "u_a"), ("order.approve", "u_b"))
    assert codes(DECLARED, last) == ["CHAIN_ORDER"]
    assert DECLARED.explain(last).params["before"] == "order.submit"


def test_documents_do_not_answer_for_each_other():
    history = History(LOOKUPS)
    history.view(event(1, AT, "order.approve", "u_b", order="S1"))
    history.view(event(2, AT, "order.create", "u_a", order="S2"))
    view = history.view(event(3, AT, "order.submit", "u_a", order="S2"))
    assert codes(DECLARED, view) == ["CHAIN_SKIPPED"]


@pytest.mark.parametrize(
    ("who", "found"), [("u_a", ["SAME_PERSON"]), ("u_b", []), ("system:night", [])]
)
def test_who_enters_does_not_approve(who: str, found: list[str]):
    *_, last = document(
        ("order.create", "u_a" if who != "system:night" else who), ("order.approve", who)
    )
    assert codes(DECLARED, last) == found


def test_chains_are_learned_from_documents_in_order():
    views = History(LOOKUPS).views(ordinary_days(9))
    learned = Conformance().fit(views, seed=1)
    assert not any(learned.findings(view) for view in views)
    *_, skipped = document(("order.create", "u_a"), ("order.submit", "u_a"))
    assert learned.score([skipped])[0].hard
    assert int(learned.explain(skipped).params["support"]) >= 300


def test_what_few_documents_agree_on_is_no_hard_finding():
    learned = Conformance().fit(History(LOOKUPS).views(ordinary_days(3)), seed=1)
    *_, skipped = document(("order.create", "u_a"), ("order.submit", "u_a"))
    assert learned.score([skipped])[0].p_value == pytest.approx(1 / 109)


def test_a_learned_need_with_exceptions_is_no_hard_finding():
    history = History(LOOKUPS)
    events = []
    for number in range(200):
        at = AT + timedelta(minutes=number)
        events.append(event(f"c{number}", at, "order.create", "u_a", order=f"S{number}"))
        if number != 7:
            events.append(event(f"a{number}", at, "order.approve", "u_b", order=f"S{number}"))
        events.append(event(f"s{number}", at, "order.submit", "u_a", order=f"S{number}"))
    learned = Conformance().fit(history.views(events), seed=1)
    *_, skipped = document(("order.create", "u_a"), ("order.submit", "u_a"), number="T1")
    score = learned.score([skipped])[0]
    assert score.cause == "CHAIN_SKIPPED"
    assert score.p_value == pytest.approx(2 / 201)


def test_a_cleared_exception_gives_a_learned_need_up_and_a_declared_one_not():
    views = History(LOOKUPS).views(ordinary_days(3))
    learned = Conformance().fit(views, seed=1)
    *_, skipped = document(("order.create", "u_a"), ("order.submit", "u_a"))
    assert codes(learned.update([skipped]), skipped) == []
    assert codes(DECLARED.update([skipped]), skipped) == ["CHAIN_SKIPPED"]


def test_too_few_documents_teach_nothing():
    views = History(LOOKUPS).views(ordinary_days(1)[:20])
    assert Conformance().fit(views, seed=1).learned == ()


def voucher(number: int, months: int = 0, **fields) -> CellView | object:  # noqa: ANN003
    given = {"order": "SO-1", "amount": Decimal("1286400.00"), "voucher": f"PZ-{number}"}
    at = AT + timedelta(days=30 * months)
    return event(f"v{number}", at, "voucher.post", "u_fin0", **(given | fields))


def test_a_booking_repeated_months_later_is_a_duplicate():
    history = History(LOOKUPS)
    first = history.view(voucher(1, attributes={"debit": "1122", "credit": "6001"}))
    history.views(ordinary_days(5))
    again = history.view(
        voucher(
            2, months=9, amount=Decimal(1286400), attributes={"debit": "1122", "credit": "6001"}
        )
    )
    assert again.duplicate_of == first.uid
    assert codes(DECLARED, again) == ["DUPLICATE"]
    assert DECLARED.explain(again).params["earlier"] == first.uid


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": Decimal("1286400.01")},
        {"order": "SO-2"},
        {"org": "恒信贸易"},
        {"attributes": {"debit": "6001", "credit": "1122"}},
    ],
    ids=["another amount", "another order", "another unit", "a reversal"],
)
def test_what_differs_is_no_duplicate(fields: dict):
    history = History(LOOKUPS)
    history.view(voucher(1, attributes={"debit": "1122", "credit": "6001"}))
    changed = {"attributes": {"debit": "1122", "credit": "6001"}} | fields
    assert history.view(voucher(2, **changed)).duplicate_of == ""


def test_a_transfer_asked_for_again_is_no_duplicate_and_neither_is_a_rent():
    history = History(LOOKUPS)
    for number in range(2):
        again = event(number, AT, "fund.transfer.request", "u_a", order="19532", amount=Decimal(5))
        rent = event(f"r{number}", AT, "payment.post", "u_a", amount=Decimal(5))
        assert history.view(again).duplicate_of == ""
        assert history.view(rent).duplicate_of == ""


def test_scope_shift_and_session_come_from_the_directory():
    given = {
        "organisations": [{"path": ORG}],
        "people": [
            {"id": "tmp", "roles": ["temporary"], "unit": ORG, "shift": "22:00-06:00"},
            {"id": "u_t", "roles": ["trader"], "unit": ORG},
        ],
    }
    directory, problems = directory_from_mapping(given)
    assert problems == []
    history = History(Lookups.from_directory(lambda: directory))
    noon = MONDAY + timedelta(days=14, hours=2, minutes=40)  # Monday 10:40 in Shanghai
    late = noon + timedelta(hours=15)

    def found(number: int, at, actor: str, type_: str = "order.create") -> list[str]:  # noqa: ANN001
        return codes(DECLARED, history.view(event(number, at, type_, actor, order=f"S{number}")))

    assert found(1, noon, "u_t") == []
    assert found(2, noon + timedelta(hours=8), "u_t") == ["AFTER_HOURS"]
    assert found(3, noon, "tmp") == ["OUT_OF_SCOPE", "AFTER_HOURS"]
    assert "OUT_OF_SCOPE" in found(4, late, "tmp")
    assert found(5, late, "tmp", "login") == []
    assert found(6, late, "nobody known") == ["AFTER_HOURS"]


def test_machines_trade_at_night():
    view = CellView("x", AT, actor="robot", type="order.create", in_session=False)
    assert codes(DECLARED, view) == []
    assert codes(DECLARED, replace(view, actor="u_a")) == ["AFTER_HOURS"]
