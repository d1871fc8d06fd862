"""Cursors: opaque to the caller, refused when they are none of ours."""

import base64
import binascii
from typing import Annotated

from fastapi import Query

from service.api.faults import ApiFault
from workorders import reads

Cursor = Annotated[str, Query(max_length=400, pattern=r"^[A-Za-z0-9_-]*$")]
Limit = Annotated[int, Query(ge=1, le=500)]


def seal(cursor: str) -> str:
    """The cursor as it goes out."""
    return base64.urlsafe_b64encode(cursor.encode()).rstrip(b"=").decode()


def unseal(cursor: str) -> str:
    """The cursor as the room knows it.

    Raises:
        ApiFault: when it is none of ours.
    """
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError, UnicodeDecodeError):
        raise ApiFault(422, "CURSOR_UNKNOWN") from None


def page_cursor(cursor: str) -> str:
    """The cursor of a page of orders or alerts.

    Raises:
        ApiFault: when no page gave it.
    """
    known = unseal(cursor)
    if known and not reads.is_cursor(known):
        raise ApiFault(422, "CURSOR_UNKNOWN")
    return known
