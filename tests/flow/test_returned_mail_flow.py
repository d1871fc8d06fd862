"""Mail that comes back: by the listener or the mailbox, on record, the next channel at once."""

import contextlib
import json
import secrets
import socket
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flow_house import EAST, START, WEST, House, house
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from sqlalchemy import select
from structlog.testing import capture_logs
from test_failpoints_jobs import converges

import main
from integrations.mail_listener import MailListener
from integrations.returned_mail import LARGEST
from service import composition, serving
from service.cli import doctor
from service.cli.desk import Desk
from service.cli.findings import Finding
from service.inbound.returned_mail import (
    KEPT,
    ReturnedMail,
    kept_count,
    mail_listener,
    mailbox_reader,
    returned_mail,
    stand_of,
)
from service.reaching import start
from service.settings import Settings
from store import Store, inbox
from store.schema import table
from tests.breaking import Breaking
from tests.flow.post_office import ADDRESS, PASSWORD, USER, Lmtp, MailboxServer, plain, report
from trail.tables import RECORD
from workorders import Level, Policy, State, WorkOrder
from workorders.company_policy import set_policy
from workorders.drills import score_of
from workorders.figures import Period, load
from workorders.figures.verdicts import arrival
from workorders.notices import told_people
from workorders.rows import NOTICES

_SET_STATE = "UPDATE workorders_notice SET state = ? WHERE key = ?"
ABSENT = {"author": "chen@here.invalid", "Auto_Submitted": "auto-replied"}


@dataclass
class Office:
    """The company, its mails under return addresses, and who takes them when they come back."""

    house: House
    taking: ReturnedMail

    def paged(self, *channels: str) -> WorkOrder:
        """A red order under a policy that names these channels for red."""
        policy = Policy()
        red = replace(policy.levels[Level.RED], channels=channels or ("email",))
        levels = {**policy.levels, Level.RED: red}
        with self.house.app.store.unit_of_work("cli:test") as uow:
            assert set_policy(uow, replace(policy, levels=levels), "p.yaml")
        return self.house.breach()

    def back(self, person: str = "chen") -> str:
        """The return address of the person's newest mail."""
        mine = [one for one in self.house.mail.mails if one.recipients[0].startswith(f"{person}@")]
        return mine[-1].sender

    def notice(self, person: str = "chen") -> Any:
        with self.house.app.store.reader() as connection:
            found = connection.execute(
                select(NOTICES)
                .where(NOTICES.c.person == person, NOTICES.c.channel == "email")
                .order_by(NOTICES.c.queued_at.desc())
            )
            return found.first()

    def take(self, mail: Callable[..., bytes] = report, person: str = "chen", **more: Any) -> bool:
        """Whether what came back for the person's newest mail was dealt with."""
        back = self.back(person)
        return self.taking.take(self.taking.known(back), mail(back, **more), "")

    def past(self, statement: str, *values: object) -> None:
        """Written past the product: as it stands between two of its transactions."""
        file = self.house.app.settings.data / "hedgewarden.db"
        with closing(sqlite3.connect(file)) as connection, connection:
            assert connection.execute(statement, values).rowcount > 0

    def counts(self) -> dict[str, int]:
        with self.house.app.store.reader() as connection:
            return dict(stand_of(connection).counts)

    def records(self) -> list[tuple[Any, ...]]:
        c = RECORD.c
        with self.house.app.store.reader() as connection:
            wanted = select(c.actor, c.action, c.reason).where(c.kind == "notification")
            return [tuple(row) for row in connection.execute(wanted.order_by(c.seq))]

    def page(self, order: WorkOrder) -> str:
        return self.house.signed_in("chen").get(f"/orders/{order.id}").text


@contextmanager
def office_in(folder: Path, **options: Any) -> Iterator[Office]:
    given = {"bounce_address": ADDRESS, "bounce_lmtp": "2424", **options}
    with house(folder, **given) as made:
        taking = returned_mail(made.app)
        assert taking is not None
        yield Office(made, taking)


@pytest.fixture(name="office")
def _office(tmp_path: Path) -> Iterator[Office]:
    with office_in(tmp_path / "data") as made:
        yield made


# --- what comes of it ---------------------------------------------------------------------------


