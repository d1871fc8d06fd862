"""Finds words of a page that were never translated: what the language ``xx`` shows unbracketed."""

import re
from collections.abc import Collection
from html.parser import HTMLParser
from typing import Any

from markupsafe import Markup

from service.i18n.pseudo import CLOSE, OPEN

_LETTERS = re.compile(r"[^\W\d_]{2,}")
_SPOKEN = ("title", "placeholder", "aria-label", "alt", "data-over", "data-head")
_SILENT = {"script", "style", "code", "kbd", "svg"}
_VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}


def mark_data(value: Any) -> Any:
    """For Jinja's ``finalize``: brackets around every value that no catalogue made."""
    if isinstance(value, Markup) or OPEN in str(value):
        return value
    return f"{OPEN}{value}{CLOSE}"


def untranslated(html: str, allowed: Collection[str] = ()) -> list[str]:
    """Visible words and spoken attributes outside the brackets, in order; `allowed` are data."""
    page = _Page()
    page.feed(html)
    return [text for text in page.found if text not in allowed]


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._depth = 0
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        # Names of languages are written in themselves.
        if tag in _SILENT or (
            tag not in _VOID and (self._silent or "lang" in named) and tag != "html"
        ):
            self._silent.append(tag)
        for name in _SPOKEN:
            self._look(named.get(name) or "", 0)

    def handle_endtag(self, tag: str) -> None:
        if self._silent and tag == self._silent[-1]:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._depth = self._look(data, self._depth)

    def _look(self, text: str, depth: int) -> int:
        outside = ""
        for character in text:
            if character == OPEN:
                depth += 1
                outside += " "
            elif character == CLOSE:
                depth -= 1
            elif depth == 0:
                outside += character
        self.found.extend(_LETTERS.findall(outside))
        return depth
