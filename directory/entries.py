"""People and roster lines as a directory file writes them."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from directory.organisation import is_path
from directory.people import CHATS, Account, Grant, Person, is_number, masked
from directory.reading import FieldReader
from directory.roles import PERMISSIONS, Role, conflicting
from directory.roster import Absence, Duty, DutyOverride, Rotation, Swap, SwapSide
from directory.schedule import parse_session
from store.problems import did_you_mean

_T = TypeVar("_T")

_PERSON = (
    "id",
    "name",
    "role",
    "roles",
    "unit",
    "grants",
    "shift",
    "email",
    "phone",
    *CHATS,
    "active",
    "language",
    "login",
    "mixed_roles_by",
)
_GRANT = ("grant", "scope", "from", "to", "approved_by")
_DUTY = ("org", "role", "people", "deputies", "shift", "weekdays", "from", "to", "rotate")
_OVERRIDE = ("org", "role", "person", "from", "to", "instead_of", "by", "reason", "id")
_SWAP = ("id", "org", "role", "first", "second", "by", "reason", "consents", "confirmed_by")
_ABSENCE = ("person", "from", "to", "deputy", "by", "reason", "id")
_LANGUAGES = ("zh", "en")
_NO_TIME = datetime.min.replace(tzinfo=UTC)
"""Stands in an entry that is left out because its time was reported."""


class EntryReader(FieldReader):
    """Reads people and roster lines against the tree and the people read before.

    Attributes:
        tree: all organisation paths.
        known: the ids of all people.
    """

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.tree: set[str] = set()
        self.known: set[str] = set()
        self._logins: dict[str, str] = {}
        self._accounts: dict[tuple[str, str, str], str] = {}

    def path(self, node: Mapping[str, Any], key: str, value: str) -> str:
        """`value`, reported when it is no organisation path."""
        if value and not is_path(value):
            self.report("BAD_PATH", node, key, found=value, allowed="集团/子公司/条线")
        return value

    # --- people ---------------------------------------------------------------------------------

    def person(self, entry: Mapping[str, Any]) -> Person:
        """One entry of ``people``."""
        self.mapping(entry, _PERSON, "people")
        person_id = self.needed(entry, "id")
        unit = self.path(entry, "unit", self.text(entry, "unit"))
        if unit and unit not in self.tree:
            hint = did_you_mean(unit, self.tree)
            self.report("UNKNOWN_UNIT", entry, "unit", found=unit, hint=hint)
        roles = self._roles(entry)
        mixed_by = self.text(entry, "mixed_roles_by")
        for one, other in conflicting(roles):
            self.report(
                "ROLES_CONFLICT",
                entry,
                "roles" if "roles" in entry else "role",
                found=f"{one} + {other}",
                severity="warning" if mixed_by else "error",
            )
        active = self.flag(entry, "active")
        language = self.text(entry, "language", "zh")
        if language not in _LANGUAGES:
            self.report("UNKNOWN_LANGUAGE", entry, "language", found=language, allowed="zh, en")
        login = self.text(entry, "login")
        accounts = tuple(self._accounts_of(entry))
        self._once(entry, "login", login or person_id, self._logins, person_id)
        for account in accounts:
            known = (account.channel, account.team, account.user)
            self._once(entry, account.channel, known, self._accounts, person_id)
        return Person(
            id=person_id,
            name=self.text(entry, "name"),
            roles=roles,
            unit=unit,
            grants=tuple(self._grants(entry, person_id, unit)),
            shift=self._shift(entry),
            email=self.text(entry, "email"),
            phone=self._phone(entry),
            accounts=accounts,
            active=active is not False,
            language=language,
            login=login,
            mixed_roles_by=mixed_by,
        )

    def _once(
        self, entry: Mapping[str, Any], key: str, value: _T, seen: dict[_T, str], owner: str
    ) -> None:
        """Report a login or account that another person read before has too."""
        if seen.setdefault(value, owner) != owner:
            found = "/".join(value[1:]) if isinstance(value, tuple) else value
            self.report("HELD_BY_ANOTHER", entry, key if key in entry else "id", found=found)

    def _role(self, node: Mapping[str, Any], key: str, value: str) -> Role | None:
        try:
            return Role(value)
        except ValueError:
            known = [role.value for role in Role]
            self.report(
                "UNKNOWN_ROLE",
                node,
                key,
                found=value,
                allowed=", ".join(known),
                hint=did_you_mean(value, known),
            )
            return None

    def _roles(self, entry: Mapping[str, Any]) -> tuple[Role, ...]:
        named = [(key, text) for key in ("role", "roles") for text in self.texts(entry, key)]
        found = (self._role(entry, key, text) for key, text in named)
        return tuple(dict.fromkeys(role for role in found if role is not None))

    def _grants(self, entry: Mapping[str, Any], person: str, unit: str) -> list[Grant]:
        grants: list[Grant] = []
        for holder, index, item in self.items(entry, "grants"):
            node: Mapping[str, Any] = {"grant": item} if isinstance(item, str) else item
            if not isinstance(item, str) and self.mapping(node, _GRANT, "grants") is None:
                continue
            code = self.needed(node, "grant")
            if code and code not in PERMISSIONS:
                self.report(
                    "UNKNOWN_PERMISSION",
                    holder,
                    index,
                    field="grants",
                    found=code,
                    hint=did_you_mean(code, PERMISSIONS),
                )
            grants.append(
                Grant(
                    person=person,
                    grant=code,
                    scope=self.path(node, "scope", self.text(node, "scope", unit)),
                    valid_from=self.instant(node, "from"),
                    valid_to=self.instant(node, "to"),
                    approved_by=self.text(node, "approved_by"),
                )
            )
        return grants

    def _shift(self, entry: Mapping[str, Any]) -> str:
        shift = self.text(entry, "shift")
        try:
            if shift:
                parse_session(shift)
        except ValueError:
            self.report("BAD_SHIFT", entry, "shift", found=shift, allowed="22:00-06:00")
        return shift

    def _phone(self, entry: Mapping[str, Any]) -> str:
        phone = self.text(entry, "phone")
        if phone and not is_number(phone):
            self.report("BAD_PHONE", entry, "phone", found=masked(phone), allowed="+8613800000000")
        return phone

    def _accounts_of(self, entry: Mapping[str, Any]) -> Iterator[Account]:
        for channel in CHATS:
            if entry.get(channel) is None:
                continue
            node = self.mapping(entry[channel], ("team", "user"), channel)
            if node is not None:
                yield Account(channel, self.needed(node, "team"), self.needed(node, "user"))

    def is_known(
        self, node: Mapping[str, Any], key: str, person: str, severity: str = "error"
    ) -> bool:
        """Whether somebody has this id; reported when not."""
        if person in self.known:
            return True
        hint = did_you_mean(person, self.known)
        self.report("UNKNOWN_PERSON", node, key, found=person, hint=hint, severity=severity)
        return False

    # --- roster ---------------------------------------------------------------------------------

    def _org(self, entry: Mapping[str, Any]) -> str:
        org = self.needed(entry, "org")
        if org and org not in self.tree:
            hint = did_you_mean(org, self.tree)
            self.report("UNKNOWN_UNIT", entry, "org", found=org, hint=hint)
        return org

    def _duty_role(self, entry: Mapping[str, Any]) -> Role:
        role = self._role(entry, "role", self.text(entry, "role", Role.RISK_OFFICER.value))
        return role or Role.RISK_OFFICER

    def duty(self, entry: Mapping[str, Any]) -> Duty:
        """One line of ``roster``."""
        self.mapping(entry, _DUTY, "roster")
        people, deputies = self.texts(entry, "people"), self.texts(entry, "deputies")
        if not people:
            self.report("FIELD_MISSING", entry, field="people")
        for key, listed in (("people", people), ("deputies", deputies)):
            for one in listed:
                self.is_known(entry, key, one)
        weekdays = self.texts(entry, "weekdays")
        if any(day not in "1234567" or len(day) != 1 for day in weekdays):
            self.report("BAD_WEEKDAY", entry, "weekdays", found=", ".join(weekdays), allowed="1-7")
            weekdays = ()
        rotate = self.text(entry, "rotate", Rotation.NONE.value)
        if rotate not in list(Rotation):
            allowed = ", ".join(Rotation)
            self.report("UNKNOWN_ROTATION", entry, "rotate", found=rotate, allowed=allowed)
            rotate = Rotation.NONE.value
        return Duty(
            org=self._org(entry),
            role=self._duty_role(entry),
            people=people,
            deputies=deputies,
            shift=self._shift(entry),
            weekdays=tuple(int(day) for day in weekdays),
            from_day=self.day(entry, "from"),
            to_day=self.day(entry, "to"),
            rotate=Rotation(rotate),
        )

    def _window(self, entry: Mapping[str, Any]) -> tuple[datetime, datetime]:
        self.needed(entry, "from")
        self.needed(entry, "to")
        start, end = self.instant(entry, "from"), self.instant(entry, "to")
        if start and end and end <= start:
            self.report("EMPTY_PERIOD", entry, "to", found=entry["to"])
        return start or _NO_TIME, end or _NO_TIME

    def known_person(self, entry: Mapping[str, Any], key: str = "person") -> str:
        """The person named in an entry, reported when nobody has that id."""
        person = self.needed(entry, key)
        if person:
            self.is_known(entry, key, person)
        return person

    def _another(self, entry: Mapping[str, Any], key: str, person: str) -> str:
        """Another person named at `key`, or nobody."""
        other = self.text(entry, key)
        if other and self.is_known(entry, key, other) and other == person:
            self.report("SAME_PERSON", entry, key, found=other)
        return other

    def override(self, entry: Mapping[str, Any]) -> DutyOverride:
        """One line of ``overrides``."""
        self.mapping(entry, _OVERRIDE, "overrides")
        person = self.known_person(entry)
        org, role = self._org(entry), self._duty_role(entry)
        return DutyOverride(
            org,
            role,
            person,
            *self._window(entry),
            instead_of=self._another(entry, "instead_of", person),
            by=self.text(entry, "by"),
            reason=self.text(entry, "reason"),
            id=self.text(entry, "id"),
        )

    def swap(self, entry: Mapping[str, Any]) -> Swap:
        """One line of ``swaps``."""
        self.mapping(entry, _SWAP, "swaps")
        first, second = self._side(entry, "first"), self._side(entry, "second")
        if first.person and first.person == second.person:
            self.report("SAME_PERSON", entry, "second", found=second.person)
        return Swap(
            id=self.needed(entry, "id"),
            org=self._org(entry),
            role=self._duty_role(entry),
            first=first,
            second=second,
            by=self.needed(entry, "by"),
            reason=self.text(entry, "reason"),
            consents=self.texts(entry, "consents"),
            confirmed_by=self.text(entry, "confirmed_by"),
        )

    def _side(self, entry: Mapping[str, Any], key: str) -> SwapSide:
        node = self.mapping(entry.get(key), ("person", "from", "to"), key)
        if node is None:
            return SwapSide("", _NO_TIME, _NO_TIME)
        return SwapSide(self.known_person(node), *self._window(node))

    def absence(self, entry: Mapping[str, Any]) -> Absence:
        """One line of ``absences``."""
        self.mapping(entry, _ABSENCE, "absences")
        person = self.known_person(entry)
        return Absence(
            person,
            *self._window(entry),
            deputy=self._another(entry, "deputy", person),
            by=self.text(entry, "by"),
            reason=self.text(entry, "reason"),
            id=self.text(entry, "id"),
        )
