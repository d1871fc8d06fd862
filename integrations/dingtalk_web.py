"""Calls of DingTalk's server API, with every fault as the channel's own: later, or never."""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

from integrations.answers import BACK_OFF_S, json_object, pass_over
from integrations.app_api import AppApi, issued
from integrations.outbound import Outbound
from workorders.errors import ChannelFailed, ChannelRetry

#: Calls by the second, of this app or of all apps; and by the minute (DingTalk: "call limits").
_RATE_LIMITED: Final = {
    "Forbidden.AccessDenied.QpsLimitForApi": 1,
    "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi": 1,
    "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi": 60,
}
_NO_TOKEN: Final = frozenset({"InvalidAuthentication"})
UNKNOWN_USER: Final = frozenset({"param.userIdNotExist"})
_BAD_REQUEST = 400


class DingtalkWeb:
    """The API of one app of the company.

    Args:
        base_url: ending in a slash; a local server in tests.
        app_key: of the app; its robot goes by the same name.
        secret: its AppSecret.
        outbound: the way out.
        timeout_s: patience with one call.
        ticks: seconds that only grow.
    """

    def __init__(
        self,
        *,
        base_url: str,
        app_key: str,
        secret: str,
        outbound: Outbound,
        timeout_s: float = 10,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self.robot = app_key
        self._credentials = {"appKey": app_key, "appSecret": secret}
        self._api = AppApi(
            base_url,
            outbound,
            fetch=self._fetch,
            unaccepted=lambda said: said.get("code") in _NO_TOKEN,
            timeout_s=timeout_s,
            ticks=ticks,
        )

    def call(self, verb: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One call's answer.

        Raises:
            ChannelRetry: rate limit, outage, no answer, or one that is not DingTalk's.
            ChannelFailed: DingTalk refuses; `code` is `DINGTALK_` and its own.
        """
        return _checked(
            self._api.under_token(lambda token: self._ask(verb, path, body, token=token))
        )

    def token(self) -> str:
        """The access token that holds now.

        Raises:
            ChannelRetry: it cannot be had now.
            ChannelFailed: DingTalk does not know the app, or the secret is another one.
        """
        return self._api.token()

    def _fetch(self) -> tuple[str, int]:
        said = _checked(self._ask("POST", "v1.0/oauth2/accessToken", self._credentials))
        return issued(said, "accessToken", "expireIn")

    def _ask(
        self, verb: str, path: str, body: Mapping[str, Any], *, token: str = ""
    ) -> dict[str, Any]:
        headers = {"x-acs-dingtalk-access-token": token} if token else {}
        answer = self._api.request(verb, path, body=body, headers=headers)
        known = json_object(answer)
        code = known.get("code")
        if isinstance(code, str) and code in _RATE_LIMITED:
            raise ChannelRetry(_RATE_LIMITED[code], f"rate limited ({code})")
        told = isinstance(code, str) or (bool(known) and answer.status_code < _BAD_REQUEST)
        pass_over(answer, told, "DingTalk")
        return known


def _checked(said: dict[str, Any]) -> dict[str, Any]:
    code = said.get("code")
    if code is None:
        return said
    if code in _NO_TOKEN:
        raise ChannelRetry(BACK_OFF_S, f"DingTalk answered {code}")
    if code in UNKNOWN_USER:
        raise ChannelFailed("UNKNOWN_USER")
    # The words beside the code repeat what was sent: not kept.
    raise ChannelFailed(f"DINGTALK_{code}")
