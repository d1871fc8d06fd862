"""What is allowed at a place, told in words: a code beside the English of a machine's reader.

`Problem.allowed` is a plain text where it reads the same in every language (``0 … 9``,
``hold, deny``). Where it is words it is a `Phrase`: JSON shows its English, and whoever makes a
sentence of it finds the reader's words in the catalogues as ``allowed.<code>``.
"""

from collections.abc import Mapping, Sequence
from typing import Self


class Phrase(str):
    """English words that know their code.

    Attributes:
        code: the catalogue key behind ``allowed.``; empty for an enumeration.
        values: what the words name: plain texts, or phrases in turn.
        parts: what an enumeration holds, phrases or plain texts; empty otherwise.
    """

    __slots__ = ("code", "parts", "values")

    code: str
    parts: tuple[str, ...]
    values: Mapping[str, str]

    @classmethod
    def of(cls, code: str, english: str, **values: str) -> Self:
        """The phrase `code`.

        Args:
            code: as the catalogues name it.
            english: its words, with a ``{name}`` for each value.
            **values: what the words name.
        """
        made = cls(english.format(**values))
        made.code, made.values, made.parts = code, values, ()
        return made

    @classmethod
    def any_of(cls, parts: Sequence[str]) -> Self:
        """An enumeration, each part in the reader's words."""
        made = cls(", ".join(parts))
        made.code, made.values, made.parts = "", {}, tuple(parts)
        return made
