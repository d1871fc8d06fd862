"""Who answers: the roster, changed by overrides, swaps and absences. Pure."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from directory.roles import Role
from directory.roster import (
    Absence,
    Duty,
    DutyOverride,
    RoutingReason,
    Swap,
    people_of,
    shift_on,
)

_AROUND = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Answer:
    """One person who answers.

    Attributes:
        reason: why this person.
        deputy_for: in whose place; empty for the roster's own.
    """

    person: str
    reason: RoutingReason
    deputy_for: str = ""


@dataclass(frozen=True)
class Watch:
    """The roster of all nodes. Every period has its start inside and its end outside.

    Attributes:
        swaps: the agreed ones.
        active: ids of people who can be called at all.
        timezone: of a node.
    """

    duties: tuple[Duty, ...]
    overrides: tuple[DutyOverride, ...]
    swaps: tuple[Swap, ...]
    absences: tuple[Absence, ...]
    active: frozenset[str]
    timezone: Callable[[str], tzinfo]

    def has_roster(self, node: str, role: Role) -> bool:
        """Whether the node keeps a roster of its own for the role."""
        return any(one.org == node and one.role is role for one in self.duties)

    def answering(self, node: str, role: Role, at: datetime) -> tuple[Answer, ...]:
        """Who answers at this very node; nobody when its roster is empty at `at`.

        An override for the whole duty comes first, then the roster's people, each replaced as an
        override or swap says; who is away is replaced by the own deputy; when nobody is left, the
        duty's deputies answer. An override by somebody who is away themselves has no effect.
        """
        whole = [
            Answer(one.person, RoutingReason.OVERRIDE)
            for one in self._overrides(node, role, at)
            if not one.instead_of
        ]
        found = self.present(whole, at)
        if found:
            return found
        timezone = self.timezone(node)
        running = [
            (duty, people)
            for duty in self.duties
            if duty.org == node and duty.role is role and (people := people_of(duty, at, timezone))
        ]
        found = self.present(
            [self._replaced(node, role, at, one) for _, people in running for one in people], at
        )
        if found:
            return found
        return self.present(
            [
                Answer(one, RoutingReason.DEPUTY, people[0])
                for duty, people in running
                for one in duty.deputies
            ],
            at,
        )

    def present(self, wanted: Sequence[Answer], at: datetime) -> tuple[Answer, ...]:
        """Those who can be called, each once; for who is away the deputy named for the absence."""
        chosen: dict[str, Answer] = {}
        for one in wanted:
            found = self._stand_in(one, at)
            if found is not None:
                chosen.setdefault(found.person, found)
        return tuple(chosen.values())

    def away(self, person: str, at: datetime) -> bool:
        """Whether the person cannot be called at `at`."""
        return person not in self.active or bool(self._absences(person, at))

    def _stand_in(self, wanted: Answer, at: datetime) -> Answer | None:
        seen: set[str] = set()
        waiting = [wanted]
        while waiting:
            one = waiting.pop(0)
            if one.person in seen or one.person not in self.active:
                continue
            seen.add(one.person)
            gone = self._absences(one.person, at)
            if not gone:
                return one
            waiting += [
                Answer(absence.deputy, RoutingReason.DEPUTY, wanted.person)
                for absence in gone
                if absence.deputy
            ]
        return None

    def _absences(self, person: str, at: datetime) -> list[Absence]:
        return [one for one in self.absences if one.person == person and one.start <= at < one.end]

    def _overrides(self, node: str, role: Role, at: datetime) -> list[DutyOverride]:
        return [
            one
            for one in self.overrides
            if one.org == node and one.role is role and one.start <= at < one.end
        ]

    def _replaced(self, node: str, role: Role, at: datetime, person: str) -> Answer:
        """The roster's `person`, or who takes the duty and can be called."""
        for one in self._overrides(node, role, at):
            if one.instead_of == person and self.present(
                [Answer(one.person, RoutingReason.OVERRIDE)], at
            ):
                return Answer(one.person, RoutingReason.OVERRIDE, person)
        for swap in self.swaps:
            if swap.org != node or swap.role is not role:
                continue
            for gives, takes in ((swap.first, swap.second), (swap.second, swap.first)):
                taken = Answer(takes.person, RoutingReason.SWAP, person)
                if (
                    gives.person == person
                    and gives.start <= at < gives.end
                    and self.present([taken], at)
                ):
                    return taken
        return Answer(person, RoutingReason.ON_CALL)

    def moments(
        self, nodes: Collection[str], role: Role, start: datetime, end: datetime
    ) -> list[datetime]:
        """Every instant in [start, end] at which the answer at one of `nodes` may change."""
        found: set[datetime] = {start, end}
        for duty in self.duties:
            if duty.org in nodes and duty.role is role:
                timezone = self.timezone(duty.org)
                day = (start - _AROUND).astimezone(timezone).date()
                last = (end + _AROUND).astimezone(timezone).date()
                while day <= last:
                    found.update(shift_on(duty, day, timezone))
                    day += timedelta(days=1)
        for override in self.overrides:
            if override.org in nodes and override.role is role:
                found.update((override.start, override.end))
        for swap in self.swaps:
            for side in (swap.first, swap.second):
                found.update((side.start, side.end))
        for absence in self.absences:
            found.update((absence.start, absence.end))
        return sorted(one for one in found if start <= one <= end)
