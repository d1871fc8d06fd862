"""Every option that takes a time: what is none is a wrong call in our words, never a traceback."""

from pathlib import Path
from typing import Any

import pytest

WRONG = (
    "gestern",
    "2024-02-30T10:00:00Z",
    "2024-05-14T10:00:00+99:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "99999-01-01",
)
ENDS = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01", "9999-12-31")
OPTIONS = (
    ("exposure", "--as-of"),
    ("exposure", "--known-at"),
    ("import positions {file}", "--as-of"),
    ("events search x", "--since"),
    ("events search x", "--until"),
)


def called(house: Any, command: str, option: str, text: str) -> Any:
    file = Path(house.folder) / "p.csv"
    file.write_text("org,account,contract,lots\n")
    return house(*command.format(file=file).split(), option, text)


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_what_is_no_time_is_a_wrong_call(house: Any, command: str, option: str) -> None:
    for text in WRONG:
        answer = called(house, command, option, text)
        assert answer.code == 2, (text, answer.code, answer.err)
        assert "Traceback" not in answer.err
        assert option in answer.err, (text, answer.err)


@pytest.mark.parametrize(("command", "option"), OPTIONS)
def test_the_ends_of_the_calendar_are_answered(house: Any, command: str, option: str) -> None:
    for text in ENDS:
        answer = called(house, command, option, text)
        assert answer.code in {0, 1, 2}, (text, answer.code, answer.err)
        assert "Traceback" not in answer.err + answer.out, text
