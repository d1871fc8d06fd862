"""Where the events of a batch stood: an id that is used twice is told by its row."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

from auditlog.events import Event
from store.problems import Problem

_NO_CELLS: Final[Mapping[str, str]] = {}


class Told(Protocol):
    """Hears of an event in which line it stood, and of a workbook which field in which cell."""

    def __call__(self, event: Event, line: int, cells: Mapping[str, str] = ..., /) -> None:
        """Take note of the event; `cells` is field → cell, empty for text."""


class EventLines:
    """The lines of one import or request; emptied by `reused`.

    Args:
        name: the file's name as the user gave it; ``api`` for a body.
        onward: hears of each event and its line as well.
    """

    def __init__(self, name: str, onward: Told) -> None:
        self._name = name
        self._onward = onward
        self._places: dict[int, tuple[int, str]] = {}

    def told(self, event: Event, line: int, cells: Mapping[str, str] = _NO_CELLS) -> None:
        """For the reader of the rows."""
        self._places[id(event)] = (line, cells.get("event_id", ""))
        self._onward(event, line, cells)

    def reused(self, events: Sequence[Event], uids: Collection[str]) -> list[Problem]:
        """A problem for each of `uids`, at the last row of the batch that bears it."""
        places: dict[str, tuple[int, str, str]] = {}
        for event in events if uids else ():
            if event.uid in uids:
                places[event.uid] = (*self._places.get(id(event), (0, "")), event.event_id)
        self._places.clear()
        return [
            Problem(
                "EVENT_ID_REUSED",
                file=self._name,
                line=line,
                cell=cell,
                field="event_id",
                found=number,
                allowed=f"≠ {number}",
                params={"uid": uid},
            )
            for uid, (line, cell, number) in places.items()
        ]
