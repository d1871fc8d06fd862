"""Where the events of a batch stood: an id that is used twice is told by its row."""

from collections.abc import Callable, Collection, Sequence

from auditlog.events import Event
from store.problems import Problem


class EventLines:
    """The lines of one import or request; emptied by `reused`.

    Args:
        name: the file's name as the user gave it; ``api`` for a body.
        onward: hears of each event and its line as well.
    """

    def __init__(self, name: str, onward: Callable[[Event, int], None]) -> None:
        self._name = name
        self._onward = onward
        self._lines: dict[int, int] = {}

    def told(self, event: Event, line: int) -> None:
        """For the reader of the rows."""
        self._lines[id(event)] = line
        self._onward(event, line)

    def reused(self, events: Sequence[Event], uids: Collection[str]) -> list[Problem]:
        """A problem for each of `uids`, at the last row of the batch that bears it."""
        places: dict[str, tuple[int, str]] = {}
        for event in events if uids else ():
            if event.uid in uids:
                places[event.uid] = (self._lines.get(id(event), 0), event.event_id)
        self._lines.clear()
        return [
            Problem(
                "EVENT_ID_REUSED",
                file=self._name,
                line=line,
                field="event_id",
                found=number,
                allowed=f"≠ {number}",
                params={"uid": uid},
            )
            for uid, (line, number) in places.items()
        ]
