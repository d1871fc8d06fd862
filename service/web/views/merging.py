"""合并: which order this one may end in, and what will then happen."""

from dataclasses import dataclass

from service.web.views.orders import OrderLine, Pair


@dataclass(frozen=True, slots=True)
class MergeTarget:
    """An order that goes on after the merge, as one may choose it."""

    line: OrderLine
    choose_url: str


@dataclass(frozen=True, slots=True)
class MergePage:
    """The page.

    Attributes:
        line: the order that ends.
        url: of that order.
        why_not: why it ends in none, or not in the one that was chosen; empty when it can.
        query: what the targets are narrowed by; `targets` are open orders of the same unit.
        more: whether there are further ones that a search would find.
        chosen: the order that goes on; None while none is chosen.
        effects: what merging will do, one by one.
        kept: hidden fields of the form: the number chosen, and both versions as they are shown.
        change_url: back to the choice.
    """

    line: OrderLine
    url: str
    why_not: str = ""
    query: str = ""
    targets: tuple[MergeTarget, ...] = ()
    more: bool = False
    chosen: OrderLine | None = None
    effects: tuple[Pair, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    change_url: str = ""
