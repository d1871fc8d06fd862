"""A file of an order as it goes out: saved by the browser, never shown or run by it."""

from urllib.parse import quote

from fastapi.responses import Response

from workorders.attachments import Attachment

_NO_RIGHTS = "default-src 'none'; sandbox; frame-ancestors 'none'"


def file_response(file: Attachment, content: bytes) -> Response:
    """The download: its type is that of the content, and no browser may guess another."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Security-Policy": _NO_RIGHTS,
        "X-Content-Type-Options": "nosniff",
    }
    # Without its own charset a text would be sent as whatever the framework assumes.
    return Response(content, headers={**headers, "Content-Type": file.media})
