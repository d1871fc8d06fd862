"""Which addresses of the outside can be meant; read with the settings, before anything is sent."""

import re
from ipaddress import ip_network
from urllib.parse import urlsplit

#: What is reached without the proxy unless the operator says otherwise: this machine.
LOOPBACK = ("localhost", "127.0.0.0/8", "::1")
#: What an address of apprise's may name in braces: the person's id, mail address or number.
PLACES = ("person", "email", "phone")
_SERVICE = re.compile(r"[a-z][a-z0-9+]{0,30}")


def valid_heartbeat(url: str) -> bool:
    """Whether this is an address that can be pinged: HTTP or HTTPS, and a host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    written = url.isascii() and url.isprintable() and " " not in url
    return bool(written and parts.scheme in {"http", "https"} and parts.hostname and port != 0)


def valid_apprise(url: str) -> bool:
    """Whether this can be an address of apprise's: a service, what follows, at most one place."""
    if not (url.isascii() and url.isprintable()) or " " in url:
        return False
    place = apprise_place(url)
    rest = url.replace(f"{{{place}}}", "") if place else url
    service, colon, target = rest.partition("://")
    return bool(colon and target and _SERVICE.fullmatch(service)) and not set("{}") & set(rest)


def apprise_place(url: str) -> str:
    """What stands for who is told in an address of apprise's: one of `PLACES`; empty for none."""
    return next((one for one in PLACES if f"{{{one}}}" in url), "")


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
