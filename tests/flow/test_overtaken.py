"""An act that another transaction overtakes is done again, on the console and behind a link."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from flow_house import House, house, slack_user
from structlog.testing import capture_logs

from service import composition
from service.retrying import TRIES
from store import Store
from workorders import ConcurrentChange


class Overtaking:
    """Lets the next transactions be overtaken, before their first statement."""

    def __init__(self) -> None:
        self.left = 0

    def __call__(self, place: str) -> None:
        if self.left and place != "committed":
            self.left -= 1
            raise ConcurrentChange(place)


@pytest.fixture(name="overtaking")
def _overtaking(monkeypatch: pytest.MonkeyPatch) -> Overtaking:
    overtaking = Overtaking()
    monkeypatch.setattr(composition, "Store", partial(Store, failpoint=overtaking))
    return overtaking


@pytest.fixture(name="town")
def _town(overtaking: Overtaking, tmp_path: Path) -> Iterator[House]:
    del overtaking  # the house's store has it
    with capture_logs(), house(tmp_path / "data") as made:
        yield made


def test_the_click_behind_a_link_is_done_again(town: House, overtaking: Overtaking) -> None:
    order = town.breach()
    message = town.card("chen", "acknowledge")
    assert town.send(town.slack.press(message, "acknowledge", slack_user("shen") + "9")).is_success
    (said,) = town.whispers(slack_user("shen") + "9")
    officer, path = town.signed_in("new"), said.rpartition("http://testserver")[2]
    overtaking.left = TRIES
    assert officer.post(path).status_code == 409
    assert overtaking.left == 0, "it does not try for ever"
    overtaking.left = TRIES - 1
    assert officer.post(path).status_code == 200
    assert town.order(order.id).acknowledged_by == "new"


def test_an_act_on_the_page_is_done_again(town: House, overtaking: Overtaking) -> None:
    order = town.breach()
    chen = town.signed_in("chen")
    overtaking.left = TRIES - 1
    assert chen.post(f"/orders/{order.id}/acknowledge").status_code == 303
    assert town.order(order.id).acknowledged_by == "chen"
