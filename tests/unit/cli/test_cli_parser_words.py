"""The parser's own words: headings of the help and wrong usage, in the reader's language."""

import re
from typing import Any

import pytest

from service.cli.desk import ZONE
from service.cli.root import MODULES
from service.i18n import load_words
from service.i18n.catalogue import LANGUAGES
from service.i18n.wording import _CODED, Catalogues

ENGLISH = re.compile(r"Usage|Options|Arguments|Commands|Show this|default: |required|[Mm]issing")


@pytest.mark.parametrize("name", ["", *MODULES])
def test_a_chinese_help_has_no_english_of_the_parser(terminal: Any, name: str) -> None:
    answer = terminal(*([name] if name else []), "--help")
    assert answer.code == 0
    assert answer.out.startswith("用法：")
    assert "显示本帮助并退出。" in answer.out
    assert ENGLISH.search(answer.out) is None


def test_an_english_help_is_as_it_was(terminal: Any) -> None:
    answer = terminal("import", "--help", lang="en_US.UTF-8")
    said = " ".join(answer.out.split())
    for word in (
        "Usage: ",
        "Arguments: KIND",
        "Options: --mapping",
        "[required]",
        "[default: assess]",
    ):
        assert word in said, word
    assert "\nCommands:\n" in terminal("--help", lang="en_US.UTF-8").out


@pytest.mark.parametrize("args", [(), ("orders",)])
def test_a_group_without_a_command_shows_its_help_and_nothing_else(
    terminal: Any, args: tuple[str, ...]
) -> None:
    answer = terminal(*args)
    assert answer.code == 2
    assert (answer.out + answer.err).lstrip().startswith("用法：")


@pytest.mark.parametrize(
    ("args", "chinese", "english"),
    [
        (("import",), "缺少 KIND。", "KIND is missing."),
        (("import", "--nope", "x"), "没有选项 --nope。", "no option --nope."),
        (("orders", "list", "--lmit", "3"), "是否指 --limit？", "did you mean --limit?"),
        (("ordrs",), "没有命令 ordrs，是否指 orders？", "no command ordrs; did you mean orders?"),
        (("zzzzzz",), "没有命令 zzzzzz。", "no command zzzzzz."),
        (("quarantine", "list", "--limit", "x"), "--limit：应为整数。", "a whole number"),
        (("quarantine", "list", "--limit", "0"), "应不小于 1。", "at least 1."),
        (("quarantine", "list", "--limit", "99999"), "应不大于 10000。", "at most 10000."),
        (("quarantine", "dismiss", "1"), "缺少 --reason。", "--reason is missing."),
        (("import", "a", "b", "c"), "多余的参数：c。", "too many arguments: c."),
        (("orders", "list", "--limit"), "--limit 后面需要给出值。", "--limit needs a value."),
        (("import", "x", "--full=3"), "--full 不带值。", "nothing follows --full after =."),
    ],
)
def test_wrong_usage_is_told_in_the_readers_language(
    terminal: Any, args: tuple[str, ...], chinese: str, english: str
) -> None:
    told = terminal(*args)
    assert told.code == 2
    assert chinese in told.err
    other = terminal(*args, lang="en_US.UTF-8")
    assert other.code == 2
    assert english in other.err


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_coded_parameter_has_words_somewhere(language: str) -> None:
    """A pattern without an entry shows the raw code, as ``（buy）`` once did."""
    keys = load_words(language).entries
    ours = {"rule"}  # the titles of the rules come from the rulebook
    silent = [
        pattern
        for name, patterns in _CODED.items()
        for pattern in patterns
        if not any(key.startswith(pattern.format("")) for key in keys)
        and pattern.partition(".")[0] not in ours
    ]
    assert silent == []


def test_a_proposed_hedge_names_its_side_in_words() -> None:

    said = {"product": "cu", "lots": 3, "side": "buy", "net_after": "0", "unit": "t"}
    spoken = Catalogues(ZONE, {})
    assert "（买入）" in spoken.words("zh").text("remedy.hedge_lots", **said)
    assert "(buy)" in spoken.words("en").text("remedy.hedge_lots", **said)
