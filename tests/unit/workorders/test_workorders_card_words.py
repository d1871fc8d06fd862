"""An order's card in words: figures, products and units as on the pages."""

from zoneinfo import ZoneInfo

import pytest
from workorders_house import House, exposure

from integrations.wording import card_text
from service.i18n.wording import Catalogues
from workorders import Level, acknowledge
from workorders.card import card_from_json, grouped
from workorders.cards import order_card

UNITS = {"Group/East": {"zh": "华东业务部", "en": "East"}}
CATALOGUES = Catalogues(
    ZoneInfo("Asia/Shanghai"), {}, unit_of=lambda path, language: UNITS[path][language]
)
ZH = "−7,500 吨，限额 500 吨，使用率 1,500 %，超出 7,000 吨"
EN = "−7,500 t against a limit of 500 t: 1,500 % of it, 7,000 t over"


@pytest.mark.parametrize(
    ("language", "month", "title", "sentence"),
    [
        ("zh", "2406", "沪铜 cu2406 · 华东业务部", ZH),
        ("en", "spot", "Copper spot · East", EN),
        ("en", "*", "Copper · East", EN),
    ],
)  # fmt: skip
def test_a_card_names_and_groups_as_the_pages_do(
    house: House, language: str, month: str, title: str, sentence: str
):
    order_id = house.ingest(exposure(Level.RED, month=month)).order_id
    card = order_card(house.order(order_id), "chen", notice_id="n", reason="opened")
    told = card_text(card, CATALOGUES.words(language), "")
    assert f"· {title} ·" in told.title
    assert sentence in told.words


def test_a_card_says_which_clock_its_deadline_is_of(house: House):
    order_id = house.ingest(exposure(Level.RED)).order_id
    words = CATALOGUES.words("en")

    def deadline() -> str:
        card = order_card(house.order(order_id), "chen", notice_id="n", reason="opened")
        return card_text(card_from_json(card.as_json()), words, "").deadline

    assert deadline() == "Acknowledge by 05-14 10:05"
    house.do("chen", acknowledge, order_id)
    assert deadline() == "Resolve by 05-14 10:30"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-7500", "−7,500"), ("1234567.50", "1,234,567.50"), ("999", "999"), ("", ""),
        ("NaN", "NaN"), ("Infinity", "Infinity"), ("two", "two"),
    ],
)  # fmt: skip
def test_figures_are_grouped_and_words_stay(text: str, shown: str):
    assert grouped(text) == shown
