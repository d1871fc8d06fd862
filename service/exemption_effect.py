"""What the approval of an exemption is about now, who may not sign it, and what follows from it."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection

from approvals import State, Status
from directory import Directory
from store import UnitOfWork
from workorders.exempting import causers_of, standing_beside, standing_matches
from workorders.exemption_ending import grant, refuse
from workorders.exemption_rows import find_exemption, subjects_of_exemption
from workorders.exemptions import Beside, Exemption
from workorders.levels import Level
from workorders.model import Match

KIND = "exemption"


@dataclass(frozen=True, slots=True)
class Permitted:
    """What would be permitted.

    Attributes:
        worst: the gravest of what stands now and would be covered, if anything does.
        beside: what stands there too and would not be, with why.
    """

    exemption: Exemption
    worst: Match | None
    beside: tuple[tuple[Match, Beside], ...] = ()

    @property
    def level(self) -> Level | None:
        """The colour of what stands."""
        return self.worst.level if self.worst is not None else None


def permitted_by(connection: Connection, state: State) -> Permitted | None:
    """What a request permits; None when it is none for an exemption on the register."""
    asked = _asked_under(connection, state)
    if asked is None:
        return None
    standing = standing_matches(connection, asked.terms)
    worst = max(standing, key=_gravity, default=None)
    return Permitted(asked, worst, tuple(standing_beside(connection, asked.terms)))


def barred_now(connection: Connection, state: State, directory: Directory) -> frozenset[str]:
    """Whose doing the breach has become since the exemption was asked for: they sign no more."""
    asked = _asked_under(connection, state)
    if asked is None:
        return frozenset()
    actors = {*causers_of(connection, asked.terms), *subjects_of_exemption(connection, asked.id)}
    return directory.called(actors)


def carry_out(uow: UnitOfWork, state: State) -> None:
    """A decided request gives its exemption or refuses it; one that is open does neither."""
    asked = _asked_under(uow.connection, state)
    if asked is None or not state.status.final:
        return
    if state.status is Status.APPROVED:
        grant(uow, asked.id, approved_by=state.decided_by)
    else:
        refuse(uow, asked.id, decided_by=state.decided_by, why=state.reason or state.status.value)


def _asked_under(connection: Connection, state: State) -> Exemption | None:
    """The exemption of a request; nobody gives one by a request of another's making."""
    if state.subject.kind != KIND:
        return None
    asked = find_exemption(connection, state.subject.object_id)
    return asked if asked is not None and asked.request_id == state.id else None


def _gravity(match: Match) -> tuple[int, Decimal]:
    return (0 if match.level is None else match.level.rank), abs(match.value or Decimal())
