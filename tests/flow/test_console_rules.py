"""The rules page: what is in force, in the reader's language, and the check of a text."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from flow_house import WEST, House, house

from service.i18n import load_words

GOOD = """\
rule: TRIAL
version: 1
owner: risk-control
title: {zh: 试验, en: Trial}
policy: {document: 制度, clause: 第一章}
why: {zh: 试验。, en: A trial.}
on: exposure
when: use >= 0.5
level: yellow
needs_disposition: true
outcome: inform
explain: {zh: 试验, en: Trial}
tests:
  - {name: half, fact: {use: 0.5}, expect: TRIAL}
  - {name: below, fact: {use: 0.4}, expect: none}
"""


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("rules")) as made:
        made.breach()
        yield made


def read(home: House, path: str, person: str = "gui", language: str = "en") -> str:
    client = home.signed_in(person)
    client.cookies.set("hedgewarden_language", language)
    answer = client.get(path)
    assert answer.status_code == 200
    return unescape(answer.text)


def checked(home: House, source: str, language: str = "en") -> str:
    client = home.signed_in("gui")
    client.cookies.set("hedgewarden_language", language)
    answer = client.post("/rules/check?rule=EXPOSURE_TIERS", data={"source": source})
    assert answer.status_code == 200
    return unescape(answer.text)


def hits(page: str) -> str:
    found = re.search(r"Hits.{0,80}?(\d+)\s*<", page, re.DOTALL)
    assert found
    return found[1]


def test_every_rule_in_force_stands_under_its_document(home: House) -> None:
    page = read(home, "/rules")
    for file in home.app.rulebook.files:
        assert f"/rules?rule={file.rule.id}" in page
        assert f"<h3>{file.rule.heading.policy.document}</h3>" in page


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "is at least 120 %"), ("zh", "不低于120 %，判为红色")]
)
def test_a_rule_reads_as_a_sentence_in_both_languages(
    home: House, language: str, sentence: str
) -> None:
    page = read(home, "/rules?rule=EXPOSURE_TIERS", language=language)
    assert sentence in page


def test_the_source_is_the_file_and_its_tests_pass(home: House) -> None:
    page = read(home, "/rules?rule=EXPOSURE_TIERS")
    file = home.app.rulebook_folder / "exposure" / "exposure-tiers.yaml"
    assert file.read_text(encoding="utf-8").strip() in page
    assert "✓ passed" in page.lower()
    assert "✕" not in page


def test_the_grid_shows_the_tiers_with_their_colours(home: House) -> None:
    page = read(home, "/rules?rule=EXPOSURE_TIERS&tab=grid")
    rows = re.findall(
        r"<tr><td>(limit use is at least \d+ %)<br><span[^>]*>(use &gt;= [\d.]+)<.*?level-(\w+)",
        page.replace("use >= ", "use &gt;= "),
        re.DOTALL,
    )
    assert rows == [
        ("limit use is at least 120 %", "use &gt;= 1.2", "red"),
        ("limit use is at least 100 %", "use &gt;= 1.0", "orange"),
        ("limit use is at least 80 %", "use &gt;= 0.8", "yellow"),
        ("limit use is at least 60 %", "use &gt;= 0.6", "blue"),
    ]
    # what stands before the whole table is a part of each row
    alone = read(home, "/rules?rule=MISPOST_ACCOUNT&tab=grid")
    assert 'event type is "voucher posted"' in alone.lower()


def test_hits_are_counted_within_what_the_reader_sees(home: House) -> None:
    assert int(hits(read(home, "/rules?rule=EXPOSURE_TIERS"))) > 0
    assert home.app.directory.sees("zhao", WEST, home.clock()).allowed
    assert hits(read(home, "/rules?rule=EXPOSURE_TIERS", "zhao")) == "0"


@pytest.mark.parametrize(("language", "place"), [("en", "line 8"), ("zh", "第 8 行")])
def test_a_fault_in_a_text_is_named_with_its_place(home: House, language: str, place: str) -> None:
    page = checked(home, GOOD.replace("use >=", "uses >="), language)
    listed = re.search(r'<ul class="problem-list">(.*?)</ul>', page, re.DOTALL)
    assert listed
    assert place in listed[1].lower()
    assert "uses" in listed[1]
    assert {"en": 'use"', "zh": "use”"}[language] in unescape(listed[1])


@pytest.mark.parametrize(("language", "said"), [("en", "Not run"), ("zh", "未运行")])
def test_a_text_that_is_no_rule_has_no_tests_that_passed(
    home: House, language: str, said: str
) -> None:
    passed = {"en": "✓ passed", "zh": "✓ 通过"}[language]
    assert passed in checked(home, GOOD, language).replace("✓ Passed", "✓ passed")
    page = checked(home, GOOD.replace("rule:", "rule: ["), language)
    assert said in page
    assert passed not in page.replace("✓ Passed", "✓ passed")


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", ('"owners" is not known here', '"owner"')), ("zh", ("“owners”", "是否想写“owner”"))],
)
def test_an_unknown_key_is_told_with_the_nearest(
    home: House, language: str, said: tuple[str, str]
) -> None:
    page = checked(home, GOOD.replace("owner:", "owners:"), language)
    listed = re.search(r'<ul class="problem-list">(.*?)</ul>', page, re.DOTALL)
    assert listed
    for one in said:
        assert one in listed[1]


def test_a_fault_of_yaml_is_told_in_the_readers_language(home: House) -> None:
    page = checked(home, "rule: A\ntitle: b: c\n", "zh")
    listed = re.search(r'<ul class="problem-list">(.*?)</ul>', page, re.DOTALL)
    assert listed
    assert "第 2 行" in listed[1]
    assert "冒号" in listed[1]
    assert "mapping" not in listed[1]


def test_a_good_text_is_told_to_be_good_and_is_not_put_into_force(home: House) -> None:
    before = home.app.rulebook.hash
    page = checked(home, GOOD)
    assert "No faults" in page
    assert "✓" in page
    assert home.app.rulebook.hash == before
    assert "TRIAL" not in read(home, "/rules")


def test_a_failing_test_of_a_text_says_what_was_expected(home: House) -> None:
    page = checked(home, GOOD.replace("{use: 0.5}", "{use: 0.45}"))
    assert "✕" in page


def test_no_rule_of_that_name_is_no_page(home: House) -> None:
    assert home.signed_in("gui").get("/rules?rule=NONE_SUCH").status_code == 404
    assert home.client().get("/rules").status_code == 303


@pytest.mark.parametrize(("language", "said"), [("en", "1 failed"), ("zh", "有 1 项未通过")])
def test_a_text_whose_test_fails_is_not_called_faultless(
    home: House, language: str, said: str
) -> None:
    page = checked(home, GOOD.replace("fact: {use: 0.4}", "fact: {use: 0.9}"), language)
    result = page.partition('<div id="checked">')[2].partition("</div>\n    </div>")[0]
    assert said in result
    assert "✓" not in result
    whole = checked(home, GOOD, language).partition('<div id="checked">')[2]
    assert "✓" in whole.partition("</section>")[0]


def test_who_answers_for_a_rule_has_words_in_both_languages(home: House) -> None:
    owners = {file.rule.heading.owner for file in home.app.rulebook.files}
    assert owners
    for language in ("en", "zh"):
        words = load_words(language)
        assert {one for one in owners if f"ui.rule_owner.{one}" not in words} == set()
    assert "风控" in read(home, "/rules?rule=EXPOSURE_TIERS", language="zh").partition("归口")[2]


def test_what_the_policy_says_in_chinese_is_marked_as_chinese_on_an_english_page(
    home: House,
) -> None:
    page = read(home, "/rules?rule=EXPOSURE_TIERS")
    heading = home.app.rulebook.find("EXPOSURE_TIERS").heading
    clause = f"{heading.policy.document} {heading.policy.clause}"
    assert f'<span lang="zh">{clause}</span> <span class="muted nowrap">(Chinese only)' in page
    assert f'<div lang="zh"><h3>{heading.policy.document}</h3></div>' in page
    inside = read(home, "/rules?rule=EXPOSURE_TIERS", language="zh")
    assert f"<div><h3>{heading.policy.document}</h3></div>" in inside
    assert 'lang="zh">' + clause not in inside
