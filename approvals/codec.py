"""A request's state as JSON and back."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from approvals.plan import Clock, Mode, Then
from approvals.state import Act, Delegation, OpenStep, Signature, State, Status, Subject, Verb
from store.clock import parse_rfc3339, rfc3339
from store.types import decimal_text


def to_json(value: Any) -> Any:
    """Any value of `approvals.state` as plain JSON: decimals and times are text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_json(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return decimal_text(value)
    return rfc3339(value) if isinstance(value, datetime) else value


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_rfc3339(text)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _subject(value: dict[str, Any]) -> Subject:
    return Subject(
        **{
            **value,
            "causers": tuple(value["causers"]),
            "amount": _decimal(value["amount"]),
        }
    )


def _step(value: dict[str, Any]) -> OpenStep:
    return OpenStep(
        **{
            **value,
            "signers": tuple(value["signers"]),
            "extra": tuple(value["extra"]),
            "escalate_to": tuple(value["escalate_to"]),
            "clock": Clock(value["clock"]),
            "then": Then(value["then"]),
            "mode": Mode(value["mode"]),
        }
    )


def _signature(value: dict[str, Any]) -> Signature:
    return Signature(**{**value, "at": parse_rfc3339(value["at"])})


def _delegation(value: dict[str, Any]) -> Delegation:
    ends, cap = parse_rfc3339(value["ends"]), _decimal(value["cap"])
    starts = _time(value.get("starts"))
    return Delegation(**{**value, "ends": ends, "cap": cap, "starts": starts})


def state_from_json(value: dict[str, Any]) -> State:
    """The state that `to_json` wrote."""
    return State(
        **{
            **value,
            "subject": _subject(value["subject"]),
            "steps": tuple(_step(step) for step in value["steps"]),
            "status": Status(value["status"]),
            "signatures": tuple(_signature(one) for one in value["signatures"]),
            "delegations": tuple(_delegation(one) for one in value["delegations"]),
            "barred": tuple(value["barred"]),
            "due": _time(value["due"]),
            "expires": _time(value["expires"]),
            "nudges": tuple((who, parse_rfc3339(at)) for who, at in value["nudges"]),
            "decided_at": _time(value["decided_at"]),
        }
    )


def act_from_json(value: dict[str, Any]) -> Act:
    """The act that `to_json` wrote."""
    return Act(
        **{
            **value,
            "verb": Verb(value["verb"]),
            "delegation": _delegation(value["delegation"]) if value["delegation"] else None,
            "subject": _subject(value["subject"]) if value["subject"] else None,
            "steps": tuple(_step(step) for step in value["steps"]),
        }
    )
