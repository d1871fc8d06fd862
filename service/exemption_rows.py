"""An exemption as plain values, the same for the API and the command line."""

from typing import Any

from workorders.exemptions import Exemption
from workorders.plain import plain


def exemption_row(exemption: Exemption, covered: int) -> dict[str, Any]:
    """The exemption as it stands: times and figures as text.

    Args:
        exemption: of the register.
        covered: how many matches raised nothing because of it.
    """
    terms = exemption.terms
    row: dict[str, Any] = plain(
        {
            "id": exemption.id,
            "state": exemption.state,
            "org": terms.org,
            "product": terms.product,
            "rule": terms.rule,
            "month": terms.month,
            "account": terms.account,
            "cap": terms.cap,
            "unit": terms.unit,
            "starts_at": terms.starts_at,
            "ends_at": terms.ends_at,
            "reason": exemption.reason,
            "clause": exemption.clause,
            "renews": exemption.renews,
            "requested_by": exemption.requested_by,
            "requested_at": exemption.requested_at,
            "request": exemption.request_id,
            "decided_by": exemption.decided_by,
            "decided_at": exemption.decided_at,
            "ended_by": exemption.ended_by,
            "ended_at": exemption.ended_at,
            "end_reason": exemption.end_reason,
            "covered": covered,
        }
    )
    return row
