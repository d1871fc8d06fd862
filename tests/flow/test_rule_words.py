"""Rule sentences on pages name events, values and results in words; the codes stay behind them."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from flow_house import House, house

from rules.sentence import sentence
from service.i18n import load_words
from service.web.rooms.names import Names


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path / "data") as made:
        yield made


def test_no_rule_s_chinese_sentence_holds_an_event_type_or_a_value_in_code(home: House) -> None:
    rulebook = home.app.rulebook
    names = Names(load_words("zh"), home.app.directory, {})
    for rule in (*rulebook.rules, *rulebook.correlations):
        said = sentence(rule, rulebook.schema, "zh", names.code)
        assert re.findall("“([a-z_.]+)”", said) == [], rule.id


def test_the_order_page_says_the_rule_in_words_and_keeps_its_codes_behind_them(
    home: House,
) -> None:
    order = home.breach()
    chen = home.signed_in("chen")
    page = chen.get(f"/orders/{order.id}").text
    shown = re.search(r'class="rule-words"><span title="([^"]*)">(.*?)</span>', page, re.DOTALL)
    assert shown, page
    codes, words = unescape(shown[1]), unescape(shown[2])
    assert "(EXPOSURE_CRITICAL)" in codes
    assert "EXPOSURE_CRITICAL" not in words
    assert "open a work order" in words
