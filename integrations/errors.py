"""Wrong calls to this room. Faults in somebody's file are `store.problems.Problem` values."""


class IntegrationsError(Exception):
    """The parent of this room's exceptions; `code` is a catalogue key."""

    code = "INTEGRATIONS_ERROR"


class UnknownQuarantineRow(IntegrationsError):  # noqa: N818 - the condition itself
    """No open row in quarantine has this number.

    Attributes:
        number: as it was asked for.
    """

    code = "IMPORT_ROW_UNKNOWN"

    def __init__(self, number: int) -> None:
        super().__init__(f"no open row {number} in quarantine")
        self.number = number


class NoStatementError(IntegrationsError):
    """A file of this kind lists no account in full.

    Attributes:
        kind: as it was asked for.
    """

    code = "IMPORT_FULL_KIND"

    def __init__(self, kind: str) -> None:
        super().__init__(f"a file of {kind} is no statement of an account")
        self.kind = kind
