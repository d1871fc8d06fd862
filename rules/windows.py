"""The stateful operators as pure functions over the facts of one key, sorted by event time.

Because they look at nothing but the set of facts, the order of arrival cannot matter.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rules.patterns import Fact, Forbidden, Pattern


class Live(NamedTuple):
    """One fact within the state.

    Sorts by event time, then uid. `roles` has bit i for step i; the bits behind the steps stand
    for `none_between` and the awaited fact of an absence.
    """

    at: int
    uid: str
    roles: int
    fact: Fact

    @property
    def place(self) -> tuple[int, str]:
        """Its position in event time."""
        return self.at, self.uid


@dataclass(frozen=True, slots=True)
class Cluster:
    """Facts that are close together.

    Attributes:
        members: all of them, in event time.
        peak: the most facts (for distinct: different values) within one window.
    """

    members: tuple[Live, ...]
    peak: int


def named(pattern: Pattern, members: Sequence[Live]) -> dict[str, tuple[Fact, ...]]:
    """Everything joined, by alias: one fact a step, or all facts of the counted step."""
    if pattern.clustered:
        return {pattern.steps[0].alias: tuple(live.fact for live in members)}
    return {s.alias: (live.fact,) for s, live in zip(pattern.steps, members, strict=True)}


def roles_of(pattern: Pattern, fact: Fact) -> int:
    """The places that `fact` may take in `pattern`, as bits; 0 when it takes none."""
    roles = 0
    for index, step in enumerate(pattern.steps):
        if step.kind == fact.kind and step.where(fact) is True:
            roles |= 1 << index
    for offset, forbidden in enumerate(_forbidden(pattern)):
        if forbidden and forbidden.kind == fact.kind and forbidden.where(fact) is True:
            roles |= 1 << (len(pattern.steps) + offset)
    return roles


def _forbidden(pattern: Pattern) -> tuple[Forbidden | None, Forbidden | None]:
    return pattern.none_between, pattern.absent.awaited if pattern.absent else None


def between(lives: Sequence[Live], first: int, last: int) -> Sequence[Live]:
    """The facts from `first` to `last` in microseconds, both included."""
    low = bisect_left(lives, first, key=_at)
    return lives[low : bisect_right(lives, last, lo=low, key=_at)]


def _at(live: Live) -> int:
    return live.at


def clusters(pattern: Pattern, lives: Sequence[Live], window: int) -> Iterator[Cluster]:
    """The maximal chains of satisfied windows that share a fact, as far as `whole` holds.

    Args:
        pattern: a pattern with `count` or `distinct`.
        lives: the facts of one key, sorted.
        window: the window in microseconds, both ends included.
    """
    for cluster in _chains(pattern, lives, window):
        if pattern.whole is None or pattern.whole(named(pattern, cluster.members)) is True:
            yield cluster


def _chains(pattern: Pattern, lives: Sequence[Live], window: int) -> Iterator[Cluster]:
    values: list[tuple[str, Any]] = []
    items: list[Live] = []
    for live in lives:
        value = live.fact.fields.get(pattern.distinct[0]) if pattern.distinct else live.uid
        if live.roles & 1 and value is not None:
            items.append(live)
            values.append((type(value).__name__, value))
    different = pattern.distinct[1] if pattern.distinct else 1
    least = pattern.count or 1
    inside: Counter[tuple[str, Any]] = Counter()
    low = start = end = peak = 0
    found = False
    for high, live in enumerate(items):
        inside[values[high]] += 1
        while live.at - items[low].at > window:
            inside[values[low]] -= 1
            if not inside[values[low]]:
                del inside[values[low]]
            low += 1
        if len(inside) < different or high - low + 1 < least:
            continue
        if found and low <= end:
            end, peak = high, max(peak, len(inside))
            continue
        if found:
            yield Cluster(tuple(items[start : end + 1]), peak)
        found, start, end, peak = True, low, high, len(inside)
    if found:
        yield Cluster(tuple(items[start : end + 1]), peak)


def joined(
    pattern: Pattern, lives: Sequence[Live], anchor: Live, window: int, absence: int
) -> tuple[Live, ...] | None:
    """The members of the instance whose last fact is `anchor`, in the order of the steps.

    Of several earlier facts the nearest that satisfies every condition is taken, so that a stale
    read names the newest write it missed.

    Args:
        pattern: a pattern without `count` and `distinct`.
        lives: the facts of one key, sorted.
        anchor: the last member in event time.
        window: `within` in microseconds.
        absence: the absence's own window in microseconds; unused without one.

    Returns:
        The members, or None when there is no instance.
    """
    earlier = between(lives, anchor.at - window, anchor.at)
    search = _Search(pattern, earlier, anchor)
    last = len(pattern.steps) - 1
    for index in (last,) if pattern.ordered else range(last + 1):
        if not anchor.roles >> index & 1:
            continue
        for members in search.assignments(index):
            if _allowed(pattern, lives, members, anchor, absence):
                return members
    return None


class _Search:
    def __init__(self, pattern: Pattern, earlier: Sequence[Live], anchor: Live) -> None:
        self.pattern = pattern
        self.earlier = earlier
        self.anchor = anchor

    def assignments(self, index: int) -> Iterator[tuple[Live, ...]]:
        """All ways to fill the steps with the anchor at step `index`, nearest facts first."""
        rest = [step for step in reversed(range(len(self.pattern.steps))) if step != index]
        chosen = {index: self.anchor}
        if self._holds(chosen, index):
            yield from self._fill(chosen, rest)

    def _fill(self, chosen: dict[int, Live], rest: list[int]) -> Iterator[tuple[Live, ...]]:
        if not rest:
            yield tuple(chosen[index] for index in range(len(self.pattern.steps)))
            return
        step = rest[0]
        for live in reversed(self.earlier):
            if live.roles >> step & 1 and self._fits(chosen, step, live):
                chosen[step] = live
                if self._holds(chosen, step):
                    yield from self._fill(chosen, rest[1:])
                del chosen[step]

    def _fits(self, chosen: dict[int, Live], step: int, live: Live) -> bool:
        if any(live.uid == other.uid for other in chosen.values()):
            return False
        if not self.pattern.ordered:
            return live.place < self.anchor.place
        follower = chosen[step + 1]
        if live.at != follower.at:
            return live.at < follower.at
        # Equal times are in order; when the two could also change places, the uid decides, so that
        # one pair is one instance.
        swappable = live.roles >> (step + 1) & 1 and follower.roles >> step & 1
        return not swappable or live.uid < follower.uid

    def _holds(self, chosen: dict[int, Live], newest: int) -> bool:
        steps = self.pattern.steps
        bound = {steps[index].alias: live.fact for index, live in chosen.items()}
        alias = steps[newest].alias
        return all(
            having.test(bound) is True
            for having in self.pattern.having
            if having.aliases <= bound.keys() and (alias in having.aliases or not having.aliases)
        )


def _allowed(
    pattern: Pattern,
    lives: Sequence[Live],
    members: tuple[Live, ...],
    anchor: Live,
    absence: int,
) -> bool:
    if pattern.whole is not None and pattern.whole(named(pattern, members)) is not True:
        return False
    first = min(live.at for live in members)
    spans = ((first, anchor.at), (anchor.at, anchor.at + absence))
    own = {live.uid for live in members}
    bound = {step.alias: live.fact for step, live in zip(pattern.steps, members, strict=True)}
    for offset, (forbidden, span) in enumerate(zip(_forbidden(pattern), spans, strict=True)):
        if forbidden is None:
            continue
        role = len(pattern.steps) + offset
        for live in between(lives, *span):
            if (
                live.roles >> role & 1
                and live.uid not in own
                and forbidden.test(live.fact, bound) is True
            ):
                return False
    return True
