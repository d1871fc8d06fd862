"""What is asked of every signed callback of a chat, before anything in it is believed."""

import json
from base64 import b64decode
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from workorders.channel import Refusal

#: How far the time of a request may be from ours, in seconds.
FRESH_S: Final = 300
BAD_SIGNATURE: Final = Refusal("BAD_SIGNATURE")
STALE: Final = Refusal("STALE_TIMESTAMP")
MALFORMED: Final = Refusal("MALFORMED", 400)
NOT_A_BUTTON: Final = Refusal("NOT_A_BUTTON", 200)
_LONGEST: Final = 15


def is_stamp(text: str) -> bool:
    """Whether this is a time in whole seconds or milliseconds."""
    return text.isascii() and text.isdigit() and len(text) < _LONGEST


def is_fresh(unix_s: float, received_at: datetime) -> bool:
    """Whether a request of that time may still be believed."""
    return abs(received_at.timestamp() - unix_s) <= FRESH_S


def json_in(text: bytes) -> dict[str, Any] | None:
    """The object in a request; None when there is none."""
    try:
        found = strict_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def strict_json(text: str | bytes) -> Any:
    """The document in a request that is already believed.

    Raises:
        ValueError: no JSON, nested without end, or with a text in it that cannot be kept.
    """
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("too deep") from None
    if not can_be_kept(found):
        raise ValueError("no text")
    return found


def can_be_kept(document: Any) -> bool:
    """Whether every text in a document is one (`is_text`)."""
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str) and not is_text(one):
            return False
    return True


def is_text(text: str) -> bool:
    """Whether it can be kept: no NUL, and no half of a character."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def unsealed(key: bytes, sealed: str, *, vector: bytes | None, block_bits: int) -> bytes | None:
    """What AES in CBC mode sealed; None when it was not sealed so.

    Args:
        key: 32 bytes.
        sealed: in Base64.
        vector: the initial vector; None when the sealed text begins with it.
        block_bits: to what the text was padded (PKCS #7).
    """
    try:
        raw = b64decode(sealed, validate=True)
        if vector is None:
            vector, raw = raw[:16], raw[16:]
        cipher = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
        padded = cipher.update(raw) + cipher.finalize()
        unpad = PKCS7(block_bits).unpadder()
        return unpad.update(padded) + unpad.finalize()
    except ValueError:
        return None
