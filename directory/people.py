"""People, what they were granted, and their shifts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum

from directory.organisation import within
from directory.roles import Role
from directory.schedule import parse_session

_DAY_MINUTES = 24 * 60
#: Chats in which a person has an account; the keys under which a directory file names them.
CHATS = ("slack", "wecom", "feishu", "dingtalk")
#: Channels that reach a person's number. They cost money and sleep: only a policy that names them
#: has them used.
PHONES = ("sms", "voice")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account in one chat.

    Attributes:
        channel: one of `CHATS`.
        team: the workspace or company in which the user id holds (Slack: team id, WeCom,
            DingTalk: CorpID, Feishu: tenant key).
        user: the user id (Feishu: open_id).
    """

    channel: str
    team: str
    user: str


@dataclass(frozen=True, slots=True)
class Grant:
    """One permission given to one person beyond what the roles say.

    Attributes:
        person: who holds it.
        grant: a code of `directory.roles.PERMISSIONS`.
        scope: the organisation path under which it holds.
        valid_from: first instant, inclusive; ``None`` for always.
        valid_to: last instant, exclusive; ``None`` for ever.
        approved_by: who approved it; empty when it came with the directory file.
    """

    person: str
    grant: str
    scope: str
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    approved_by: str = ""

    def begun(self, at: datetime) -> bool:
        """Whether it had begun at `at`."""
        return self.valid_from is None or self.valid_from <= at

    def ended(self, at: datetime) -> bool:
        """Whether it was over at `at`."""
        return self.valid_to is not None and self.valid_to <= at


@dataclass(frozen=True, slots=True)
class Person:
    """One person or account.

    Attributes:
        id: as events and orders name it.
        name: as people read it; the id when none was given.
        roles: see `directory.roles`.
        unit: the organisation path to which the person belongs; empty reaches nothing.
        grants: permissions beyond the roles'.
        shift: working hours ``22:00-06:00`` on the unit's clock; empty for any time.
        email: address for cards; empty for none.
        phone: number as ``+8613800000000`` (ITU E.164); empty for none. Shown to nobody.
        accounts: in chats, at most one in each, in the order of `CHATS`.
        active: a person who is not may do nothing and is never assigned.
        language: ``zh`` or ``en``.
        login: the name under which the person signs in; empty uses the id.
        mixed_roles_by: who allowed a mix of roles that is refused by default; empty for nobody.
    """

    id: str
    name: str = ""
    roles: tuple[Role, ...] = ()
    unit: str = ""
    grants: tuple[Grant, ...] = ()
    shift: str = ""
    email: str = ""
    phone: str = field(default="", repr=False)
    accounts: tuple[Account, ...] = ()
    active: bool = True
    language: str = "zh"
    login: str = ""
    mixed_roles_by: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.id)

    def account(self, channel: str) -> Account | None:
        """The account in this chat; None while unlinked."""
        return next((one for one in self.accounts if one.channel == channel), None)

    @property
    def temporary(self) -> bool:
        """Whether the account is a temporary one."""
        return Role.TEMPORARY in self.roles


def is_number(text: str) -> bool:
    """Whether this is a telephone number with its country (ITU E.164)."""
    return _NUMBER.fullmatch(text) is not None


def masked(number: str) -> str:
    """A telephone number as it may be shown: its beginning, and as many dots as digits follow."""
    return number[:_SHOWN] + "\N{BULLET}" * len(number[_SHOWN:])


def in_shift(shift: str, at: datetime, timezone: tzinfo) -> bool:
    """Whether `at` lies in a daily shift; its start is inside, its end is not.

    An empty shift has no bounds. ``22:00-06:00`` crosses midnight.

    Raises:
        ValueError: when `shift` is no pair of times of day.
    """
    if not shift:
        return True
    start, end = parse_session(shift)
    local = at.astimezone(timezone)
    minute = local.hour * 60 + local.minute
    return start <= minute < end or start <= minute + _DAY_MINUTES < end


class GrantReason(StrEnum):
    """Why a permission is there, or is not."""

    ROLE_PERMITS = "ROLE_PERMITS"
    GRANTED = "GRANTED"
    NOT_GRANTED = "NOT_GRANTED"
    GRANT_OUT_OF_SCOPE = "GRANT_OUT_OF_SCOPE"
    GRANT_NOT_BEGUN = "GRANT_NOT_BEGUN"
    GRANT_EXPIRED = "GRANT_EXPIRED"
    UNKNOWN_PERSON = "UNKNOWN_PERSON"
    INACTIVE_PERSON = "INACTIVE_PERSON"
    ADMINISTRATOR_CANNOT_SIGN = "ADMINISTRATOR_CANNOT_SIGN"
    AUDITOR_READS_ONLY = "AUDITOR_READS_ONLY"


def held(grants: tuple[Grant, ...], code: str, org: str, at: datetime) -> GrantReason:
    """What a person's grants say about `code` at `org`: the most favourable reason."""
    order = (
        GrantReason.NOT_GRANTED,
        GrantReason.GRANT_OUT_OF_SCOPE,
        GrantReason.GRANT_NOT_BEGUN,
        GrantReason.GRANT_EXPIRED,
        GrantReason.GRANTED,
    )
    best = 0
    for grant in grants:
        if grant.grant != code:
            continue
        if not within(org, grant.scope):
            rank = 1
        elif not grant.begun(at):
            rank = 2
        elif grant.ended(at):
            rank = 3
        else:
            rank = 4
        best = max(best, rank)
    return order[best]


def person_index(people: tuple[Person, ...]) -> Mapping[str, Person]:
    """People by id."""
    return {person.id: person for person in people}
