"""WeCom's callbacks: each is signed, and sealed for one company.

The signature is the SHA-1 of token, time, nonce and sealed text, sorted and joined; the text is
sealed with AES-256-CBC, padded to 32 bytes, and holds 16 random bytes, its own length (four bytes,
big-endian), the message and the CorpID (WeCom: "encryption and decryption scheme").
"""

import hmac
from base64 import b64decode
from hashlib import sha1

from integrations.callbacks import unsealed

_BLOCK_BITS = 256
_RANDOM = 16
_LENGTH = 4


class CallbackSeal:
    """Checks and opens what WeCom sends.

    Args:
        token: the callback's Token.
        aes_key: its EncodingAESKey, 43 characters.
        corp_id: whom the messages are for.
    """

    def __init__(self, token: str, aes_key: str, corp_id: str) -> None:
        self._token = token
        self._key = b64decode(aes_key + "=")
        self._corp_id = corp_id.encode()

    def authentic(self, given: str, stamp: str, nonce: str, sealed: str) -> bool:
        """Whether the signature is WeCom's, compared in constant time."""
        parts = sorted((self._token, stamp, nonce, sealed))
        # WeCom prescribes SHA-1; the token in it is secret and never leaves the two ends.
        wanted = sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()
        return hmac.compare_digest(wanted.encode(), given.encode())

    def open(self, sealed: str) -> bytes | None:
        """The message; None when it was not sealed by this key for this company."""
        plain = unsealed(self._key, sealed, vector=self._key[:16], block_bits=_BLOCK_BITS)
        if plain is None:
            return None
        begin = _RANDOM + _LENGTH
        end = begin + int.from_bytes(plain[_RANDOM:begin], "big")
        if len(plain) < begin or not hmac.compare_digest(plain[end:], self._corp_id):
            return None
        return plain[begin:end]
