"""Where mails come back to, as the settings have it."""

from integrations.mail_return import ReturnAddresses
from integrations.mailbox import MailboxAddress
from service.settings import Settings
from trail.keys import Keys


def returns_of(settings: Settings, keys: Keys) -> ReturnAddresses | None:
    """Makes and reads the return addresses; None when nobody reads what comes back."""
    if not settings.bounce_address:
        return None
    return ReturnAddresses(settings.bounce_address, keys.mail)


def mailbox_of(settings: Settings) -> MailboxAddress | None:
    """The mailbox that mails come back to; None when there is none, or a listener takes them."""
    if not settings.bounce_imap_host:
        return None
    return MailboxAddress(
        host=settings.bounce_imap_host,
        port=settings.bounce_imap_port,
        user=settings.bounce_imap_user,
        password=settings.bounce_imap_password.get_secret_value(),
        folder=settings.bounce_imap_folder,
        timeout_s=settings.smtp_timeout_s,
    )
