"""An approval chain as data: amount bands by organisation, each with its steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from approvals.errors import NoPlan
from directory import PERMISSIONS, Role, ancestors
from directory.reading import FieldReader, parse_yaml
from store.problems import Problem, did_you_mean


class Mode(StrEnum):
    """How many of a step's signers must sign."""

    ALL = "all"  # 会签
    ANY = "any"  # 或签
    N_OF = "n_of"


class Clock(StrEnum):
    """On which clock a step's deadline runs."""

    WALL = "wall"
    SESSION = "session"


class Then(StrEnum):
    """What happens when a step's deadline passes."""

    EXPIRE = "expire"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class Signers:
    """Who may sign: exactly one of a role, a permission or a list of people.

    Attributes:
        role: holders of this role at the nearest node that has an eligible one.
        permission: holders of this permission at the subject's organisation.
        org: the node from which holders are sought upward; empty for the subject's.
        people: person ids.
    """

    role: Role | None = None
    permission: str = ""
    org: str = ""
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chain.

    Attributes:
        name: a code; surfaces take its words from the catalogue or show it.
        mode: how many must sign; `need` counts with ``n_of``.
        after: the deadline, measured from the step's start; ``None`` for none.
        clock: on which clock.
        then: what happens then; an escalated step has the deadline once more, then expires.
        escalate_to: who is added.
    """

    name: str
    signers: Signers
    mode: Mode = Mode.ANY
    need: int = 1
    after: timedelta | None = None
    clock: Clock = Clock.WALL
    then: Then = Then.EXPIRE
    escalate_to: Signers | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """The steps for amounts below `upto` (exclusive; ``None`` is without end) under `org`."""

    org: str
    upto: Decimal | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The chains for one kind of subject.

    Attributes:
        id: its name in records.
        version: raised with every change.
        kind: ``hedge_order``, ``limit_change``, ``override``, ``grant`` …
        bands: by organisation (the nearest up the tree wins; empty is everybody's), then rising.
        material: fields of the subject whose change restarts the chain, beside the amount.
        expires_after: when an undecided request ends, from its first submission, on the wall clock.
    """

    id: str
    version: int
    kind: str
    bands: tuple[Band, ...]
    material: tuple[str, ...] = ()
    expires_after: timedelta | None = None

    def steps_for(self, org: str, amount: Decimal | None) -> tuple[Step, ...]:
        """The steps for an amount at `org`; a subject without amount takes the longest chain.

        Raises:
            NoPlan: when no band covers the organisation.
        """
        for node in (*ancestors(org), ""):
            bands = [band for band in self.bands if band.org == node]
            for band in bands:
                if band.upto is None or (amount is not None and abs(amount) < band.upto):
                    return band.steps
        raise NoPlan(self.kind, org)


_PLAN = ("plan", "version", "subject", "bands", "steps", "material", "expires_after")
_STEP = ("who", "mode", "need", "after", "clock", "then", "to")
_WHO = ("role", "permission", "org", "people")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def plan_from_mapping(document: Any, file: str = "") -> tuple[Plan | None, list[Problem]]:
    """The plan that a mapping describes; ``None`` when a fault keeps it from being used."""
    reader = _PlanReader(file)
    plan = reader.plan(document)
    return (None if reader.errors else plan), reader.problems


