"""What the pages of this room show."""

from dataclasses import dataclass

from integrations.wording import CardText


@dataclass(frozen=True, slots=True)
class LinkPage:
    """The page that ties a chat account.

    Attributes:
        state: ``ask``, ``done``, ``gone`` (used or over) or ``taken``.
        person: who is signed in.
        account: team and user of the chat.
        said: what became of the act that waited.
    """

    state: str
    person: str = ""
    account: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class MailPage:
    """The page behind a mail's link.

    Attributes:
        state: ``show``, ``done``, ``refused`` or ``gone``.
        card: the order as it stands; None when there is nothing to show.
        token: of the link.
        nonce: goes with the form; worth nothing without the cookie.
        verbs: what can be asked: verb and label.
        reasons: code and label, for verbs that need one.
        signed_in: name of the person signed in, when it is the one to whom the mail was written.
        said: what became of the act.
        tries_left: for the six digits.
    """

    state: str
    card: CardText | None = None
    token: str = ""
    nonce: str = ""
    verbs: tuple[tuple[str, str], ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    signed_in: str = ""
    said: str = ""
    tries_left: int = 0
