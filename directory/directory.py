"""The directory as one value: who belongs where, who sees and may do what, who is asked."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from directory.calendar import TradingCalendar
from directory.organisation import Organisation, OrgSettings, ancestors, within
from directory.people import Account, Grant, GrantReason, Person, held, in_shift, person_index
from directory.roles import (
    READING,
    SIGNING,
    VIEW_BY_GRANT,
    Role,
    check_permission,
    conflicting,
    permissions_of,
)
from directory.roster import (
    ROSTER_EMPTY,
    Absence,
    Duty,
    DutyOverride,
    OnCall,
    Routing,
    RoutingReason,
    Swap,
)
from directory.scopes import Scopes
from directory.watch import Answer, Watch


class AccessReason(StrEnum):
    """Why a person sees an organisation's rows, or does not."""

    OWN_UNIT = "OWN_UNIT"
    BENEATH_OWN_UNIT = "BENEATH_OWN_UNIT"
    VIEW_GRANTED = "VIEW_GRANTED"
    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    VIEW_BY_GRANT_ONLY = "VIEW_BY_GRANT_ONLY"
    UNKNOWN_PERSON = "UNKNOWN_PERSON"
    INACTIVE_PERSON = "INACTIVE_PERSON"


@dataclass(frozen=True, slots=True)
class Access:
    """Whether a person sees an organisation's rows, and why."""

    allowed: bool
    reason: AccessReason


@dataclass(frozen=True, slots=True)
class GrantVerdict:
    """Whether a person may do something, and why."""

    allowed: bool
    reason: GrantReason


Verdict = GrantVerdict


