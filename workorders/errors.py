"""Wrong calls of this room; faults in data and refusals are values, not exceptions."""


class WorkOrdersError(Exception):
    """The base of this room's exceptions."""


class UnknownOrder(WorkOrdersError):  # noqa: N818 - a name as people say it
    """No work order has this id."""


class UnknownAlert(WorkOrdersError):  # noqa: N818 - a name as people say it
    """No alert has this id."""


class ConcurrentChange(WorkOrdersError):  # noqa: N818 - a name as people say it
    """Another transaction moved the row between our read and our write; the caller runs again."""


class BadLevel(WorkOrdersError, ValueError):  # noqa: N818 - a name as people say it
    """A word that names none of the four levels."""


class BadPolicy(WorkOrdersError, ValueError):  # noqa: N818 - a name as people say it
    """A policy with a value that cannot be meant (a negative time, an unknown clock)."""


class ChannelError(WorkOrdersError):
    """A channel could not deliver."""


class ChannelRetry(ChannelError):  # noqa: N818 - a name as people say it
    """The channel asks to come back later (a 429 with Retry-After, an outage).

    Attributes:
        after_s: seconds to wait before the next attempt.
    """

    def __init__(self, after_s: int, detail: str = "") -> None:
        super().__init__(detail or f"try again after {after_s} s")
        self.after_s = after_s


class ChannelFailed(ChannelError):  # noqa: N818 - a name as people say it
    """The channel will not deliver this card; the next channel takes it at once.

    Attributes:
        permanent: true when no later attempt can succeed (unknown recipient, rejected address).
        code: the reason, in capitals.
    """

    def __init__(self, code: str, *, permanent: bool = True, detail: str = "") -> None:
        super().__init__(detail or code)
        self.permanent = permanent
        self.code = code
