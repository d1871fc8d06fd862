"""The policy that the company has set, in the database: read, and changed with a record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

import trail
from directory.writing import new_version
from store.schema import table
from store.unit_of_work import UnitOfWork
from workorders.policy import Policy, policy_from_json
from workorders.tables import PolicyRow

_POLICY = table(str(PolicyRow.__tablename__))
_NEWEST = select(_POLICY).order_by(_POLICY.c.number.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class CompanyPolicy:
    """The policy in force, and whose doing it is.

    Attributes:
        number: counts the company's own policies from 1; 0 is the built-in one.
        set_by: the actor; empty for the built-in one.
        file: the name of the file that it came from.
        changed_at: when; None for the built-in one.
    """

    policy: Policy
    number: int = 0
    set_by: str = ""
    file: str = ""
    changed_at: datetime | None = None


def company_policy(connection: Connection) -> CompanyPolicy:
    """What holds for orders that open now: the company's own policy, else the built-in one."""
    row = connection.execute(_NEWEST).first()
    if row is None:
        return CompanyPolicy(Policy())
    return CompanyPolicy(
        policy_from_json(row.document), row.number, row.set_by, row.file, row.changed_at
    )


def set_policy(uow: UnitOfWork, policy: Policy, file: str) -> bool:
    """Bring a policy into force for orders that open from now on.

    False, and no record, when it is what already holds. The record tells each value that changes,
    before and after. The directory's version moves, because the policy is read and kept beside it.
    """
    before, after = company_policy(uow.connection).policy.as_json(), policy.as_json()
    if before == after:
        return False
    row = {"document": after, "set_by": uow.actor, "file": file, "changed_at": uow.now}
    number = uow.execute(insert(_POLICY).returning(_POLICY.c.number), row).scalar_one()
    new_version(uow)
    trail.record(
        uow,
        kind="change",
        action="policy.set",
        object_type="policy",
        object_id=str(number),
        body={"file": file, "changes": changes(before, after)},
    )
    return True


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Each value that differs as ``[before, after]``, under its path (``levels.red.rungs``).

    None stands for what is not there on one side.
    """
    was, now = _flat(before), _flat(after)
    names = dict.fromkeys([*now, *was])
    return {key: [was.get(key), now.get(key)] for key in names if was.get(key) != now.get(key)}


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping):
            found |= {f"{key}.{inner}": one for inner, one in _flat(value).items()}
        else:
            found[key] = value
    return found
