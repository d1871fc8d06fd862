"""Requests forged by another site, refused without tokens.

A browser says where a request comes from: `Sec-Fetch-Site` (on https and localhost) and `Origin`
(on every POST). A changing request must come from our own pages; one that carries our cookie and
says neither is refused, because no browser of today behaves so. A program without a cookie, such as
a client of the API with a token, says neither and has nothing that another site could abuse.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def forged(method: str, headers: Mapping[str, str], scheme: str, public_url: str = "") -> str:
    """Why a request must be refused, as a code; empty when it may pass.

    Args:
        method: of the request.
        headers: with names in lower case.
        scheme: ``http`` or ``https`` as the service sees it.
        public_url: the address by which people reach the service, when a proxy changes the host.
    """
    if method in SAFE:
        return ""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return "" if site in {"same-origin", "none"} else "OTHER_SITE"
    origin = headers.get("origin")
    if origin is not None:
        own = {f"{scheme}://{headers.get('host', '')}"}
        if public_url:
            parts = urlsplit(public_url)
            own.add(f"{parts.scheme}://{parts.netloc}")
        return "" if origin in own else "OTHER_ORIGIN"
    return "NO_ORIGIN" if "cookie" in headers else ""
