"""The demo's inbox: where mail and chat cards land, and can be clicked."""

from dataclasses import dataclass
from datetime import datetime

from service.web.views.parts import Act, Facet, Link


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One notice by its first message; `channel` is ``mail`` or ``chat``.

    Attributes:
        also: the same notice to others and by other channels.
    """

    id: str
    channel: str
    to: str
    subject: str
    at: datetime
    url: str
    level: str = ""
    current: bool = False
    unread: bool = False
    also: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageDetail:
    """The picked message.

    Attributes:
        lines: the card's lines, or the mail's text by lines.
        acts: the card's buttons; pressed as the person to whom it was sent.
        result: what replaced the buttons (李敏 10:21 同意；还需 1 人).
        updates: how often the card was updated.
    """

    line: MessageLine
    sender: str
    lines: tuple[str, ...]
    acts: tuple[Act, ...] = ()
    result: str = ""
    updates: int = 0


@dataclass(frozen=True, slots=True)
class InboxPage:
    """The page; `people` filters by recipient."""

    people: tuple[Facet, ...]
    messages: tuple[MessageLine, ...]
    picked: MessageDetail | None = None
