"""The company's policy of paging and deadlines, read from its YAML file.

A policy is one thing: half of a file must not come into force, so that a file with a fault gives
none. What the file does not name has its built-in value.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from directory.reading import FieldReader, parse_yaml
from store.problems import Problem, did_you_mean
from workorders.errors import BadLevel
from workorders.levels import Level, parse_level
from workorders.policy import INHIBIT_BY, ClockKind, LevelPolicy, Policy, ResolveBy

#: The least and the largest that each number may be.
NUMBERS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType({
    "lead_minutes": (0, 240),
    "group_interval_s": (10, 3_600),
    "repeat_interval_s": (60, 86_400),
    "unanswered_after": (1, 100),
    "cards_per_hour": (1, 1_000),
    "cool_down_s": (0, 86_400),
    "case_window_s": (60, 86_400),
    "snooze_limit_s": (60, 604_800),
    "silence_limit_s": (60, 2_592_000),
    "flap_threshold": (2, 1_000),
    "open_dwell_s": (0, 3_600),
    "clear_dwell_s": (0, 86_400),
})  # fmt: skip
#: As `NUMBERS`, of one colour.
LEVEL_NUMBERS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType({
    "step_minutes": (1, 1_440),
    "rungs": (0, 10),
    "resolve_minutes": (1, 43_200),
    "group_wait_s": (0, 600),
})  # fmt: skip
_CHOICES: Final[Mapping[str, type[StrEnum]]] = MappingProxyType(
    {"clock": ClockKind, "resolve_by": ResolveBy}
)
#: Red runs always: another clock in the file would be a promise that is not kept.
_RED: Final = MappingProxyType({"clock": ClockKind.WALL, "resolve_by": ResolveBy.MINUTES})
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_FIELDS = tuple(one.name for one in fields(Policy))
_LEVEL_FIELDS = tuple(one.name for one in fields(LevelPolicy))


@dataclass(frozen=True, slots=True)
class Known:
    """What a policy may name.

    Attributes:
        people: ids of those who can be called.
        channels: the channels that are set up.
    """

    people: Collection[str]
    channels: Collection[str]


def load_policy(text: str, file: str, known: Known) -> tuple[Policy | None, list[Problem]]:
    """The policy that a YAML file describes; None with what is wrong when anything is."""
    document, problems = parse_yaml(text, file)
    if problems:
        return None, problems
    reader = _Reader(file, known)
    policy = reader.policy(document)
    told = sorted(reader.problems, key=lambda one: (one.line, one.column))
    return (None if reader.errors else policy), told


def strangers(policy: Policy, known: Known) -> tuple[str, ...]:
    """People and channels that the policy names and that are not there any more."""
    channels = {
        name
        for one in policy.levels.values()
        for named in (one.channels, *one.rung_channels.values())
        for name in named
    }
    gone = channels - set(known.channels)
    return (*(one for one in policy.last_resort if one not in known.people), *sorted(gone))


class _Reader(FieldReader):
    def __init__(self, file: str, known: Known) -> None:
        super().__init__(file)
        self._known = known

    def policy(self, document: Any) -> Policy:
        built_in = Policy()
        root = self.mapping(document, _FIELDS, "file")
        if root is None:
            return built_in
        given = self._numbers(root, NUMBERS)
        if "last_resort" in root:
            given["last_resort"] = self._named(
                root, "last_resort", self._known.people, "UNKNOWN_PERSON"
            )
        if root.get("inhibit_equal") is not None:
            given["inhibit_equal"] = self._inhibit(root)
        if root.get("review_time") is not None:
            given["review_time"] = self._time(root, "review_time")
        levels = self._levels(root, built_in.levels)
        if self.errors:
            return built_in
        policy = replace(built_in, levels=MappingProxyType(levels), **given)
        if policy.repeat_interval_s < policy.group_interval_s:
            self._range(
                root,
                "repeat_interval_s" if "repeat_interval_s" in root else "group_interval_s",
                policy.repeat_interval_s,
                "group_interval_s ≤ repeat_interval_s",
            )
        return policy

    def _levels(
        self, root: Mapping[str, Any], built_in: Mapping[Level, LevelPolicy]
    ) -> dict[Level, LevelPolicy]:
        found = dict(built_in)
        node = self.inner(root, "levels")
        seen: set[Level] = set()
        for name in node:
            try:
                level = parse_level(str(name))
            except BadLevel:
                allowed = [one.value for one in Level]
                self.report(
                    "POLICY_CHOICE",
                    node,
                    name,
                    field="levels",
                    found=name,
                    allowed=", ".join(allowed),
                    hint=did_you_mean(str(name), allowed),
                )
                continue
            if level in seen:
                self.report("DUPLICATE_ID", node, name, field="levels", found=name)
            seen.add(level)
            found[level] = self._level(self.inner(node, name, _LEVEL_FIELDS), level, found[level])
        return found

    def _level(self, node: Mapping[str, Any], level: Level, built_in: LevelPolicy) -> LevelPolicy:
        before = self.errors
        given = self._numbers(node, LEVEL_NUMBERS)
        for key, kind in _CHOICES.items():
            if node.get(key) is not None:
                allowed = [_RED[key].value] if level is Level.RED else [one.value for one in kind]
                value = self._choice(node, key, self.text(node, key), allowed)
                given |= {key: kind(value)} if value else {}
        if "channels" in node:
            given["channels"] = self._named(
                node, "channels", self._known.channels, "POLICY_CHANNEL"
            )
        if self.errors != before:
            return built_in
        one = replace(built_in, **given)
        by_rung = self._rungs(node, one.rung_names)
        if self.errors != before:
            return built_in
        one = replace(one, rung_channels=by_rung)
        if one.group_wait_s >= one.step_minutes * 60:
            # the first notice would come when its time to answer is over
            key = "group_wait_s" if "group_wait_s" in node else "step_minutes"
            self._range(node, key, node[key], "group_wait_s < step_minutes × 60")
        return one

    def _rungs(
        self, node: Mapping[str, Any], allowed: Collection[str]
    ) -> dict[str, tuple[str, ...]]:
        """The channels of single rungs, in the order of the ladder."""
        inner = self.inner(node, "rung_channels")
        found: dict[str, tuple[str, ...]] = {}
        for key in inner:
            rung = str(key)
            if rung not in allowed:
                self.report(
                    "POLICY_CHOICE",
                    inner,
                    key,
                    field="rung_channels",
                    found=rung,
                    allowed=", ".join(allowed),
                    hint=did_you_mean(rung, allowed),
                )
            elif rung in found:
                self.report("DUPLICATE_ID", inner, key, field="rung_channels", found=rung)
            else:
                found[rung] = self._told_on(inner, key)
        return {rung: found[rung] for rung in allowed if rung in found}

    def _told_on(self, node: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """The channels of one rung: one at least, or the ladder would be silent there."""
        before, field = self.errors, f"rung_channels.{key}"
        names = self._named(node, key, self._known.channels, "POLICY_CHANNEL", field)
        if not names and self.errors == before:
            allowed = ", ".join(sorted(self._known.channels))
            self.report("POLICY_CHOICE", node, key, field=field, found="—", allowed=allowed)
        return names

    def _numbers(
        self, node: Mapping[str, Any], ranges: Mapping[str, tuple[int, int]]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, (low, high) in ranges.items():
            value = self.whole(node, key)
            if value is not None and not low <= value <= high:
                self._range(node, key, value, f"{low} – {high}")
            elif value is not None:
                found[key] = value
        return found

    def _named(
        self, node: Mapping[str, Any], key: str, known: Collection[str], code: str, field: str = ""
    ) -> tuple[str, ...]:
        """The names at `key`, each reported with `code` when there is no such one."""
        names = self.texts(node, key)
        for index, name in enumerate(names):
            if name not in known:
                value = node[key]
                holder, place = (node, key) if isinstance(value, str) else (value, index)
                self.report(
                    code,
                    holder,
                    place,
                    field=field or key,
                    found=name,
                    allowed=", ".join(sorted(known)) if code == "POLICY_CHANNEL" else "",
                    hint=did_you_mean(name, known),
                )
        return tuple(dict.fromkeys(names))

    def _inhibit(self, root: Mapping[str, Any]) -> tuple[str, ...]:
        names = self.texts(root, "inhibit_equal")
        allowed = sorted(INHIBIT_BY)
        if not names:  # nothing in common would let every red order quiet everything
            self._choice(root, "inhibit_equal", "", allowed)
        for name in names:
            self._choice(root, "inhibit_equal", name, allowed)
        return tuple(dict.fromkeys(names))

    def _choice(
        self, node: Mapping[str, Any], key: str, found: str, allowed: Collection[str]
    ) -> str:
        if found in allowed:
            return found
        self.report(
            "POLICY_CHOICE",
            node,
            key,
            found=found or "—",
            allowed=", ".join(allowed),
            hint=did_you_mean(found, allowed),
        )
        return ""

    def _time(self, node: Mapping[str, Any], key: str) -> str:
        text = self.text(node, key)
        if not _TIME.fullmatch(text):
            self._range(node, key, text or "—", "00:00 – 23:59")
        return text

    def _range(self, node: Mapping[str, Any], key: str, found: object, allowed: str) -> None:
        self.report("POLICY_RANGE", node, key, found=str(found), allowed=allowed)
