"""The state of one pattern under one key: its live facts and what stands confirmed."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from rules.patterns import (
    Correlation,
    Fact,
    Lateness,
    Members,
    Pattern,
    Status,
    correlation_uid,
)
from rules.windows import Cluster, Live, between, clusters, joined, named
from store.types import from_microseconds

_MICROSECOND = timedelta(microseconds=1)


def microseconds(duration: timedelta) -> int:
    """Whole microseconds."""
    return duration // _MICROSECOND


@dataclass(frozen=True, slots=True)
class Horizon:
    """What the state needs to know of time.

    Attributes:
        lateness: the sources' allowed lateness.
        now: the watermark in microseconds; None before the first `advance`.
        final: everything has arrived (a look-back over a whole history).
    """

    lateness: Lateness
    now: int | None = None
    final: bool = False


@dataclass(slots=True)
class Standing:
    """A correlation that stands, and the facts it rests on.

    `sealed`: a member left by age or cap, so the verdict can no longer be judged and stays.
    """

    correlation: Correlation
    uids: frozenset[str]
    last: int
    sealed: bool = False


@dataclass(slots=True)
class Group:
    """One pattern under one key.

    `standing` is keyed by the anchor's uid for joins and by the correlation's uid for clusters.
    """

    pattern: Pattern
    key: Mapping[str, Any]
    lives: list[Live] = field(default_factory=list)
    uids: dict[str, Live] = field(default_factory=dict)
    standing: dict[str, Standing] = field(default_factory=dict)

    @property
    def window(self) -> int:
        """`within`, in microseconds."""
        return microseconds(self.pattern.within)

    @property
    def absence(self) -> int:
        """The absence's window in microseconds; 0 without one."""
        return microseconds(self.pattern.absent.within) if self.pattern.absent else 0

    def add(self, live: Live) -> bool:
        """Take a fact in; False when its uid is known."""
        if live.uid in self.uids:
            return False
        self.uids[live.uid] = live
        insort(self.lives, live)
        return True

    def remove(self, uid: str) -> Live | None:
        """Take a fact out."""
        live = self.uids.pop(uid, None)
        if live is not None:
            index = bisect_left(self.lives, live.place, key=lambda other: other.place)
            del self.lives[index]
        return live

    def affected(self, at: int) -> list[Live]:
        """The facts whose instances a fact at time `at` may change."""
        return list(between(self.lives, at - self.absence, at + self.window))

    def settles(self, anchor: Live, horizon: Horizon) -> int:
        """When the verdict on `anchor` is certain, in microseconds."""
        org = str(anchor.fact.fields.get("org") or "")
        times = [anchor.at]
        none_between, absent = self.pattern.none_between, self.pattern.absent
        if none_between:
            lateness = horizon.lateness.of(none_between.source, org)
            times.append(anchor.at + microseconds(lateness))
        if absent:
            lateness = horizon.lateness.of(absent.awaited.source, org)
            times.append(anchor.at + self.absence + microseconds(lateness))
        return max(times)

    def judge(self, anchors: Iterable[Live], horizon: Horizon) -> list[Correlation]:
        """Judge again the instances that end with `anchors`; see `judge_clusters` for clusters.

        What must wait for certainty is yielded only when the watermark has passed it.
        """
        found: list[Correlation] = []
        for anchor in anchors:
            standing = self.standing.get(anchor.uid)
            if standing and standing.sealed:
                continue
            members = joined(self.pattern, self.lives, anchor, self.window, self.absence)
            if members is None:
                if standing:
                    del self.standing[anchor.uid]
                    found.append(_withdrawn(standing.correlation))
                continue
            if (
                self.pattern.waits
                and not horizon.final
                and (horizon.now is None or self.settles(anchor, horizon) > horizon.now)
            ):
                continue
            new = self._join(members, anchor)
            if standing and standing.correlation.uid == new.uid:
                continue
            if standing:
                new = _replacing(new, [standing])
            self.standing[anchor.uid] = Standing(new, _uids(members), anchor.at)
            found.append(new)
        return found

    def judge_clusters(self) -> list[Correlation]:
        """Judge the clusters again: new ones, grown or merged ones, vanished ones."""
        found: list[Correlation] = []
        old = list(self.standing.values())
        kept: dict[str, Standing] = {}
        for cluster in clusters(self.pattern, self.lives, self.window):
            uids = _uids(cluster.members)
            before = [standing for standing in old if standing.uids & uids]
            new = self._cluster(cluster)
            if len(before) == 1 and before[0].correlation.uid == new.uid:
                kept[new.uid] = before[0]
                continue
            if before:
                new = _replacing(new, before)
            kept[new.uid] = Standing(new, uids, cluster.members[-1].at)
            found.append(new)
        covered = frozenset().union(*(standing.uids for standing in kept.values()))
        found.extend(
            _withdrawn(standing.correlation)
            for standing in old
            if not standing.sealed and not standing.uids & covered
        )
        self.standing = kept
        return found

    def retract(self, uid: str, horizon: Horizon) -> list[Correlation]:
        """Take a fact back (a withdrawn correlation of the first level) and judge again."""
        live = self.remove(uid)
        if live is None:
            return []
        if self.pattern.clustered:
            return self.judge_clusters()
        standing = self.standing.pop(uid, None)
        found = [_withdrawn(standing.correlation)] if standing else []
        return found + self.judge(self.affected(live.at), horizon)

    def expire(self, cut: int) -> None:
        """Drop facts from before `cut`; a cluster goes as a whole, with its last member."""
        keep: set[str] = set()
        if self.pattern.clustered:
            for standing in self.standing.values():
                if standing.last >= cut:
                    keep |= standing.uids
        old = [live for live in self.lives if live.at < cut and live.uid not in keep]
        for live in old:
            self.remove(live.uid)
        self.standing = {
            slot: standing for slot, standing in self.standing.items() if standing.last >= cut
        }
        self._seal({live.uid for live in old})

    def evict(self) -> None:
        """Drop the oldest fact, because the cap is reached; what stands on it stays."""
        live = self.lives[0]
        self.remove(live.uid)
        self.standing.pop(live.uid, None)
        self._seal({live.uid})

    def _seal(self, gone: set[str]) -> None:
        if gone:
            for standing in self.standing.values():
                standing.sealed = standing.sealed or not gone.isdisjoint(standing.uids)

    def _join(self, members: tuple[Live, ...], anchor: Live) -> Correlation:
        aliases = [step.alias for step in self.pattern.steps]
        in_time = sorted(zip(aliases, members, strict=True), key=lambda pair: pair[1].at)
        first = min(live.at for live in members)
        return self._correlation(
            tuple((alias, live.fact) for alias, live in in_time),
            named(self.pattern, members),
            {"elapsed_s": (anchor.at - first) // 1_000_000},
            anchor.at + self.absence,
        )

    def _cluster(self, cluster: Cluster) -> Correlation:
        alias = self.pattern.steps[0].alias
        members = cluster.members
        return self._correlation(
            tuple((alias, live.fact) for live in members),
            named(self.pattern, members),
            {
                "n": cluster.peak,
                "total": len(members),
                "window_s": self.window // 1_000_000,
                "elapsed_s": (members[-1].at - members[0].at) // 1_000_000,
            },
            members[-1].at,
        )

    def _correlation(
        self,
        members: tuple[tuple[str, Fact], ...],
        joined_facts: Members,
        evidence: dict[str, Any],
        at: int,
    ) -> Correlation:
        pattern = self.pattern
        if not pattern.figures:
            evidence = {}
        for collect in pattern.collect:
            value = collect.value(joined_facts)
            if value is not None:
                evidence[collect.name] = value
        uids = [fact.uid for _alias, fact in members]
        uid = correlation_uid(pattern.rule, pattern.version, self.key, *uids)
        return Correlation(
            uid=uid,
            rule=pattern.rule,
            version=pattern.version,
            key=self.key,
            members=members,
            evidence=MappingProxyType(evidence),
            event_time=from_microseconds(at),
            instance=uid,
            decision=pattern.decide(joined_facts) if pattern.decide else None,
        )


def _uids(members: Iterable[Live]) -> frozenset[str]:
    return frozenset(live.uid for live in members)


def _replacing(new: Correlation, old: list[Standing]) -> Correlation:
    old = sorted(old, key=lambda standing: (standing.correlation.event_time, standing.last))
    return replace(
        new,
        update=True,
        supersedes=tuple(standing.correlation.uid for standing in old),
        instance=old[0].correlation.instance,
    )


def _withdrawn(old: Correlation) -> Correlation:
    return replace(
        old,
        uid=correlation_uid(old.rule, old.version, old.key, "withdrawn", old.uid),
        status=Status.WITHDRAWN,
        update=True,
        supersedes=(old.uid,),
    )
