"""附件: files on an order, kept once by their content and proven by their hash.

The content goes where the trail keeps its large parts (`trail.put_blob`), in the transaction that
writes the record naming its hash: there is no file without its row nor a row without its file, a
copy of the database holds both, and `trail verify` hashes every file again.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, select

import trail
from store.unit_of_work import UnitOfWork
from workorders import rows
from workorders.acting import Act, perform_act
from workorders.context import Context
from workorders.model import WorkOrder
from workorders.reads import merged_in
from workorders.rows import STREAM
from workorders.states import Outcome, Verb

NAME_LIMIT: Final = 120
_ATTACHED = "order.file"
_BLOB = "file"
_SEPARATORS = re.compile(r"[/\\]")
_UNSAFE = re.compile(r'[<>:"|?*]')
#: The first bytes of what people attach; a ZIP may be a workbook or a document, its name says so.
_SIGNS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"PK\x03\x04", "application/zip"),
)
UNKNOWN: Final = "application/octet-stream"
TEXT: Final = "text/plain"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file on an order.

    Attributes:
        name: as it was cleaned; never a path.
        size: in bytes.
        media: media type by the content, never by the name.
        sha256: of the content, in hexadecimal.
        by: who attached it; `at` when.
    """

    order_id: str
    name: str
    size: int
    media: str
    sha256: str
    by: str
    at: datetime


def clean_name(name: str) -> str:
    """The name without folders, control and direction marks; empty when nothing is left."""
    last = _SEPARATORS.split(unicodedata.normalize("NFC", name))[-1]
    shown = "".join(one for one in last if unicodedata.category(one)[0] != "C")
    safe = _UNSAFE.sub("_", shown).strip(" .")
    if len(safe) <= NAME_LIMIT:
        return safe
    stem, dot, ending = safe.rpartition(".")
    if not dot or len(ending) > NAME_LIMIT // 4:
        return safe[:NAME_LIMIT]
    return f"{stem[: NAME_LIMIT - len(ending) - 1]}.{ending}"


def media_of(content: bytes) -> str:
    """The media type by the first bytes; plain text only when the whole is text."""
    for sign, media in _SIGNS:
        if content.startswith(sign):
            return media
    if b"\x00" in content:
        return UNKNOWN
    try:
        content.decode()
    except UnicodeDecodeError:
        return UNKNOWN
    return TEXT


def attach(
    uow: UnitOfWork, ctx: Context, order_id: str, name: str, content: bytes, *, most: int
) -> Outcome:
    """Put a file on an order that is not over.

    Args:
        uow: of the person who attaches.
        ctx: who may.
        order_id: the order.
        name: as it was given; kept as `clean_name` makes it.
        content: all of it.
        most: bytes that a file may have.

    Returns:
        Refused with ``FILE_NAMELESS``, ``FILE_EMPTY``, ``FILE_TOO_LARGE`` or ``FILE_KNOWN`` (the
        same content is on this order already), or as any act is; `params` name the file.
    """
    kept, digest = clean_name(name), sha256(content).hexdigest()
    params = {
        "name": kept,
        "size": len(content),
        "media": media_of(content),
        "blobs": {_BLOB: digest},
    }

    def check(before: WorkOrder, _after: WorkOrder) -> tuple[str, Mapping[str, Any]]:
        if not kept:
            return "FILE_NAMELESS", {}
        if not content:
            return "FILE_EMPTY", {"name": kept}
        if len(content) > most:
            return "FILE_TOO_LARGE", {"name": kept, "size": len(content), "most": most}
        known = find_file(uow.connection, before.id, digest)
        return ("FILE_KNOWN", {"name": known.name}) if known is not None else ("", {})

    def change(_before: WorkOrder, after: WorkOrder) -> WorkOrder:
        trail.put_blob(uow, content)
        return after

    return perform_act(
        uow, ctx, order_id, Verb.FILE, Act(params=params, check=check, change=change)
    )


def files_of(connection: Connection, order_id: str) -> list[Attachment]:
    """The files of one order and of those that were merged into it, oldest first."""
    c = STREAM.c
    orders = (order_id, *merged_in(connection, order_id))
    wanted = select(STREAM).where(c.order_id.in_(orders), c.code == _ATTACHED).order_by(c.seq)
    entries = map(rows.entry_from, connection.execute(wanted).mappings())
    return [
        Attachment(
            one.order_id,
            str(one.params["name"]),
            int(one.params["size"]),
            str(one.params["media"]),
            str(one.params["blobs"][_BLOB]),
            one.actor,
            one.at,
        )
        for one in entries
    ]


def find_file(connection: Connection, order_id: str, digest: str) -> Attachment | None:
    """The file of that hash on that order; None when this order has none."""
    return next((one for one in files_of(connection, order_id) if one.sha256 == digest), None)


def content_of(connection: Connection, file: Attachment) -> bytes | None:
    """The content, hashed again; None when it is gone or a byte of it has changed."""
    content = trail.read_blob(connection, file.sha256)
    if content is None or sha256(content).hexdigest() != file.sha256:
        return None
    return content