def test_each_notice_goes_out_under_an_address_of_its_own(office: Office):
    office.paged()
    backs = [one.sender for one in office.house.mail.mails]
    assert len(set(backs)) == len(backs) == 2
    for mail in office.house.mail.mails:
        assert mail.sender.endswith("@here.invalid")
        assert mail.sender.startswith("bounces+")
        assert mail.recipients[0].partition("@")[0] not in mail.sender
        assert mail.sender not in mail.message.as_string()  # the envelope's alone
        assert "hedgewarden@localhost" in mail.message["From"]
    assert {office.taking.known(one).partition("/")[0] for one in backs} == {
        office.house.orders()[0].id
    }


def test_a_bounce_goes_to_the_next_channel_at_once_and_is_on_record(office: Office):
    order = office.paged()
    assert office.house.slack.messages == []
    assert office.take(status="5.1.1")
    assert (office.notice().state, office.notice().error) == ("bounced", "MAIL_BOUNCED")
    assert office.notice("lin").state == "sent"
    assert ("channel:email", "notice.bounced", "MAIL_BOUNCED") in office.records()
    office.house.run_agents()
    assert office.house.card("chen", "acknowledge", order.id) is not None
    assert office.counts() == {"bounced": 1}
    page = office.page(order)
    assert (
        "Notice to Chen Fang by mail came back undeliverable (5.1.1); Slack tried at once" in page
    )
    assert "channel:email" not in page
    after = office.house.order(order.id)
    assert (after.state, after.version) == (order.state, order.version)


