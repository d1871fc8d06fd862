"""A company's gateway of text messages or calls: signed requests, faults as the channel's own."""

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx
import orjson

from integrations.answers import BACK_OFF_S, TOO_MANY, json_object, wait_asked
from integrations.outbound import Outbound
from integrations.signing import SIGNATURE, refusal, signature
from store.clock import Clock
from workorders.channel import RawInbound, Refusal
from workorders.errors import ChannelFailed, ChannelRetry

_CODE = re.compile(r"[A-Z0-9_]{1,40}")
_GOOD = range(200, 300)
_SERVER_FAULT: Final = 500


class Gateway:
    """One gateway. Each call is tried once: further attempts are the outbox's, and on record.

    Args:
        url: where it takes requests; never shown, because such addresses hold a token.
        secret: signs both ways.
        outbound: the way out.
        clock: for the signature's time.
        timeout_s: patience with one call.
    """

    def __init__(
        self, url: str, secret: str, outbound: Outbound, clock: Clock, *, timeout_s: float = 10
    ) -> None:
        self.secret = secret
        self.clock = clock
        self._url = url
        self._http = outbound.client(url, timeout_s=timeout_s, headers={})

    def post(self, document: Mapping[str, Any]) -> None:
        """Hand over one document; its `id` is the idempotency key.

        Raises:
            ChannelRetry: rate limit, outage or no answer.
            ChannelFailed: the gateway refuses for good; `code` is `GATEWAY_` and its own.
        """
        body = orjson.dumps(document)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": str(document.get("id", "")),
            SIGNATURE: signature(self.secret, self.clock(), body),
        }
        try:
            answer = self._http.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as fault:
            # The name alone: the words of some faults repeat addresses, and ours hold secrets.
            raise ChannelRetry(BACK_OFF_S, type(fault).__name__) from None
        if answer.status_code in _GOOD:
            return
        if answer.status_code == TOO_MANY:
            raise ChannelRetry(wait_asked(answer), "rate limited")
        if answer.status_code >= _SERVER_FAULT:
            raise ChannelRetry(BACK_OFF_S, f"HTTP {answer.status_code}")
        code = plain_code(json_object(answer).get("code"))
        raise ChannelFailed(f"GATEWAY_{code or f'HTTP_{answer.status_code}'}")

    def ask(self) -> None:
        """Ask whether it knows our signature; nobody is told. Raises as `post` does."""
        self.post({"kind": "ping"})

    def refusal(self, raw: RawInbound) -> Refusal | None:
        """Why a request is not believed to be the gateway's; None when it is."""
        return refusal(self.secret, raw)


def plain_code(found: object) -> str:
    """A code as one; empty for anything else, which might repeat a number."""
    return found if isinstance(found, str) and _CODE.fullmatch(found) else ""
