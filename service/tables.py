"""The tables of this room, for the migration runner's metadata."""

from service.inbound.tables import MailTryRow, SlackLinkRow
from service.security.tables import AttemptRow, CredentialRow, SessionRow, TokenRow

__all__ = [
    "AttemptRow",
    "CredentialRow",
    "MailTryRow",
    "SessionRow",
    "SlackLinkRow",
    "TokenRow",
]
