"""Subjects of mails that keep their spaces.

The standard library folds a header word by word and loses the space between two words of which one
is encoded (``wrong account · 华东`` arrives as ``wrong account  ·华东``). A subject that is not
plain ASCII is encoded as a whole here, spaces included.
"""

from __future__ import annotations

from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UniqueUnstructuredHeader
from email.policy import EmailPolicy, Policy, default
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import EmailMessage


class _Subject(UniqueUnstructuredHeader, BaseHeader):  # type: ignore[misc] # as the registry builds it
    def fold(self, *, policy: Policy) -> str:
        """The header line, folded (RFC 2047)."""
        text = str(self)
        charset = "us-ascii" if text.isascii() else "utf-8"
        folded = Header(text, charset, header_name="Subject").encode(linesep=policy.linesep)
        return f"Subject: {folded}{policy.linesep}"


def _policy() -> EmailPolicy[EmailMessage]:
    registry = HeaderRegistry()
    registry.map_to_type("subject", _Subject)
    return default.clone(header_factory=registry)


#: For every message that is sent.
SENDING = _policy()
