"""Alerts and work orders: states, noise control, routing, escalation, the channel port."""

from workorders import reads, tables
from workorders.card import Button, Card, CardKind, Figure, Line, card_from_json
from workorders.channel import Channel, Handle, Inbound, RawInbound, Refusal, Updated
from workorders.commands import (
    acknowledge,
    hold_instruction,
    note,
    reassign,
    request_approval,
    snooze,
    take_over,
    wake,
)
from workorders.context import Context
from workorders.deliveries import record_delivery
from workorders.ending import close, reopen, resolve, resume
from workorders.errors import (
    BadLevel,
    BadPolicy,
    ChannelError,
    ChannelFailed,
    ChannelRetry,
    ConcurrentChange,
    WorkOrdersError,
)
from workorders.fire import KINDS as TIMER_KINDS
from workorders.fire import Fired, escalate, escalation_reaches, fire_timer
from workorders.guard import Condition, Holding, may_execute
from workorders.inbound import Answer, perform
from workorders.inbox import (
    TriageOutcome,
    confirm_alert,
    dismiss_alert,
    dismiss_alerts,
    merge_alert,
)
from workorders.ingest import Result, ingest_match
from workorders.levels import Level, highest, parse_level
from workorders.manual import ChatMessage, ManualOrder, open_by_hand
from workorders.merging import merge
from workorders.model import (
    Alert,
    AlertState,
    Case,
    Clear,
    Closing,
    Corrective,
    Entry,
    EntryKind,
    Match,
    ObjectDecision,
    OrderKind,
    SourceKind,
    State,
    WorkOrder,
)
from workorders.policy import LevelPolicy, Policy, policy_from_json
from workorders.refresh import StaleCard, record_refresh, stale_cards
from workorders.states import Outcome, Verb
from workorders.tags import tag
from workorders.triage import Reason, map_reason

__all__ = [
    "TIMER_KINDS",
    "Alert",
    "AlertState",
    "Answer",
    "BadLevel",
    "BadPolicy",
    "Button",
    "Card",
    "CardKind",
    "Case",
    "Channel",
    "ChannelError",
    "ChannelFailed",
    "ChannelRetry",
    "ChatMessage",
    "Clear",
    "Closing",
    "ConcurrentChange",
    "Condition",
    "Context",
    "Corrective",
    "Entry",
    "EntryKind",
    "Figure",
    "Fired",
    "Handle",
    "Holding",
    "Inbound",
    "Level",
    "LevelPolicy",
    "Line",
    "ManualOrder",
    "Match",
    "ObjectDecision",
    "OrderKind",
    "Outcome",
    "Policy",
    "RawInbound",
    "Reason",
    "Refusal",
    "Result",
    "SourceKind",
    "StaleCard",
    "State",
    "TriageOutcome",
    "Updated",
    "Verb",
    "WorkOrder",
    "WorkOrdersError",
    "acknowledge",
    "card_from_json",
    "close",
    "confirm_alert",
    "dismiss_alert",
    "dismiss_alerts",
    "escalate",
    "escalation_reaches",
    "fire_timer",
    "highest",
    "hold_instruction",
    "ingest_match",
    "map_reason",
    "may_execute",
    "merge",
    "merge_alert",
    "note",
    "open_by_hand",
    "parse_level",
    "perform",
    "policy_from_json",
    "reads",
    "reassign",
    "record_delivery",
    "record_refresh",
    "reopen",
    "request_approval",
    "resolve",
    "resume",
    "snooze",
    "stale_cards",
    "tables",
    "tag",
    "take_over",
    "wake",
]
