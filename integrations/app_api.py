"""What the APIs of the chats have in common: calls under a token of the app.

Each call is tried once, apart from a token that is not accepted: further attempts are the outbox's,
and on record.
"""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import httpx

from integrations.access_token import AccessToken
from integrations.answers import BACK_OFF_S
from integrations.outbound import Outbound
from workorders.errors import ChannelRetry

Said = dict[str, Any]


class AppApi:
    """One app's way to its chat.

    Args:
        base_url: ending in a slash; a local server in tests.
        outbound: the way out.
        fetch: asks for a token and gives it with its life in seconds.
        unaccepted: whether an answer says that the token does not hold.
        timeout_s: patience with one call.
        ticks: seconds that only grow.
    """

    def __init__(
        self,
        base_url: str,
        outbound: Outbound,
        *,
        fetch: Callable[[], tuple[str, int]],
        unaccepted: Callable[[Said], bool],
        timeout_s: float = 10,
        ticks: Callable[[], float] = monotonic,
    ) -> None:
        self._http = outbound.client(base_url, timeout_s=timeout_s, headers={})
        self._token = AccessToken(fetch, ticks)
        self._unaccepted = unaccepted

    def request(
        self,
        verb: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The answer to one request, whatever its status.

        Raises:
            ChannelRetry: there is none.
        """
        try:
            return self._http.request(verb, path, params=query, json=body, headers=headers)
        except httpx.HTTPError as fault:
            # The name alone: the words of some faults repeat addresses, and ours hold secrets.
            raise ChannelRetry(BACK_OFF_S, type(fault).__name__) from None

    def under_token(self, ask: Callable[[str], Said]) -> Said:
        """What `ask` gives under the token; a token that is not accepted is fetched anew, once."""
        token = self.token()
        said = ask(token)
        if self._unaccepted(said):
            self._token.forget(token)
            said = ask(self.token())
        return said

    def token(self) -> str:
        """The access token that holds now; raises what fetching it raises."""
        return self._token.value()


def issued(said: Said, token: str, life: str) -> tuple[str, int]:
    """The token and its life in seconds, which stand in an answer under these names.

    Raises:
        ChannelRetry: they do not.
    """
    found, seconds = said.get(token), said.get(life)
    if not (isinstance(found, str) and found and isinstance(seconds, int)):
        raise ChannelRetry(BACK_OFF_S, "an answer without a token")
    return found, seconds
