"""What the sentence of a problem names, as the reader knows it: columns, products, what fits."""

from collections.abc import Callable, Container

from store.phrases import Phrase
from store.problems import Problem

_PRODUCTS = frozenset({"PRODUCT_UNKNOWN", "PRODUCT_MISSING"})


def field_shown(known: Container[str], text: Callable[[str], str], problem: Problem) -> str:
    """The column as it stands in the reader's own file, then our name of it.

    ``数量（吨） / quantity``; where the file uses our name, the label in the reader's language
    stands behind it: ``quantity / 数量``. What came from no file is the field alone.

    Args:
        known: the keys that have words.
        text: the words of a key.
        problem: `params` may name the ``column``.
    """
    column = problem.params.get("column", "")
    if not column:
        return problem.field
    label = f"import.field.{problem.field}"
    other = problem.field
    if column == problem.field:
        other = text(label) if label in known else ""
    return f"{column} / {other}" if other and other.casefold() != column.casefold() else column


def hint_shown(known: Container[str], text: Callable[..., str], problem: Problem) -> str:
    """The near match; a product's code with its name: ``cu (沪铜)``."""
    name = f"product.{problem.hint}"
    if problem.code in _PRODUCTS and problem.hint and name in known:
        return f"{problem.hint} ({text(name)})"
    return allowed_shown(text, problem.hint)


def allowed_shown(text: Callable[..., str], allowed: str) -> str:
    """What is allowed, in the reader's words where it is words; a plain text as it stands."""
    if not isinstance(allowed, Phrase):
        return allowed
    if allowed.parts:
        return ", ".join(allowed_shown(text, one) for one in allowed.parts)
    named = {name: allowed_shown(text, value) for name, value in allowed.values.items()}
    return text(f"allowed.{allowed.code}", **named)
