"""What a mail's link and code are worth.

A link scanner fetches every link and some run the page's scripts, so a link alone never acts. The
token names order, version, approver, verbs and expiry, and is signed; the six digits stand only in
the mail's text. Neither gives more than an acknowledgement: anything else needs a sign-in.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime

_DIGITS = 1_000_000
TRIES = 5


@dataclass(frozen=True, slots=True)
class MailToken:
    """What the link of one mail is bound to.

    Attributes:
        object_id: the order, alert or approval.
        version: its version when the mail was written.
        person: whom the mail was written to; a forwarded mail does not change it.
        verbs: what the card offered.
        expires: when the link ends.
    """

    object_id: str
    version: int
    person: str
    verbs: tuple[str, ...]
    expires: datetime


def seal(token: MailToken, key: bytes) -> str:
    """The token as it stands in the link: its fields and an HMAC-SHA256 over them."""
    body = json.dumps(
        [
            token.object_id,
            token.version,
            token.person,
            list(token.verbs),
            int(token.expires.timestamp()),
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    return f"{_text(body)}.{_text(_mac(key, b'link', body))}"


def unseal(text: str, key: bytes) -> MailToken | None:
    """The token of a link, or None when it is not one of ours. Expiry is the caller's to judge."""
    body_text, _, mac_text = text.partition(".")
    try:
        body, mac = _bytes(body_text), _bytes(mac_text)
    except ValueError:
        return None
    if not hmac.compare_digest(mac, _mac(key, b"link", body)):
        return None
    object_id, version, person, verbs, expires = json.loads(body)
    return MailToken(object_id, version, person, tuple(verbs), datetime.fromtimestamp(expires, UTC))


def code(link: str, key: bytes) -> str:
    """The six digits that go into the text of the mail with this link."""
    number = int.from_bytes(_mac(key, b"code", link.encode())[:8], "big") % _DIGITS
    return f"{number:06d}"


def code_fits(given: str, link: str, key: bytes) -> bool:
    """Whether the typed digits are the mail's, compared in constant time."""
    return hmac.compare_digest(given.strip().encode(), code(link, key).encode())


def _mac(key: bytes, purpose: bytes, body: bytes) -> bytes:
    return hmac.new(key, purpose + b"\0" + body, hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    if not text.isascii():
        raise ValueError("not base64")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
