"""Organisations, people, roles, grants, rosters, and the trading calendar."""

from directory.calendar import TradingCalendar, TradingSession
from directory.directory import Access, AccessReason, Directory, GrantVerdict, Verdict
from directory.errors import (
    DirectoryError,
    UnknownPermission,
    UnknownPerson,
    UnknownProduct,
    UnknownYear,
)
from directory.organisation import Organisation, OrgSettings, SettingsPatch, ancestors, within
from directory.people import Grant, GrantReason, Person
from directory.roles import PERMISSIONS, Office, Role
from directory.roster import (
    ROSTER_EMPTY,
    Absence,
    Duty,
    DutyOverride,
    OnCall,
    Rotation,
    Routing,
    RoutingReason,
)

__all__ = [
    "PERMISSIONS",
    "ROSTER_EMPTY",
    "Absence",
    "Access",
    "AccessReason",
    "Directory",
    "DirectoryError",
    "Duty",
    "DutyOverride",
    "Grant",
    "GrantReason",
    "GrantVerdict",
    "Office",
    "OnCall",
    "OrgSettings",
    "Organisation",
    "Person",
    "Role",
    "Rotation",
    "Routing",
    "RoutingReason",
    "SettingsPatch",
    "TradingCalendar",
    "TradingSession",
    "UnknownPermission",
    "UnknownPerson",
    "UnknownProduct",
    "UnknownYear",
    "Verdict",
    "ancestors",
    "within",
]
