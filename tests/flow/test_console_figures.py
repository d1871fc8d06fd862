"""指标 in the console: each figure leads to its rows, the rows to their orders, both to Excel."""

import io
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import openpyxl
import pytest
from flow_house import EAST, WEST, House, house

from workorders.figures import Figure


@pytest.fixture(name="town", scope="module")
def _town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("figures")) as made:
        made.breach(EAST)
        made.breach(WEST)
        yield made


def page(town: House, person: str, url: str) -> str:
    answer = town.signed_in(person).get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return unescape(answer.text)


def test_every_figure_leads_to_its_rows(town: House) -> None:
    shown = page(town, "chen", "/figures")
    for figure in Figure:
        (url,) = set(re.findall(rf'href="(/figures/{figure.value}\?[^"]+)"', shown))
        page(town, "chen", url)


def test_the_rows_lead_to_the_orders_and_are_those_of_the_person(town: House) -> None:
    shown = page(town, "zhao", "/figures/closed_loop_rate")
    numbers = set(re.findall(r'href="/orders/(WO-[0-9-]+)"', shown))
    west = {one.id for one in town.orders() if one.org.startswith(WEST)}
    assert numbers == west != set()
    for number in numbers:
        page(town, "zhao", f"/orders/{number}")


def test_the_rows_go_on_page_by_page_under_the_same_period(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.web.rooms.figure_routes.PAGE", 1)
    url, seen = "/figures/arrival_rate", []
    while True:
        shown = page(town, "boss", url)
        seen += re.findall(r'data-main href="/orders/[^"]+">([^<]+)<', shown)
        following = [one for one in re.findall(r'href="([^"]+)"', shown) if "cursor=" in one]
        if not following:
            break
        url = following[-1]
        assert "from=" in url
    assert len(seen) == len(set(seen)) > 1


def cells(town: House, person: str, url: str) -> list[tuple[Any, ...]]:
    answer = town.signed_in(person).get(url)
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    return list(sheet.iter_rows(min_row=4, values_only=True))


def test_figures_and_rows_are_workbooks_too(town: House) -> None:
    figures = cells(town, "boss", "/figures.xlsx")
    assert len(figures) == 1 + len(Figure)
    rows = cells(town, "boss", "/figures/arrival_rate.xlsx")
    counts = rows[0].index("counts")
    assert sum(int(row[counts]) for row in rows[1:]) > 0


def test_bounds_that_name_no_period_are_said_and_the_page_stays(town: House) -> None:
    for asked in ("from=garbage", "from=2024-05-14&to=2024-05-13", "to=9999-12-31"):
        shown = page(town, "chen", f"/figures?{asked}")
        assert 'role="alert"' in shown, asked
        assert "the last 28 days" in shown
    assert 'role="alert"' not in page(town, "chen", "/figures?from=2024-05-01&to=2024-06-01")
    assert town.signed_in("chen").get("/figures/no_such_figure").status_code == 404


def test_the_trend_stands_in_a_table_for_those_who_do_not_see_the_picture(town: House) -> None:
    shown = page(town, "chen", "/figures?from=2024-05-01&to=2024-06-01")
    assert "data-chart=" in shown
    weeks = re.findall(r"<th[^>]*>(2024-\d\d-\d\d)</th>", shown)
    assert weeks == ["2024-04-29", "2024-05-06", "2024-05-13"]


@pytest.mark.parametrize(("language", "rule", "model"), [
    ("en", "Basis jump", "Unusual series"), ("zh", "基差跳变", "时序异常"),
])  # fmt: skip
def test_what_stays_silent_is_called_by_its_name_with_the_code_beside(
    town: House, language: str, rule: str, model: str
) -> None:
    client = town.signed_in("gui")
    client.cookies.set("hedgewarden_language", language)
    shown = unescape(client.get("/figures").text).partition('id="silent"')[2]
    code = '<span class="muted small mono">{}</span>'
    assert f'<a href="/rules?rule=BASIS_JUMP">{rule}</a> {code.format("BASIS_JUMP")}' in shown
    assert f"{model} {code.format('model:series')}" in shown


def test_a_breach_names_the_rule_and_not_its_code_alone(town: House) -> None:
    shown = page(town, "boss", "/figures").partition('id="breaches-by"')[2].partition("</table")[0]
    assert '<span class="muted small mono">EXPOSURE_TIERS</span>' in shown
    assert "净敞口三级限额" in shown or "Net exposure in three tiers" in shown
