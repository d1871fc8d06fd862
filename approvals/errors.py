"""Wrong calls to the approvals. A refusal is an `Outcome`, bad plan data a `Problem`."""

# ruff: noqa: N818 - each name is the condition itself; they share the base ApprovalError


class ApprovalError(Exception):
    """The parent of this room's exceptions."""


class UnknownRequest(ApprovalError):
    """There is no approval request with this id.

    Attributes:
        request_id: the id as it was given.
    """

    def __init__(self, request_id: str) -> None:
        super().__init__(f"there is no approval request {request_id!r}")
        self.request_id = request_id


class NoPlan(ApprovalError):
    """No chain is defined for this kind of subject at this organisation and amount.

    Attributes:
        kind: the kind of subject.
        org: the organisation path.
    """

    def __init__(self, kind: str, org: str) -> None:
        super().__init__(f"no approval chain covers {kind!r} at {org!r}")
        self.kind = kind
        self.org = org


class UnknownDelegation(ApprovalError):
    """There is no delegation of this number.

    Attributes:
        number: as it was given.
    """

    def __init__(self, number: str) -> None:
        super().__init__(f"there is no delegation {number!r}")
        self.number = number
