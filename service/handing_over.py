"""What a hand-over sheet needs from the house beyond its own room: the feeds at fault."""

from sqlalchemy import Connection

from agents import feed_states
from workorders.handover_items import Feed


def feeds_at_fault(connection: Connection) -> list[Feed]:
    """The feeds that are late or dead, as last told, by organisation and source."""
    states = feed_states.states(connection)
    return [
        Feed(org, source, state)
        for (org, source), state in sorted(states.items())
        if state != feed_states.CURRENT
    ]
