"""A rule reads as a sentence in both languages, made from what is evaluated."""

from pathlib import Path

import pytest

from book.limits import HYSTERESIS
from rules import Rulebook, load_rulebook
from rules.model import Rule
from rules.sentence import clearing_words, row_sentence, sentence

FOLDER = Path(__file__).parents[3] / "rulebook"


@pytest.fixture(scope="module")
def book() -> Rulebook:
    return load_rulebook(FOLDER)[0]


def test_a_tier_table_reads_row_by_row(book: Rulebook) -> None:
    rule = book.find("EXPOSURE_TIERS")
    assert sentence(rule, book.schema, "en").startswith(
        "For each exposure, the first of these applies: "
        "if limit use is at least 120 %, red (EXPOSURE_CRITICAL): open a work order; "
    )
    assert sentence(rule, book.schema, "zh").startswith(
        "对每条敞口（取第一条符合的）："
        "若限额使用率不低于120 %，判为红色（EXPOSURE_CRITICAL），开立工单；"
    )


def test_the_row_that_decided_reads_alone(book: Rulebook) -> None:
    rule = book.find("EXPOSURE_TIERS")
    assert isinstance(rule, Rule)
    assert row_sentence(rule, 5, book.schema, "en") == (
        "For each exposure, if limit use is at least 80 %, yellow (EXPOSURE_BASE): inform."
    )
    assert row_sentence(rule, 1, book.schema, "zh") == (
        "对每条敞口：若限额使用率不低于120 %，判为红色（EXPOSURE_CRITICAL），开立工单。"
    )
    for number in range(1, len(rule.rows) + 1):
        alone = row_sentence(rule, number, book.schema, "zh").partition("：")[2]
        assert alone.rstrip("。") in sentence(rule, book.schema, "zh")


def test_a_colour_that_is_kept_says_how_far_the_figure_has_to_fall(book: Rulebook) -> None:
    rule = book.find("EXPOSURE_TIERS")
    assert isinstance(rule, Rule)
    points = f"{HYSTERESIS * 100:f}".rstrip("0").rstrip(".")
    assert row_sentence(rule, 2, book.schema, "en") == (
        f"For each exposure, if colour kept (at most {points} points below its threshold) "
        'is "red", red (EXPOSURE_CRITICAL): open a work order.'
    )
    assert row_sentence(rule, 2, book.schema, "zh") == (
        f"对每条敞口：若沿用的颜色（比起点低不超过 {points} 个百分点）等于“red”，"
        "判为红色（EXPOSURE_CRITICAL），开立工单。"
    )


def test_the_end_says_where_it_clears(book: Rulebook) -> None:
    rule = book.find("EXPOSURE_TIERS")
    assert sentence(rule, book.schema, "en").endswith(
        'inform. It clears once limit use is less than 95 % and data state is "current".'
    )
    assert sentence(rule, book.schema, "zh").endswith(
        "通知。须限额使用率小于95 %且数据状态等于“current”才解除。"
    )
    for file in book.files:
        for language, words in (("en", "It clears once"), ("zh", "才解除。")):
            cleared = clearing_words(file.rule, book.schema, language)
            assert (words in cleared) == (file.rule.clears_when is not None)
            assert sentence(file.rule, book.schema, language).endswith(cleared)


def test_what_is_asked_for_by_itself_is_still_said_to_be_given(book: Rulebook) -> None:
    text = sentence(book.find("EXPOSURE_SPIKE"), book.schema, "en")
    assert "and side is given" in text


def test_negation_is_said_at_the_leaf(book: Rulebook) -> None:
    rule = book.find("TEMP_ACCOUNT_AFTER_HOURS")
    assert "(inside the trading session is false or inside the shift is false)" in sentence(
        rule, book.schema, "en"
    )
    assert "（在交易时段内为否或在班次内为否）" in sentence(rule, book.schema, "zh")


def test_a_correlation_names_what_must_be_equal_and_the_window(book: Rulebook) -> None:
    rule = book.find("EXPOSURE_SPIKE")
    assert sentence(rule, book.schema, "en") == (
        "For the same organisation, actor, product, side, within 15 min: at least 4 times placed "
        '(event type is "order.create" and side is given); '
        "then red (EXPOSURE_SPIKE): open a work order."
    )


def test_an_absence_is_said(book: Rulebook) -> None:
    text = sentence(book.find("ERP_ORDER_UNSYNCED"), book.schema, "zh")
    assert "其后没有 sync（事件类型等于“erp.sync”）" in text


def test_every_shipped_rule_has_both_sentences(book: Rulebook) -> None:
    for file in book.files:
        for language in ("zh", "en"):
            text = sentence(file.rule, book.schema, language)
            assert file.rule.id in text or any(row.code in text for row in file.rule.rows)
