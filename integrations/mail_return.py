"""The address to which a mail comes back: it names the notice, and nobody else can make one.

Variable envelope return path (VERP): each notice's mail has a return address of its own,
``bounces+<token>@host``. The token is the notice's number sealed with AES-SIV: it shows nothing,
cannot be made without the key, and is the same for the same notice. It stands in letters and digits
of one case, because mail systems on the way may change the case of an address.
"""

import base64
import binascii
import re
import struct
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from integrations.return_place import TOKEN_LENGTH

_FIELDS: Final = struct.Struct(">2sIII")
_NOTICE = re.compile(r"([A-Z]{2})-(\d{8})-(\d{3,9})(?:/(\d{1,9}))?")


class ReturnAddresses:
    """Makes and reads the addresses of one house.

    Args:
        address: the mailbox or route that all of them lead to, without a token.
        key: the house's secret; another purpose's seal is no seal here.
    """

    def __init__(self, address: str, key: bytes) -> None:
        name, _, host = address.lower().rpartition("@")
        self._name, self._host = name, host
        self._seal = AESSIV(sha256(b"mail return\0" + key).digest())
        self._ours = re.compile(
            rf"(?<![a-z0-9._+-]){re.escape(name)}\+([a-z2-7]{{{TOKEN_LENGTH}}})@{re.escape(host)}"
            r"(?![a-z0-9.-])",
            re.IGNORECASE,
        )

    def of(self, notice_id: str) -> str:
        """The address of a notice; empty for a message that is no notice of an order or a test.

        Approvals, briefs and reports have numbers of another shape, and nothing that a returned
        mail could change.
        """
        fits = _NOTICE.fullmatch(notice_id)
        if fits is None:
            return ""
        kind, day, number, part = fits.groups()
        plain = _FIELDS.pack(kind.encode(), int(day), int(number), int(part or 0))
        token = base64.b32encode(self._seal.encrypt(plain, None)).decode().lower()
        return f"{self._name}+{token}@{self._host}"

    def notice_in(self, text: str) -> str:
        """The notice that the first true address in `text` names; empty when there is none."""
        for found in self._ours.finditer(text):
            notice = self._opened(found[1])
            if notice:
                return notice
        return ""

    def _opened(self, token: str) -> str:
        try:
            sealed = base64.b32decode(token.upper())
            kind, day, number, part = _FIELDS.unpack(self._seal.decrypt(sealed, None))
        except (InvalidTag, binascii.Error):
            return ""
        first = f"{kind.decode()}-{day:08d}-{number:03d}"
        return f"{first}/{part}" if part else first
