"""Words that change with a number, as gettext has them.

An entry of that kind looks so; `msgid_plural` names the placeholder that counts::

    msgid "ui.pager.shown"
    msgid_plural "{shown}"
    msgstr[0] "{shown} row"
    msgstr[1] "{shown} rows"

Which form goes with which number is said by the header ``Plural-Forms`` of the file.
"""

import re
from collections.abc import Callable, Mapping
from gettext import c2py
from typing import Any, Self

from babel.messages.catalog import Catalog, Message

#: Which form goes with a number.
Rule = Callable[[int], int]

_NAME = re.compile(r"\{(\w+)\}")
#: A count as `Format.number` writes it.
_WHOLE = re.compile(r"-?\d{1,3}(?:,?\d{3})*")


class Counted(str):
    """The words of an entry with several forms; as a text it is the last of them, the general one.

    Attributes:
        counts: the placeholder whose value chooses.
        forms: one text for each form of the language.
    """

    __slots__ = ("_rule", "counts", "forms")

    counts: str
    forms: tuple[str, ...]
    _rule: Rule

    def __new__(cls, counts: str, forms: tuple[str, ...], rule: Rule) -> Self:
        """Put it together.

        Args:
            counts: the placeholder whose value chooses.
            forms: the texts, in the order of the rule.
            rule: number to place in `forms`.
        """
        made = super().__new__(cls, forms[-1])
        made.counts, made.forms, made._rule = counts, forms, rule
        return made

    def form_for(self, params: Mapping[str, Any]) -> str:
        """The form for these values; what is no whole number takes the general one."""
        text = str(params.get(self.counts, ""))
        if not _WHOLE.fullmatch(text):
            return self.forms[-1]
        return self.forms[self._rule(int(text.replace(",", "")))]

    def each(self, change: Callable[[str], str]) -> "Counted":
        """The same with every form changed."""
        return Counted(self.counts, tuple(change(form) for form in self.forms), self._rule)


def each_form(text: str, change: Callable[[str], str]) -> str:
    """`text` changed, with all its forms when it has several."""
    return text.each(change) if isinstance(text, Counted) else change(text)


def same(one: str, other: str) -> bool:
    """Whether two entries say the same in every form."""
    return one == other and forms_of(one) == forms_of(other)


def forms_of(text: str) -> tuple[str, ...]:
    """All forms of an entry; one for an entry that counts nothing."""
    return text.forms if isinstance(text, Counted) else (text,)


def plural_rule(catalogue: Catalog) -> Rule:
    """The rule of a file's header.

    Raises:
        ValueError: when the header holds none that can be read.
    """
    return c2py(catalogue.plural_expr)


def entry_of(rule: Rule, message: Message) -> tuple[str, str]:
    """Key and words of an entry.

    Raises:
        ValueError: when an entry with several forms does not say what counts.
    """
    if isinstance(message.id, str):
        return message.id, str(message.string)
    key, counting = message.id
    named = _NAME.fullmatch(counting)
    if named is None:
        raise ValueError(f"{key}: msgid_plural should be the placeholder that counts: {counting}")
    return key, Counted(named[1], tuple(map(str, message.string or ())), rule)