def test_the_record_and_the_delivery_are_of_one_transaction(office: Office, tmp_path: Path):
    office.paged()
    with closing(sqlite3.connect(tmp_path / "data" / "hedgewarden.db")) as connection:
        connection.execute(
            "CREATE TRIGGER refused BEFORE INSERT ON trail_record"
            " WHEN NEW.action = 'notice.bounced' BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
    with pytest.raises(Exception, match="refused"):
        office.take()
    assert office.notice().state == "sent"
    office.house.run_agents()
    assert office.house.slack.messages == []


def test_without_another_channel_the_ladder_goes_on(office: Office):
    order = office.paged("slack", "email")
    cards = len(office.house.slack.messages)
    assert office.take()
    office.house.run_agents()
    assert len(office.house.slack.messages) == cards
    assert "no further channel is left to try, the escalation goes on" in office.page(order)
    office.house.pass_time(minutes=30)
    office.house.run_agents()
    assert "order.escalate" in office.house.actions()


def test_whose_only_mail_came_back_is_not_shown_as_told(office: Office):
    order = office.paged()
    assert office.page(order).count("told 10:00") == 2
    assert office.take()
    page = office.page(order)
    assert page.count("told 10:00") == 1
    assert "not reached: the mail came back 10:00" in page
    office.house.run_agents()
    assert office.page(order).count("told 10:00") == 2


def test_delay_is_words_only(office: Office):
    order = office.paged()
    assert office.take(action="delayed", status="4.4.1")
    office.house.run_agents()
    assert office.notice().state == "sent"
    assert office.house.slack.messages == []
    assert "Notice to Chen Fang by mail is delayed (4.4.1)" in office.page(order)
    assert office.take()  # and in the end it comes back
    assert office.notice().state == "bounced"
    assert office.take(person="lin")
    assert office.take(person="lin", action="delayed", status="4.4.2")  # overtaken by the bounce
    assert office.counts() == {"bounced": 2, "delayed": 1, "repeated": 1}
    assert [one[1] for one in office.records()].count("notice.delayed") == 1


@pytest.mark.parametrize(
    ("action", "words"), [("relayed", "passed on"), ("delivered", "arrived by mail")]
)
def test_what_arrives_or_is_passed_on_is_said(office: Office, action: str, words: str):
    order = office.paged()
    assert office.take(action=action, status="2.1.5")
    assert office.notice().state == "sent"
    assert words in office.page(order)
    office.take()
    assert office.notice().state == ("sent" if action == "delivered" else "bounced")


def test_the_same_bounce_twice_is_one(office: Office):
    office.paged()
    assert office.take()
    before = office.records()
    assert office.take()
    assert office.take(status="5.2.2")
    assert office.records() == before
    assert office.counts() == {"bounced": 1, "repeated": 2}
    office.house.run_agents()
    assert Counter(one.channel for one in office.house.slack.messages).most_common(1)[0][1] == 1


def test_a_bounce_before_our_own_request_has_ended_comes_again(office: Office):
    office.paged()
    office.past(_SET_STATE, "queued", office.notice().key)
    assert not office.take()
    assert office.counts() == {}


def test_a_bounce_for_a_closed_or_acknowledged_order_pages_nobody(office: Office):
    order = office.paged()
    office.house.pass_time(seconds=20)
    answer = office.house.client("lin").post(f"/api/v1/orders/{order.id}/acknowledge", json={})
    assert answer.status_code == 200, answer.text
    acknowledged = office.house.order(order.id)
    assert office.take()
    office.house.run_agents()
    assert office.house.slack.messages == []
    assert office.notice().state == "bounced"
    assert "came back undeliverable (5.1.1)" in office.page(order)
    assert office.house.order(order.id) == acknowledged


def test_an_absence_a_bounce_of_a_bounce_and_noise_change_nothing(office: Office):
    office.paged()
    before, notice = office.records(), office.notice()
    assert office.take(plain, text="I am away until Monday. 550 5.1.1", **ABSENT)
    inner = "Content-Type: multipart/report; report-type=delivery-status; boundary=i\r\n\r\n--i--"
    assert office.take(returned=inner)
    assert office.take(lambda _: b"\x00\xff garbage \r\n")
    assert office.take(lambda back: report(back)[:500])
    assert (office.records(), office.notice()) == (before, notice)
    assert office.counts() == {"auto_reply": 1, "other_mail": 1, "unclear": 2}
    assert kept_count(office.house.app.settings.data) == 3  # an absence is nobody's to read
    folder = office.house.app.settings.data / KEPT
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_false_address_is_counted_and_nothing_else(office: Office):
    office.paged()
    before = office.records()
    for address in (ADDRESS, ADDRESS.replace("@", f"+{'a' * 48}@"), "chen@here.invalid"):
        assert office.taking.known(address) == ""
    assert office.records() == before
    assert office.counts() == {"forged": 3}
    metrics = office.house.client("ops").get("/metrics").text
    assert 'hedgewarden_mails_returned_total{what="forged"} 3\n' in metrics


def test_an_address_of_ours_whose_notice_is_gone_is_counted(office: Office):
    office.paged()
    back = office.back()
    office.past("DELETE FROM workorders_notice")
    assert office.taking.take(office.taking.known(back), report(back), "")
    assert office.counts() == {"unknown": 1}


def test_when_too_much_is_kept_the_mail_server_keeps_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("service.inbound.returned_mail.KEPT_BYTES", 100)
    office.paged()
    assert office.take(lambda _: b"x" * 80)
    assert office.take(lambda _: b"x" * 80)  # the same once more is kept already
    assert not office.take(lambda _: b"y" * 80)
    assert kept_count(office.house.app.settings.data) == 1
    assert office.take()  # a bounce is noted all the same


def test_a_test_call_that_bounces_has_failed(office: Office):
    def found() -> tuple[str, str]:
        known = office.house.client("chen").get("/api/v1/test-calls", params={"person": "chen"})
        items = known.json()["items"]
        (test,) = [one["test"] for one in items if one["channel"] == "email"]
        return test["state"], test["error"]

    with office.house.app.store.unit_of_work("wang") as uow:
        assert start(uow, office.house.app, "chen", "email").ok
    office.house.run_agents()
    assert office.take(action="delayed", status="4.2.2")
    assert found() == ("sent", "")
    assert office.take()
    assert found() == ("failed", "MAIL_BOUNCED")


def test_a_notice_that_came_back_did_not_arrive_in_the_figures(office: Office):
    office.paged()
    office.take()
    period = Period(("Group",), START, START + timedelta(days=1), START + timedelta(days=1))
    with office.house.app.store.reader() as connection:
        loaded = load(connection, period)
    found = {one.label: one.verdict for one in (arrival(row, period.at) for row in loaded.notices)}
    assert found == {"chen · email": "FAILED", "lin · email": "SENT", "chen · slack": "PENDING"}


def test_a_drill_says_by_which_channel_nobody_was_reached(office: Office):
    body = {"org": EAST, "level": "red", "minutes": 60}
    answer = office.house.client("wang").post("/api/v1/drills", json=body)
    assert answer.status_code == 201, answer.text
    office.house.run_agents()
    assert office.take()
    (order,) = office.house.orders()
    with office.house.app.store.reader() as connection:
        reached = {one.person: one for one in score_of(connection, order, START).reached}
    assert (reached["chen"].channels, reached["chen"].failed) == (("slack",), ("email",))
    assert (reached["lin"].channels, reached["lin"].failed) == (("email", "slack"), ())


def test_whose_mail_came_back_is_told_the_end_of_the_matter_all_the_same(office: Office):
    order = office.paged()
    assert office.take()
    office.past("DELETE FROM workorders_notice WHERE channel = 'slack'")
    with office.house.app.store.reader() as connection:
        assert set(told_people(connection, order.id)) == {"chen", "lin"}


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    head=st.sampled_from(["", "X-Verb: acknowledge\r\n", "Subject: approve close resolve 1\r\n"]),
    action=st.sampled_from(["failed", "delayed", "delivered", "relayed", "acknowledged", "close"]),
    status=st.sampled_from(["5.1.1", "4.2.2", "2.0.0", "1", ""]),
    text=st.text(max_size=200) | st.sampled_from(["acknowledge", "code 123456", "verb=approve"]),
    person=st.sampled_from(["chen", "lin"]),
)
def test_no_returned_mail_can_acknowledge_approve_or_close(  # noqa: PLR0917 - one part each
    shared: Office, head: str, action: str, status: str, text: str, person: str
):
    made = shared.house
    with closing(sqlite3.connect(made.app.settings.data / "hedgewarden.db")) as past, past:
        past.execute("DELETE FROM store_inbox")  # nothing is known yet of any notice
    before = [(one.id, one.state, one.version, one.acknowledged_by) for one in made.orders()]
    approvals = _approvals(made)
    back = shared.back(person)
    link = made.mail.mails[-1].text
    raw = head.encode() + report(
        back, action=action, status=status, extra=f"{text}\r\n{link}".replace("\n--", "\n __")
    )
    shared.taking.take(shared.taking.known(back), raw, "")
    after = [(one.id, one.state, one.version, one.acknowledged_by) for one in made.orders()]
    assert (after, _approvals(made)) == (before, approvals)
    assert State.OPEN in {one[1] for one in after}
    assert approvals
    assert not any(one.endswith((".acknowledge", ".approve", ".close")) for one in made.actions())


