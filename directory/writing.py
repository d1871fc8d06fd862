"""The directory in the database: saved, read back, and changed person by person."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

import trail
from directory.directory import Directory
from directory.dumping import (
    absence_document,
    dump_directory,
    duty_document,
    holidays_document,
    organisation_document,
    override_document,
    swap_document,
)
from directory.errors import AccountTaken, InvalidDirectory, UnknownPerson
from directory.loading import directory_from_mapping
from directory.people import Account, Grant, Person
from directory.roles import check_permission
from directory.tables import (
    AccountRow,
    GrantRow,
    OrganisationRow,
    PersonRow,
    RosterRow,
    SettingRow,
)
from store import UnitOfWork
from store.schema import table

_ORGANISATION = table(str(OrganisationRow.__tablename__))
_PERSON = table(str(PersonRow.__tablename__))
_ACCOUNT = table(str(AccountRow.__tablename__))
_GRANT = table(str(GrantRow.__tablename__))
_ROSTER = table(str(RosterRow.__tablename__))
_SETTING = table(str(SettingRow.__tablename__))


def merge(first: Directory, second: Directory) -> Directory:
    """Both directories in one; where both name a node, person or year, `second` holds.

    Grants that somebody approved stay with a person whom `second` names again.
    """
    organisations = {o.path: o for o in (*first.organisations, *second.organisations)}
    people = {person.id: person for person in first.people}
    for person in second.people:
        before = people.get(person.id)
        approved = tuple(
            g for g in (before.grants if before else ()) if g.approved_by and g not in person.grants
        )
        people[person.id] = replace(person, grants=person.grants + approved)
    years = {
        region: {**first.holidays.get(region, {}), **second.holidays.get(region, {})}
        for region in (*first.holidays, *second.holidays)
    }
    return Directory(
        organisations=tuple(organisations.values()),
        people=tuple(people.values()),
        duties=tuple(dict.fromkeys((*first.duties, *second.duties))),
        overrides=tuple(dict.fromkeys((*first.overrides, *second.overrides))),
        swaps=tuple({swap.id: swap for swap in (*first.swaps, *second.swaps)}.values()),
        absences=tuple(dict.fromkeys((*first.absences, *second.absences))),
        last_resort=second.last_resort or first.last_resort,
        holidays=years,
    )


def directory_version(connection: Connection) -> str:
    """A word that changes with every change of the directory; empty before the first."""
    row = connection.execute(select(_SETTING.c.value).where(_SETTING.c.name == "version")).first()
    return str(row.value) if row else ""


def new_version(uow: UnitOfWork) -> None:
    """Move the version: every change of the directory ends with this."""
    before = directory_version(uow.connection)
    uow.execute(delete(_SETTING).where(_SETTING.c.name == "version"))
    uow.execute(insert(_SETTING).values(name="version", value=str(int(before or 0) + 1)))


def _insert_all(uow: UnitOfWork, target: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        uow.execute(insert(target), rows)


def save_directory(uow: UnitOfWork, directory: Directory) -> bool:
    """Make the database hold exactly this directory; False, and no record, when it did already.

    Raises:
        InvalidDirectory: when the directory could not be written to a file and read back, such as
            a person in a unit that is not in the tree.
    """
    document = dump_directory(directory)
    again, problems = directory_from_mapping(document)
    if again != directory:
        raise InvalidDirectory(problems)
    if read_directory(uow.connection) == directory:
        return False
    for target in (_ORGANISATION, _PERSON, _ACCOUNT, _GRANT, _ROSTER):
        uow.execute(delete(target))
    uow.execute(delete(_SETTING).where(_SETTING.c.name != "version"))
    _insert_all(
        uow,
        _ORGANISATION,
        [
            {"path": o.path, "position": position, "document": organisation_document(o)}
            for position, o in enumerate(directory.organisations)
        ],
    )
    _insert_all(uow, _PERSON, [_person_row(n, p) for n, p in enumerate(directory.people)])
    accounts = [_account_row(p.id, one) for p in directory.people for one in p.accounts]
    _insert_all(uow, _ACCOUNT, accounts)
    _insert_all(uow, _GRANT, [_grant_row(g) for p in directory.people for g in p.grants])
    lines = [
        *(("roster", duty_document(duty)) for duty in directory.duties),
        *(("overrides", override_document(swap)) for swap in directory.overrides),
        *(("swaps", swap_document(swap)) for swap in directory.swaps),
        *(("absences", absence_document(absence)) for absence in directory.absences),
    ]
    _insert_all(uow, _ROSTER, [{"section": s, "document": d} for s, d in lines])
    settings = {"last_resort": directory.last_resort, "holidays": holidays_document(directory)}
    _insert_all(uow, _SETTING, [{"name": n, "value": v} for n, v in settings.items()])
    new_version(uow)
    content = trail.canonical(document)
    trail.record(
        uow,
        kind="change",
        action="directory.save",
        object_type="directory",
        object_id="directory",
        outcome="saved",
        body={
            "organisations": len(directory.organisations),
            "people": len(directory.people),
            "sha256": sha256(content).hexdigest(),
            "blobs": {"directory": trail.put_blob(uow, content)},
        },
    )
    return True


def read_directory(connection: Connection) -> Directory:
    """The directory that the database holds; an empty one before the first is saved."""
    grants: dict[str, list[Grant]] = {}
    for row in connection.execute(select(_GRANT).order_by(_GRANT.c.id)):
        grants.setdefault(row.person, []).append(_grant_of(row))
    accounts: dict[str, dict[str, dict[str, str]]] = {}
    for row in connection.execute(select(_ACCOUNT)):
        known = accounts.setdefault(row.person, {})
        known[row.channel] = {"team": row.team, "user": row.user_id}
    document: dict[str, Any] = {
        "roster": [],
        "overrides": [],
        "swaps": [],
        "absences": [],
    }
    ordered = select(_ORGANISATION.c.document).order_by(_ORGANISATION.c.position)
    document["organisations"] = list(connection.execute(ordered).scalars())
    for row in connection.execute(select(_ROSTER).order_by(_ROSTER.c.id)):
        document[row.section].append(row.document)
    for row in connection.execute(select(_SETTING).where(_SETTING.c.name != "version")):
        document[row.name] = row.value
    document["people"] = [
        _person_document(row) | accounts.get(row.id, {})
        for row in connection.execute(select(_PERSON).order_by(_PERSON.c.position, _PERSON.c.id))
    ]
    directory, problems = directory_from_mapping(document)
    if any(problem.severity == "error" for problem in problems):
        raise InvalidDirectory(problems)
    people = tuple(replace(p, grants=tuple(grants.get(p.id, ()))) for p in directory.people)
    return replace(directory, people=people)


def _person_row(position: int, person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "position": position,
        "name": person.name,
        "roles": [role.value for role in person.roles],
        "unit": person.unit,
        "shift": person.shift,
        "email": person.email,
        "phone": person.phone,
        "active": person.active,
        "language": person.language,
        "login": person.login,
        "mixed_roles_by": person.mixed_roles_by,
    }


def _person_document(row: Row[Any]) -> dict[str, Any]:
    names = ("id", "name", "roles", "unit", "shift", "email", "phone", "active", "language")
    return {name: getattr(row, name) for name in (*names, "login", "mixed_roles_by")}


def _account_row(person: str, account: Account) -> dict[str, Any]:
    return {
        "person": person,
        "channel": account.channel,
        "team": account.team,
        "user_id": account.user,
    }


def _grant_row(grant: Grant) -> dict[str, Any]:
    return {
        "person": grant.person,
        "permission": grant.grant,
        "scope": grant.scope,
        "valid_from": grant.valid_from,
        "valid_to": grant.valid_to,
        "approved_by": grant.approved_by,
    }


def _grant_of(row: Row[Any]) -> Grant:
    return Grant(
        person=row.person,
        grant=row.permission,
        scope=row.scope,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        approved_by=row.approved_by,
    )


def _unit_of(uow: UnitOfWork, person: str) -> str:
    row = uow.execute(select(_PERSON.c.unit).where(_PERSON.c.id == person)).first()
    if row is None:
        raise UnknownPerson(person)
    return str(row.unit)


def _record(uow: UnitOfWork, action: str, person: str, org: str, body: dict[str, Any]) -> None:
    new_version(uow)
    trail.record(
        uow,
        kind="change",
        action=action,
        object_type="person",
        object_id=person,
        org=org,
        outcome="done",
        body=body,
    )


def _standing(uow: UnitOfWork, person: str, code: str, scope: str) -> list[int]:
    """The rows of this very grant that have not ended at the unit's time."""
    rows = uow.execute(
        select(_GRANT.c.id, _GRANT.c.valid_to).where(
            _GRANT.c.person == person, _GRANT.c.permission == code, _GRANT.c.scope == scope
        )
    )
    return [row.id for row in rows if row.valid_to is None or row.valid_to > uow.now]


