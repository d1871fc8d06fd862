"""Files on a work order over HTTP: attach by multipart form, list, fetch."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.datastructures import UploadFile

from service.api.access import App, Caller, Who
from service.api.bodies import FORM, check_type
from service.api.faults import ApiFault, not_found
from service.api.orders import OrderId, act_on
from service.api.shapes import ActOut
from service.api.writing import Call, Writing
from service.application import Application
from service.attached import file_response
from workorders import reads
from workorders.attachments import Attachment, attach, clean_name, content_of, files_of
from workorders.states import Verb

router = APIRouter(prefix="/orders/{order_id}/files", tags=["orders"])

Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        }
    },
}


class FileOut(BaseModel):
    """A file on an order; `media` is told by its content."""

    name: str
    size: int
    media: str
    sha256: str
    by: str
    at: datetime


class FilesOut(BaseModel):
    """The files of an order, oldest first."""

    items: list[FileOut]


async def _upload(call: Writing) -> tuple[Call, str, bytes]:
    """The one file of the form, as the call whose fingerprint is of the file.

    The boundary of a form differs from one sending to the next; the file does not.
    """
    call.who.reads("view")  # who may not look is told that, not what is wrong with the form
    check_type(call.request.headers.get("content-type", ""), FORM)
    async with call.request.form() as form:
        fields = form.multi_items()
        if len(fields) != 1 or fields[0][0] != "file" or not isinstance(fields[0][1], UploadFile):
            raise ApiFault(422, "FILE_FIELD")
        given = fields[0][1]
        name, content = given.filename or "", await given.read()
    return replace(call, body=clean_name(name).encode() + b"\0" + content), name, content


@router.post("", response_model=ActOut, openapi_extra={"requestBody": _BODY}, summary="添加附件")
def add(
    order_id: OrderId, upload: Annotated[tuple[Call, str, bytes], Depends(_upload)]
) -> Response:
    """Attach a file; the same content is on an order once."""
    call, name, content = upload
    most = call.app.settings.attachment_limit
    return act_on(
        call,
        order_id,
        Verb.FILE,
        lambda uow, ctx, order: attach(uow, ctx, order.id, name, content, most=most),
    )


@router.get("", summary="The files of an order, oldest first")
def list_files(app: App, who: Who, order_id: OrderId) -> FilesOut:
    """Names, sizes, hashes; who may read the order may read its files."""
    found = [file for file, _ in _seen(app, who, order_id)]
    return FilesOut(
        items=[
            FileOut(
                name=one.name,
                size=one.size,
                media=one.media,
                sha256=one.sha256,
                by=one.by,
                at=one.at,
            )
            for one in found
        ]
    )


@router.get("/{digest}", response_class=Response, summary="A file, as a download")
def fetch(app: App, who: Who, order_id: OrderId, digest: Digest) -> Response:
    """The bytes, hashed again; 409 FILE_CHANGED when they are not what was attached."""
    found = _seen(app, who, order_id, digest)
    if not found:
        raise not_found()
    file, content = found[0]
    if content is None:
        raise ApiFault(409, "FILE_CHANGED", params={"name": file.name})
    return file_response(file, content)


def _seen(
    app: Application, who: Caller, order_id: str, digest: str = ""
) -> list[tuple[Attachment, bytes | None]]:
    """The files of an order that the caller sees; with a hash that one, and its content.

    Raises:
        ApiFault: not found, also for an order that the caller does not see.
    """
    with app.store.reader() as connection:
        if reads.get_order(connection, order_id, who.reads("view")) is None:
            raise not_found()
        found = files_of(connection, order_id)
        if not digest:
            return [(one, None) for one in found]
        return [(one, content_of(connection, one)) for one in found if one.sha256 == digest]
