"""The tables of this room, for the migration runner's metadata."""

from service.inbound.tables import AccountLinkRow, CardCodeRow, MailTryRow
from service.security.tables import AttemptRow, CredentialRow, SessionRow, TokenRow

__all__ = [
    "AccountLinkRow",
    "AttemptRow",
    "CardCodeRow",
    "CredentialRow",
    "MailTryRow",
    "SessionRow",
    "TokenRow",
]