def grant(
    uow: UnitOfWork,
    person: str,
    code: str,
    scope: str = "",
    *,
    approved_by: str,
    valid_to: datetime | None = None,
) -> Grant:
    """Give a person a permission from the unit's time on; asking twice leaves one grant.

    An empty `scope` is the person's own unit. Whether `approved_by` may approve it is the
    caller's question (`Directory.may`, the room `approvals`).

    Raises:
        UnknownPerson: when nobody has this id.
        UnknownPermission: when no such code exists.
    """
    check_permission(code)
    unit = _unit_of(uow, person)
    given = Grant(person, code, scope or unit, uow.now, valid_to, approved_by)
    if not _standing(uow, person, code, given.scope):
        uow.execute(insert(_GRANT).values(**_grant_row(given)))
        body = {"grant": code, "scope": given.scope, "approved_by": approved_by}
        if valid_to is not None:
            body["valid_to"] = valid_to.isoformat()
        _record(uow, "grant.give", person, given.scope, body)
    return given


def revoke(uow: UnitOfWork, person: str, code: str, scope: str = "") -> bool:
    """End a person's permission at the unit's time; False when there was none.

    Raises:
        UnknownPerson: when nobody has this id.
    """
    unit = _unit_of(uow, person)
    rows = _standing(uow, person, code, scope or unit)
    if rows:
        uow.execute(update(_GRANT).where(_GRANT.c.id.in_(rows)).values(valid_to=uow.now))
        _record(uow, "grant.revoke", person, scope or unit, {"grant": code, "scope": scope or unit})
    return bool(rows)


