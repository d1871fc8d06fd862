"""A folder without its database is said to be one; nothing in it passes as whole."""

import pytest

from service.cli.examples import EXAMPLES, typed
from tests.unit.cli.conftest import Terminal

#: With these people begin: they make the folder.
BEGIN = {"init", "directory import", "import", "events import", "user create"}
#: These need no folder, or are walked by the tests of what they start.
ELSEWHERE = {"rules check", "rules test", "serve", "demo", "doctor"}


@pytest.mark.parametrize("path", sorted(set(EXAMPLES) - BEGIN - ELSEWHERE))
def test_a_mistyped_folder_is_none_and_stays_none(terminal: Terminal, path: str) -> None:
    """A reading command once made it, and answered that there was nothing wrong in it."""
    answer = terminal(*typed(EXAMPLES[path][0]))
    assert answer.code == 2, answer.out + answer.err
    assert not terminal.data.exists()


@pytest.mark.parametrize("words", [("trail", "verify"), ("exposure",), ("orders", "list")])
def test_it_is_said_what_makes_one(terminal: Terminal, words: tuple[str, ...]) -> None:
    answer = terminal(*words)
    assert "hedgewarden init" in answer.err
    assert str(terminal.data) in answer.err


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
