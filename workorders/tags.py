"""标签: words of their own by which people sort their orders."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, select

from store.unit_of_work import UnitOfWork
from workorders import reads
from workorders.acting import Act, perform_act
from workorders.context import Context
from workorders.model import WorkOrder
from workorders.rows import ORDERS
from workorders.states import Outcome, Verb

#: Characters of a tag, and tags of an order.
LENGTH: Final = 40
COUNT: Final = 20
#: What parts tags from each other where several are written; quotes hide them from a search.
_SIGNS: Final = frozenset(',;"\\')


def clean_tag(word: str) -> str:
    """A tag as it is kept: full-width letters are narrow, and one space parts its words."""
    return " ".join(unicodedata.normalize("NFKC", word).split())


def tag(
    uow: UnitOfWork,
    ctx: Context,
    order_id: str,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> Outcome:
    """Add and remove tags.

    Returns:
        Refused with ``NEEDS_TAG``, ``TAG_TOO_LONG``, ``TAG_SIGN`` or ``TAG_TOO_MANY``, or as any
        act is; what stands already, or is not there to be removed, is ``ALREADY_DONE``.
    """
    wanted, unwanted = _words(add), _words(remove)

    def left(before: WorkOrder) -> tuple[str, ...]:
        tags = dict.fromkeys((*before.tags, *wanted))
        return tuple(one for one in tags if one not in unwanted)

    def check(before: WorkOrder, _after: WorkOrder) -> tuple[str, Mapping[str, Any]]:
        tags = left(before)
        if not (wanted or unwanted):
            return "NEEDS_TAG", {}
        if fault := next(filter(None, map(_fault, wanted)), None):
            return fault
        if len(tags) > max(COUNT, len(before.tags)):  # a merge may have brought more
            return "TAG_TOO_MANY", {"most": COUNT}
        return ("ALREADY_DONE", {}) if tags == before.tags else ("", {})

    def change(before: WorkOrder, after: WorkOrder) -> WorkOrder:
        return replace(after, tags=left(before))

    told = [*(f"+{one}" for one in wanted), *(f"−{one}" for one in unwanted)]
    params = {"add": wanted, "remove": unwanted, "change": told}
    act = Act(params=params, check=check, change=change)
    return perform_act(uow, ctx, order_id, Verb.TAG, act)


def _words(given: Sequence[str]) -> list[str]:
    return [word for one in given if (word := clean_tag(one))]


def _fault(word: str) -> tuple[str, Mapping[str, Any]] | None:
    if len(word) > LENGTH:
        return "TAG_TOO_LONG", {"tag": word[:LENGTH], "most": LENGTH}
    signs = [one for one in word if one in _SIGNS or unicodedata.category(one)[0] == "C"]
    return ("TAG_SIGN", {"tag": word}) if signs else None


def tags_in_use(
    connection: Connection, scopes: Sequence[str], wanted: reads.Filter, most: int
) -> tuple[str, ...]:
    """The tags of the orders that a reader sees and wants, what many carry first."""
    conditions = reads.order_conditions(scopes, wanted)
    found = connection.scalars(select(ORDERS.c.tags).where(*conditions, ORDERS.c.tags != []))
    counted = Counter(one for tags in found for one in tags)
    return tuple(sorted(counted, key=lambda one: (-counted[one], one))[:most])
