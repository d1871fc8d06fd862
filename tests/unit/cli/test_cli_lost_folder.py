"""A folder without its database is said to be one; nothing in it passes as whole."""

import pytest

from tests.unit.cli.conftest import Terminal


@pytest.mark.parametrize("words", [("trail", "verify"), ("trail", "replay")])
def test_a_mistyped_folder_is_no_whole_trail(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert not (terminal.data / "hedgewarden.db").exists()
    answer = terminal(*words)
    assert answer.code == 2
    assert "hedgewarden init" in answer.err
    assert not (terminal.data / "hedgewarden.db").exists()


@pytest.mark.parametrize(
    "words",
    [("trail", "verify"), ("exposure",), ("orders", "list"), ("init",)],
    ids=" ".join,
)
def test_a_lost_database_is_not_made_anew(terminal: Terminal, words: tuple[str, ...]) -> None:
    assert terminal("init").code == 0
    for one in terminal.data.glob("hedgewarden.db*"):
        one.unlink()
    answer = terminal(*words)
    assert answer.code == 2, answer.out + answer.err
    assert "hedgewarden.db" in answer.err
    assert not (terminal.data / "hedgewarden.db").exists()
