"""The catalogue of roles, offices and permissions, and which roles may not meet in one person."""

from collections.abc import Iterable
from enum import StrEnum
from itertools import combinations

from directory.errors import UnknownPermission
from store.problems import did_you_mean


class Office(StrEnum):
    """On which side of the Chinese wall a role works; ``none`` stands beside it."""

    FRONT = "front"
    MIDDLE = "middle"
    BACK = "back"
    NONE = "none"


class Role(StrEnum):
    """The roles a person can hold. What each may do by itself: `permissions_of`."""

    TRADER = "trader"
    RISK_OFFICER = "risk_officer"
    SETTLEMENT = "settlement"
    COMPLIANCE_EDITOR = "compliance_editor"
    MANAGER = "manager"
    AUDITOR = "auditor"
    OPERATIONS = "operations"
    ADMINISTRATOR = "administrator"
    TEMPORARY = "temporary"


OFFICES = {
    Role.TRADER: Office.FRONT,
    Role.RISK_OFFICER: Office.MIDDLE,
    Role.SETTLEMENT: Office.BACK,
    Role.COMPLIANCE_EDITOR: Office.MIDDLE,
    Role.MANAGER: Office.NONE,
    Role.AUDITOR: Office.NONE,
    Role.OPERATIONS: Office.NONE,
    Role.ADMINISTRATOR: Office.NONE,
    Role.TEMPORARY: Office.NONE,
}

_READ = frozenset({"view", "book.read", "log.read", "report.read", "rules.read", "trail.read"})
_WORK = frozenset({"order.acknowledge", "order.note", "order.open", "order.resolve"})
_ASK = frozenset({"approval.request", "grant.request"})

PERMISSIONS = frozenset(
    _READ
    | _WORK
    | _ASK
    | {
        "alert.silence",  # keep an alert quiet for a time
        "alert.triage",  # confirm, dismiss, merge
        "approval.delegate",
        "approval.sign",
        "audit.write",  # samples, marks and findings in the audit workspace
        "detect.switch",  # put a model into or out of service
        "directory.write",
        "draft",  # prepare a trade without effect
        "fund.transfer",
        "fund.transfer.cross_dept",  # move money between departments
        "grant.approve",
        "import.write",  # bring in positions, prices, contracts
        "limit.change",
        "order.close",
        "order.create",  # commit a trade
        "order.override",  # close against the guard
        "order.reassign",
        "order.snooze",
        "order.submit",  # send a trade onwards
        "roster.write",  # change who is on call
        "rules.publish",
        "rules.write",
        "settle.sign",
        "settle.write",
        "system.operate",
        "trail.export",
    }
)
"""Every code that `may` and a grant can name. ``order.create`` and ``order.submit`` are trades;
the other ``order.*`` act on a work order."""

_DEFAULTS: dict[Role, frozenset[str]] = {
    Role.TRADER: _READ
    | _ASK
    | {"draft", "order.create", "order.submit", "order.acknowledge", "order.note", "fund.transfer"},
    Role.RISK_OFFICER: _READ
    | _WORK
    | _ASK
    | {
        "alert.silence",
        "alert.triage",
        "approval.delegate",
        "approval.sign",
        "import.write",
        "order.close",
        "order.reassign",
        "order.snooze",
    },
    Role.SETTLEMENT: _READ
    | _WORK
    | _ASK
    | {"fund.transfer", "import.write", "order.close", "settle.sign", "settle.write"},
    Role.COMPLIANCE_EDITOR: _READ | _ASK | {"order.note", "rules.write", "rules.publish"},
    Role.MANAGER: _READ
    | _WORK
    | _ASK
    | {
        "alert.silence",
        "alert.triage",
        "approval.delegate",
        "approval.sign",
        "grant.approve",
        "limit.change",
        "order.close",
        "order.override",
        "order.reassign",
        "order.snooze",
        "roster.write",
        "rules.publish",
        "settle.sign",
        "trail.export",
    },
    Role.AUDITOR: _READ | {"audit.write", "trail.export"},
    Role.OPERATIONS: _READ
    | _WORK
    | _ASK
    | {"alert.triage", "import.write", "order.close", "order.snooze", "system.operate"},
    Role.ADMINISTRATOR: frozenset(
        {
            "directory.write",
            "roster.write",
            "system.operate",
            "log.read",
            "rules.read",
            "grant.request",
            "view",
        }
    ),
    Role.TEMPORARY: frozenset(),
}

SIGNING = frozenset(
    {"approval.sign", "grant.approve", "order.close", "order.override", "settle.sign"}
)
"""What an administrator can never do, whatever grants say."""

READING = _READ | {"audit.write", "trail.export"}
"""All that an auditor can ever do, whatever grants say."""

VIEW_BY_GRANT = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})
"""Roles that see business rows only where a ``view`` grant says so."""


def permissions_of(roles: Iterable[Role]) -> frozenset[str]:
    """What these roles may do without any grant."""
    return frozenset().union(*(_DEFAULTS[role] for role in roles))


def check_permission(permission: str) -> None:
    """Refuse a code that is not in the catalogue.

    Raises:
        UnknownPermission: naming the nearest known code.
    """
    if permission not in PERMISSIONS:
        raise UnknownPermission(permission, did_you_mean(permission, PERMISSIONS))


def conflicting(roles: Iterable[Role]) -> tuple[tuple[Role, Role], ...]:
    """The pairs of roles that one person should not hold together.

    Front office with middle or back office; an auditor or administrator with anything else.
    """
    held = sorted(set(roles))
    pairs: list[tuple[Role, Role]] = []
    for one, other in combinations(held, 2):
        offices = {OFFICES[one], OFFICES[other]}
        mixed = Office.FRONT in offices and offices & {Office.MIDDLE, Office.BACK}
        if mixed or {one, other} & VIEW_BY_GRANT:
            pairs.append((one, other))
    return tuple(pairs)
