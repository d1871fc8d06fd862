"""By which names people may reach the service.

A page of another site can have its own name point to 127.0.0.1 (DNS rebinding); the browser then
takes the service for that site's own. What gives it away is the name in the `Host` header.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - names, nothing is bound here


class Hosts:
    """The names that are ours.

    Args:
        public_url: the address by which people reach the service.
        bound: the address that the service listens on. On all interfaces any bare address is ours:
            a bare address cannot be made to point elsewhere.
        names: further names, such as those that a proxy hands on.
    """

    def __init__(self, public_url: str = "", bound: str = "", names: Iterable[str] = ()) -> None:
        public = urlsplit(public_url).hostname or ""
        given = {public, bound, *(_name(one) for one in names)} - WILDCARDS
        self._names = LOOPBACK | {name.casefold() for name in given}
        self._any_address = bound in WILDCARDS

    def ours(self, host: str | None) -> bool:
        """Whether a `Host` header names us; one that is missing or no host does not."""
        name = _name(host or "")
        return name in self._names or (self._any_address and _is_address(name))


def _name(host: str) -> str:
    """The name without its port, in lower case; empty for what is no host."""
    try:
        parts = urlsplit(f"//{host}")
        name = parts.hostname or ""
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        return ""
    return "" if parts.path or parts.query or "@" in host else name.rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
