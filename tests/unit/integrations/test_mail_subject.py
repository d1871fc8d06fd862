"""A subject arrives as it was written: spaces between scripts, at any length."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integrations.mail_subject import SENDING

WRITTEN = "[RED] Gain booked to the wrong account of the ledger · 华东钢铁/财务部 · WO-1 · waits"
WORDS = st.lists(
    st.text(st.sampled_from("abcWO-20241230·华东钢铁【】[]/=?_ü"), min_size=1, max_size=20),
    min_size=1, max_size=20,
)  # fmt: skip


def arrived(subject: str, how: policy.EmailPolicy | None = None) -> str:
    mail = EmailMessage(SENDING)
    mail["Subject"] = subject
    mail.set_content("x")
    sent = mail.as_bytes(policy=how or mail.policy)
    assert max(map(len, sent.splitlines())) <= 78
    return str(message_from_bytes(sent, policy=policy.default)["Subject"])


@settings(deadline=None)
@example(WRITTEN.split(" "))
@given(WORDS)
def test_a_subject_keeps_its_spaces(words: list[str]) -> None:
    subject = " ".join(words)
    if "=?" not in subject:  # what looks encoded already is decoded by who reads it
        assert arrived(subject) == subject


def test_the_way_to_the_server_keeps_them_too() -> None:
    assert arrived(WRITTEN, SENDING.clone(linesep="\r\n", max_line_length=76)) == WRITTEN


@pytest.mark.parametrize("forged", ["a\r\nBcc: x@y.z", "a\nb"])
def test_a_line_break_makes_no_header(forged: str) -> None:
    mail = EmailMessage(SENDING)
    with pytest.raises(ValueError, match="linefeed"):
        mail["Subject"] = forged
