"""Examples of the API: a body for each request that takes one, and the faults met most often."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from service.api.faults import Fault, problem_document
from service.i18n.wording import Catalogues
from store.problems import Problem

_UNIT: Final = "示例集团/铜贸易部"
_EVENT: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "event_id": "ERP-88001",
        "event_time": "2024-05-14T10:56:03Z",
        "type": "order.create",
        "org": _UNIT,
        "product": "cu",
        "actor": "liu",
        "order": "SO-240514-01",
    }
)
_MATCHERS: Final[Mapping[str, Any]] = MappingProxyType(
    {"org": _UNIT, "product": "cu", "levels": ["yellow", "blue"]}
)
_SILENCE: Final[Mapping[str, Any]] = MappingProxyType(
    {"matchers": dict(_MATCHERS), "ends_at": "2024-05-15T18:00:00+08:00", "reason": "stocktaking"}
)

#: Method and path, and what is sent there.
BODIES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "POST /events": [dict(_EVENT)],
        "POST /book/{kind}": {
            "source": "erp",
            "rows": [
                {
                    "contract_id": "P-1",
                    "org": _UNIT,
                    "product": "cu",
                    "side": "buy",
                    "quantity": "500",
                    "price": "71250",
                }
            ],
        },
        "POST /precheck": {"org": _UNIT, "side": "sell", "lots": 100, "contract": "cu2407"},
        "POST /correctives/{order_id}/finish": {"text": "posting is watched by the store keeper"},
        "POST /correctives/{order_id}/put-off": {
            "due": "2024-06-28T18:00:00+08:00",
            "reason": "waits for the new scale",
        },
        "POST /alerts/{alert_id}/confirm": {"text": "seen in the warehouse"},
        "POST /alerts/{alert_id}/dismiss": {"reasons": ["known_benign"], "text": "stocktaking"},
        "POST /alerts/dismiss": {
            "alerts": ["AL-20240514-001", "AL-20240514-002"],
            "reasons": ["duplicate"],
        },
        "POST /orders/{order_id}/acknowledge": {"version": 1},
        "POST /orders/{order_id}/take-over": {"version": 2},
        "POST /orders/{order_id}/tag": {"add": ["night shift", "warehouse"], "remove": ["late"]},
        "POST /orders/{order_id}/merge": {
            "into": "WO-20240514-001",
            "text": "the same late receipts",
            "version": 2,
        },
        "POST /orders/{order_id}/note": {"text": "called the warehouse"},
        "POST /orders/{order_id}/hold": {"objects": ["I-1"], "reason": "DATA_ISSUE"},
        "POST /orders/{order_id}/escalate": {"reason": "no answer from the warehouse"},
        "POST /orders/{order_id}/snooze": {
            "until": "2024-05-14T14:00:00+08:00",
            "reason": "the warehouse answers at noon",
        },
        "POST /orders/{order_id}/resolve": {"version": 3, "text": "receipts posted"},
        "POST /orders/{order_id}/close": {
            "version": 4,
            "disposition": "fixed",
            "root_cause": "RECEIPT_LATE",
            "corrective": {
                "text": "post receipts within the hour",
                "owner": "chen",
                "due": "2024-06-01T09:00:00Z",
            },
        },
        "POST /orders/{order_id}/request-approval": {"kind": "limit_change", "amount": "1200"},
        "POST /test-calls": {"person": "lin"},
        "POST /silences": {**_SILENCE},
        "POST /silences/preview": {"matchers": dict(_MATCHERS), "days": 30},
        "POST /silences/{silence_id}/change": {**_SILENCE, "version": 1},
        "POST /silences/{silence_id}/confirm": {"version": 1},
        "POST /silences/{silence_id}/end": {"reason": "stocktaking is over"},
        "POST /exemptions": {
            "org": _UNIT,
            "product": "cu",
            "rule": "EXPOSURE_TIERS",
            "cap": "650",
            "ends_at": "2024-05-31T18:00:00+08:00",
            "reason": "the vessel of the 20th is late",
            "clause": "chapter 4, exceptions",
        },
        "POST /exemptions/{exemption_id}/renew": {
            "ends_at": "2024-06-14T18:00:00+08:00",
            "reason": "the vessel is later still",
        },
        "POST /exemptions/{exemption_id}/revoke": {"reason": "the vessel has arrived"},
        "POST /handovers": {"org": _UNIT, "note": "quiet day"},
        "POST /handovers/{handover_id}/take": {"note": "read"},
        "POST /handovers/{handover_id}/withdraw": {"note": "stayed on"},
        "POST /drills": {"org": _UNIT, "level": "red", "minutes": 30, "product": "cu"},
        "POST /approvals/sign": {
            "requests": [{"id": "AP-e1bd7f967973a63e", "version": 1}],
            "note": "seen",
        },
        "POST /approvals/{request_id}/acts": {"verb": "reject", "version": 1, "reason": "PRICE"},
        "POST /delegations": {
            "delegate": "lin",
            "scope": _UNIT,
            "ends_at": "2024-06-14T18:00:00+08:00",
            "reason": "travelling",
        },
        "POST /delegations/{number}/end": {"reason": "back"},
        "POST /rules/check": {"text": "rule: NET_HIGH\n", "file": "net_high.yaml"},
        "POST /roster/overrides": {
            "org": _UNIT,
            "person": "lin",
            "instead_of": "chen",
            "start": "2024-06-10T09:00:00+08:00",
            "end": "2024-06-11T09:00:00+08:00",
            "reason": "ill",
        },
        "POST /roster/absences": {
            "deputy": "lin",
            "start": "2024-06-10T09:00:00+08:00",
            "end": "2024-06-14T18:00:00+08:00",
        },
        "POST /roster/swaps": {
            "org": _UNIT,
            "first": {"person": "chen", "start": "2024-06-10", "end": "2024-06-11"},
            "second": {"person": "lin", "start": "2024-06-12", "end": "2024-06-13"},
        },
    }
)

#: By status; what a program meets when it begins.
FAULTS: Final = (
    Fault(401, "SIGN_IN_NEEDED"),
    Fault(403, "FORBIDDEN", {"permission": "order.acknowledge", "why": "AUDITOR_READS_ONLY"}),
    Fault(404, "NOT_FOUND"),
    Fault(
        409,
        "STALE_VERSION",
        {
            "order": "WO-20240514-001",
            "state": "open",
            "actor": "",
            "at": "",
            "merged_into": "",
            "expected": 99,
            "version": 1,
        },
    ),
    Fault(
        415,
        "MEDIA_TYPE",
        problems=(
            Problem(
                "INPUT_MEDIA_TYPE",
                field="Content-Type",
                found="application/x-www-form-urlencoded",
                allowed="application/json",
            ),
        ),
    ),
    Fault(
        422,
        "BAD_REQUEST",
        problems=(Problem("INPUT_TEXT", field="reason", found="7", allowed='"…"'),),
    ),
)


def show(document: dict[str, Any], catalogues: Catalogues) -> None:
    """Put the examples into an OpenAPI document.

    Args:
        document: of the API; changed in place.
        catalogues: the words of the faults.
    """
    shown = {str(one.status): problem_document(catalogues, one, "en") for one in FAULTS}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, example in shown.items():
                for content in operation["responses"].get(status, {}).get("content", {}).values():
                    content["example"] = example
            body = BODIES.get(f"{method.upper()} {path}")
            media = operation.get("requestBody", {}).get("content", {})
            if body is not None and "application/json" in media:
                media["application/json"]["example"] = body
