"""Return addresses that nobody else can make, and what mails that came to them say."""

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.mail_return import ReturnAddresses
from integrations.return_place import listening_place, valid_return_address
from integrations.returned_mail import LARGEST, Report, Said, addressed_to, read
from tests.flow.post_office import ADDRESS, plain, report

ADDRESSES = ReturnAddresses(ADDRESS, b"a key of this test")
BACK = ADDRESSES.of("WO-20240514-001/2")


# --- addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "notice",
    ["WO-20240514-001/1", "WO-20240514-1234/123456789", "AL-20240514-007/9", "TC-20240514-001"],
)
def test_an_address_names_its_notice_and_shows_nothing_of_it(notice: str):
    back = ADDRESSES.of(notice)
    assert ADDRESSES.notice_in(back) == notice
    assert ADDRESSES.notice_in(f"Name <{back.upper()}>") == notice
    name, _, host = back.partition("@")
    assert len(name) <= 64
    assert host == "here.invalid"
    assert not any(part in name.upper() for part in ("20240514", "WO", notice))
    assert back == ADDRESSES.of(notice)


def test_what_is_no_notice_has_no_address():
    for number in ("AP-20240514-001/1/2/pending/3/chen/email", "weekly/2024-20/chen", "", "WO-1/1"):
        assert ADDRESSES.of(number) == ""


def test_no_letter_of_a_token_can_be_changed():
    token = BACK.partition("+")[2].partition("@")[0]
    chance = random.Random(7)
    for place in range(len(token)):
        other = chance.choice(sorted(set(string.ascii_lowercase + "234567") - {token[place]}))
        forged = token[:place] + other + token[place + 1 :]
        assert ADDRESSES.notice_in(BACK.replace(token, forged)) == "", place


def test_another_house_and_another_address_make_none_of_ours():
    other = ReturnAddresses(ADDRESS, b"another key")
    assert other.notice_in(BACK) == ""
    assert ADDRESSES.notice_in(BACK.replace("here.invalid", "elsewhere.invalid")) == ""
    assert ADDRESSES.notice_in(f"x{BACK}") == ""
    assert ADDRESSES.notice_in(f"{BACK}.evil.invalid") == ""
    assert ADDRESSES.notice_in(ADDRESS) == ""


@pytest.mark.parametrize("given", ["a@b", "bounce-mail@mx1.here.invalid", "B@HERE.INVALID"])
def test_addresses_that_can_be_set(given: str):
    assert valid_return_address(given)


@pytest.mark.parametrize(
    "given",
    ["", "a", "@b", "a+b@c", "a b@c", "a@", "a@b\r\nX: y", "a@.", "退信@b", "sixteen-letters-@b"],
)
def test_addresses_that_cannot(given: str):
    assert not valid_return_address(given)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("2424", ("127.0.0.1", 2424)),
        ("0.0.0.0:24", ("0.0.0.0", 24)),
        ("[::1]:24", ("::1", 24)),
        ("mx.here:24", ("mx.here", 24)),
        ("", None), (":24", None), ("::1:24", None), ("0", None), ("65536", None),
        ("a b:24", None), ("24:", None), ("host", None), ("²4", None),
    ],
)  # fmt: skip
def test_places_to_listen_on(given: str, place: tuple[str, int] | None):
    assert listening_place(given) == place


# --- what mails say -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "status", "found"),
    [
        ("failed", "5.1.1", Report(Said.FAILED, "5.1.1")),
        ("failed", "4.4.7", Report(Said.FAILED, "4.4.7")),  # given up after days of delay
        ("delayed", "4.2.2", Report(Said.DELAYED, "4.2.2")),
        ("relayed", "2.1.9", Report(Said.RELAYED, "2.1.9")),
        ("expanded", "2.1.5", Report(Said.RELAYED, "2.1.5")),
        ("delivered", "2.1.5", Report(Said.DELIVERED, "2.1.5")),
        ("FAILED (no such user)", "5.1.1 (bad)", Report(Said.FAILED, "5.1.1")),
        ("nonsense", "5.7.1", Report(Said.FAILED, "5.7.1")),
        ("nonsense", "4.2.0", Report(Said.DELAYED, "4.2.0")),
        ("failed", "none", Report(Said.FAILED, "5.0.0")),
        ("nonsense", "none", Report(Said.UNCLEAR)),
    ],
)
def test_a_report_is_read_by_its_action_and_status(action: str, status: str, found: Report):
    assert read(report(BACK, action=action, status=status)) == found


def test_of_several_recipients_the_worst_counts():
    both = report(BACK, action="delivered", status="2.1.5").replace(
        b"Diagnostic-Code",
        b"\r\nFinal-Recipient: rfc822; b@c\r\nAction: failed\r\nStatus: 5.2.1\r\nX",
    )
    assert read(both) == Report(Said.FAILED, "5.2.1")


