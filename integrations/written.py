"""What somebody wrote to the app in a chat: looking and acting by words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Written:
    """A verified message.

    Attributes:
        channel: name of the chat.
        actor_ref: who wrote, as in `Inbound`.
        user: where to answer.
        text: as it was written.
        event_id: the same however often it arrives.
        seal: the signature of the request that brought it.
    """

    channel: str
    actor_ref: str
    user: str
    text: str
    event_id: str
    seal: str
