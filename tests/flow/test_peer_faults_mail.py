"""Faults of peers with links in mails: scanners, forwarding, bounces.

The mails go through a real SMTP server; the pages are the product's own.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fault_guards import fails_with, gives
from flow_house import House, house
from test_agents_delivery import Office, only, opened
from test_mail_flow import nonce_of, written_to
from test_mail_flow import opened as opened_page

import workorders.deliveries
from integrations import mail_tokens
from integrations.mail import MailChannel
from tests.unit.agents.agents_house import template
from workorders import State

HERE = {"Origin": "http://testserver"}


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as made:
        yield made


@pytest.fixture(name="trusting")
def _trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel for which the link alone proves who posts."""
    real = MailChannel.verify

    def verify(self: MailChannel, raw: Any) -> Any:
        token = mail_tokens.unseal(raw.query["token"], self._key)
        assert token is not None
        return real(self, replace(raw, query={**raw.query, "signed_in": token.person}))

    monkeypatch.setattr(MailChannel, "verify", verify)


# --- a link that a scanner burns ----------------------------------------------------------------


def link_burnt_by_a_scanner(town: House) -> None:
    """Safe Links and its like look at a link before the person does, often more than once."""
    order = town.breach()
    path, digits = written_to(town, "chen")
    scanner = town.client()
    for _ in range(3):
        scanner.head(path)
        scanner.get(path)
    page = town.client().get(path)
    assert page.status_code == 200, "burnt"
    browser, nonce = opened_page(town, path)
    form = {"nonce": nonce, "verb": "acknowledge", "code": digits}
    assert browser.post(path, data=form).status_code == 200, "burnt"
    assert town.order(order.id).acknowledged_by == "chen"


def test_fault_mail_link_burnt_by_a_scanner(town: House) -> None:
    link_burnt_by_a_scanner(town)


def test_the_guard_against_mail_link_burnt_by_a_scanner_is_what_holds(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that is used up by whoever reads it first."""
    real, seen = mail_tokens.unseal, set[str]()

    def once(link: str, key: bytes) -> Any:
        if link in seen:
            return None
        seen.add(link)
        return real(link, key)

    monkeypatch.setattr(mail_tokens, "unseal", once)
    fails_with("burnt", link_burnt_by_a_scanner, town)


def scanner_that_posts(town: House) -> None:
    """It runs the page, keeps its cookie and sends its form; it has not read the mail's text."""
    order = town.breach()
    path, _ = written_to(town, "chen")
    scanner = town.client()
    nonce = nonce_of(scanner.get(path).text)
    for verb in ("acknowledge", "take_over", "escalate"):
        scanner.post(path, data={"nonce": nonce, "verb": verb}, headers=HERE)
        form = {"nonce": nonce, "verb": verb, "code": ""}
        scanner.post(path, data=form, headers=HERE)
    after = town.order(order.id)
    assert (after.state, after.rung) == (State.OPEN, 0), "a scanner acted"
    assert not {"order.acknowledge", "order.escalate"} & set(town.actions())


def test_fault_scanner_that_runs_scripts_and_posts(town: House) -> None:
    scanner_that_posts(town)


@pytest.mark.usefixtures("trusting")
def test_the_guard_against_scanner_that_runs_scripts_and_posts_is_what_holds(town: House) -> None:
    fails_with("a scanner acted", scanner_that_posts, town)


# --- a mail that is handed on -------------------------------------------------------------------


def forwarded_mail(town: House) -> None:
    """A colleague gets the manager's mail: neither signed out nor as herself does she approve."""
    order = town.breach()
    asked = town.client("chen").post(
        f"/api/v1/orders/{order.id}/request-approval", json={"kind": "override"}
    )
    approval = asked.json()["approval"]
    town.run_agents()
    path, digits = written_to(town, "wang", approval)
    for who in ("", "lin", "chen"):
        browser = town.signed_in(who) if who else town.client()
        browser, nonce = opened_page(town, path, browser)
        for code in ({}, {"code": digits}):
            browser.post(path, data={"nonce": nonce, "verb": "approve", **code})
        shown = town.client("chen").get(f"/api/v1/approvals/{approval}").json()
        assert (shown["status"], shown["signatures"]) == ("pending", []), "approved by another"


def test_fault_forwarded_mail(town: House) -> None:
    forwarded_mail(town)


@pytest.mark.usefixtures("trusting")
def test_the_guard_against_forwarded_mail_is_what_holds(town: House) -> None:
    fails_with("approved by another", forwarded_mail, town)


# --- a bounce -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("bounce"))


@pytest.fixture(name="mail_first")
def _mail_first(made: Path, tmp_path: Path) -> Iterator[Office]:
    with opened(made, tmp_path, only("email")) as found:
        yield found


def bounce(office: Office) -> None:
    """Who is refused for good by the mail server is told in the chat in the same moment."""
    office.red()
    office.mail.refuse("550 no such user")
    office.work()
    took_over = office.work().delivered.sent
    assert took_over == 1, "nobody took over"
    ((_, channel, reason),) = office.notices("notice.failed")
    assert (channel, reason) == ("email", "MAIL_REFUSED")


def test_fault_bounce_and_no_next_channel(mail_first: Office) -> None:
    bounce(mail_first)


def test_the_guard_against_bounce_and_no_next_channel_is_what_holds(
    mail_first: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workorders.deliveries, "_fall_back", gives(""))
    fails_with("nobody took over", bounce, mail_first)
