"""Calls of WeCom's server API, with every fault as the channel's own: later, or never.

A call needs an access token, which holds for two hours and may be withdrawn at any time. It is kept
until shortly before its end and fetched anew, once, when WeCom does not accept it any more.
"""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Final

from integrations.answers import BACK_OFF_S, json_object, pass_over
from integrations.app_api import AppApi, issued
from integrations.outbound import Outbound
from workorders.errors import ChannelFailed, ChannelRetry

#: WeCom counts calls by the minute and says no figure.
RATE_LIMITED_S: Final = 60
_RATE_LIMITED: Final = frozenset({45009, 45033})
_BUSY: Final = frozenset({-1})
#: Not accepted: unknown or withdrawn, missing, over.
_NO_TOKEN: Final = frozenset({40014, 41001, 42001})
UNKNOWN_USER: Final = frozenset({40003, 60111, 81013})


class WecomWeb:
    """The API of one self-built app.

    Args:
        base_url: ending in a slash; a local server in tests.
        corp_id: the company.
        secret: of the app.
        outbound: the way out.
        timeout_s: patience with one call.
        ticks: seconds that only grow.
    """

    def __init__(
        self,
        *,
        base_url: str,
        corp_id: str,
        secret: str,
        outbound: Outbound,
        timeout_s: float = 10,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._credentials = {"corpid": corp_id, "corpsecret": secret}
        self._api = AppApi(
            base_url,
            outbound,
            fetch=self._fetch,
            unaccepted=lambda said: said["errcode"] in _NO_TOKEN,
            timeout_s=timeout_s,
            ticks=ticks,
        )

    def call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One call's answer.

        Raises:
            ChannelRetry: rate limit, outage, no answer, or one that is not WeCom's.
            ChannelFailed: WeCom refuses; `code` is `WECOM_` and its number.
        """
        return _checked(
            self._api.under_token(
                lambda token: self._ask("POST", method, {"access_token": token}, body)
            )
        )

    def token(self) -> str:
        """The access token that holds now.

        Raises:
            ChannelRetry: it cannot be had now.
            ChannelFailed: WeCom does not know the company, or the secret is another one.
        """
        return self._api.token()

    def _fetch(self) -> tuple[str, int]:
        said = _checked(self._ask("GET", "gettoken", self._credentials))
        return issued(said, "access_token", "expires_in")

    def _ask(
        self,
        verb: str,
        method: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        answer = self._api.request(verb, method, query=query, body=body)
        known = json_object(answer)
        pass_over(answer, isinstance(known.get("errcode"), int), "WeCom")
        return known


def _checked(said: dict[str, Any]) -> dict[str, Any]:
    code = said["errcode"]
    if code == 0:
        return said
    if code in _RATE_LIMITED:
        raise ChannelRetry(RATE_LIMITED_S, f"rate limited ({code})")
    if code in _BUSY or code in _NO_TOKEN:
        raise ChannelRetry(BACK_OFF_S, f"WeCom answered {code}")
    if code in UNKNOWN_USER:
        raise ChannelFailed("UNKNOWN_USER")
    # The words beside the number are for people who debug and repeat addresses: not kept.
    raise ChannelFailed(f"WECOM_{code}")
