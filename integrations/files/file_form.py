"""A file that is not what its ending says, told as what it is by its first bytes."""

from pathlib import Path
from typing import Final, NamedTuple

_HEAD: Final = 512
_PACKED: Final = b"PK\x03\x04"
_OLD: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PAGES: Final = (b"<html", b"<!doctype html", b"<table", b"<?xml", b"<meta")


class OtherForm(NamedTuple):
    """What a file is instead.

    Attributes:
        code: the problem's.
        meant: the ending under which it could be read; empty when under none.
    """

    code: str
    meant: str


def other_form(path: Path, suffix: str) -> OtherForm | None:
    """What the file is when its content contradicts `suffix`; None when it does not.

    Raises:
        OSError: when it cannot be opened.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if head.startswith(_OLD):
        # .xls, or a workbook under a password: both are kept in the old container
        return OtherForm("IMPORT_IS_OLD_WORKBOOK", ".xlsx")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGES):
        return OtherForm("IMPORT_IS_WEB_PAGE", ".xlsx")
    packed = head.startswith(_PACKED)
    if suffix == ".xlsx":
        # empty, or cut in the first bytes: told by the reading itself
        cut = _PACKED.startswith(head[: len(_PACKED)])
        return None if packed or cut else OtherForm("IMPORT_IS_TEXT", ".csv")
    return OtherForm("IMPORT_IS_WORKBOOK", ".xlsx") if packed else None
