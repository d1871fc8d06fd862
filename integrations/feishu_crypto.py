"""Feishu's callbacks: signed with SHA-256, sealed with AES-256-CBC under the Encrypt Key's hash.

The signature covers time, nonce, key and the raw bytes; the sealed text begins with its own
initial vector (Feishu: "event subscription, encryption and signature").
"""

import hmac
from hashlib import sha256

from integrations.callbacks import unsealed

_BLOCK_BITS = 128


class CallbackSeal:
    """Checks and opens what Feishu sends.

    Args:
        key: the app's Encrypt Key.
        token: its Verification Token, which stands inside.
    """

    def __init__(self, key: str, token: str) -> None:
        self._key = key.encode()
        self._token = token.encode()

    def authentic(self, given: str, stamp: str, nonce: str, body: bytes) -> bool:
        """Whether the signature is Feishu's, compared in constant time."""
        wanted = sha256(stamp.encode() + nonce.encode() + self._key + body).hexdigest()
        return hmac.compare_digest(wanted.encode(), given.encode())

    def ours(self, token: str) -> bool:
        """Whether this is the app's Verification Token, compared in constant time."""
        return hmac.compare_digest(self._token, token.encode())

    def open(self, sealed: str) -> bytes | None:
        """The message; None when it was not sealed with this key."""
        key = sha256(self._key).digest()
        return unsealed(key, sealed, vector=None, block_bits=_BLOCK_BITS)