def _approvals(made: House) -> list[Any]:
    with made.app.store.reader() as connection:
        return list(connection.execute(select(table("approvals_request"))))


@pytest.fixture(scope="module", name="shared")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office_in(tmp_path_factory.mktemp("shared")) as made:
        made.paged()
        west = made.house.breach(WEST)
        asked = made.house.client("zhao").post(
            f"/api/v1/orders/{west.id}/request-approval", json={"kind": "override"}
        )
        assert asked.status_code == 200, asked.text
        made.house.run_agents()
        yield made


@pytest.fixture(name="breaking")
def _breaking(monkeypatch: pytest.MonkeyPatch) -> Breaking:
    breaking = Breaking()
    monkeypatch.setattr(composition, "Store", partial(Store, failpoint=breaking))
    return breaking


def test_whatever_place_it_fails_at_the_next_delivery_of_the_mail_ends_as_an_unbroken_one(
    breaking: Breaking, tmp_path: Path
):
    with capture_logs(), office_in(tmp_path / "data") as office:
        office.paged()
        back = office.back()
        notice, mail = office.taking.known(back), report(back)
        converges(office.house, breaking, lambda: office.taking.take(notice, mail, ""), least=10)
        assert office.notice().state == "bounced"


# --- where nobody reads what comes back ----------------------------------------------------------


def test_without_a_way_back_delivery_is_unconfirmed(tmp_path: Path):
    with house(tmp_path) as made:
        order = made.breach()
        assert {one.sender for one in made.mail.mails} == {"hedgewarden@localhost"}
        page = made.signed_in("chen").get(f"/orders/{order.id}").text
        assert "mail (handed over, delivery unconfirmed)" in page
        assert "delivery unconfirmed" not in page.replace(
            "mail (handed over, delivery unconfirmed)", ""
        )  # Slack has told them
        made.pass_time(minutes=30)
        made.run_agents()
        assert "order.escalate" in made.actions()  # the deadline decides


