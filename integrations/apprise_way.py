"""What apprise's plugins send over HTTP: by the company's way out, with what was answered kept.

A plugin calls `requests` by itself and says no more than yes or no. So each request that leaves
while an attempt is under way is given the proxy of our setting, and what came back is noted for
whoever has to decide between trying again and giving up. Requests of others are left alone.
"""

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, cast

from integrations.outbound import Outbound

# They write whole addresses, and apprise's hold tokens.
for _name in ("apprise", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(lambda _record: False)


@dataclass(slots=True)
class Attempt:
    """One notice on its way.

    Attributes:
        answers: what the other side answered, in turn (`requests.Response`).
        fault: the name of the last fault of a request that got no answer; empty for none.
    """

    outbound: Outbound
    answers: list[Any] = field(default_factory=list)
    fault: str = ""


_under_way: ContextVar[Attempt | None] = ContextVar("apprise_attempt", default=None)
_lock = Lock()
_led: list[type] = []


@contextmanager
def attempt(outbound: Outbound) -> Iterator[Attempt]:
    """Have the requests of this thread go by `outbound`, and see what comes back."""
    _lead()
    one = Attempt(outbound)
    token = _under_way.set(one)
    try:
        yield one
    finally:
        _under_way.reset(token)


def _lead() -> None:
    """Put our step before every request; once in a process, and without effect outside attempts.

    There is no other place: each plugin makes sessions of its own.
    """
    import requests  # noqa: PLC0415 - comes with apprise, an extra

    with _lock:
        if requests.Session in _led:
            return
        plain = requests.Session.request

        def led(self: Any, method: Any, url: Any, **given: Any) -> Any:
            one = _under_way.get()
            if one is None:
                return plain(self, method, url, **given)
            return _by_our_way(one, self, url, given, lambda: plain(self, method, url, **given))

        cast("Any", requests.Session).request = led
        _led.append(requests.Session)


def _by_our_way(one: Attempt, session: Any, url: Any, given: dict[str, Any], send: Any) -> Any:
    # Neither proxies nor certificates nor passwords of whoever's shell started us.
    session.trust_env = False
    proxy = one.outbound.proxy_for(str(url))
    given["proxies"] = {"http": proxy, "https": proxy} if proxy else {}
    given["allow_redirects"] = False  # a redirect would carry the notice where nobody sent it
    if given.get("verify") in {True, None}:
        # The system's own certificates: a proxy that opens TLS has its company's among them.
        paths = ssl.get_default_verify_paths()
        given["verify"] = paths.cafile or paths.capath or True
    try:
        answer = send()
    except Exception as fault:
        one.fault = type(fault).__name__
        raise
    one.answers.append(answer)
    return answer
