"""交接班: what a hand-over sheet holds, who may sign it, and what moved after it. Pure.

Who ends a shift signs what is open, snoozed, silenced, waiting and at fault; who begins the next
signs that sheet together with all that moved since. Nobody signs both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from store.clock import parse_rfc3339, rfc3339
from trail.canonical import canonical


class HandoverState(StrEnum):
    """Where a sheet stands: given waits for its second signature."""

    GIVEN = "given"
    TAKEN = "taken"
    WITHDRAWN = "withdrawn"


class Section(StrEnum):
    """The parts of a sheet, in the order in which they are read."""

    OPEN = "open"
    SNOOZED = "snoozed"
    SILENCED = "silenced"
    WAITING = "waiting"
    FAULTS = "faults"


class Thing(StrEnum):
    """What a line is about."""

    ORDER = "order"
    ALERT = "alert"
    APPROVAL = "approval"
    SILENCE = "silence"
    EXEMPTION = "exemption"
    FEED = "feed"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a sheet.

    Attributes:
        thing: what `id` names. A feed is named by its source.
        code: the code of its title, the kind of an approval, or the state of a feed.
        state: where it stood; with the level that is what counts as moved.
        owner: who has it; for an approval who asked, for a silence or an exemption its author.
        due: its next deadline, or the end of a silence, an exemption or a snooze.
        cause: why a detector raised the alert, a code.
        about: the number that it is about; of a silence the measure and the account that it names,
            of an exemption its cap and its unit.
        actor: whose doing an alert is, as the source calls them; whose cards a silence covers.
        levels: the colours that a silence covers.
    """

    section: Section
    thing: Thing
    id: str
    org: str
    state: str
    code: str = ""
    level: str = ""
    product: str = ""
    month: str = ""
    owner: str = ""
    due: datetime | None = None
    cause: str = ""
    about: str = ""
    actor: str = ""
    levels: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        due = None if self.due is None else rfc3339(self.due)
        return {**asdict(self), "due": due, "levels": list(self.levels)}


@dataclass(frozen=True, slots=True)
class Handover:
    """One sheet.

    Attributes:
        items: frozen when it was given; `digest` is the sha256 of them.
        moved: what had moved when it was taken, frozen by the second signature.
        given_note, taken_note: what the two wrote.
        ended_by: who took or withdrew it.
        orders: the orders whose ownership went over with the second signature.
    """

    id: str
    org: str
    state: HandoverState
    given_by: str
    given_at: datetime
    given_note: str
    items: tuple[Item, ...]
    digest: str
    ended_by: str = ""
    ended_at: datetime | None = None
    taken_note: str = ""
    moved: "tuple[Move, ...]" = ()
    orders: tuple[str, ...] = ()


class MoveKind(StrEnum):
    """How a line differs from the sheet."""

    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Move:
    """One line that differs now; of a changed one `item` is the new form and `was` the old."""

    kind: MoveKind
    item: Item
    was: Item | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        was = None if self.was is None else self.was.as_json()
        return {"kind": self.kind.value, "item": self.item.as_json(), "was": was}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a signature is not taken; an empty code refuses nothing."""

    code: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


def moves(before: Iterable[Item], now: Iterable[Item]) -> tuple[Move, ...]:
    """What came, what changed its section, state, colour or owner, and what is gone.

    A deadline that runs on is no change. The order is that of the sheet: what is there now first.
    """
    old = {(item.thing, item.id, item.org): item for item in before}
    found: list[Move] = []
    for item in now:
        was = old.pop((item.thing, item.id, item.org), None)
        if was is None:
            found.append(Move(MoveKind.NEW, item))
        elif _standing(was) != _standing(item):
            found.append(Move(MoveKind.CHANGED, item, was))
    found += [Move(MoveKind.GONE, item) for item in old.values()]
    return tuple(found)


def _standing(item: Item) -> tuple[str, ...]:
    return item.section, item.state, item.level, item.owner, *item.levels


def digest_of(items: Sequence[Item]) -> str:
    """The sha256 of the lines in canonical JSON, in lower-case hex."""
    return sha256(canonical([item.as_json() for item in items])).hexdigest()


def digest_of_moves(found: Sequence[Move]) -> str:
    """Names what moved, so that nobody signs what was not on the page."""
    return sha256(canonical([move.as_json() for move in found])).hexdigest()


def judge_take(sheet: Handover, person: str, found: Sequence[Move], seen: str | None) -> Refusal:
    """Whether `person` can put the second signature under the sheet.

    Args:
        sheet: as it stands.
        person: who would sign.
        found: what moved since it was given.
        seen: `digest_of_moves` of what the person was shown; None asks for no such proof.
    """
    if sheet.state is not HandoverState.GIVEN:
        params = {"handover": sheet.id, "state": sheet.state.value, "by": sheet.ended_by}
        return Refusal("HANDOVER_OVER", params)
    if person == sheet.given_by:
        return Refusal("HANDOVER_NEEDS_SECOND", {"person": sheet.given_by})
    if seen is not None and seen != digest_of_moves(found):
        return Refusal("HANDOVER_MOVED", {"handover": sheet.id})
    return Refusal()


def item_from(stored: Mapping[str, Any]) -> Item:
    """The line of its JSON."""
    due = stored["due"]
    return Item(
        **{
            **stored,
            "section": Section(stored["section"]),
            "thing": Thing(stored["thing"]),
            "due": None if due is None else parse_rfc3339(due),
            "levels": tuple(stored.get("levels", ())),  # sheets signed before had none
        }
    )


def move_from(stored: Mapping[str, Any]) -> Move:
    """The move of its JSON."""
    was = stored["was"]
    return Move(
        MoveKind(stored["kind"]),
        item_from(stored["item"]),
        None if was is None else item_from(was),
    )
