"""Which addresses of the outside can be meant; read with the settings, before anything is sent."""

from ipaddress import ip_network
from urllib.parse import urlsplit

#: What is reached without the proxy unless the operator says otherwise: this machine.
LOOPBACK = ("localhost", "127.0.0.0/8", "::1")


def valid_heartbeat(url: str) -> bool:
    """Whether this is an address that can be pinged: HTTP or HTTPS, and a host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    written = url.isascii() and url.isprintable() and " " not in url
    return bool(written and parts.scheme in {"http", "https"} and parts.hostname and port != 0)


def valid_proxy(url: str) -> bool:
    """Whether this is the address of a proxy: ``http://``, a host, and nothing after the port."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    rest = parts.path.strip("/") or parts.query or parts.fragment
    written = url.isascii() and url.isprintable() and " " not in url
    return bool(written and parts.scheme == "http" and parts.hostname and port != 0 and not rest)


def valid_direct(entry: str) -> bool:
    """Whether this names hosts: a name, ``.domain``, an address or a network."""
    if "/" in entry:
        try:
            ip_network(entry)
        except ValueError:
            return False
        return True
    return bool(entry.strip(".")) and all(one.isalnum() or one in "-._:" for one in entry)
