"""A token that a chat's API wants with every call: fetched when needed, kept while it holds."""

import threading
from collections.abc import Callable
from typing import Final

#: A token is not used in its last minutes: the call that carries it takes its time too.
_MARGIN_S: Final = 300
_SHORTEST_S: Final = 30


class AccessToken:
    """The token of one app; threads that need it at the same time fetch it once.

    Args:
        fetch: gives a fresh one and its life in seconds; what it raises, `value` raises.
        ticks: seconds that only grow.
    """

    def __init__(self, fetch: Callable[[], tuple[str, int]], ticks: Callable[[], float]) -> None:
        self._fetch = fetch
        self._ticks = ticks
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def value(self) -> str:
        """The token that holds now."""
        with self._lock:
            asked_at = self._ticks()
            if not self._token or asked_at >= self._until:
                self._token, life = self._fetch()
                self._until = asked_at + max(life - _MARGIN_S, _SHORTEST_S)
            return self._token

    def forget(self, token: str) -> None:
        """Fetch another one next time: the other side does not accept `token` any more."""
        with self._lock:
            if self._token == token:  # another thread may have a newer one already
                self._token = ""
