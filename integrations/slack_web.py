"""Calls of Slack's Web API, with every fault as the channel's own: later, or never."""

import json
from typing import Any

import httpx

from integrations.outbound import Outbound
from workorders.errors import ChannelFailed, ChannelRetry

BACK_OFF_S = 15
#: Longer than this nobody is kept waiting, whatever a header says.
_LONGEST_S = 3600
_TOO_MANY = 429
_SERVER_FAULT = 500
_TRANSIENT = {
    "ratelimited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
}


class SlackWeb:
    """The Web API under one token.

    Each call is tried once: further attempts are the outbox's, and on record.

    Args:
        base_url: ending in a slash; a local server in tests and in the demo.
        token: the bot's token, or the app's for `apps.connections.open`.
        outbound: the way out.
        timeout_s: patience with one call.
    """

    def __init__(
        self, *, base_url: str, token: str, outbound: Outbound, timeout_s: float = 10
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = outbound.client(base_url, timeout_s=timeout_s, headers=headers)

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """One call's answer.

        Raises:
            ChannelRetry: rate limit, outage, no answer, or one that is not Slack's.
            ChannelFailed: Slack refuses; `code` is its error in capitals.
        """
        body = json.dumps(arguments, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        try:
            answer = self._http.post(method, content=body, headers=headers)
        except httpx.HTTPError as fault:
            # The name alone: the words of some faults repeat addresses.
            raise ChannelRetry(BACK_OFF_S, type(fault).__name__) from fault
        return _read(answer)


def _read(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        said = None
    known = said if isinstance(said, dict) else {}
    error = str(known.get("error", ""))
    if answer.status_code == _TOO_MANY or error == "ratelimited":
        raise ChannelRetry(_asked(answer.headers.get("retry-after", "")), "rate limited")
    if answer.status_code >= _SERVER_FAULT or error in _TRANSIENT:
        raise ChannelRetry(BACK_OFF_S, error or f"HTTP {answer.status_code}")
    if "ok" not in known:
        # A proxy's own page, or something else that stands in between.
        raise ChannelRetry(BACK_OFF_S, f"HTTP {answer.status_code}, no answer of Slack's")
    if not known["ok"]:
        raise ChannelFailed(error.upper() or "REFUSED")
    return known


def _asked(after: str) -> int:
    whole = after.isascii() and after.isdigit() and len(after) < 10  # noqa: PLR2004
    return min(int(after), _LONGEST_S) if whole and int(after) else BACK_OFF_S