class _PlanReader(FieldReader):
    def plan(self, document: Any) -> Plan | None:
        root = self.mapping(document, _PLAN, "plan")
        if root is None:
            return None
        steps_node = root.get("steps")
        steps = self._steps(root, steps_node)
        material = self.texts(root, "material")
        return Plan(
            id=self.needed(root, "plan"),
            version=self.whole(root, "version") or 1,
            kind=self.needed(root, "subject"),
            bands=self._bands(root, steps),
            material=material,
            expires_after=self._duration(root, "expires_after"),
        )

    def _steps(self, root: Mapping[str, Any], node: Any) -> dict[str, Step]:
        if not isinstance(node, Mapping) or not node:
            self.report("FIELD_MISSING", root, field="steps")
            return {}
        return {str(name): self._step(str(name), node, name) for name in node}

    def _step(self, name: str, node: Mapping[str, Any], key: Any) -> Step:
        entry = self.mapping(node[key], _STEP, "steps") or {}
        mode = self._word(entry, "mode", Mode, Mode.ANY)
        need = self.whole(entry, "need")
        if (mode is Mode.N_OF) != (need is not None) or need == 0:
            self.report("NEED_WITH_N_OF", entry, field="need", found=need, allowed="mode: n_of")
        then = self._word(entry, "then", Then, Then.EXPIRE)
        escalate_to = self._who(entry, "to") if entry.get("to") is not None else None
        if (then is Then.ESCALATE) != (escalate_to is not None):
            self.report("ESCALATION_TARGET", entry, field="to", allowed="then: escalate")
        return Step(
            name=name,
            signers=self._who(entry, "who"),
            mode=mode,
            need=need or 1,
            after=self._duration(entry, "after"),
            clock=self._word(entry, "clock", Clock, Clock.WALL),
            then=then,
            escalate_to=escalate_to,
        )

    def _word(self, entry: Mapping[str, Any], key: str, words: Any, default: Any) -> Any:
        text = self.text(entry, key, default.value)
        known = [word.value for word in words]
        if text not in known:
            hint = did_you_mean(text, known)
            allowed = ", ".join(known)
            self.report("WORD_UNKNOWN", entry, key, found=text, allowed=allowed, hint=hint)
            return default
        return words(text)

    def _who(self, entry: Mapping[str, Any], key: str) -> Signers:
        node = self.mapping(entry.get(key), _WHO, key)
        if node is None:
            return Signers()
        if sum(node.get(name) is not None for name in ("role", "permission", "people")) != 1:
            self.report("ONE_KIND_OF_SIGNER", entry, key, allowed="role, permission, people")
        role = self.text(node, "role")
        if role and role not in list(Role):
            hint = did_you_mean(role, [known.value for known in Role])
            self.report("UNKNOWN_ROLE", node, "role", found=role, hint=hint)
            role = ""
        permission = self.text(node, "permission")
        if permission and permission not in PERMISSIONS:
            hint = did_you_mean(permission, PERMISSIONS)
            self.report("UNKNOWN_PERMISSION", node, "permission", found=permission, hint=hint)
        return Signers(
            role=Role(role) if role else None,
            permission=permission,
            org=self.text(node, "org"),
            people=self.texts(node, "people"),
        )

    def _duration(self, entry: Mapping[str, Any], key: str) -> timedelta | None:
        text = self.text(entry, key)
        if not text:
            return None
        count, unit = text[:-1], text[-1]
        if unit not in _UNITS or not count.isdecimal() or int(count) not in range(1, 10_000):
            self.report("BAD_DURATION", entry, key, found=text, allowed="30m, 4h, 3d")
            return None
        return timedelta(**{_UNITS[unit]: int(count)})

    def _bands(self, root: Mapping[str, Any], steps: Mapping[str, Step]) -> tuple[Band, ...]:
        bands: list[Band] = []
        for holder, index, entry in self.items(root, "bands"):
            node = self.mapping(entry, ("org", "upto", "steps"), "bands")
            if node is None:
                continue
            names = self.texts(node, "steps")
            for name in names:
                if name not in steps:
                    hint = did_you_mean(name, steps)
                    self.report("UNKNOWN_STEP", node, "steps", found=name, hint=hint)
            if not names or len(set(names)) != len(names):
                self.report("BAND_STEPS", holder, index, field="steps", found=", ".join(names))
            org, upto = self.text(node, "org"), self.quantity(node, "upto")
            before = [band.upto for band in bands if band.org == org]
            if before and (before[-1] is None or (upto is not None and upto <= before[-1])):
                self.report("BAND_ORDER", holder, index, field="upto", found=upto)
            bands.append(Band(org, upto, tuple(steps[n] for n in names if n in steps)))
        for org in dict.fromkeys(band.org for band in bands):
            if [band.upto for band in bands if band.org == org][-1] is not None:
                self.report("BAND_WITHOUT_END", root, "bands", found=org)
        if not bands:
            self.report("FIELD_MISSING", root, field="bands")
        return tuple(bands)


@cache
def shipped_plans() -> Mapping[str, Plan]:
    """The plans of `plans.yaml` by kind of subject."""
    text = files("approvals").joinpath("plans.yaml").read_text(encoding="utf-8")
    document, _ = parse_yaml(text, "plans.yaml")
    plans = (plan_from_mapping(entry, "plans.yaml")[0] for entry in document["plans"])
    return {plan.kind: plan for plan in plans if plan is not None}
