"""What proves a click in DingTalk.

DingTalk signs the time of a callback and nothing else (Base64 of HMAC-SHA256 over the milliseconds;
DingTalk: "card event callback, signature"): whoever sees one signed request could send another body
with it. So every card carries a seal of ours, made for one reader and one version of one matter; a
click counts with the seal of the person who pressed.
"""

import hmac
from base64 import b64encode
from hashlib import sha256
from typing import Final

_SEAL_CHARACTERS: Final = 40
#: Shorter keys could be tried out.
SHORTEST: Final = 16


class CallbackSeal:
    """Checks what DingTalk signs, makes and checks what the cards carry.

    Args:
        secret: the callback's apiSecret, as registered with its address.
    """

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()

    def authentic(self, given: str, stamp: str) -> bool:
        """Whether the signature is DingTalk's, compared in constant time."""
        wanted = b64encode(hmac.new(self._key, stamp.encode(), sha256).digest())
        return hmac.compare_digest(wanted, given.encode())

    def of(self, user: str, matter: str) -> str:
        """The seal of a card for one reader; `matter` names object and version."""
        told = f"card\0{user}\0{matter}".encode()
        return hmac.new(self._key, told, sha256).hexdigest()[:_SEAL_CHARACTERS]

    def ours(self, given: str, user: str, matter: str) -> bool:
        """Whether a card with this seal went to this person, compared in constant time."""
        return hmac.compare_digest(self.of(user, matter).encode(), given.encode())
