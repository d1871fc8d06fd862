"""Organisations, people, roles, grants, rosters, and the trading calendar."""

from directory.calendar import TradingCalendar, TradingSession
from directory.directory import Access, AccessReason, Directory, GrantVerdict, Verdict
from directory.dumping import dump_directory
from directory.errors import (
    DirectoryError,
    InvalidDirectory,
    SlackAccountTaken,
    UnknownPermission,
    UnknownPerson,
    UnknownProduct,
    UnknownYear,
)
from directory.loading import directory_from_mapping, load_directory
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
from directory.setup import directory_from_setup
from directory.writing import (
    directory_version,
    grant,
    link_slack,
    merge,
    read_directory,
    revoke,
    save_directory,
    set_active,
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
    "InvalidDirectory",
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
    "SlackAccountTaken",
    "TradingCalendar",
    "TradingSession",
    "UnknownPermission",
    "UnknownPerson",
    "UnknownProduct",
    "UnknownYear",
    "Verdict",
    "ancestors",
    "directory_from_mapping",
    "directory_from_setup",
    "directory_version",
    "dump_directory",
    "grant",
    "link_slack",
    "load_directory",
    "merge",
    "read_directory",
    "revoke",
    "save_directory",
    "set_active",
    "within",
]
