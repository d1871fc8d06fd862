"""Calls of Feishu's open API, with every fault as the channel's own: later, or never."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

from integrations.answers import BACK_OFF_S, json_object, pass_over, wait_asked
from integrations.app_api import AppApi, issued
from integrations.outbound import Outbound
from workorders.errors import ChannelFailed, ChannelRetry

_RATE_LIMITED: Final = frozenset({99991400, 230020, 11232, 11233, 11247, 1000004, 1000005})
#: Feishu's own trouble, and a message that is being sent by an earlier attempt.
_BUSY: Final = frozenset({2200, 230049, 1000001})
_NO_TOKEN: Final = frozenset({99991661, 99991663, 99991664, 99991671})
#: No such open_id; or the app's range does not hold the person.
UNKNOWN_USER: Final = frozenset({99992351, 99992361, 230013})
_RESET = "x-ogw-ratelimit-reset"


class FeishuWeb:
    """The API of one self-built app.

    Args:
        base_url: ending in a slash; a local server in tests.
        app_id: of the app.
        secret: its App Secret.
        outbound: the way out.
        timeout_s: patience with one call.
        ticks: seconds that only grow.
    """

    def __init__(
        self,
        *,
        base_url: str,
        app_id: str,
        secret: str,
        outbound: Outbound,
        timeout_s: float = 10,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._credentials = {"app_id": app_id, "app_secret": secret}
        self._api = AppApi(
            base_url,
            outbound,
            fetch=self._fetch,
            unaccepted=lambda said: said["code"] in _NO_TOKEN,
            timeout_s=timeout_s,
            ticks=ticks,
        )

    def call(
        self, verb: str, path: str, body: Mapping[str, Any], query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """One call's answer, the object in its `data`.

        Raises:
            ChannelRetry: rate limit, outage, no answer, or one that is not Feishu's.
            ChannelFailed: Feishu refuses; `code` is `FEISHU_` and its number.
        """
        said = self._api.under_token(lambda token: self._ask(verb, path, body, query, token))
        data = _checked(said).get("data")
        return data if isinstance(data, dict) else {}

    def token(self) -> str:
        """The access token that holds now.

        Raises:
            ChannelRetry: it cannot be had now.
            ChannelFailed: Feishu does not know the app, or the secret is another one.
        """
        return self._api.token()

    def _fetch(self) -> tuple[str, int]:
        path = "auth/v3/tenant_access_token/internal"
        said = _checked(self._ask("POST", path, self._credentials, None, ""))
        return issued(said, "tenant_access_token", "expire")

    def _ask(
        self,
        verb: str,
        path: str,
        body: Mapping[str, Any],
        query: Mapping[str, str] | None,
        token: str,
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self._api.request(verb, path, query=query, body=body, headers=headers)
        known = json_object(answer)
        if known.get("code") in _RATE_LIMITED:
            raise ChannelRetry(wait_asked(answer, header=_RESET), f"rate limited ({known['code']})")
        pass_over(answer, isinstance(known.get("code"), int), "Feishu")
        return known


def _checked(said: dict[str, Any]) -> dict[str, Any]:
    code = said["code"]
    if code == 0:
        return said
    if code in _BUSY or code in _NO_TOKEN:
        raise ChannelRetry(BACK_OFF_S, f"Feishu answered {code}")
    if code in UNKNOWN_USER:
        raise ChannelFailed("UNKNOWN_USER")
    # The words beside the number repeat what was sent: not kept.
    raise ChannelFailed(f"FEISHU_{code}")
