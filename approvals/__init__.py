"""Approval chains: plans as data, one transition function, requests in the database."""

from approvals.delegations import delegate, end_delegation
from approvals.errors import ApprovalError, NoPlan, UnknownRequest
from approvals.plan import (
    Band,
    Clock,
    Mode,
    Plan,
    Signers,
    Step,
    Then,
    plan_from_mapping,
    shipped_plans,
)
from approvals.reading import (
    Event,
    due,
    history,
    list_requests,
    read,
    read_for,
    waiting_for,
)
from approvals.requests import act, request_grant, submit
from approvals.seating import permission_for, seat_plan, session_deadline
from approvals.state import (
    REJECT_REASONS,
    Act,
    Code,
    Delegation,
    OpenStep,
    Outcome,
    Signature,
    State,
    Status,
    Subject,
    Verb,
)
from approvals.transition import transition, wall_deadline

__all__ = [
    "REJECT_REASONS",
    "Act",
    "ApprovalError",
    "Band",
    "Clock",
    "Code",
    "Delegation",
    "Event",
    "Mode",
    "NoPlan",
    "OpenStep",
    "Outcome",
    "Plan",
    "Signature",
    "Signers",
    "State",
    "Status",
    "Step",
    "Subject",
    "Then",
    "UnknownRequest",
    "Verb",
    "act",
    "delegate",
    "due",
    "end_delegation",
    "history",
    "list_requests",
    "permission_for",
    "plan_from_mapping",
    "read",
    "read_for",
    "request_grant",
    "seat_plan",
    "session_deadline",
    "shipped_plans",
    "submit",
    "transition",
    "waiting_for",
    "wall_deadline",
]
