"""The signature of what goes between hedgewarden and a company's own services, both ways."""

import hmac
from datetime import datetime
from hashlib import sha256
from typing import Final

from integrations.callbacks import BAD_SIGNATURE, STALE, is_fresh, is_stamp
from workorders.channel import RawInbound, Refusal

SIGNATURE: Final = "X-Hedgewarden-Signature"


def signature(secret: str, at: datetime, body: bytes) -> str:
    """``t=<unix seconds>,v1=<hex>``: HMAC-SHA256 of ``<t>.<body>`` (a GET has an empty body)."""
    moment = str(int(at.timestamp()))
    return f"t={moment},v1={_digest(secret, moment, body)}"


def refusal(secret: str, raw: RawInbound) -> Refusal | None:
    """Why a signed POST is not believed; None when signature and time are right."""
    if raw.method != "POST":
        return Refusal("READ_ONLY_METHOD", 405)
    moment, comma, given = raw.headers.get(SIGNATURE.lower(), "").partition(",v1=")
    moment = moment.removeprefix("t=")
    if not comma or not is_stamp(moment):
        return BAD_SIGNATURE
    if not hmac.compare_digest(_digest(secret, moment, raw.body).encode(), given.encode()):
        return BAD_SIGNATURE
    return None if is_fresh(int(moment), raw.received_at) else STALE


def _digest(secret: str, moment: str, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, sha256).hexdigest()