@pytest.mark.parametrize(
    ("mail", "found"),
    [
        (plain(BACK, "user unknown: 550 5.1.1 <a@b>"), Report(Said.FAILED, "5.1.1")),
        (plain(BACK, "host said: 550 no such user"), Report(Said.FAILED, "5.0.0")),
        (plain(BACK, "gone", X_Failed_Recipients="a@b"), Report(Said.FAILED, "5.0.0")),
        (
            plain(BACK, "Hi. This is the qmail-send program at here.", author="a@b"),
            Report(Said.FAILED, "5.0.0"),
        ),
        (plain(BACK, "450 4.2.0 greylisted, will keep trying"), Report(Said.DELAYED, "4.2.0")),
        (plain(BACK, "Your message is delayed"), Report(Said.DELAYED, "4.0.0")),
        (plain(BACK, "您的邮件无法送达", author="postmaster@b"), Report(Said.FAILED, "5.0.0")),
        (
            plain(BACK, "text", Subject="=?gb18030?B?z7XNs83L0MU=?=", author="postmaster@b"),
            Report(Said.FAILED, "5.0.0"),
        ),
        (plain(BACK, "Dies ist eine Nachricht"), Report(Said.UNCLEAR)),
        (plain(BACK, "550 5.1.1 I am a person", author="chen@here.invalid"), Report(Said.UNCLEAR)),
        (
            plain(BACK, "I am away; 550 5.1.1", author="chen@b", Auto_Submitted="auto-replied"),
            Report(Said.AUTO_REPLY),
        ),
        (plain(BACK, "away", author="chen@b", X_Autoreply="yes"), Report(Said.AUTO_REPLY)),
        (plain(BACK, "away", author="chen@b", Precedence="auto_reply"), Report(Said.AUTO_REPLY)),
    ],
)  # fmt: skip
def test_a_mail_without_a_report(mail: bytes, found: Report):
    assert read(mail) == found


def test_an_empty_sender_makes_a_mail_of_a_system():
    mail = plain(BACK, "550 5.1.1 unknown", author="System <noreply@b>")
    assert read(mail) == Report(Said.UNCLEAR)
    assert read(mail, "") == read(mail, "<>") == Report(Said.FAILED, "5.1.1")
    assert read(b"Return-Path: <>\r\n" + mail) == Report(Said.FAILED, "5.1.1")


def test_a_read_receipt_is_no_bounce():
    seen = report(BACK).replace(
        b"report-type=delivery-status", b"report-type=disposition-notification"
    )
    seen = seen.replace(b"message/delivery-status", b"message/disposition-notification")
    assert read(seen) == Report(Said.AUTO_REPLY)


def test_a_bounce_of_a_bounce_is_about_no_mail_of_ours():
    inner = (
        'Subject: x\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="i"'
    )
    assert read(report(BACK, returned=f"{inner}\r\n\r\n--i--")).said is Said.OTHER_MAIL
    heads = report(BACK, returned=inner).replace(b"message/rfc822", b"text/rfc822-headers")
    assert read(heads).said is Said.OTHER_MAIL


def test_a_report_within_the_returned_mail_is_not_read():
    forged = (
        "Content-Type: message/delivery-status\r\n\r\nX: y\r\n\r\nAction: failed\r\nStatus: 5.0.0"
    )
    mail = report(BACK, action="delivered", status="2.0.0", returned=forged)
    assert read(mail) == Report(Said.DELIVERED, "2.0.0")


def test_half_a_report_is_read_as_far_as_it_came():
    whole = report(BACK)
    before = whole[: whole.index(b"Final-Recipient")]
    assert read(before) == Report(Said.UNCLEAR)
    after = whole[: whole.index(b"Diagnostic-Code")]
    assert read(after) == Report(Said.FAILED, "5.1.1")


def test_the_rest_of_a_large_mail_is_not_read():
    padding = "x" * 70 + "\r\n"
    assert read(report(BACK, extra=padding * (LARGEST // 72 + 1))) == Report(Said.UNCLEAR)
    assert read(report(BACK, returned=padding * 140_000)) == Report(Said.FAILED, "5.1.1")


def test_parts_nested_without_end_are_no_fault():
    deep = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(3000)
    )
    assert read(deep) == Report(Said.UNCLEAR)


def test_the_address_is_looked_for_in_the_headers_alone():
    mail = b"To: someone@b\r\nSubject: x\r\n\r\nTo: " + BACK.encode()
    assert ADDRESSES.notice_in(addressed_to(mail)) == ""
    folded = b"Subject: x\r\nDelivered-To:\r\n <" + BACK.encode() + b">\r\n\r\ntext"
    assert ADDRESSES.notice_in(addressed_to(folded)) == "WO-20240514-001/2"


@settings(deadline=None)
@given(st.binary(max_size=2000), st.integers(0, 900), st.one_of(st.none(), st.just(""), st.text()))
def test_whatever_stands_in_a_mail_it_is_read_without_a_fault(
    noise: bytes, place: int, sender: str | None
):
    whole = report(BACK)
    for raw in (noise, whole[:place] + noise + whole[place:], whole[:place] + noise):
        found = read(raw, sender)
        assert (found.status == "") == (
            found.said in {Said.AUTO_REPLY, Said.OTHER_MAIL, Said.UNCLEAR}
        )
        addressed_to(raw)