def test_who_has_but_a_mail_is_not_said_to_be_told(tmp_path: Path):
    with house(tmp_path) as made:
        office = Office(made, None)  # type: ignore[arg-type]
        order = office.paged("email")
        page = office.page(order)
        assert page.count("handed over 10:00, delivery unconfirmed") == 2
        assert "Notice to Chen Fang, Lin Hao handed over, delivery unconfirmed" in page
        assert "told" not in page[page.index("Timeline") :]


# --- the listener -------------------------------------------------------------------------------


def free_port() -> int:
    """A port below those that the system gives out, so that nobody is given it meanwhile."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def listening(folder: Path) -> Iterator[tuple[Office, int]]:
    port = free_port()
    with office_in(folder, bounce_lmtp=str(port)) as office:
        listener = mail_listener(office.house.app)
        assert isinstance(listener, MailListener)
        listener.start()
        try:
            yield office, port
        finally:
            listener.stop()


def test_the_listener_takes_a_bounce_and_refuses_what_is_not_ours(tmp_path: Path):
    with listening(tmp_path) as (office, port):
        office.paged()
        back = office.back()
        with Lmtp(port) as mx:
            assert mx.deliver(ADDRESS, report(ADDRESS)).startswith("550")
            assert mx.deliver(back.upper(), report(back)).startswith("250")
            assert mx.deliver(back, report(back)).startswith("250")
            assert mx.begin(back).startswith("250")
            assert mx.say(f"RCPT TO:<{office.back('lin')}>").startswith("452")
        assert office.notice().state == "bounced"
        assert office.notice("lin").state == "sent"
        assert office.counts() == {"forged": 1, "bounced": 1, "repeated": 1}


def test_half_a_mail_and_ten_megabytes(tmp_path: Path):
    with listening(tmp_path) as (office, port):
        office.paged()
        back = office.back()
        with Lmtp(port) as mx:
            assert mx.begin(back).startswith("250")
            assert mx.say("DATA").startswith("354")
            mx.write(report(back)[:400])
        with Lmtp(port) as mx:  # the line broke; the mail server comes again with the whole
            large = report(back, returned=("x" * 70 + "\r\n") * 145_000)
            assert len(large) > 10_000_000
            assert mx.deliver(back, large).startswith("250")
        assert office.notice().state == "bounced"
        assert office.counts() == {"bounced": 1}
        assert kept_count(office.house.app.settings.data) == 0


def test_a_fault_of_ours_has_the_mail_server_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with listening(tmp_path) as (office, port):
        office.paged()
        back = office.back()

        def broken(*_: object) -> None:
            raise OSError("the disk is full")

        with Lmtp(port) as mx:
            with monkeypatch.context() as once:
                once.setattr(inbox, "outcome", broken)
                assert mx.deliver(back, report(back)).startswith("451")
            assert office.notice().state == "sent"
            assert mx.deliver(back, report(back)).startswith("250")
        assert office.notice().state == "bounced"


def test_only_this_machine_can_reach_it_unless_told(tmp_path: Path):
    for told, host in (("{}", "127.0.0.1"), ("0.0.0.0:{}", "0.0.0.0")):
        port = free_port()
        with office_in(tmp_path / host, bounce_lmtp=told.format(port)) as office:
            listener = mail_listener(office.house.app)
            assert listener is not None
            listener.start()
            try:
                (place,) = listener._controller.server.sockets
                assert place.getsockname() == (host, port)
            finally:
                listener.stop()


# --- the mailbox --------------------------------------------------------------------------------


@contextmanager
def boxed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Office, MailboxServer]]:
    folder.mkdir(exist_ok=True)
    with MailboxServer(folder) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.trust))
        with office_in(folder / "data", bounce_lmtp="", **box_settings(server.port)) as office:
            yield office, server


def box_settings(port: int) -> dict[str, Any]:
    return {
        "bounce_imap_host": "localhost",
        "bounce_imap_port": port,
        "bounce_imap_user": USER,
        "bounce_imap_password": SecretStr(PASSWORD),
    }


def read_box(office: Office) -> None:
    """One round of the job as the service runs it."""
    jobs = {job.name: job for one in serving.schedulers_of(office.house.app) for job in one._jobs}
    jobs["returned_mail"].run(office.house.clock())


def fault_of(office: Office) -> str:
    with office.house.app.store.reader() as connection:
        return stand_of(connection).fault


def test_the_mailbox_is_read_and_marked_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with boxed(tmp_path, monkeypatch) as (office, server):
        office.paged()
        bounce = server.put(report(office.back()))
        again = server.put(report(office.back()))
        stray = server.put(plain("info@here.invalid", "an advertisement"))
        away = server.put(plain(office.back("lin"), "away", **ABSENT))
        noise = server.put(b"\xff\x00" * 400)
        large = server.put(report(office.back("lin"), returned=("y" * 70 + "\r\n") * 145_000))
        read_box(office)
        assert (office.notice().state, office.notice("lin").state) == ("bounced", "bounced")
        seen = {"\\Seen"}
        assert [one.flags for one in (bounce, again, away, large)] == [seen] * 4
        assert [one.flags for one in (stray, noise)] == [{"\\Seen", "\\Flagged"}] * 2
        assert len(server.letters) == 6
        assert server.longest == LARGEST  # of the ten megabytes
        assert office.counts() == {"bounced": 2, "repeated": 1, "forged": 2, "auto_reply": 1}
        before = office.records()
        read_box(office)
        assert office.records() == before
        assert office.counts()["bounced"] == 2
        assert not (office.house.app.settings.data / KEPT).exists()


def test_a_server_that_is_gone_or_breaks_off_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with boxed(tmp_path, monkeypatch) as (office, server):
        office.paged()
        letter = server.put(report(office.back()))
        for place in ("CAPABILITY", "LOGIN", "SELECT", "UID SEARCH", "UID FETCH"):
            server.broken_at = place
            read_box(office)
            assert fault_of(office) in {"MAILBOX_BROKEN", "MAILBOX_UNREACHABLE"}, place
            assert (letter.flags, office.notice().state) == (set(), "sent")
        server.broken_at, server.half = "", True
        read_box(office)
        assert (fault_of(office), letter.flags, office.notice().state) == (
            "MAILBOX_BROKEN", set(), "sent",
        )  # fmt: skip
        server.half, server.broken_at = False, "UID STORE"
        read_box(office)
        assert (letter.flags, office.notice().state) == (set(), "bounced")
        server.broken_at = ""
        read_box(office)
        assert (letter.flags, fault_of(office)) == ({"\\Seen"}, "")
        assert [one[1] for one in office.records()].count("notice.bounced") == 1
    # the server is gone for good, the house is still there
    with office_in(tmp_path / "data2", bounce_lmtp="", **box_settings(server.port)) as later:
        read_box(later)
        assert fault_of(later) == "MAILBOX_UNREACHABLE"


def test_a_bounce_whose_notice_is_on_its_way_stays_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with boxed(tmp_path, monkeypatch) as (office, server):
        office.paged()
        key = office.notice().key
        letter, other = server.put(report(office.back())), server.put(report(office.back("lin")))
        office.past(_SET_STATE, "queued", key)
        read_box(office)
        assert (letter.flags, other.flags) == (set(), {"\\Seen"})
        office.past(_SET_STATE, "sent", key)
        read_box(office)
        assert (letter.flags, office.notice().state) == ({"\\Seen"}, "bounced")


def test_a_false_certificate_and_a_wrong_password_read_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with boxed(tmp_path, monkeypatch) as (office, server):
        office.paged()
        letter = server.put(report(office.back()))
        monkeypatch.delenv("SSL_CERT_FILE")
        read_box(office)
        assert fault_of(office) == "MAILBOX_UNREACHABLE"
        assert server.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(server.trust))
        known = office.house.app.settings
        wrong = known.model_copy(update={"bounce_imap_password": SecretStr("another")})
        object.__setattr__(office.house.app, "settings", wrong)
        reading = mailbox_reader(office.house.app)
        assert reading is not None
        assert reading(office.house.clock()) == 0
        assert fault_of(office) == "MAILBOX_LOGIN"
        assert letter.flags == set()
        assert "another" not in json.dumps(office.counts())


# --- settings and doctor ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"bounce_address": "no address"}, "bounce_address"),
        ({"bounce_address": ADDRESS, "smtp_host": ""}, "bounce_address"),
        ({"bounce_lmtp": "2424"}, "bounce_imap_folder"),
        ({"bounce_address": ADDRESS}, "bounce_imap_folder"),
        ({"bounce_address": ADDRESS, "bounce_lmtp": "here"}, "bounce_lmtp"),
        ({"bounce_address": ADDRESS, "bounce_imap_host": "h"}, "bounce_imap_password"),
        ({"bounce_imap_password": PASSWORD}, "bounce_imap_password"),
        (
            {"bounce_address": ADDRESS, "bounce_lmtp": "2424", **box_settings(993)},
            "bounce_imap_folder",
        ),
    ],
)  # fmt: skip
def test_half_a_way_back_is_refused_without_showing_a_secret(
    tmp_path: Path, given: dict[str, Any], field: str
):
    with pytest.raises(ValidationError) as fault:
        Settings(data=tmp_path, **{"smtp_host": "127.0.0.1", **given})
    assert field in [one["loc"][0] for one in fault.value.errors()]
    assert PASSWORD not in str(fault.value)


def test_doctor_says_by_which_way_and_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def finding(**lines: Any) -> Finding:
        told = "\n".join(f"{name} = {json.dumps(one)}" for name, one in lines.items())
        (office.house.app.settings.data / "hedgewarden.toml").write_text(told)
        desk = Desk(main.compose, data=office.house.app.settings.data)
        (found,) = [one for one in doctor.examine(desk) if one.check == "returned_mail"]
        for language in ("en", "zh"):
            words = office.house.app.catalogues.words(language)
            assert "{" not in words.text(f"cli.doctor.{found.check}.{found.result}", **found.params)
            if not found.ok:
                assert words.text(f"cli.remedy.{found.check}.{found.result}")
        return found

    with boxed(tmp_path, monkeypatch) as (office, server):
        assert (finding().result, finding().severity) == ("no_mail", "ok")
        mail = {"smtp_host": "127.0.0.1"}
        assert (finding(**mail).result, finding(**mail).severity) == ("unconfirmed", "yellow")
        way = {**mail, "bounce_address": ADDRESS}
        silent = finding(**way, bounce_lmtp=str(free_port()))
        assert (silent.result, silent.severity) == ("silent", "yellow")
        box = {**way, **box_settings(server.port), "bounce_imap_password": PASSWORD}
        office.paged()
        server.put(report(office.back()))
        read_box(office)
        good = finding(**box)
        assert (good.result, good.params["returned"], good.params["address"]) == (
            "good",
            "1",
            ADDRESS,
        )
        assert good.params["read_at"] == "2024-05-14T02:00:00Z"
        assert server.letters[0].flags == {"\\Seen"}  # doctor reads nothing
        refused = finding(**{**box, "bounce_imap_password": "wrong"})
        assert (refused.result, refused.severity) == ("login", "red")
        assert finding(**box, bounce_imap_folder="Elsewhere").result == "folder"
        assert finding(**{**box, "bounce_imap_port": free_port()}).result == "unreachable"
        server.broken_at = "LOGIN"
        assert finding(**box).result == "broken"
        server.broken_at = ""
        kept = office.house.app.settings.data / KEPT
        kept.mkdir()
        (kept / "one.eml").write_bytes(b"x")
        assert (finding(**box).result, finding(**box).severity) == ("kept", "yellow")


def test_doctor_hears_the_listener(tmp_path: Path):
    with listening(tmp_path) as (office, port):
        lines = {"smtp_host": "127.0.0.1", "bounce_address": ADDRESS, "bounce_lmtp": str(port)}
        told = "\n".join(f"{name} = {json.dumps(one)}" for name, one in lines.items())
        (tmp_path / "hedgewarden.toml").write_text(told)
        desk = Desk(main.compose, data=tmp_path)
        (found,) = [one for one in doctor.examine(desk) if one.check == "returned_mail"]
        assert (found.result, found.params["read_at"]) == ("good", "-")
        assert office.counts() == {}
