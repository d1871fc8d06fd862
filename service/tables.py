"""The tables of this room, for the migration runner's metadata."""

from service.inbound.tables import AccountLinkRow, MailTryRow
from service.security.tables import AttemptRow, CredentialRow, SessionRow, TokenRow

__all__ = [
    "AccountLinkRow",
    "AttemptRow",
    "CredentialRow",
    "MailTryRow",
    "SessionRow",
    "TokenRow",
]