@dataclass(frozen=True)
class Directory:
    """Organisations, people, the roster, and the routing between them. Never changes.

    Attributes:
        organisations: the nodes that were declared; nodes above them exist too, without words.
        people: everybody, in the order of the file.
        duties: the duty roster.
        overrides: one person in place of the roster's, for a time.
        swaps: exchanges of two shifts, agreed or proposed.
        absences: who cannot be called when.
        last_resort: the person asked when nobody else is found; empty for none.
        holidays: region → year → weekdays without trading, beyond the years that ship.
    """

    organisations: tuple[Organisation, ...] = ()
    people: tuple[Person, ...] = ()
    duties: tuple[Duty, ...] = ()
    overrides: tuple[DutyOverride, ...] = ()
    absences: tuple[Absence, ...] = ()
    last_resort: str = ""
    holidays: Mapping[str, Mapping[int, frozenset[date]]] = field(default_factory=dict)
    swaps: tuple[Swap, ...] = ()

    # --- look-ups -------------------------------------------------------------------------------

    @cached_property
    def nodes(self) -> Mapping[str, Organisation]:
        """Every node by path, those above the declared ones included."""
        nodes = {
            path: Organisation(path)
            for organisation in self.organisations
            for path in ancestors(organisation.path)
        }
        nodes.update((organisation.path, organisation) for organisation in self.organisations)
        return nodes

    @cached_property
    def _people(self) -> Mapping[str, Person]:
        return person_index(self.people)

    @cached_property
    def _accounts(self) -> Mapping[Account, Person]:
        return {one: person for person in self.people for one in person.accounts}

    @cached_property
    def _settings(self) -> dict[str, OrgSettings]:
        return {}

    def person(self, person_id: str) -> Person | None:
        """The person with this id."""
        return self._people.get(person_id)

    def person_by_account(self, account: Account) -> Person | None:
        """The person tied to this account in a chat."""
        return self._accounts.get(account)

    def person_by_login(self, login: str) -> Person | None:
        """The person who signs in under `login`."""
        return next((one for one in self.people if (one.login or one.id) == login), None)

    def person_by_email(self, email: str) -> Person | None:
        """The person with this address, whatever its case."""
        wanted = email.casefold()
        return next((p for p in self.people if p.email and p.email.casefold() == wanted), None)

    def settings(self, org: str) -> OrgSettings:
        """The settings in force at `org`; an unknown node has those of its nearest ancestor."""
        known = self._settings.get(org)
        if known is None:
            known = OrgSettings()
            for path in reversed(ancestors(org)):
                node = self.nodes.get(path)
                if node is not None:
                    known = known.patched(node.settings)
            self._settings[org] = known
        return known

    def account_class(self, org: str, code: str) -> str:
        """The class of a ledger account (``receivable``), or empty when nobody defined it."""
        return self.settings(org).accounts.get(code, "")

    def timezone(self, org: str) -> ZoneInfo:
        """The clock on which times at `org` are read."""
        return ZoneInfo(self.settings(org).timezone)

    @cached_property
    def calendar(self) -> TradingCalendar:
        """The shipped trading calendar with this directory's own sessions and years."""
        calendar = TradingCalendar()
        for region, years in self.holidays.items():
            for year, days in years.items():
                calendar = calendar.with_year(region, year, days)
        for organisation in self.organisations:
            for product, sessions in (organisation.settings.sessions or {}).items():
                calendar = calendar.with_sessions(product, sessions, organisation.path)
        return calendar

    def in_shift(self, person: str, at: datetime) -> bool:
        """Whether `at` lies in the person's shift; without a shift always, unknown never."""
        found = self._people.get(person)
        return found is not None and in_shift(found.shift, at, self.timezone(found.unit))

    # --- what a person sees ---------------------------------------------------------------------

    def sees(self, person: str, org: str, at: datetime | None = None) -> Access:
        """Whether the person sees rows of `org`: the own unit, what lies beneath, ``view`` grants.

        Auditors and administrators see by grant alone. `at` bounds the grants in time; without it
        every grant counts that has no end.
        """
        found = self._people.get(person)
        if found is None:
            return Access(allowed=False, reason=AccessReason.UNKNOWN_PERSON)
        if not found.active:
            return Access(allowed=False, reason=AccessReason.INACTIVE_PERSON)
        by_grant_only = bool(VIEW_BY_GRANT.intersection(found.roles))
        if within(org, found.unit) and not by_grant_only:
            own = org == found.unit
            reason = AccessReason.OWN_UNIT if own else AccessReason.BENEATH_OWN_UNIT
            return Access(allowed=True, reason=reason)
        if any(within(org, scope) for scope in _granted_scopes(found, at)):
            return Access(allowed=True, reason=AccessReason.VIEW_GRANTED)
        refused = AccessReason.VIEW_BY_GRANT_ONLY if by_grant_only else AccessReason.OUT_OF_SCOPE
        return Access(allowed=False, reason=refused)

    def visible_scopes(self, person: str, at: datetime | None = None) -> Scopes:
        """The topmost paths the person sees: for ``org = p OR org LIKE p || '/%'`` in SQL.

        They carry who reads: an order about oneself is not shown, and to an account that is
        temporary and nothing else no order at all.
        """
        found = self._people.get(person)
        if found is None or not found.active:
            return Scopes((), matters=False)
        scopes = set(_granted_scopes(found, at))
        if found.unit and not VIEW_BY_GRANT.intersection(found.roles):
            scopes.add(found.unit)
        return Scopes(
            sorted(one for one in scopes if not any(within(one, o) for o in scopes - {one})),
            tuple(dict.fromkeys(one for one in (found.id, found.login) if one)),
            matters=set(found.roles) != {Role.TEMPORARY},
        )

    # --- what a person may do -------------------------------------------------------------------

    def grant_verdict(self, person: str, grant: str, org: str, at: datetime) -> GrantVerdict:
        """Whether roles or grants give the person `grant` at `org`.

        Raises:
            UnknownPermission: when no such code exists.
        """
        check_permission(grant)
        found = self._people.get(person)
        if found is None:
            return GrantVerdict(allowed=False, reason=GrantReason.UNKNOWN_PERSON)
        if not found.active:
            return GrantVerdict(allowed=False, reason=GrantReason.INACTIVE_PERSON)
        if Role.ADMINISTRATOR in found.roles and grant in SIGNING:
            return GrantVerdict(allowed=False, reason=GrantReason.ADMINISTRATOR_CANNOT_SIGN)
        if Role.AUDITOR in found.roles and grant not in READING:
            return GrantVerdict(allowed=False, reason=GrantReason.AUDITOR_READS_ONLY)
        by_role = grant in permissions_of(found.roles)
        if by_role and within(org, found.unit):
            return GrantVerdict(allowed=True, reason=GrantReason.ROLE_PERMITS)
        reason = held(found.grants, grant, org, at)
        if by_role and reason is GrantReason.NOT_GRANTED:
            reason = GrantReason.GRANT_OUT_OF_SCOPE
        return GrantVerdict(allowed=reason is GrantReason.GRANTED, reason=reason)

    def may(self, person: str, permission: str, org: str, at: datetime) -> Verdict:
        """Whether the person may act with `permission` at `org`: the check at every click.

        Raises:
            UnknownPermission: when no such code exists.
        """
        return self.grant_verdict(person, permission, org, at)

    def holders(self, permission: str, org: str, at: datetime) -> tuple[str, ...]:
        """Everybody who may act with `permission` at `org`, in the order of the directory."""
        return tuple(p.id for p in self.people if self.may(p.id, permission, org, at).allowed)

    def role_holders(self, role: Role, org: str) -> tuple[str, ...]:
        """The active people with `role` at the nearest node from `org` upward that has any."""
        for node in ancestors(org):
            found = tuple(
                p.id for p in self.people if p.active and role in p.roles and p.unit == node
            )
            if found:
                return found
        return ()

    def mixed_roles(self) -> Mapping[str, tuple[tuple[Role, Role], ...]]:
        """People who hold roles that should not meet, with the pairs: the list of overrides."""
        return {p.id: pairs for p in self.people if (pairs := conflicting(p.roles))}

    # --- who is asked ---------------------------------------------------------------------------

    @cached_property
    def watch(self) -> Watch:
        """The roster with all that changes it."""
        return Watch(
            duties=self.duties,
            overrides=self.overrides,
            swaps=tuple(swap for swap in self.swaps if swap.agreed),
            absences=self.absences,
            active=frozenset(person.id for person in self.people if person.active),
            timezone=self.timezone,
        )

    def _available(
        self, people: Iterable[str], at: datetime, watch: Watch | None = None
    ) -> tuple[str, ...]:
        wanted = [Answer(one, RoutingReason.ROUTING_LIST) for one in people]
        return tuple(one.person for one in (watch or self.watch).present(wanted, at))

    def _on_call_at(
        self, node: str, role: Role, at: datetime, watch: Watch | None = None
    ) -> OnCall | None:
        found = (watch or self.watch).answering(node, role, at)
        if not found:
            return None
        return OnCall(node, role, tuple(one.person for one in found), found[0].reason)

    def on_call(self, org: str, at: datetime, role: Role = Role.RISK_OFFICER) -> OnCall | None:
        """Who is on call for `role` at the nearest node from `org` upward; nothing when nobody."""
        for node in ancestors(org):
            found = self._on_call_at(node, role, at)
            if found is not None:
                return found
        return None

    def concerned(self, person: str, org: str, at: datetime) -> bool:
        """Whether what `org` decides concerns the person: who sees the unit, or works beneath it.

        Never an account that is temporary and nothing else.
        """
        found = self._people.get(person)
        if found is None or not found.active or set(found.roles) == {Role.TEMPORARY}:
            return False
        return within(found.unit, org) or self.sees(person, org, at).allowed

    def called(self, names: Collection[str]) -> frozenset[str]:
        """The ids of the people whom sources call by one of `names`: their id or their login."""
        return frozenset(one.id for one in self.people if {one.id, one.login} & {*names} - {""})

    def assignees(
        self,
        org: str,
        level: str,
        at: datetime,
        role: Role = Role.RISK_OFFICER,
        *,
        about: Collection[str] = (),
    ) -> Routing:
        """To whom a work order of `level` at `org` goes.

        The nearest node from `org` upward that has somebody decides: its explicit routing list,
        else its roster for `role`, else the deputy. When no node has anybody, the role's holders,
        then the managers, then the last resort. A roster that had nobody reports itself.

        Whom the order is about (`about`, as sources call people) is never named: it goes on to
        who answers in that person's place.
        """
        watch = self.watch
        if about:
            watch = replace(watch, active=watch.active - self.called(about))
        empty = False
        for node in ancestors(org):
            above = "" if node == org else org
            listed = self._available(
                self.nodes[node].routed(level) if node in self.nodes else (), at, watch
            )
            if listed:
                # A unit that names nobody at all is routed above by design; one whose own roster
                # had nobody now is a hole in the night, wherever the order goes instead.
                reports = (ROSTER_EMPTY,) if empty else ()
                return Routing(listed, RoutingReason.ROUTING_LIST, above, reports)
            empty = empty or watch.has_roster(node, role)
            duty = self._on_call_at(node, role, at, watch)
            if duty is not None:
                reports = (ROSTER_EMPTY,) if above else ()
                return Routing(duty.people, duty.reason, above, reports)
        people, reason = self.beyond_roster(org, role, at, watch)
        return Routing(people, reason, org, (ROSTER_EMPTY,))

    def beyond_roster(
        self, org: str, role: Role, at: datetime, watch: Watch | None = None
    ) -> tuple[tuple[str, ...], RoutingReason]:
        """Who is asked when no roster names anybody: role's holders, managers, the last resort."""
        for wanted in (role, Role.MANAGER):
            people = self._available(self.role_holders(wanted, org), at, watch)
            if people:
                return people, RoutingReason.ROLE_HOLDERS
        last = self._available([self.last_resort] if self.last_resort else [], at, watch)
        return last, RoutingReason.LAST_RESORT if last else RoutingReason.NOBODY


def _granted_scopes(person: Person, at: datetime | None) -> tuple[str, ...]:
    def counts(grant: Grant) -> bool:
        if at is None:
            return grant.valid_to is None
        return grant.begun(at) and not grant.ended(at)

    return tuple(g.scope for g in person.grants if g.grant == "view" and g.scope and counts(g))
