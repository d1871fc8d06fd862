"""Organisations, people, roles, grants, rosters, and the trading calendar."""

from directory.calendar import TradingCalendar, TradingSession
from directory.coverage import (
    Gap,
    Stretch,
    WhoIsOnCall,
    conflicts,
    coverage,
    escalates,
    who_is_on_call,
)
from directory.directory import Access, AccessReason, Directory, GrantVerdict, Verdict
from directory.dumping import dump_directory
from directory.duty_changes import (
    RosterOutcome,
    add_absence,
    add_override,
    agree_swap,
    propose_swap,
    withdraw,
)
from directory.errors import (
    AccountTaken,
    DirectoryError,
    InvalidDirectory,
    UnknownPermission,
    UnknownPerson,
    UnknownProduct,
    UnknownYear,
)
from directory.loading import directory_from_mapping, load_directory
from directory.organisation import Organisation, OrgSettings, SettingsPatch, ancestors, within
from directory.people import CHATS, PHONES, Account, Grant, GrantReason, Person
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
    Swap,
    SwapSide,
)
from directory.scopes import Scopes
from directory.setup import directory_from_setup
from directory.watch import Answer
from directory.writing import (
    directory_version,
    grant,
    link_account,
    merge,
    read_directory,
    revoke,
    save_directory,
    set_active,
)

__all__ = [
    "CHATS",
    "PERMISSIONS",
    "PHONES",
    "ROSTER_EMPTY",
    "Absence",
    "Access",
    "AccessReason",
    "Account",
    "AccountTaken",
    "Answer",
    "Directory",
    "DirectoryError",
    "Duty",
    "DutyOverride",
    "Gap",
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
    "RosterOutcome",
    "Rotation",
    "Routing",
    "RoutingReason",
    "Scopes",
    "SettingsPatch",
    "Stretch",
    "Swap",
    "SwapSide",
    "TradingCalendar",
    "TradingSession",
    "UnknownPermission",
    "UnknownPerson",
    "UnknownProduct",
    "UnknownYear",
    "Verdict",
    "WhoIsOnCall",
    "add_absence",
    "add_override",
    "agree_swap",
    "ancestors",
    "conflicts",
    "coverage",
    "directory_from_mapping",
    "directory_from_setup",
    "directory_version",
    "dump_directory",
    "escalates",
    "grant",
    "link_account",
    "load_directory",
    "merge",
    "propose_swap",
    "read_directory",
    "revoke",
    "save_directory",
    "set_active",
    "who_is_on_call",
    "withdraw",
    "within",
]
