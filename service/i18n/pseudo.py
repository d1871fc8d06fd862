"""The pseudo-language ``xx``: English with accents between brackets, a third longer.

A page in it shows three faults at a glance: words that were never translated (no brackets), words
glued together from parts (several brackets in one sentence), and layouts that do not survive a
longer language.
"""

import re

PSEUDO = "xx"
OPEN, CLOSE = (
    "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}",
    "\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}",
)

_ACCENTS = str.maketrans("aeiouyAEIOUYcn", "àéîöûýÀÉÎÖÛÝçñ")
_PLACEHOLDER = re.compile(r"(\{[^{}]*\})")


def pseudo_text(text: str) -> str:
    """`text` with accents, a third longer, between brackets; placeholders stay as they are."""
    return f"{OPEN}{accented(text)}{'~' * (len(text) // 3)}{CLOSE}"


def accented(text: str) -> str:
    """`text` with accents alone: for what stands inside another sentence."""
    return "".join(
        part if _PLACEHOLDER.fullmatch(part) else part.translate(_ACCENTS)
        for part in _PLACEHOLDER.split(text)
    )
