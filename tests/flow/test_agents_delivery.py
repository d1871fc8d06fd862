"""Cards on their way to people: outages, refusals, downtime, and what becomes of every card."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from agents.escalator import Escalated, Escalator
from agents.sentinel import Sentinel
from service.channels import channels_of
from service.demo.mail_server import MailServer
from service.demo.slack_server import Fault, SlackServer
from service.i18n.titles import rule_titles
from service.i18n.wording import Catalogues
from service.settings import Settings
from store import outbox, timers
from tests.unit.agents.agents_house import (
    START,
    House,
    a_house,
    alert,
    context_of,
    rulebook,
    surroundings,
    template,
)
from trail import open_keys
from workorders import Policy, acknowledge, dismiss_alert
from workorders.channel import Channel
from workorders.levels import Level
from workorders.policy import LevelPolicy

BOTH = ("slack", "email")


def only(channel: str, **more: Any) -> Policy:
    """Red goes out on one channel at first; the others stand behind it."""
    red = LevelPolicy(**{"step_minutes": 5, "channels": (channel,), **more})
    return replace(Policy(), levels={**Policy().levels, Level.RED: red})


@dataclass
class Office:
    """A house with a chat and a mail server."""

    house: House
    slack: SlackServer
    mail: MailServer
    channels: dict[str, Channel]
    escalator: Escalator
    addresses: dict[tuple[str, str], str] = field(default_factory=dict)

    def work(self, after: float | None = None) -> Escalated:
        if after is not None:
            self.house.at(after)
        return self.escalator.run_once(self.house.now)

    def red(self, number: str = "A1", after: float = 0) -> str:
        """A red order of one alert; gives its id."""
        self.house.arrive(alert(number, "red", after))
        return self.house.orders()[0].id

    def posts(self) -> list[dict[str, Any]]:
        return [body for method, body in self.slack.calls if method == "chat.postMessage"]

    def notices(self, action: str) -> list[tuple[str, str, str]]:
        """(person, channel, reason) of each record about a notice."""
        return [
            (one.body["person"], one.body["channel"], one.reason)
            for one in self.house.records(kind="notification", action=action)
        ]

    def messages(self, state: str) -> list[Any]:
        with self.house.store.reader() as connection:
            found = outbox.find(connection, self.house.orders()[0].id)
        return [one for one in found if one.state == state]

    def act(self, person: str, command: Callable[..., Any], *given: Any, **named: Any) -> Any:
        context = context_of(surroundings(), self.house.policy, tuple(self.channels))
        with self.house.store.unit_of_work(person) as uow:
            return command(uow, context, *given, **named)


@contextmanager
def opened(made: Path, folder: Path, policy: Policy) -> Iterator[Office]:
    secret = "a secret of this test"
    with a_house(made, folder, policy=policy, channels=BOTH) as house:
        house.at(0)
        with (
            SlackServer(secret, lambda: int(house.now.timestamp())) as slack,
            MailServer() as mail,
        ):
            settings = Settings(
                data=folder,
                public_url="http://127.0.0.1",
                slack_url=slack.url,
                slack_token=SecretStr("token"),
                slack_signing_secrets=[SecretStr(secret)],
                smtp_host="127.0.0.1",
                smtp_port=mail.port,
            )
            wording = Catalogues(ZoneInfo("Asia/Shanghai"), rule_titles(rulebook()))
            channels = channels_of(
                settings,
                open_keys(folder / "keys"),
                wording,
                lambda _: "en",
                lambda: house.now,
                store=house.store,
            )
            addresses: dict[tuple[str, str], str] = {}
            escalator = Escalator(
                house.store,
                channels=channels,
                address=lambda who, channel: addresses.get((who, channel), _address(who, channel)),
                context=lambda: context_of(surroundings(), policy, BOTH),
                holder="test",
            )
            yield Office(house, slack, mail, channels, escalator, addresses)


def _address(who: str, channel: str) -> str:
    return f"U{who}" if channel == "slack" else f"{who}@here.invalid"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("delivery"))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture
def office(made: Path, tmp_path: Path) -> Iterator[Office]:
    with opened(made, tmp_path, Policy()) as found:
        yield found


@pytest.fixture
def chat_first(made: Path, tmp_path: Path) -> Iterator[Office]:
    with opened(made, tmp_path, only("slack")) as found:
        yield found


@pytest.fixture
def mail_first(made: Path, tmp_path: Path) -> Iterator[Office]:
    with opened(made, tmp_path, only("email")) as found:
        yield found


# --- sent ---------------------------------------------------------------------------------------


def test_both_officers_get_a_card_on_both_channels_and_every_one_is_on_record(office: Office):
    office.red()
    assert office.work().delivered.sent == 4
    assert {one["channel"] for one in office.posts()} == {"DUchen", "DUwang"}
    assert {one.recipients[0] for one in office.mail.mails} == {
        "chen@here.invalid",
        "wang@here.invalid",
    }
    sent = {(who, channel) for who, channel, _ in office.notices("notice.sent")}
    assert sent == {(who, channel) for who in ("chen", "wang") for channel in BOTH}
    assert office.work().delivered.sent == 0
    assert len(office.posts()) == 2


def test_asked_to_come_back_later_it_does_so_and_not_before(chat_first: Office):
    chat_first.red()
    chat_first.work()  # opens the two conversations as well
    posts = len(chat_first.posts())
    chat_first.red("A2", 10)
    chat_first.slack.fail(Fault(429, retry_after=90), Fault(429, retry_after=90))
    assert chat_first.work(10).delivered.retried == 2
    assert len(chat_first.posts()) == posts
    for after in (11, 60, 99):
        assert chat_first.work(after).delivered.sent == 0
    assert chat_first.work(100).delivered.sent == 2
    assert [reason for _, _, reason in chat_first.notices("notice.retry")] == ["rate limited"] * 2
    assert len(chat_first.notices("notice.sent")) == 4


def test_an_outage_is_met_with_growing_pauses_and_ends_in_a_delivery(chat_first: Office):
    chat_first.red()
    chat_first.house.at(0)
    waits = []
    chat_first.slack.faults.extend([Fault(500)] * 8)
    while not chat_first.messages("delivered"):
        chat_first.work()
        with chat_first.house.store.reader() as connection:
            due = outbox.next_due(connection)
        if due is None:
            break
        waits.append((due - chat_first.house.now).total_seconds())
        chat_first.house.clock[0] = due
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]
    assert len(chat_first.notices("notice.sent")) == 2
    assert chat_first.house.now < START + timedelta(minutes=5)


def test_a_lost_answer_brings_the_same_card_twice_under_the_same_id(chat_first: Office):
    chat_first.red()
    chat_first.work()
    chat_first.red("A2", 10)
    before = len(chat_first.slack.messages)
    chat_first.slack.fail(Fault(lost=True))
    assert chat_first.work(10).delivered.retried == 1
    chat_first.work(100)
    seen = [one.body["metadata"]["event_payload"]["notice_id"] for one in chat_first.slack.messages]
    new = seen[before:]
    assert len(new) == 3
    assert len(set(new)) == 2
    assert len(chat_first.notices("notice.sent")) == 4  # each notice was sent once, on record


def test_a_card_that_was_claimed_by_a_process_that_died_goes_out_again(chat_first: Office):
    number = chat_first.red()
    with chat_first.house.store.unit_of_work("system:escalator") as uow:
        claimed = outbox.claim(uow, limit=50, lease_s=60, holder="the one that died")
    assert len(claimed) == 2
    assert chat_first.work(30).delivered.sent == 0
    assert chat_first.work(61).delivered.sent == 2
    assert len(chat_first.notices("notice.sent")) == 2
    assert chat_first.house.orders()[0].id == number


# --- refused ------------------------------------------------------------------------------------


def test_who_is_refused_by_the_chat_gets_a_mail_at_once(chat_first: Office):
    chat_first.red()
    chat_first.slack.fail(Fault(error="user_not_found"))
    done = chat_first.work().delivered
    assert (done.failed, done.sent) == (1, 1)
    assert chat_first.work().delivered.sent == 1  # the same moment
    (mail,) = chat_first.mail.mails
    ((who, channel, reason),) = chat_first.notices("notice.failed")
    assert mail.recipients == (f"{who}@here.invalid",)
    assert (channel, reason) == ("slack", "USER_NOT_FOUND")
    assert (who, "email", "") in chat_first.notices("notice.sent")


def test_who_is_refused_by_the_mail_server_for_good_gets_a_chat_card_at_once(mail_first: Office):
    mail_first.red()
    mail_first.mail.refuse("550 no such user")
    mail_first.work()
    assert mail_first.work().delivered.sent == 1
    (post,) = mail_first.posts()
    ((who, _, reason),) = mail_first.notices("notice.failed")
    assert post["channel"] == f"DU{who}"
    assert reason == "MAIL_REFUSED"


def test_a_mail_server_that_says_later_is_tried_again_later(mail_first: Office):
    mail_first.red()
    mail_first.mail.refuse("451 try later", "451 try later")
    assert mail_first.work().delivered.retried == 2
    with mail_first.house.store.reader() as connection:
        due = outbox.next_due(connection)
    assert due is not None
    assert due > mail_first.house.now
    mail_first.house.clock[0] = due
    assert mail_first.work().delivered.sent == 2
    assert mail_first.posts() == []


def test_who_has_no_address_on_a_channel_is_reached_on_the_other(chat_first: Office):
    chat_first.addresses["chen", "slack"] = ""
    chat_first.red()
    chat_first.work()
    chat_first.work()
    assert ("chen", "slack", "NO_ADDRESS") in chat_first.notices("notice.failed")
    assert ("chen", "email", "") in chat_first.notices("notice.sent")
    assert ("wang", "slack", "") in chat_first.notices("notice.sent")


def test_who_can_be_reached_nowhere_is_left_for_a_person_to_see(chat_first: Office):
    chat_first.addresses.update({("chen", "slack"): "", ("chen", "email"): ""})
    chat_first.red()
    chat_first.work()
    chat_first.work()
    dead = chat_first.messages("dead")
    assert [(one.target, one.channel) for one in dead] == [("chen", "slack"), ("chen", "email")]
    assert all("NO_ADDRESS" in one.error for one in dead)
    health = Sentinel(chat_first.house.store, chat_first.house.log).look(chat_first.house.now)
    assert health.dead_letters == 2
    # nobody is forgotten: the ladder climbs though one could not be told
    due = chat_first.house.orders()[0].acknowledge_due
    assert due == START + timedelta(minutes=5)


def test_a_channel_that_nobody_set_up_gives_way_to_the_next(made: Path, tmp_path: Path):
    with opened(made, tmp_path, only("pager")) as found:
        found.red()
        found.work()
        assert {reason for _, _, reason in found.notices("notice.failed")} == {"NO_SUCH_CHANNEL"}
        assert found.work().delivered.sent == 2


def test_a_dead_channel_is_given_up_after_its_tries_and_the_next_takes_over(
    made: Path, tmp_path: Path
):
    with opened(made, tmp_path, only("slack", step_minutes=600)) as found:
        found.red()
        while not found.notices("notice.failed"):
            found.slack.faults.extend([Fault(500)] * 4)
            found.work()
            with found.house.store.reader() as connection:
                due = outbox.next_due(connection)
            assert due is not None
            found.house.clock[0] = max(found.house.now, due)
        found.slack.faults.clear()
        assert len(found.notices("notice.retry")) == 14  # seven for each of the two
        assert {why for _, _, why in found.notices("notice.failed")} == {"ATTEMPTS_USED_UP"}
        found.work()
        assert len(found.mail.mails) == 2
        assert found.house.now < START + timedelta(minutes=30)


def test_a_channel_with_a_fault_of_its_own_holds_back_nobody_else(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    def breaks(*_: Any) -> None:
        raise RuntimeError("a fault in the adapter")

    office.red()
    with monkeypatch.context() as patch:
        patch.setattr(type(office.channels["slack"]), "send", breaks)
        done = office.work().delivered
    assert (done.sent, done.retried) == (2, 2)
    assert len(office.mail.mails) == 2
    assert office.work(10).delivered.sent == 2


# --- acts ---------------------------------------------------------------------------------------


def test_an_acknowledgement_cancels_what_is_queued(office: Office):
    number = office.red()
    assert office.act("chen", acknowledge, number).ok
    assert [one.state for one in office.messages("cancelled")] == ["cancelled"] * 4
    assert office.work(1).delivered.sent == 0
    assert office.posts() == []
    assert office.mail.mails == []


def test_an_acknowledgement_shows_the_cards_anew(office: Office):
    number = office.red()
    office.work()
    before = [dict(one.body) for one in office.slack.messages]
    office.act("chen", acknowledge, number)
    assert office.work(5).refreshed == 2
    shown = [one.body for one in office.slack.messages]
    assert len(shown) == 2  # edited, not sent again
    assert all(now["blocks"] != was["blocks"] for now, was in zip(shown, before, strict=True))
    assert all("acknowledge" not in _verbs(one) for one in office.slack.messages)
    assert office.work(6).refreshed == 0


def test_a_card_that_cannot_be_edited_now_is_edited_later(office: Office):
    number = office.red()
    office.work()
    office.act("chen", acknowledge, number)
    office.slack.fail(Fault(429, retry_after=30), Fault(500))
    assert office.work(5).refreshed == 0
    assert office.work(40).refreshed == 2


def test_a_card_that_can_never_be_edited_is_followed_by_another_in_its_thread(office: Office):
    number = office.red()
    office.work()
    office.act("chen", acknowledge, number)
    office.slack.fail(Fault(error="message_not_found"))
    assert office.work(5).refreshed == 2
    (superseding,) = [one for one in office.posts() if one.get("thread_ts")]
    assert superseding["thread_ts"] == office.slack.messages[0].ts or superseding["thread_ts"] == (
        office.slack.messages[1].ts
    )


def test_a_dismissal_cancels_and_the_triage_is_never_escalated(office: Office):
    office.house.arrive(alert("A1", "orange", 0))
    (found,) = office.house.alerts()
    assert office.act("chen", dismiss_alert, found.id, reasons=["false"]).ok
    office.work(24 * 3600)
    assert office.house.records(action="alert.escalate") == []
    assert office.posts() == []


def _verbs(message: Any) -> set[str]:
    return {button["action_id"] for button in message.buttons}


# --- downtime -----------------------------------------------------------------------------------


def escalations(office: Office) -> list[tuple[str, str]]:
    """(order, true due time) in the order in which they fired."""
    found = office.house.records(action="order.escalate")
    return [(one.object_id, str(one.body["due_at"])) for one in found]


def test_missed_timers_fire_once_in_the_order_of_their_due_times(office: Office):
    """Two ladders interleave while the house is down; both are climbed as they would have been."""
    office.red("A1", 0)
    office.red("A2", 120)
    office.house.at(16 * 60)
    office.work()
    told = escalations(office)
    assert [due for _, due in told] == sorted(due for _, due in told)
    assert len({number for number, _ in told}) == 2
    assert len(told) == len(set(told))
    dues = {(datetime.fromisoformat(due) - START).total_seconds() / 60 for _, due in told}
    assert dues == {5, 7, 10, 12, 15}
    office.work()
    assert escalations(office) == told


def test_what_fires_late_names_the_time_at_which_it_should_have(office: Office):
    office.red()
    office.work(0)
    office.work(3600)
    first = office.house.records(action="order.escalate")[0]
    assert first.body["due_at"] == "2024-05-14T02:05:00Z"
    assert first.body["fired_at"] == "2024-05-14T03:00:00Z"


def test_the_last_resort_is_told_once_after_a_long_sleep(office: Office):
    office.red()
    office.work(0)
    office.work(48 * 3600)
    resort = escalations(office)
    assert len(resort) == 4  # three rungs and the last resort: no flood for every missed repeat
    office.work(48 * 3600 + 60)
    assert len(escalations(office)) == 4


def test_a_timer_that_fails_holds_back_no_other(office: Office, monkeypatch: pytest.MonkeyPatch):
    first = office.red("A1", 0)
    office.red("A2", 60)
    import agents.escalator

    real = agents.escalator.fire_timer

    def fails(uow: Any, timer: Any, context: Any) -> Any:
        if timer.payload.get("order") == first:
            raise RuntimeError("a fault of this order")
        return real(uow, timer, context)

    with monkeypatch.context() as patch:
        patch.setattr(agents.escalator, "fire_timer", fails)
        done = office.work(400)
    assert done.fired == 1
    assert done.delivered.sent > 0
    assert {number for number, _ in escalations(office)} == {office.house.orders()[0].id} - {first}
    health = Sentinel(office.house.store, office.house.log).look(office.house.now)
    assert health.overdue_timers == 1
    assert not health.well
    office.work(401)  # nothing is lost: it fires when the fault is gone
    assert first in {number for number, _ in escalations(office)}
    with office.house.store.reader() as connection:
        assert timers.overdue(connection, office.house.now, by=timedelta(0)) == []
