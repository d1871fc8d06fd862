"""Wrong calls and crossed paths of this room."""


class AgentError(Exception):
    """The parent of this room's exceptions."""


class Overtaken(AgentError):  # noqa: N818 - what happened
    """Another process has read on in the meantime; this one starts again from what stands now."""