def link_account(uow: UnitOfWork, person: str, account: Account) -> None:
    """Tie a person to an account in a chat, in place of the one before.

    Raises:
        UnknownPerson: when nobody has this id.
        AccountTaken: when another person is tied to the account.
    """
    unit = _unit_of(uow, person)
    c = _ACCOUNT.c
    same = (c.channel == account.channel, c.team == account.team, c.user_id == account.user)
    holder = uow.execute(select(c.person).where(*same)).scalar()
    if holder is not None and holder != person:
        raise AccountTaken(account.channel, account.team, account.user)
    if holder is None:
        uow.execute(delete(_ACCOUNT).where(c.person == person, c.channel == account.channel))
        uow.execute(insert(_ACCOUNT).values(**_account_row(person, account)))
        body = {"channel": account.channel, "team": account.team, "user": account.user}
        _record(uow, "person.link_account", person, unit, body)


def set_active(uow: UnitOfWork, person: str, *, active: bool) -> bool:
    """Let a person in, or shut the account; False when it was so already.

    Raises:
        UnknownPerson: when nobody has this id.
    """
    unit = _unit_of(uow, person)
    change = update(_PERSON).where(_PERSON.c.id == person, _PERSON.c.active.is_not(active))
    changed = uow.execute(change.values(active=active)).rowcount == 1
    if changed:
        action = "person.activate" if active else "person.deactivate"
        _record(uow, action, person, unit, {"active": active})
    return changed
