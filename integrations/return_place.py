"""Which return addresses and which places to listen on can be meant; read with the settings."""

import re
from typing import Final

#: Letters and digits of a token: 14 bytes of number and 16 of seal, in base32.
TOKEN_LENGTH: Final = 48
#: What a local part may have (RFC 5321, 4.5.3.1.1), without the plus sign and the token.
LONGEST_NAME: Final = 64 - TOKEN_LENGTH - 1
_ADDRESS = re.compile(
    r"([a-z0-9][a-z0-9._-]*)@([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)", re.ASCII | re.IGNORECASE
)
_PORTS = 65536


def valid_return_address(address: str) -> bool:
    """Whether mails can come back to it: a plain address with room for a token."""
    fits = _ADDRESS.fullmatch(address)
    return fits is not None and len(fits[1]) <= LONGEST_NAME


def listening_place(given: str) -> tuple[str, int] | None:
    """Host and port to listen on: ``2424``, ``host:2424`` or ``[::1]:2424``.

    Without a host this machine alone is meant; None when it cannot be read.
    """
    host, colon, port = given.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed:
        host = host[1:-1]
    if not (port.isascii() and port.isdigit() and 0 < int(port) < _PORTS):
        return None
    if (colon and not host) or (":" in host and not bracketed):
        return None
    if not all(one.isascii() and (one.isalnum() or one in "-._:") for one in host):
        return None
    return host or "127.0.0.1", int(port)
