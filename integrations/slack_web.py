"""Calls of Slack's Web API, with every fault as the channel's own: later, or never."""

import json
from typing import Any

import httpx

from integrations.answers import BACK_OFF_S, json_object, pass_over, wait_asked
from integrations.outbound import Outbound
from workorders.errors import ChannelFailed, ChannelRetry

_TRANSIENT = {
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
    known = json_object(answer)
    error = str(known.get("error", ""))
    if error == "ratelimited":
        raise ChannelRetry(wait_asked(answer), "rate limited")
    if error in _TRANSIENT:
        raise ChannelRetry(BACK_OFF_S, error)
    pass_over(answer, "ok" in known, "Slack")
    if not known["ok"]:
        raise ChannelFailed(error.upper() or "REFUSED")
    return known
