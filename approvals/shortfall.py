"""Why a chain cannot be filled: which step lacks how many people, and who could mend it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from approvals.segregation import never_signs, unfilled
from approvals.state import OpenStep, State
from directory import Directory, ancestors


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One step that lacks people.

    Attributes:
        step: its name.
        role, permission: what its signers are sought by; both are empty for a list of people.
        org: from where they are sought upward.
        lacks: how many different people are missing.
        there: who may sign it; not enough, or needed by another step.
        barred: who would fit but never signs this request: its requester, a causer.
        granting: who could approve that the permission is granted to somebody.
        administrators: who keep the directory, where roles are given.
    """

    step: str
    role: str
    permission: str
    org: str
    lacks: int
    there: tuple[str, ...]
    barred: tuple[str, ...]
    granting: tuple[str, ...]
    administrators: tuple[str, ...]


def shortfalls(state: State, directory: Directory, at: datetime) -> tuple[Shortfall, ...]:
    """What a request that was refused for want of signers lacks, by step in order of the chain."""
    never = never_signs(state)
    missing = Counter(unfilled(state.steps, never))
    return tuple(
        _shortfall(state.steps[number], lacks, never, directory, at)
        for number, lacks in sorted(missing.items())
    )


def _shortfall(
    step: OpenStep, lacks: int, never: Sequence[str], directory: Directory, at: datetime
) -> Shortfall:
    # A permission is granted by who approves grants, a role is given in the directory.
    granting = directory.holders("grant.approve", step.org, at) if step.permission else ()
    granting = tuple(name for name in granting if name not in never)
    return Shortfall(
        step=step.name,
        role=step.role,
        permission=step.permission,
        org=step.org,
        lacks=lacks,
        there=tuple(name for name in step.signers if name not in never),
        barred=tuple(name for name in dict.fromkeys(never) if _fits(step, name, directory, at)),
        granting=granting,
        administrators=directory.holders("directory.write", step.org, at),
    )


def _fits(step: OpenStep, person: str, directory: Directory, at: datetime) -> bool:
    found = directory.person(person)
    if found is None or not found.active:
        return False
    if step.permission:
        return directory.may(person, step.permission, step.org, at).allowed
    return step.role in found.roles and found.unit in ancestors(step.org)
