"""Wrong calls to the audit log; bad data is a `store.problems.Problem` instead."""


class LogError(Exception):
    """The root of what this room raises. `code` is a catalogue key, never shown raw."""

    code = "LOG_ERROR"


class LogBusyError(LogError):
    """Another process holds the log's file and does not answer on the socket."""

    code = "LOG_BUSY"


class LogUnavailableError(LogError):
    """The owner of the log went away, or never answered; nothing was acknowledged."""

    code = "LOG_UNAVAILABLE"


class LogVersionError(LogError):
    """The owner of the log and this program are of different releases."""

    code = "LOG_VERSION"


class LogClosedError(LogError):
    """The log was closed before this call."""

    code = "LOG_CLOSED"


class LogFailedError(LogError):
    """The store below failed (a damaged file, a broken disk); nothing was acknowledged."""

    code = "LOG_FAILED"


class DiskFullError(LogFailedError):
    """The disk, the quota or the file's limit leaves no room; nothing was acknowledged.

    Reading goes on; writing does again as soon as there is room.
    """

    code = "DISK_FULL"


class UnknownFieldError(LogError, ValueError):
    """A field that events do not have, or that cannot be grouped by."""

    code = "LOG_FIELD_UNKNOWN"


class BadQueryError(LogError, ValueError):
    """A query with a wrong limit, order, cursor or span."""

    code = "LOG_QUERY_WRONG"


class UnknownRowError(LogError, LookupError):
    """No quarantined row has this number, or it is settled already."""

    code = "LOG_ROW_UNKNOWN"


class SqlRefusedError(LogError, ValueError):
    """The SQL text is not one plain query over the view `events`."""

    code = "LOG_SQL_REFUSED"


class SqlTimeoutError(LogError, TimeoutError):
    """The SQL query ran into its time limit and was stopped."""

    code = "LOG_SQL_TIMEOUT"
